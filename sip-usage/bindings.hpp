// The contacts of the phones that registered here (RFC 3261 10.3), and when they end.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "reload/base/time.hpp"

namespace reload::sip {

enum class Transport : std::uint8_t { udp, tcp };

// Where a request came from: what reaches the phone again through a NAT, or over the connection it opened.
struct Flow {
  Transport transport = Transport::udp;
  std::string address;  // literal
  std::uint16_t port = 0;
  std::uint16_t listener = 0;  // which of our addresses it came to
  friend bool operator==(const Flow&, const Flow&) = default;
};

struct Binding {
  std::string uri;         // the contact as the phone wrote it
  std::string key;         // what makes it equal to another: user, host and port
  std::uint16_t q = 1000;  // thousandths
  Mono expires;
  std::string call_id;
  std::uint32_t cseq = 0;
  Flow flow;
};

struct ContactUpdate {
  std::string uri;
  std::string key;
  std::uint16_t q = 1000;
  Duration expires{};  // zero removes
};

struct BindingUpdate {
  std::string aor;
  bool remove_all = false;  // Contact: *
  std::vector<ContactUpdate> contacts;
  std::string call_id;
  std::uint32_t cseq = 0;
  Flow flow;
};

enum class BindingFault : std::uint8_t { none, old_cseq, too_many_contacts, full };

class Bindings {
 public:
  // RFC 3261 10.3 steps 6 to 8: all of it, or nothing when one contact may not be changed.
  BindingFault apply(const BindingUpdate& update, Mono now);
  void remove(const std::string& aor);
  // Removes what has expired of `aor`; how many.
  std::size_t expire(const std::string& aor, Mono now);

  // Highest q first, then as registered. Empty for an address without contacts.
  [[nodiscard]] const std::vector<Binding>& of(const std::string& aor) const;
  // The binding of any address with this contact: where an in-dialog request to the contact can go.
  [[nodiscard]] const Binding* by_contact(const std::string& key) const;
  // Precondition: the address has contacts.
  [[nodiscard]] Mono first_expiry(const std::string& aor) const;
  [[nodiscard]] Mono last_expiry(const std::string& aor) const;

  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] std::size_t addresses() const { return by_aor_.size(); }

 private:
  std::map<std::string, std::vector<Binding>> by_aor_;
  std::set<std::pair<std::string, std::string>> by_key_;  // contact key, aor
  std::size_t count_ = 0;
};

}  // namespace reload::sip
