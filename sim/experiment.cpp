#include "sim/experiment.hpp"

#include <malloc.h>

#include <algorithm>
#include <bit>
#include <numeric>

namespace reload::sim {

namespace {

constexpr Duration kFineStep = 250ms;
constexpr std::size_t kSamplesPerHeapLook = 12;
constexpr Duration kFormingLimit = 30min;
constexpr Duration kRegistrationLimit = 10min;

// Twice what Chord needs in the mean, and room for what a changing ring sends astray.
unsigned hop_budget(std::size_t peers) { return static_cast<unsigned>(2 * std::bit_width(peers) + 8); }

// Without reactive recovery a change is told with the next periodic Update (6940 10.7.1).
Duration settled_time(const WorldOptions& options) {
  return options.reactive ? Duration(60s) : Duration(60s) + 2 * Duration(options.update_interval);
}

std::uint64_t heap_bytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// Evenly over the indices, so that bootstrap nodes are on both sides where that can be.
std::set<std::size_t> part_of(std::size_t nodes, unsigned per_cent) {
  std::set<std::size_t> part;
  for (std::size_t i = 0; i < nodes; ++i)
    if ((i + 1) * per_cent / 100 != i * per_cent / 100) part.insert(i);
  return part;
}

}  // namespace

bool Report::good() const {
  const auto lost = values.lost - values.lost_excused;
  const auto& last = last_lookups;
  return formed && registered && settled && lost == 0 && ring_faults == 0 && traffic_faults == 0 &&
         last.first_try + last.later_try == last.done;
}

struct Experiment::Parts {
  explicit Parts(ExperimentOptions given)
      : options(std::move(given)),
        world(options.world),
        ring(world, settled_time(options.world)),
        traffic(world, hop_budget(options.peers), options.world.datagrams),
        churn(world, options.churn, [this](std::size_t peer) { workload.register_host(peer); }),
        workload(world, options.workload, churn) {
    report.options = options;
  }

  using Progress = std::function<void(const std::string&, unsigned)>;
  void form(const Progress& progress);
  void register_users(const Progress& progress);
  void run(const Progress& progress);
  void settle(const Progress& progress);
  void plan_events();
  void watch_healing(std::string what);
  void look_at_healing();
  void sample(Duration at);
  void finish();

