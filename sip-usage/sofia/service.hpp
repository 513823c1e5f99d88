// The SIP side of a peer: registrar and stateful proxy for phones, on a thread of its own. It reaches the node through
// `PostToNode` only, so that neither loop waits for the other.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "reload/base/result.hpp"
#include "sip-usage/counters.hpp"
#include "sip-usage/digest_auth.hpp"
#include "sip-usage/sofia/overlay_facts.hpp"

namespace reload::sip {

struct ListenAddress {
  std::string address;     // a literal IPv4 or IPv6 address that phones reach; not a wildcard
  std::uint16_t port = 0;  // UDP and TCP; 0 takes a free one (see SipStatus::listening)
};

// Requests a second of one source address, and how many it may send at once.
struct RateLimit {
  std::uint32_t per_second = 0;
  std::uint32_t burst = 0;
};

struct SipOptions {
  std::vector<ListenAddress> listen;
  std::string passwords_file;  // lines user@domain:realm:HA1-MD5:HA1-SHA256, as reload-certs issue --passwords writes
  std::uint32_t min_expires = 60;
  std::uint32_t default_expires = 3600;
  std::uint32_t max_expires = 7200;
  bool anonymous_calls = true;         // requests from strangers to our users
  RateLimit stranger_rate{500, 1000};  // such requests
  RateLimit register_rate{500, 2000};  // REGISTERs that did not prove a password
  // A user with a password registered who has no credential here; its phone is told to come again. Called on the SIP
  // thread. Nothing: it is refused.
  std::function<void(const std::string& aor)> on_missing_credential;
  // What challenges offer, in this order, at most two (RFC 8760). A phone should take the first that it knows, but
  // baresip 1.0 gives up when any of them is not MD5, and sipp when the first is not.
  std::vector<DigestAlgorithm> digest = {DigestAlgorithm::md5};
};

struct SipStatus {
  std::array<std::uint64_t, kSipCounterCount> counters{};  // see kSipCounterInfo
  std::vector<ListenAddress> listening;

  [[nodiscard]] std::uint64_t get(SipCounter counter) const { return counters[static_cast<std::size_t>(counter)]; }
};

class SipService {
 public:
  // Returns when it listens, or says what is wrong: an address in use, a password file that can't be read.
  static Result<std::unique_ptr<SipService>> start(SipOptions options, OverlayFacts facts, PostToNode post);
  ~SipService();
  SipService(const SipService&) = delete;
  SipService& operator=(const SipService&) = delete;

  // From any thread.
  void update(OverlayFacts facts);
  [[nodiscard]] SipStatus status() const;
  // Ends the thread; calls in progress get 503. What is registered stays stored in the overlay until its lifetime ends.
  void stop();

 private:
  struct Impl;
  explicit SipService(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace reload::sip
