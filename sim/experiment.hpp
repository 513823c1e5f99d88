// One run of the simulator from the forming of the ring to the last look-up, with the checkers running throughout.
#pragma once

#include "sim/check_ring.hpp"
#include "sim/check_traffic.hpp"
#include "sim/churn.hpp"
#include "sim/workload.hpp"

namespace reload::sim {

// So many per cent of the nodes, at a time after the ring has formed.
struct Partition {
  unsigned per_cent = 50;
  Duration at{};
  Duration length{};
};
struct Vanish {
  unsigned per_cent = 10;
  Duration at{};
};

struct ExperimentOptions {
  std::size_t peers = 100;
  WorldOptions world;
  Duration join_gap = 100ms;
  Duration time = 10min;  // after the ring has formed and everybody is registered
  ChurnOptions churn;
  WorkloadOptions workload;
  std::size_t shared_users = 0;  // of the workload's users: written at two peers
  std::vector<Partition> partitions;
  std::vector<Vanish> vanish;
  Duration look_every = 10s;   // the ring
  Duration count_every = 60s;  // values and their copies
  Duration settle_limit = 30min;
};

// What one interval of the run was like.
struct Sample {
  Duration at{};
  std::size_t peers = 0;
  Tally traffic;  // in the interval
  std::uint64_t lookups = 0;
  std::uint64_t found_first = 0;
  std::uint64_t crashes = 0;
  std::vector<std::uint64_t> copies;
  std::uint64_t heap_bytes = 0;  // of the whole process
};

// After peers vanished or a partition healed.
struct Healing {
  std::string what;
  Duration at{};
  std::optional<Duration> ring;    // until it was one again
  std::optional<Duration> copies;  // until every value that is left had all its copies
};

struct Report {
  ExperimentOptions options;
  bool formed = false;
  Duration forming{};
  bool registered = false;
  bool settled = false;
  std::string ring_fault;  // at the end
  Duration settling{};
  Duration simulated{};     // in all
  Tally at_rest;            // traffic of the run itself, without forming and settling
  double peer_seconds = 0;  // of running peers in the run
  std::map<wire::MessageCode, Tally> by_code;
  Tally acks;
  std::vector<std::uint64_t> fetch_hops;
  unsigned most_hops = 0;
  std::uint64_t wandered = 0;
  StoreFigures stores;
  LookupFigures lookups;
  LookupFigures last_lookups;  // of every value, when the ring was whole again
  ValueFigures values;
  std::uint64_t crashes = 0, leaves = 0, starts = 0, triple_failures = 0;
  std::uint64_t pairs_looked_at = 0, ring_faults = 0, traffic_faults = 0;
  double unsettled_pairs = 0;
  std::vector<std::string> first_faults;
  std::vector<Sample> samples;
  std::vector<Healing> healings;
  std::uint64_t messages = 0;
  std::uint64_t steps = 0;
  std::uint64_t digest = 0;
  std::uint64_t most_heap_bytes = 0;

  // Nothing that was promised was broken.
  [[nodiscard]] bool good() const;
};

class Experiment {
 public:
  explicit Experiment(ExperimentOptions options);
  ~Experiment();
  // `progress` is told now and then what is going on and how far it is, in thousandths.
  Report run(const std::function<void(const std::string& what, unsigned per_mille)>& progress);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace reload::sim
