#include "certs/issued_records.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "certs/authority.hpp"
#include "reload/config/xml_values.hpp"

namespace reload::certs {
namespace {

constexpr Duration kClocksBehind = std::chrono::hours(24);

}  // namespace

Result<IssuedRecords> IssuedRecords::read(const OverlayDir& dir, const std::optional<std::string>& authority) {
  if (!file_exists(dir.records())) return IssuedRecords();
  const auto text = read_file(dir.records());
  if (!text) return tl::unexpected(text.error());
  auto records = parse(*text, authority);
  if (!records) return failure(dir.records().string() + ": " + records.error().text);
  return records;
}

Result<IssuedRecords> IssuedRecords::parse(std::string_view lines, const std::optional<std::string>& authority) {
  IssuedRecords records;
  std::size_t number = 0;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    const bool ended = line.size() < lines.size();
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
    ++number;
    if (line.empty()) continue;
    const auto broken = [&] { return failure("line " + std::to_string(number) + " is no record of a certificate"); };
    const auto json = nlohmann::json::parse(line, nullptr, false);
    // Being written just now, or by a process that was killed: its certificate was given to nobody.
    if (!ended && json.is_discarded()) break;
    if (!json.is_object() || !json.contains("user") || !json["user"].is_string() || !json.contains("node_ids") ||
        !json["node_ids"].is_array() || !json.contains("not_after") || !json["not_after"].is_string())
      return broken();
    const auto issuer = json.find("authority");
    if (issuer != json.end() && !issuer->is_string()) return broken();
    if (authority && (issuer == json.end() || issuer->get<std::string>() != *authority)) continue;
    const auto until = config::to_time("not_after", json["not_after"].get<std::string>());
    if (!until) return broken();
    Wall issued{};
    if (const auto from = json.find("not_before"); from != json.end()) {
      if (!from->is_string()) return broken();
      const auto begin = config::to_time("not_before", from->get<std::string>());
      if (!begin) return broken();
      issued = *begin + kBackdating;
    }
    Record record{json["user"].get<std::string>(), {}, *until};
    for (const auto& text : json["node_ids"]) {
      const auto id = text.is_string() ? NodeId::parse_hex(text.get<std::string>()) : std::nullopt;
      if (!id) return broken();
      record.node_ids.push_back(*id);
      Times& times = records.times_.try_emplace(*id, Times{issued, *until}).first->second;
      times.first_issued = std::min(times.first_issued, issued);
      times.last_end = std::max(times.last_end, *until);
    }
    records.records_.push_back(std::move(record));
  }
  return records;
}

std::set<NodeId> IssuedRecords::of_user(const std::string& user, Wall now) const {
  std::set<NodeId> found;
  for (const Record& record : records_)
    if (record.user == user && record.until >= now) found.insert(record.node_ids.begin(), record.node_ids.end());
  return found;
}

std::optional<Wall> IssuedRecords::last_end(const NodeId& id) const {
  const auto found = times_.find(id);
  return found == times_.end() ? std::nullopt : std::optional(found->second.last_end);
}

std::optional<Wall> IssuedRecords::first_issued(const NodeId& id) const {
  const auto found = times_.find(id);
  return found == times_.end() ? std::nullopt : std::optional(found->second.first_issued);
}

std::map<NodeId, std::string> IssuedRecords::living(Wall now) const {
  std::map<NodeId, std::string> found;
  for (const Record& record : records_) {
    if (record.until < now) continue;
    for (const NodeId& id : record.node_ids) found.emplace(id, record.user);
  }
  return found;
}

std::set<NodeId> outlived(const std::vector<NodeId>& bad_nodes, const IssuedRecords& records, Wall now) {
  std::set<NodeId> gone;
  for (const NodeId& id : bad_nodes) {
    const auto end = records.last_end(id);
    if (end && *end + kClocksBehind < now) gone.insert(id);
  }
  return gone;
}

}  // namespace reload::certs
