// One HTTPS request, by libcurl. It waits for the answer and so is for threads that may wait.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <vector>

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

// The same URL with another host in it.
[[nodiscard]] std::string with_host(const std::string& url, const std::string& host);

// A part of a multipart/form-data body (RFC 2388).
struct FormPart {
  std::string name;
  std::string content;
  std::string type;  // empty: text without a Content-Type
};

struct HttpsRequest {
  std::string url;
  // Where to connect. The certificate must match the URL's host all the same (RFC 2818), whatever name led here.
  std::optional<wire::IpAddressPort> at;
  std::string ca_file;  // empty: the authorities that this machine trusts
  std::size_t limit = 0;
  Duration time{};
  std::vector<FormPart> form{};  // a POST of these; none: a GET
  std::string accept{};          // empty: anything
  std::string known_tag{};       // the ETag of what is here already (RFC 9110 13.1.2)
};
struct HttpsAnswer {
  long status = 0;
  std::string type;  // its Content-Type
  Bytes body;
  std::string tag;  // its ETag, if it has one
  std::optional<Duration> retry_after;
  std::string elsewhere;  // where a redirection leads, which is not followed
};
struct HttpsFailure {
  std::string text;
  bool other_name = false;  // the server's certificate is good, but for another name
};
// Whatever answer came; a failure that says why if none did. A body longer than `limit` is cut off and a failure.
[[nodiscard]] tl::expected<HttpsAnswer, HttpsFailure> https_exchange(const HttpsRequest& request,
                                                                     const std::atomic<bool>& cancelled);

struct HttpsBody {
  Bytes bytes;
  std::string tag;         // its ETag, if it has one
  bool unchanged = false;  // 304: what has `known_tag` is up to date
};
// The body of an answer 200; everything else is a failure that says why.
[[nodiscard]] Result<HttpsBody> https_get(const HttpsRequest& request, const std::atomic<bool>& cancelled);

}  // namespace reload::io
