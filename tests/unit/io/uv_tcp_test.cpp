// TCP streams on a real loop and loopback sockets.
#include "reload/io/uv_tcp.hpp"

#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>

using namespace reload;
using namespace reload::io;

namespace {

wire::IpAddressPort loopback(std::uint16_t port) {
  wire::IpAddressPort address;
  address.address = {127, 0, 0, 1};
  address.port = port;
  return address;
}

// A loop that must have nothing left open at the end.
struct Loop {
  uv_loop_t loop{};
  Loop() { uv_loop_init(&loop); }
  ~Loop() {
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop) == 0);
  }
};

// A client that connects and never reads.
int deaf_client(std::uint16_t port) {
  const int client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(client, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0);
  return client;
}

}  // namespace

TEST_CASE("what was written before a close still goes out") {
  Loop loop;
  std::string received;
  std::unique_ptr<UvStream> server;
  std::unique_ptr<UvStream> client;
  std::unique_ptr<UvListener> listener =
      *UvListener::listen(&loop.loop, loopback(0), [&](std::unique_ptr<UvStream> stream) {
        server = std::move(stream);
        server->start({.connected = {},
                       .data = [&](ByteView bytes) { received += as_text(bytes); },
                       .closed =
                           [&](const std::string&) {
                             server.reset();
                             listener.reset();
                           }});
      });
  client = UvStream::connect(&loop.loop, listener->address(),
                             {.connected =
                                  [&] {
                                    client->write(Bytes(1 << 20, 'a'));
                                    client.reset();
                                  },
                              .data = [](ByteView) {},
                              .closed = [](const std::string&) {}});
  uv_run(&loop.loop, UV_RUN_DEFAULT);
  CHECK(received.size() == 1 << 20);
}

TEST_CASE("a closed stream does not stay open for a peer that never reads") {
  Loop loop;
  std::unique_ptr<UvListener> listener;
  bool over = false;
  listener = *UvListener::listen(&loop.loop, loopback(0), [&](std::unique_ptr<UvStream> stream) {
    stream->write(Bytes(64 << 20, 'a'));  // more than the kernel's buffers take
    CHECK(stream->queued() > 0);
    stream.reset();
    listener.reset();
    over = true;
  });
  const int client = deaf_client(listener->address().port);
  uv_run(&loop.loop, UV_RUN_DEFAULT);  // ends when every handle is closed
  CHECK(over);
  ::close(client);
}
