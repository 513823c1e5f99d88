#include "sim/report.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "reload/wire/names.hpp"

namespace reload::sim {

namespace {

using Json = nlohmann::ordered_json;

double seconds(Duration time) { return static_cast<double>(time.count()) / 1e6; }
double ratio(double part, double whole) { return whole == 0 ? 0 : part / whole; }
double ratio(std::uint64_t part, std::uint64_t whole) {
  return ratio(static_cast<double>(part), static_cast<double>(whole));
}

double mean_of_histogram(const std::vector<std::uint64_t>& counts) {
  double sum = 0;
  double all = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    sum += static_cast<double>(i) * static_cast<double>(counts[i]);
    all += static_cast<double>(counts[i]);
  }
  return ratio(sum, all);
}

Json to_json(const Tally& tally) { return {{"messages", tally.messages}, {"bytes", tally.bytes}}; }

Json to_json(const LookupFigures& figures) {
  return {{"done", figures.done},
          {"first_try", figures.first_try},
          {"later_try", figures.later_try},
          {"not_found", figures.not_found},
          {"outdated", figures.outdated},
          {"no_answer", figures.no_answer},
          {"latency_ms",
           {{"p50", percentile(figures.latencies_ms, 0.5)},
            {"p90", percentile(figures.latencies_ms, 0.9)},
            {"p99", percentile(figures.latencies_ms, 0.99)},
            {"max", percentile(figures.latencies_ms, 1)}}}};
}

Json to_json(const ExperimentOptions& options) {
  Json json{{"seed", options.world.seed},
            {"peers", options.peers},
            {"time_s", seconds(options.time)},
            {"join_gap_s", seconds(options.join_gap)},
            {"latency", options.world.network.latency.text()},
            {"loss_per_mille", options.world.network.loss_per_mille},
            {"datagrams", options.world.datagrams},
            {"reactive", options.world.reactive},
            {"update_interval_s", options.world.update_interval.count()},
            {"ping_interval_s", options.world.ping_interval.count()},
            {"session_s", seconds(options.churn.session)},
            {"absence_s", seconds(options.churn.absence)},
            {"leave_per_cent", options.churn.leave_per_cent},
            {"stable", options.churn.stable},
            {"users", options.workload.users},
            {"shared_users", options.shared_users},
            {"lifetime_s", seconds(options.workload.lifetime)},
            {"refresh_s", seconds(options.workload.refresh)},
            {"lookup_every_s", seconds(options.workload.lookup_every)},
            {"partitions", Json::array()},
            {"vanish", Json::array()}};
  for (const Partition& event : options.partitions)
    json["partitions"].push_back(
        {{"per_cent", event.per_cent}, {"at_s", seconds(event.at)}, {"length_s", seconds(event.length)}});
  for (const Vanish& event : options.vanish)
    json["vanish"].push_back({{"per_cent", event.per_cent}, {"at_s", seconds(event.at)}});
  return json;
}

Json to_json(const Sample& sample) {
  return {{"at_s", seconds(sample.at)},    {"peers", sample.peers},     {"messages", sample.traffic.messages},
          {"bytes", sample.traffic.bytes}, {"lookups", sample.lookups}, {"found_first", sample.found_first},
          {"crashes", sample.crashes},     {"copies", sample.copies},   {"heap_bytes", sample.heap_bytes}};
}

Json or_null(const std::optional<Duration>& time) { return time ? Json(seconds(*time)) : Json(); }

}  // namespace

std::uint32_t percentile(std::vector<std::uint32_t> numbers, double part) {
  if (numbers.empty()) return 0;
  const auto at = static_cast<std::size_t>(part * static_cast<double>(numbers.size() - 1));
  std::ranges::nth_element(numbers, numbers.begin() + static_cast<std::ptrdiff_t>(at));
  return numbers[at];
}

