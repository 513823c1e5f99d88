#include "reload/usages/certificate_usage.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>

using namespace reload;
using namespace reload::usages;

namespace {

constexpr std::int64_t kStart = 1'800'000'000;

NodeId id_of(std::uint8_t number) { return NodeId(Bytes(16, number)); }
std::string name_of(const NodeId& id) { return {id.view().begin(), id.view().end()}; }

// The overlay as one list of values for each name and Kind, with each call answered when the test says so.
struct FakeStore final : overlay::Overlay {
  struct Listed {
    overlay::FetchedValue value;
    Wall ends;
  };
  using At = std::pair<std::string, KindId>;

  NodeId self() const override { return id_of(1); }
  std::string overlay_name() const override { return "usage.example"; }
  std::optional<config::Kind> kind(KindId) const override { return std::nullopt; }
  std::optional<NodeId> user_node_id(const std::string&) const override { return std::nullopt; }
  bool joined() const override { return is_joined; }
  void store(overlay::StoreRequest request, std::function<void(overlay::Outcome<overlay::Stored>)> done) override {
    waiting.push_back([this, request = std::move(request), done = std::move(done)] {
      if (failing) return done(tl::unexpected(overlay::Error{wire::ErrorCode::request_timeout, "no answer"}));
      stores.push_back(request);
      auto& list = lists[{request.name, request.kind}];
      overlay::FetchedValue stored{request.value, request.user.empty() ? self() : signers.at(request.user),
                                   request.user, to_wire_ms(now.wall), request.lifetime};
      if (request.value.index == wire::kLastArrayIndex)
        stored.value.index = list.empty() ? 0 : list.rbegin()->first + 1;
      list[stored.value.index] = {stored, now.wall + std::chrono::seconds(request.lifetime)};
      done(overlay::Stored{1});
    });
  }
  void fetch(overlay::FetchRequest request,
             std::function<void(overlay::Outcome<std::vector<overlay::FetchedValue>>)> done) override {
    looks.push_back(now.mono);
    waiting.push_back([this, request = std::move(request), done = std::move(done)] {
      if (failing) return done(tl::unexpected(overlay::Error{wire::ErrorCode::request_timeout, "no answer"}));
      done(values(request.name, request.kind));
    });
  }
  void app_attach(overlay::AppAttachRequest, std::function<void(overlay::Outcome<overlay::Pipe>)>) override {}
  void accept_app(ApplicationId, std::function<void(overlay::Pipe)>) override {}
  void on_pipe_data(std::function<void(overlay::PipeId, SharedBytes)>) override {}
  void on_pipe_closed(std::function<void(overlay::PipeId, std::string)>) override {}
  void pipe_send(overlay::PipeId, SharedBytes) override {}
  void pipe_close(overlay::PipeId) override {}

  std::vector<overlay::FetchedValue> values(const std::string& name, KindId kind) {
    std::vector<overlay::FetchedValue> found;
    auto& list = lists[{name, kind}];
    std::erase_if(list, [this](const auto& entry) { return entry.second.ends <= now.wall; });
    for (auto& [index, listed] : list) {
      found.push_back(listed.value);
      found.back().lifetime =
          static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(listed.ends - now.wall).count());
    }
    return found;
  }
  void put(const std::string& name, KindId kind, const NodeId& signer, const std::string& bytes) {
    auto& list = lists[{name, kind}];
    const auto index = static_cast<std::uint32_t>(list.size());
    overlay::FetchedValue value{{true, index, {}, to_bytes(as_bytes(bytes))}, signer, name, 1, 1000};
    list[index] = {value, now.wall + 1000s};
  }

  Now now{Mono(1h), from_unix_seconds(kStart)};
  bool is_joined = true;
  bool failing = false;
  std::map<std::string, NodeId> signers{{"alice@usage.example", id_of(2)}, {"bob@usage.example", id_of(3)}};
  std::map<At, std::map<std::uint32_t, Listed>> lists;
  std::vector<overlay::StoreRequest> stores;
  std::vector<Mono> looks;
  std::deque<std::function<void()>> waiting;
};

struct Bed {
  FakeStore overlay;
  std::vector<std::pair<std::string, NodeId>> taken;
  std::vector<std::string> failed;
  std::unique_ptr<CertificateUsage> usage = make();

