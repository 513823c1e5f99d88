#include "sim/world.hpp"

#include <algorithm>
#include <cstring>

#include "reload/base/check.hpp"
#include "sim/fake_crypto.hpp"

namespace reload::sim {

namespace {

constexpr const char* kOverlay = "sim.example";
constexpr Wall kEpoch = from_unix_seconds(1'750'000'000);

wire::IpAddressPort address_of(std::size_t index, std::uint16_t port) {
  wire::IpAddressPort address;
  address.address = {10, static_cast<std::uint8_t>(index >> 16), static_cast<std::uint8_t>(index >> 8),
                     static_cast<std::uint8_t>(index)};
  address.port = port;
  return address;
}

NodeId random_id(Rng& rng) {
  std::array<std::uint8_t, 16> bytes{};
  rng.fill(bytes);
  return NodeId(bytes);
}

constexpr std::uint16_t kOverlayPort = 6084;
constexpr std::uint16_t kSipPort = 5060;

}  // namespace

World::World(WorldOptions options)
    : options_(options), rng_(options.seed), network_(options.network, rng_), crypto_(std::make_unique<FakeCrypto>()) {
  auto config = std::make_shared<config::OverlayConfig>();
  config->instance_name = kOverlay;
  config->sequence = 1;
  config->root_certs = {fake_root_certificate()};
  config->max_message_size = 65536;
  config->no_ice = true;
  config->chord_update_interval = options.update_interval;
  config->chord_ping_interval = options.ping_interval;
  config->chord_reactive = options.reactive;
  const Bytes hash = crypto_->hash(wire::HashAlgorithm::sha1, {as_bytes(kOverlay)});
  for (std::size_t i = hash.size() - 4; i < hash.size(); ++i)
    config->overlay_hash = config->overlay_hash << 8 | hash[i];
  config_ = config;
}

World::~World() = default;

std::size_t World::add_node(node::Role role) { return add_node(role, random_id(rng_)); }

std::size_t World::add_node(node::Role role, const NodeId& id) {
  auto made = std::make_unique<SimNode>();
  made->index = nodes_.size();
  made->role = role;
  made->rng = std::make_unique<Prng>(rng_.next());
  made->credential =
      make_fake_credential(id, "node" + std::to_string(made->index) + "@" + kOverlay, kOverlay, *made->rng);
  made->address = address_of(made->index, kOverlayPort);
  made->clock_offset = Duration(
      static_cast<std::int64_t>(rng_.below(static_cast<std::uint64_t>(options_.clock_offset_max.count()) + 1)));
  made->store = std::make_unique<storage::MemoryStore>();
  by_address_[made->address] = made->index;
  nodes_.push_back(std::move(made));
  return nodes_.size() - 1;
}

std::vector<wire::IpAddressPort> World::bootstrap_of(std::size_t index) const {
  std::vector<wire::IpAddressPort> nodes;
  for (std::size_t i = 0; i < nodes_.size() && nodes.size() < options_.bootstrap_nodes; ++i)
    if (i != index && nodes_[i]->role == node::Role::peer) nodes.push_back(nodes_[i]->address);
  return nodes;
}

Now World::now_of(std::size_t index) const {
  return {now_, kEpoch + now_.time_since_epoch() + nodes_[index]->clock_offset};
}

void World::start(std::size_t index) {
  SimNode& sim = *nodes_[index];
  RELOAD_CHECK(!sim.node);
  node::NodeOptions options;
  options.role = sim.role;
  options.first_peer = index == 0;
  options.bootstrap = bootstrap_of(index);
  options.replicas = options_.replicas;
  options.candidates.overlay_candidates = {sim.address};
  if (sim.role == node::Role::peer)
    options.candidates.applications = {{wire::kApplicationSip, {address_of(index, kSipPort)}}};
  auto made = node::Node::make(std::move(options), config_, security::Credentials(sim.credential), *crypto_, *sim.rng,
                               *sim.store, now_of(index));
  RELOAD_CHECK(made.has_value());
  sim.node = std::move(*made);
  ++sim.generation;
  for (const auto& user : sim.users) sim.node->add_user(user);
  sim.port = std::make_unique<overlay::OverlayPort>(*sim.node, [this, index](node::Input call) {
    // Calls may come from inside a callback of this very node: they wait for the end of the step.
    const std::uint64_t life = nodes_[index]->generation;
    auto shared = std::make_shared<node::Input>(std::move(call));
    schedule(Duration::zero(), [this, index, life, shared] {
      if (nodes_[index]->generation == life && nodes_[index]->node) input(index, std::move(*shared));
    });
  });
  sim.node->start(now_of(index));
  drain(index);
}

void World::crash(std::size_t index) {
  SimNode& sim = *nodes_[index];
  RELOAD_CHECK(sim.node != nullptr);
  sim.store->roll_back();
  sim.node.reset();
  sim.port.reset();
  sim.wake_at.reset();
  ++sim.generation;
  std::vector<LinkId> links;
  for (const auto& [link, end] : sim.ends) links.push_back(link);
  for (LinkId link : links) close(index, link, "connection reset");
}

void World::leave(std::size_t index) { input(index, node::Leave{}); }

std::string World::add_user(std::size_t index, const std::string& name) {
  SimNode& sim = *nodes_[index];
  const std::string user = name + "@" + kOverlay;
  auto credential = make_fake_credential(random_id(rng_), user, kOverlay, *sim.rng);
  sim.users.push_back(credential);
  if (sim.node) sim.node->add_user(credential);
  return user;
}

void World::share_user(std::size_t from, const std::string& user, std::size_t to) {
  for (const auto& credential : nodes_[from]->users) {
    if (credential->certificate->user_name != user) continue;
    nodes_[to]->users.push_back(credential);
    if (nodes_[to]->node) nodes_[to]->node->add_user(credential);
  }
}

void World::push(Mono at, Action action) {
  std::size_t slot = actions_.size();
  if (free_slots_.empty()) {
    actions_.push_back(std::move(action));
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
    actions_[slot] = std::move(action);
  }
  events_.push_back({at, next_order_++, slot});
  std::push_heap(events_.begin(), events_.end());
}

void World::schedule(Duration after, std::function<void()> run) { push(now_ + after, std::move(run)); }

void World::step() {
  const Event event = events_.front();
  std::pop_heap(events_.begin(), events_.end());
  events_.pop_back();
  now_ = event.at;
  Action action = std::move(actions_[event.slot]);
  free_slots_.push_back(event.slot);
  std::visit(Overloaded{[&](std::function<void()>& call) { call(); }, [&](auto& what) { run(what); }}, action);
}

bool World::run_until(const std::function<bool()>& condition, Duration limit) {
  const Mono end = now_ + limit;
  while (!condition()) {
    if (events_.empty() || events_.front().at > end) {
      now_ = end;
      return condition();
    }
    step();
  }
  return true;
}

void World::run_for(Duration time) {
  run_until([] { return false; }, time);
}

void World::note(std::uint64_t value) {
  digest_ = (digest_ ^ value) * 0x9e3779b97f4a7c15;
  digest_ ^= digest_ >> 32;
}

void World::note(ByteView bytes) {
  while (bytes.size() >= sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), sizeof(word));
    note(word);
    bytes = bytes.subspan(sizeof(word));
  }
  for (std::uint8_t byte : bytes) note(byte);
}

