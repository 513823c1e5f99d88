// ping and route: who answers, and which way leads there.
#include <algorithm>

#include "client/commands.hpp"
#include "client/print.hpp"

namespace reload::client {

namespace {

constexpr std::size_t kMaxHops = 128;  // the largest ring's way is far shorter: each hop halves the distance

bool is_wildcard(const wire::Destination& to) {
  const auto* node = std::get_if<NodeId>(&to);
  return node != nullptr && node->is_wildcard();
}

struct Pings {
  Session& session;
  std::optional<wire::Destination> to;  // nothing: the peer attached to
  unsigned left;
  std::vector<node::PingDone> done;

  static void next(const std::shared_ptr<Pings>& pings) {
    const wire::Destination to = pings->to.value_or(pings->session.peer());
    // The wildcard is whoever gets it (6940 6.1.1): it goes over the link, lest this node be that one.
    const auto list = is_wildcard(to) ? wire::DestinationList{pings->session.peer(), to} : wire::DestinationList{to};
    pings->session.overlay().ping(list, [pings](const overlay::Outcome<node::PingDone>& outcome) {
      if (!outcome) return pings->session.end(outcome.error(), {});
      pings->done.push_back(*outcome);
      if (--pings->left != 0) return next(pings);
      Ending ending;
      pings->tell(ending);
      pings->session.end(std::move(ending));
    });
  }

  void tell(Ending& ending) const {
    ending.data["answers"] = Json::array();
    Duration sum{};
    for (const node::PingDone& ping : done) {
      ending.data["answers"].push_back(
          Json{{"responder", ping.responder.hex()}, {"round_trip_ms", milliseconds(ping.round_trip)}});
      ending.text += ping.responder.hex() + "  " + in_words(ping.round_trip) + "\n";
      sum += ping.round_trip;
    }
    const auto faster = [](const auto& a, const auto& b) { return a.round_trip < b.round_trip; };
    const auto [least, most] = std::ranges::minmax_element(done, faster);
    if (done.size() > 1)
      ending.text += std::to_string(done.size()) + " answers, least " + in_words(least->round_trip) + ", mean " +
                     in_words(sum / static_cast<Duration::rep>(done.size())) + ", most " + in_words(most->round_trip) +
                     "\n";
  }
};

// Asks the peer attached to for its next hop, then that one, until a peer says that it is the end (6940 6.4.2.4).
struct Walk {
  struct Hop {
    NodeId node;
    Duration round_trip{};
  };

  Session& session;
  std::string text;
  wire::Destination to;
  std::vector<Hop> hops;

  static void ask(const std::shared_ptr<Walk>& walk, const NodeId& peer) {
    const Mono sent = Session::now();
    walk->session.overlay().route_query(
        peer, walk->to, [walk, peer, sent](const overlay::Outcome<node::RouteQueryDone>& outcome) {
          if (!outcome) return walk->session.end(outcome.error(), "asked peer " + peer.hex() + " for the next hop");
          walk->hops.push_back({peer, Session::now() - sent});
          const NodeId& next = outcome->next_peer;
          if (next == peer || walk->to == wire::Destination(next)) return walk->finish(next);
          const bool seen = std::ranges::any_of(walk->hops, [&](const Hop& hop) { return hop.node == next; });
          if (seen || walk->hops.size() >= kMaxHops)
            return walk->session.end(failed(Exit::failed, "the peers send " + walk->text + " round in a circle, at " +
                                                              next.hex() + ": the ring is healing; try again"));
          ask(walk, next);
        });
  }

  // `end`: the peer in charge, or the node itself, which is linked to the peer asked last.
  void finish(const NodeId& end) {
    const auto* node = std::get_if<NodeId>(&to);
    if (end != hops.back().node) hops.push_back({end, Duration::zero()});
    const bool present = node == nullptr || *node == end;
    Ending ending;
    ending.data["to"] = text;
    ending.data["id"] = node != nullptr ? node->hex() : std::get<ResourceId>(to).hex();
    ending.data["end"] = end.hex();
    ending.data["present"] = present;
    ending.data["hops"] = hops.size();
    for (std::size_t i = 0; i < hops.size(); ++i) {
      const std::string id = hops[i].node.hex();
      Json hop{{"node", id}};
      ending.text += std::to_string(i + 1) + "  " + id;
      if (hops[i].round_trip != Duration::zero()) {
        hop["round_trip_ms"] = milliseconds(hops[i].round_trip);
        ending.text += "  " + in_words(hops[i].round_trip);
      }
      ending.data["way"].push_back(std::move(hop));
      ending.text += "\n";
    }
    if (!present) ending.text += "no node " + text + " is there; ";
    ending.text += (node != nullptr && present ? "the node is " : "in charge is ") + end.hex() + ", " +
                   std::to_string(hops.size()) + (hops.size() == 1 ? " hop\n" : " hops\n");
    session.end(std::move(ending));
  }
};

}  // namespace

Result<Action> prepare(Session& session, const PingOptions& options) {
  std::optional<wire::Destination> to;
  if (options.to) {
    auto destination = destination_of(session, *options.to);
    if (!destination) return tl::unexpected(destination.error());
    to = std::move(*destination);
  }
  if (to && std::holds_alternative<NodeId>(*to))
    session.on_silence("no such node may be in the overlay (reload-client route tells)");
  const auto pings = std::make_shared<Pings>(Pings{session, std::move(to), options.count, {}});
  session.on_early_end([pings](Ending& ending) { pings->tell(ending); });
  return [pings] { Pings::next(pings); };
}

Result<Action> prepare(Session& session, const RouteOptions& options) {
  auto to = destination_of(session, options.to);
  if (!to) return tl::unexpected(to.error());
  if (is_wildcard(*to))
    return failure(options.to + " is the wildcard: it has no way, for it is whoever gets a message");
  return [walk = std::make_shared<Walk>(Walk{session, options.to, std::move(*to), {}})] {
    Walk::ask(walk, walk->session.peer());
  };
}

}  // namespace reload::client
