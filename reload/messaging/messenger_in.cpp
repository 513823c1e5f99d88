// Requests of others: each looked at once, answered once, and answered alike when repeated (6940 6.2.1, 6.3.2.1,
// 6.3.3).
#include <algorithm>

#include "reload/base/limits.hpp"
#include "reload/forwarding/forwarder.hpp"
#include "reload/messaging/envelope.hpp"
#include "reload/messaging/messenger_impl.hpp"
#include "reload/messaging/probe_responder.hpp"

namespace reload::messaging {

namespace {

Bytes text(std::string_view words) { return to_bytes(as_bytes(words)); }

bool has_critical_extension(const wire::ParsedBody& parsed) {
  return std::ranges::any_of(parsed.extensions, &wire::MessageExtension::critical);
}

}  // namespace

void Messenger::Impl::on_request(Inbound inbound, const security::Signer& signer, Context& context) {
  const TransactionId transaction = inbound.header.transaction_id;
  if (IncomingRequest* known = answers.find(transaction, signer.node_id, context.now.mono)) {
    return repeat_answer(*known, inbound, context);
  }
  IncomingRequest request;
  request.transaction = transaction;
  request.signer = signer.node_id;
  request.signature = inbound.parsed.security.signature.value;
  request.code = inbound.parsed.code;
  request.path = return_path(inbound.header, inbound.previous_hop);
  request.expires = context.now.mono + limits::kRequestTries * Duration(context.config.reliability_timer);
  const std::optional<RequestId> id = answers.add(std::move(request), context.now.mono);
  if (!id) {
    context.counters.add(Counter::requests_refused_budget);
    return;
  }
  context.counters.add(Counter::requests_received);
  if (!breaks_rule(*id, inbound, signer, context)) handle(*id, std::move(inbound), signer, context);
}

void Messenger::Impl::repeat_answer(IncomingRequest& request, const Inbound& inbound, Context& context) {
  context.counters.add(Counter::requests_repeated);
  request.path = return_path(inbound.header, inbound.previous_hop);
  if (request.answer.empty()) return;  // still being worked on
  send(answer_header(context.config, request.transaction, request.path), request.answer);
}

bool Messenger::Impl::breaks_rule(RequestId id, const Inbound& inbound, const security::Signer& signer,
                                  Context& context) {
  switch (compare_sequence(inbound.header, inbound.parsed.code, context.config)) {
    case Sequence::older:
      refuse(id, wire::ErrorCode::config_too_old, {}, context);
      tell_of_newer(signer.node_id, return_path(inbound.header, inbound.previous_hop).to, context);
      return true;
    case Sequence::newer:
      refuse(id, wire::ErrorCode::config_too_new, {}, context);
      return true;
    case Sequence::same:
      break;
  }
  if (has_critical_extension(inbound.parsed)) {
    refuse(id, wire::ErrorCode::unknown_extension, {}, context);
    return true;
  }
  if (forwarding::unknown_critical_option(inbound.header, wire::ForwardingOption::kDestinationCritical) != nullptr) {
    refuse(id, wire::ErrorCode::unsupported_forwarding_option, {}, context);
    return true;
  }
  if (inbound.values_malformed) {
    refuse(id, wire::ErrorCode::invalid_message, text("the values can't be read or are too many"), context);
    return true;
  }
  return false;
}

void Messenger::Impl::handle(RequestId id, Inbound inbound, const security::Signer& signer, Context& context) {
  using enum wire::MessageCode;
  switch (inbound.parsed.code) {
    case ping_req:
      if (!wire::decode<wire::PingReq>(inbound.parsed.body)) {
        return refuse(id, wire::ErrorCode::invalid_message, text("malformed Ping"), context);
      }
      return answer(id, ping_answer(context.now, context.rng), {}, context);
    case probe_req:
      if (std::optional<Bytes> body = probe_answer(inbound.parsed.body, probe_facts, context.route)) {
        return answer(id, std::move(*body), {}, context);
      }
      return refuse(id, wire::ErrorCode::invalid_message, text("malformed Probe"), context);
    case config_update_req:
      return on_config_update(id, inbound, signer, context);
    case attach_req:
    case app_attach_req:
    case store_req:
    case fetch_req:
    case stat_req:
    case find_req:
    case join_req:
    case leave_req:
    case update_req:
    case route_query_req:
      break;
    default:
      return refuse(id, wire::ErrorCode::invalid_message, text("unknown message code"), context);
  }
  RequestReady ready;
  ready.request.id = id;
  ready.request.code = inbound.parsed.code;
  ready.request.body = inbound.parsed.body;
  ready.request.signer = signer;
  ready.request.link_node = inbound.link_node;
  ready.request.via_list = std::move(inbound.header.via_list);
  ready.request.destination = std::move(inbound.header.destination_list.back());
  ready.request.store = std::move(inbound.store);
  ready.message = std::move(inbound.message);
  events.push_back(std::move(ready));
}

void Messenger::Impl::on_config_update(RequestId id, const Inbound& inbound, const security::Signer& signer,
                                       Context& context) {
  std::optional<wire::ConfigUpdateReq> update = wire::decode<wire::ConfigUpdateReq>(inbound.parsed.body);
  if (update && update->type == wire::ConfigUpdateType::config) {
    context.effects.push_back(ConfigOffered{std::move(update->config_data), signer.node_id, id});
  } else if (update && update->type == wire::ConfigUpdateType::kind) {
    context.effects.push_back(KindsOffered{std::move(update->kinds), id});
  } else {
    refuse(id, wire::ErrorCode::invalid_message, text("malformed ConfigUpdate"), context);
  }
}

void Messenger::Impl::tell_of_newer(const NodeId& peer, const wire::DestinationList& path, Context& context) {
  if (peer == context.self) return;
  auto update = config_sync.offer_document(peer, path_to(peer, path), context.config, context.now.mono);
  if (!update) return;
  if (update->to == path && path.size() == 1) update->first_hop = peer;  // there is a link to it
  context.counters.add(Counter::config_updates_sent);
  send_request({.request = std::move(*update), .contents = {}, .message = {}, .fetched = {}}, context);
}

void Messenger::Impl::answer(RequestId id, Bytes body, std::vector<security::CertificatePtr> more, Context& context) {
  IncomingRequest* request = answers.find(id, context.now.mono);
  if (request == nullptr || request->answering) return;
  request->answering = true;
  sign_answer(id, *request, false, encode_contents(wire::answer_to(request->code), std::move(body)), more, context);
}

void Messenger::Impl::refuse(RequestId id, wire::ErrorCode code, Bytes info, Context& context) {
  IncomingRequest* request = answers.find(id, context.now.mono);
  if (request == nullptr || request->answering) return;
  request->answering = true;
  sign_answer(id, *request, true, encode_error(code, std::move(info)), {}, context);
}

void Messenger::Impl::sign_answer(RequestId id, const IncomingRequest& request, bool is_error, Bytes contents,
                                  std::span<const security::CertificatePtr> more, Context& context) {
  if (is_error) context.counters.add(Counter::errors_sent);
  const security::CredentialPtr node = credentials.node();
  const Bytes input = contents;
  sign_message(node, request.transaction, input,
               SignedAnswer{id, is_error, std::move(contents), bucket_of(*node, more, *trust)}, context);
}

void Messenger::Impl::on_answer_signed(SignedAnswer work, security::SignResult result, Context& context) {
  IncomingRequest* request = answers.find(work.request, context.now.mono);
  if (request == nullptr) return;  // it took longer than the request lives
  if (!result.signature) return answers.remove(work.request);

  std::optional<Bytes> sealed = seal(std::move(work.contents), std::move(*result.signature), work.bucket);
  wire::ForwardingHeader header = answer_header(context.config, request->transaction, request->path);
  const std::size_t size = sealed ? wire::encode_header(header, 0).size() + sealed->size() : SIZE_MAX;
  const std::size_t wanted = request->path.max_response_length;
  if (!work.is_error && (size > context.config.max_message_size || (wanted != 0 && size > wanted))) {
    return sign_answer(work.request, *request, true, encode_error(wire::ErrorCode::response_too_large, {}), {},
                       context);
  }
  if (size > context.config.max_message_size) {
    context.counters.add(Counter::frames_oversized);
    return answers.remove(work.request);
  }
  SharedBytes message(std::move(*sealed));
  send(std::move(header), message);
  answers.set_answer(work.request, std::move(message));
}

void Messenger::Impl::on_hop_error_signed(SignedHopError work, security::SignResult result, Context& context) {
  hop_errors.give_back(work.charged_to);
  if (!result.signature) return;
  std::optional<Bytes> sealed = seal(std::move(work.contents), std::move(*result.signature), work.bucket);
  if (!sealed) return;
  send(answer_header(context.config, work.transaction, work.path), SharedBytes(std::move(*sealed)));
}

}  // namespace reload::messaging
