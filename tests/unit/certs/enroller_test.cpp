#include "certs/enroller.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "certs/commands.hpp"
#include "certs/issued_records.hpp"
#include "reload/io/openssl_crypto.hpp"
#include "tests/unit/certs/csr_kit.hpp"
#include "tests/unit/certs/temporary_directory.hpp"

using namespace reload;
using namespace reload::certs;

namespace {

const Wall kWall = from_unix_seconds(1'800'000'000);

struct Form {
  std::string user = "alice@demo.example";
  std::string password = "wonderland";
  std::optional<Bytes> csr;
  std::string node_ids;
  std::string device;
  std::string csr_type = "application/pkcs10";
};

// An overlay with the accounts alice, bob and a peer's that may host b*@demo.example.
struct Server {
  TemporaryDirectory directory;
  OverlayDir dir{directory.path() / "overlay"};
  std::unique_ptr<ServedOverlay> overlay;
  std::unique_ptr<Accounts> accounts;
  std::unique_ptr<AuditLog> audit;
  std::unique_ptr<Enroller> enroller;
  std::vector<std::string> warnings;
  io::KeyHandle key = make_ec("P-256");
  io::OpensslCrypto crypto;
  std::chrono::seconds passed{0};

  explicit Server(const EnrollSettings& settings = {}, const std::vector<std::string>& domains = {}) {
    std::ostringstream out;
    InitOptions options;
    options.dir = dir.root;
    options.settings.overlay = "demo.example";
    options.settings.domains = domains;
    REQUIRE(run_init(options, kWall, {out, out}));
    const auto warn = [this](const std::string& text) { warnings.push_back(text); };
    overlay = std::move(ServedOverlay::open(dir, warn).value());
    accounts = std::move(Accounts::open(dir).value());
    audit = std::make_unique<AuditLog>(dir.audit());
    add("alice", "wonderland", {});
    add("bob", "builder", {});
    add("peer", "rock", {"b*@demo.example", "*@elsewhere.example"});
    enroller = std::make_unique<Enroller>(*overlay, *accounts, *audit, settings, warn);
  }
  void add(const std::string& user, const std::string& password, const std::vector<std::string>& hosts) const {
    REQUIRE(accounts->add({user + (user.find('@') == std::string::npos ? "@demo.example" : ""),
                           hash_password(password).value(), hosts, 0}));
  }
  [[nodiscard]] Bytes csr(const std::vector<std::string>& emails = {}) const {
    return make_csr({.key = key.get(), .emails = emails});
  }
  EnrollAnswer post(const Form& form, const std::string& address = "192.0.2.1") {
    std::string body;
    const auto part = [&](const std::string& name, std::string_view content, const std::string& type) {
      body += "--x\r\nContent-Disposition: form-data; name=\"" + name + "\"\r\n";
      if (!type.empty()) body += "Content-Type: " + type + "\r\n";
      body += "\r\n" + std::string(content) + "\r\n";
    };
    part("username", form.user, "");
    part("password", form.password, "");
    part("csr", as_text(form.csr ? *form.csr : csr()), form.csr_type);
    if (!form.node_ids.empty()) part("nodeids", form.node_ids, "");
    if (!form.device.empty()) part("device", form.device, "");
    return enroller->answer({address, "multipart/form-data; boundary=x", body + "--x--"},
                            {Mono(std::chrono::hours(1) + passed), kWall + passed});
  }
  security::CertificatePtr issued(const Form& form) {
    const EnrollAnswer answer = post(form);
    REQUIRE_MESSAGE(answer.status == 200, answer.body);
    auto certificate = crypto.parse_certificate(as_bytes(answer.body), 16);
    REQUIRE(certificate);
    return *certificate;
  }
  std::string refused(const Form& form) {
    const EnrollAnswer answer = post(form);
    CHECK(answer.status == 403);
    return answer.body;
  }
  [[nodiscard]] nlohmann::json last_decision() const {
    const std::string text = read_file(dir.audit()).value();
    const std::size_t begin = text.rfind('\n', text.size() - 2);
    return nlohmann::json::parse(text.substr(begin == std::string::npos ? 0 : begin + 1));
  }
  // Puts the Node-ID on the document's bad-node list, as far as this server looks at it.
  void revoke(const NodeId& id) const {
    std::string text = read_file(dir.document()).value();
    const std::string before = "<required-kinds>";
    text.replace(text.find(before), before.size(), "<bad-node>" + id.hex() + "</bad-node>" + before);
    REQUIRE(write_file(dir.document(), kPublicMode, Existing::replace, text));
  }
};

}  // namespace

TEST_CASE(
    "6940-11.3-13, 6940-11.3-14, 6940-13.3-3: whoever is known gets a certificate of the overlay's CA for its key") {
  Server server;
  const auto certificate = server.issued({});
  CHECK(certificate->user_name == "alice@demo.example");
  CHECK(certificate->node_ids.size() == 1);
  const auto root = server.crypto.parse_certificate(server.overlay->now()->authority.der(), 16);
  REQUIRE(root);
  CHECK(server.crypto.is_issued_by(*certificate, **root));
  const auto& key = dynamic_cast<const io::OpensslPublicKey&>(*certificate->key);
  CHECK(EVP_PKEY_eq(key.key.get(), server.key.get()) == 1);

  const auto decision = server.last_decision();
  CHECK(decision["decision"] == "issued");
  CHECK(decision["account"] == "alice@demo.example");
  CHECK(decision["address"] == "192.0.2.1");
  CHECK(decision["node_ids"][0] == certificate->node_ids[0].hex());
  const std::string records = read_file(server.dir.records()).value();
  CHECK(records.find(decision["serial"].get<std::string>()) != std::string::npos);
}

TEST_CASE("6940-13.3-4: certificates last days, and end with the authority") {
  Server server({.days = 7});
  CHECK(server.issued({})->not_after == kWall + std::chrono::hours(24 * 7));
  server.passed = std::chrono::hours(24 * 3649);  // of the authority's 3650 days
  CHECK(server.issued({})->not_after == kWall + std::chrono::hours(24 * 3650));
  server.passed = std::chrono::hours(24 * 3652);
  const EnrollAnswer answer = server.post({});
  REQUIRE(answer.status == 500);
  CHECK(server.warnings.back().find("authority's certificate ended") != std::string::npos);
}

TEST_CASE("6940-11.3-12, 6940-11.3-28, 6940-11.3-29: without the account's password there is no certificate") {
  Server server;
  CHECK(server.refused({.password = "wrong"}) == "failed_authentication");
  CHECK(server.refused({.password = ""}) == "failed_authentication");
  CHECK(server.refused({.password = "wonderland "}) == "failed_authentication");
  CHECK(server.refused({.user = "nobody"}) == "failed_authentication");
  CHECK(server.refused({.user = ""}) == "failed_authentication");
  CHECK(server.refused({.user = "bob", .password = "wonderland"}) == "failed_authentication");
  CHECK(server.last_decision()["decision"] == "failed_authentication");
  REQUIRE(server.accounts->set_disabled("alice@demo.example", true));
  CHECK(server.refused({}) == "failed_authentication");
  REQUIRE(server.accounts->set_disabled("alice@demo.example", false));
  REQUIRE(server.accounts->set_password("alice@demo.example", hash_password("looking-glass").value()));
  CHECK(server.refused({}) == "failed_authentication");
  CHECK(server.issued({.password = "looking-glass"})->user_name == "alice@demo.example");
}

TEST_CASE("6940-11.3-7: names and passwords are compared as bytes of UTF-8") {
  Server server;
  server.add("carol", "caf\xc3\xa9", {});
  CHECK(server.post({.user = "carol", .password = "caf\xc3\xa9"}).status == 200);
  CHECK(server.refused({.user = "carol", .password = "cafe\xcc\x81"}) == "failed_authentication");  // looks the same
  CHECK(server.refused({.user = "carol", .password = "caf\xe9"}) == "failed_authentication");       // Latin-1
  CHECK(server.refused({.user = "Carol", .password = "caf\xc3\xa9"}) == "failed_authentication");
  CHECK(server.refused({.user = "c\xc3\xa0rol", .password = "x"}) == "failed_authentication");
  CHECK(server.refused({.user = "car\xff", .password = "x"}) == "failed_authentication");
}

TEST_CASE("6940-11.3-8: the preparation of user names is that of SIP: a bare name, a domain in any case") {
  Server server;
  for (const char* name : {"alice", "alice@DEMO.example", "sip:alice@demo.example", "alice@demo.example."})
    CHECK(server.issued({.user = name})->user_name == "alice@demo.example");
}

TEST_CASE("6940-11.3-15, 6940-11.3-16: Node-IDs are random, and the member has no say in them") {
  Server server;
  std::set<NodeId> seen;
  for (int i = 0; i < 20; ++i) {
    const std::string chosen =
        "reload://0110000000000000000000000000000000" + std::to_string(10 + i) + "@demo.example/";
    const auto certificate =
        server.issued({.csr = make_csr({.key = server.key.get(), .uris = {chosen}}), .device = std::to_string(i)});
    REQUIRE(certificate->node_ids.size() == 1);
    CHECK(certificate->node_ids[0].hex().substr(0, 24) != std::string(24, '0'));
    CHECK(seen.insert(certificate->node_ids[0]).second);
  }
}

TEST_CASE("6940-11.3-17: without the password nothing is told, not even what else is wrong") {
  Server server;
  const Form bad{.password = "wrong", .csr = Bytes{1, 2, 3}, .node_ids = "0"};
  CHECK(server.refused(bad) == "failed_authentication");
  CHECK_FALSE(server.last_decision().contains("node_ids"));
  CHECK(server.accounts->find("alice@demo.example").value()->devices.empty());
}

TEST_CASE("6940-11.3-20: at a renewal the Node-IDs are the same, for another key as well, also after a restart") {
  Server server;
  const auto first = server.issued({.device = "phone"});
  server.key = make_rsa(2048);
  server.accounts = std::move(Accounts::open(server.dir).value());
  server.enroller = std::make_unique<Enroller>(*server.overlay, *server.accounts, *server.audit, EnrollSettings{},
                                               [](const std::string&) {});
  const auto second = server.issued({.device = "phone"});
  CHECK(second->node_ids == first->node_ids);
  CHECK(server.issued({.device = "laptop"})->node_ids != first->node_ids);
}

TEST_CASE("6940-11.3-9, 6940-11.3-28: so many Node-IDs as are asked for and the operator grants") {
  Server server({.max_node_ids = 3});
  CHECK(server.issued({.node_ids = "3"})->node_ids.size() == 3);
  CHECK(server.issued({.node_ids = "1"})->node_ids.size() == 1);
  for (const char* bad : {"0", "4", "-1", "+1", "x", "1x", " 1", "1.0", "99999999999999999999999"})
    CHECK(server.refused({.node_ids = bad}) == "Node-IDs_not_available");
}

TEST_CASE("6940-11.3-22, 6940-11.3.1-9: nobody gets another's name, nor one with characters that are not legal") {
  Server server;
  for (const std::string& name :
       {std::string("bob@demo.example"), std::string("Alice@demo.example"), std::string("alice@other.example"),
        std::string("nobody@demo.example"), std::string("alice@demo.example\0", 19),
        std::string("al\0ice@demo.example", 19), std::string("alice@demo.example,bob@demo.example"), std::string(""),
        std::string("config-signer@demo.example")})
    CHECK(server.refused({.csr = server.csr({name})}) == "username_not_available");
  CHECK(server.refused({.csr = server.csr({"alice@demo.example", "bob@demo.example"})}) == "username_not_available");
  CHECK(server.refused({.csr = server.csr({"alice@demo.example", "alice@demo.example"})}) == "username_not_available");
  CHECK(server.issued({.csr = server.csr({"alice@demo.example"})})->user_name == "alice@demo.example");
  CHECK(server.issued({.csr = server.csr({"alice@Demo.Example"})})->user_name == "alice@demo.example");
}

TEST_CASE("6940-11.3-23, 6940-11.3-24: the document's domain restriction binds the names of certificates") {
  Server server({}, {"own"});
  server.add("dora@elsewhere.example", "explorer", {});
  CHECK(server.refused({.user = "dora@elsewhere.example", .password = "explorer"}) == "username_not_available");
  Server open;
  open.add("dora@elsewhere.example", "explorer", {});
  CHECK(open.issued({.user = "dora@elsewhere.example", .password = "explorer"})->user_name == "dora@elsewhere.example");
}

TEST_CASE("6940-11.3-24: a peer's account enrols the users it hosts, with Node-IDs of their own, and no others") {
  Server server;
  const auto hosted = [&](const std::string& name) {
    return Form{.user = "peer", .password = "rock", .csr = server.csr({name}), .device = "d"};
  };
  const auto own = server.issued({.user = "bob", .password = "builder", .device = "d"});
  const auto certificate = server.issued(hosted("bob@demo.example"));
  CHECK(certificate->user_name == "bob@demo.example");
  CHECK(certificate->node_ids != own->node_ids);
  CHECK(server.issued(hosted("bob@demo.example"))->node_ids == certificate->node_ids);
  CHECK(server.last_decision()["account"] == "peer@demo.example");
  CHECK(server.last_decision()["name"] == "bob@demo.example");
  CHECK(server.issued({.user = "peer", .password = "rock"})->user_name == "peer@demo.example");

  CHECK(server.refused(hosted("alice@demo.example")) == "username_not_available");  // no pattern
  CHECK(server.refused(hosted("bill@demo.example")) == "username_not_available");   // no account
  REQUIRE(server.accounts->set_disabled("bob@demo.example", true));
  CHECK(server.refused(hosted("bob@demo.example")) == "username_not_available");
  CHECK(server.refused({.user = "bob", .password = "builder", .csr = server.csr({"alice@demo.example"})}) ==
        "failed_authentication");
}

TEST_CASE("6940-11.3-28: a request that is none is bad_CSR") {
  Server server;
  CHECK(server.refused({.csr = Bytes{}}) == "bad_CSR");
  CHECK(server.refused({.csr = Bytes{0x30, 0x03, 1, 2, 3}}) == "bad_CSR");
  CHECK(server.refused({.csr_type = "text/plain"}) == "bad_CSR");
  const auto other = make_ec("P-256");
  CHECK(server.refused({.csr = make_csr({.key = server.key.get(), .signed_by = other.get()})}) == "bad_CSR");
  const auto small = make_rsa(1024);
  CHECK(server.refused({.csr = make_csr({.key = small.get()})}) == "bad_CSR");
  CHECK(server.last_decision()["why"].get<std::string>().find("neither ECDSA") != std::string::npos);
  CHECK(server.enroller->answer({"192.0.2.1", "text/plain", "x"}, {Mono(std::chrono::hours(2)), kWall}).status == 400);
}

TEST_CASE("a revoked device is not renewed until it is forgotten; the document is read anew") {
  Server server;
  const NodeId bad = server.issued({.device = "phone"})->node_ids[0];
  server.revoke(bad);
  CHECK(server.refused({.device = "phone"}) == "Node-IDs_not_available");
  CHECK(server.last_decision()["why"] == "a Node-ID of this device is a bad-node");
  CHECK(server.issued({.device = "laptop"})->node_ids[0] != bad);
  REQUIRE(server.accounts->forget_device("alice@demo.example", "", "phone"));
  CHECK(server.issued({.device = "phone"})->node_ids[0] != bad);

  REQUIRE(write_file(server.dir.document(), kPublicMode, Existing::replace, "<half"));
  CHECK(server.issued({.device = "phone"})->node_ids[0] != bad);
  CHECK(server.warnings.back().find("overlay.xml") != std::string::npos);
}

TEST_CASE("a document is read anew whatever times its file has, and one that could not be read once it can be") {
  Server server;
  const auto before = std::filesystem::last_write_time(server.dir.document());
  std::string text = read_file(server.dir.document()).value();
  const std::string sequence = "sequence=\"1\"";
  text.replace(text.find(sequence), sequence.size(), "sequence=\"2\"");
  std::ofstream(server.dir.document()) << text;  // in place
  std::filesystem::last_write_time(server.dir.document(), before);
  CHECK(server.overlay->now()->config->sequence == 2);
}

TEST_CASE("a certificate is given out by the authority that its record tells") {
  Server server;
  (void)server.issued({});
  const auto by = [&](const std::string& authority) {
    return IssuedRecords::read(server.dir, authority)->living(kWall).size();
  };
  CHECK(by(server.overlay->now()->authority.id()) == 2);  // with the signer's
  CHECK(by("0123456789abcdef") == 0);
}

TEST_CASE("wrong passwords soon have to wait, for the account and for the address; right ones do not use them up") {
  Server server;
  for (int i = 0; i < 30; ++i) CHECK(server.post({}).status == 200);
  int tried = 0;
  EnrollAnswer answer;
  while ((answer = server.post({.password = "wrong"})).status == 403) ++tried;
  CHECK(tried == 10);
  CHECK(answer.status == 429);
  CHECK(answer.retry_after == 30s);
  CHECK(server.post({}, "192.0.2.99").status == 429);  // nor the right one, from anywhere
  CHECK(server.post({.user = "bob", .password = "builder"}).status == 200);
  server.passed += 30s;
  CHECK(server.post({}).status == 200);
  for (int user = 0; user < 10; ++user) {
    const std::string name = "guess" + std::to_string(user);
    for (int i = 0; i < 5; ++i) answer = server.post({.user = name, .password = "123456"}, "2001:db8::1");
  }
  CHECK(server.post({.user = "bob", .password = "builder"}, "2001:db8::ffff").status == 429);  // of the same /64
  CHECK(server.post({.user = "bob", .password = "builder"}, "2001:db8:0:1::1").status == 200);
}

TEST_CASE("an address may do so many requests") {
  Server server({.requests_per_second = 1});
  const auto wait = [&](const std::string& address, std::int64_t second) {
    return server.enroller->too_fast(address, Mono(std::chrono::seconds(second)));
  };
  for (int i = 0; i < 10; ++i) CHECK_FALSE(wait("192.0.2.1", 5));
  const auto refused = wait("::ffff:192.0.2.1", 5);
  REQUIRE(refused);
  CHECK(refused->status == 429);
  CHECK(refused->retry_after == 1s);
  CHECK_FALSE(wait("192.0.2.2", 5));
  CHECK_FALSE(wait("192.0.2.1", 6));
}

TEST_CASE("nothing is given out that cannot be recorded") {
  Server server;
  std::filesystem::remove(server.dir.records());
  std::filesystem::create_directory(server.dir.records());
  CHECK(server.post({}).status == 500);
  CHECK(server.warnings.back().find("issued.jsonl") != std::string::npos);
  std::filesystem::remove(server.dir.records());
  CHECK(server.post({}).status == 200);
  server.audit = std::make_unique<AuditLog>(server.dir.root / "no" / "audit.jsonl");
  server.enroller = std::make_unique<Enroller>(*server.overlay, *server.accounts, *server.audit, EnrollSettings{},
                                               [](const std::string&) {});
  CHECK(server.post({}).status == 503);
}
