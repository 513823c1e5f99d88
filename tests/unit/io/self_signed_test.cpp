#include "reload/io/self_signed.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>

#include "reload/io/credential_files.hpp"
#include "reload/io/overlay_files.hpp"
#include "reload/io/self_signed_file.hpp"
#include "tests/kit/fixtures.hpp"
#include "tests/kit/temporary_directory.hpp"

using namespace reload;

namespace {

const Wall kNow = from_unix_seconds(1'800'000'000);
const std::string kUser = "alice@self.example";

struct Bed {
  [[nodiscard]] config::OverlayConfig config(config::NodeIdDigest digest) const {
    config::OverlayConfig made;
    made.instance_name = "self.example";
    made.self_signed_digest = digest;
    return made;
  }
  [[nodiscard]] std::string path() const { return directory / "credential.pem"; }
  Result<io::KeptSelfSigned> keep(const std::string& name, Wall now = kNow) const {
    return io::keep_self_signed(path(), name, config(config::NodeIdDigest::sha256), crypto, now);
  }
  [[nodiscard]] security::CredentialPtr held() const {
    return io::load_credentials(path(), crypto, NodeId::kMinSize)->front();
  }

  io::OpensslCrypto crypto;
  kit::TemporaryDirectory directory;
};

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

security::CertificatePtr made(const Bed& bed, const config::OverlayConfig& config, const std::string& user,
                              std::size_t count) {
  const auto key = io::generate_private_key(io::KeyType::ecdsa_p256);
  const auto self_signed = io::make_self_signed({user, count, {kNow, kNow + 24h}}, **key, config, bed.crypto);
  REQUIRE(self_signed.has_value());
  unsigned char* der = nullptr;
  const int size = i2d_X509(self_signed->certificate.get(), &der);
  auto parsed = bed.crypto.parse_certificate({der, static_cast<std::size_t>(size)}, NodeId::kMinSize);
  OPENSSL_free(der);
  REQUIRE_MESSAGE(parsed.has_value(), parsed.error().text);
  CHECK(parsed.value()->node_ids == self_signed->identity.node_ids);
  return *parsed;
}

}  // namespace

TEST_CASE("6940-11.3.1-1 6940-11.3.1-3 6940-11.3.1-4: what a node signs itself is what others accept") {
  const Bed bed;
  for (const auto digest : {config::NodeIdDigest::sha1, config::NodeIdDigest::sha256}) {
    const auto config = bed.config(digest);
    const auto trust = security::Trust::make(std::make_shared<config::OverlayConfig>(config), bed.crypto);
    REQUIRE(trust.has_value());
    for (const std::size_t count : {std::size_t{1}, std::size_t{3}}) {
      const auto certificate = made(bed, config, kUser, count);
      CHECK(certificate->node_ids.size() == count);
      CHECK(certificate->is_self_issued());
      CHECK(certificate->user_name == kUser);
      const auto judged = (*trust)->check(*certificate, {}, kNow, bed.crypto);
      CHECK_MESSAGE(judged.has_value(), judged.error().text);
      const auto other =
          bed.config(digest == config::NodeIdDigest::sha1 ? config::NodeIdDigest::sha256 : config::NodeIdDigest::sha1);
      const auto elsewhere = security::Trust::make(std::make_shared<config::OverlayConfig>(other), bed.crypto);
      CHECK_FALSE((*elsewhere)->check(*certificate, {}, kNow, bed.crypto).has_value());
    }
  }
}

TEST_CASE("6940-11.3.1-2: the user name is of one's own choice, and made from the Node-ID without one") {
  const Bed bed;
  const auto config = bed.config(config::NodeIdDigest::sha256);
  CHECK(made(bed, config, "x.y+z@elsewhere.example", 1)->user_name == "x.y+z@elsewhere.example");
  const auto nameless = made(bed, config, "", 1);
  CHECK(nameless->user_name == "node-" + nameless->node_ids.front().hex() + "@self.example");
}

TEST_CASE("no self-signed certificate is made for an overlay that does not permit it") {
  const Bed bed;
  config::OverlayConfig config;
  config.instance_name = "self.example";
  const auto key = io::generate_private_key(io::KeyType::ecdsa_p256);
  const auto refused = io::make_self_signed({kUser, 1, {kNow, kNow + 24h}}, **key, config, bed.crypto);
  REQUIRE_FALSE(refused.has_value());
  CHECK(has(refused.error().text, "self-signed-permitted"));
}

TEST_CASE("a member's own credential is made once, for its owner's eyes, and found again") {
  const Bed bed;
  const auto first = bed.keep("alice");
  REQUIRE_MESSAGE(first.has_value(), first.error().text);
  CHECK(first->made);
  CHECK(first->user_name == kUser);
  struct stat status {};
  REQUIRE(::stat(bed.path().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777u) == 0600u);
  const Bytes before = *io::read_file(bed.path(), 65536);
  const auto second = bed.keep(kUser);
  REQUIRE(second.has_value());
  CHECK_FALSE(second->made);
  CHECK_FALSE(second->renewed);
  CHECK(*io::read_file(bed.path(), 65536) == before);
}

TEST_CASE("a renewed self-signed certificate has the same key, so the same Node-ID") {
  const Bed bed;
  REQUIRE(bed.keep("alice").has_value());
  const auto before = bed.held();
  const auto renewed = bed.keep("alice", kNow + 7 * 365 * 24h);
  REQUIRE(renewed.has_value());
  CHECK(renewed->renewed);
  const auto after = bed.held();
  CHECK(after->node_id == before->node_id);
  CHECK(after->certificate->hash != before->certificate->hash);
  CHECK(after->certificate->not_after > before->certificate->not_after);
  struct stat status {};
  REQUIRE(::stat(bed.path().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777u) == 0600u);
}

TEST_CASE("a credential that is somebody else's stays, and the message says what to do") {
  const Bed bed;
  REQUIRE(bed.keep("alice").has_value());
  const Bytes before = *io::read_file(bed.path(), 65536);
  const auto other = bed.keep("bob");
  REQUIRE_FALSE(other.has_value());
  CHECK(has(other.error().text, "is the credential of alice@self.example, not bob@self.example: move it away"));
  CHECK(*io::read_file(bed.path(), 65536) == before);
  CHECK_FALSE(bed.keep("no name!").has_value());
  CHECK_FALSE(io::create_file(bed.path(), before, 0600).has_value());
}
