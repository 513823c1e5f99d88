#include "peer/admin.hpp"

#include <httplib.h>

#include <future>
#include <thread>

namespace reload::peer {

namespace {

constexpr auto kPatience = std::chrono::seconds(2);
constexpr std::size_t kThreads = 2;

}  // namespace

struct Admin::Impl {
  Ask ask;
  httplib::Server server;
  std::thread thread;

  std::optional<AdminSnapshot> snapshot() {
    auto promise = std::make_shared<std::promise<AdminSnapshot>>();
    auto future = promise->get_future();
    if (!ask([promise](AdminSnapshot made) { promise->set_value(std::move(made)); })) return std::nullopt;
    if (future.wait_for(kPatience) != std::future_status::ready) return std::nullopt;
    return future.get();
  }

  // Runs `answer` with a snapshot, or answers 503 when the node's thread does not give one.
  httplib::Server::Handler with_snapshot(void (*answer)(const AdminSnapshot&, httplib::Response&)) {
    return [this, answer](const httplib::Request&, httplib::Response& response) {
      if (const auto made = snapshot()) return answer(*made, response);
      response.status = 503;
      response.set_content("the node does not answer\n", "text/plain");
    };
  }
};

Admin::Admin(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Admin>> Admin::start(const std::string& address, std::uint16_t port, Ask ask) {
  auto impl = std::make_unique<Impl>();
  impl->ask = std::move(ask);
  httplib::Server& server = impl->server;
  server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };
  // A port in use must be an error, not a share: cpp-httplib would set SO_REUSEPORT.
  server.set_socket_options([](socket_t socket) {
    const int on = 1;
    ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  });
  server.set_keep_alive_max_count(100);
  server.set_read_timeout(5);
  server.set_payload_max_length(65536);
  server.Get("/healthz", impl->with_snapshot([](const AdminSnapshot&, httplib::Response& response) {
    response.set_content("ok\n", "text/plain");
  }));
  server.Get("/readyz", impl->with_snapshot([](const AdminSnapshot& snapshot, httplib::Response& response) {
    const bool ready = is_ready(snapshot);
    response.status = ready ? 200 : 503;
    response.set_content(ready ? "ready\n" : "not joined\n", "text/plain");
  }));
  server.Get("/status", impl->with_snapshot([](const AdminSnapshot& snapshot, httplib::Response& response) {
    response.set_content(status_json(snapshot), "application/json");
  }));
  server.Get("/metrics", impl->with_snapshot([](const AdminSnapshot& snapshot, httplib::Response& response) {
    response.set_content(metrics_text(snapshot), "text/plain; version=0.0.4");
  }));
  if (!server.bind_to_port(address, port))
    return failure(
        "--admin " + address + ":" + std::to_string(port) +
        " cannot be opened: choose another port, or end the process that holds this one; the address must be "
        "this machine's");
  impl->thread = std::thread([raw = impl.get()] { raw->server.listen_after_bind(); });
  // stop() has no effect before the server runs.
  while (!server.is_running()) std::this_thread::yield();
  return std::unique_ptr<Admin>(new Admin(std::move(impl)));
}

Admin::~Admin() {
  impl_->server.stop();
  impl_->thread.join();
}

}  // namespace reload::peer
