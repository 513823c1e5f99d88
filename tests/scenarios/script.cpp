#include "tests/scenarios/script.hpp"

#include <algorithm>
#include <sstream>
#include <stdexcept>

#include "reload/base/ring.hpp"
#include "sim/check_ring.hpp"
#include "sim/distribution.hpp"

namespace reload::scenarios {

namespace {

constexpr KindId kKind = wire::kKindSipRegistration;
constexpr Duration kLimit = 60s;

sim::WorldOptions options(std::uint64_t seed) {
  sim::WorldOptions options;
  options.seed = seed;
  options.network.latency = {sim::Distribution::Shape::uniform, 10ms, 10ms};
  options.clock_offset_max = Duration::zero();
  return options;
}

// "20" is 2000..00.
NodeId parse_id(std::string hex) {
  hex.resize(2 * NodeId::kMinSize, '0');
  const auto id = NodeId::parse_hex(hex);
  if (!id) throw std::runtime_error("'" + hex + "' is no Node-ID in hexadecimal");
  return *id;
}

Duration parse_time(const std::string& text) {
  const auto time = sim::parse_duration(text);
  if (!time) throw std::runtime_error(time.error().text);
  return *time;
}

const char* name_of(topology::JoinState state) {
  switch (state) {
    case topology::JoinState::joined:
      return "joined";
    case topology::JoinState::left:
      return "left";
    default:
      return "not joined";
  }
}

template <class T>
std::string failed(const overlay::Outcome<T>& outcome) {
  return std::string(wire::name_of(outcome.error().code)) + ": " + outcome.error().text + "\n";
}

}  // namespace

Script::Script(std::uint64_t seed) : world_(options(seed)), recorder_(names_) { world_.watch(recorder_); }

std::size_t Script::node(const std::string& name) const {
  const auto found = by_name_.find(name);
  if (found == by_name_.end()) throw std::runtime_error("there is no node " + name);
  return found->second;
}

// Names of nodes, NAME+1 and NAME+2^k for points of the ring, names of users for their resources, * for everybody.
wire::DestinationList Script::destinations(const Words& words, std::size_t from) const {
  wire::DestinationList list;
  for (std::size_t i = from; i < words.size(); ++i) {
    const std::string& word = words[i];
    const std::size_t plus = word.find('+');
    if (word == "*") {
      list.emplace_back(NodeId::wildcard());
    } else if (word.find('@') != std::string::npos) {
      const auto found = std::ranges::find(names_.resources, word, &std::pair<const ResourceId, std::string>::second);
      if (found == names_.resources.end()) throw std::runtime_error("there is no user " + word);
      list.emplace_back(found->first);
    } else if (plus != std::string::npos) {
      const ring::Point point = ring::to_point(world_.id(node(word.substr(0, plus))).view());
      const std::string more = word.substr(plus + 1);
      const unsigned power = more.starts_with("2^") ? static_cast<unsigned>(std::stoul(more.substr(2))) : 0;
      list.emplace_back(ring::to_resource(point + ring::power_of_two(power)));
    } else {
      list.emplace_back(world_.id(node(word)));
    }
  }
  return list;
}

std::string Script::wait_for(const std::optional<std::string>& outcome) {
  world_.run_until([&] { return outcome.has_value(); }, kLimit);
  return outcome.value_or("no answer\n");
}

std::string Script::show(std::size_t index) {
  const std::string name = names_.nodes.at(index);
  if (!world_.running(index)) return name + " is down\n";
  const auto status = world_.node(index).topology();
  return name + " " + name_of(status.state) + ", before it " + names_.of(status.predecessors) + ", behind it " +
         names_.of(status.successors) + "\n";
}

std::string Script::store(const Words& words, bool exists) {
  const std::size_t at = node(words.at(1));
  const std::string& user = words.at(2);
  if (!world_.overlay(at).user_node_id(user)) throw std::runtime_error(words.at(1) + " has no credential of " + user);
  overlay::StoreRequest request;
  request.name = user;
  request.kind = kKind;
  request.user = user;
  request.value.exists = exists;
  request.value.key = to_bytes(world_.overlay(at).user_node_id(user)->view());
  if (exists) request.value.bytes = to_bytes(as_bytes(words.at(3)));
  std::optional<std::string> outcome;
  world_.overlay(at).store(std::move(request), [&](const overlay::Outcome<overlay::Stored>& stored) {
    outcome = stored ? "stored, counter " + std::to_string(stored->generation) + "\n" : failed(stored);
  });
  return wait_for(outcome);
}

std::string Script::fetch(const Words& words) {
  std::optional<std::string> outcome;
  world_.overlay(node(words.at(1)))
      .fetch({words.at(2), kKind, {}}, [&](const overlay::Outcome<std::vector<overlay::FetchedValue>>& found) {
        if (!found) return void(outcome = failed(found));
        outcome = found->empty() ? "nothing\n" : "";
        for (const auto& value : *found)
          *outcome += "found " + (value.value.exists ? std::string(as_text(value.value.bytes)) : "removed") + "\n";
      });
  return wait_for(outcome);
}

std::string Script::holders(const std::string& user) {
  std::string text;
  for (const auto& [id, index] : sim::ring_of(world_)) {
    const auto values = world_.store(index).values({world_.node(index).resource(user), kKind});
    for (const auto& [key, value] : values) {
      const auto& data = wire::data_value(value.data.value);
      text += names_.nodes.at(index) + " has " + (data.exists ? std::string(as_text(data.value)) : "it removed") + "\n";
    }
  }
  return text.empty() ? "nobody\n" : text;
}

std::string Script::run(const std::string& line) {
  Words words;
  std::istringstream in(line);
  for (std::string word; in >> word;) words.push_back(word);
  const std::string& command = words.at(0);
  std::string said;
  if (command == "peer" || command == "client") {
    const std::size_t index =
        world_.add_node(command == "peer" ? node::Role::peer : node::Role::client, parse_id(words.at(2)));
    by_name_[words[1]] = index;
    names_.nodes[index] = words[1];
    names_.ids[world_.id(index)] = words[1];
  } else if (command == "user") {
    const std::string user = world_.add_user(node(words.at(1)), words.at(2).substr(0, words[2].find('@')));
    names_.resources[world_.node(node(words[1])).resource(user)] = user;
    names_.ids[*world_.overlay(node(words[1])).user_node_id(user)] = user + "'s Node-ID";
  } else if (command == "share") {
    world_.share_user(node(words.at(1)), words.at(2), node(words.at(3)));
  } else if (command == "watch") {
    recorder_.watch({words.begin() + 1, words.end()});
  } else if (command == "start") {
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::size_t index = node(words[i]);
      world_.start(index);
      if (!world_.run_until([&] { return world_.node(index).joined(); }, kLimit)) said += words[i] + " does not join\n";
      world_.run_for(1s);
    }
  } else if (command == "kill") {
    for (std::size_t i = 1; i < words.size(); ++i) world_.crash(node(words[i]));
  } else if (command == "leave") {
    world_.leave(node(words.at(1)));
  } else if (command == "part") {
    std::set<std::size_t> side;
    for (std::size_t i = 1; i < words.size(); ++i) side.insert(node(words[i]));
    world_.network().partition(side);
  } else if (command == "heal") {
    world_.network().heal();
  } else if (command == "run") {
    world_.run_for(parse_time(words.at(1)));
  } else if (command == "settle") {
    said += sim::becomes_whole(world_, parse_time(words.at(1))) ? "one ring\n" : sim::ring_fault(world_) + "\n";
  } else if (command == "show") {
    for (std::size_t i = 1; i < words.size(); ++i) said += show(node(words[i]));
  } else if (command == "store") {
    said += store(words, true);
  } else if (command == "remove") {
    said += store(words, false);
  } else if (command == "fetch") {
    said += fetch(words);
  } else if (command == "holders") {
    said += holders(words.at(1));
  } else if (command == "ping") {
    std::optional<std::string> outcome;
    world_.overlay(node(words.at(1))).ping(destinations(words, 2), [&](const overlay::Outcome<node::PingDone>& done) {
      outcome = done ? names_.of(done->responder) + " answers\n" : failed(done);
    });
    said += wait_for(outcome);
  } else if (command == "route") {
    std::optional<std::string> outcome;
    world_.overlay(node(words.at(1)))
        .route_query(world_.id(node(words.at(2))), destinations(words, 3).at(0),
                     [&](const overlay::Outcome<node::RouteQueryDone>& done) {
                       outcome = done ? "next is " + names_.of(done->next_peer) + "\n" : failed(done);
                     });
    said += wait_for(outcome);
  } else {
    throw std::runtime_error("there is no command " + command);
  }
  return recorder_.take() + said;
}

}  // namespace reload::scenarios
