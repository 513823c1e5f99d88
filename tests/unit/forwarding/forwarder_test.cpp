#include "reload/forwarding/forwarder.hpp"

#include <doctest/doctest.h>

#include "tests/unit/forwarding/fake_route.hpp"

using namespace reload;
using namespace reload::forwarding;
using namespace reload::test;
using wire::Destination;
using wire::DestinationList;
using wire::ErrorCode;
using wire::ForwardingOption;
using wire::MessageCode;

namespace {

// The counter of a Drop; kCount for any other decision.
Counter dropped(const Decision& decision) {
  const auto* drop = std::get_if<Drop>(&decision);
  return drop == nullptr ? Counter::kCount : drop->reason;
}
// The code of a Refuse; invalid for any other decision.
ErrorCode refused(const Decision& decision) {
  const auto* refuse = std::get_if<Refuse>(&decision);
  return refuse == nullptr ? ErrorCode::invalid : refuse->code;
}
bool delivered(const Decision& decision) { return std::holds_alternative<Deliver>(decision); }
std::optional<NodeId> sent_to(const Decision& decision) {
  const auto* forward = std::get_if<Forward>(&decision);
  if (forward == nullptr || !std::holds_alternative<NodeId>(forward->hop)) return std::nullopt;
  return std::get<NodeId>(forward->hop);
}
const Arrival kUnbound{LinkId{5}, std::nullopt};

}  // namespace

// Receipt: guide 4.2.

TEST_CASE("6940-6.1-1: a message whose header is wrong is discarded") {
  Bed bed;
  Bytes message = wire::encode_header(header_to({node(10)}), kRequest.size());
  append(message, kRequest);
  const auto receive = [&](Bytes bytes) {
    return bed.forwarder.receive(SharedBytes(std::move(bytes)), {LinkId{1}, node(20)}, bed.route, at(0s));
  };
  REQUIRE(delivered(receive(message)));
  const auto with = [&](std::size_t offset, std::uint8_t value) {
    Bytes changed = message;
    changed[offset] = value;
    return dropped(receive(changed));
  };
  CHECK(with(0, 0) == Counter::headers_malformed);      // token
  CHECK(with(4, 9) == Counter::wrong_overlay);          // overlay
  CHECK(with(10, 1) == Counter::wrong_version);         // version
  CHECK(with(12, 0x40) == Counter::headers_malformed);  // fragment bit
  CHECK(with(19, 1) == Counter::headers_malformed);     // length
  CHECK(with(35, 255) == Counter::headers_malformed);   // lists beyond the end
  CHECK(with(39, 15) == Counter::headers_malformed);    // a Node-ID of 15 bytes
  for (std::size_t size = 0; size < message.size(); ++size) {
    CHECK(dropped(receive(to_bytes(ByteView(message).first(size)))) == Counter::headers_malformed);
  }
}

TEST_CASE(
    "6940-6.1-2: a wrong header field is answered with the error that is for it, but by our policy (T12) not one that "
    "makes the message another protocol's or overlay's") {
  Bed bed;
  const auto with = [&](auto change) {
    wire::ForwardingHeader header = header_to({node(10)});
    change(header);
    return bed.receive(header, kRequest);
  };
  CHECK(refused(with([](auto& header) { header.ttl = 101; })) == ErrorCode::ttl_exceeded);
  CHECK(refused(with([](auto& header) { header.destination_list.clear(); })) == ErrorCode::invalid_message);
  CHECK(refused(with([](auto& header) {
          header.destination_list = {node(30), node(30)};
        })) == ErrorCode::invalid_message);
  CHECK(refused(with([](auto& header) {
          header.destination_list = {node(30)};
          header.options.push_back({200, ForwardingOption::kForwardCritical, {}});
        })) == ErrorCode::unsupported_forwarding_option);
  CHECK(dropped(with([](auto& header) { header.overlay = 7; })) == Counter::wrong_overlay);
  CHECK(dropped(with([](auto& header) { header.version = 7; })) == Counter::wrong_version);
}

TEST_CASE("6940-6.3.2-7: only version 0x0a is processed") {
  Bed bed;
  for (unsigned version = 0; version < 256; ++version) {
    wire::ForwardingHeader header = header_to({node(10)});
    header.version = static_cast<std::uint8_t>(version);
    CHECK((dropped(bed.receive(header, kRequest)) == Counter::wrong_version) == (version != 0x0a));
  }
}

