#include "reload/io/uv_tcp.hpp"

#include <arpa/inet.h>
#include <unistd.h>

#include <charconv>
#include <cstring>

#include "reload/base/check.hpp"

namespace reload::io {

namespace {

constexpr std::size_t kReadBuffer = 65536;
constexpr int kBacklog = 512;
constexpr std::uint64_t kLingerMs = 5000;  // for what was written before a close; the other side may never read it

sockaddr_storage to_sockaddr(const wire::IpAddressPort& address) {
  sockaddr_storage storage{};
  if (address.type == wire::AddressType::ipv4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    std::memcpy(&v4.sin_addr, address.address.data(), 4);
    std::memcpy(&storage, &v4, sizeof v4);
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(address.port);
    std::memcpy(&v6.sin6_addr, address.address.data(), 16);
    std::memcpy(&storage, &v6, sizeof v6);
  }
  return storage;
}

wire::IpAddressPort from_sockaddr(const sockaddr_storage& storage) {
  wire::IpAddressPort address;
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof v6);
    address.type = wire::AddressType::ipv6;
    address.port = ntohs(v6.sin6_port);
    std::memcpy(address.address.data(), &v6.sin6_addr, 16);
  } else {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof v4);
    address.port = ntohs(v4.sin_port);
    std::memcpy(address.address.data(), &v4.sin_addr, 4);
  }
  return address;
}

std::string cure_of(int error) {
  switch (error) {
    case UV_EADDRINUSE:
      return "; choose another port, or end the process that holds this one";
    case UV_EADDRNOTAVAIL:
      return "; give an address of this machine";
    case UV_EACCES:
      return "; choose a port from 1024 up, or run with the right to open this one";
    default:
      return {};
  }
}

}  // namespace

std::string to_text(const wire::IpAddressPort& address) {
  char text[INET6_ADDRSTRLEN] = "";
  const bool v4 = address.type == wire::AddressType::ipv4;
  inet_ntop(v4 ? AF_INET : AF_INET6, address.address.data(), text, sizeof text);
  const std::string host = v4 ? std::string(text) : "[" + std::string(text) + "]";
  return host + ":" + std::to_string(address.port);
}

Result<wire::IpAddressPort> parse_address(std::string_view text, std::uint16_t default_port) {
  const std::string whole(text);
  const auto bad = [&] {
    return failure("'" + whole + "' is not an address: write 192.0.2.1:6084 or [2001:db8::1]:6084");
  };
  std::string_view host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return bad();
    host = text.substr(1, end - 1);
    if (end + 1 < text.size()) {
      if (text[end + 1] != ':') return bad();
      port = text.substr(end + 2);
    }
  } else if (const auto colon = text.find(':'); colon != std::string_view::npos && text.rfind(':') == colon) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  wire::IpAddressPort address;
  address.port = default_port;
  const std::string host_text(host);
  if (inet_pton(AF_INET, host_text.c_str(), address.address.data()) != 1) {
    address.type = wire::AddressType::ipv6;
    if (inet_pton(AF_INET6, host_text.c_str(), address.address.data()) != 1) return bad();
  }
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error != std::errc() || end != port.data() + port.size()) return bad();
  } else if (default_port == 0) {
    return bad();
  }
  return address;
}

std::optional<wire::IpAddressPort> local_address_towards(const wire::IpAddressPort& remote) {
  const bool v4 = remote.type == wire::AddressType::ipv4;
  const int probe = ::socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (probe < 0) return std::nullopt;
  const sockaddr_storage there = to_sockaddr(remote);
  sockaddr_storage here{};
  socklen_t size = sizeof here;
  // Connecting a datagram socket only chooses its addresses.
  const bool routed = ::connect(probe, reinterpret_cast<const sockaddr*>(&there),
                                v4 ? sizeof(sockaddr_in) : sizeof(sockaddr_in6)) == 0 &&
                      ::getsockname(probe, reinterpret_cast<sockaddr*>(&here), &size) == 0;
  ::close(probe);
  if (!routed) return std::nullopt;
  auto own = from_sockaddr(here);
  own.port = 0;
  return own;
}

