// Bodies of the topology, probe and link messages, byte for byte.
#include "tests/unit/wire/test_bytes.hpp"

namespace reload::wire {

namespace {

const std::string kA(kHexA);
const std::string kB(kHexB);

IceCandidate candidate(CandidateType type) {
  IceCandidate candidate;
  candidate.address = {AddressType::ipv4, {192, 0, 2, 1}, 6084};
  candidate.overlay_link = 4;
  candidate.foundation = {'1'};
  candidate.priority = 0x7effffff;
  candidate.type = type;
  return candidate;
}

constexpr std::string_view kHostCandidate = "0106c000020117c4 04 01 31 7effffff 01 0000";

Bytes attach_with(std::string_view candidates) {
  Bytes list = hex(candidates);
  Bytes bytes = hex("00 00 00");
  bytes.push_back(static_cast<std::uint8_t>(list.size() >> 8));
  bytes.push_back(static_cast<std::uint8_t>(list.size()));
  append(bytes, list);
  bytes.push_back(0);
  return bytes;
}

}  // namespace

TEST_CASE("6940-6.4.2.1-1 6940-6.4.2.1-8: Join") {
  check_wire(JoinReq{kNodeA, {0xab}}, kA + "0001 ab");
  check_wire(JoinAns{{0xab, 0xcd}}, "0002 abcd");
}

TEST_CASE("6940-6.4.2.2-2 6940-10.9-2 6940-10.9-3: Leave with ChordLeaveData inside") {
  check_wire(LeaveReq{kNodeA, {ChordLeaveType::from_succ, {kNodeB}}}, kA + "0013 01 0010" + kB);
  check_wire(LeaveReq{kNodeA, {ChordLeaveType::from_pred, {}}}, kA + "0003 02 0000");
  check_wire(LeaveAns{}, "");
  CHECK_FALSE(decode<LeaveReq>(hex(kA + "0000")).has_value());
  CHECK_FALSE(decode<LeaveReq>(hex(kA + "0004 02 0000 00")).has_value());
  CHECK_FALSE(decode<LeaveReq>(hex(kA + "0003 00 0000")).has_value());
  CHECK_FALSE(decode<LeaveAns>(hex("00")).has_value());
}

TEST_CASE("6940-10.7-1 6940-6.4.2.3-5: Update is a ChordUpdate without a wrapper; its answer is empty") {
  UpdateReq update{3600, ChordUpdateType::peer_ready, {}, {}, {}};
  check_wire(update, "00000e10 01");
  update = {3600, ChordUpdateType::neighbors, {kNodeA}, {kNodeB}, {}};
  check_wire(update, "00000e10 02 0010" + kA + "0010" + kB);
  update = {3600, ChordUpdateType::full, {}, {kNodeB}, {kNodeA}};
  check_wire(update, "00000e10 03 0000 0010" + kB + "0010" + kA);
  check_wire(UpdateAns{}, "");
  CHECK_FALSE(decode<UpdateReq>(hex("00000e10 01 0000")).has_value());
  CHECK_FALSE(decode<UpdateReq>(hex("00000e10 02 0011" + kA + "00 0000")).has_value());
}

TEST_CASE("6940-6.4.2.4.1-1 6940-6.4.2.4.2-1 6940-10.8-1: RouteQuery") {
  check_wire(RouteQueryReq{true, kNodeA, {}}, "01 0110" + kA + "0000");
  CHECK_FALSE(decode<RouteQueryReq>(hex("02 0110" + kA + "0000")).has_value());
  check_wire(RouteQueryAns{kNodeB}, kB);
}

TEST_CASE("6940-6.4.2.5.1-1 6940-6.4.2.5.2-1 6940-6.4.2.5.2-2: Probe") {
  check_wire(ProbeReq{{1, 2, 3}}, "03 010203");
  check_wire(ProbeAns{{make_probe_information(ProbeInformationType::responsible_set, 500000000)}},
             "0006 01 04 1dcd6500");
  CHECK(value_u32(make_probe_information(ProbeInformationType::uptime, 3600)) == 3600);
  CHECK_FALSE(value_u32(ProbeInformation{1, {0, 0, 1}}).has_value());
  check_wire(ProbeAns{{ProbeInformation{99, {0xaa}}}}, "0003 63 01 aa");
}

TEST_CASE("6940-6.5.1.1-3 6940-6.5.1.1-4 6940-6.5.1.1-5: Attach and its candidates") {
  Attach attach;
  attach.ufrag = {'u'};
  attach.password = {'p', 'w'};
  attach.role = to_bytes(as_bytes("active"));
  attach.candidates = {candidate(CandidateType::host)};
  attach.send_update = true;
  check_wire(attach, "01 75 02 7077 06 616374697665 0012" + std::string(kHostCandidate) + "01");

  IceCandidate relayed = candidate(CandidateType::relay);
  relayed.related = IpAddressPort{AddressType::ipv4, {10, 0, 0, 1}, 4096};
  relayed.extensions = {IceExtension{{'n'}, {'v', 'v'}}};
  attach = Attach{};
  attach.candidates = {relayed};
  check_wire(attach, "00 00 00 0021 0106c000020117c4 04 01 31 7effffff 04 01060a0000011000 0007 0001 6e 0002 7676 00");
}

TEST_CASE("candidates of types and addresses that cannot be used are left out, the others kept") {
  const auto kept = [](std::string_view unusable) {
    const std::string list = std::string(unusable) + std::string(kHostCandidate);
    const auto attach = decode<Attach>(attach_with(list));
    REQUIRE(attach.has_value());
    CHECK(attach->candidates == std::vector<IceCandidate>{candidate(CandidateType::host)});
  };
  SUBCASE("reserved type 3 with a related address") {
    kept("0106c000020117c4 01 01 31 00000001 03 01060a0000011000 0000");
  }
  SUBCASE("unknown type with a related IPv6 address and an extension") {
    kept("0106c000020117c4 01 01 31 00000001 09 021220010db800000000000000000000000117c4 0006 0001 6e 0001 76");
  }
  SUBCASE("unknown type without a related address") { kept("0106c000020117c4 01 01 31 00000001 05 0000"); }
  SUBCASE("unknown type of address") { kept("0703aabbcc 01 01 31 00000001 01 0000"); }
}

TEST_CASE("a candidate of a known type whose parts do not fit is refused") {
  CHECK_FALSE(decode<Attach>(attach_with("0106c000020117c4 01 01 31 00000001 02 0000")).has_value());
  CHECK_FALSE(decode<Attach>(attach_with("0106c000020117c4 01 01 31 00000001 01 0001 00")).has_value());
  CHECK_FALSE(decode<Attach>(attach_with("0105c0000201 17 01 01 31 00000001 01 0000")).has_value());
}

TEST_CASE("6940-6.5.2.1-1 6940-6.5.2.2-4: AppAttach has the application and no send_update") {
  AppAttach attach;
  attach.application = kApplicationSip;
  attach.role = {'r'};
  attach.candidates = {candidate(CandidateType::host)};
  check_wire(attach, "00 00 13c4 01 72 0012" + std::string(kHostCandidate));
}

TEST_CASE("6940-6.5.3.1-1 6940-6.5.3.2-1: Ping") {
  check_wire(PingReq{{0, 0}}, "0002 0000");
  CHECK(decode<PingReq>(encode(PingReq{Bytes(65535)}))->padding.size() == 65535);
  check_wire(PingAns{0x0123456789abcdef, 0x00000143a1b2c300}, "0123456789abcdef 00000143a1b2c300");
}

TEST_CASE("6940-6.5.4.1-1 6940-6.5.4.1-2 6940-6.5.4.2-1: ConfigUpdate") {
  check_wire(ConfigUpdateReq{ConfigUpdateType::config, {0x3c, 0x3e}, {}}, "01 00000005 000002 3c3e");
  check_wire(ConfigUpdateReq{ConfigUpdateType::kind, {}, {{0x3c}, {0x3e}}}, "02 00000009 000006 0001 3c 0001 3e");
  const auto unknown = decode<ConfigUpdateReq>(hex("07 00000002 abcd"));
  REQUIRE(unknown.has_value());
  CHECK(unknown->type == static_cast<ConfigUpdateType>(7));
  CHECK_FALSE(decode<ConfigUpdateReq>(hex("07 00000003 abcd")).has_value());
  check_wire(ConfigUpdateAns{}, "");
}

TEST_CASE("6940-6.3.1-1 6940-6.3.1-2: lengths count bytes, not elements") {
  check_wire(std::vector<KindId>{KindId{1}, KindId{2}}, "08 00000001 00000002");
  CHECK_FALSE(decode<std::vector<KindId>>(hex("02 00000001 00000002")).has_value());
  CHECK_FALSE(decode<std::vector<KindId>>(hex("06 00000001 0000")).has_value());
}

}  // namespace reload::wire
