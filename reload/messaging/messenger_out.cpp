// Requests of this node: sent until answered, at most five times (6940 6.2.1), and the checks of what answers them
// (6940 6.3.4).
#include "reload/base/limits.hpp"
#include "reload/messaging/envelope.hpp"
#include "reload/messaging/messenger_impl.hpp"

namespace reload::messaging {

namespace {

constexpr std::size_t kErrorResponseHead = 4;  // error_code and the length of error_info

// Errors that any node on the way may make, so that their signer need not be the one that was asked (T3): 0x15 to 0x1a
// are those of RFC 7851.
bool is_hop_error(wire::ErrorCode code) {
  switch (code) {
    case wire::ErrorCode::forbidden:
    case wire::ErrorCode::incompatible_with_overlay:
    case wire::ErrorCode::unsupported_forwarding_option:
    case wire::ErrorCode::ttl_exceeded:
    case wire::ErrorCode::message_too_large:
      return true;
    default: {
      const auto number = static_cast<std::uint16_t>(code);
      return number >= 0x15 && number <= 0x1a;
    }
  }
}

// 6940 6.3.4: who may answer a request sent there. A resource behind another node is looked for as that node sees the
// ring, which may be another ring than ours (10.7.4.4).
bool may_answer(const wire::DestinationList& to, const NodeId& signer, const forwarding::RouteView& route) {
  if (to.empty()) return true;
  if (const auto* node = std::get_if<NodeId>(&to.back())) return node->is_wildcard() || *node == signer;
  if (const auto* resource = std::get_if<ResourceId>(&to.back()))
    return to.size() > 1 || route.plausible_responder(*resource, signer);
  return true;
}

Answer failed(AnswerStatus status, wire::ErrorCode error) {
  Answer answer;
  answer.status = status;
  answer.error = error;
  return answer;
}

Duration reliability_timer(const Context& context) { return Duration(context.config.reliability_timer); }

}  // namespace

TransactionId Messenger::Impl::new_transaction(Rng& rng) {
  TransactionId transaction = rng.next();
  while (requests.find(transaction) != nullptr) transaction = rng.next();
  return transaction;
}

void Messenger::Impl::send_request(OutgoingRequest outgoing, Context& context) {
  if (requests.full()) {
    context.counters.add(Counter::requests_refused_budget);
    return finish(outgoing, failed(AnswerStatus::unroutable, wire::ErrorCode::invalid), {});
  }
  if (outgoing.request.code == wire::MessageCode::fetch_req) {
    const auto fetch = wire::decode<wire::FetchReq>(outgoing.request.body, context.config.codec());
    if (fetch) outgoing.fetched = fetch->resource;
  }
  const TransactionId transaction = new_transaction(context.rng);
  requests.add(transaction, std::move(outgoing));
  begin(transaction, context);
}

void Messenger::Impl::begin(TransactionId transaction, Context& context) {
  OutgoingRequest& outgoing = *requests.find(transaction);
  const security::CredentialPtr credential = credentials.find(outgoing.request.signer);
  if (credential == nullptr) {
    return finish(requests.remove(transaction), failed(AnswerStatus::unroutable, wire::ErrorCode::invalid), {});
  }
  requests.stop_timer(transaction);
  outgoing.state = OutgoingRequest::State::signing;
  outgoing.contents = encode_contents(outgoing.request.code, std::exchange(outgoing.request.body, {}));
  SignedRequest work{transaction, bucket_of(*credential, outgoing.request.certificates, *trust)};
  sign_message(credential, transaction, outgoing.contents, std::move(work), context);
}

void Messenger::Impl::on_request_signed(SignedRequest work, security::SignResult result, Context& context) {
  OutgoingRequest* outgoing = requests.find(work.transaction);
  if (outgoing == nullptr) return;  // cancelled
  if (!result.signature) {
    return finish(requests.remove(work.transaction), failed(AnswerStatus::unroutable, wire::ErrorCode::invalid), {});
  }
  std::optional<Bytes> sealed = seal(std::exchange(outgoing->contents, {}), std::move(*result.signature), work.bucket);
  const auto header = request_header(context.config, work.transaction, outgoing->request.to, false);
  if (!sealed || wire::encode_header(header, 0).size() + sealed->size() > context.config.max_message_size) {
    context.counters.add(Counter::frames_oversized);
    return finish(requests.remove(work.transaction), failed(AnswerStatus::error, wire::ErrorCode::message_too_large),
                  {});
  }
  outgoing->message = SharedBytes(std::move(*sealed));
  outgoing->state = OutgoingRequest::State::sent;
  transmit(work.transaction, context);
}

namespace {

// Whether each entry is one hop on, and no routing is in between.
bool is_way(const SendRequest& request) {
  return request.to.size() > 1 || (request.first_hop && request.to.front() == wire::Destination(*request.first_hop));
}

}  // namespace

void Messenger::Impl::transmit(TransactionId transaction, Context& context) {
  OutgoingRequest& outgoing = *requests.find(transaction);
  context.counters.add(outgoing.sent == 0 ? Counter::requests_sent : Counter::requests_retransmitted);
  ++outgoing.sent;
  auto header = request_header(context.config, transaction, outgoing.request.to, outgoing.request.any_config_sequence);
  // A ConfigUpdate gets no more hops than its way has: the initial-ttl that others still go by may be lower than ours.
  if (outgoing.request.any_config_sequence && is_way(outgoing.request))
    header.ttl = static_cast<std::uint8_t>(std::min<std::size_t>(header.ttl, outgoing.request.to.size()));
  send(std::move(header), outgoing.message, outgoing.request.first_hop);
  requests.set_timer(transaction, context.now.mono + reliability_timer(context));
}

void Messenger::Impl::on_timer(TransactionId transaction, Context& context) {
  const OutgoingRequest& outgoing = *requests.find(transaction);
  if (outgoing.state == OutgoingRequest::State::waiting) return begin(transaction, context);
  const unsigned tries = outgoing.request.tries == 0 ? limits::kRequestTries : outgoing.request.tries;
  if (outgoing.sent < tries) return transmit(transaction, context);
  context.counters.add(Counter::requests_timed_out);
  finish(requests.remove(transaction), failed(AnswerStatus::timed_out, wire::ErrorCode::request_timeout), {});
}

bool Messenger::Impl::is_expected_answer(const Inbound& inbound) {
  const OutgoingRequest* outgoing = requests.find(inbound.header.transaction_id);
  if (outgoing == nullptr || outgoing->state != OutgoingRequest::State::sent) return false;
  return inbound.parsed.code == wire::MessageCode::error ||
         inbound.parsed.code == wire::answer_to(outgoing->request.code);
}

void Messenger::Impl::on_answer(Inbound inbound, const security::Signer& signer, Context& context) {
  if (!is_expected_answer(inbound)) {  // another answer came while this one was checked
    context.counters.add(Counter::answers_unexpected);
    return;
  }
  if (inbound.parsed.code == wire::MessageCode::error) return on_error(std::move(inbound), signer, context);
  const TransactionId transaction = inbound.header.transaction_id;
  if (!may_answer(requests.find(transaction)->request.to, signer.node_id, context.route)) {
    context.counters.add(Counter::answers_unexpected);
    const wire::DestinationList& to = requests.find(transaction)->request.to;
    if (const auto* resource = std::get_if<ResourceId>(&to.back()))
      context.effects.push_back(ResponderDoubted{*resource, signer.node_id});
    return;  // the timer runs on: the right node may still answer
  }
  context.counters.add(Counter::answers_received);
  Answer answer;
  answer.signer = signer;
  if (inbound.values_malformed) {
    answer.status = AnswerStatus::error;
    answer.error = wire::ErrorCode::invalid_message;
  } else {
    answer.body = inbound.parsed.body;
    answer.fetch = std::move(inbound.fetch);
  }
  finish(requests.remove(transaction), std::move(answer), std::move(inbound.message));
}

void Messenger::Impl::on_error(Inbound inbound, const security::Signer& signer, Context& context) {
  const TransactionId transaction = inbound.header.transaction_id;
  const auto error = wire::decode<wire::ErrorResponse>(inbound.parsed.body);
  const bool from_asked = may_answer(requests.find(transaction)->request.to, signer.node_id, context.route);
  if (!error || (!from_asked && !is_hop_error(error->code))) {
    context.counters.add(Counter::answers_unexpected);
    return;
  }
  context.counters.add(Counter::errors_received);
  if (settle_difference(inbound, signer, *error, context)) return;
  Answer answer;
  answer.status = AnswerStatus::error;
  answer.error = error->code;
  answer.body = inbound.parsed.body.subspan(kErrorResponseHead);
  answer.signer = signer;
  finish(requests.remove(transaction), std::move(answer), std::move(inbound.message));
}

// Answers about different configurations: makes them equal and repeats the request later, as a new transaction.
bool Messenger::Impl::settle_difference(const Inbound& inbound, const security::Signer& signer,
                                        const wire::ErrorResponse& error, Context& context) {
  const TransactionId transaction = inbound.header.transaction_id;
  OutgoingRequest* outgoing = requests.find(transaction);
  // What is said to a ConfigUpdate is about the document in it.
  const bool is_update = outgoing->request.code == wire::MessageCode::config_update_req;
  if (is_update || outgoing->repeats >= limits::kMaxConfigRepeats) return false;

  const wire::DestinationList back = return_path(inbound.header, inbound.previous_hop).to;
  if (error.code == wire::ErrorCode::config_too_new) {
    tell_of_newer(signer.node_id, back, context);
  } else if (error.code == wire::ErrorCode::unknown_kind) {
    const auto kinds = wire::decode<std::vector<KindId>>(error.info);
    if (!kinds || kinds_to_offer(*kinds, context.config).empty()) return false;
    // Nothing to send when it was sent a moment ago: the responder may know the Kinds when it is asked again.
    if (auto update = config_sync.offer_kinds(signer.node_id, path_to(signer.node_id, back), *kinds, context.config,
                                              context.now.mono)) {
      context.counters.add(Counter::config_updates_sent);
      send_request({.request = std::move(*update), .contents = {}, .message = {}, .fetched = {}}, context);
    }
  } else if (error.code != wire::ErrorCode::config_too_old) {
    return false;
  }

  OutgoingRequest again = requests.remove(transaction);
  again.request.body = to_bytes(wire::parse_body(again.message.view())->body);
  again.message = {};
  again.state = OutgoingRequest::State::waiting;
  again.sent = 0;
  ++again.repeats;
  const TransactionId next = new_transaction(context.rng);
  requests.add(next, std::move(again));
  requests.set_timer(next, context.now.mono + reliability_timer(context));
  return true;
}

void Messenger::Impl::finish(const OutgoingRequest& outgoing, Answer answer, SharedBytes message) {
  if (outgoing.request.token.owner == Owner::config) return;  // an offer; who refuses it is told again when it asks
  events.push_back(AnswerReady{outgoing.request.token, std::move(answer), std::move(message)});
}

}  // namespace reload::messaging
