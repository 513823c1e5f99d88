#include "tests/kit/fixtures.hpp"

#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>

#include "reload/base/check.hpp"
#include "reload/io/openssl_handles.hpp"
#include "reload/wire/writer.hpp"

namespace reload::kit {

namespace {

// Who signs: the certificate's own key when `certificate` is null.
struct Issuer {
  X509* certificate = nullptr;
  EVP_PKEY* key = nullptr;
};

const io::OpensslCrypto& shared_crypto() {
  static const io::OpensslCrypto crypto;
  return crypto;
}

void add_extension(X509& certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &certificate, &certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  RELOAD_CHECK(extension != nullptr && X509_add_ext(&certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

// A private extension that no one knows, marked critical.
void add_unknown_critical(X509& certificate) {
  ASN1_OBJECT* id = OBJ_txt2obj("1.3.6.1.4.1.55555.1", 1);
  ASN1_OCTET_STRING* value = ASN1_OCTET_STRING_new();
  const std::array<unsigned char, 2> null{5, 0};
  RELOAD_CHECK(id != nullptr && value != nullptr && ASN1_OCTET_STRING_set(value, null.data(), 2) == 1);
  X509_EXTENSION* extension = X509_EXTENSION_create_by_OBJ(nullptr, id, 1, value);
  RELOAD_CHECK(extension != nullptr && X509_add_ext(&certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(value);
  ASN1_OBJECT_free(id);
}

std::string alternative_names(const CertificateSpec& spec) {
  std::string text;
  const auto add = [&](const std::string& name) { text += (text.empty() ? "" : ",") + name; };
  for (const NodeId& id : spec.node_ids) add("URI:" + security::make_reload_uri(id, spec.overlay));
  for (const std::string& user : spec.users) add("email:" + user);
  if (!spec.extra_names.empty()) add(spec.extra_names);
  return text;
}

void set_time(ASN1_TIME* time, Wall to) { RELOAD_CHECK(ASN1_TIME_set(time, to_unix_seconds(to)) != nullptr); }

Bytes sign_certificate(const CertificateSpec& spec, EVP_PKEY& key, Issuer issuer) {
  const io::CertificateHandle certificate(X509_new());
  RELOAD_CHECK(certificate && X509_set_version(certificate.get(), 2) == 1);
  std::uint64_t serial = 0;
  RELOAD_CHECK(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1);
  set_time(X509_getm_notBefore(certificate.get()), spec.from);
  set_time(X509_getm_notAfter(certificate.get()), spec.to);
  if (!spec.common_name.empty())
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(spec.common_name.c_str()), -1, -1, 0);
  const X509_NAME* issuer_name =
      X509_get_subject_name(issuer.certificate != nullptr ? issuer.certificate : certificate.get());
  RELOAD_CHECK(X509_set_issuer_name(certificate.get(), issuer_name) == 1);
  RELOAD_CHECK(X509_set_pubkey(certificate.get(), &key) == 1);
  if (spec.is_ca) {
    std::string value = "critical,CA:TRUE";
    if (spec.path_limit) value += ",pathlen:" + std::to_string(*spec.path_limit);
    add_extension(*certificate, NID_basic_constraints, value);
    add_extension(*certificate, NID_key_usage, "critical,keyCertSign,cRLSign");
  }
  if (const std::string names = alternative_names(spec); !names.empty())
    add_extension(*certificate, NID_subject_alt_name, (spec.common_name.empty() ? "critical," : "") + names);
  if (spec.unknown_critical_extension) add_unknown_critical(*certificate);
  EVP_PKEY* signer = issuer.key != nullptr ? issuer.key : &key;
  RELOAD_CHECK(X509_sign(certificate.get(), signer, EVP_sha256()) > 0);
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  RELOAD_CHECK(size > 0);
  Bytes bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

// For wrong certificates too: one that doesn't parse is the test's own mistake.
security::CredentialPtr make_credential(const CertificateSpec& spec, io::PrivateKeyPtr key, Issuer issuer,
                                        std::vector<security::CertificatePtr> intermediates) {
  const std::size_t length = spec.node_ids.empty() ? NodeId::kMinSize : spec.node_ids.front().size();
  auto parsed = shared_crypto().parse_certificate(sign_certificate(spec, *io::openssl_key(*key), issuer), length);
  RELOAD_CHECK(parsed.has_value());
  auto credential = std::make_shared<security::Credential>();
  credential->certificate = std::move(*parsed);
  credential->key = std::move(key);
  if (!spec.node_ids.empty()) credential->node_id = spec.node_ids.front();
  credential->intermediates = std::move(intermediates);
  return credential;
}

io::PrivateKeyPtr new_key(io::KeyType type) {
  auto key = io::generate_private_key(type);
  RELOAD_CHECK(key.has_value());
  return *key;
}

io::CertificateHandle parse(ByteView der) {
  const unsigned char* at = der.data();
  return io::CertificateHandle(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
}

}  // namespace

NodeId node_number(std::uint64_t number) {
  wire::Writer writer;
  writer.u64(0);
  writer.u64(number);
  return NodeId(writer.take());
}

Authority::Authority(const std::string& name, io::KeyType key_type, const Authority* issuer,
                     std::optional<unsigned> path_limit, Wall from, Wall to, bool is_ca) {
  CertificateSpec spec;
  spec.common_name = name;
  spec.is_ca = is_ca;
  spec.path_limit = path_limit;
  spec.from = from;
  spec.to = to;
  if (issuer == nullptr) {
    credential_ = make_credential(spec, new_key(key_type), {}, {});
  } else {
    const auto above = parse(issuer->der());
    credential_ =
        make_credential(spec, new_key(key_type), {above.get(), io::openssl_key(*issuer->credential_->key)}, {});
  }
}

security::CredentialPtr Authority::issue(const CertificateSpec& spec,
                                         std::vector<security::CertificatePtr> intermediates) const {
  const auto own = parse(der());
  return make_credential(spec, new_key(spec.key_type), {own.get(), io::openssl_key(*credential_->key)},
                         std::move(intermediates));
}

security::CredentialPtr Authority::issue_unread(const CertificateSpec& spec) const {
  const auto own = parse(der());
  auto credential = std::make_shared<security::Credential>();
  auto certificate = std::make_shared<security::Certificate>();
  credential->key = new_key(spec.key_type);
  certificate->der = SharedBytes(
      sign_certificate(spec, *io::openssl_key(*credential->key), {own.get(), io::openssl_key(*credential_->key)}));
  credential->certificate = std::move(certificate);
  return credential;
}

Fixture::Fixture(std::string overlay, io::KeyType key_type)
    : name_(std::move(overlay)), authority_(name_ + " CA", key_type) {}

config::OverlayConfig Fixture::config() const {
  config::OverlayConfig config;
  config.instance_name = name_;
  config.sequence = 1;
  config.root_certs = {to_bytes(authority_.der())};
  config.link_protocols = {"TLS"};
  const Bytes digest = crypto_.hash(wire::HashAlgorithm::sha1, {as_bytes(name_)});
  for (std::size_t i = digest.size() - 4; i < digest.size(); ++i)
    config.overlay_hash = config.overlay_hash << 8 | digest[i];
  return config;
}

security::TrustPtr Fixture::trust_of(config::OverlayConfig config) const {
  auto trust = security::Trust::make(std::make_shared<config::OverlayConfig>(std::move(config)), crypto_);
  RELOAD_CHECK(trust.has_value());
  return *trust;
}

CertificateSpec Fixture::spec(std::vector<NodeId> node_ids, const std::string& user) const {
  CertificateSpec spec;
  spec.node_ids = std::move(node_ids);
  spec.users = {user};
  spec.overlay = name_;
  return spec;
}

security::CredentialPtr Fixture::issue(const NodeId& node_id, const std::string& user) const {
  return authority_.issue(spec({node_id}, user));
}

security::CredentialPtr Fixture::issue(std::vector<NodeId> node_ids, const std::string& user) const {
  return authority_.issue(spec(std::move(node_ids), user));
}

security::CredentialPtr Fixture::expired(const NodeId& node_id, const std::string& user) const {
  CertificateSpec wanted = spec({node_id}, user);
  wanted.to = kValidFrom + 24h;
  return authority_.issue(wanted);
}

security::CredentialPtr Fixture::not_yet_valid(const NodeId& node_id, const std::string& user) const {
  CertificateSpec wanted = spec({node_id}, user);
  wanted.from = kValidTo - 24h;
  return authority_.issue(wanted);
}

security::CredentialPtr Fixture::from_other_authority(const NodeId& node_id, const std::string& user) const {
  return Authority(name_ + " CA").issue(spec({node_id}, user));
}

security::CredentialPtr Fixture::self_signed(const std::string& user, config::NodeIdDigest digest,
                                             std::size_t count) const {
  const auto algorithm = digest == config::NodeIdDigest::sha1 ? wire::HashAlgorithm::sha1 : wire::HashAlgorithm::sha256;
  // The Node-IDs come from the key, whose encoding stands in a first certificate without names.
  const auto key = new_key(io::KeyType::ecdsa_p256);
  const auto bare = make_credential({}, key, {}, {});
  CertificateSpec wanted = spec({}, user);
  for (std::size_t i = 1; i <= count; ++i)
    wanted.node_ids.push_back(*security::self_signed_node_id(crypto_, algorithm, bare->certificate->public_key_info,
                                                             NodeId::kMinSize, count == 1 ? 0 : i));
  return make_credential(wanted, key, {}, {});
}

Bytes make_certificate_der(const CertificateSpec& spec) {
  const auto key = new_key(spec.key_type);
  return sign_certificate(spec, *io::openssl_key(*key), {});
}

security::CredentialPtr make_self_signed(const CertificateSpec& spec) {
  return make_credential(spec, new_key(spec.key_type), {}, {});
}

}  // namespace reload::kit
