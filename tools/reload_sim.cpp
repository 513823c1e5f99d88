// reload-sim: an overlay of production nodes on a virtual clock and network, with churn, faults and a workload.
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <chrono>
#include <cmath>
#include <fstream>
#include <iostream>

#include "sim/report.hpp"

namespace {

using namespace reload;
using namespace reload::sim;

constexpr int kFaults = 1;
constexpr int kUsage = 2;

const char* const kExamples = R"(Times are written 250us, 40ms, 2.5s, 10min, 8h or 1d.

Examples:
  reload-sim --peers 200 --users 2000 --time 1h --loss 1
  reload-sim --peers 1000 --users 1000 --time 1d --session 1h --loss 1 --json churn.json
  reload-sim --peers 200 --users 400 --time 3h --partition 50@10min+1h --shared-users 100
  reload-sim --peers 500 --users 500 --time 30min --vanish 30@5min
  reload-sim --peers 10000 --users 1000 --join-gap 20ms --time 10min

Checks run throughout: neighbours that have been so for a minute know it, and one of each pair is responsible for each
point of their border; every acknowledged value is in a running peer's store with its newest content; no answer without
a request, no request sent more than five times or passed on beyond its TTL. At the end all faults are healed, the ring
must become one and every acknowledged value be found.

Exit status: 0 all checks hold, 1 a check failed, 2 wrong usage.)";

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

Cost cost_since(std::chrono::steady_clock::time_point start) {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  Cost cost;
  cost.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  cost.cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
  cost.peak_resident_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
  return cost;
}

// Tells on stderr what is going on, at most once a second: over the same line of a terminal, else a line a minute.
class Progress {
 public:
  Progress(bool quiet, std::chrono::steady_clock::time_point start) : quiet_(quiet), start_(start), last_(start) {}
  ~Progress() {
    if (terminal_ && shown_) std::cerr << "\r\033[K";
  }
  void operator()(const std::string& what, unsigned per_mille) {
    const auto now = std::chrono::steady_clock::now();
    if (quiet_ || now - last_ < (terminal_ ? std::chrono::seconds(1) : std::chrono::seconds(60))) return;
    last_ = now;
    shown_ = true;
    const auto wall = std::chrono::duration_cast<std::chrono::seconds>(now - start_).count();
    std::cerr << (terminal_ ? "\r\033[K" : "") << what << " " << per_mille / 10 << " %, " << wall << " s"
              << (terminal_ ? "" : "\n") << std::flush;
  }

 private:
  bool quiet_;
  bool terminal_ = isatty(STDERR_FILENO) != 0;
  bool shown_ = false;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_;
};

// Options whose value is a text with a meaning of its own; a bad one is reported like CLI11's own checks do.
template <class T>
CLI::Option* add_parsed(CLI::App& app, const std::string& name, T& value, Result<T> (*parse)(std::string_view),
                        const std::string& preset, const std::string& help) {
  return app
      .add_option_function<std::string>(
          name,
          [&value, parse, name](const std::string& text) {
            auto parsed = parse(text);
            if (!parsed) throw CLI::ValidationError(name, parsed.error().text);
            value = std::move(*parsed);
          },
          help)
      ->default_str(preset);
}

Result<unsigned> parse_per_cent(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 || value > 90)
    return failure("'" + std::string(text) + "' is no part of the peers; write 1 to 90 (per cent)");
  return value;
}

// PERCENT@TIME
Result<Vanish> parse_vanish(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return failure("'" + std::string(text) + "': write PERCENT@TIME, like 30@5min");
  const auto part = parse_per_cent(text.substr(0, at));
  const auto time = parse_duration(text.substr(at + 1));
  if (!part) return tl::unexpected(part.error());
  if (!time) return tl::unexpected(time.error());
  return Vanish{*part, *time};
}

// PERCENT@TIME+LENGTH
Result<Partition> parse_partition(std::string_view text) {
  const std::size_t plus = text.find('+');
  const auto begin = parse_vanish(text.substr(0, plus));
  if (plus == std::string_view::npos || !begin)
    return failure("'" + std::string(text) + "': write PERCENT@TIME+LENGTH, like 50@10min+1h");
  const auto length = parse_duration(text.substr(plus + 1));
  if (!length) return tl::unexpected(length.error());
  return Partition{begin->per_cent, begin->at, *length};
}

template <class T>
void add_events(CLI::App& app, const std::string& name, std::vector<T>& events, Result<T> (*parse)(std::string_view),
                const std::string& help) {
  app.add_option_function<std::vector<std::string>>(
      name,
      [&events, parse, name](const std::vector<std::string>& texts) {
        for (const std::string& text : texts) {
          auto parsed = parse(text);
          if (!parsed) throw CLI::ValidationError(name, parsed.error().text);
          events.push_back(*parsed);
        }
      },
      help);
}

}  // namespace

namespace {

// A datagram link carries one message a round trip (6940 6.6.3.1), and an answer takes two. Of n peers the one with the
// largest part of the ring has about (1 + ln n) / n of it, and all that is asked of it comes over one link, from the
// peer before it. Twice the time that takes, as some is lost and other things go on.
Duration look_up_pause(const ExperimentOptions& options) {
  const auto peers = static_cast<double>(options.peers);
  const double part = std::min(1.0, (1 + std::log(peers)) / peers);
  const Duration round_trip = 2 * options.world.network.latency.mean();
  return Duration(static_cast<std::int64_t>(4 * part * static_cast<double>(round_trip.count())));
}

}  // namespace