TEST_CASE(
    "6940-6.7-15 6940-6.7-16 6940-6.7-17: a message without the high fragment bit is discarded whatever the other bits "
    "are, not taken for a fragment") {
  Bed bed;
  for (std::uint32_t fragment : {0u, 0x40000000u, 0x00000100u, 0x7fffffffu}) {
    wire::ForwardingHeader header = header_to({node(10)});
    Bytes message = wire::encode_header(header, kRequest.size());
    for (std::size_t i = 0; i < 4; ++i) message[12 + i] = static_cast<std::uint8_t>(fragment >> (24 - 8 * i));
    append(message, kRequest);
    CHECK(dropped(bed.forwarder.receive(SharedBytes(message), {LinkId{1}, node(20)}, bed.route, at(0s))) ==
          Counter::headers_malformed);
  }
}

TEST_CASE("6940-6.6-2: a message above max-message-size is answered with an error and its link closed") {
  Bed bed;
  const Bytes whole_body = body_of(wire::MessageCode::store_req, 6000);
  Bytes head = wire::encode_header(header_to({node(10)}, {node(40)}), whole_body.size());
  append(head, ByteView(whole_body).first(2));
  SUBCASE("a request, of which LinkSession gave the beginning") {
    const Decision decision = bed.forwarder.receive(SharedBytes(head), {LinkId{1}, node(20)}, bed.route, at(0s));
    CHECK(refused(decision) == ErrorCode::message_too_large);
    const auto& refuse = std::get<Refuse>(decision);
    CHECK(refuse.close_link);
    CHECK(refuse.previous_hop == Destination(node(20)));
    CHECK(refuse.header.via_list == DestinationList{node(40)});
  }
  SUBCASE("a response is not answered") {
    head.back() = 8;
    const Decision decision = bed.forwarder.receive(SharedBytes(head), {LinkId{1}, node(20)}, bed.route, at(0s));
    CHECK(std::holds_alternative<CloseLink>(decision));
  }
}

TEST_CASE("6940-6.6-4: a header alone above max-message-size closes the link without an error") {
  Bed bed;
  ForwardingRules rules = Bed::rules(node(10));
  rules.max_message_size = 60;
  bed.forwarder.set_rules(rules);
  CHECK(std::holds_alternative<CloseLink>(bed.receive(header_to({node(10)}, {node(40)}), kRequest)));
}

TEST_CASE("6940-6.3.2-13: a ttl above initial-ttl is refused, wherever the message is for") {
  Bed bed;
  for (const NodeId& to : {node(10), node(30)}) {
    wire::ForwardingHeader header = header_to({to});
    header.ttl = 101;
    CHECK(refused(bed.receive(header, kRequest)) == ErrorCode::ttl_exceeded);
    CHECK(dropped(bed.receive(header, kResponse)) == Counter::ttl_exceeded);  // responses are not answered
    header.ttl = 100;
    CHECK(refused(bed.receive(header, kRequest)) == ErrorCode::invalid);
  }
}

TEST_CASE("6940-6.3.3.1-15: an empty Destination List is an invalid message, and the error says why") {
  Bed bed;
  const Decision decision = bed.receive(header_to({}), kRequest);
  CHECK(refused(decision) == ErrorCode::invalid_message);
  CHECK(std::get<Refuse>(decision).info == "no destination");
  CHECK(dropped(bed.receive(header_to({}), kResponse)) == Counter::messages_dropped_via);
}

TEST_CASE("6940-13.6.5-2: duplicates in a request's Destination List are refused as an invalid message") {
  Bed bed;
  CHECK(refused(bed.receive(header_to({node(30), node(40), node(30)}), kRequest)) == ErrorCode::invalid_message);
  CHECK(refused(bed.receive(header_to({node(10), node(40), node(40)}), kRequest)) == ErrorCode::invalid_message);
}

TEST_CASE("T6: a response may come back through a node twice, but not through this one") {
  Bed bed;
  CHECK(sent_to(bed.receive(header_to({node(30), node(40), node(30)}), kResponse)) == node(30));
  CHECK(dropped(bed.receive(header_to({node(10), node(30), node(10)}), kResponse)) == Counter::messages_dropped_via);
}