struct UvStream::Handle {
  uv_tcp_t tcp{};
  uv_timer_t linger{};
  int open_handles = 2;
  uv_connect_t connecting{};
  Events events;
  bool abandoned = false;  // the UvStream is gone
  bool reported = false;   // closed was called
  bool reading = false;
  std::size_t writes = 0;  // writes that libuv still holds

  static Handle* of(void* data) { return static_cast<Handle*>(data); }

  void report(std::string reason) {
    if (abandoned || reported) return;
    reported = true;
    events.closed(std::move(reason));
  }
  void close() {
    if (uv_is_closing(reinterpret_cast<uv_handle_t*>(&tcp)) != 0) return;
    const auto closed_one = [](uv_handle_t* handle) {
      if (--of(handle->data)->open_handles == 0) delete of(handle->data);
    };
    uv_close(reinterpret_cast<uv_handle_t*>(&tcp), closed_one);
    uv_close(reinterpret_cast<uv_handle_t*>(&linger), closed_one);
  }
  void abandon() {
    abandoned = true;
    if (reading) uv_read_stop(reinterpret_cast<uv_stream_t*>(&tcp));
    if (writes == 0) return close();
    uv_timer_start(
        &linger, [](uv_timer_t* timer) { of(timer->data)->close(); }, kLingerMs, 0);
  }
  void read() {
    reading = true;
    uv_read_start(
        reinterpret_cast<uv_stream_t*>(&tcp),
        [](uv_handle_t*, std::size_t, uv_buf_t* buffer) {
          // The loop is single-threaded and the bytes are consumed in the callback, so one buffer serves all streams.
          static thread_local std::array<char, kReadBuffer> shared;
          *buffer = uv_buf_init(shared.data(), kReadBuffer);
        },
        [](uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
          Handle* self = of(stream->data);
          if (self->abandoned) return;
          if (count < 0) {
            uv_read_stop(stream);
            self->report(count == UV_EOF ? "closed by the other side" : uv_strerror(static_cast<int>(count)));
          } else if (count > 0) {
            const auto* bytes = reinterpret_cast<const std::uint8_t*>(buffer->base);
            self->events.data(ByteView(bytes, static_cast<std::size_t>(count)));
          }
        });
  }
};

UvStream::UvStream(uv_loop_t* loop) : handle_(new Handle) {
  RELOAD_CHECK(uv_tcp_init(loop, &handle_->tcp) == 0);
  RELOAD_CHECK(uv_timer_init(loop, &handle_->linger) == 0);
  handle_->tcp.data = handle_->linger.data = handle_;
}

std::unique_ptr<UvStream> UvStream::connect(uv_loop_t* loop, const wire::IpAddressPort& to, Events events) {
  std::unique_ptr<UvStream> stream(new UvStream(loop));
  Handle* handle = stream->handle_;
  handle->events = std::move(events);
  handle->connecting.data = handle;
  const sockaddr_storage address = to_sockaddr(to);
  // libuv reports an immediate failure from here; callers get it through the same callback as a late one.
  const int error = uv_tcp_connect(&handle->connecting, &handle->tcp, reinterpret_cast<const sockaddr*>(&address),
                                   [](uv_connect_t* request, int status) {
                                     Handle* self = Handle::of(request->data);
                                     if (self->abandoned) return;
                                     if (status < 0) return self->report(uv_strerror(status));
                                     uv_tcp_nodelay(&self->tcp, 1);
                                     self->read();
                                     self->events.connected();
                                   });
  if (error != 0) return nullptr;
  return stream;
}

