#include "reload/storage/storage.hpp"

#include <doctest/doctest.h>

#include "reload/base/limits.hpp"
#include "tests/unit/storage/storage_kit.hpp"

namespace reload::storage_test {

namespace {

using messaging::AnswerStatus;
using wire::ErrorCode;

const std::string kUser = "alice@demo.example";

struct Peer : Bench {
  Peer() : Bench(kit::node_number(50)) {}
  ResourceId resource = resource_of_user(kUser);
  security::Signer alice = make_signer(kit::node_number(1), kUser);

  void put(wire::StoredDataValue value, std::uint64_t time) {
    store(1, make_store(resource, kDictionary, 0, {make_value(std::move(value), time)}, alice), alice);
    REQUIRE(take<messaging::SendAnswer>().size() == 1);
  }
  void call(std::uint64_t id, wire::StoredDataValue value = text("mine")) {
    auto with = context();
    storage.store(ApiId{id}, {resource, kSingle, std::move(value), 3600, 0, CredentialId{2}}, with);
  }
  // Signs what waits to be signed; gives back the Store that is sent then.
  wire::StoreReq sign() {
    const auto jobs = take<messaging::SignValue>();
    REQUIRE(jobs.size() == 1);
    CHECK(jobs[0].signer == CredentialId{2});
    auto with = context();
    storage.on_signed({jobs[0].token, make_value(jobs[0].value, jobs[0].storage_time).signature, alice.certificate},
                      with);
    return wire::decode<wire::StoreReq>(sent().body, config.codec()).value();
  }
  messaging::SendRequest sent() {
    auto requests = take<messaging::SendRequest>();
    REQUIRE(requests.size() == 1);
    last = requests[0].token;
    return std::move(requests[0]);
  }
  void answer(messaging::Answer answer) {
    auto with = context();
    storage.on_answer(last, answer, with);
  }
  void answer_error(ErrorCode code) { answer({AnswerStatus::error, {}, code, {}, {}}); }
  void answer_fetch(std::vector<wire::StoredData> list, std::vector<security::Signer> signers, KindId kind) {
    auto fetch = std::make_shared<messaging::VerifiedFetch>();
    fetch->answer.kind_responses.push_back({kind, 3, std::move(list), {}});
    fetch->signers.push_back(std::move(signers));
    answer({AnswerStatus::ok, {}, {}, {}, fetch});
  }
  template <class T>
  CallResult<T> result() {
    auto events = storage.take_events();
    REQUIRE(events.size() == 1);
    return std::get<CallResult<T>>(std::move(events[0]));
  }
  messaging::Token last;
};

}  // namespace

TEST_CASE("6940-7.4.1.2-1: a Store is answered with counters and replicas, refused ones with their error") {
  Peer peer;
  peer.store(1, make_store(peer.resource, kSingle, 0, {make_value(text("v"), 1)}, peer.alice), peer.alice);
  const auto answers = peer.take<messaging::SendAnswer>();
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].request == RequestId{1});
  CHECK(wire::decode<wire::StoreAns>(answers[0].body) == wire::StoreAns{{{kSingle, 1, {}}}});
  CHECK(peer.counters.get(Counter::stores_accepted) == 1);

  peer.store(2, make_store(peer.resource, kSingle, 0, {make_value(text("w"), 0)}, peer.alice), peer.alice);
  const auto errors = peer.take<messaging::SendError>();
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].code == ErrorCode::data_too_old);
  CHECK(peer.counters.get(Counter::stores_refused) == 1);
  CHECK(peer.storage.value_count() == 1);
  CHECK(peer.storage.resource_count() == 1);
}

TEST_CASE("two Stores of one step see each other") {
  Peer peer;
  for (std::uint64_t id : {1U, 2U})
    peer.store(id,
               make_store(peer.resource, kArray, 0, {make_value(at_index(wire::kLastArrayIndex, "v"), id)}, peer.alice),
               peer.alice);
  CHECK(peer.values->count({peer.resource, kArray}) == 2);
  CHECK(peer.values->generation({peer.resource, kArray}) == 2);
}

TEST_CASE("a full store fails the Store that does not fit, and nothing else") {
  Bench peer(kit::node_number(50), std::make_unique<MemoryStore>(1));
  const auto signer = make_signer(kit::node_number(1), kUser);
  for (std::uint64_t id : {1U, 2U})
    peer.store(
        id,
        make_store(resource_of_user(kUser), kArray, 0, {make_value(at_index(wire::kLastArrayIndex, "v"), id)}, signer),
        signer);
  CHECK(peer.take<messaging::SendAnswer>().size() == 1);
  const auto errors = peer.take<messaging::SendError>();
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].code == ErrorCode::data_too_large);
  CHECK(peer.counters.get(Counter::store_failures) == 1);
}

