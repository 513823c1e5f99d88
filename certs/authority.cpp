#include "certs/authority.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "reload/base/check.hpp"
#include "reload/config/xml_values.hpp"
#include "reload/io/openssl_crypto.hpp"
#include "reload/io/self_signed.hpp"

namespace reload::certs {
namespace {

Result<Identity> identity_for(const Request& request, const Authority& authority) {
  Identity identity{request.user_name, request.node_ids};
  while (identity.node_ids.size() < request.node_id_count) {
    auto id = authority.new_node_id();
    if (!id) return tl::unexpected(id.error());
    identity.node_ids.push_back(*id);
  }
  // 6940 11.3 wants one user name in every certificate, in a node's as well.
  if (identity.user_name.empty())
    identity.user_name = "node-" + identity.node_ids.front().hex() + "@" + authority.overlay();
  return identity;
}

Result<SecretText> secret_text(const security::PrivateKey& key) {
  auto pem = io::save_private_key(key);
  if (!pem) return tl::unexpected(pem.error());
  return SecretText(std::move(*pem));
}

std::string record_of(const Identity& identity, const std::string& serial, const Validity& validity,
                      const std::string& authority) {
  nlohmann::ordered_json line{{"serial", serial}, {"user", identity.user_name}, {"node_ids", nlohmann::json::array()}};
  for (const NodeId& id : identity.node_ids) line["node_ids"].push_back(id.hex());
  line["not_before"] = config::from_time(validity.from);
  line["not_after"] = config::from_time(validity.until);
  if (!authority.empty()) line["authority"] = authority;
  return line.dump() + "\n";
}

}  // namespace

SecretText Issued::entry() const { return io::credential_entry(identity, key.view(), certificate); }

std::string Issued::record() const { return record_of(identity, serial, validity, authority); }

std::string Certified::record() const { return record_of(identity, serial, validity, authority); }

Authority::Authority(std::string overlay, std::size_t node_id_length, io::PrivateKeyPtr key,
                     CertificateHandle certificate, Wall until)
    : overlay_(std::move(overlay)),
      node_id_length_(node_id_length),
      key_(std::move(key)),
      certificate_(std::move(certificate)),
      until_(until) {}

Result<Authority> Authority::create(std::string overlay, std::size_t node_id_length, io::KeyType type,
                                    const Validity& validity) {
  auto key = io::generate_private_key(type);
  if (!key) return tl::unexpected(key.error());
  auto root = make_root("RELOAD CA of " + overlay, **key, validity);
  if (!root) return tl::unexpected(root.error());
  return Authority(std::move(overlay), node_id_length, std::move(*key), std::move(*root), validity.until);
}

Result<Authority> Authority::from_pem(std::string overlay, std::size_t node_id_length, std::string_view key,
                                      std::string_view certificate) {
  auto parsed_key = io::load_private_key(key);
  if (!parsed_key) return failure("ca.key: " + parsed_key.error().text);
  auto parsed = parse_certificate(certificate);
  if (!parsed) return failure("ca.pem " + parsed.error().text);
  if (!is_key_of(**parsed_key, **parsed)) {
    return failure("ca.key and ca.pem do not belong together: restore both from one backup");
  }
  if (X509_check_ca(parsed->get()) == 0) return failure("ca.pem is not the certificate of an authority");
  const auto until = not_after(**parsed);
  if (!until) return failure("ca.pem " + until.error().text);
  return Authority(std::move(overlay), node_id_length, std::move(*parsed_key), std::move(*parsed), *until);
}

std::string Authority::id() const {
  constexpr std::size_t kBytes = 8;
  const io::OpensslCrypto crypto;
  return to_hex(ByteView(crypto.hash(wire::HashAlgorithm::sha256, {der()})).first(kBytes));
}

Result<SecretText> Authority::key() const { return secret_text(*key_); }

Result<NodeId> Authority::new_node_id() const {
  std::array<std::uint8_t, NodeId::kMaxSize> bytes{};
  NodeId id;
  do {
    if (RAND_bytes(bytes.data(), static_cast<int>(node_id_length_)) != 1) {
      return failure("OpenSSL has no random numbers: cannot assign a Node-ID");
    }
    id = NodeId(ByteView(bytes.data(), node_id_length_));
  } while (id.is_zero() || id.is_wildcard());
  return id;
}

Result<Certified> Authority::certify(Identity identity, EVP_PKEY& public_key, Validity validity) const {
  RELOAD_CHECK(!identity.node_ids.empty() && identity.node_ids.size() <= kMaxNodeIds);
  validity.until = std::min(validity.until, until_);
  if (validity.until <= validity.from)
    return failure("the authority's certificate ended " + config::from_time(until_) + ": it can sign no others");
  auto leaf = make_leaf(identity, overlay_, public_key, validity, *certificate_, *key_);
  if (!leaf) return tl::unexpected(leaf.error());
  return Certified{std::move(identity), serial_hex(**leaf), validity, id(), certificate_der(**leaf)};
}

Result<Issued> Authority::issue(const Request& request) const {
  RELOAD_CHECK(request.node_id_count >= 1 && request.node_id_count <= kMaxNodeIds);
  if (request.validity.until > until_) {
    return failure("the certificate would outlive the authority, which ends " + config::from_time(until_) +
                   ": give a smaller --days");
  }
  auto identity = identity_for(request, *this);
  if (!identity) return tl::unexpected(identity.error());
  auto key = io::generate_private_key(request.key_type);
  if (!key) return tl::unexpected(key.error());
  auto leaf = make_leaf(*identity, overlay_, *io::openssl_key(**key), request.validity, *certificate_, *key_);
  if (!leaf) return tl::unexpected(leaf.error());
  auto secret = secret_text(**key);
  if (!secret) return tl::unexpected(secret.error());
  return Issued{std::move(*identity),    serial_hex(**leaf), request.validity, id(),
                certificate_pem(**leaf), std::move(*secret)};
}

Result<Issued> issue_self_signed(const Request& request, const config::OverlayConfig& config) {
  const io::OpensslCrypto crypto;
  auto key = io::generate_private_key(request.key_type);
  if (!key) return tl::unexpected(key.error());
  auto made = io::make_self_signed({request.user_name, request.node_id_count, request.validity}, **key, config, crypto);
  if (!made) return tl::unexpected(made.error());
  auto secret = secret_text(**key);
  if (!secret) return tl::unexpected(secret.error());
  return Issued{std::move(made->identity),
                serial_hex(*made->certificate),
                request.validity,
                std::string(),
                certificate_pem(*made->certificate),
                std::move(*secret)};
}

Validity validity_for(Wall now, unsigned days) { return {now - kBackdating, now + days * std::chrono::hours(24)}; }

}  // namespace reload::certs