  ExperimentOptions options;
  World world;
  RingCheck ring;
  TrafficCheck traffic;
  Churn churn;
  Workload workload;
  Report report;
  std::optional<Healing> healing;
  Mono healing_since;
  Mono next_copies_look;
  Sample last;  // sums at the last sample
};

void Experiment::Parts::form(const Progress& progress) {
  for (std::size_t i = 0; i < options.peers; ++i) world.add_node();
  for (std::size_t i = 0; i < options.peers; ++i) {
    world.start(i);
    if (i == 0) world.run_until([&] { return world.node(0).joined(); }, 10s);
    world.run_for(options.join_gap);
    progress("forming the ring", static_cast<unsigned>(1000 * i / options.peers));
  }
  const Duration every = options.peers > 1000 ? Duration(1s) : kFineStep;
  report.formed = becomes_whole(world, kFormingLimit, every);
  report.forming = world.now().time_since_epoch();
  report.ring_fault = ring_fault(world);
}

void Experiment::Parts::register_users(const Progress& progress) {
  progress("registering users", 0);
  workload.add_users(options.shared_users);
  workload.start();
  report.registered = world.run_until(
                          [&, looked = world.now()]() mutable {
                            if (world.now() - looked < 1s) return false;
                            looked = world.now();
                            return workload.all_registered();
                          },
                          kRegistrationLimit) ||
                      workload.all_registered();
}

void Experiment::Parts::plan_events() {
  for (const Vanish& event : options.vanish) {
    world.schedule(event.at, [this, event] {
      // Bootstrap nodes stay: without them nobody could ever come back.
      std::vector<std::size_t> there;
      for (std::size_t i = options.churn.stable; i < world.size(); ++i)
        if (world.running(i)) there.push_back(i);
      std::size_t count = world.size() * event.per_cent / 100;
      for (; count > 0 && !there.empty(); --count) {
        const std::size_t pick = world.rng().below(there.size());
        churn.crash(there[pick]);
        there.erase(there.begin() + static_cast<std::ptrdiff_t>(pick));
      }
      watch_healing(std::to_string(event.per_cent) + " % vanished");
    });
  }
  for (const Partition& event : options.partitions) {
    world.schedule(event.at, [this, event] {
      world.network().partition(part_of(world.size(), event.per_cent));
      ring.on_parted();
      workload.judge(false);
    });
    world.schedule(event.at + event.length, [this] {
      world.network().heal();
      ring.on_healed();
      watch_healing("partition healed");
    });
  }
}

void Experiment::Parts::watch_healing(std::string what) {
  if (healing) report.healings.push_back(*healing);
  healing = Healing{std::move(what), world.now() - Mono() - report.forming, {}, {}};
  healing_since = world.now();
  next_copies_look = world.now();
}

void Experiment::Parts::look_at_healing() {
  if (!healing->ring) {
    if (!ring_fault(world).empty()) {
      ring.forget();
    } else {
      healing->ring = world.now() - healing_since;
    }
  }
  if (world.now() < next_copies_look) return;
  next_copies_look = world.now() + 1s;
  workload.check_values();
  const auto& copies = workload.values().copies;
  if (std::accumulate(copies.begin(), copies.end() - 1, std::uint64_t{0}) == 0)
    healing->copies = world.now() - healing_since;
  if (!healing->ring || !healing->copies) return;
  workload.judge(true);
  report.healings.push_back(*healing);
  healing.reset();
}

void Experiment::Parts::sample(Duration at) {
  Sample now;
  now.at = at;
  for (std::size_t i = 0; i < world.size(); ++i)
    if (world.running(i)) ++now.peers;
  const Tally total = traffic.total();
  const auto& lookups = workload.lookups();
  now.traffic = {total.messages - last.traffic.messages, total.bytes - last.traffic.bytes};
  now.lookups = lookups.done - last.lookups;
  now.found_first = lookups.first_try - last.found_first;
  now.crashes = churn.crashes() - last.crashes;
  now.copies = workload.values().copies;
  // Asking costs as much as some thousands of messages.
  now.heap_bytes = report.samples.size() % kSamplesPerHeapLook == 0 ? heap_bytes() : report.samples.back().heap_bytes;
  report.most_heap_bytes = std::max(report.most_heap_bytes, now.heap_bytes);
  report.peer_seconds += static_cast<double>(now.peers) * static_cast<double>((at - last.at).count()) / 1e6;
  report.samples.push_back(now);
  last = {at, now.peers, total, lookups.done, lookups.first_try, churn.crashes(), {}, 0};
}

void Experiment::Parts::run(const Progress& progress) {
  const Mono start = world.now();
  const Mono end = start + options.time;
  const Duration sample_every = std::max<Duration>(options.time / 288, 1s);
  const Tally before = traffic.total();
  last = {{}, 0, before, workload.lookups().done, workload.lookups().first_try, churn.crashes(), {}, 0};
  traffic.forget_hops();
  plan_events();
  churn.start();
  Mono next_look = start;
  Mono next_count = start;
  Mono next_sample = start + sample_every;
  while (world.now() < end) {
    Mono until = std::min({end, next_look, next_count, next_sample});
    if (healing) until = std::min(until, world.now() + kFineStep);
    world.run_for(until - world.now());
    if (healing) look_at_healing();
    if (world.now() >= next_look) {
      ring.look();
      next_look += options.look_every;
    }
    if (world.now() >= next_count) {
      workload.check_values();
      next_count += options.count_every;
    }
    if (world.now() >= next_sample) {
      sample(world.now() - start);
      next_sample += sample_every;
    }
    progress("running", static_cast<unsigned>(1000 * (world.now() - start).count() /
                                              std::max<std::int64_t>(1, options.time.count())));
  }
  sample(world.now() - start);
  const Tally after = traffic.total();
  report.at_rest = {after.messages - before.messages, after.bytes - before.bytes};
  report.fetch_hops = traffic.fetch_hops();
}

void Experiment::Parts::settle(const Progress& progress) {
  progress("settling", 0);
  churn.stop();
  world.network().heal();
  const Mono start = world.now();
  report.settled = becomes_whole(world, options.settle_limit, kFineStep);
  report.ring_fault = ring_fault(world);
  report.settling = world.now() - start;
  workload.judge(true);
  if (healing) {
    if (report.settled && !healing->ring) healing->ring = world.now() - healing_since;
    report.healings.push_back(*healing);
  }
  workload.check_values();
  progress("looking every value up", 0);
  report.last_lookups = workload.look_all_up();
  workload.stop();
}

void Experiment::Parts::finish() {
  report.simulated = world.now().time_since_epoch();
  report.by_code = traffic.by_code();
  report.acks = traffic.acks();
  report.most_hops = traffic.most_hops();
  report.wandered = traffic.wandered();
  report.stores = workload.stores();
  report.lookups = workload.lookups();
  report.values = workload.values();
  report.crashes = churn.crashes();
  report.leaves = churn.leaves();
  report.starts = churn.starts();
  report.triple_failures = churn.triple_failures();
  report.pairs_looked_at = ring.pairs_looked_at();
  report.ring_faults = ring.faults();
  report.unsettled_pairs = ring.unsettled();
  report.traffic_faults = traffic.faults();
  for (const auto& [what, text] :
       {std::pair("ring", ring.first_fault()), std::pair("traffic", traffic.first_fault()),
        std::pair("value lost", workload.first_loss()), std::pair("look-up", workload.first_failure()),
        std::pair("ring at the end", report.ring_fault)})
    if (!text.empty()) report.first_faults.push_back(std::string(what) + ": " + text);
  report.messages = world.messages();
  report.steps = world.steps();
  report.digest = world.digest();
}

Experiment::Experiment(ExperimentOptions options) : parts_(std::make_unique<Parts>(std::move(options))) {}
Experiment::~Experiment() = default;

Report Experiment::run(const std::function<void(const std::string& what, unsigned per_mille)>& progress) {
  parts_->form(progress);
  if (parts_->report.formed) {
    parts_->register_users(progress);
    parts_->run(progress);
    parts_->settle(progress);
  }
  parts_->finish();
  return std::move(parts_->report);
}

}  // namespace reload::sim
