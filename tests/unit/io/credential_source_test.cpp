// Where a node's credential comes from, as far as no server is asked.
#include "reload/io/credential_source.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "reload/io/credential_files.hpp"
#include "reload/io/overlay_files.hpp"
#include "tests/kit/fixtures.hpp"
#include "tests/kit/temporary_directory.hpp"

using namespace reload;
using namespace reload::io;

namespace {

struct Directory : kit::TemporaryDirectory {
  [[nodiscard]] std::string write(const std::string& name, std::string_view text) const {
    REQUIRE(write_file(*this / name, as_bytes(text), 0600));
    return *this / name;
  }
};

CredentialOptions enrolling(const Directory& directory) {
  CredentialOptions options;
  options.enroll_user = "alice";
  options.password_file = directory.write("password", "secret\n");
  options.device = "here";
  options.data = directory.path();
  return options;
}

std::string why(const CredentialOptions& options) {
  const auto source = CredentialSource::make(options);
  REQUIRE_FALSE(source);
  return source.error().text;
}

}  // namespace

TEST_CASE("options that don't fit together are told with their cure") {
  const Directory directory;
  const auto says = [](const std::string& text, const std::string& part) {
    CHECK_MESSAGE(text.find(part) != std::string::npos, text);
  };
  says(why({}), "--credential is missing, and --enroll-user too");
  auto options = enrolling(directory);
  options.file = "node.pem";
  says(why(options), "leave one out");
  options = enrolling(directory);
  options.enroll_user.clear();
  says(why(options), "--enroll-user is missing");
  options = enrolling(directory);
  options.password_file.clear();
  says(why(options), "--enroll-password-file is missing");
  options.password_file = directory / "none";
  says(why(options), "--enroll-password-file: " + options.password_file);
  options.password_file = directory.write("empty", "\n");
  says(why(options), "is empty");
  options.password_file = directory.write("two", "a\nb\n");
  says(why(options), "more than one line");
  options.password_file = directory.write("large", std::string(5000, 'a'));
  says(why(options), "more than 4096 bytes");
  options = enrolling(directory);
  options.enroll_user = "al ice";
  says(why(options), "without spaces");
  options = enrolling(directory);
  options.device = std::string(65, 'd');
  says(why(options), "--enroll-device has more than 64 bytes");
}

TEST_CASE("the account's name gets the overlay as its domain; the password is the file's first line, byte for byte") {
  const Directory directory;
  auto options = enrolling(directory);
  options.password_file = directory.write("password", " p\xC3\xA4ss word \r\n");
  auto source = CredentialSource::make(options);
  REQUIRE(source);
  auto order = source->order("net.example");
  REQUIRE(order);
  CHECK(order->account == "alice@net.example");
  CHECK(order->user_name == "alice@net.example");
  CHECK(order->password == " p\xC3\xA4ss word ");
  CHECK(order->device == "here");
  options.enroll_user = "alice@other.example";
  options.device.clear();
  source = CredentialSource::make(options);
  order = source->order("net.example");
  CHECK(order->account == "alice@other.example");
  CHECK_FALSE(order->device.empty());
}

TEST_CASE("a credential that was kept is used while it counts, and is told why when it does not") {
  const Directory directory;
  kit::Fixture overlay("net.example");
  const auto source = CredentialSource::make(enrolling(directory));
  REQUIRE(source);
  const auto keep = [&](const security::CredentialPtr& credential) {
    const auto text = credential_text(*credential);
    REQUIRE(text);
    REQUIRE(write_file(source->path(), as_bytes(*text), 0600));
  };
  const auto load = [&] { return source->load(overlay.config_ptr(), overlay.crypto(), kit::kTestNow, {}); };
  const auto alice = overlay.issue(kit::node_number(5), "alice@net.example");
  keep(alice);
  const auto loaded = load();
  REQUIRE(loaded);
  CHECK(loaded->credential->certificate->hash == alice->certificate->hash);
  CHECK(loaded->credential->node_id == kit::node_number(5));
  CHECK(loaded->life.until == alice->certificate->not_after);

  // Each of these needs the enrollment server, of which this document has none.
  const auto refused = [&](const std::string& part) {
    const auto result = load();
    REQUIRE_FALSE(result);
    CHECK_MESSAGE(result.error().text.find(part) != std::string::npos, result.error().text);
    CHECK(result.error().text.find("names no enrollment-server") != std::string::npos);
  };
  keep(overlay.expired(kit::node_number(5), "alice@net.example"));
  refused("certificate is expired");
  keep(overlay.issue(kit::node_number(5), "bob@net.example"));
  refused("is of bob@net.example, not of alice@net.example");
  keep(overlay.from_other_authority(kit::node_number(5), "alice@net.example"));
  refused("does not chain");
  REQUIRE(write_file(source->path(), as_bytes(std::string_view("half a key")), 0600));
  refused("holds no private key");
}

TEST_CASE("a credential's text is read as it was written, and its file is the owner's alone") {
  const Directory directory;
  kit::Fixture overlay("net.example");
  const auto intermediate = kit::Authority("middle", KeyType::ecdsa_p256, &overlay.authority());
  const auto credential =
      intermediate.issue(overlay.spec({kit::node_number(9)}, "alice@net.example"), {intermediate.certificate()});
  const std::string path = directory / "credential.pem";
  ::close(::open((path + ".new").c_str(), O_CREAT | O_WRONLY, 0644));  // what a crash left
  REQUIRE(write_file(path, as_bytes(*credential_text(*credential)), 0600));
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777u) == 0600u);
  const auto read = load_credentials(path, overlay.crypto(), 16);
  REQUIRE(read);
  REQUIRE(read->size() == 1);
  CHECK(read->front()->certificate->hash == credential->certificate->hash);
  CHECK(read->front()->intermediates.size() == 1);
}

TEST_CASE("a life begins when the credential came, within what the certificate says") {
  kit::Fixture overlay("net.example");
  const auto credential = overlay.issue(kit::node_number(5), "alice@net.example");
  CHECK(life_of(*credential, kit::kTestNow).from == kit::kTestNow);
  CHECK(life_of(*credential, kit::kValidFrom - 1h).from == kit::kValidFrom);
  CHECK(life_of(*credential, kit::kValidTo + 1h).from == kit::kValidTo);
}