// The limits of the Kinds are a quota for each signer: its certificate gives it one place for each way to write.
TEST_CASE("one signer cannot fill the store: it gets what each Kind allows at its own place, and nothing elsewhere") {
  Peer peer;
  std::uint64_t id = 0;
  const auto try_all = [&](const ResourceId& resource) {
    for (std::uint32_t i = 0; i < 50; ++i) {
      const std::string key = "key" + std::to_string(i);
      ++id;
      peer.store(id, make_store(resource, kSingle, 0, {make_value(text(key), id)}, peer.alice), peer.alice);
      ++id;
      peer.store(id, make_store(resource, kArray, 0, {make_value(at_index(i * 1000, key), id)}, peer.alice),
                 peer.alice);
      ++id;
      peer.store(id, make_store(resource, kDictionary, 0, {make_value(at_key(key, key), id)}, peer.alice), peer.alice);
    }
  };
  try_all(peer.resource);
  const std::size_t quota = 1 + 4 + 4;
  CHECK(peer.storage.value_count() == quota);
  for (int i = 0; i < 20; ++i) try_all(resource_of_user("user" + std::to_string(i) + "@demo.example"));
  try_all(ResourceId(peer.alice.node_id.view()));
  CHECK(peer.storage.value_count() == quota);
  for (const auto& error : peer.take<messaging::SendError>())
    CHECK((error.code == ErrorCode::data_too_large || error.code == ErrorCode::forbidden));
  // Another signer's place is as it was.
  const std::string bob = "bob@demo.example";
  const auto signer = make_signer(kit::node_number(2), bob);
  peer.store(++id, make_store(resource_of_user(bob), kSingle, 0, {make_value(text("v"), 1)}, signer), signer);
  CHECK(peer.storage.value_count() == quota + 1);
}

TEST_CASE("6940-6.3.4-6: a Fetch is answered with each signer's certificate once") {
  Peer peer;
  peer.put(at_key("a", "A"), 1);
  peer.put(at_key("b", "B"), 2);
  peer.fixed.is_responsible = false;  // what is here is told to a peer that asks for it by Node-ID
  const wire::FetchReq fetch{peer.resource, {{kDictionary, 0, wire::DictionarySpecifier{}}}};
  peer.request(3, wire::MessageCode::fetch_req, wire::encode(fetch), peer.alice);
  const auto answers = peer.take<messaging::SendAnswer>();
  REQUIRE(answers.size() == 1);
  REQUIRE(answers[0].certificates.size() == 1);
  CHECK(answers[0].certificates[0]->hash == peer.alice.certificate->hash);
  const auto answer = wire::decode<wire::FetchAns>(answers[0].body, peer.config.codec());
  REQUIRE(answer);
  CHECK(answer->kind_responses.at(0).values.size() == 2);
  peer.request(4, wire::MessageCode::stat_req, wire::encode(fetch), peer.alice);
  const auto stats = peer.take<messaging::SendAnswer>();
  REQUIRE(stats.size() == 1);
  CHECK(wire::decode<wire::StatAns>(stats[0].body, peer.config.codec())->kind_responses.at(0).values.size() == 2);
  CHECK(stats[0].certificates.empty());
}

TEST_CASE("6940-7.4.4.2-2: Find is answered by the responsible peer only; malformed requests are refused") {
  Peer peer;
  const wire::FindReq find{peer.resource, {kSingle}};
  peer.request(1, wire::MessageCode::find_req, wire::encode(find), peer.alice);
  CHECK(peer.take<messaging::SendAnswer>().size() == 1);
  peer.fixed.is_responsible = false;
  peer.request(2, wire::MessageCode::find_req, wire::encode(find), peer.alice);
  CHECK(peer.take<messaging::SendError>().at(0).code == ErrorCode::not_found);
  for (const auto code : {wire::MessageCode::find_req, wire::MessageCode::fetch_req, wire::MessageCode::stat_req,
                          wire::MessageCode::store_req}) {
    peer.request(3, code, {1, 2, 3}, peer.alice);
    CHECK(peer.take<messaging::SendError>().at(0).code == ErrorCode::invalid_message);
  }
}

