// Random instances of every structure: what is encoded decodes to the same, and no shorter or longer input does.
#include <doctest/doctest.h>

#include "tests/unit/wire/random_fields.hpp"

namespace reload::wire {

namespace {

constexpr int kInstances = 200;
const TestModels kModels;

CodecContext context_with(std::size_t node_id_length) {
  CodecContext context;
  context.node_id_length = node_id_length;
  context.models = &kModels;
  return context;
}

// A destination list has no length of its own, so any cut between its entries is a list too.
template <class T>
constexpr bool kDelimited = !std::same_as<T, DestinationList>;

}  // namespace

TEST_CASE_TEMPLATE("every structure survives encode and decode, and only whole", T, ForwardingHeader, Destination,
                   DestinationList, IpAddressPort, ErrorResponse, SignerIdentity, Signature, SecurityBlock,
                   GenericCertificate, MessageContents, Attach, AppAttach, ProbeReq, ProbeAns, PingReq, PingAns,
                   RouteQueryReq, RouteQueryAns, ConfigUpdateReq, ConfigUpdateAns, JoinReq, JoinAns, LeaveReq, LeaveAns,
                   UpdateReq, UpdateAns, StoreReq, StoreAns, FetchReq, FetchAns, StatAns, FindReq, FindAns, TurnServer,
                   DataFrame, AckFrame, std::vector<KindId>) {
  Prng rng(6940);
  for (int i = 0; i < kInstances; ++i) {
    const std::size_t node_id_length = NodeId::kMinSize + static_cast<std::size_t>(i % 5);
    const CodecContext context = context_with(node_id_length);
    const T value = random_instance<T>(rng, node_id_length);
    const Bytes bytes = encode(value);
    const std::optional<T> back = decode<T>(bytes, context);
    REQUIRE(back.has_value());
    CHECK(*back == value);
    CHECK(encode(*back) == bytes);

    if constexpr (kDelimited<T>) {
      for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
        CHECK_FALSE(decode<T>(ByteView(bytes).first(cut), context).has_value());
      }
      Bytes longer = bytes;
      longer.push_back(0x5a);
      CHECK_FALSE(decode<T>(longer, context).has_value());
    }
  }
}

TEST_CASE_TEMPLATE("random bytes and flipped bits are decoded or refused, never more", T, ForwardingHeader, Destination,
                   DestinationList, SecurityBlock, MessageContents, Attach, AppAttach, ProbeAns, RouteQueryReq,
                   ConfigUpdateReq, LeaveReq, UpdateReq, StoreReq, StoreAns, FetchReq, FetchAns, StatAns, FindReq,
                   FindAns, TurnServer) {
  Prng rng(6941);
  const CodecContext context = context_with(NodeId::kMinSize);
  for (int i = 0; i < 5 * kInstances; ++i) {
    Bytes bytes = encode(random_instance<T>(rng));
    for (std::uint64_t flips = rng.below(4); flips > 0 && !bytes.empty(); --flips) {
      bytes[rng.below(bytes.size())] ^= static_cast<std::uint8_t>(1U << rng.below(8));
    }
    if (const std::optional<T> value = decode<T>(bytes, context)) {
      CHECK(decode<T>(encode(*value), context) == value);
    }
  }
}

TEST_CASE("a stored value in each data model survives alone") {
  Prng rng(7);
  for (int i = 0; i < kInstances; ++i) {
    const auto model = static_cast<DataModel>(i % 3);
    RandomFields visitor(rng, NodeId::kMinSize);
    visitor.set_model(model);
    StoredData data;
    visitor("", data);
    REQUIRE(model_of(data.value) == model);
    const Bytes bytes = encode_stored(data);
    CHECK(decode_stored(bytes, model) == data);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
      CHECK_FALSE(decode_stored(ByteView(bytes).first(cut), model).has_value());
    }
  }
}

}  // namespace reload::wire
