#include "reload/io/https_get.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <openssl/x509_vfy.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "reload/base/limits.hpp"
#include "reload/io/uv_tcp.hpp"

namespace reload::io {

namespace {

struct Free {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(char* text) const { curl_free(text); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

struct Body {
  Bytes bytes;
  std::size_t limit;
};

std::size_t take(char* data, std::size_t, std::size_t size, void* to) {
  auto* body = static_cast<Body*>(to);
  if (size > body->limit - body->bytes.size()) return 0;  // ends the transfer
  append(body->bytes, as_bytes(std::string_view(data, size)));
  return size;
}

// Keeps the ETag. One that is too long is none that we would send back.
std::size_t take_header(char* data, std::size_t, std::size_t size, void* to) {
  constexpr std::string_view kName = "etag:";
  constexpr std::size_t kMaxTag = 256;
  const std::string_view line(data, size);
  if (size <= kName.size() || size > kMaxTag) return size;
  const bool is_tag = std::ranges::equal(line.substr(0, kName.size()), kName,
                                         [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
  if (!is_tag) return size;
  const std::string_view value = line.substr(kName.size());
  const std::size_t first = value.find_first_not_of(" \t");
  const std::size_t last = value.find_last_not_of(" \t\r\n");
  if (first != std::string_view::npos && last != std::string_view::npos)
    *static_cast<std::string*>(to) = value.substr(first, last - first + 1);
  return size;
}

int is_cancelled(void* flag, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(flag)->load() ? 1 : 0;
}

std::optional<std::string> part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return std::nullopt;
  return std::string(Owned<char>(text).get());
}

bool is_address(std::string_view host) {
  unsigned char unused[16];
  return host.starts_with('[') || inet_pton(AF_INET, std::string(host).c_str(), unused) == 1;
}

tl::unexpected<Failure> explain(CURL* curl, CURLcode code, const char* text, const HttpsGet& get, const Body& body) {
  const std::string why = *text != '\0' ? text : curl_easy_strerror(code);
  long chain = 0;
  curl_easy_getinfo(curl, CURLINFO_SSL_VERIFYRESULT, &chain);
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
      // The name is looked at after a handshake in which the chain was good; this is what curl then leaves here.
      if (chain == X509_V_ERR_UNSPECIFIED)
        return failure("the server's certificate is not for " + host_of(get.url)->host + " (" + why +
                       "), and no other will do: get one for this name");
      return failure("the server's certificate is not trusted (" + why +
                     "): name the file of its authority with --tls-ca");
    case CURLE_WRITE_ERROR:
    case CURLE_FILESIZE_EXCEEDED:
      return failure("the answer has more than " + std::to_string(body.limit) + " bytes");
    case CURLE_ABORTED_BY_CALLBACK:
      return failure("cancelled");
    default:
      return failure(why);
  }
}

}  // namespace

Result<HttpsHost> host_of(const std::string& url) {
  const auto bad = [&](const std::string& why) {
    return failure("'" + url + "' " + why + ": write https://HOST[:PORT]/PATH");
  };
  const Owned<CURLU> parsed(curl_url());
  if (parsed == nullptr || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK)
    return bad("is not a URL");
  if (part(parsed.get(), CURLUPART_SCHEME) != "https") return bad("is not an https URL");
  if (part(parsed.get(), CURLUPART_USER)) return bad("holds a user name");
  HttpsHost host;
  host.host = part(parsed.get(), CURLUPART_HOST).value_or("");
  host.is_address = is_address(host.host);
  const std::string port = part(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT).value_or("443");
  std::from_chars(port.data(), port.data() + port.size(), host.port);
  return host;
}

Result<HttpsBody> https_get(const HttpsGet& get, const std::atomic<bool>& cancelled) {
  static const CURLcode library = curl_global_init(CURL_GLOBAL_DEFAULT);
  const Owned<CURL> curl(library == CURLE_OK ? curl_easy_init() : nullptr);
  if (curl == nullptr) return failure("libcurl can't be used here");
  char text[CURL_ERROR_SIZE] = "";
  Body body{{}, get.limit};
  std::string tag;
  Owned<curl_slist> connect_to;
  Owned<curl_slist> headers;
  if (!get.known_tag.empty()) headers.reset(curl_slist_append(nullptr, ("If-None-Match: " + get.known_tag).c_str()));
  if (get.at) connect_to.reset(curl_slist_append(nullptr, ("::" + to_text(*get.at)).c_str()));
  const auto set = [&](CURLoption option, auto value) { return curl_easy_setopt(curl.get(), option, value); };
  set(CURLOPT_URL, get.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_CONNECT_TO, connect_to.get());
  set(CURLOPT_PROXY, "");  // 6940 11.2: a connection to that address
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  if (!get.ca_file.empty()) {
    set(CURLOPT_CAINFO, get.ca_file.c_str());
    set(CURLOPT_CAPATH, nullptr);
  }
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_ERRORBUFFER, text);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits::kConfigServerConnectTime / 1ms));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(get.time / 1ms));
  set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(get.limit));
  set(CURLOPT_WRITEFUNCTION, &take);
  set(CURLOPT_WRITEDATA, &body);
  set(CURLOPT_HTTPHEADER, headers.get());
  set(CURLOPT_HEADERFUNCTION, &take_header);
  set(CURLOPT_HEADERDATA, &tag);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &is_cancelled);
  set(CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(&cancelled));
  if (const CURLcode code = curl_easy_perform(curl.get()); code != CURLE_OK)
    return explain(curl.get(), code, text, get, body);
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status == 200) return HttpsBody{std::move(body.bytes), std::move(tag), false};
  if (status == 304 && !get.known_tag.empty()) return HttpsBody{{}, get.known_tag, true};
  const char* elsewhere = nullptr;
  curl_easy_getinfo(curl.get(), CURLINFO_REDIRECT_URL, &elsewhere);
  return failure("the server answers " + std::to_string(status) +
                 (elsewhere != nullptr ? " to lead elsewhere, which is not followed" : ""));
}

}  // namespace reload::io
