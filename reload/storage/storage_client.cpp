#include "reload/storage/storage_client.hpp"

#include "reload/base/limits.hpp"
#include "reload/storage/fetched_values.hpp"

namespace reload::storage {

using messaging::Answer;
using messaging::AnswerStatus;
using messaging::Context;
using wire::ErrorCode;

namespace {

wire::StoredDataSpecifier specifier_of(const StoreCall& call) {
  wire::StoredDataSpecifier specifier;
  specifier.kind = call.kind;
  if (const auto* entry = std::get_if<wire::ArrayEntry>(&call.value)) {
    specifier.model = wire::ArraySpecifier{{{entry->index, entry->index}}};
  } else if (const auto* keyed = std::get_if<wire::DictionaryEntry>(&call.value)) {
    specifier.model = wire::DictionarySpecifier{{keyed->key}};
  }
  return specifier;
}

std::pair<ErrorCode, std::string> reason_of(const Answer& answer) {
  if (answer.status == AnswerStatus::timed_out) return {ErrorCode::request_timeout, "no answer in time"};
  if (answer.status == AnswerStatus::unroutable) return {ErrorCode::request_timeout, "no peer to send to is known"};
  return {answer.error, "the responsible peer answered " + std::string(wire::name_of(answer.error))};
}

void send(std::uint64_t number, const ResourceId& resource, wire::MessageCode code, Bytes body, Context& context,
          CredentialId signer = {}, std::vector<security::CertificatePtr> certificates = {}) {
  messaging::SendRequest request;
  request.token = token_of(number);
  request.to = {wire::Destination(resource)};
  request.code = code;
  request.body = std::move(body);
  request.signer = signer;
  request.certificates = std::move(certificates);
  context.effects.push_back(std::move(request));
}

}  // namespace

void StorageClient::store(ApiId id, StoreCall call, Context& context) {
  if (storing_.size() >= limits::kMaxOwnCalls) {
    events_.push_back(CallResult<StoreDone>{
        id, tl::unexpected(std::pair(ErrorCode::request_timeout, std::string("too many Stores under way")))});
    return;
  }
  const std::uint64_t number = tokens_.next();
  storing_[number] = {id, std::move(call), Step::signing, false, {}};
  sign(number, 0, context);
}

void StorageClient::sign(std::uint64_t number, std::uint64_t at_least, Context& context) {
  Storing& storing = storing_.at(number);
  storing.step = Step::signing;
  const StoreCall& call = storing.call;
  storing.data = {next_storage_time(call, at_least, context.now.wall), call.lifetime, call.value, {}};
  context.effects.push_back(messaging::SignValue{token_of(number), call.credential, call.resource, call.kind,
                                                 storing.data.storage_time, call.value});
}

// 6940 13.5.3: strictly increasing, whatever the clock does. Only times that the clock has not passed yet matter.
std::uint64_t StorageClient::next_storage_time(const StoreCall& call, std::uint64_t at_least, Wall now) {
  const std::uint64_t clock = to_wire_ms(now);
  if (last_times_.size() >= limits::kMaxOwnSlots)
    std::erase_if(last_times_, [clock](const auto& entry) { return entry.second < clock; });
  if (last_times_.size() >= limits::kMaxOwnSlots) last_times_.erase(last_times_.begin());
  std::uint64_t& last = last_times_[{call.resource, call.kind, slot_of(call.value)}];
  last = std::max({clock, at_least, last + 1});
  return last;
}

void StorageClient::on_signed(const messaging::SignedValue& value, Context& context) {
  const auto it = storing_.find(value.token.number);
  if (it == storing_.end() || it->second.step != Step::signing) return;
  Storing& storing = it->second;
  if (!value.signature) return fail_store(it->first, ErrorCode::forbidden, value.signature.error().text);
  storing.data.signature = *value.signature;
  storing.step = Step::storing;
  wire::StoreReq request;
  request.resource = storing.call.resource;
  request.kind_data.push_back({storing.call.kind, storing.call.generation, {storing.data}, {}});
  send(it->first, request.resource, wire::MessageCode::store_req, wire::encode(request), context,
       storing.call.credential, {value.certificate});
}

bool StorageClient::on_answer(const messaging::Token& token, const Answer& answer, Context& context) {
  if (fetching_.contains(token.number)) {
    on_fetch_answer(token.number, answer, context);
    return true;
  }
  const auto it = storing_.find(token.number);
  if (it == storing_.end()) return false;
  if (it->second.step == Step::looking) {
    on_newer(token.number, answer, context);
  } else {
    on_store_answer(token.number, answer, context);
  }
  return true;
}

void StorageClient::on_store_answer(std::uint64_t number, const Answer& answer, Context& context) {
  Storing& storing = storing_.at(number);
  if (answer.status == AnswerStatus::error && answer.error == ErrorCode::data_too_old && !storing.again) {
    storing.again = true;
    return look_for_newer(number, context);
  }
  if (answer.status != AnswerStatus::ok) {
    auto [code, text] = reason_of(answer);
    return fail_store(number, code, std::move(text));
  }
  const auto stored = wire::decode<wire::StoreAns>(answer.body, context.config.codec());
  if (!stored || stored->kind_responses.size() != 1 || stored->kind_responses.front().kind != storing.call.kind)
    return fail_store(number, ErrorCode::invalid_message, "the StoreAns is malformed");
  const wire::StoreKindResponse& response = stored->kind_responses.front();
  events_.push_back(CallResult<StoreDone>{storing.id, StoreDone{response.generation_counter, response.replicas}});
  storing_.erase(number);
}

// 6940 7: a user's Store that is too old may be made again with a time after that of the stored value.
void StorageClient::look_for_newer(std::uint64_t number, Context& context) {
  Storing& storing = storing_.at(number);
  storing.step = Step::looking;
  const wire::FetchReq request{storing.call.resource, {specifier_of(storing.call)}};
  send(number, request.resource, wire::MessageCode::fetch_req, wire::encode(request), context);
}

void StorageClient::on_newer(std::uint64_t number, const Answer& answer, Context& context) {
  const Storing& storing = storing_.at(number);
  if (answer.status != AnswerStatus::ok || answer.fetch == nullptr) {
    auto [code, text] = reason_of(answer);
    return fail_store(number, code, std::move(text));
  }
  const FetchDone found =
      believable(*answer.fetch, storing.call.resource, {storing.call.kind}, context.config, context.crypto);
  std::uint64_t newest = 0;
  for (const wire::FetchKindResponse& kind : found.kinds) {
    for (const wire::StoredData& data : kind.values) newest = std::max(newest, data.storage_time);
  }
  if (newest == 0 || newest == UINT64_MAX)
    return fail_store(number, ErrorCode::data_too_old, "no storage time is after that of the stored value");
  sign(number, newest + 1, context);
}

void StorageClient::fail_store(std::uint64_t number, ErrorCode code, std::string text) {
  events_.push_back(CallResult<StoreDone>{storing_.at(number).id, tl::unexpected(std::pair(code, std::move(text)))});
  storing_.erase(number);
}

void StorageClient::fetch(ApiId id, FetchCall call, Context& context) {
  if (fetching_.size() >= limits::kMaxOwnCalls) {
    events_.push_back(CallResult<FetchDone>{
        id, tl::unexpected(std::pair(ErrorCode::request_timeout, std::string("too many Fetches under way")))});
    return;
  }
  const std::uint64_t number = tokens_.next();
  Fetching& fetching = fetching_[number];
  fetching = {id, call.resource, {}};
  for (const wire::StoredDataSpecifier& specifier : call.specifiers) fetching.kinds.push_back(specifier.kind);
  const wire::FetchReq request{std::move(call.resource), std::move(call.specifiers)};
  send(number, request.resource, wire::MessageCode::fetch_req, wire::encode(request), context);
}

void StorageClient::on_fetch_answer(std::uint64_t number, const Answer& answer, Context& context) {
  const Fetching fetching = std::move(fetching_.at(number));
  fetching_.erase(number);
  if (answer.status != AnswerStatus::ok) {
    events_.push_back(CallResult<FetchDone>{fetching.id, tl::unexpected(reason_of(answer))});
    return;
  }
  if (answer.fetch == nullptr) {
    events_.push_back(CallResult<FetchDone>{
        fetching.id, tl::unexpected(std::pair(ErrorCode::invalid_message, std::string("the FetchAns is malformed")))});
    return;
  }
  FetchDone done = believable(*answer.fetch, fetching.resource, fetching.kinds, context.config, context.crypto);
  context.counters.add(Counter::values_invalid, done.invalid);
  events_.push_back(CallResult<FetchDone>{fetching.id, std::move(done)});
}

}  // namespace reload::storage
