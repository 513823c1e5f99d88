// Peers that come and go: each stays for an exponentially distributed session, is away for a while, and comes back with
// what it held.
#pragma once

#include <deque>

#include "reload/base/ring.hpp"
#include "sim/world.hpp"

namespace reload::sim {

struct ChurnOptions {
  Duration session{};           // in the mean; zero: nobody goes
  Duration absence = 60s;       // in the mean
  unsigned leave_per_cent = 0;  // of the sessions that end by a Leave; the others end as by SIGKILL
  std::size_t stable = 3;       // the first so many stay: the overlay's bootstrap nodes
};

class Churn {
 public:
  // `started`: called when a peer came back.
  Churn(World& world, ChurnOptions options, std::function<void(std::size_t)> started);
  void start();  // from now on
  void stop();   // who is away stays away
  void crash(std::size_t index);

  [[nodiscard]] std::uint64_t crashes() const { return crashes_; }
  [[nodiscard]] std::uint64_t leaves() const { return leaves_; }
  [[nodiscard]] std::uint64_t starts() const { return starts_; }
  // Whether at some time since then all the peers that hold the resource were killed within the hold-down of 30 s
  // (6940 10.7.1): no promise was made for that case.
  [[nodiscard]] bool excused(const ResourceId& resource, Mono since) const;
  // The same for the peers that are known to have had a value last: as many as hold a value were killed before the
  // first copy could be made anew, which is the hold-down and the time that a copy takes.
  [[nodiscard]] bool excused(const std::vector<std::size_t>& holders) const;
  // When it was killed last.
  [[nodiscard]] std::optional<Mono> killed_at(std::size_t index) const;
  [[nodiscard]] std::uint64_t triple_failures() const { return triples_; }

 private:
  struct Gone {
    Mono at;
    NodeId node;
  };
  // The holders of everything in (from, to] were killed.
  struct Excuse {
    Mono at;
    ring::Point from;
    ring::Point to;
  };
  void plan_end(std::size_t index);
  void end(std::size_t index);
  void end_when_left(std::size_t index, std::uint64_t life, Mono latest);
  void away(std::size_t index);
  void note_crash(const NodeId& node);

  World& world_;
  ChurnOptions options_;
  std::size_t holders_;  // of each value
  std::function<void(std::size_t)> started_;
  bool going_ = false;
  std::uint64_t round_ = 0;  // counts starts of the churn: plans of an earlier one are void
  std::deque<Gone> gone_;    // within the hold-down
  std::vector<Excuse> excuses_;
  std::map<std::size_t, Mono> killed_at_;
  std::uint64_t crashes_ = 0;
  std::uint64_t leaves_ = 0;
  std::uint64_t starts_ = 0;
  std::uint64_t triples_ = 0;
};

}  // namespace reload::sim
