#include "sim/workload.hpp"

#include <charconv>

namespace reload::sim {

namespace {

constexpr KindId kKind = wire::kKindSipRegistration;
constexpr Duration kRetry = 5s;          // of a registration that failed or whose host is away
constexpr Duration kApart = 30s;         // between two writers of one value
constexpr Duration kLookupRetry = 1s;    // as a caller tries again
constexpr Duration kNearExpiry = 20s;    // what is about to expire may be gone: clocks differ, look-ups take their time
constexpr std::size_t kValueSize = 200;  // about that of a SipRegistration

Bytes content(const std::string& user, std::uint64_t version) {
  std::string text = std::to_string(version) + " " + user + " ";
  text.resize(kValueSize, '.');
  return to_bytes(as_bytes(text));
}

std::uint64_t version_of(ByteView bytes) {
  const std::string_view text = as_text(bytes);
  std::uint64_t version = 0;
  std::from_chars(text.data(), text.data() + text.size(), version);
  return version;
}

}  // namespace

Workload::Workload(World& world, WorkloadOptions options, const Churn& churn)
    : world_(world), options_(options), churn_(churn) {}

void Workload::add_users(std::size_t shared) {
  const std::size_t peers = world_.size();
  for (std::size_t i = 0; i < options_.users; ++i)
    add_user(i, i % peers, i < shared ? std::optional((i + peers / 2) % peers) : std::nullopt);
}

void Workload::add_user(std::size_t number, std::size_t host, std::optional<std::size_t> second) {
  User user;
  user.name = world_.add_user(host, "user" + std::to_string(number));
  user.resource = world_.node(host).resource(user.name);
  user.key = to_bytes(world_.overlay(host).user_node_id(user.name)->view());
  by_resource_[user.resource] = users_.size();
  writers_.push_back({users_.size(), host, 0, {}});
  if (second) {
    world_.share_user(host, user.name, *second);
    writers_.push_back({users_.size(), *second, 0, {}});
  }
  users_.push_back(std::move(user));
}

void Workload::start() {
  going_ = true;
  // Spread over ten seconds, as phones are after a power cut.
  for (std::size_t i = 0; i < writers_.size(); ++i)
    plan(i, Duration(static_cast<std::int64_t>(world_.rng().below(Duration(10s).count()))));
  if (options_.lookup_every != Duration::zero() && !users_.empty()) plan_lookup();
}

void Workload::stop() { going_ = false; }

void Workload::register_host(std::size_t host) {
  for (std::size_t i = 0; i < writers_.size(); ++i)
    if (writers_[i].host == host) plan(i, kRetry);
}

void Workload::plan(std::size_t writer, Duration after) {
  const std::uint64_t number = ++writers_[writer].planned;
  world_.schedule(after, [this, writer, number] {
    if (going_ && writers_[writer].planned == number) write(writer);
  });
}

void Workload::write(std::size_t number) {
  Writer& writer = writers_[number];
  User& user = users_[writer.user];
  if (writer.out_life == world_.life(writer.host)) return;  // it plans anew when it is done
  if (!world_.running(writer.host) || !world_.overlay(writer.host).joined()) return plan(number, kRetry);
  // Which of two writes at once is the later one, only the storage times tell: they keep apart.
  if (user.writer && user.writer != number && world_.now() - user.written_at < kApart) return plan(number, kApart);
  user.writer = number;
  user.written_at = world_.now();
  writer.out_life = world_.life(writer.host);
  const std::uint64_t version = ++user.issued;
  overlay::StoreRequest request;
  request.name = user.name;
  request.kind = kKind;
  request.value.key = user.key;
  request.value.bytes = content(user.name, version);
  request.lifetime =
      static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(options_.lifetime).count());
  request.user = user.name;
  ++stores_.sent;
  world_.overlay(writer.host).store(std::move(request), [this, number, version](const auto& outcome) {
    on_stored(number, version, !!outcome);
  });
}

void Workload::on_stored(std::size_t number, std::uint64_t version, bool stored) {
  Writer& writer = writers_[number];
  User& user = users_[writer.user];
  writer.out_life.reset();
  if (!stored) {
    ++stores_.failed;
    return plan(number, kRetry);
  }
  ++stores_.acknowledged;
  if (version > user.acknowledged) {
    user.acknowledged = version;
    user.acknowledged_at = world_.now();
    user.lost = false;
  }
  const std::int64_t spread = options_.refresh.count() / 5;
  plan(number, options_.refresh -
                   Duration(static_cast<std::int64_t>(world_.rng().below(static_cast<std::uint64_t>(spread) + 1))));
}

bool Workload::all_registered() const {
  for (const User& user : users_)
    if (user.acknowledged == 0) return false;
  return true;
}

bool Workload::expected(const User& user) const {
  return user.acknowledged != 0 && !user.lost && world_.now() + kNearExpiry < user.acknowledged_at + options_.lifetime;
}

std::optional<std::size_t> Workload::any_peer() {
  const std::size_t from = world_.rng().below(world_.size());
  for (std::size_t i = 0; i < world_.size(); ++i) {
    const std::size_t peer = (from + i) % world_.size();
    if (world_.running(peer) && world_.overlay(peer).joined()) return peer;
  }
  return std::nullopt;
}

