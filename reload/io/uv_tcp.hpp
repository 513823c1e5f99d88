// TCP on libuv: a listener and a stream. Callbacks run on the loop; a stream may be closed inside any of them.
#pragma once

#include <uv.h>

#include <functional>
#include <memory>
#include <string>

#include "reload/base/bytes.hpp"
#include "reload/base/result.hpp"
#include "reload/wire/address.hpp"

namespace reload::io {

[[nodiscard]] std::string to_text(const wire::IpAddressPort& address);
// "192.0.2.1:6084" or "[2001:db8::1]:6084"; the port may be left out when `default_port` is not 0.
[[nodiscard]] Result<wire::IpAddressPort> parse_address(std::string_view text, std::uint16_t default_port = 0);
// The address of this machine from which `remote` would be contacted, with port 0; nothing when there is no route.
// Sends nothing.
[[nodiscard]] std::optional<wire::IpAddressPort> local_address_towards(const wire::IpAddressPort& remote);

// One TCP connection. Destroying it closes it; what was written before still goes out, if the other side takes it
// within some seconds.
class UvStream {
 public:
  struct Events {
    std::function<void()> connected;
    std::function<void(ByteView)> data;
    std::function<void(std::string reason)> closed;  // by the other side or an error; once
  };

  static std::unique_ptr<UvStream> connect(uv_loop_t* loop, const wire::IpAddressPort& to, Events events);
  // Takes a connection from a listener.
  static std::unique_ptr<UvStream> accept(uv_loop_t* loop, uv_stream_t* listener);
  ~UvStream();
  UvStream(const UvStream&) = delete;
  UvStream& operator=(const UvStream&) = delete;

  void start(Events events);  // for an accepted stream
  void write(Bytes bytes);
  [[nodiscard]] std::size_t queued() const;  // bytes not yet taken by the kernel
  [[nodiscard]] wire::IpAddressPort remote() const;

 private:
  struct Handle;
  explicit UvStream(uv_loop_t* loop);
  Handle* handle_;  // outlives this object until libuv has closed it
};

class UvListener {
 public:
  // Port 0: any free one; see `address`.
  static Result<std::unique_ptr<UvListener>> listen(uv_loop_t* loop, const wire::IpAddressPort& at,
                                                    std::function<void(std::unique_ptr<UvStream>)> accepted);
  ~UvListener();
  UvListener(const UvListener&) = delete;
  UvListener& operator=(const UvListener&) = delete;
  [[nodiscard]] wire::IpAddressPort address() const;

 private:
  struct Handle;
  UvListener() = default;
  Handle* handle_ = nullptr;
};

}  // namespace reload::io
