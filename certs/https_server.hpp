// cpp-httplib's server on TLS connections of our own: each is bounded in the bytes it may send and the time it may take
// before the library reads anything, since the library (0.11) bounds neither headers nor chunked bodies.
#pragma once

// clang-format off
#include <httplib.h>
// clang-format on

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace reload::certs {

inline constexpr std::size_t kMaxBodyBytes = 65536;
inline constexpr std::size_t kMaxReceivedBytes = kMaxBodyBytes + 32768;  // with the headers
inline constexpr int kConnectionSeconds = 20;                            // handshake, request and answer
inline constexpr std::size_t kConnectionThreads = 128;
inline constexpr std::size_t kWaitingConnections = 512;
inline constexpr std::size_t kConnectionsOfNetwork = 96;  // one host, with a /64 of IPv6, does not keep all threads

using TlsContextPtr = std::shared_ptr<SSL_CTX>;

class HttpsServer final : public httplib::Server {
 public:
  // `context` is asked for each connection. The media type of a form is handed on as kFormType: then the library leaves
  // the body as it is.
  explicit HttpsServer(std::function<TlsContextPtr()> context);

  // Takes the address alone, with room for as many waiting connections as are served.
  [[nodiscard]] bool bind(const std::string& address, int port, int& bound_port);
  // Serves until end(); false: until connections could not be taken any more.
  [[nodiscard]] bool run();
  // Nothing more is read, what was asked is still answered.
  void end();

  static constexpr const char* kFormType = "X-Reload-Form-Type";

 private:
  bool process_and_close_socket(socket_t socket) override;
  void serve(int socket, const std::string& address, int port);

  std::function<TlsContextPtr()> context_;
  std::mutex mutex_;
  bool ending_ = false;
  std::atomic<bool> ended_ = false;
  std::map<std::string, std::size_t> open_;  // connections by network; as many as there are threads at most
  std::set<int> sockets_;                    // theirs
};

}  // namespace reload::certs
