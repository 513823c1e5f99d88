#include "certs/authority.hpp"
#include "certs/describe.hpp"
#include "certs/read_certificates.hpp"
#include "reload/config/xml_values.hpp"
#include "reload/io/openssl_crypto.hpp"

namespace reload::certs {
namespace {

std::string name_text(const X509_NAME* name) {
  if (X509_NAME_entry_count(name) == 0) return "(empty)";
  const io::BioHandle bio(BIO_new(BIO_s_mem()));
  if (!bio || X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_RFC2253) < 0) return "(unreadable)";
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string key_text(X509& certificate) {
  const EVP_PKEY* key = X509_get0_pubkey(&certificate);
  if (key == nullptr) return "(unreadable)";
  return std::string(EVP_PKEY_get0_type_name(key)) + " " + std::to_string(EVP_PKEY_get_bits(key)) + " bits";
}

std::string validity_text(const security::Certificate& certificate, Wall now) {
  if (now < certificate.not_before) return "not yet";
  return certificate.valid_at(now) ? "yes" : "expired";
}

std::size_t node_id_length_of(ByteView der, const security::Crypto& crypto) {
  for (std::size_t length = NodeId::kMinSize; length <= NodeId::kMaxSize; ++length) {
    const auto certificate = crypto.parse_certificate(der, length);
    if (certificate && ((*certificate)->is_ca || !(*certificate)->node_ids.empty())) return length;
  }
  return NodeId::kMinSize;
}

}  // namespace

Json describe_certificate(ByteView der, Wall now, const security::Crypto& crypto) {
  const unsigned char* data = der.data();
  const CertificateHandle x509(d2i_X509(nullptr, &data, static_cast<long>(der.size())));
  if (!x509) return {{"problem", "not an X.509 certificate"}};
  Json out;
  const auto certificate = crypto.parse_certificate(der, node_id_length_of(der, crypto));
  if (certificate) {
    const security::Certificate& fields = **certificate;
    if (fields.is_ca) out["authority"] = true;
    if (!fields.user_name.empty()) out["user"] = fields.user_name;
    if (!fields.overlay.empty()) out["overlay"] = fields.overlay;
    if (!fields.node_ids.empty()) out["node_ids"] = Json::array();
    for (const NodeId& id : fields.node_ids) out["node_ids"].push_back(id.hex());
    out["not_before"] = config::from_time(fields.not_before);
    out["not_after"] = config::from_time(fields.not_after);
    out["valid"] = validity_text(fields, now);
  } else {
    out["problem"] = "not in RELOAD's form: " + certificate.error().text;
  }
  out["subject"] = name_text(X509_get_subject_name(x509.get()));
  out["issuer"] = name_text(X509_get_issuer_name(x509.get()));
  out["serial"] = serial_hex(*x509);
  out["key"] = key_text(*x509);
  out["sha256"] = to_hex(crypto.hash(wire::HashAlgorithm::sha256, {der}));
  return out;
}

Result<Json> describe_certificates(const std::string& text, std::size_t limit, Wall now,
                                   const security::Crypto& crypto) {
  std::vector<Bytes> ders;
  if (text.starts_with('\x30')) {  // a SEQUENCE: DER
    ders.push_back(to_bytes(as_bytes(text)));
  } else if (auto loaded = io::load_certificates(text)) {
    ders = std::move(*loaded);
  }
  const std::size_t keys = count_blocks(text, "PRIVATE KEY-----") / 2;  // a line at either end
  const bool broken = count_blocks(text, "-----BEGIN CERTIFICATE-----") > ders.size();
  const std::size_t shown = limit == 0 ? ders.size() : std::min(limit, ders.size());
  Json list = Json::array();
  for (std::size_t i = 0; i < shown; ++i) list.push_back(describe_certificate(ders[i], now, crypto));
  if (ders.empty() && keys == 0) return failure("holds no certificate, credential or configuration document");
  Json out{{"type", keys > 0 ? "credentials" : "certificates"}, {"private_keys", keys}, {"certificates", ders.size()}};
  if (broken) out["problem"] = "certificate " + std::to_string(ders.size() + 1) + " is broken";
  if (shown < ders.size()) out["not_shown"] = ders.size() - shown;
  out["list"] = std::move(list);
  return out;
}

}  // namespace reload::certs
