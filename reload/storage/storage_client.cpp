#include "reload/storage/storage_client.hpp"

#include <algorithm>

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

ValueKey key_of(const StoreCall& call) { return {call.resource, call.kind, slot_of(call.value)}; }

std::uint32_t seconds_until(Wall end, Wall now) {
  const auto left = std::chrono::ceil<std::chrono::seconds>(end - now).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(left, 0, UINT32_MAX));
}

// Removes what is in a slot (6940 7.4.1.3).
bool is_removal(const StoreCall& call) {
  const auto* entry = std::get_if<wire::ArrayEntry>(&call.value);
  return !wire::data_value(call.value).exists && (entry == nullptr || entry->index != wire::kLastArrayIndex);
}

}  // namespace

void StorageClient::store(ApiId id, StoreCall call, Context& context) {
  if (storing_.size() >= limits::kMaxOwnCalls) {
    events_.push_back(CallResult<StoreDone>{
        id, tl::unexpected(std::pair(ErrorCode::request_timeout, std::string("too many Stores under way")))});
    return;
  }
  const std::uint64_t number = tokens_.next();
  const Storing& storing = storing_[number] = {id, std::move(call), Step::signing, {}, {}};
  if (is_removal(storing.call)) {
    const auto own = own_.find(key_of(storing.call));
    if (own == own_.end() || !own->second.until) return look(number, Step::looking_before, context);
  }
  sign(number, 0, context);
}

void StorageClient::sign(std::uint64_t number, std::uint64_t at_least, Context& context) {
  Storing& storing = storing_.at(number);
  storing.step = Step::signing;
  const StoreCall& call = storing.call;
  storing.data = {next_storage_time(call, at_least, context.now.wall), call.lifetime, call.value, {}};
  std::optional<Wall>& until = own_.at(key_of(call)).until;
  // 6940 7.4.1.3: else the value could be stored again by anyone when its removal is over.
  if (until && is_removal(call))
    storing.data.lifetime = std::max(call.lifetime, seconds_until(*until, context.now.wall));
  context.effects.push_back(messaging::SignValue{token_of(number), call.credential, call.resource, call.kind,
                                                 storing.data.storage_time, call.value});
}

// 6940 13.5.3: strictly increasing, whatever the clock does. Only times that the clock has not passed yet matter.
std::uint64_t StorageClient::next_storage_time(const StoreCall& call, std::uint64_t at_least, Wall now) {
  const std::uint64_t clock = to_wire_ms(now);
  if (own_.size() >= limits::kMaxOwnSlots)
    std::erase_if(own_, [clock](const auto& entry) { return entry.second.storage_time < clock; });
  if (own_.size() >= limits::kMaxOwnSlots) own_.erase(own_.begin());
  std::uint64_t& last = own_[key_of(call)].storage_time;
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
  if (const auto own = own_.find(key_of(storing.call)); own != own_.end()) {
    const Wall end = context.now.wall + std::chrono::seconds(storing.data.lifetime);
    own->second.until = std::max(own->second.until.value_or(end), end);  // it may not come to be stored
  }
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
  const Storing& storing = it->second;
  if (storing.step == Step::storing) {
    on_store_answer(token.number, answer, context);
  } else if (storing.step == Step::looking_before) {
    on_found_before(token.number, found_by(storing, answer, context), context);
  } else {
    on_found_after(token.number, found_by(storing, answer, context), context);
  }
  return true;
}

void StorageClient::on_store_answer(std::uint64_t number, const Answer& answer, Context& context) {
  Storing& storing = storing_.at(number);
  const bool in_the_way =
      answer.status == AnswerStatus::error &&
      (answer.error == ErrorCode::data_too_old || answer.error == ErrorCode::generation_counter_too_low);
  if (in_the_way && storing.refused == ErrorCode::invalid) {
    storing.refused = answer.error;
    return look(number, Step::looking_after, context);
  }
  if (answer.status != AnswerStatus::ok) {
    auto [code, text] = reason_of(answer);
    return fail_store(number, code, std::move(text));
  }
  const auto stored = wire::decode<wire::StoreAns>(answer.body, context.config.codec());
  if (!stored || stored->kind_responses.size() != 1 || stored->kind_responses.front().kind != storing.call.kind)
    return fail_store(number, ErrorCode::invalid_message, "the StoreAns is malformed");
  const wire::StoreKindResponse& response = stored->kind_responses.front();
  events_.push_back(CallResult<StoreDone>{storing.id, StoreDone{response.generation_counter, response.replicas, {}}});
  if (const auto own = own_.find(key_of(storing.call)); own != own_.end())
    own->second.until = context.now.wall + std::chrono::seconds(storing.data.lifetime);
  storing_.erase(number);
}

void StorageClient::look(std::uint64_t number, Step step, Context& context) {
  Storing& storing = storing_.at(number);
  storing.step = step;
  const wire::FetchReq request{storing.call.resource, {specifier_of(storing.call)}};
  send(number, request.resource, wire::MessageCode::fetch_req, wire::encode(request), context);
}

StorageClient::Found StorageClient::found_by(const Storing& storing, const Answer& answer,
                                             const Context& context) const {
  if (answer.status != AnswerStatus::ok || answer.fetch == nullptr) return std::nullopt;
  const FetchDone fetched =
      believable(*answer.fetch, storing.call.resource, {storing.call.kind}, context.config, context.crypto);
  Found found;
  for (const wire::FetchKindResponse& kind : fetched.kinds) {
    for (const wire::StoredData& data : kind.values)
      if (!is_unsigned(data.signature) && (!found || found->storage_time < data.storage_time)) found = data;
  }
  return found;
}

void StorageClient::on_found_before(std::uint64_t number, const Found& found, Context& context) {
  StoreCall& call = storing_.at(number).call;
  if (found) call.lifetime = std::max(call.lifetime, found->lifetime);
  sign(number, 0, context);
}

void StorageClient::on_found_after(std::uint64_t number, const Found& found, Context& context) {
  const Storing& storing = storing_.at(number);
  if (storing.refused == ErrorCode::generation_counter_too_low) {
    if (!found || found->storage_time <= storing.data.storage_time)
      return fail_store(number, storing.refused, "the generation of the stored values is another");
    events_.push_back(CallResult<StoreDone>{storing.id, StoreDone{0, {}, *found}});
    storing_.erase(number);
    return;
  }
  // 6940 7: a user's Store that is too old may be made again with a time after that of the stored value.
  if (!found || found->storage_time == UINT64_MAX)
    return fail_store(number, ErrorCode::data_too_old, "no storage time is after that of the stored value");
  sign(number, found->storage_time + 1, context);
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
