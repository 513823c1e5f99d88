#include "sim/fake_crypto.hpp"

#include <algorithm>
#include <array>

#include "reload/base/check.hpp"
#include "reload/base/limits.hpp"
#include "reload/wire/reader.hpp"
#include "reload/wire/writer.hpp"

namespace reload::sim {

namespace {

using KeyNumber = std::uint64_t;

constexpr std::uint32_t kMagic = 0x30464b45;   // begins like DER, so that size checks see a SEQUENCE
constexpr std::size_t kSignatureSize = 72;     // of ECDSA on P-256, at most
constexpr std::size_t kCertificateSize = 500;  // about that of a real one
constexpr KeyNumber kRootKey = 0x0f0f0f0f0f0f0f0f;
constexpr Wall kValidFrom = from_unix_seconds(1577836800);  // 2020-01-01
constexpr Wall kValidTo = from_unix_seconds(2524607999);    // 2049-12-31

struct FakeKey final : security::PublicKey, security::PrivateKey {
  explicit FakeKey(KeyNumber given) : number(given) {}
  KeyNumber number;
};

std::uint64_t mix(std::uint64_t value) {
  value ^= value >> 32;
  value *= 0xd6e8feb86659fd93;
  value ^= value >> 32;
  value *= 0xd6e8feb86659fd93;
  return value ^ value >> 32;
}

std::uint64_t keyed_hash(KeyNumber key, ByteView input) {
  std::uint64_t state = mix(key ^ 0x9e3779b97f4a7c15) ^ input.size();
  wire::Reader reader(input);
  while (reader.remaining() >= 8) state = mix(state ^ reader.u64());
  if (const std::size_t rest = reader.remaining(); rest > 0) state = mix(state ^ reader.integer(rest));
  return mix(state ^ key);
}

Bytes signature_of(KeyNumber key, ByteView input) {
  wire::Writer writer(kSignatureSize);
  std::uint64_t word = keyed_hash(key, input);
  while (writer.size() < kSignatureSize) {
    writer.u64(word);
    word = mix(word);
  }
  return writer.take();
}

Bytes name_of_key(KeyNumber key) {
  wire::Writer writer;
  writer.u64(key);
  return writer.take();
}

struct Fields {
  KeyNumber key = 0;
  KeyNumber issuer = 0;
  bool is_ca = false;
  Wall from;
  Wall to;
  std::string_view overlay;
  std::string_view user;
  std::vector<NodeId> node_ids;
};

Bytes make_certificate(const Fields& fields) {
  wire::Writer writer(kCertificateSize);
  writer.u32(kMagic);
  writer.u64(fields.key);
  writer.u64(fields.issuer);
  writer.boolean(fields.is_ca);
  writer.u64(static_cast<std::uint64_t>(fields.from.time_since_epoch().count()));
  writer.u64(static_cast<std::uint64_t>(fields.to.time_since_epoch().count()));
  writer.opaque(wire::Width::u8, as_bytes(fields.overlay));
  writer.opaque(wire::Width::u16, as_bytes(fields.user));
  writer.u8(static_cast<std::uint8_t>(fields.node_ids.size()));
  for (const NodeId& id : fields.node_ids) writer.opaque(wire::Width::u8, id.view());
  while (writer.size() + kSignatureSize < kCertificateSize) writer.u8(0);
  Bytes der = writer.take();
  append(der, signature_of(fields.issuer, der));
  return der;
}

}  // namespace

Bytes FakeCrypto::hash(wire::HashAlgorithm algorithm, std::initializer_list<ByteView> parts) const {
  return real_.hash(algorithm, parts);
}

Result<Bytes> FakeCrypto::sign(const security::PrivateKey& key, ByteView input) const {
  const auto* own = dynamic_cast<const FakeKey*>(&key);
  if (own == nullptr) return failure("signing: the private key is of another crypto backend");
  return signature_of(own->number, input);
}

bool FakeCrypto::verify(const security::PublicKey& key, wire::HashAlgorithm hash, wire::SignatureAlgorithm algorithm,
                        ByteView input, ByteView signature) const {
  const auto* own = dynamic_cast<const FakeKey*>(&key);
  return own != nullptr && hash == wire::HashAlgorithm::sha256 && algorithm == wire::SignatureAlgorithm::ecdsa &&
         equal(signature_of(own->number, input), signature);
}

Result<security::CertificatePtr> FakeCrypto::parse_certificate(ByteView der, std::size_t node_id_length) const {
  if (der.size() > limits::kMaxCertificateBytes || der.size() < kCertificateSize)
    return failure("certificate is no fake certificate: wrong size");
  wire::Reader reader(der);
  if (reader.u32() != kMagic) return failure("certificate is no fake certificate");
  auto certificate = std::make_shared<security::Certificate>();
  const KeyNumber key = reader.u64();
  certificate->subject = name_of_key(key);
  certificate->issuer = name_of_key(reader.u64());
  certificate->is_ca = reader.boolean();
  certificate->not_before = Wall(Duration(static_cast<std::int64_t>(reader.u64())));
  certificate->not_after = Wall(Duration(static_cast<std::int64_t>(reader.u64())));
  certificate->overlay = as_text(reader.opaque(wire::Width::u8));
  certificate->user_name = as_text(reader.opaque(wire::Width::u16));
  const std::size_t count = reader.u8();
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    const auto id = NodeId::from_bytes(reader.opaque(wire::Width::u8));
    if (!id || id->size() != node_id_length) return failure("certificate holds a Node-ID of the wrong length");
    certificate->node_ids.push_back(*id);
  }
  if (!reader.ok()) return failure("certificate is no fake certificate: cut off");
  certificate->der = SharedBytes(to_bytes(der));
  certificate->public_key_info = certificate->subject;
  certificate->key_algorithm = wire::SignatureAlgorithm::ecdsa;
  certificate->key = std::make_shared<FakeKey>(key);
  std::ranges::copy(hash(wire::HashAlgorithm::sha256, {der}), certificate->hash.begin());
  if (certificate->node_ids.size() > 1) {
    for (const NodeId& id : certificate->node_ids)
      std::ranges::copy(hash(wire::HashAlgorithm::sha256, {id.view(), der}),
                        certificate->identity_hashes.emplace_back().begin());
  }
  return security::CertificatePtr(std::move(certificate));
}