std::string to_json(const Report& report, const Cost& cost) {
  Json json;
  json["good"] = report.good();
  json["options"] = to_json(report.options);
  json["formed"] = report.formed;
  json["forming_s"] = seconds(report.forming);
  json["registered"] = report.registered;
  json["settled"] = report.settled;
  json["settling_s"] = seconds(report.settling);
  json["simulated_s"] = seconds(report.simulated);
  json["run"] = to_json(report.at_rest);
  json["run"]["peer_seconds"] = report.peer_seconds;
  json["run"]["bytes_per_peer_second"] = ratio(static_cast<double>(report.at_rest.bytes), report.peer_seconds);
  json["run"]["messages_per_peer_second"] = ratio(static_cast<double>(report.at_rest.messages), report.peer_seconds);
  for (const auto& [code, tally] : report.by_code)
    json["by_code"][std::string(wire::find_name(code).value_or("other"))] = to_json(tally);
  json["acks"] = to_json(report.acks);
  json["fetch_hops"] = report.fetch_hops;
  json["mean_fetch_hops"] = mean_of_histogram(report.fetch_hops);
  json["most_hops"] = report.most_hops;
  json["wandered"] = report.wandered;
  json["stores"] = {
      {"sent", report.stores.sent}, {"acknowledged", report.stores.acknowledged}, {"failed", report.stores.failed}};
  json["lookups"] = to_json(report.lookups);
  json["last_lookups"] = to_json(report.last_lookups);
  json["values"] = {{"acknowledged", report.values.acknowledged},
                    {"copies", report.values.copies},
                    {"lost", report.values.lost},
                    {"lost_excused", report.values.lost_excused}};
  json["churn"] = {{"crashes", report.crashes},
                   {"leaves", report.leaves},
                   {"starts", report.starts},
                   {"triple_failures", report.triple_failures}};
  json["checks"] = {{"pairs_looked_at", report.pairs_looked_at},
                    {"ring_faults", report.ring_faults},
                    {"unsettled_pairs", report.unsettled_pairs},
                    {"traffic_faults", report.traffic_faults},
                    {"first_faults", report.first_faults}};
  json["healings"] = Json::array();
  for (const Healing& healing : report.healings)
    json["healings"].push_back({{"what", healing.what},
                                {"at_s", seconds(healing.at)},
                                {"ring_s", or_null(healing.ring)},
                                {"copies_s", or_null(healing.copies)}});
  json["samples"] = Json::array();
  for (const Sample& sample : report.samples) json["samples"].push_back(to_json(sample));
  json["messages"] = report.messages;
  json["steps"] = report.steps;
  json["digest"] = std::to_string(report.digest);  // too long for a JSON number
  json["cost"] = {{"wall_s", cost.wall_seconds},
                  {"cpu_s", cost.cpu_seconds},
                  {"cpu_us_per_message", ratio(cost.cpu_seconds * 1e6, static_cast<double>(report.messages))},
                  {"peak_resident_bytes", cost.peak_resident_bytes},
                  {"most_heap_bytes", report.most_heap_bytes}};
  return json.dump(1) + "\n";
}

std::string to_text(const Report& report, const Cost& cost) {
  std::ostringstream out;
  out.setf(std::ios::fixed);
  out.precision(1);
  const auto& options = report.options;
  out << options.peers << " peers, seed " << options.world.seed << ", " << to_text(options.time) << ", latency "
      << options.world.network.latency.text() << ", loss " << options.world.network.loss_per_mille / 10.0 << " %"
      << (options.world.datagrams ? ", DTLS links\n" : "\n");
  out << "ring         " << (report.formed ? "formed after " : "NOT formed after ") << in_seconds(report.forming)
      << "; pairs of neighbours looked at " << report.pairs_looked_at << ", faults " << report.ring_faults
      << ", not settled at a look " << report.unsettled_pairs * 100 << " %\n";
  if (options.churn.session != Duration::zero() || report.crashes != 0)
    out << "churn        " << report.crashes << " killed, " << report.leaves << " left, " << report.starts
        << " came back; " << options.world.copies() << " neighbours within 30 s: " << report.triple_failures << "\n";
  out << "traffic      " << ratio(static_cast<double>(report.at_rest.bytes), report.peer_seconds) << " bytes/s and "
      << ratio(static_cast<double>(report.at_rest.messages), report.peer_seconds) << " frames/s a peer; look-ups made "
      << mean_of_histogram(report.fetch_hops) << " hops in the mean, any request " << report.most_hops << " at most, "
      << report.wandered << " over the budget; faults " << report.traffic_faults << "\n";
  out << "stores       " << report.stores.sent << " sent, " << report.stores.acknowledged << " acknowledged, "
      << report.stores.failed << " failed\n";
  out.precision(3);
  const auto look = [&](const char* name, const LookupFigures& figures) {
    out << name << figures.done << ", at the first try " << ratio(figures.first_try, figures.done) * 100 << " %, later "
        << figures.later_try << ", not found " << figures.not_found << ", outdated " << figures.outdated
        << ", no answer " << figures.no_answer << "; " << percentile(figures.latencies_ms, 0.5) << " ms in the median, "
        << percentile(figures.latencies_ms, 0.99) << " ms at 99 %\n";
  };
  look("look-ups     ", report.lookups);
  look("at the end   ", report.last_lookups);
  out << "values       " << report.values.acknowledged << " acknowledged at the end";
  for (std::size_t count = report.values.copies.size(); count-- > 1;)
    out << ", with " << count << (count == 1 ? " copy " : " copies ") << report.values.copies[count];
  out << "; lost " << report.values.lost << ", of these with all holders killed within 30 s "
      << report.values.lost_excused << "\n";
  for (const Healing& healing : report.healings)
    out << "healing      " << healing.what << " at " << in_seconds(healing.at) << ": one ring after "
        << (healing.ring ? in_seconds(*healing.ring) : "more than the run") << ", all copies of all after "
        << (healing.copies ? in_seconds(*healing.copies) : "more than the run") << "\n";
  for (const std::string& fault : report.first_faults) out << "first        " << fault << "\n";
  out.precision(1);
  out << "cost         " << report.messages << " frames, " << cost.wall_seconds << " s, " << cost.cpu_seconds
      << " s of CPU, " << ratio(cost.cpu_seconds * 1e6, static_cast<double>(report.messages)) << " us a frame, "
      << static_cast<double>(cost.peak_resident_bytes) / 1048576.0 << " MiB resident, "
      << ratio(static_cast<double>(report.most_heap_bytes), static_cast<double>(options.peers)) / 1024.0
      << " KiB of heap a peer\n";
  out << "digest       " << report.digest << "\n";
  out << (report.good() ? "good" : "FAULTS FOUND") << "\n";
  return out.str();
}

}  // namespace reload::sim
