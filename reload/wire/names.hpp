// The names the RFC gives to code points, one table an enumeration. What has no name here is unknown to this version.
#pragma once

#include <array>
#include <optional>

#include "reload/wire/types.hpp"

namespace reload::wire {

template <class E>
struct CodeName {
  E code;
  std::string_view name;
};

// Specialised below for each enumeration.
template <class E>
inline constexpr std::array<CodeName<E>, 0> kCodeNames{};

template <>
inline constexpr std::array kCodeNames<MessageCode> = std::to_array<CodeName<MessageCode>>({
    {MessageCode::probe_req, "probe_req"},
    {MessageCode::probe_ans, "probe_ans"},
    {MessageCode::attach_req, "attach_req"},
    {MessageCode::attach_ans, "attach_ans"},
    {MessageCode::store_req, "store_req"},
    {MessageCode::store_ans, "store_ans"},
    {MessageCode::fetch_req, "fetch_req"},
    {MessageCode::fetch_ans, "fetch_ans"},
    {MessageCode::find_req, "find_req"},
    {MessageCode::find_ans, "find_ans"},
    {MessageCode::join_req, "join_req"},
    {MessageCode::join_ans, "join_ans"},
    {MessageCode::leave_req, "leave_req"},
    {MessageCode::leave_ans, "leave_ans"},
    {MessageCode::update_req, "update_req"},
    {MessageCode::update_ans, "update_ans"},
    {MessageCode::route_query_req, "route_query_req"},
    {MessageCode::route_query_ans, "route_query_ans"},
    {MessageCode::ping_req, "ping_req"},
    {MessageCode::ping_ans, "ping_ans"},
    {MessageCode::stat_req, "stat_req"},
    {MessageCode::stat_ans, "stat_ans"},
    {MessageCode::app_attach_req, "app_attach_req"},
    {MessageCode::app_attach_ans, "app_attach_ans"},
    {MessageCode::config_update_req, "config_update_req"},
    {MessageCode::config_update_ans, "config_update_ans"},
    {MessageCode::exp_a_req, "exp_a_req"},
    {MessageCode::exp_a_ans, "exp_a_ans"},
    {MessageCode::exp_b_req, "exp_b_req"},
    {MessageCode::exp_b_ans, "exp_b_ans"},
    {MessageCode::error, "error"},
});
template <>
inline constexpr std::array kCodeNames<ErrorCode> = std::to_array<CodeName<ErrorCode>>({
    {ErrorCode::forbidden, "Error_Forbidden"},
    {ErrorCode::not_found, "Error_Not_Found"},
    {ErrorCode::request_timeout, "Error_Request_Timeout"},
    {ErrorCode::generation_counter_too_low, "Error_Generation_Counter_Too_Low"},
    {ErrorCode::incompatible_with_overlay, "Error_Incompatible_with_Overlay"},
    {ErrorCode::unsupported_forwarding_option, "Error_Unsupported_Forwarding_Option"},
    {ErrorCode::data_too_large, "Error_Data_Too_Large"},
    {ErrorCode::data_too_old, "Error_Data_Too_Old"},
    {ErrorCode::ttl_exceeded, "Error_TTL_Exceeded"},
    {ErrorCode::message_too_large, "Error_Message_Too_Large"},
    {ErrorCode::unknown_kind, "Error_Unknown_Kind"},
    {ErrorCode::unknown_extension, "Error_Unknown_Extension"},
    {ErrorCode::response_too_large, "Error_Response_Too_Large"},
    {ErrorCode::config_too_old, "Error_Config_Too_Old"},
    {ErrorCode::config_too_new, "Error_Config_Too_New"},
    {ErrorCode::in_progress, "Error_In_Progress"},
    {ErrorCode::exp_a, "Error_Exp_A"},
    {ErrorCode::exp_b, "Error_Exp_B"},
    {ErrorCode::invalid_message, "Error_Invalid_Message"},
});
template <>
inline constexpr std::array kCodeNames<OverlayLinkType> = std::to_array<CodeName<OverlayLinkType>>({
    {OverlayLinkType::dtls_udp_sr, "DTLS-UDP-SR"},
    {OverlayLinkType::dtls_udp_sr_no_ice, "DTLS-UDP-SR-NO-ICE"},
    {OverlayLinkType::tls_tcp_fh_no_ice, "TLS-TCP-FH-NO-ICE"},
    {OverlayLinkType::exp_link, "EXP-LINK"},
});
template <>
inline constexpr std::array kCodeNames<CandidateType> = std::to_array<CodeName<CandidateType>>({
    {CandidateType::host, "host"},
    {CandidateType::srflx, "srflx"},
    {CandidateType::relay, "relay"},
});
template <>
inline constexpr std::array kCodeNames<AddressType> = std::to_array<CodeName<AddressType>>({
    {AddressType::ipv4, "ipv4_address"},
    {AddressType::ipv6, "ipv6_address"},
});
template <>
inline constexpr std::array kCodeNames<DestinationType> = std::to_array<CodeName<DestinationType>>({
    {DestinationType::node, "node"},
    {DestinationType::resource, "resource"},
    {DestinationType::opaque, "opaque_id_type"},
});
template <>
inline constexpr std::array kCodeNames<ConfigUpdateType> = std::to_array<CodeName<ConfigUpdateType>>({
    {ConfigUpdateType::config, "config"},
    {ConfigUpdateType::kind, "kind"},
});
template <>
inline constexpr std::array kCodeNames<SignerIdentityType> = std::to_array<CodeName<SignerIdentityType>>({
    {SignerIdentityType::cert_hash, "cert_hash"},
    {SignerIdentityType::cert_hash_node_id, "cert_hash_node_id"},
    {SignerIdentityType::none, "none"},
});
template <>
inline constexpr std::array kCodeNames<ChordUpdateType> = std::to_array<CodeName<ChordUpdateType>>({
    {ChordUpdateType::peer_ready, "peer_ready"},
    {ChordUpdateType::neighbors, "neighbors"},
    {ChordUpdateType::full, "full"},
});
template <>
inline constexpr std::array kCodeNames<ChordLeaveType> = std::to_array<CodeName<ChordLeaveType>>({
    {ChordLeaveType::from_succ, "from_succ"},
    {ChordLeaveType::from_pred, "from_pred"},
});
template <>
inline constexpr std::array kCodeNames<FrameType> = std::to_array<CodeName<FrameType>>({
    {FrameType::data, "data"},
    {FrameType::ack, "ack"},
});
template <>
inline constexpr std::array kCodeNames<CertificateType> = std::to_array<CodeName<CertificateType>>({
    {CertificateType::x509, "X.509"},
    {CertificateType::openpgp, "OpenPGP"},
});
template <>
inline constexpr std::array kCodeNames<HashAlgorithm> = std::to_array<CodeName<HashAlgorithm>>({
    {HashAlgorithm::none, "none"},
    {HashAlgorithm::md5, "md5"},
    {HashAlgorithm::sha1, "sha1"},
    {HashAlgorithm::sha224, "sha224"},
    {HashAlgorithm::sha256, "sha256"},
    {HashAlgorithm::sha384, "sha384"},
    {HashAlgorithm::sha512, "sha512"},
});
template <>
inline constexpr std::array kCodeNames<SignatureAlgorithm> = std::to_array<CodeName<SignatureAlgorithm>>({
    {SignatureAlgorithm::anonymous, "anonymous"},
    {SignatureAlgorithm::rsa, "rsa"},
    {SignatureAlgorithm::dsa, "dsa"},
    {SignatureAlgorithm::ecdsa, "ecdsa"},
});

template <class E>
[[nodiscard]] constexpr std::optional<std::string_view> find_name(E code) {
  for (const CodeName<E>& entry : kCodeNames<E>) {
    if (entry.code == code) return entry.name;
  }
  return std::nullopt;
}
template <class E>
[[nodiscard]] constexpr bool is_known(E code) {
  return find_name(code).has_value();
}

}  // namespace reload::wire