TEST_CASE("6940-11.1-41: values of a bad node are not told of while the store is still walked for them") {
  Peer peer;
  peer.put(at_key("a", "A"), 1);
  const wire::FetchReq fetch{peer.resource, {{kDictionary, 0, wire::DictionarySpecifier{}}}};
  const auto told = [&](std::uint64_t id) {
    peer.request(id, wire::MessageCode::fetch_req, wire::encode(fetch), peer.alice);
    const auto answers = peer.take<messaging::SendAnswer>();
    REQUIRE(answers.size() == 1);
    const auto answer = wire::decode<wire::FetchAns>(answers[0].body, peer.config.codec());
    REQUIRE(answer);
    return answer->kind_responses.at(0).values.size();
  };
  CHECK(told(2) == 1);
  peer.config.bad_nodes = {peer.alice.node_id};
  CHECK(peer.storage.value_count() == 1);
  CHECK(told(3) == 0);
}

TEST_CASE("6940-7-4, 6940-13.5.3-1: own Stores carry the clock's time, and later ones always a later time") {
  Peer peer;
  peer.call(1);
  const wire::StoreReq first = peer.sign();
  CHECK(first.replica_number == 0);
  CHECK(first.kind_data.at(0).generation_counter == 0);
  CHECK(first.kind_data.at(0).values.at(0).storage_time == to_wire_ms(peer.now.wall));
  peer.answer({AnswerStatus::ok, wire::encode(wire::StoreAns{{{kSingle, 7, {}}}}), {}, {}, {}});
  const auto done = peer.result<StoreDone>();
  CHECK(done.id == ApiId{1});
  CHECK(done.result->generation == 7);
  peer.call(2);
  CHECK(peer.sign().kind_data.at(0).values.at(0).storage_time == to_wire_ms(peer.now.wall) + 1);
  peer.now.wall -= 100s;
  peer.call(3);
  CHECK(peer.sign().kind_data.at(0).values.at(0).storage_time == to_wire_ms(peer.now.wall + 100s) + 2);
}

TEST_CASE("6940-7-6: a Store that is too old is made again, once, with a time after that of the stored value") {
  Peer peer;
  const std::uint64_t ahead = to_wire_ms(peer.now.wall) + 100000;
  peer.call(1);
  peer.sign();
  peer.answer_error(ErrorCode::data_too_old);
  CHECK(peer.sent().code == wire::MessageCode::fetch_req);
  peer.answer_fetch({make_value(text("other"), ahead)}, {peer.alice}, kSingle);
  CHECK(peer.sign().kind_data.at(0).values.at(0).storage_time == ahead + 1);
  peer.answer_error(ErrorCode::data_too_old);
  CHECK(peer.result<StoreDone>().result.error().first == ErrorCode::data_too_old);
}

TEST_CASE("a forged value does not choose the time of the next Store") {
  Peer peer;
  peer.call(1);
  peer.sign();
  peer.answer_error(ErrorCode::data_too_old);
  peer.sent();
  peer.answer_fetch({make_value(text("forged"), 1ULL << 60)}, {security::Signer{}}, kSingle);
  CHECK(peer.result<StoreDone>().result.error().first == ErrorCode::data_too_old);
}

TEST_CASE("6940-7.4.1.2-6: when the generation is another, a value that was stored later replaces the own one") {
  const auto refused = [](Peer& peer) {
    peer.call(1);
    const std::uint64_t ours = peer.sign().kind_data.at(0).values.at(0).storage_time;
    peer.answer_error(ErrorCode::generation_counter_too_low);
    const auto fetch = peer.sent();
    CHECK(fetch.code == wire::MessageCode::fetch_req);
    CHECK(wire::decode<wire::FetchReq>(fetch.body, peer.config.codec())->resource == peer.resource);
    return ours;
  };
  {
    Peer peer;
    const wire::StoredData theirs = make_value(text("other"), refused(peer) + 1);
    peer.answer_fetch({theirs}, {peer.alice}, kSingle);
    const auto done = peer.result<StoreDone>();
    REQUIRE(done.result);
    CHECK(done.result->newer == theirs);
  }
  {
    Peer peer;
    peer.answer_fetch({make_value(text("other"), refused(peer) - 1)}, {peer.alice}, kSingle);
    CHECK(peer.result<StoreDone>().result.error().first == ErrorCode::generation_counter_too_low);
  }
  {
    Peer peer;
    peer.answer_fetch({make_value(text("forged"), refused(peer) + 1)}, {security::Signer{}}, kSingle);
    CHECK(peer.result<StoreDone>().result.error().first == ErrorCode::generation_counter_too_low);
  }
  {
    Peer peer;
    refused(peer);
    peer.answer({AnswerStatus::timed_out, {}, {}, {}, {}});
    CHECK(peer.result<StoreDone>().result.error().first == ErrorCode::generation_counter_too_low);
  }
}

