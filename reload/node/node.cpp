#include "reload/node/node.hpp"

#include <algorithm>

#include "reload/node/node_impl.hpp"
#include "reload/topology/chord.hpp"
#include "reload/topology/client.hpp"

namespace reload::node {

namespace {

forwarding::ForwardingRules rules_of(const config::OverlayConfig& config, const NodeId& self) {
  forwarding::ForwardingRules rules;
  rules.self = self;
  rules.overlay = config.overlay_hash;
  rules.initial_ttl = config.initial_ttl;
  rules.max_message_size = config.max_message_size;
  rules.node_id_length = config.node_id_length;
  return rules;
}

std::unique_ptr<topology::Topology> make_topology(const NodeOptions& options, const NodeId& self) {
  return options.role == Role::peer ? topology::make_chord(self, options.replicas) : topology::make_client(self);
}

// Own addresses are no bootstrap nodes for this node.
std::vector<wire::IpAddressPort> without_own(std::vector<wire::IpAddressPort> nodes, const NodeOptions& options) {
  const auto& own = options.candidates.overlay_candidates;
  std::erase_if(nodes, [&](const auto& node) { return std::ranges::find(own, node) != own.end(); });
  return nodes;
}

void keep_earliest(std::optional<Mono>& deadline, const std::optional<Mono>& other) {
  if (other && (!deadline || *other < *deadline)) deadline = other;
}

}  // namespace

Node::Impl::Impl(NodeOptions given_options, config::ConfigPtr given_config, security::TrustPtr given_trust,
                 security::Credentials given_credentials, const security::Crypto& given_crypto, Rng& given_rng,
                 storage::ValueStore& given_store, Now now)
    : options(std::move(given_options)),
      config(std::move(given_config)),
      trust(std::move(given_trust)),
      credentials(std::move(given_credentials)),
      crypto(given_crypto),
      rng(given_rng),
      store(given_store),
      started(now.mono),
      link_certificates(limits::kMaxLinks),
      topology(make_topology(options, credentials.node()->node_id)),
      links(config->max_message_size, counters),
      forwarder(
          rules_of(*config, credentials.node()->node_id), [this](const NodeId& id) { return links.connected(id); },
          rng),
      reassembly(config->max_message_size, counters),
      messenger(credentials, trust),
      connect(options.candidates),
      storage(store),
      bootstrap(without_own(options.bootstrap.empty() ? config->bootstrap_nodes : options.bootstrap, options),
                without_own(options.former_neighbors, options)) {}

messaging::Context Node::Impl::context(Now now) {
  return {now, credentials.node()->node_id, rng, counters, *config, crypto, *topology, effects};
}

Result<std::unique_ptr<Node>> Node::make(NodeOptions options, config::ConfigPtr config,
                                         security::Credentials credentials, const security::Crypto& crypto, Rng& rng,
                                         storage::ValueStore& store, Now now) {
  if (config == nullptr) return failure("there is no configuration document of the overlay");
  auto trust = security::Trust::make(config, crypto);
  if (!trust) return tl::unexpected(trust.error());
  const auto& own = credentials.node();
  if (auto good = (*trust)->check(*own->certificate, own->intermediates, now.wall, crypto); !good)
    return failure("this node's own certificate: " + good.error().text);
  if (options.role == Role::client && !options.visits && !config->clients_permitted)
    return failure("the overlay " + config->instance_name + " does not permit clients (clients-permitted)");
  return std::unique_ptr<Node>(new Node(std::make_unique<Impl>(std::move(options), std::move(config), std::move(*trust),
                                                               std::move(credentials), crypto, rng, store, now)));
}

Node::Node(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Node::~Node() = default;

void Node::start(Now now) {
  auto context = impl_->context(now);
  impl_->storage.on_config_changed(context);  // what was kept may be banned by now
  impl_->bootstrap.begin(bootstrap::Purpose::join, context);
  // 6940 10.5: a ring is begun only where a local setting says so, and only when no other peer of it is there.
  if (impl_->options.first_peer && impl_->bootstrap.state() == bootstrap::State::idle)
    impl_->topology->start_first(context);
  impl_->settle(context);
}

void Node::handle(Input input, Now now) {
  auto context = impl_->context(now);
  if (std::exchange(impl_->writes_lost, false)) impl_->end_what_was_lost(context);
  std::visit([&](auto& alternative) { impl_->take(alternative, context); }, input);
  impl_->settle(context);
}

void Node::Impl::end_what_was_lost(messaging::Context& context) {
  for (const JobId job : std::exchange(unsigned_jobs, {}))
    messenger.on_crypto(job, security::SignResult{failure("the value store failed")}, context);
  storage.on_writes_lost(context);
}

std::vector<Output> Node::take_outputs() {
  auto outputs = std::exchange(impl_->outputs, {});
  if (auto stored = impl_->store.commit(); stored) {
    if (!impl_->writes_lost) impl_->storage.on_committed();
  } else {
    impl_->counters.add(Counter::store_failures);
    impl_->writes_lost = true;
    std::erase_if(outputs, [this](const Output& output) {
      const auto* crypto = std::get_if<RunCrypto>(&output);
      if (crypto == nullptr || !std::holds_alternative<security::SignJob>(crypto->work)) return false;
      impl_->unsigned_jobs.push_back(crypto->job);
      return true;
    });
    outputs.push_back(StoreFailed{std::move(stored.error().text)});
  }
  return outputs;
}

std::optional<Mono> Node::next_deadline(Now now) const {
  if (impl_->writes_lost) return now.mono;
  std::optional<Mono> deadline = impl_->messenger.next_deadline();
  keep_earliest(deadline, impl_->links.next_deadline());
  keep_earliest(deadline, impl_->topology->next_deadline());
  keep_earliest(deadline, impl_->connect.next_deadline());
  keep_earliest(deadline, impl_->storage.next_deadline(now));
  keep_earliest(deadline, impl_->bootstrap.next_deadline());
  keep_earliest(deadline, impl_->next_partition_check);
  for (const auto& [id, link] : impl_->closing) keep_earliest(deadline, link.at);
  return deadline;
}

LinkId Node::new_link() { return LinkId{impl_->next_link++}; }

Result<void> Node::renew_credential(security::CredentialPtr credential, Now now) {
  if (credential->node_id != self())
    return failure("it is of Node-ID " + credential->node_id.hex() + ", and this node is " + self().hex());
  if (auto good = impl_->trust->check(*credential->certificate, credential->intermediates, now.wall, impl_->crypto);
      !good)
    return good;
  impl_->credentials.renew_node(std::move(credential));
  return {};
}

CredentialId Node::add_user(security::CredentialPtr credential) {
  return impl_->credentials.add(std::move(credential));
}
void Node::remove_user(std::string_view user_name) {
  if (const auto id = impl_->credentials.find_user(user_name)) impl_->credentials.remove(*id);
}
const security::Credentials& Node::credentials() const { return impl_->credentials; }
NodeId Node::self() const { return impl_->credentials.node()->node_id; }
bool Node::joined() const { return impl_->topology->joined(); }
const config::OverlayConfig& Node::config() const { return *impl_->config; }
const config::ConfigPtr& Node::shared_config() const { return impl_->config; }
const Counters& Node::counters() const { return impl_->counters; }
const forwarding::RouteView& Node::route() const { return *impl_->topology; }
topology::TopologyStatus Node::topology() const { return impl_->topology->status(); }
ResourceId Node::resource(std::string_view name) const { return security::resource_of(impl_->crypto, as_bytes(name)); }

NodeStatus Node::status(Now now) const {
  NodeStatus status;
  status.self = self();
  status.overlay = impl_->config->instance_name;
  status.configuration_sequence = impl_->config->sequence;
  status.topology = impl_->topology->status();
  for (const link::Link* link : impl_->links.all()) {
    if (!link->is_overlay() || !link->node) continue;
    LinkInfo info;
    info.node = *link->node;
    info.inbound = link->inbound;
    info.round_trip = link->session->smoothed_rtt().value_or(Duration::zero());
    const auto end = impl_->far_ends.find(link->id);
    if (end != impl_->far_ends.end()) info.remote = end->second.address;
    info.listens_at = link->inbound ? impl_->connect.listens_at(link->id) : std::optional(info.remote);
    status.links.push_back(info);
  }
  status.values = impl_->storage.value_count();
  status.resources = impl_->storage.resource_count();
  status.uptime = now.mono - impl_->started;
  return status;
}

void Node::Impl::take(CryptoDone& input, messaging::Context& context) {
  messenger.on_crypto(input.job, std::move(input.result), context);
}

void Node::Impl::take(Tick&, messaging::Context& context) {
  const Mono now = context.now.mono;
  const auto due = [now](const std::optional<Mono>& deadline) { return deadline && *deadline <= now; };
  if (due(links.next_deadline())) judge_links(context);
  if (due(messenger.next_deadline())) messenger.on_timer(context);
  if (due(topology->next_deadline())) topology->on_timer(context);
  if (due(connect.next_deadline())) connect.on_timer(context);
  if (due(storage.next_deadline(context.now))) storage.on_timer(context);
  if (due(bootstrap.next_deadline())) bootstrap.on_timer(context);
  close_due(context);
}

void Node::Impl::take(CallStore& input, messaging::Context& context) {
  storage.store(input.id, std::move(input.call), context);
}

void Node::Impl::take(CallFetch& input, messaging::Context& context) {
  storage.fetch(input.id, std::move(input.call), context);
}

void Node::Impl::take(CallAppAttach& input, messaging::Context& context) {
  counters.add(Counter::app_attaches_sent);
  connect.app_attach(input.id, std::move(input.to), input.application, context);
}

namespace {

messaging::SendRequest api_request(std::uint64_t number, wire::DestinationList to, wire::MessageCode code, Bytes body) {
  messaging::SendRequest request;
  request.token = {messaging::Owner::api, number};
  request.to = std::move(to);
  request.code = code;
  request.body = std::move(body);
  return request;
}

}  // namespace

void Node::Impl::take(CallPing& input, messaging::Context& context) {
  api_calls[next_api_call] = {input.id, wire::MessageCode::ping_req, context.now.mono};
  effects.push_back(
      api_request(next_api_call++, std::move(input.to), wire::MessageCode::ping_req, wire::encode(wire::PingReq{})));
}

void Node::Impl::take(CallRouteQuery& input, messaging::Context& context) {
  api_calls[next_api_call] = {input.id, wire::MessageCode::route_query_req, context.now.mono};
  effects.push_back(api_request(next_api_call++, {input.ask}, wire::MessageCode::route_query_req,
                                wire::encode(wire::RouteQueryReq{false, std::move(input.destination), {}})));
}

void Node::Impl::take(CallProbe& input, messaging::Context& context) {
  api_calls[next_api_call] = {input.id, wire::MessageCode::probe_req, context.now.mono};
  effects.push_back(api_request(next_api_call++, std::move(input.to), wire::MessageCode::probe_req,
                                wire::encode(wire::ProbeReq{{1, 2, 3}})));
}

void Node::Impl::take(CallStat& input, messaging::Context& context) {
  api_calls[next_api_call] = {input.id, wire::MessageCode::stat_req, context.now.mono};
  effects.push_back(
      api_request(next_api_call++, {input.request.resource}, wire::MessageCode::stat_req, wire::encode(input.request)));
}

void Node::Impl::take(CallFind& input, messaging::Context& context) {
  api_calls[next_api_call] = {input.id, wire::MessageCode::find_req, context.now.mono};
  effects.push_back(
      api_request(next_api_call++, {input.request.resource}, wire::MessageCode::find_req, wire::encode(input.request)));
}

void Node::Impl::take(CallSendConfig& input, messaging::Context& context) {
  api_calls[next_api_call] = {input.id, wire::MessageCode::config_update_req, context.now.mono};
  auto request =
      api_request(next_api_call++, {input.to}, wire::MessageCode::config_update_req,
                  wire::encode(wire::ConfigUpdateReq{wire::ConfigUpdateType::config, std::move(input.document), {}}));
  request.any_config_sequence = true;
  request.first_hop = input.to;
  effects.push_back(std::move(request));
}

void Node::Impl::take(CallAcceptApp& input, messaging::Context&) { connect.accept_app(input.application); }

void Node::Impl::take(PipeSend& input, messaging::Context&) {
  const auto pipe = pipes.find(input.pipe);
  if (pipe != pipes.end() && pipe->second.announced)
    outputs.push_back(SendOnLink{input.pipe, {}, std::move(input.bytes)});
}

void Node::Impl::take(PipeClose& input, messaging::Context& context) {
  if (pipes.contains(input.pipe)) close(input.pipe, "closed by the application", context);
}

void Node::Impl::take(Leave&, messaging::Context& context) { topology->leave(context); }

}  // namespace reload::node
