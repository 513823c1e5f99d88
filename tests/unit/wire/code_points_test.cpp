// The numbers of RFC 6940 section 14 and the names they go by.
#include <map>

#include "reload/wire/names.hpp"
#include "tests/unit/wire/test_bytes.hpp"

namespace reload::wire {

namespace {

// Checks each name, and that every other code of the range has none.
template <class E>
void check_names(const std::map<unsigned, std::string_view>& expected, unsigned last) {
  for (unsigned code = 0; code <= last; ++code) {
    CAPTURE(code);
    const auto name = find_name(static_cast<E>(code));
    const auto wanted = expected.find(code);
    if (wanted == expected.end()) {
      CHECK_FALSE(name.has_value());
    } else {
      CHECK(name == wanted->second);
    }
  }
}

}  // namespace

TEST_CASE("6940-14.8-2 6940-14.8-3 6940-6.3.3-6: message codes and their names; the rest is unassigned or reserved") {
  check_names<MessageCode>({{0x1, "probe_req"},
                            {0x2, "probe_ans"},
                            {0x3, "attach_req"},
                            {0x4, "attach_ans"},
                            {0x7, "store_req"},
                            {0x8, "store_ans"},
                            {0x9, "fetch_req"},
                            {0xa, "fetch_ans"},
                            {0xd, "find_req"},
                            {0xe, "find_ans"},
                            {0xf, "join_req"},
                            {0x10, "join_ans"},
                            {0x11, "leave_req"},
                            {0x12, "leave_ans"},
                            {0x13, "update_req"},
                            {0x14, "update_ans"},
                            {0x15, "route_query_req"},
                            {0x16, "route_query_ans"},
                            {0x17, "ping_req"},
                            {0x18, "ping_ans"},
                            {0x19, "stat_req"},
                            {0x1a, "stat_ans"},
                            {0x1d, "app_attach_req"},
                            {0x1e, "app_attach_ans"},
                            {0x23, "exp_a_req"},
                            {0x24, "exp_a_ans"},
                            {0x21, "config_update_req"},
                            {0x22, "config_update_ans"},
                            {0x25, "exp_b_req"},
                            {0x26, "exp_b_ans"},
                            {0xffff, "error"}},
                           0xffff);
  CHECK(name_of(MessageCode::store_req) == "store_req");
  CHECK(name_of(static_cast<MessageCode>(0x5)) == "unknown");
}

TEST_CASE("6940-14.9-2 6940-14.9-3: error codes and their names") {
  check_names<ErrorCode>({{0x2, "Error_Forbidden"},
                          {0x3, "Error_Not_Found"},
                          {0x4, "Error_Request_Timeout"},
                          {0x5, "Error_Generation_Counter_Too_Low"},
                          {0x6, "Error_Incompatible_with_Overlay"},
                          {0x7, "Error_Unsupported_Forwarding_Option"},
                          {0x8, "Error_Data_Too_Large"},
                          {0x9, "Error_Data_Too_Old"},
                          {0xa, "Error_TTL_Exceeded"},
                          {0xb, "Error_Message_Too_Large"},
                          {0xc, "Error_Unknown_Kind"},
                          {0xd, "Error_Unknown_Extension"},
                          {0xe, "Error_Response_Too_Large"},
                          {0xf, "Error_Config_Too_Old"},
                          {0x10, "Error_Config_Too_New"},
                          {0x11, "Error_In_Progress"},
                          {0x12, "Error_Exp_A"},
                          {0x13, "Error_Exp_B"},
                          {0x14, "Error_Invalid_Message"}},
                         0xffff);
  CHECK(name_of(ErrorCode::not_found) == "Error_Not_Found");
  CHECK(name_of(static_cast<ErrorCode>(0xffff)) == "unknown");
}

TEST_CASE("6940-6.3.3-3 6940-6.3.3.1-2 6940-6.3.3.1-3: requests are odd, the answer is one more, failure is 0xffff") {
  for (unsigned code = 1; code <= 0x7fff; ++code) {
    CHECK(is_request(static_cast<MessageCode>(code)) == (code % 2 == 1));
  }
  CHECK(answer_to(MessageCode::store_req) == MessageCode::store_ans);
  CHECK(answer_to(MessageCode::config_update_req) == MessageCode::config_update_ans);
  CHECK_FALSE(is_request(MessageCode::error));
  CHECK(static_cast<unsigned>(MessageCode::error) == 0xffff);
}

TEST_CASE("6940-14.10-2 6940-6.5.1.1-1: overlay link types") {
  check_names<OverlayLinkType>(
      {{1, "DTLS-UDP-SR"}, {3, "DTLS-UDP-SR-NO-ICE"}, {4, "TLS-TCP-FH-NO-ICE"}, {5, "EXP-LINK"}}, 255);
}

TEST_CASE("6940-6.5.1.1-2: candidate types, 3 reserved") {
  check_names<CandidateType>({{1, "host"}, {2, "srflx"}, {4, "relay"}}, 255);
}

TEST_CASE("6940-6.3.1.1-6 6940-6.3.2.2-1: address and destination types") {
  check_names<AddressType>({{1, "ipv4_address"}, {2, "ipv6_address"}}, 255);
  check_names<DestinationType>({{1, "node"}, {2, "resource"}, {3, "opaque_id_type"}}, 255);
}

TEST_CASE("6940-14.12-3 6940-14.13-2 6940-14.14-2 6940-6.4.2.5.1-2: option, probe and extension types") {
  CHECK(static_cast<unsigned>(ForwardingOptionType::exp_forward) == 1);
  CHECK(static_cast<unsigned>(ProbeInformationType::responsible_set) == 1);
  CHECK(static_cast<unsigned>(ProbeInformationType::num_resources) == 2);
  CHECK(static_cast<unsigned>(ProbeInformationType::uptime) == 3);
  CHECK(static_cast<unsigned>(ProbeInformationType::exp_probe) == 4);
  CHECK(static_cast<unsigned>(MessageExtensionType::exp_ext) == 1);
  CHECK(sizeof(MessageExtensionType) == 2);
}

TEST_CASE("6940-14.5-3: Application-IDs of SIP") {
  CHECK(kApplicationSip.value == 5060);
  CHECK(kApplicationSips.value == 5061);
}

TEST_CASE("6940-6.3.1.1-1: enumerations have the width of their greatest value") {
  CHECK(sizeof(MessageCode) == 2);
  CHECK(sizeof(ErrorCode) == 2);
  CHECK(sizeof(DestinationType) == 1);
  CHECK(sizeof(SignerIdentityType) == 1);
  CHECK(sizeof(ChordUpdateType) == 1);
  check_wire(ErrorResponse{ErrorCode::not_found, {}}, "0003 0000");
}

}  // namespace reload::wire