TEST_CASE("6940-7.4.1.3-2: a removal lives at least as long as the value that it removes would have") {
  const auto remove = [](Peer& peer, std::uint32_t lifetime) {
    auto with = peer.context();
    peer.storage.store(ApiId{9}, {peer.resource, kSingle, nothing(), lifetime, 0, CredentialId{2}}, with);
  };
  const auto lifetime_sent = [](Peer& peer) { return peer.sign().kind_data.at(0).values.at(0).lifetime; };
  const auto stored = [](Peer& peer) {
    peer.answer({AnswerStatus::ok, wire::encode(wire::StoreAns{{{kSingle, 7, {}}}}), {}, {}, {}});
  };
  {
    Peer peer;  // what it stored itself it remembers
    peer.call(1);
    peer.sign();
    stored(peer);
    peer.pass(600s);
    remove(peer, 10);
    CHECK(lifetime_sent(peer) == 3000);
    stored(peer);
    remove(peer, 5000);
    CHECK(lifetime_sent(peer) == 5000);
  }
  {
    Peer peer;  // even when nobody said that it was stored
    peer.call(1);
    peer.sign();
    peer.answer({AnswerStatus::timed_out, {}, {}, {}, {}});
    remove(peer, 10);
    CHECK(lifetime_sent(peer) == 3600);
  }
  {
    Peer peer;  // what an earlier process stored is looked up
    remove(peer, 10);
    CHECK(peer.sent().code == wire::MessageCode::fetch_req);
    peer.answer_fetch({make_value(text("old"), 5, 900)}, {peer.alice}, kSingle);
    CHECK(lifetime_sent(peer) == 900);
  }
  {
    Peer peer;  // and is removed all the same when that fails
    remove(peer, 10);
    peer.sent();
    peer.answer({AnswerStatus::timed_out, {}, {}, {}, {}});
    CHECK(lifetime_sent(peer) == 10);
  }
}

TEST_CASE("own Stores fail with what went wrong") {
  Peer peer;
  peer.call(1);
  peer.sign();
  peer.answer_error(ErrorCode::forbidden);
  CHECK(peer.result<StoreDone>().result.error().first == ErrorCode::forbidden);
  peer.call(2);
  peer.sign();
  peer.answer({AnswerStatus::timed_out, {}, {}, {}, {}});
  CHECK(peer.result<StoreDone>().result.error().first == ErrorCode::request_timeout);
  peer.call(3);
  peer.sign();
  peer.answer({AnswerStatus::ok, {}, {}, {}, {}});
  CHECK(peer.result<StoreDone>().result.error().first == ErrorCode::invalid_message);
  peer.call(4);
  auto with = peer.context();
  peer.storage.on_signed({peer.take<messaging::SignValue>().at(0).token, failure("no such credential"), nullptr}, with);
  CHECK(peer.result<StoreDone>().result.error().second == "no such credential");
}

TEST_CASE("so many own calls may be under way; one more fails at once, and one that ends makes room") {
  Peer peer;
  const auto fetch = [&](std::uint64_t id) {
    auto with = peer.context();
    peer.storage.fetch(ApiId{id}, {peer.resource, {{kSingle, 0, wire::SingleSpecifier{}}}}, with);
  };
  for (std::uint64_t id = 1; id <= limits::kMaxOwnCalls; ++id) {
    peer.call(id);
    fetch(id);
  }
  CHECK(peer.storage.take_events().empty());
  const auto requests = peer.take<messaging::SendRequest>();
  CHECK(requests.size() == limits::kMaxOwnCalls);
  peer.call(70001);
  const auto store = peer.result<StoreDone>();
  CHECK(store.id == ApiId{70001});
  CHECK(store.result.error().first == ErrorCode::request_timeout);
  fetch(70002);
  const auto refused = peer.result<FetchDone>();
  CHECK(refused.id == ApiId{70002});
  CHECK(refused.result.error().first == ErrorCode::request_timeout);

  peer.last = requests.front().token;
  peer.answer_error(ErrorCode::not_found);
  CHECK(peer.result<FetchDone>().result.error().first == ErrorCode::not_found);
  fetch(70003);
  CHECK(peer.storage.take_events().empty());
}

