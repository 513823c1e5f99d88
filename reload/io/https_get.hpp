// One HTTPS GET, by libcurl. It waits for the answer and so is for threads that may wait.
#pragma once

#include <atomic>
#include <optional>
#include <string>

#include "reload/base/bytes.hpp"
#include "reload/base/result.hpp"
#include "reload/base/time.hpp"
#include "reload/wire/address.hpp"

namespace reload::io {

// Host and port of an https URL. Other URLs, and those with a user's name in them, are refused.
struct HttpsHost {
  std::string host;  // an IPv6 address is in brackets
  std::uint16_t port = 443;
  bool is_address = false;
};
[[nodiscard]] Result<HttpsHost> host_of(const std::string& url);

struct HttpsGet {
  std::string url;
  // Where to connect. The certificate must match the URL's host all the same (RFC 2818), whatever name led here.
  std::optional<wire::IpAddressPort> at;
  std::string ca_file;  // empty: the authorities that this machine trusts
  std::size_t limit = 0;
  Duration time{};
  std::string known_tag;  // the ETag of what is here already (RFC 9110 13.1.2)
};
struct HttpsBody {
  Bytes bytes;
  std::string tag;         // its ETag, if it has one
  bool unchanged = false;  // 304: what has `known_tag` is up to date
};
// The body of an answer 200; everything else is a failure that says why. Redirections are not followed, a body longer
// than `limit` is cut off.
[[nodiscard]] Result<HttpsBody> https_get(const HttpsGet& get, const std::atomic<bool>& cancelled);

}  // namespace reload::io
