// A new configuration, whole or by Kinds, from the check of what was offered to every part that goes by it
// (6940 6.5.4.2, 11.1).
#include "reload/node/node_impl.hpp"

namespace reload::node {

void Node::Impl::offer_config(const messaging::ConfigOffered& offer, messaging::Context& context) {
  if (offer.document == config->document) {  // the flood of a new document brings it over every link
    std::string known = "document " + std::to_string(config->sequence) + " is in force here already";
    return effects.push_back(
        messaging::SendError{offer.request, wire::ErrorCode::config_too_old, to_bytes(as_bytes(known))});
  }
  const Adopted done =
      adopt(security::accept_update(offer.document, *trust, context.now.wall, crypto), offer.from, context);
  if (!done && done.error().code != wire::ErrorCode::config_too_old)
    outputs.push_back(
        ConfigRefused{"from " + offer.from.hex() + ": " + done.error().text, done.error().signer_unknown});
  answer_update(offer.request, done, context);
}

void Node::Impl::offer_kinds(const messaging::KindsOffered& offer, messaging::Context& context) {
  auto taken = security::accept_kinds(offer.kind_blocks, *trust, context.now.wall, crypto);
  const bool all_known = taken && *taken == nullptr;
  if (all_known) return effects.push_back(messaging::SendAnswer{offer.request, {}, {}});
  answer_update(offer.request, adopt(std::move(taken), {}, context), context);
}

void Node::Impl::answer_update(RequestId request, const Adopted& done, messaging::Context& context) {
  if (done)
    effects.push_back(messaging::SendAnswer{request, {}, {}});
  else
    effects.push_back(messaging::SendError{request, done.error().code, to_bytes(as_bytes(done.error().text))});
  leave_if_out_of_place(done, context);
}

void Node::Impl::take(CallOfferConfig& input, messaging::Context& context) {
  const auto own = credentials.node();
  const Adopted done =
      adopt(security::accept_fetched(input.document, *trust, *own, context.now.wall, crypto), {}, context);
  ApiResult<OfferConfigDone> result = OfferConfigDone{config->sequence};
  if (!done) result = tl::unexpected(CallFailed{done.error().code, done.error().text});
  outputs.push_back(ApiEvent{input.id, std::move(result)});
  leave_if_out_of_place(done, context);
}

// `from`: who has it already.
Node::Impl::Adopted Node::Impl::adopt(tl::expected<config::ConfigPtr, security::UpdateRefused> taken,
                                      const NodeId& from, messaging::Context& context) {
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
  drop_bad_nodes(renewed);
  outputs.push_back(ConfigAccepted{config, drop_bad_users()});
  if (config->sequence != retired_config->sequence) spread(from, renewed);
  return {};
}

void Node::Impl::drop_bad_nodes(messaging::Context& context) {
  std::vector<LinkId> bad;
  for (const auto& [id, end] : far_ends)
    if (security::is_banned(*end.certificate, *config)) bad.push_back(id);
  for (const LinkId id : bad) {
    const std::string reason = "the node is on the bad-node list";
    if (const auto pipe = pipes.find(id); pipe != pipes.end() && pipe->second.announced)
      outputs.push_back(PipeDown{id, reason});
    close(id, reason, context);
  }
}

std::vector<std::string> Node::Impl::drop_bad_users() {
  std::vector<std::string> dropped;
  for (const auto& [name, node_id] : credentials.users()) {
    const CredentialId id = *credentials.find_user(name);
    if (!security::is_banned(*credentials.find(id)->certificate, *config)) continue;
    credentials.remove(id);
    dropped.push_back(name);
  }
  return dropped;
}

// 6940 4.1: a new document floods the overlay. Whoever has it says so at once and passes on nothing.
void Node::Impl::spread(const NodeId& from, messaging::Context& context) {
  for (const NodeId& node : links.nodes())
    if (node != from) messenger.push_config(node, context);
}

// 6940 11.1: who can't meet the demands of a rightly signed document leaves.
void Node::Impl::leave_if_out_of_place(const Adopted& done, messaging::Context& context) {
  if (!done) {
    if (done.error().must_leave) leave_because(done.error().text, context);
    return;
  }
  if (options.role == Role::client && !options.visits && !config->clients_permitted)
    return leave_because("the overlay does not permit clients any more (clients-permitted)", context);
  const auto own = credentials.node();
  if (auto good = trust->check(*own->certificate, own->intermediates, context.now.wall, crypto); !good)
    leave_because("this node's own " + good.error().text, context);
}

void Node::Impl::leave_because(std::string reason, messaging::Context& context) {
  leave_reason = std::move(reason);
  auto renewed = this->context(context.now);
  topology->leave(renewed);
}

}  // namespace reload::node