TEST_CASE("6940-6.3.2.2-9 6940-6.1.1-1 6940-6.1.1-2: a resource is last in its list, or the message goes silently") {
  Bed bed;
  bed.route.own_resources = {resource(1)};
  bed.route.hops = {node(30)};
  CHECK(dropped(bed.receive(header_to({resource(1), node(30)}), kRequest)) == Counter::messages_dropped_via);
  CHECK(dropped(bed.receive(header_to({node(30), resource(2), node(40)}), kRequest)) == Counter::messages_dropped_via);
  CHECK(sent_to(bed.receive(header_to({node(30), resource(2)}), kRequest)) == node(30));
}

TEST_CASE("6940-6.3.2.2-10 and traps 6, 7: a Via List names nodes, no resource, not everybody, not the sender") {
  Bed bed;
  for (const Destination& bad : {Destination(resource(1)), Destination(NodeId::wildcard()), Destination(node(20))}) {
    CHECK(dropped(bed.receive(header_to({node(30)}, {node(40), bad}), kRequest)) == Counter::messages_dropped_via);
  }
  CHECK(sent_to(bed.receive(header_to({node(30)}, {node(20), node(40)}), kRequest)) == node(30));
}

TEST_CASE("6940-6.1.2-16: without an Attach, a node of several Node-IDs can only send Ping and Attach") {
  Bed bed;
  CHECK(refused(bed.receive(header_to({node(10)}), kRequest, kUnbound)) == ErrorCode::forbidden);
  CHECK(refused(bed.receive(header_to({node(30)}), kRequest, kUnbound)) == ErrorCode::forbidden);
  CHECK(delivered(bed.receive(header_to({node(10)}), body_of(wire::MessageCode::ping_req), kUnbound)));
  CHECK(sent_to(bed.receive(header_to({node(30)}), body_of(wire::MessageCode::attach_req), kUnbound)) == node(30));
  CHECK(dropped(bed.receive(header_to({node(30)}), kResponse, kUnbound)) == Counter::messages_dropped_via);
}

// The three ways: guide 4.2 decide.

TEST_CASE("6940-6.1.1-4: a resource in this peer's charge is delivered with the way back") {
  Bed bed;
  bed.route.own_resources = {resource(1)};
  const Decision decision = bed.receive(header_to({resource(1)}, {node(40), node(41)}), kRequest);
  REQUIRE(delivered(decision));
  const auto& deliver = std::get<Deliver>(decision);
  CHECK(equal(deliver.body.view(), kRequest));
  CHECK(deliver.previous_hop == Destination(node(20)));
  CHECK(deliver.header.via_list == DestinationList{node(40), node(41)});
}

TEST_CASE("the own Node-ID and the wildcard are delivered, T10: the wildcard whatever follows") {
  Bed bed;
  CHECK(delivered(bed.receive(header_to({node(10)}), kRequest)));
  CHECK(delivered(bed.receive(header_to({NodeId::wildcard()}), kRequest)));
  CHECK(delivered(bed.receive(header_to({NodeId::wildcard(), node(30)}), kRequest)));
  CHECK(delivered(bed.receive(header_to({node(10), NodeId::wildcard()}), kRequest)));
}

TEST_CASE("6940-6.1.1-8: a message for an absent node in this peer's charge is dropped silently") {
  Bed bed;
  bed.route.own_nodes = {node(50)};
  bed.route.hops = {node(30)};
  CHECK(dropped(bed.receive(header_to({node(50)}), kRequest)) == Counter::messages_dropped_unroutable);
}

TEST_CASE("6940-6.1.1-9: if that node is connected, a client or a joining node, it gets the message") {
  Bed bed;
  bed.route.own_nodes = {node(50)};
  bed.connected.insert(node(50));
  CHECK(sent_to(bed.receive(header_to({node(50)}), kRequest)) == node(50));
}