  std::unique_ptr<CertificateUsage> make() {
    CertificateUsage::Events events;
    events.taken = [this](const Holder& holder, const NodeId& other) { taken.emplace_back(holder.user_name, other); };
    events.failed = [this](const Holder& holder, const std::string&) { failed.push_back(holder.user_name); };
    return std::make_unique<CertificateUsage>(overlay, std::move(events));
  }
  Holder node(const std::string& certificate, Duration life = 365 * 24h) const {
    return {"node1@usage.example", id_of(1), SharedBytes(to_bytes(as_bytes(certificate))), overlay.now.wall + life,
            false};
  }
  Holder user(const std::string& name, const std::string& certificate) const {
    return {name, overlay.signers.at(name), SharedBytes(to_bytes(as_bytes(certificate))), overlay.now.wall + 365 * 24h};
  }
  void set(std::vector<Holder> holders) { usage->set_holders(std::move(holders), overlay.now); }
  // What is due in this time, and all answers to it.
  void pass(Duration time) {
    const Mono end = overlay.now.mono + time;
    for (;;) {
      usage->run(overlay.now);
      if (!overlay.waiting.empty()) {
        const auto call = std::move(overlay.waiting.front());
        overlay.waiting.pop_front();
        call();
        continue;
      }
      const auto next = usage->next_deadline();
      if (!next || *next > end) break;
      advance(std::max(*next - overlay.now.mono, Duration::zero()));
    }
    advance(end - overlay.now.mono);
  }
  void advance(Duration time) {
    overlay.now.mono += time;
    overlay.now.wall += time;
  }
  std::vector<std::string> list(const std::string& name, KindId kind) {
    std::vector<std::string> texts;
    for (const auto& value : overlay.values(name, kind)) texts.emplace_back(as_text(value.value.bytes));
    return texts;
  }
};

using Texts = std::vector<std::string>;
const std::string kNode = "node1@usage.example";
const std::string kAlice = "alice@usage.example";

}  // namespace

TEST_CASE("6940-8-1 6940-8-3 6940-8-4 6940-11.3.1-7: a certificate is stored at its user name and at its Node-ID") {
  Bed bed;
  bed.set({bed.node("own"), bed.user(kAlice, "alice")});
  CHECK_FALSE(bed.usage->settled());
  bed.pass(3s);
  CHECK(bed.usage->settled());
  CHECK(bed.list(kNode, wire::kKindCertificateByUser) == Texts{"own"});
  CHECK(bed.list(name_of(id_of(1)), wire::kKindCertificateByNode) == Texts{"own"});
  CHECK(bed.list(kAlice, wire::kKindCertificateByUser) == Texts{"alice"});
  CHECK(bed.list(name_of(id_of(2)), wire::kKindCertificateByNode) == Texts{"alice"});
  REQUIRE(bed.overlay.stores.size() == 4);
  for (const auto& store : bed.overlay.stores) {
    CHECK(store.value.index == wire::kLastArrayIndex);
    CHECK(store.user == (as_text(store.value.bytes) == "alice" ? kAlice : ""));  // the node signs as itself
  }
}

TEST_CASE("nothing is stored before the node has joined, nor an expired certificate") {
  Bed bed;
  bed.overlay.is_joined = false;
  bed.set({bed.node("own")});
  bed.pass(1h);
  CHECK(bed.overlay.looks.empty());
  bed.overlay.is_joined = true;
  bed.set({bed.node("expired", -1s)});
  bed.pass(1h);
  CHECK(bed.overlay.looks.empty());
  CHECK_FALSE(bed.usage->next_deadline());
}

TEST_CASE("6940-8-2: a renewed certificate comes behind the old one, and the list does not grow with each renewal") {
  Bed bed;
  bed.set({bed.node("first")});
  bed.pass(1s);
  bed.set({bed.node("second")});
  bed.pass(1s);
  CHECK(bed.list(kNode, wire::kKindCertificateByUser) == Texts{"first", "second"});
  bed.set({bed.node("third")});
  bed.pass(1s);
  CHECK(bed.list(kNode, wire::kKindCertificateByUser) == Texts{"third", "second"});
  CHECK(bed.list(name_of(id_of(1)), wire::kKindCertificateByNode) == Texts{"third", "second"});
  bed.pass(25h);
  CHECK(bed.list(kNode, wire::kKindCertificateByUser) == Texts{"third"});
}

TEST_CASE("a certificate is stored again in its place before its lifetime is over, and is never gone") {
  Bed bed;
  bed.set({bed.node("own")});
  for (int hour = 0; hour < 100; ++hour) {
    bed.pass(1h);
    REQUIRE(bed.list(kNode, wire::kKindCertificateByUser) == Texts{"own"});
  }
  CHECK(bed.overlay.stores.size() == 2 * 7);  // at the beginning and each 16 hours
  CHECK(bed.overlay.stores.back().value.index == 0);
}

TEST_CASE("a node that was started again finds its certificate and leaves it until its time") {
  Bed bed;
  bed.set({bed.node("own")});
  bed.pass(10h);
  bed.usage = bed.make();
  bed.set({bed.node("own")});
  bed.pass(5h);
  CHECK(bed.usage->settled());
  CHECK(bed.overlay.stores.size() == 2);
  bed.pass(2h);
  CHECK(bed.overlay.stores.size() == 4);
}

