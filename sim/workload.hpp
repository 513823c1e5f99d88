// What users do, and what they may expect: registrations stored and refreshed at the peers that host them, look-ups
// from anywhere, and a model of what was acknowledged to compare the answers with.
#pragma once

#include <optional>
#include <vector>

#include "sim/churn.hpp"
#include "sim/world.hpp"

namespace reload::sim {

struct WorkloadOptions {
  std::size_t users = 0;
  Duration lifetime = 1h;
  Duration refresh = 30min;       // each between 0.8 and 1 of it after the last
  Duration lookup_every = 10min;  // for each user, in the mean; zero: none
  unsigned tries = 3;             // of a look-up that finds nothing or gets no answer
  Duration pause = 4ms;           // between two look-ups of look_all_up
};

struct StoreFigures {
  std::uint64_t sent = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t failed = 0;  // answered by an error or not at all; the rest was cut off by the end of the host
};
struct LookupFigures {
  std::uint64_t done = 0;
  std::uint64_t first_try = 0;  // found, the newest content, at the first try
  std::uint64_t later_try = 0;
  std::uint64_t not_found = 0;              // after all tries: an answer without the value
  std::uint64_t outdated = 0;               // an older content than was acknowledged before the look-up began
  std::uint64_t no_answer = 0;              // an error or time-out
  std::vector<std::uint32_t> latencies_ms;  // of those that succeeded at the first try
};
struct ValueFigures {
  std::uint64_t acknowledged = 0;     // now: acknowledged and not expired
  std::vector<std::uint64_t> copies;  // of those, with 0, 1 and so on, at last all copies of the newest content
  std::uint64_t lost = 0;             // so far: acknowledged, not expired, and in no running peer
  std::uint64_t lost_excused = 0;     // of these, because all three holders were killed within the hold-down
};

class Workload {
 public:
  Workload(World& world, WorkloadOptions options, const Churn& churn);

  // Users round robin over the peers there are. The first `shared` of them have a second peer that writes the same
  // value, half the peers further on.
  void add_users(std::size_t shared = 0);
  void start();  // registers everybody and goes on
  void stop();
  void register_host(std::size_t host);  // it came back: its users register at once
  // While false, no look-up is begun or counted: what was acknowledged in another part of the ring is not to be had.
  void judge(bool on) { judging_ = on; }
  void check_values();

  [[nodiscard]] bool all_registered() const;
  // Looks every acknowledged value up once more, from peers drawn from the seed; runs the world meanwhile, without
  // other look-ups.
  [[nodiscard]] LookupFigures look_all_up();

  [[nodiscard]] const StoreFigures& stores() const { return stores_; }
  [[nodiscard]] const LookupFigures& lookups() const { return lookups_; }
  [[nodiscard]] const ValueFigures& values() const { return values_; }
  [[nodiscard]] const std::string& first_loss() const { return first_loss_; }
  [[nodiscard]] const std::string& first_failure() const { return first_failure_; }

 private:
  struct User {
    std::string name;
    ResourceId resource;
    Bytes key;
    std::uint64_t issued = 0;  // the newest content that was sent off, by which writer, and when
    std::optional<std::size_t> writer;
    Mono written_at;
    std::uint64_t acknowledged = 0;
    Mono acknowledged_at;
    bool lost = false;
  };
  // One peer that stores a user's value.
  struct Writer {
    std::size_t user = 0;
    std::size_t host = 0;
    std::uint64_t planned = 0;              // the number of the plan that counts
    std::optional<std::uint64_t> out_life;  // a Store is out in this life of the host
  };
  struct Lookup {
    std::size_t user = 0;
    std::uint64_t expected = 0;
    unsigned tries = 0;
    Mono begun;
    LookupFigures* figures = nullptr;
  };
  void add_user(std::size_t number, std::size_t host, std::optional<std::size_t> second);
  void plan(std::size_t writer, Duration after);
  void write(std::size_t writer);
  void on_stored(std::size_t writer, std::uint64_t version, bool stored);
  void plan_lookup();
  void look_up(Lookup lookup);
  void on_found(Lookup lookup, const overlay::Outcome<std::vector<overlay::FetchedValue>>& outcome);
  [[nodiscard]] bool expected(const User& user) const;
  [[nodiscard]] std::pair<std::vector<std::size_t>, std::string> last_holders(const User& user);
  [[nodiscard]] std::optional<std::size_t> any_peer();

  World& world_;
  WorkloadOptions options_;
  const Churn& churn_;
  bool going_ = false;
  bool judging_ = true;
  bool looking_all_up_ = false;  // meanwhile no look-ups at random
  std::vector<User> users_;
  std::vector<Writer> writers_;
  std::map<ResourceId, std::size_t> by_resource_;
  StoreFigures stores_;
  LookupFigures lookups_;
  ValueFigures values_;
  std::string first_loss_;
  std::string first_failure_;
};

}  // namespace reload::sim