TEST_CASE("6940-6.1.2-1 6940-6.1.2-2: what is not for this peer goes to whom the topology names, the best connected") {
  Bed bed;
  bed.route.hops = {node(99), node(30), node(21)};
  CHECK(sent_to(bed.receive(header_to({resource(1)}), kRequest)) == node(30));
  CHECK(sent_to(bed.receive(header_to({node(60)}), kRequest)) == node(30));
  bed.route.hops = {};
  CHECK(refused(bed.receive(header_to({node(60)}), kRequest)) == ErrorCode::not_found);
  CHECK(dropped(bed.receive(header_to({node(60)}), kResponse)) == Counter::messages_dropped_unroutable);
}

TEST_CASE("6940-6.1.2-3: a connected node gets its messages directly, whatever the topology says") {
  Bed bed;
  bed.route.hops = {node(30)};
  CHECK(sent_to(bed.receive(header_to({node(21)}), kRequest)) == node(21));
}

TEST_CASE("what its sender would only get back goes another way, or nowhere; a source route may lead back") {
  Bed bed;
  bed.route.hops = {node(20), node(30)};
  CHECK(sent_to(bed.receive(header_to({resource(1)}), kRequest)) == node(30));
  CHECK(sent_to(bed.receive(header_to({resource(1)}), kRequest, {LinkId{1}, node(21)})) == node(20));
  bed.route.hops = {node(20)};
  CHECK(dropped(bed.receive(header_to({resource(1)}), kRequest)) == Counter::messages_dropped_returning);
  CHECK(dropped(bed.receive(header_to({node(60)}), kResponse)) == Counter::messages_dropped_returning);
  CHECK(sent_to(bed.receive(header_to({node(10), node(60)}), kRequest)) == node(20));
}

TEST_CASE("6940-6.5.1-4: messages of others are not routed where only own ones may go; 6940-6.5.1-3: own ones are") {
  Bed bed;
  bed.route.hops_for_own = {node(30)};
  CHECK(refused(bed.receive(header_to({resource(1)}), kRequest)) == ErrorCode::not_found);
  CHECK(sent_to(bed.forwarder.originate(request_header(bed.forwarder, {resource(1)}, 1, 1), SharedBytes(kRequest),
                                        bed.route, at(0s))) == node(30));
}

TEST_CASE("6940-6.2-1: the own entry is taken off a Destination List and the message goes on to the next") {
  Bed bed;
  const Decision decision = bed.receive(header_to({node(10), node(30), node(40)}), kResponse);
  REQUIRE(sent_to(decision) == node(30));
  CHECK(header_of(std::get<Forward>(decision)).destination_list == DestinationList{node(30), node(40)});
}

TEST_CASE("T8: an opaque id that is not ours, or an unknown destination type, ends the way silently if it is first") {
  Bed bed;
  const Destination unknown = wire::UnknownDestination{77, {1, 2}};
  CHECK(dropped(bed.receive(header_to({wire::OpaqueId{{0x80, 1}, true}}), kRequest)) ==
        Counter::messages_dropped_opaque);
  CHECK(dropped(bed.receive(header_to({wire::OpaqueId{{1, 2, 3, 4}, false}}), kRequest)) ==
        Counter::messages_dropped_opaque);
  CHECK(dropped(bed.receive(header_to({unknown}), kRequest)) == Counter::messages_dropped_opaque);
  const Decision decision = bed.receive(header_to({node(30), unknown}), kRequest);
  REQUIRE(sent_to(decision) == node(30));
  CHECK(header_of(std::get<Forward>(decision)).destination_list == DestinationList{node(30), unknown});
}

// Onward: guide 4.3.

TEST_CASE("6940-6.1.2-4: the previous hop is appended to the Via List, of responses and fragments too") {
  Bed bed;
  wire::ForwardingHeader header = header_to({node(30)}, {node(40)});
  for (const Bytes& body : {kRequest, kResponse}) {
    const Decision decision = bed.receive(header, body);
    REQUIRE(sent_to(decision) == node(30));
    CHECK(header_of(std::get<Forward>(decision)).via_list == DestinationList{node(40), node(20)});
  }
  header.fragment = 0x80000500;
  const Decision decision = bed.receive(header, kRequest);
  REQUIRE(sent_to(decision) == node(30));
  CHECK(header_of(std::get<Forward>(decision)).via_list == DestinationList{node(40), node(20)});
  CHECK(header_of(std::get<Forward>(decision)).fragment == 0x80000500);
}