TEST_CASE("no value outlives its certificate, and the last one of it is not refreshed") {
  Bed bed;
  bed.set({bed.node("short", 5h)});
  bed.pass(4h);
  REQUIRE(bed.overlay.stores.size() == 2);
  CHECK(bed.overlay.stores.front().lifetime == 5 * 3600);
  CHECK(bed.usage->settled());
  CHECK_FALSE(bed.usage->next_deadline());
}

TEST_CASE("6940-11.3.1-8: a self-signed node whose user name is taken stores nothing and says whose it is") {
  Bed bed;
  bed.overlay.put(kNode, wire::kKindCertificateByUser, id_of(9), "older");
  Holder holder = bed.node("own");
  holder.self_signed = true;
  bed.set({holder});
  bed.pass(1h);
  CHECK(bed.taken == std::vector{std::pair(kNode, id_of(9))});
  CHECK(bed.list(kNode, wire::kKindCertificateByUser).size() <= 1);
  CHECK(std::ranges::none_of(bed.overlay.stores, [](const auto& store) { return store.name == kNode; }));
  CHECK(bed.usage->settled());
}

TEST_CASE("6940-11.3.1-8: a name that is one's own already is not taken by who came later") {
  Bed bed;
  Holder holder = bed.node("own");
  holder.self_signed = true;
  bed.set({holder});
  bed.pass(1s);
  bed.overlay.put(kNode, wire::kKindCertificateByUser, id_of(9), "thief");
  bed.usage = bed.make();
  bed.set({holder});
  bed.pass(40h);
  CHECK(bed.taken.empty());
  CHECK(bed.list(kNode, wire::kKindCertificateByUser) == Texts{"own"});
}

TEST_CASE("the devices of one user share a list where an authority gives the names") {
  Bed bed;
  bed.overlay.put(kAlice, wire::kKindCertificateByUser, id_of(9), "other device");
  bed.set({bed.user(kAlice, "alice")});
  bed.pass(1s);
  CHECK(bed.taken.empty());
  CHECK(bed.list(kAlice, wire::kKindCertificateByUser) == Texts{"other device", "alice"});
}

TEST_CASE("what failed is tried again after growing pauses") {
  Bed bed;
  bed.overlay.failing = true;
  bed.set({bed.node("own")});
  bed.pass(9s);
  CHECK(bed.failed.size() == 2);
  bed.pass(1h);
  CHECK(bed.failed.size() < 2 * 14);
  bed.overlay.failing = false;
  bed.pass(10min);
  CHECK(bed.usage->settled());
}

TEST_CASE("the node itself is stored at once, before its users") {
  Bed bed;
  bed.set({bed.user(kAlice, "alice"), bed.node("own")});
  bed.pass(0s);
  CHECK(bed.list(kNode, wire::kKindCertificateByUser) == Texts{"own"});
  CHECK(bed.list(name_of(id_of(1)), wire::kKindCertificateByNode) == Texts{"own"});
  CHECK(bed.list(kAlice, wire::kKindCertificateByUser).size() +
            bed.list(name_of(id_of(2)), wire::kKindCertificateByNode).size() ==
        1);
}

TEST_CASE("many users are stored at a bounded pace, few at once") {
  Bed bed;
  std::vector<Holder> holders;
  for (std::uint8_t i = 10; i < 60; ++i) {
    const std::string name = "user" + std::to_string(i) + "@usage.example";
    bed.overlay.signers[name] = id_of(i);
    holders.push_back(bed.user(name, name));
  }
  bed.set(holders);
  for (int i = 0; i < 100; ++i) {
    bed.usage->run(bed.overlay.now);
    bed.advance(1s);
  }
  CHECK(bed.overlay.waiting.size() == 4);
  bed.pass(20s);
  CHECK_FALSE(bed.usage->settled());
  bed.pass(40s);
  CHECK(bed.usage->settled());
  for (std::size_t i = 1; i < bed.overlay.looks.size(); ++i)
    CHECK(bed.overlay.looks[i] - bed.overlay.looks[i - 1] >= 500ms);
}

TEST_CASE("an answer that comes after a renewal, or after the end, changes nothing") {
  Bed bed;
  bed.set({bed.node("old")});
  bed.usage->run(bed.overlay.now);
  bed.set({bed.node("new")});
  bed.pass(1s);
  CHECK(bed.list(kNode, wire::kKindCertificateByUser) == Texts{"new"});
  bed.set({bed.user(kAlice, "alice")});
  bed.usage->run(bed.overlay.now);
  REQUIRE_FALSE(bed.overlay.waiting.empty());
  bed.usage.reset();
  bed.overlay.waiting.front()();
}
