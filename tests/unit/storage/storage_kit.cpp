#include "tests/unit/storage/storage_kit.hpp"

#include "reload/wire/writer.hpp"

namespace reload::storage_test {

const security::Crypto& crypto() {
  static const sim::FakeCrypto fake;
  return fake;
}

config::OverlayConfig test_config() {
  config::OverlayConfig config;
  config.instance_name = "demo.example";
  for (const auto& [id, model] : {std::pair(kSingle, wire::DataModel::single),
                                  {kArray, wire::DataModel::array},
                                  {kDictionary, wire::DataModel::dictionary}}) {
    config::Kind kind;
    kind.id = id;
    kind.model = model;
    kind.max_count = model == wire::DataModel::single ? 1 : 4;
    kind.max_size = 100;
    config.kinds.add(kind);
  }
  return config;
}

security::Signer make_signer(const NodeId& node, const std::string& user) {
  // The same names give the same certificate, as one that is renewed would not.
  Prng rng(std::hash<NodeId>{}(node) ^ user.size());
  const auto credential = sim::make_fake_credential(node, user, "demo.example", rng);
  return {credential->certificate, node};
}

ResourceId resource_of_user(const std::string& user) { return security::resource_of(crypto(), as_bytes(user)); }

Wall wall(std::int64_t seconds) { return kit::kTestNow + std::chrono::seconds(seconds); }

wire::StoredData make_value(wire::StoredDataValue value, std::uint64_t time, std::uint32_t lifetime) {
  wire::Writer covered;
  covered.u64(time);
  covered.bytes(wire::encode_value(value));
  wire::StoredData data{time, lifetime, std::move(value), {}};
  data.signature.hash = wire::HashAlgorithm::sha256;
  data.signature.algorithm = wire::SignatureAlgorithm::ecdsa;
  data.signature.identity = {wire::SignerIdentityType::cert_hash, wire::HashAlgorithm::sha256, Bytes(32)};
  data.signature.value = crypto().hash(wire::HashAlgorithm::sha256, {covered.take()});
  return data;
}

wire::DataValue text(std::string_view value) { return {true, to_bytes(as_bytes(value))}; }
wire::DataValue nothing() { return {false, {}}; }
wire::StoredDataValue at_index(std::uint32_t index, std::string_view value) {
  return wire::ArrayEntry{index, text(value)};
}
wire::StoredDataValue at_key(std::string_view key, std::string_view value) {
  return wire::DictionaryEntry{to_bytes(as_bytes(key)), text(value)};
}

StoredValue stored(const security::Signer& signer, wire::StoredData data, Wall received) {
  return {std::move(data), received, signer.certificate->der, signer.certificate->hash};
}

messaging::VerifiedStore make_store(const ResourceId& resource, KindId kind, std::uint64_t generation,
                                    std::vector<wire::StoredData> values, const security::Signer& signer,
                                    std::uint8_t replica_number) {
  messaging::VerifiedStore store;
  store.signers.emplace_back(values.size(), signer);
  store.request.resource = resource;
  store.request.replica_number = replica_number;
  store.request.kind_data.push_back({kind, generation, std::move(values), {}});
  return store;
}

Bench::Bench(const NodeId& node, std::unique_ptr<ValueStore> store)
    : self(node), values(std::move(store)), storage(*values) {
  fixed.owner = node;
}

void Bench::request(std::uint64_t id, wire::MessageCode code, const Bytes& body, const security::Signer& sender,
                    std::shared_ptr<const messaging::VerifiedStore> store) {
  messaging::Request request;
  request.id = RequestId{id};
  request.code = code;
  request.body = body;
  request.signer = sender;
  request.store = std::move(store);
  auto with = context();
  storage.on_request(request, with);
}

void Bench::store(std::uint64_t id, messaging::VerifiedStore store, const security::Signer& sender) {
  const Bytes body = wire::encode(store.request);
  request(id, wire::MessageCode::store_req, body, sender,
          std::make_shared<const messaging::VerifiedStore>(std::move(store)));
}

void Bench::pass(Duration time) {
  now.mono += time;
  now.wall += time;
  const auto due = storage.next_deadline(now);
  if (!due || *due > now.mono) return;
  auto with = context();
  storage.on_timer(with);
}

}  // namespace reload::storage_test