void Workload::plan_lookup() {
  const Duration mean = options_.lookup_every / static_cast<std::int64_t>(users_.size());
  world_.schedule(exponential(mean, world_.rng()), [this] {
    if (!going_) return;
    const std::size_t user = world_.rng().below(users_.size());
    if (judging_ && !looking_all_up_ && expected(users_[user]))
      look_up({user, users_[user].acknowledged, 0, world_.now(), &lookups_});
    plan_lookup();
  });
}

void Workload::look_up(Lookup lookup) {
  const auto asker = any_peer();
  if (!asker) return;
  ++lookup.tries;
  world_.overlay(*asker).fetch({users_[lookup.user].name, kKind, {}},
                               [this, lookup](const auto& outcome) { on_found(lookup, outcome); });
}

void Workload::on_found(Lookup lookup, const overlay::Outcome<std::vector<overlay::FetchedValue>>& outcome) {
  const User& user = users_[lookup.user];
  LookupFigures& figures = *lookup.figures;
  std::uint64_t newest = 0;
  if (outcome)
    for (const auto& found : *outcome)
      if (found.value.key == user.key) newest = std::max(newest, version_of(found.value.bytes));
  if (!judging_) return;
  if (newest >= lookup.expected) {
    ++figures.done;
    ++(lookup.tries == 1 ? figures.first_try : figures.later_try);
    if (lookup.tries == 1)
      figures.latencies_ms.push_back(static_cast<std::uint32_t>((world_.now() - lookup.begun) / 1ms));
    return;
  }
  if (user.lost) return;  // counted as what it is, not as a look-up
  if (first_failure_.empty())
    first_failure_ = in_seconds(world_.now().time_since_epoch()) + ": " + user.name + ", try " +
                     std::to_string(lookup.tries) + ": " +
                     (!outcome      ? outcome.error().text
                      : newest == 0 ? "not found"
                                    : "an outdated value");
  if (lookup.tries < options_.tries) {
    world_.schedule(kLookupRetry, [this, lookup] { look_up(lookup); });
    return;
  }
  ++figures.done;
  ++(!outcome ? figures.no_answer : newest == 0 ? figures.not_found : figures.outdated);
}

LookupFigures Workload::look_all_up() {
  LookupFigures figures;
  std::uint64_t asked = 0;
  looking_all_up_ = true;
  for (std::size_t i = 0; i < users_.size(); ++i) {
    if (!expected(users_[i])) continue;
    ++asked;
    look_up({i, users_[i].acknowledged, 0, world_.now(), &figures});
    world_.run_for(options_.pause);
  }
  world_.run_until([&] { return figures.done == asked; }, 120s);
  looking_all_up_ = false;
  return figures;
}

// The peers that are down and had the newest content, and what is to be said of the loss.
std::pair<std::vector<std::size_t>, std::string> Workload::last_holders(const User& user) {
  std::vector<std::size_t> holders;
  std::string text = in_seconds(world_.now().time_since_epoch()) + ": " + user.name + " (" + user.resource.hex() +
                     "), acknowledged at " + in_seconds(user.acknowledged_at.time_since_epoch());
  for (std::size_t peer = 0; peer < world_.size(); ++peer) {
    const auto value = world_.store(peer).find({user.resource, kKind, user.key});
    if (!value) continue;
    const bool newest = version_of(wire::data_value(value->data.value).value) >= user.acknowledged;
    if (newest) holders.push_back(peer);
    text += ", node " + std::to_string(peer) + (world_.running(peer) ? " has" : ", which is down, had") +
            (newest ? " it" : " an older one");
    if (const auto killed = churn_.killed_at(peer))
      text += " (killed at " + in_seconds(killed->time_since_epoch()) + ")";
  }
  return {holders, text};
}

void Workload::check_values() {
  // Every running store is walked once; asking each for each value would take far longer.
  std::vector<std::uint32_t> copies(users_.size());
  for (std::size_t peer = 0; peer < world_.size(); ++peer) {
    if (!world_.running(peer)) continue;
    const Wall wall = world_.now_of(peer).wall;
    std::optional<storage::KindAt> last;
    for (auto kinds = world_.store(peer).kinds_after(last, 256); !kinds.empty();
         kinds = world_.store(peer).kinds_after(last, 256)) {
      last = kinds.back();
      for (const auto& at : kinds) {
        const auto found = by_resource_.find(at.resource);
        if (at.kind != kKind || found == by_resource_.end()) continue;
        const User& user = users_[found->second];
        const auto value = world_.store(peer).find({at.resource, at.kind, user.key});

        if (value && value->expires() > wall &&
            version_of(wire::data_value(value->data.value).value) >= user.acknowledged)
          ++copies[found->second];
      }
    }
  }
  values_.acknowledged = 0;
  const std::size_t all = world_.options().copies();
  values_.copies.assign(all + 1, 0);
  for (std::size_t i = 0; i < users_.size(); ++i) {
    User& user = users_[i];
    if (!expected(user)) continue;
    ++values_.acknowledged;
    ++values_.copies[std::min<std::size_t>(copies[i], all)];
    if (copies[i] != 0) continue;
    user.lost = true;
    ++values_.lost;
    auto [holders, text] = last_holders(user);
    if (churn_.excused(user.resource, user.acknowledged_at) || churn_.excused(holders))
      ++values_.lost_excused;
    else if (first_loss_.empty())
      first_loss_ = std::move(text);
  }
}

}  // namespace reload::sim
