// A node's credential is renewed while it runs: nothing that is under way is lost, and no link.
#include <doctest/doctest.h>

#include <algorithm>

#include "reload/security/message_auth.hpp"
#include "tests/kit/fixtures.hpp"
#include "tests/kit/node_bed.hpp"

using namespace reload;
using namespace reload::kit;
using wire::MessageCode;

namespace {

const Cast& cast = Cast::get();

// Another key and certificate of the same node.
security::CredentialPtr renewed(Who who, Wall from = kValidFrom, Wall to = kValidTo) {
  static Prng rng(7);
  return sim::make_fake_credential({cast.id(who)}, cast.user(who), Cast::kOverlay, from, to, rng);
}

bool signed_with(const NodeBed::Sent& message, const security::Credential& credential) {
  const auto parsed = message.parsed();
  if (!parsed) return false;
  const auto& block = parsed->security;
  if (!(block.signature.identity == security::identity_of(credential, cast.crypto()))) return false;
  // Whoever does not know the new certificate finds it in the message.
  return std::ranges::any_of(block.certificates, [&](const wire::GenericCertificate& one) {
    return equal(one.certificate, credential.certificate->der.view());
  });
}

Letter ping(Who from, TransactionId transaction) {
  return letter(from, {cast.id(Who::node)}, MessageCode::ping_req, wire::encode(wire::PingReq{}), transaction);
}

Letter signed_by(const security::CredentialPtr& signer, Letter letter) {
  letter.signer = signer;
  letter.certificates = {{wire::CertificateType::x509, to_bytes(signer->certificate->der.view())}};
  return letter;
}

}  // namespace

TEST_CASE("from a renewal on the node signs with the new credential, and all its links stay") {
  NodeBed bed;
  const LinkId next = bed.befriend(Who::next);
  const LinkId half = bed.befriend(Who::half);
  bed.sent.clear();
  const auto fresh = renewed(Who::node);
  REQUIRE(bed.node().renew_credential(fresh, bed.now()));
  CHECK(bed.node().credentials().node() == fresh);
  bed.deliver(next, ping(Who::next, 1));
  const auto answer = bed.take(MessageCode::ping_ans);
  REQUIRE(answer);
  CHECK(signed_with(*answer, *fresh));
  bed.input(node::CallPing{bed.new_call(), {cast.id(Who::half)}});
  const auto request = bed.take(MessageCode::ping_req);
  REQUIRE(request);
  CHECK(request->link == half);
  CHECK(signed_with(*request, *fresh));
  CHECK(bed.closed.empty());
}

TEST_CASE("what was asked before a renewal is answered after it, and what others asked before it too") {
  NodeBed bed({.holds_crypto = true});
  const LinkId next = bed.link_up(Who::next);
  // Ours: signed and sent with the old credential.
  bed.input(node::CallPing{bed.new_call(), {cast.id(Who::next)}});
  while (!bed.jobs.empty()) bed.finish_job(0);
  const auto request = bed.take(MessageCode::ping_req);
  REQUIRE(request);
  CHECK(signed_with(*request, *cast.credential(Who::node)));
  // Theirs: checked before, answered after.
  bed.deliver(next, ping(Who::next, 1));
  REQUIRE(bed.jobs.size() == 1);
  const auto fresh = renewed(Who::node);
  REQUIRE(bed.node().renew_credential(fresh, bed.now()));
  while (!bed.jobs.empty()) bed.finish_job(0);
  const auto answer = bed.take(MessageCode::ping_ans);
  REQUIRE(answer);
  CHECK(signed_with(*answer, *fresh));

  bed.deliver(next, answer_letter(Who::next, cast.id(Who::node), request->header, MessageCode::ping_ans,
                                  wire::encode(wire::PingAns{5, 6})));
  while (!bed.jobs.empty()) bed.finish_job(0);
  REQUIRE(bed.events.size() == 1);
  CHECK(std::get<node::ApiResult<node::PingDone>>(bed.events.front().result));
}

