#include "reload/messaging/messenger.hpp"

#include <algorithm>

#include "reload/base/check.hpp"
#include "reload/base/limits.hpp"
#include "reload/messaging/envelope.hpp"
#include "reload/messaging/messenger_impl.hpp"
#include "reload/security/data_signature.hpp"
#include "reload/security/message_auth.hpp"

namespace reload::messaging {

wire::DestinationList path_to(const NodeId& peer, const wire::DestinationList& path) {
  if (!path.empty() && path.back() == wire::Destination(peer)) return path;
  return {peer};
}

Messenger::Messenger(const security::Credentials& credentials, security::TrustPtr trust)
    : impl_(std::make_unique<Impl>(credentials, std::move(trust))) {}
Messenger::~Messenger() = default;

void Messenger::send_request(SendRequest request, Context& context) {
  impl_->send_request({.request = std::move(request), .contents = {}, .message = {}, .fetched = {}}, context);
}

void Messenger::cancel_request(const CancelRequest& cancel) { impl_->requests.remove(cancel.token); }

void Messenger::send_answer(SendAnswer answer, Context& context) {
  impl_->answer(answer.request, std::move(answer.body), std::move(answer.certificates), context);
}

void Messenger::send_error(SendError error, Context& context) {
  impl_->refuse(error.request, error.code, std::move(error.info), context);
}

void Messenger::sign_value(SignValue value, Context& context) {
  security::CredentialPtr credential = impl_->credentials.find(value.signer);
  if (credential == nullptr) {
    impl_->events.push_back(SignedValue{value.token, failure("the signer's credential is gone"), nullptr});
    return;
  }
  context.counters.add(Counter::signatures_made);
  Bytes input = security::data_signature_input(value.resource, value.kind, value.storage_time, value.value);
  security::CertificatePtr certificate = credential->certificate;
  impl_->start(security::SignJob{std::move(credential), std::move(input)},
               Impl::SignedStoredValue{value.token, std::move(certificate)});
}

void Messenger::send_hop_error(const wire::ForwardingHeader& request,
                               const std::optional<wire::Destination>& previous_hop, wire::ErrorCode code, Bytes info,
                               Context& context) {
  const wire::Destination link = previous_hop.value_or(context.self);
  if (!impl_->hop_errors.take(link)) return context.counters.add(Counter::messages_shed);
  context.counters.add(Counter::errors_sent);
  const security::CredentialPtr node = impl_->credentials.node();
  Impl::SignedHopError work{request.transaction_id, return_path(request, link), encode_error(code, std::move(info)),
                            bucket_of(*node, {}, *impl_->trust), link};
  const Bytes contents = work.contents;
  impl_->sign_message(node, request.transaction_id, contents, std::move(work), context);
}

void Messenger::on_delivered(wire::ForwardingHeader header, SharedBytes body,
                             std::optional<wire::Destination> previous_hop, const NodeId& link_node, Context& context) {
  std::optional<wire::ParsedBody> parsed = wire::parse_body(body.view());
  if (!parsed || header.destination_list.empty()) {
    context.counters.add(Counter::contents_malformed);
    return;
  }
  Inbound inbound;
  inbound.header = std::move(header);
  inbound.message = std::move(body);
  inbound.parsed = std::move(*parsed);
  inbound.previous_hop = previous_hop ? std::move(*previous_hop) : wire::Destination(context.self);
  inbound.link_node = link_node;
  impl_->receive(std::move(inbound), context);
}

void Messenger::on_crypto(JobId job, security::CryptoResult result, Context& context) {
  auto node = impl_->running.extract(job);
  RELOAD_CHECK(!node.empty());
  Impl::Work work = std::move(node.mapped());
  if (auto* inbound = std::get_if<Inbound>(&work)) {
    const auto [first, last] = impl_->verifying.equal_range(inbound->header.transaction_id);
    impl_->verifying.erase(std::find_if(first, last, [job](const auto& entry) { return entry.second == job; }));
    impl_->checks.give_back(inbound->charged_to);
    impl_->on_verified(std::move(*inbound), std::get<security::VerifyResult>(result), context);
  } else {
    impl_->on_signed(std::move(work), std::get<security::SignResult>(std::move(result)), context);
  }
}

void Messenger::on_timer(Context& context) {
  while (const std::optional<TransactionId> due = impl_->requests.pop_due(context.now.mono)) {
    impl_->on_timer(*due, context);
  }
}

std::optional<Mono> Messenger::next_deadline() const { return impl_->requests.next_deadline(); }

void Messenger::set_trust(security::TrustPtr trust, Context& context) {
  impl_->trust = std::move(trust);
  impl_->certificates.clear();
  for (const TransactionId transaction : impl_->requests.waiting()) impl_->begin(transaction, context);
}

void Messenger::push_config(const NodeId& peer, Context& context) { impl_->tell_of_newer(peer, {peer}, context); }

void Messenger::set_probe_facts(const ProbeFacts& facts) { impl_->probe_facts = facts; }

std::vector<std::pair<JobId, security::CryptoJob>> Messenger::take_jobs() { return std::exchange(impl_->jobs, {}); }

std::vector<MessengerEvent> Messenger::take_events() { return std::exchange(impl_->events, {}); }

void Messenger::Impl::start(security::CryptoJob job, Work purpose) {
  const JobId id{++last_job};
  if (const auto* inbound = std::get_if<Inbound>(&purpose)) verifying.emplace(inbound->header.transaction_id, id);
  running.emplace_hint(running.end(), id, std::move(purpose));
  jobs.emplace_back(id, std::move(job));
}

void Messenger::Impl::sign_message(const security::CredentialPtr& credential, TransactionId transaction,
                                   ByteView contents, Work purpose, Context& context) {
  context.counters.add(Counter::signatures_made);
  Bytes input = security::message_signature_input(context.config.overlay_hash, transaction, contents);
  start(security::SignJob{credential, std::move(input)}, std::move(purpose));
}

void Messenger::Impl::on_signed(Work work, security::SignResult result, Context& context) {
  std::visit(
      Overloaded{
          [&](SignedRequest& request) { on_request_signed(std::move(request), std::move(result), context); },
          [&](SignedAnswer& answer) { on_answer_signed(std::move(answer), std::move(result), context); },
          [&](SignedHopError& error) { on_hop_error_signed(std::move(error), std::move(result), context); },
          [&](SignedStoredValue& value) {
            events.push_back(SignedValue{value.token, std::move(result.signature), std::move(value.certificate)});
          },
          [](Inbound&) { unreachable(); },
      },
      work);
}

void Messenger::Impl::receive(Inbound inbound, Context& context) {
  const TransactionId transaction = inbound.header.transaction_id;
  if (is_repeat_in_verification(inbound, context)) return;
  if (wire::is_request(inbound.parsed.code)) {
    IncomingRequest* known =
        answers.find_signature(transaction, inbound.parsed.security.signature.value, context.now.mono);
    if (known != nullptr) return repeat_answer(*known, inbound, context);
  } else if (!is_expected_answer(inbound)) {
    context.counters.add(Counter::answers_unexpected);
    return;
  }
  // Nothing is answered: that would cost the signature which a flood is after. An honest sender asks again.
  if (!checks.take(inbound.previous_hop)) return context.counters.add(Counter::messages_shed);
  inbound.charged_to = inbound.previous_hop;
  if (const OutgoingRequest* outgoing = requests.find(transaction)) inbound.fetched = outgoing->fetched;
  inbound.trust = trust;
  decode_values(inbound, context.config);
  security::VerifyJob job = make_verify_job(inbound, certificates, context);
  start(std::move(job), std::move(inbound));
}

bool Messenger::Impl::is_repeat_in_verification(const Inbound& inbound, Context& context) {
  const auto [first, last] = verifying.equal_range(inbound.header.transaction_id);
  for (auto it = first; it != last; ++it) {
    auto& earlier = std::get<Inbound>(running.at(it->second));
    if (!equal(earlier.message.view(), inbound.message.view())) continue;
    context.counters.add(Counter::requests_repeated, wire::is_request(inbound.parsed.code) ? 1 : 0);
    earlier.header = inbound.header;  // the answer goes the latest way
    earlier.previous_hop = inbound.previous_hop;
    earlier.link_node = inbound.link_node;
    return true;
  }
  return false;
}

void Messenger::Impl::on_verified(Inbound inbound, const security::VerifyResult& result, Context& context) {
  context.counters.add(Counter::signatures_checked, result.signers.size());
  context.counters.add(Counter::certificates_refused, result.refused.size());
  const bool same_trust = inbound.trust == trust;
  if (same_trust) {
    for (const security::CertificatePtr& certificate : result.accepted) certificates.add(certificate);
  }
  const security::Signer signer = apply_result(inbound, result);
  if (!signer.known()) {
    const auto key = security::cache_key(inbound.parsed.security.signature.identity);
    const bool at_hand = key && certificates.find(*key) != nullptr;
    context.counters.add(at_hand ? Counter::signatures_bad : Counter::signers_unknown);
    return;
  }
  if (!same_trust && !trust->check_current(*signer.certificate, context.now.wall)) {
    context.counters.add(Counter::certificates_refused);
    return;
  }
  if (wire::is_request(inbound.parsed.code)) {
    on_request(std::move(inbound), signer, context);
  } else {
    on_answer(std::move(inbound), signer, context);
  }
}

void Messenger::Impl::send(wire::ForwardingHeader header, SharedBytes body, std::optional<NodeId> first_hop) {
  events.push_back(Outbound{std::move(header), std::move(body), std::move(first_hop)});
}

}  // namespace reload::messaging
