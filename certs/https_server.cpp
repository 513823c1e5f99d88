#include "certs/https_server.hpp"

#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <thread>

#include "certs/token_buckets.hpp"

namespace reload::certs {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLingerBytes = 4 * kMaxBodyBytes;
constexpr auto kLingerTime = std::chrono::seconds(1);

thread_local bool turned_away = false;  // the connection at hand has found no place in the queue

// As httplib::ThreadPool, whose queue has no end.
class ConnectionQueue final : public httplib::TaskQueue {
 public:
  ConnectionQueue() {
    for (std::size_t i = 0; i < kConnectionThreads; ++i) threads_.emplace_back([this] { work(); });
  }
  void enqueue(std::function<void()> task) override {
    {
      const std::lock_guard lock(mutex_);
      if (tasks_.size() < kWaitingConnections) {
        tasks_.push_back(std::move(task));
        task = nullptr;
      }
    }
    if (!task) {
      added_.notify_one();
      return;
    }
    turned_away = true;
    task();
    turned_away = false;
  }
  void shutdown() override {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    added_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  void work() {
    while (true) {
      std::unique_lock lock(mutex_);
      added_.wait(lock, [this] { return ended_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      const auto task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
    }
  }

  std::mutex mutex_;
  std::condition_variable added_;
  std::deque<std::function<void()>> tasks_;
  bool ended_ = false;
  std::vector<std::thread> threads_;
};

void address_of(const sockaddr_storage& from, socklen_t size, std::string& host, int& port) {
  std::array<char, NI_MAXHOST> name{};
  std::array<char, NI_MAXSERV> service{};
  if (::getnameinfo(reinterpret_cast<const sockaddr*>(&from), size, name.data(), name.size(), service.data(),
                    service.size(), NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return;
  host = name.data();
  port = std::atoi(service.data());
}

// One connection until its deadline and for so many bytes.
class BoundedStream final : public httplib::Stream {
 public:
  BoundedStream(SSL* ssl, int socket, Clock::time_point deadline, std::string address, int port)
      : ssl_(ssl), socket_(socket), deadline_(deadline), address_(std::move(address)), port_(port) {}

  bool accept() {
    while (true) {
      ERR_clear_error();  // what other work of this thread has left would be taken for a fault of this connection
      const int done = SSL_accept(ssl_);
      if (done == 1) return true;
      if (!wait_for(done)) return false;
    }
  }
  ssize_t read(char* to, std::size_t size) override {
    size = std::min(size, left_);
    if (size == 0) return -1;
    while (true) {
      std::size_t count = 0;
      ERR_clear_error();
      const int done = SSL_read_ex(ssl_, to, size, &count);
      if (done == 1) {
        left_ -= count;
        return static_cast<ssize_t>(count);
      }
      if (SSL_get_error(ssl_, done) == SSL_ERROR_ZERO_RETURN) return 0;
      if (!wait_for(done)) return -1;
    }
  }
  ssize_t write(const char* from, std::size_t size) override {
    while (size > 0) {
      std::size_t count = 0;
      ERR_clear_error();
      const int done = SSL_write_ex(ssl_, from, size, &count);
      if (done == 1) return static_cast<ssize_t>(count);
      if (!wait_for(done)) return -1;
    }
    return 0;
  }
  [[nodiscard]] bool is_readable() const override { return SSL_pending(ssl_) > 0 || poll_for(POLLIN); }
  [[nodiscard]] bool is_writable() const override { return poll_for(POLLOUT); }
  void get_remote_ip_and_port(std::string& ip, int& port) const override {
    ip = address_;
    port = port_;
  }
  void get_local_ip_and_port(std::string& ip, int& port) const override {
    sockaddr_storage local{};
    socklen_t size = sizeof local;
    if (::getsockname(socket_, reinterpret_cast<sockaddr*>(&local), &size) == 0) address_of(local, size, ip, port);
  }
  [[nodiscard]] socket_t socket() const override { return socket_; }

  // Says that this was all. A client that still sends would lose the answer by a reset: what it sends is thrown away
  // until it has read the answer and closes.
  void end() {
    SSL_shutdown(ssl_);
    ::shutdown(socket_, SHUT_WR);
    deadline_ = std::min(deadline_, Clock::now() + kLingerTime);
    std::array<char, 4096> part{};
    for (std::size_t thrown = 0; thrown < kLingerBytes && poll_for(POLLIN); thrown += part.size()) {
      if (::read(socket_, part.data(), part.size()) <= 0) return;
    }
  }

 private:
  [[nodiscard]] bool poll_for(short events) const {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now());
    pollfd entry{socket_, events, 0};
    return left.count() > 0 && ::poll(&entry, 1, static_cast<int>(left.count())) == 1;
  }
  bool wait_for(int done) const {
    const int error = SSL_get_error(ssl_, done);
    if (error == SSL_ERROR_WANT_READ) return poll_for(POLLIN);
    return error == SSL_ERROR_WANT_WRITE && poll_for(POLLOUT);
  }

  SSL* ssl_;
  int socket_;
  Clock::time_point deadline_;
  std::size_t left_ = kMaxReceivedBytes;
  std::string address_;
  int port_;
};

}  // namespace

HttpsServer::HttpsServer(std::function<TlsContextPtr()> context) : context_(std::move(context)) {
  new_task_queue = [] { return new ConnectionQueue; };
  set_keep_alive_max_count(1);
  set_payload_max_length(kMaxBodyBytes);
  // An address in use must be an error, not a share: cpp-httplib would set SO_REUSEPORT.
  set_socket_options([](socket_t socket) {
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  });
}

bool HttpsServer::bind(const std::string& address, int port, int& bound_port) {
  bound_port = port;
  if (port == 0) {
    bound_port = bind_to_any_port(address);
    if (bound_port <= 0) return false;
  } else if (!bind_to_port(address, port)) {
    return false;
  }
  return ::listen(svr_sock_, static_cast<int>(kWaitingConnections)) == 0;  // the library's backlog is 5
}

bool HttpsServer::run() {
  listen_after_bind();
  ended_ = true;
  const std::lock_guard lock(mutex_);
  return ending_;
}

void HttpsServer::end() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    for (const int socket : sockets_) ::shutdown(socket, SHUT_RD);
  }
  while (!is_running() && !ended_) std::this_thread::yield();  // stop() has no effect before the server runs
  stop();
}

bool HttpsServer::process_and_close_socket(socket_t socket) {
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  std::string address;
  int port = 0;
  const bool known = ::getpeername(socket, reinterpret_cast<sockaddr*>(&from), &size) == 0;
  if (known) address_of(from, size, address, port);
  const std::string network = network_of(address);
  bool admitted = false;
  if (known && !turned_away) {
    const std::lock_guard lock(mutex_);
    std::size_t& count = open_[network];
    admitted = count < kConnectionsOfNetwork && !ending_;
    if (admitted) {
      ++count;
      sockets_.insert(socket);
    }
  }
  if (admitted) {
    serve(socket, address, port);
    const std::lock_guard lock(mutex_);
    const auto entry = open_.find(network);
    if (--entry->second == 0) open_.erase(entry);
    sockets_.erase(socket);
  }
  ::close(socket);
  return admitted;
}

void HttpsServer::serve(int socket, const std::string& address, int port) {
  const TlsContextPtr context = context_();
  const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
  if (!ssl || SSL_set_fd(ssl.get(), socket) != 1) return;
  ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
  BoundedStream stream(ssl.get(), socket, Clock::now() + std::chrono::seconds(kConnectionSeconds), address, port);
  if (!stream.accept()) return;
  bool closed = false;
  process_request(stream, true, closed, [&](httplib::Request& request) {
    request.ssl = ssl.get();
    // A short header asks for the document some thousand times. A server need not know ranges (RFC 9110 14.2).
    request.ranges.clear();
    const auto type = request.headers.find("Content-Type");
    std::string form = type == request.headers.end() ? "" : type->second;
    request.headers.erase("Content-Type");
    request.headers.erase(kFormType);
    request.set_header(kFormType, form);
  });
  stream.end();
}

}  // namespace reload::certs