TEST_CASE("6940-6.3.2-8: each hop takes one from the ttl and leaves everything else as it is") {
  Bed bed;
  wire::ForwardingHeader header = header_to({node(30)});
  header.configuration_sequence = 77;
  header.max_response_length = 1234;
  header.options.push_back({9, ForwardingOption::kDestinationCritical | ForwardingOption::kResponseCopy, {1, 2}});
  const Decision decision = bed.receive(header, kRequest);
  REQUIRE(sent_to(decision) == node(30));
  const wire::ForwardingHeader sent = header_of(std::get<Forward>(decision));
  header.ttl = 49;
  header.via_list = {node(20)};
  header.length = sent.length;
  CHECK(sent == header);
}

TEST_CASE("6940-6.3.2-9: a ttl of 0 ends the way, with an error for a request, but not at the destination") {
  Bed bed;
  wire::ForwardingHeader header = header_to({node(30)});
  header.ttl = 0;
  CHECK(refused(bed.receive(header, kRequest)) == ErrorCode::ttl_exceeded);
  CHECK(dropped(bed.receive(header, kResponse)) == Counter::ttl_exceeded);
  CHECK(dropped(bed.receive(header, body_of(wire::MessageCode::error))) == Counter::ttl_exceeded);
  header.destination_list = {node(60)};  // nobody to send it to, the error comes all the same
  CHECK(refused(bed.receive(header, kRequest)) == ErrorCode::ttl_exceeded);
  header.destination_list = {node(10)};
  CHECK(delivered(bed.receive(header, kRequest)));
  header.destination_list = {node(30)};
  header.ttl = 1;
  CHECK(sent_to(bed.receive(header, kRequest)) == node(30));
}

TEST_CASE("6940-6.3.2.3-4: an unknown option flagged FORWARD_CRITICAL is refused on the way, not at the end") {
  Bed bed;
  wire::ForwardingHeader header = header_to({node(30)});
  header.options.push_back({1, 0, {}});
  header.options.push_back({1, ForwardingOption::kForwardCritical, {}});
  CHECK(refused(bed.receive(header, kRequest)) == ErrorCode::unsupported_forwarding_option);
  CHECK(dropped(bed.receive(header, kResponse)) == Counter::forwarding_option_refused);
  header.destination_list = {node(10)};
  CHECK(delivered(bed.receive(header, kRequest)));
}

TEST_CASE("6940-6.3.2.3-5: the destination can tell options it would have to know") {
  wire::ForwardingHeader header;
  header.options.push_back({1, ForwardingOption::kForwardCritical | ForwardingOption::kResponseCopy, {}});
  CHECK(unknown_critical_option(header, ForwardingOption::kDestinationCritical) == nullptr);
  header.options.push_back({2, ForwardingOption::kDestinationCritical, {}});
  CHECK(unknown_critical_option(header, ForwardingOption::kDestinationCritical) == &header.options[1]);
}

TEST_CASE("a body is forwarded as it came: the same bytes at the same place") {
  Bed bed;
  Bytes bytes = wire::encode_header(header_to({node(30)}), kRequest.size());
  const std::size_t head = bytes.size();
  append(bytes, kRequest);
  const SharedBytes message(std::move(bytes));
  const Decision decision = bed.forwarder.receive(message, {LinkId{1}, node(20)}, bed.route, at(0s));
  REQUIRE(sent_to(decision) == node(30));
  CHECK(std::get<Forward>(decision).body.view().data() == message.view().data() + head);
  CHECK(std::get<Forward>(decision).body.size() == kRequest.size());
}

TEST_CASE("a message that the next Via entry would bring above max-message-size is refused, the link stays") {
  Bed bed;
  const wire::ForwardingHeader header = header_to({node(30)});
  const std::size_t head = wire::encode_header(header, 0).size();
  const std::size_t entry = 18;
  const Bytes fits = body_of(wire::MessageCode::store_req, 5000 - head - entry);
  CHECK(sent_to(bed.receive(header, fits)) == node(30));
  const Decision decision = bed.receive(header, body_of(wire::MessageCode::store_req, fits.size() + 1));
  CHECK(refused(decision) == ErrorCode::message_too_large);
  CHECK_FALSE(std::get<Refuse>(decision).close_link);
  CHECK(std::get<Refuse>(decision).header.via_list.empty());
  CHECK(std::get<Refuse>(decision).header.ttl == header.ttl);
}