void World::input(std::size_t index, node::Input input) {
  ++steps_;
  note(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  note(index << 8 | input.index());
  if (const auto* bytes = std::get_if<node::LinkBytes>(&input)) note(bytes->bytes.view());
  nodes_[index]->node->handle(std::move(input), now_of(index));
  drain(index);
}

void World::drain(std::size_t index) {
  while (nodes_[index]->node) {
    auto outputs = nodes_[index]->node->take_outputs();
    if (outputs.empty()) break;
    for (auto& output : outputs) execute(index, output);
  }
  if (nodes_[index]->node) arm(index);
}

void World::arm(std::size_t index) {
  SimNode& sim = *nodes_[index];
  const auto deadline = sim.node->next_deadline(now_of(index));
  if (!deadline || (sim.wake_at && *sim.wake_at <= *deadline && *sim.wake_at > now_)) return;
  const Mono at = std::max(*deadline, now_);
  sim.wake_at = at;
  push(at, Wake{index, sim.generation});
}

void World::run(Wake& wake) {
  SimNode& sim = *nodes_[wake.index];
  if (sim.generation != wake.life || sim.wake_at != now_) return;  // ended, or an earlier deadline came up meanwhile
  sim.wake_at.reset();
  input(wake.index, node::Tick{});
}

void World::execute(std::size_t index, node::Output& output) {
  SimNode& sim = *nodes_[index];
  std::visit(
      Overloaded{[&](node::OpenLink& order) { open(index, order); },
                 [&](node::SendOnLink& order) { send(index, order); },
                 [&](node::CloseLink& order) { close(index, order.link, order.reason); },
                 [&](node::RunCrypto& order) {
                   sim.node->handle(node::CryptoDone{order.job, security::run(order.work, *crypto_)}, now_of(index));
                 },
                 [&](node::ApiEvent& event) { sim.port->on_event(std::move(event)); },
                 [&](node::PipeData& event) { sim.port->on_event(std::move(event)); },
                 [&](node::PipeDown& event) { sim.port->on_event(std::move(event)); }, [&](auto&) {}},
      output);
}

void World::open(std::size_t from, const node::OpenLink& order) {
  const std::uint64_t life = nodes_[from]->generation;
  const Duration handshake = network_.latency() + network_.latency();
  schedule(handshake, [this, from, life, order] {
    SimNode& client = *nodes_[from];
    if (client.generation != life || !client.node) return;
    for (auto address : order.addresses) {
      if (order.application) address.port = kOverlayPort;  // every node has its listeners on one address
      const auto found = by_address_.find(address);
      if (found == by_address_.end() || !nodes_[found->second]->node || !network_.reaches(from, found->second))
        continue;
      const std::size_t to = found->second;
      SimNode& server = *nodes_[to];
      const LinkId server_link = server.node->new_link();
      const bool stream = !options_.datagrams || order.application;
      client.ends[order.link] = {to, server.generation, server_link, stream, now_};
      server.ends[server_link] = {from, life, order.link, stream, now_};
      for (Observer* observer : observers_) observer->on_link(now_, from, to);
      input(to, link_up(server_link, from, true, order.application));
      if (client.generation == life && client.node) input(from, link_up(order.link, to, false, order.application));
      return;
    }
    input(from, node::LinkDown{order.link, "no route to host"});
  });
}

node::LinkUp World::link_up(LinkId link, std::size_t peer, bool inbound,
                            const std::optional<ApplicationId>& application) const {
  const SimNode& other = *nodes_[peer];
  node::LinkUp up{link, {to_bytes(other.credential->certificate->der.view())}, other.address, inbound, application, {}};
  if (options_.datagrams && !application) up.datagrams.emplace();
  return up;
}

void World::send(std::size_t from, const node::SendOnLink& order) {
  End* end = nodes_[from]->ends.get(order.link);
  if (end == nullptr) return;
  ++messages_;
  const bool lost = network_.loses() || !network_.reaches(from, end->peer);
  for (Observer* observer : observers_) observer->on_send(now_, from, end->peer, order.head, order.body.view(), lost);
  if (lost) return;
  const Mono arrival = now_ + network_.latency();
  end->last_arrival = std::max(end->last_arrival, arrival);
  Bytes bytes;
  bytes.reserve(order.head.size() + order.body.size());
  append(bytes, order.head);
  append(bytes, order.body.view());
  push(end->stream ? end->last_arrival : arrival,
       Arrive{end->peer, end->peer_life, end->peer_link, SharedBytes(std::move(bytes))});
}

void World::run(Arrive& arrival) {
  SimNode& sim = *nodes_[arrival.to];
  if (sim.node && sim.generation == arrival.life && sim.ends.contains(arrival.link))
    input(arrival.to, node::LinkBytes{arrival.link, std::move(arrival.bytes)});
}

void World::close(std::size_t from, LinkId link, const std::string& reason) {
  const End* found = nodes_[from]->ends.get(link);
  if (found == nullptr) return;
  const End end = *found;
  nodes_[from]->ends.erase(link);
  // What was sent before the close still arrives, then its end.
  push(std::max(end.last_arrival, now_ + network_.latency()), [this, end, reason] {
    SimNode& peer = *nodes_[end.peer];
    if (peer.generation == end.peer_life && peer.ends.erase(end.peer_link) && peer.node)
      input(end.peer, node::LinkDown{end.peer_link, reason});
  });
}

}  // namespace reload::sim
