// What the storage tests share: users with certificates, signed values, a route that a test sets, and a ring of storage
// components whose messages pass through the real codec.
#pragma once

#include <map>
#include <set>

#include "reload/base/prng.hpp"
#include "reload/messaging/handler.hpp"
#include "reload/storage/memory_store.hpp"
#include "reload/storage/storage.hpp"
#include "sim/fake_crypto.hpp"
#include "tests/kit/fixtures.hpp"

namespace reload::storage_test {

using namespace reload::storage;

inline constexpr KindId kSingle{0xf0000001};      // USER-MATCH
inline constexpr KindId kArray{0xf0000002};       // USER-MATCH
inline constexpr KindId kDictionary{0xf0000003};  // USER-MATCH
inline constexpr KindId kUnknown{0xf00000ff};

[[nodiscard]] const security::Crypto& crypto();
// Registered Kinds and the three above, all with max_count 4 and max_size 100 for the latter.
[[nodiscard]] config::OverlayConfig test_config();

[[nodiscard]] security::Signer make_signer(const NodeId& node, const std::string& user);
[[nodiscard]] ResourceId resource_of_user(const std::string& user);
[[nodiscard]] Wall wall(std::int64_t seconds);  // that many after the tests' first moment

// Values that look signed by `signer`: the signature depends on the value and its time, as a real one does.
[[nodiscard]] wire::StoredData make_value(wire::StoredDataValue value, std::uint64_t time,
                                          std::uint32_t lifetime = 3600);
[[nodiscard]] wire::DataValue text(std::string_view value);
[[nodiscard]] wire::DataValue nothing();
[[nodiscard]] wire::StoredDataValue at_index(std::uint32_t index, std::string_view value);
[[nodiscard]] wire::StoredDataValue at_key(std::string_view key, std::string_view value);
[[nodiscard]] StoredValue stored(const security::Signer& signer, wire::StoredData data, Wall received);

// A Store of one Kind, all of whose values `signer` signed.
[[nodiscard]] messaging::VerifiedStore make_store(const ResourceId& resource, KindId kind, std::uint64_t generation,
                                                  std::vector<wire::StoredData> values, const security::Signer& signer,
                                                  std::uint8_t replica_number = 0);

class FixedRoute final : public forwarding::RouteView {
 public:
  bool is_joined = true;
  bool is_responsible = true;
  bool is_replica = true;
  bool is_plausible = true;
  std::vector<NodeId> targets;
  NodeId owner;

  [[nodiscard]] bool joined() const override { return is_joined; }
  [[nodiscard]] bool responsible(const ResourceId&) const override { return is_responsible; }
  [[nodiscard]] bool responsible(const NodeId&) const override { return is_responsible; }
  [[nodiscard]] std::vector<NodeId> next_hops(const ResourceId&, bool) const override { return {}; }
  [[nodiscard]] std::vector<NodeId> next_hops(const NodeId&, bool) const override { return {}; }
  [[nodiscard]] std::vector<NodeId> replica_targets() const override { return targets; }
  [[nodiscard]] bool in_replica_set(const ResourceId&) const override { return is_replica; }
  [[nodiscard]] bool plausible_replica_source(const ResourceId&, const NodeId&) const override { return is_plausible; }
  [[nodiscard]] bool plausible_responder(const ResourceId&, const NodeId&) const override { return true; }
  [[nodiscard]] NodeId owner_of(const ResourceId&) const override { return owner; }
  [[nodiscard]] std::uint32_t responsible_ppb() const override { return 0; }
};

// One storage component and what a node would have around it.
class Bench {
 public:
  explicit Bench(const NodeId& node, std::unique_ptr<ValueStore> store = std::make_unique<MemoryStore>());

  NodeId self;
  Now now{Mono(1000s), wall(0)};
  Prng rng{1};
  Counters counters;
  config::OverlayConfig config = test_config();
  FixedRoute fixed;
  const forwarding::RouteView* route = &fixed;
  messaging::Effects effects;
  std::unique_ptr<ValueStore> values;
  Storage storage;

  [[nodiscard]] messaging::Context context() { return {now, self, rng, counters, config, crypto(), *route, effects}; }
  // Takes the effects of one type out of the list.
  template <class T>
  [[nodiscard]] std::vector<T> take() {
    std::vector<T> found;
    messaging::Effects rest;
    for (auto& effect : effects) {
      if (auto* one = std::get_if<T>(&effect)) {
        found.push_back(std::move(*one));
      } else {
        rest.push_back(std::move(effect));
      }
    }
    effects = std::move(rest);
    return found;
  }
  void request(std::uint64_t id, wire::MessageCode code, const Bytes& body, const security::Signer& sender,
               std::shared_ptr<const messaging::VerifiedStore> store = nullptr);
  void store(std::uint64_t id, messaging::VerifiedStore store, const security::Signer& sender);
  // Moves both clocks and runs timers that are due.
  void pass(Duration time);
};

}  // namespace reload::storage_test