bool FakeCrypto::is_issued_by(const security::Certificate& certificate, const security::Certificate& issuer) const {
  const auto* key = dynamic_cast<const FakeKey*>(issuer.key.get());
  const ByteView der = certificate.der.view();
  if (key == nullptr || der.size() < kCertificateSize) return false;
  const std::size_t signed_size = der.size() - kSignatureSize;
  return equal(signature_of(key->number, der.first(signed_size)), der.subspan(signed_size));
}

Bytes fake_root_certificate() {
  Fields fields;
  fields.key = kRootKey;
  fields.issuer = kRootKey;
  fields.is_ca = true;
  fields.from = kValidFrom;
  fields.to = kValidTo;
  return make_certificate(fields);
}

security::CredentialPtr make_fake_credential(const NodeId& node_id, std::string_view user, std::string_view overlay,
                                             Rng& rng) {
  return make_fake_credential(std::vector{node_id}, user, overlay, kValidFrom, kValidTo, rng);
}

security::CredentialPtr make_fake_credential(const std::vector<NodeId>& node_ids, std::string_view user,
                                             std::string_view overlay, Wall from, Wall to, Rng& rng) {
  RELOAD_CHECK(!node_ids.empty());
  Fields fields;
  fields.key = rng.next();
  fields.issuer = kRootKey;
  fields.from = from;
  fields.to = to;
  fields.overlay = overlay;
  fields.user = user;
  fields.node_ids = node_ids;
  static const FakeCrypto crypto;
  auto certificate = crypto.parse_certificate(make_certificate(fields), node_ids.front().size());
  RELOAD_CHECK(certificate.has_value());
  auto credential = std::make_shared<security::Credential>();
  credential->certificate = std::move(*certificate);
  credential->key = std::make_shared<FakeKey>(fields.key);
  credential->node_id = node_ids.front();
  return credential;
}

}  // namespace reload::sim