TEST_CASE("a signature that was being made during a renewal goes out with the certificate that it is of") {
  NodeBed bed({.holds_crypto = true});
  bed.link_up(Who::next);
  while (!bed.jobs.empty()) bed.finish_job(0);
  bed.sent.clear();
  bed.input(node::CallPing{bed.new_call(), {cast.id(Who::next)}});
  REQUIRE(bed.jobs.size() == 1);
  REQUIRE(bed.node().renew_credential(renewed(Who::node), bed.now()));
  bed.finish_job(0);
  const auto request = bed.take(MessageCode::ping_req);
  REQUIRE(request);
  CHECK(signed_with(*request, *cast.credential(Who::node)));
}

TEST_CASE("a node takes no credential of another node, of no authority, or without validity") {
  NodeBed bed;
  const auto refused = [&](const security::CredentialPtr& credential, const std::string& why) {
    const auto result = bed.node().renew_credential(credential, bed.now());
    REQUIRE_FALSE(result);
    CHECK_MESSAGE(result.error().text.find(why) != std::string::npos, result.error().text);
    CHECK(bed.node().credentials().node() == cast.credential(Who::node));
  };
  refused(cast.credential(Who::next), "this node is " + cast.id(Who::node).hex());
  refused(renewed(Who::node, kValidFrom, kTestNow - 1s), "expired");
  refused(renewed(Who::node, kTestNow + 1h, kValidTo), "not valid yet");
}

TEST_CASE("a neighbour that has renewed keeps its link, which was made with its old certificate") {
  NodeBed bed;
  const LinkId next = bed.befriend(Who::next);
  const auto fresh = renewed(Who::next);
  bed.sent.clear();
  bed.deliver(next, signed_by(fresh, ping(Who::next, 1)));
  CHECK(bed.take(MessageCode::ping_ans));
  // An Update, by which the node's tables live.
  wire::UpdateReq update;
  update.type = wire::ChordUpdateType::neighbors;
  bed.deliver(next, signed_by(fresh, letter(Who::next, {cast.id(Who::node)}, MessageCode::update_req,
                                            wire::encode(update), 2)));
  CHECK(bed.take(MessageCode::update_ans));
  CHECK(bed.closed.empty());
  CHECK(bed.count(Counter::signers_unknown) == 0);
  CHECK(bed.node().topology().successors.front() == cast.id(Who::next));
}

TEST_CASE("a request that a neighbour repeats after its renewal is answered once more, not done once more") {
  NodeBed bed;
  const LinkId next = bed.befriend(Who::next);
  bed.sent.clear();
  bed.deliver(next, ping(Who::next, 9));
  const auto first = bed.take(MessageCode::ping_ans);
  bed.deliver(next, signed_by(renewed(Who::next), ping(Who::next, 9)));
  const auto second = bed.take(MessageCode::ping_ans);
  REQUIRE((first && second));
  CHECK(first->rest == second->rest);
}

TEST_CASE("an answer signed after the responder's renewal is taken, though the request went to its old certificate") {
  NodeBed bed;
  const LinkId next = bed.befriend(Who::next);
  bed.sent.clear();
  bed.input(node::CallPing{bed.new_call(), {cast.id(Who::next)}});
  const auto request = bed.take(MessageCode::ping_req);
  REQUIRE(request);
  bed.deliver(next,
              signed_by(renewed(Who::next), answer_letter(Who::next, cast.id(Who::node), request->header,
                                                          MessageCode::ping_ans, wire::encode(wire::PingAns{5, 6}))));
  REQUIRE_FALSE(bed.events.empty());
  CHECK(std::get<node::ApiResult<node::PingDone>>(bed.events.back().result));
}

TEST_CASE("a user's renewed credential takes the place of the old one; a user who is gone signs no more") {
  NodeBed bed;
  const auto fresh = renewed(Who::user_of_node);
  const auto id = bed.node().credentials().find_user(cast.user(Who::user_of_node));
  REQUIRE(id);
  CHECK(bed.node().add_user(fresh) == *id);
  CHECK(bed.node().credentials().find(*id) == fresh);
  bed.node().remove_user(cast.user(Who::user_of_node));
  CHECK_FALSE(bed.node().credentials().find_user(cast.user(Who::user_of_node)));
  CHECK(bed.node().credentials().find(*id) == nullptr);
  bed.node().remove_user("nobody@kit.example");
}