// Responses: guide 4.4.

TEST_CASE("6940-6.1.2-14 6940-6.2.2-1 T1: a response goes to the previous hop, then the Via List read backwards") {
  Bed bed;
  const wire::ForwardingHeader request = header_to({node(10)}, {node(40), node(41)});
  const wire::ForwardingHeader response = response_header(bed.forwarder, request, Destination(node(20)), 7);
  CHECK(response.destination_list == DestinationList{node(20), node(41), node(40)});
  CHECK(response.via_list.empty());
  CHECK(response.transaction_id == request.transaction_id);
  CHECK(response.configuration_sequence == 7);
  CHECK(response.max_response_length == 0);
  CHECK(response.fragment == wire::ForwardingHeader::kWholeMessage);
  CHECK(response.ttl == 100);
  const Decision decision = bed.forwarder.originate(response, SharedBytes(kResponse), bed.route, at(0s));
  REQUIRE(sent_to(decision) == node(20));
  CHECK(header_of(std::get<Forward>(decision)).ttl == 100);
  CHECK(header_of(std::get<Forward>(decision)).via_list.empty());
}

TEST_CASE("6940-6.3.2.3-6 6940-6.3.2.3-7: options flagged RESPONSE_COPY are copied, with all three flags cleared") {
  Bed bed;
  wire::ForwardingHeader request = header_to({node(10)});
  request.options.push_back({1, ForwardingOption::kResponseCopy | ForwardingOption::kForwardCritical, {5}});
  request.options.push_back({2, ForwardingOption::kDestinationCritical, {6}});
  request.options.push_back({3, 0xff, {7}});
  const auto response = response_header(bed.forwarder, request, Destination(node(20)), 1);
  REQUIRE(response.options.size() == 2);
  CHECK(response.options[0] == ForwardingOption{1, 0, {5}});
  CHECK(response.options[1] == ForwardingOption{3, 0xf8, {7}});
}

// Origination: guide 4.5.

TEST_CASE("6940-6.2.1-1 6940-6.3.2-11 6940-6.3.2-12: a request starts with initial-ttl, its destination, no Via") {
  Bed bed;
  CHECK(request_header(bed.forwarder, {resource(1)}, 99, 5).ttl == 100);
  ForwardingRules rules = Bed::rules(node(10));
  rules.initial_ttl = 30;
  bed.forwarder.set_rules(rules);
  bed.route.hops_for_own = {node(30)};
  const Decision decision = bed.forwarder.originate(request_header(bed.forwarder, {resource(1)}, 99, 5),
                                                    SharedBytes(kRequest), bed.route, at(0s));
  REQUIRE(sent_to(decision) == node(30));
  const wire::ForwardingHeader sent = header_of(std::get<Forward>(decision));
  CHECK(sent.ttl == 30);  // T9
  CHECK(sent.via_list.empty());
  CHECK(sent.destination_list == DestinationList{resource(1)});
  CHECK(sent.transaction_id == 99);
  CHECK(sent.configuration_sequence == 5);
  CHECK(sent.overlay == 0x01020304);
}

TEST_CASE(
    "6940-6.2.1-2 6940-6.2.1-3 6940-6.2.1-4 6940-6.2.1-5: own messages go the way of all others: over the first "
    "entry's "
    "link, else as the topology says") {
  Bed bed;
  bed.route.hops_for_own = {node(21)};
  const auto originate = [&](DestinationList to) {
    return bed.forwarder.originate(request_header(bed.forwarder, std::move(to), 1, 1), SharedBytes(kRequest), bed.route,
                                   at(0s));
  };
  CHECK(sent_to(originate({node(30)})) == node(30));
  CHECK(sent_to(originate({node(30), node(60), resource(1)})) == node(30));
  CHECK(sent_to(originate({node(60)})) == node(21));
  CHECK(sent_to(originate({resource(1)})) == node(21));
  bed.route.hops_for_own = bed.route.hops = {node(30), node(21)};
  for (const DestinationList& to : {DestinationList{node(30)}, DestinationList{node(60)}, DestinationList{resource(1)}})
    CHECK(sent_to(originate(to)) == sent_to(bed.receive(header_to(to), kRequest)));
  bed.route.hops_for_own = {};
  CHECK(dropped(originate({resource(1)})) == Counter::messages_dropped_unroutable);
}