TEST_CASE("6940-7.4.2.2-8, 6940-7.4.2.2-9: a Fetch gives the values that may be believed, and says how many may not") {
  Peer peer;
  const auto mallory = make_signer(kit::node_number(2), "mallory@demo.example");
  auto with = peer.context();
  peer.storage.fetch(ApiId{9}, {peer.resource, {{kDictionary, 0, wire::DictionarySpecifier{}}}}, with);
  CHECK(peer.sent().to == wire::DestinationList{peer.resource});
  wire::StoredData synthetic{0, 0, wire::DictionaryEntry{{'n'}, nothing()}, {}};
  synthetic.signature.identity.type = wire::SignerIdentityType::none;
  wire::StoredData pretended = synthetic;
  pretended.value = at_key("p", "exists without a signature");
  peer.answer_fetch({make_value(at_key("a", "A"), 1), make_value(at_key("b", "bad signature"), 1),
                     make_value(at_key("c", "not allowed"), 1), synthetic, pretended},
                    {peer.alice, security::Signer{}, mallory, security::Signer{}, security::Signer{}}, kDictionary);
  const auto done = peer.result<FetchDone>();
  CHECK(done.id == ApiId{9});
  REQUIRE(done.result);
  CHECK(done.result->invalid == 3);
  REQUIRE(done.result->kinds.size() == 1);
  CHECK(done.result->kinds[0].generation == 3);
  REQUIRE(done.result->kinds[0].values.size() == 2);
  CHECK(done.result->kinds[0].values[0].value == at_key("a", "A"));
  CHECK(done.result->signers[0][0].certificate == peer.alice.certificate);
  CHECK(!done.result->signers[0][1].known());
  CHECK(peer.counters.get(Counter::values_invalid) == 3);
}

TEST_CASE("a Fetch whose answer says nothing that can be read has failed") {
  Peer peer;
  auto with = peer.context();
  peer.storage.fetch(ApiId{9}, {peer.resource, {{kSingle, 0, wire::SingleSpecifier{}}}}, with);
  peer.sent();
  peer.answer({AnswerStatus::ok, {}, {}, {}, {}});
  CHECK(peer.result<FetchDone>().result.error().first == ErrorCode::invalid_message);
}

TEST_CASE("a FetchAns about Kinds that were not asked for counts as invalid") {
  Peer peer;
  auto with = peer.context();
  peer.storage.fetch(ApiId{9}, {peer.resource, {{kDictionary, 0, wire::DictionarySpecifier{}}}}, with);
  peer.sent();
  peer.answer_fetch({make_value(text("x"), 1)}, {peer.alice}, kSingle);
  const auto done = peer.result<FetchDone>();
  CHECK(done.result->kinds.empty());
  CHECK(done.result->invalid == 1);
}

TEST_CASE("expired values are removed when their time has come") {
  Peer peer;
  peer.store(1, make_store(peer.resource, kSingle, 0, {make_value(text("v"), 1, 60)}, peer.alice), peer.alice);
  CHECK(peer.storage.next_deadline(peer.now) == peer.now.mono + 60s);
  peer.pass(59s);
  CHECK(peer.storage.value_count() == 1);
  peer.pass(1s);
  CHECK(peer.storage.value_count() == 0);
  CHECK(peer.values->generation({peer.resource, kSingle}) == 0);
  CHECK(!peer.storage.next_deadline(peer.now));
}

TEST_CASE("a new configuration removes what it bans: Kinds, nodes, domains") {
  Peer peer;
  const auto bob = make_signer(kit::node_number(2), "bob@demo.example");
  const auto register_user = [&](std::uint64_t id, const security::Signer& signer) {
    const auto value = make_value(wire::DictionaryEntry{to_bytes(signer.node_id.view()), text("route")}, 1);
    peer.store(
        id, make_store(resource_of_user(signer.certificate->user_name), wire::kKindSipRegistration, 0, {value}, signer),
        signer);
  };
  peer.store(1, make_store(peer.resource, kSingle, 0, {make_value(text("v"), 1)}, peer.alice), peer.alice);
  register_user(2, peer.alice);
  register_user(3, bob);
  REQUIRE(peer.storage.value_count() == 3);
  const auto change = [&] {
    auto with = peer.context();
    peer.storage.on_config_changed(with);
  };
  change();
  CHECK(peer.storage.value_count() == 3);
  peer.config.kinds.remove(kSingle);
  change();
  CHECK(peer.storage.value_count() == 2);
  peer.config.bad_nodes = {bob.node_id};
  change();
  CHECK(peer.storage.value_count() == 1);
  config::Kind kind = *peer.config.kinds.find(wire::kKindSipRegistration);
  kind.domain_restriction = config::DomainRestriction{};
  peer.config.kinds.add(kind);
  change();
  CHECK(peer.storage.value_count() == 1);  // the overlay's own name
  peer.config.instance_name = "other.example";
  change();
  CHECK(peer.storage.value_count() == 0);
}

}  // namespace reload::storage_test
