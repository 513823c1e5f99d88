#include "tests/kit/letter.hpp"

#include "reload/base/check.hpp"
#include "reload/connect/candidates.hpp"
#include "reload/messaging/headers.hpp"
#include "reload/security/crypto_job.hpp"
#include "reload/security/data_signature.hpp"
#include "reload/security/message_auth.hpp"

namespace reload::kit {

namespace {

const config::OverlayConfig& first_config() {
  static const config::ConfigPtr config = Cast::get().config();
  return *config;
}

Letter letter(Who signer, wire::ForwardingHeader header, wire::MessageCode code, Bytes body) {
  Letter made;
  made.header = std::move(header);
  made.contents = {code, std::move(body), {}};
  made.signer = Cast::get().credential(signer);
  made.certificates.push_back({wire::CertificateType::x509, to_bytes(made.signer->certificate->der.view())});
  return made;
}

wire::Signature sign(const security::CredentialPtr& signer, Bytes input) {
  auto result = security::run(security::SignJob{signer, std::move(input)}, Cast::get().crypto());
  auto& signature = std::get<security::SignResult>(result).signature;
  RELOAD_CHECK(signature.has_value());
  return std::move(*signature);
}

}  // namespace

Bytes Letter::body() const {
  Bytes bytes = wire::encode(contents);
  wire::SecurityBlock block;
  block.certificates = certificates;
  block.signature = sign(signer, security::message_signature_input(header.overlay, header.transaction_id, bytes));
  append(bytes, wire::encode(block));
  return bytes;
}

Bytes Letter::bytes() const {
  const Bytes rest = body();
  Bytes message = wire::encode_header(header, rest.size());
  append(message, rest);
  return message;
}

Letter letter(Who signer, wire::DestinationList to, wire::MessageCode code, Bytes body, TransactionId transaction) {
  return letter(signer, messaging::request_header(first_config(), transaction, to, false), code, std::move(body));
}

Letter answer_letter(Who signer, const NodeId& asked, const wire::ForwardingHeader& request, wire::MessageCode code,
                     Bytes body) {
  const auto path = messaging::return_path(request, wire::Destination(asked));
  return letter(signer, messaging::answer_header(first_config(), request.transaction_id, path), code, std::move(body));
}

wire::Signature sign(Who signer, Bytes input) { return sign(Cast::get().credential(signer), std::move(input)); }

wire::StoredData signed_data(Who signer, const ResourceId& resource, KindId kind, std::uint64_t storage_time,
                             std::uint32_t lifetime, wire::StoredDataValue value) {
  wire::StoredData data;
  data.storage_time = storage_time;
  data.lifetime = lifetime;
  data.value = std::move(value);
  data.signature = sign(signer, security::data_signature_input(resource, kind, storage_time, data.value));
  return data;
}

wire::AppAttach sip_attach(Who who, std::string_view role) {
  const wire::IpAddressPort address = Cast::get().address(who);
  wire::AppAttach body;
  body.application = wire::kApplicationSip;
  body.role = to_bytes(as_bytes(role));
  body.candidates = connect::make_candidates({&address, 1});
  return body;
}

Bytes framed(std::uint32_t sequence, ByteView message) {
  return wire::encode(wire::DataFrame{sequence, to_bytes(message)});
}

}  // namespace reload::kit