TEST_CASE("own messages for this node itself are delivered here") {
  Bed bed;
  bed.route.own_resources = {resource(1)};
  for (const Destination& to : {Destination(resource(1)), Destination(node(10))}) {
    const Decision decision =
        bed.forwarder.originate(request_header(bed.forwarder, {to}, 1, 1), SharedBytes(kRequest), bed.route, at(0s));
    REQUIRE(delivered(decision));
    CHECK_FALSE(std::get<Deliver>(decision).previous_hop);
  }
}

TEST_CASE("own messages that break a rule of the Destination List are not sent") {
  Bed bed;
  const auto originate = [&](DestinationList to, const Bytes& body = kRequest) {
    return bed.forwarder.originate(request_header(bed.forwarder, std::move(to), 1, 1), SharedBytes(body), bed.route,
                                   at(0s));
  };
  CHECK(refused(originate({})) == ErrorCode::invalid_message);
  CHECK(refused(originate({resource(1), node(30)})) == ErrorCode::invalid_message);
  CHECK(refused(originate({node(30), node(31), node(30)})) == ErrorCode::invalid_message);
  CHECK(refused(originate(DestinationList(200, node(30)), kResponse)) == ErrorCode::invalid_message);
  CHECK(refused(originate({node(30)}, body_of(wire::MessageCode::store_req, 5000))) == ErrorCode::message_too_large);
}

TEST_CASE("a first hop given with the message is used, even for everybody's address") {
  Bed bed;
  const auto originate = [&](const NodeId& first) {
    return bed.forwarder.originate(request_header(bed.forwarder, {NodeId::wildcard()}, 1, 1), SharedBytes(kRequest),
                                   bed.route, at(0s), first);
  };
  CHECK(sent_to(originate(node(30))) == node(30));
  CHECK(dropped(originate(node(99))) == Counter::messages_dropped_unroutable);
}

// Errors are for requests only (T2, T3).

TEST_CASE("T2: nothing is answered whose code is not known to be a request's") {
  Bed bed;
  wire::ForwardingHeader header = header_to({node(30)});
  header.ttl = 0;
  header.fragment = 0x80000200;  // a fragment further on: what is there is no code
  CHECK(dropped(bed.receive(header, kRequest)) == Counter::ttl_exceeded);
  header.fragment = 0x80000000;  // the first one shows its code
  CHECK(refused(bed.receive(header, kRequest)) == ErrorCode::ttl_exceeded);
  header.fragment = wire::ForwardingHeader::kWholeMessage;
  CHECK(dropped(bed.receive(header, {})) == Counter::ttl_exceeded);
  CHECK(dropped(bed.receive(header, {0x00})) == Counter::ttl_exceeded);
}

TEST_CASE("what keeps the ring together is marked for the link, what it carries is not, nor a further fragment") {
  Bed bed;
  const auto upkeep = [&](MessageCode code, std::uint32_t fragment = wire::ForwardingHeader::kWholeMessage) {
    wire::ForwardingHeader header = header_to({node(30), node(40)});
    header.fragment = fragment;
    const auto number = static_cast<std::uint16_t>(code);
    const Bytes body{static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number), 0, 0};
    const Decision decision = bed.receive(header, body);
    REQUIRE(std::holds_alternative<Forward>(decision));
    return std::get<Forward>(decision).upkeep;
  };
  for (const MessageCode code : {MessageCode::attach_req, MessageCode::attach_ans, MessageCode::join_req,
                                 MessageCode::update_req, MessageCode::update_ans, MessageCode::ping_ans}) {
    CHECK(upkeep(code));
  }
  for (const MessageCode code : {MessageCode::store_req, MessageCode::store_ans, MessageCode::fetch_ans,
                                 MessageCode::app_attach_req, MessageCode::error}) {
    CHECK_FALSE(upkeep(code));
  }
  CHECK(upkeep(MessageCode::update_req, wire::ForwardingHeader::kFragmentAlways));
  CHECK_FALSE(upkeep(MessageCode::update_req, wire::ForwardingHeader::kFragmentAlways | 4));
}
