// Code points of RFC 6940 section 14 as the IANA registries have them.
#pragma once

#include <cstdint>
#include <string_view>

#include "reload/base/strong.hpp"

namespace reload::wire {

inline constexpr std::uint32_t kReloToken = 0xd2454c4f;  // 6940 6.3.2: 0xd2 "ELO"
inline constexpr std::uint8_t kVersion = 0x0a;           // 1.0
inline constexpr std::size_t kForwardingHeaderSize = 38;
inline constexpr std::uint16_t kAnyConfigSequence = 65535;  // 6940 6.5.4: only in ConfigUpdateReq
inline constexpr std::uint32_t kLastArrayIndex = 0xffffffff;

// 6940 14.8. Requests are odd, the answer is one more; 0xffff is an error response.
enum class MessageCode : std::uint16_t {
  invalid = 0x0,
  probe_req = 0x1,
  probe_ans = 0x2,
  attach_req = 0x3,
  attach_ans = 0x4,
  store_req = 0x7,
  store_ans = 0x8,
  fetch_req = 0x9,
  fetch_ans = 0xa,
  find_req = 0xd,
  find_ans = 0xe,
  join_req = 0xf,
  join_ans = 0x10,
  leave_req = 0x11,
  leave_ans = 0x12,
  update_req = 0x13,
  update_ans = 0x14,
  route_query_req = 0x15,
  route_query_ans = 0x16,
  ping_req = 0x17,
  ping_ans = 0x18,
  stat_req = 0x19,
  stat_ans = 0x1a,
  app_attach_req = 0x1d,
  app_attach_ans = 0x1e,
  config_update_req = 0x21,
  config_update_ans = 0x22,
  exp_a_req = 0x23,
  exp_a_ans = 0x24,
  exp_b_req = 0x25,
  exp_b_ans = 0x26,
  error = 0xffff,
};
[[nodiscard]] constexpr bool is_request(MessageCode code) {
  return (static_cast<std::uint16_t>(code) & 1) != 0 && code != MessageCode::error;
}
// Precondition: is_request(code).
[[nodiscard]] constexpr MessageCode answer_to(MessageCode code) {
  return static_cast<MessageCode>(static_cast<std::uint16_t>(code) + 1);
}

// 6940 14.9, errata 3885.
enum class ErrorCode : std::uint16_t {
  invalid = 0x0,
  forbidden = 0x2,
  not_found = 0x3,
  request_timeout = 0x4,
  generation_counter_too_low = 0x5,
  incompatible_with_overlay = 0x6,
  unsupported_forwarding_option = 0x7,
  data_too_large = 0x8,
  data_too_old = 0x9,
  ttl_exceeded = 0xa,
  message_too_large = 0xb,
  unknown_kind = 0xc,
  unknown_extension = 0xd,
  response_too_large = 0xe,
  config_too_old = 0xf,
  config_too_new = 0x10,
  in_progress = 0x11,
  exp_a = 0x12,
  exp_b = 0x13,
  invalid_message = 0x14,
};

enum class OverlayLinkType : std::uint8_t {
  dtls_udp_sr = 1,
  dtls_udp_sr_no_ice = 3,
  tls_tcp_fh_no_ice = 4,
  exp_link = 5
};
enum class CandidateType : std::uint8_t { host = 1, srflx = 2, relay = 4 };
enum class AddressType : std::uint8_t { ipv4 = 1, ipv6 = 2 };
enum class DestinationType : std::uint8_t { node = 1, resource = 2, opaque = 3 };
enum class ForwardingOptionType : std::uint8_t { exp_forward = 1 };
enum class MessageExtensionType : std::uint16_t { exp_ext = 1 };
enum class ProbeInformationType : std::uint8_t { responsible_set = 1, num_resources = 2, uptime = 3, exp_probe = 4 };
enum class ConfigUpdateType : std::uint8_t { config = 1, kind = 2 };
enum class SignerIdentityType : std::uint8_t { cert_hash = 1, cert_hash_node_id = 2, none = 3 };
enum class ChordUpdateType : std::uint8_t { peer_ready = 1, neighbors = 2, full = 3 };
enum class ChordLeaveType : std::uint8_t { from_succ = 1, from_pred = 2 };
enum class FrameType : std::uint8_t { data = 128, ack = 129 };
enum class CertificateType : std::uint8_t { x509 = 0, openpgp = 1 };

// TLS registries (RFC 5246 7.4.1.4.1).
enum class HashAlgorithm : std::uint8_t { none = 0, md5 = 1, sha1 = 2, sha224 = 3, sha256 = 4, sha384 = 5, sha512 = 6 };
enum class SignatureAlgorithm : std::uint8_t { anonymous = 0, rsa = 1, dsa = 2, ecdsa = 3 };

// 6940 7.2: how the values of a Kind are laid out. Never on the wire: it comes from the Kind's definition.
enum class DataModel : std::uint8_t { single, array, dictionary };

// 6940 14.6 and RFC 7904 9.1.
inline constexpr KindId kKindSipRegistration{0x1};
inline constexpr KindId kKindTurnService{0x2};
inline constexpr KindId kKindCertificateByNode{0x3};
inline constexpr KindId kKindCertificateByUser{0x10};

// 6940 14.5.
inline constexpr ApplicationId kApplicationSip{5060};
inline constexpr ApplicationId kApplicationSips{5061};

// The RFC's names ("store_req", "Error_Not_Found"); "unknown" for a code without one.
[[nodiscard]] std::string_view name_of(MessageCode code);
[[nodiscard]] std::string_view name_of(ErrorCode code);

}  // namespace reload::wire
