// Application connections (6940 6.5.2): what may come when, and what bounds it.
#include <doctest/doctest.h>

#include "reload/base/limits.hpp"
#include "tests/kit/node_bed.hpp"

using namespace reload;
using namespace reload::kit;
using wire::MessageCode;

namespace {

const Cast& cast = Cast::get();

// The node has asked Who::next for an application connection.
struct Asked {
  NodeBed bed;
  LinkId link = bed.befriend(Who::next);
  NodeBed::Sent request;

  Asked() {
    bed.sent.clear();
    bed.input(node::CallAppAttach{bed.new_call(), {cast.id(Who::next)}, wire::kApplicationSip});
    auto sent = bed.take(MessageCode::app_attach_req);
    REQUIRE(sent);
    request = std::move(*sent);
  }
  void answer() {
    bed.deliver(link, answer_letter(Who::next, cast.id(Who::node), request.header, MessageCode::app_attach_ans,
                                    wire::encode(sip_attach(Who::next, "active"))));
  }
  [[nodiscard]] const node::ApiResult<node::PipeUp>& result() const {
    REQUIRE(bed.events.size() == 1);
    return std::get<node::ApiResult<node::PipeUp>>(bed.events.front().result);
  }
};

}  // namespace

TEST_CASE("bytes that are faster than the AppAttach answer wait for it") {
  Asked asked;
  const LinkId pipe = asked.bed.link_up(Who::next, wire::kApplicationSip);
  asked.bed.receive(pipe, {1, 2});
  asked.bed.receive(pipe, {3});
  CHECK(asked.bed.pipe_data.empty());
  asked.answer();
  REQUIRE(asked.result());
  CHECK(asked.result()->pipe == pipe);
  CHECK(asked.result()->application == wire::kApplicationSip);
  REQUIRE(asked.bed.pipe_data.size() == 2);
  CHECK(to_bytes(asked.bed.pipe_data[0].bytes.view()) == Bytes{1, 2});
  CHECK(to_bytes(asked.bed.pipe_data[1].bytes.view()) == Bytes{3});
}

TEST_CASE("more bytes than may wait for the answer end the connection, and the call goes on waiting for another") {
  Asked asked;
  const LinkId pipe = asked.bed.link_up(Who::next, wire::kApplicationSip);
  asked.bed.receive(pipe, Bytes(limits::kMaxEarlyPipeBytes));
  CHECK_FALSE(asked.bed.closed.contains(pipe));
  asked.bed.receive(pipe, {1});
  CHECK(asked.bed.closed.contains(pipe));
  asked.answer();
  CHECK(asked.bed.events.empty());
  const LinkId other = asked.bed.link_up(Who::next, wire::kApplicationSip);
  REQUIRE(asked.result());
  CHECK(asked.result()->pipe == other);
}

TEST_CASE("a connection that ends before it was announced ends in silence") {
  Asked asked;
  const LinkId pipe = asked.bed.link_up(Who::next, wire::kApplicationSip);
  asked.bed.link_down(pipe);
  CHECK(asked.bed.pipes_down.empty());
  asked.answer();
  asked.bed.advance(30s);
  REQUIRE_FALSE(asked.result());
  CHECK(asked.result().error().code == wire::ErrorCode::request_timeout);
}

TEST_CASE("a connection that cannot be opened to who asked for it costs nothing but a count") {
  NodeBed bed;
  const LinkId link = bed.befriend(Who::next);
  bed.input(node::CallAcceptApp{wire::kApplicationSip});
  bed.deliver(link, letter(Who::next, {cast.id(Who::node)}, MessageCode::app_attach_req,
                           wire::encode(sip_attach(Who::next, "passive")), 9));
  REQUIRE(bed.opens.size() == 1);
  const auto failed = bed.count(Counter::links_failed);
  bed.answer_open(0, std::nullopt);
  CHECK(bed.count(Counter::links_failed) == failed + 1);
  CHECK(bed.events.empty());
}

TEST_CASE("there are at most so many application connections, and one that ends makes room") {
  NodeBed bed;
  const LinkId link = bed.befriend(Who::next);
  bed.input(node::CallAcceptApp{wire::kApplicationSip});
  TransactionId transaction = 100;
  const auto one_more = [&] {
    bed.deliver(link, letter(Who::next, {cast.id(Who::node)}, MessageCode::app_attach_req,
                             wire::encode(sip_attach(Who::next, "passive")), ++transaction));
    REQUIRE(bed.opens.size() == 1);
    const LinkId pipe = bed.opens.front().link;
    bed.answer_open(0, Who::next);
    return pipe;
  };
  LinkId first{};
  for (std::size_t i = 0; i < limits::kMaxPipes; ++i) {
    const LinkId pipe = one_more();
    if (i == 0) first = pipe;
    REQUIRE_FALSE(bed.closed.contains(pipe));
    bed.events.clear();
  }
  CHECK(bed.closed.contains(one_more()));
  CHECK(bed.events.empty());
  bed.input(node::PipeClose{first});
  CHECK_FALSE(bed.closed.contains(one_more()));
  CHECK(bed.events.size() == 1);
}
