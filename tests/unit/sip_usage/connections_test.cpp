#include "sip-usage/connections.hpp"

#include <doctest/doctest.h>

#include "fake_overlay.hpp"
#include "reload/wire/codec.hpp"
#include "sip-usage/limits.hpp"

namespace reload::sip {
namespace {

NodeId node(std::uint8_t n) { return NodeId(Bytes(16, n)); }

struct Bed {
  void obtain(std::uint8_t n, ApplicationId application = wire::kApplicationSip) {
    connections.obtain({node(n)}, application, now,
                       [this](const overlay::Outcome<overlay::Pipe>& pipe) { results.push_back(pipe ? pipe->id : 0); });
  }
  void pass(Duration time) {
    const Mono end = now + time;
    for (; now < end; now += 1s) connections.tick(now);
  }
  Mono now{1000s};
  FakeOverlay overlay;
  SipCounters counters;
  std::vector<overlay::PipeId> opened, closed, results;
  Connections connections{overlay,
                          counters,
                          {.opened = [this](const overlay::Pipe& pipe) { opened.push_back(pipe.id); },
                           .closed = [this](overlay::PipeId pipe) { closed.push_back(pipe); }}};
};

TEST_CASE(
    "7904-5.1-1 7904-5.1-2 7904-5.1-6: a node is reached by AppAttach; those who ask meanwhile wait for the same") {
  Bed bed;
  bed.obtain(5);
  bed.obtain(5);
  REQUIRE(bed.overlay.attaches.size() == 1);
  CHECK(bed.overlay.attaches[0].request.application == wire::kApplicationSip);
  CHECK(bed.overlay.attaches[0].request.destination_list == wire::encode(wire::DestinationList{node(5)}));
  bed.overlay.attaches[0].done(overlay::Pipe{77, node(5), "x"});
  CHECK(bed.results == std::vector<overlay::PipeId>{77, 77});
  CHECK(bed.opened == std::vector<overlay::PipeId>{77});
}

TEST_CASE("7904-5.1-7 7904-2-2: the connection is used again, but not for the other application id") {
  Bed bed;
  bed.connections.accepted({12, node(5), "x"}, bed.now);
  bed.obtain(5);
  CHECK(bed.overlay.attaches.empty());
  CHECK(bed.results == std::vector<overlay::PipeId>{12});
  bed.obtain(5, wire::kApplicationSips);
  REQUIRE(bed.overlay.attaches.size() == 1);
  CHECK(bed.overlay.attaches[0].request.application == wire::kApplicationSips);
}

TEST_CASE("7904-5.1-3 7904-5.1-4 7904-5.1-5: a connection to another node is closed and not used") {
  Bed bed;
  bed.obtain(5);
  bed.overlay.attaches[0].done(overlay::Pipe{77, node(6), "x"});
  CHECK(bed.results == std::vector<overlay::PipeId>{0});
  CHECK(bed.overlay.closed == std::vector<overlay::PipeId>{77});
  CHECK(bed.opened.empty());
  CHECK(bed.counters.get(SipCounter::pipes_failed) == 1);
}

TEST_CASE("A failure is told to all who wait, and the next one tries again") {
  Bed bed;
  bed.obtain(5);
  bed.obtain(5);
  bed.overlay.attaches[0].done(tl::unexpected<overlay::Error>({wire::ErrorCode::not_found, ""}));
  CHECK(bed.results == std::vector<overlay::PipeId>{0, 0});
  bed.obtain(5);
  CHECK(bed.overlay.attaches.size() == 2);
}

TEST_CASE("7904-5.2-1 7904-5.2-2: a quiet connection gets a double CRLF every 25 s") {
  Bed bed;
  bed.connections.accepted({12, node(5), "x"}, bed.now);
  bed.pass(60s);
  REQUIRE(bed.overlay.sent.size() == 2);
  CHECK(as_text(bed.overlay.sent[0].second.view()) == "\r\n\r\n");
  bed.connections.sent(12, bed.now);
  bed.pass(20s);
  CHECK(bed.overlay.sent.size() == 2);
}

TEST_CASE("A connection that answers no keepalive, and one without SIP for long, are closed") {
  Bed dead;
  dead.connections.accepted({12, node(5), "x"}, dead.now);
  dead.pass(kPipeSilence + 2s);
  CHECK(dead.overlay.closed == std::vector<overlay::PipeId>{12});
  CHECK(dead.closed == std::vector<overlay::PipeId>{12});

  Bed idle;
  idle.connections.accepted({12, node(5), "x"}, idle.now);
  const Bytes pong{'\r', '\n'};
  for (int i = 0; i < 40 && idle.closed.empty(); ++i) {
    idle.connections.received(12, pong, idle.now);
    idle.pass(20s);
  }
  CHECK(idle.now >= Mono(1000s) + kPipeIdle);
  CHECK(idle.closed.size() == 1);
}

TEST_CASE("When one of two connections to a node closes the other one is used") {
  Bed bed;
  bed.connections.accepted({12, node(5), "x"}, bed.now);
  bed.connections.accepted({13, node(5), "x"}, bed.now);
  bed.connections.closed(12);
  bed.obtain(5);
  CHECK(bed.results == std::vector<overlay::PipeId>{13});
  bed.connections.closed(13);
  bed.connections.closed(13);
  bed.obtain(5);
  CHECK(bed.overlay.attaches.size() == 1);
}

TEST_CASE("The number of connections is bounded, and a list without a Node-ID at its end leads nowhere") {
  Bed bed;
  for (std::size_t i = 0; i <= limits::kMaxPipes; ++i) bed.connections.accepted({i + 1, node(5), "x"}, bed.now);
  CHECK(bed.overlay.closed == std::vector<overlay::PipeId>{limits::kMaxPipes + 1});
  bool failed = false;
  bed.connections.obtain({ResourceId(Bytes(16, 1))}, wire::kApplicationSip, bed.now,
                         [&](const overlay::Outcome<overlay::Pipe>& pipe) { failed = !pipe; });
  CHECK(failed);
}

}  // namespace
}  // namespace reload::sip