std::unique_ptr<UvStream> UvStream::accept(uv_loop_t* loop, uv_stream_t* listener) {
  std::unique_ptr<UvStream> stream(new UvStream(loop));
  if (uv_accept(listener, reinterpret_cast<uv_stream_t*>(&stream->handle_->tcp)) != 0) return nullptr;
  uv_tcp_nodelay(&stream->handle_->tcp, 1);
  return stream;
}

UvStream::~UvStream() {
  // The callbacks stay until the handle goes: this may run inside one of them.
  handle_->abandon();
}

void UvStream::start(Events events) {
  handle_->events = std::move(events);
  handle_->read();
}

void UvStream::write(Bytes bytes) {
  if (bytes.empty()) return;
  auto* stream = reinterpret_cast<uv_stream_t*>(&handle_->tcp);
  // Mostly the kernel takes everything at once and no request has to live on.
  uv_buf_t buffer = uv_buf_init(reinterpret_cast<char*>(bytes.data()), static_cast<unsigned>(bytes.size()));
  const int taken = uv_try_write(stream, &buffer, 1);
  if (taken == static_cast<int>(bytes.size())) return;
  if (taken < 0 && taken != UV_EAGAIN) return;  // the read side reports the loss
  if (taken > 0) bytes.erase(bytes.begin(), bytes.begin() + taken);
  struct Write {
    uv_write_t request{};
    Bytes bytes;
  };
  auto* write = new Write{{}, std::move(bytes)};
  write->request.data = handle_;
  buffer = uv_buf_init(reinterpret_cast<char*>(write->bytes.data()), static_cast<unsigned>(write->bytes.size()));
  ++handle_->writes;
  const int error = uv_write(&write->request, stream, &buffer, 1, [](uv_write_t* request, int) {
    Handle* self = Handle::of(request->data);
    delete reinterpret_cast<Write*>(request);
    --self->writes;
    if (self->abandoned && self->writes == 0) self->close();
  });
  if (error != 0) {
    --handle_->writes;
    delete write;
  }
}

std::size_t UvStream::queued() const {
  return uv_stream_get_write_queue_size(reinterpret_cast<const uv_stream_t*>(&handle_->tcp));
}

wire::IpAddressPort UvStream::remote() const {
  sockaddr_storage storage{};
  int size = sizeof storage;
  if (uv_tcp_getpeername(&handle_->tcp, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  return from_sockaddr(storage);
}

struct UvListener::Handle {
  uv_tcp_t tcp{};
  std::function<void(std::unique_ptr<UvStream>)> accepted;
};

Result<std::unique_ptr<UvListener>> UvListener::listen(uv_loop_t* loop, const wire::IpAddressPort& at,
                                                       std::function<void(std::unique_ptr<UvStream>)> accepted) {
  std::unique_ptr<UvListener> listener(new UvListener);
  auto* handle = new Handle{{}, std::move(accepted)};
  listener->handle_ = handle;
  RELOAD_CHECK(uv_tcp_init(loop, &handle->tcp) == 0);
  handle->tcp.data = handle;
  const sockaddr_storage address = to_sockaddr(at);
  int error = uv_tcp_bind(&handle->tcp, reinterpret_cast<const sockaddr*>(&address), 0);
  if (error == 0)
    error = uv_listen(reinterpret_cast<uv_stream_t*>(&handle->tcp), kBacklog, [](uv_stream_t* stream, int status) {
      if (status < 0) return;
      auto accepted_stream = UvStream::accept(stream->loop, stream);
      if (accepted_stream) static_cast<Handle*>(stream->data)->accepted(std::move(accepted_stream));
    });
  if (error != 0) return failure("cannot listen on " + to_text(at) + ": " + uv_strerror(error) + cure_of(error));
  return listener;
}

UvListener::~UvListener() {
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_->tcp),
           [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

wire::IpAddressPort UvListener::address() const {
  sockaddr_storage storage{};
  int size = sizeof storage;
  if (uv_tcp_getsockname(&handle_->tcp, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  return from_sockaddr(storage);
}

}  // namespace reload::io
