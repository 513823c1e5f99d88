// A new configuration, whole or by Kinds, from the check of what was offered to every part that goes by it
// (6940 6.5.4.2, 11.1).
#include "reload/node/node_impl.hpp"

namespace reload::node {

void Node::Impl::offer_config(const messaging::ConfigOffered& offer, messaging::Context& context) {
  answer_update(offer.request,
                adopt(security::accept_update(offer.document, *trust, context.now.wall, crypto), context), context);
}

void Node::Impl::offer_kinds(const messaging::KindsOffered& offer, messaging::Context& context) {
  auto taken = security::accept_kinds(offer.kind_blocks, *trust, context.now.wall, crypto);
  const bool all_known = taken && *taken == nullptr;
  if (all_known) return effects.push_back(messaging::SendAnswer{offer.request, {}, {}});
  answer_update(offer.request, adopt(std::move(taken), context), context);
}

void Node::Impl::answer_update(RequestId request, const Adopted& done, messaging::Context& context) {
  if (done)
    effects.push_back(messaging::SendAnswer{request, {}, {}});
  else
    effects.push_back(messaging::SendError{request, done.error().code, to_bytes(as_bytes(done.error().text))});
  leave_if_out_of_place(done, context);
}

void Node::Impl::take(CallOfferConfig& input, messaging::Context& context) {
  const Adopted done = adopt(security::accept_update(input.document, *trust, context.now.wall, crypto), context);
  ApiResult<OfferConfigDone> result = OfferConfigDone{config->sequence};
  if (!done) result = tl::unexpected(CallFailed{done.error().code, done.error().text});
  outputs.push_back(ApiEvent{input.id, std::move(result)});
  leave_if_out_of_place(done, context);
}

Node::Impl::Adopted Node::Impl::adopt(tl::expected<config::ConfigPtr, security::UpdateRefused> taken,
                                      messaging::Context& context) {
  const auto refused = [this](security::UpdateRefused why) {
    counters.add(Counter::config_updates_refused);
    return tl::unexpected<security::UpdateRefused>(std::move(why));
  };
  if (!taken) return refused(std::move(taken.error()));
  auto new_trust = security::Trust::make(*taken, crypto);
  if (!new_trust) return refused({wire::ErrorCode::invalid_message, std::move(new_trust.error().text), false});
  counters.add(Counter::config_updates_accepted);
  retired_config = std::exchange(config, std::move(*taken));  // the context of this step still refers to it
  trust = *new_trust;
  auto rules = forwarder.rules();
  rules.initial_ttl = config->initial_ttl;
  rules.max_message_size = config->max_message_size;
  forwarder.set_rules(rules);
  links.set_max_message_size(config->max_message_size);
  reassembly.set_max_message_size(config->max_message_size);
  link_certificates.clear();
  auto renewed = this->context(context.now);
  messenger.set_trust(trust, renewed);
  topology->on_config_changed(renewed);
  storage.on_config_changed(renewed);
  for (const NodeId& bad : config->bad_nodes)
    for (LinkId id : links.links_to(bad)) close(id, "the node is on the bad-node list", renewed);
  outputs.push_back(ConfigAccepted{config});
  return {};
}

// 6940 11.1: who can't meet the demands of a rightly signed document leaves.
void Node::Impl::leave_if_out_of_place(const Adopted& done, messaging::Context& context) {
  const auto own = credentials.node();
  const bool out_of_place = done ? (options.role == Role::client && !config->clients_permitted) ||
                                       !trust->check(*own->certificate, own->intermediates, context.now.wall, crypto)
                                 : done.error().must_leave;
  if (!out_of_place) return;
  auto renewed = this->context(context.now);
  topology->leave(renewed);
}

}  // namespace reload::node
