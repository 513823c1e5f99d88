#include "reload/io/https.hpp"

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
  void operator()(curl_mime* mime) const { curl_mime_free(mime); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

constexpr curl_off_t kMaxRetryAfterSeconds = 86400;

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

HttpsFailure explain(CURL* curl, CURLcode code, const char* text, const HttpsRequest& request) {
  const std::string why = *text != '\0' ? text : curl_easy_strerror(code);
  long chain = 0;
  curl_easy_getinfo(curl, CURLINFO_SSL_VERIFYRESULT, &chain);
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
      // The name is looked at after a handshake in which the chain was good; this is what curl then leaves here.
      if (chain == X509_V_ERR_UNSPECIFIED)
        return {"the server's certificate is not for " + host_of(request.url)->host + " (" + why +
                    "), and no other will do: get one for this name",
                true};
      return {"the server's certificate is not trusted (" + why + "): name the file of its authority with --tls-ca",
              false};
    case CURLE_WRITE_ERROR:
    case CURLE_FILESIZE_EXCEEDED:
      return {"the answer has more than " + std::to_string(request.limit) + " bytes", false};
    case CURLE_ABORTED_BY_CALLBACK:
      return {"cancelled", false};
    default:
      return {why, false};
  }
}

// curl_mime copies what it is given.
Owned<curl_mime> make_form(CURL* curl, const std::vector<FormPart>& parts) {
  Owned<curl_mime> form(curl_mime_init(curl));
  for (const FormPart& part : parts) {
    curl_mimepart* made = form != nullptr ? curl_mime_addpart(form.get()) : nullptr;
    if (made == nullptr || curl_mime_name(made, part.name.c_str()) != CURLE_OK ||
        curl_mime_data(made, part.content.data(), part.content.size()) != CURLE_OK ||
        (!part.type.empty() && curl_mime_type(made, part.type.c_str()) != CURLE_OK))
      return nullptr;
  }
  return form;
}

HttpsAnswer answer_of(CURL* curl, Body body, std::string tag) {
  HttpsAnswer answer;
  answer.body = std::move(body.bytes);
  answer.tag = std::move(tag);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
  const char* text = nullptr;
  if (curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &text) == CURLE_OK && text != nullptr) answer.type = text;
  text = nullptr;
  if (curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &text) == CURLE_OK && text != nullptr) answer.elsewhere = text;
  curl_off_t seconds = 0;
  if (curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0)
    answer.retry_after = std::chrono::seconds(std::min<curl_off_t>(seconds, kMaxRetryAfterSeconds));
  return answer;
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

std::string with_host(const std::string& url, const std::string& host) {
  const Owned<CURLU> parsed(curl_url());
  if (parsed == nullptr || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK ||
      curl_url_set(parsed.get(), CURLUPART_HOST, host.c_str(), 0) != CURLUE_OK)
    return url;
  return part(parsed.get(), CURLUPART_URL).value_or(url);
}

tl::expected<HttpsAnswer, HttpsFailure> https_exchange(const HttpsRequest& request,
                                                       const std::atomic<bool>& cancelled) {
  static const CURLcode library = curl_global_init(CURL_GLOBAL_DEFAULT);
  const Owned<CURL> curl(library == CURLE_OK ? curl_easy_init() : nullptr);
  if (curl == nullptr) return tl::unexpected(HttpsFailure{"libcurl can't be used here", false});
  char text[CURL_ERROR_SIZE] = "";
  Body body{{}, request.limit};
  Owned<curl_slist> connect_to;
  if (request.at) connect_to.reset(curl_slist_append(nullptr, ("::" + to_text(*request.at)).c_str()));
  const auto set = [&](CURLoption option, auto value) { return curl_easy_setopt(curl.get(), option, value); };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_CONNECT_TO, connect_to.get());
  set(CURLOPT_PROXY, "");  // 6940 11.2: a connection to that address
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  if (!request.ca_file.empty()) {
    set(CURLOPT_CAINFO, request.ca_file.c_str());
    set(CURLOPT_CAPATH, nullptr);
  }
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_ERRORBUFFER, text);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits::kConfigServerConnectTime / 1ms));
  set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.time / 1ms));
  set(CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(request.limit));
  set(CURLOPT_WRITEFUNCTION, &take);
  set(CURLOPT_WRITEDATA, &body);
  std::string tag;
  set(CURLOPT_HEADERFUNCTION, &take_header);
  set(CURLOPT_HEADERDATA, &tag);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, &is_cancelled);
  set(CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(&cancelled));
  Owned<curl_slist> headers;
  const auto add_header = [&headers](const std::string& line) {
    headers.reset(curl_slist_append(headers.release(), line.c_str()));
  };
  if (!request.accept.empty()) add_header("Accept: " + request.accept);
  if (!request.known_tag.empty()) add_header("If-None-Match: " + request.known_tag);
  set(CURLOPT_HTTPHEADER, headers.get());
  Owned<curl_mime> form;
  if (!request.form.empty()) {
    form = make_form(curl.get(), request.form);
    if (form == nullptr) return tl::unexpected(HttpsFailure{"no memory for the request", false});
    set(CURLOPT_MIMEPOST, form.get());
  }
  if (const CURLcode code = curl_easy_perform(curl.get()); code != CURLE_OK)
    return tl::unexpected(explain(curl.get(), code, text, request));
  return answer_of(curl.get(), std::move(body), std::move(tag));
}

Result<HttpsBody> https_get(const HttpsRequest& request, const std::atomic<bool>& cancelled) {
  auto answer = https_exchange(request, cancelled);
  if (!answer) return failure(answer.error().text);
  if (answer->status == 200) return HttpsBody{std::move(answer->body), std::move(answer->tag), false};
  if (answer->status == 304 && !request.known_tag.empty()) return HttpsBody{{}, request.known_tag, true};
  return failure("the server answers " + std::to_string(answer->status) +
                 (answer->elsewhere.empty() ? "" : " to lead elsewhere, which is not followed"));
}

}  // namespace reload::io
