#include "sip-usage/digest_auth.hpp"

#include <doctest/doctest.h>

#include "sip-usage/limits.hpp"
#include "sip-usage/sofia/openssl_hash.hpp"

namespace reload::sip {
namespace {

const std::string kAlice = "alice@demo.example";
const OpensslHash kHash;

std::string line(const std::string& user, const std::string& password, const std::string& realm = "demo.example") {
  const std::string secret = user + ':' + realm + ':' + password;
  return user + "@demo.example:" + realm + ':' + kHash.md5(secret) + ':' + kHash.sha256(secret) + '\n';
}

struct Bed {
  DigestCredentials answer(const std::string& password, DigestAlgorithm algorithm = DigestAlgorithm::md5,
                           const std::string& nc = "00000001") {
    const auto hash = [&](const std::string& text) {
      return algorithm == DigestAlgorithm::md5 ? kHash.md5(text) : kHash.sha256(text);
    };
    DigestCredentials out;
    out.username = "alice";
    out.realm = "demo.example";
    out.nonce = nonce;
    out.uri = "sip:demo.example";
    out.cnonce = "xyz";
    out.nc = nc;
    out.qop = "auth";
    out.algorithm = algorithm;
    out.response = hash(hash("alice:demo.example:" + password) + ':' + nonce + ':' + nc +
                        ":xyz:auth:" + hash("REGISTER:sip:demo.example"));
    return out;
  }
  DigestAuth::Verdict check(const DigestCredentials& credentials, const std::string& aor = kAlice) {
    return auth.check(credentials, "REGISTER", aor, now);
  }
  PasswordTable passwords =
      PasswordTable::parse("# users\n\n" + line("alice", "secret") + line("bob", "x"), "f").value();
  DigestAuth auth{passwords, kHash, "demo.example"};
  Mono now{1000s};
  std::string nonce = auth.make_nonce(now);
};

using Verdict = DigestAuth::Verdict;

TEST_CASE("RFC 7616: the right password passes with both algorithms, a wrong one with none") {
  for (const auto algorithm : {DigestAlgorithm::md5, DigestAlgorithm::sha256}) {
    Bed bed;
    CHECK(bed.check(bed.answer("wrong", algorithm)) == Verdict::wrong);
    CHECK(bed.check(bed.answer("secret", algorithm)) == Verdict::ok);
  }
}

TEST_CASE("Credentials are good for their own user, method and realm only") {
  Bed bed;
  CHECK(bed.check(bed.answer("secret"), "bob@demo.example") == Verdict::wrong);
  CHECK(bed.check(bed.answer("secret"), "nobody@demo.example") == Verdict::wrong);
  CHECK(bed.auth.check(bed.answer("secret"), "INVITE", kAlice, bed.now) == Verdict::wrong);
  DigestCredentials changed = bed.answer("secret");
  changed.realm = "other";
  CHECK(bed.check(changed) == Verdict::wrong);
  changed = bed.answer("secret");
  changed.algorithm = std::nullopt;
  CHECK(bed.check(changed) == Verdict::wrong);
  changed = bed.answer("secret");
  changed.qop = "";
  CHECK(bed.check(changed) == Verdict::wrong);
}

TEST_CASE("A nonce lives for a while, counts up, and can't be made by others") {
  Bed bed;
  CHECK(bed.check(bed.answer("secret")) == Verdict::ok);
  CHECK(bed.check(bed.answer("secret")) == Verdict::stale);  // replayed
  CHECK(bed.check(bed.answer("secret", DigestAlgorithm::md5, "00000002")) == Verdict::ok);
  CHECK(bed.check(bed.answer("secret", DigestAlgorithm::md5, "00000001")) == Verdict::stale);
  bed.now += kNonceLifetime + 1s;
  CHECK(bed.check(bed.answer("secret", DigestAlgorithm::md5, "00000003")) == Verdict::stale);
  CHECK(bed.check(bed.answer("wrong", DigestAlgorithm::md5, "00000003")) == Verdict::wrong);

  Bed other;
  CHECK(other.nonce.size() == bed.nonce.size());
  other.nonce.back() = other.nonce.back() == '0' ? '1' : '0';
  CHECK(other.check(other.answer("secret")) == Verdict::stale);
  other.nonce = "";
  CHECK(other.check(other.answer("secret")) == Verdict::stale);
  CHECK(bed.auth.make_nonce(bed.now) != bed.auth.make_nonce(bed.now));
}

TEST_CASE("A nonce whose count was forgotten is challenged again and not taken") {
  Bed bed;
  CHECK(bed.check(bed.answer("secret")) == Verdict::ok);
  const std::string first = bed.nonce;
  for (std::size_t i = 0; i < kMaxNonceCounts; ++i) {
    bed.nonce = bed.auth.make_nonce(bed.now);
    REQUIRE(bed.check(bed.answer("secret")) == Verdict::ok);
  }
  bed.nonce = first;
  CHECK(bed.check(bed.answer("secret", DigestAlgorithm::md5, "00000002")) == Verdict::stale);
}

TEST_CASE("RFC 8760: a challenge names its algorithm") {
  Bed bed;
  CHECK(bed.auth.challenge(DigestAlgorithm::sha256, "n", false) ==
        "Digest realm=\"demo.example\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"");
  CHECK(bed.auth.challenge(DigestAlgorithm::md5, "n", true) ==
        "Digest realm=\"demo.example\", nonce=\"n\", algorithm=MD5, qop=\"auth\", stale=true");
}

TEST_CASE("Credentials are read from parameters, quoted or not") {
  const DigestCredentials read =
      read_credentials({"username=\"al\\\"ice\"", "realm=\"r\"", "nonce=\"n\"", "URI=\"u=v\"", "response=\"ABC\"",
                        "algorithm=sha-256", "qop=auth", "nc=00000001", "cnonce=\"c\"", "opaque", ""});
  CHECK(read.username == "al\"ice");
  CHECK(read.uri == "u=v");
  CHECK(read.response == "abc");
  CHECK(read.algorithm == DigestAlgorithm::sha256);
  CHECK(read.qop == "auth");
  CHECK(read_credentials({}).algorithm == DigestAlgorithm::md5);
  CHECK_FALSE(read_credentials({"algorithm=MD5-sess"}).algorithm.has_value());
}

TEST_CASE("A bad line of the password file is an error that names file and line") {
  const std::string good = line("alice", "secret");
  for (const std::string& bad : {std::string("alice"), std::string("alice@demo.example:r:00:00"),
                                 "alice@demo.example::" + std::string(32, '0') + ':' + std::string(64, '0'),
                                 "alice:r:" + std::string(32, '0') + ':' + std::string(64, '0'),
                                 "x@demo.example:r:" + std::string(32, '0') + ':' + std::string(64, 'g'), good}) {
    const auto table = PasswordTable::parse(good + bad, "users.txt");
    REQUIRE_FALSE(table);
    CHECK_MESSAGE(table.error().text.starts_with("users.txt:2: "), table.error().text);
    CHECK(table.error().text.find("secret") == std::string::npos);
  }
  CHECK(PasswordTable::parse("", "f")->size() == 0);
}

}  // namespace
}  // namespace reload::sip