int main(int argc, char** argv) {
  const auto start = std::chrono::steady_clock::now();
  ExperimentOptions options;
  double loss = 0;
  std::string json_file;
  bool quiet = false;
  bool periodic = false;
  Duration update_interval = options.world.update_interval;
  Duration ping_interval = options.world.ping_interval;
  CLI::App app("Simulates a RELOAD overlay of whole nodes on a virtual clock and network.", "reload-sim");
  app.footer(kExamples);
  app.add_option("--peers", options.peers, "Peers of the ring")->check(CLI::Range(1u, 100000u))->capture_default_str();
  app.add_option("--seed", options.world.seed, "Everything random comes from it; the same seed gives the same digest")
      ->capture_default_str();
  add_parsed(app, "--time", options.time, parse_duration, "10min", "How long, after the ring has formed");
  add_parsed(app, "--join-gap", options.join_gap, parse_duration, "100ms", "Between two peers that join at first");
  add_parsed<Distribution>(app, "--latency", options.world.network.latency, Distribution::parse, "5ms-40ms",
                           "One way: 40ms constant, 5ms-40ms uniform, 5ms+20ms with an exponential part");
  app.add_option("--loss", loss, "Messages (with --datagrams: datagrams) lost on each hop, per cent")
      ->check(CLI::Range(0.0, 50.0));
  app.add_flag("--datagrams", options.world.datagrams,
               "Links like DTLS, which send again what was lost; else what is lost stays so, as no TLS link loses it");
  add_parsed(app, "--session", options.churn.session, parse_duration, "none",
             "Mean time that a peer stays (exponential); without it all stay");
  add_parsed(app, "--absence", options.churn.absence, parse_duration, "1min", "Mean time that it is away then");
  app.add_option("--leave", options.churn.leave_per_cent, "Per cent of sessions that end by a Leave, not by a kill")
      ->check(CLI::Range(0u, 100u))
      ->capture_default_str();
  app.add_option("--bootstrap-nodes", options.world.bootstrap_nodes, "Peers that newcomers ask; they never go")
      ->check(CLI::Range(1u, 100u))
      ->capture_default_str();
  add_events(app, "--partition", options.partitions, parse_partition,
             "PERCENT@TIME+LENGTH: part the network, so many per cent on one side; repeatable");
  add_events(app, "--vanish", options.vanish, parse_vanish,
             "PERCENT@TIME: kill so many per cent of the peers at once; repeatable");
  app.add_option("--users", options.workload.users, "Users, each registered at one peer")->capture_default_str();
  app.add_option("--shared-users", options.shared_users, "Of these, registered at two peers that write the same value")
      ->capture_default_str();
  add_parsed(app, "--lifetime", options.workload.lifetime, parse_duration, "1h", "Of a registration");
  add_parsed(app, "--refresh", options.workload.refresh, parse_duration, "30min", "A registration is stored again");
  add_parsed(app, "--lookup-every", options.workload.lookup_every, parse_duration, "10min",
             "Mean time between look-ups of a user, from any peer; 0s: none");
  app.add_option("--replicas", options.world.replicas,
                 "Successors with a copy of each value. Two by RFC 6940; other numbers to see what they would change")
      ->check(CLI::Range(std::size_t{0}, limits::kNeighborsEachSide))
      ->capture_default_str();
  add_parsed(app, "--update-interval", update_interval, parse_duration, "10min", "chord-update-interval");
  add_parsed(app, "--ping-interval", ping_interval, parse_duration, "1h", "chord-ping-interval");
  app.add_flag("--periodic", periodic, "chord-reactive false: no reactive recovery");
  app.add_option("--json", json_file, "Write the report to this file as JSON too; - for standard output instead");
  app.add_flag("--quiet", quiet, "No progress on standard error");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  if (options.shared_users > options.workload.users) {
    std::cerr << "reload-sim: --shared-users is more than --users; name at most " << options.workload.users << "\n";
    return kUsage;
  }
  options.world.network.loss_per_mille = static_cast<unsigned>(loss * 10 + 0.5);
  options.world.reactive = !periodic;
  options.world.update_interval = std::chrono::duration_cast<std::chrono::seconds>(update_interval);
  options.world.ping_interval = std::chrono::duration_cast<std::chrono::seconds>(ping_interval);
  options.churn.stable = options.world.bootstrap_nodes;
  if (options.world.datagrams) options.workload.pause = look_up_pause(options);
  std::ofstream file;
  if (!json_file.empty() && json_file != "-") {
    file.open(json_file);  // before a run of hours, not after it
    if (!file) {
      std::cerr << "reload-sim: --json: can't write " << json_file << "; name a file in a directory that is there\n";
      return kUsage;
    }
  }
  const auto report = [&] {
    Progress progress(quiet, start);
    return Experiment(options).run(std::ref(progress));
  }();
  const Cost cost = cost_since(start);
  if (json_file == "-")
    std::cout << to_json(report, cost);
  else
    std::cout << to_text(report, cost);
  if (file.is_open() && !(file << to_json(report, cost)).flush()) {
    std::cerr << "reload-sim: --json: writing " << json_file << " failed; is the disk full?\n";
    return kFaults;
  }
  return report.good() ? 0 : kFaults;
}
