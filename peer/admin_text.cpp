// What the admin endpoint says, apart from how it is served.
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "peer/admin.hpp"
#include "reload/config/xml_values.hpp"
#include "reload/io/uv_tcp.hpp"

namespace reload::peer {

namespace {

std::string_view name_of(topology::JoinState state) {
  switch (state) {
    case topology::JoinState::idle:
      return "idle";
    case topology::JoinState::attaching:
      return "attaching";
    case topology::JoinState::connecting:
      return "connecting";
    case topology::JoinState::joining:
      return "joining";
    case topology::JoinState::joined:
      return "joined";
    case topology::JoinState::leaving:
      return "leaving";
    case topology::JoinState::left:
      return "left";
  }
  return "unknown";
}

nlohmann::json hex_list(const std::vector<NodeId>& nodes) {
  auto list = nlohmann::json::array();
  for (const NodeId& node : nodes) list.push_back(node.hex());
  return list;
}

prometheus::MetricFamily family(std::string name, std::string help, bool gauge, double value) {
  prometheus::MetricFamily made;
  made.name = std::move(name);
  made.help = std::move(help);
  made.type = gauge ? prometheus::MetricType::Gauge : prometheus::MetricType::Counter;
  prometheus::ClientMetric metric;
  if (gauge)
    metric.gauge.value = value;
  else
    metric.counter.value = value;
  made.metric.push_back(std::move(metric));
  return made;
}

}  // namespace

bool is_ready(const AdminSnapshot& snapshot) {
  return snapshot.node.topology.state == topology::JoinState::joined && snapshot.node.topology.successor_answers;
}

std::string status_json(const AdminSnapshot& snapshot) {
  const node::NodeStatus& node = snapshot.node;
  nlohmann::json document;
  document["node_id"] = node.self.hex();
  document["pid"] = ::getpid();
  document["overlay"] = node.overlay;
  document["configuration_sequence"] = node.configuration_sequence;
  document["state"] = name_of(node.topology.state);
  document["ready"] = is_ready(snapshot);
  document["uptime_s"] = std::chrono::duration_cast<std::chrono::seconds>(node.uptime).count();
  document["credential_until"] = config::from_time(snapshot.credential_until);
  document["credential_renewals"] = snapshot.credential_renewals;
  document["hosted_users"] = snapshot.hosted_users;
  document["predecessors"] = hex_list(node.topology.predecessors);
  document["successors"] = hex_list(node.topology.successors);
  document["fingers"] = hex_list(node.topology.fingers);
  auto& links = document["links"] = nlohmann::json::array();
  for (const node::LinkInfo& link : node.links)
    links.push_back({{"node_id", link.node.hex()},
                     {"remote", io::to_text(link.remote)},
                     {"inbound", link.inbound},
                     {"round_trip_us", link.round_trip.count()}});
  document["values"] = node.values;
  document["resources"] = node.resources;
  if (snapshot.sip) {
    document["registrations"] = snapshot.sip->get(sip::SipCounter::registrations);
    document["contacts"] = snapshot.sip->get(sip::SipCounter::bindings);
    auto& listening = document["sip"] = nlohmann::json::array();
    for (const auto& address : snapshot.sip->listening)
      listening.push_back(address.address + ":" + std::to_string(address.port));
  } else {
    document["registrations"] = 0;
  }
  return document.dump(2) + "\n";
}

std::string metrics_text(const AdminSnapshot& snapshot) {
  std::vector<prometheus::MetricFamily> families;
  for (std::size_t i = 0; i < kCounterCount; ++i)
    families.push_back(family("reload_" + std::string(kCounterInfo[i].name) + "_total",
                              std::string(kCounterInfo[i].help), false,
                              static_cast<double>(snapshot.counters.get(static_cast<Counter>(i)))));
  const node::NodeStatus& node = snapshot.node;
  const auto gauge = [&](const char* name, const char* help, double value) {
    families.push_back(family(name, help, true, value));
  };
  gauge("reload_ready", "1 when in the ring and the successor answers", is_ready(snapshot) ? 1 : 0);
  gauge("reload_hosted_users", "Users whose credentials are here", static_cast<double>(snapshot.hosted_users));
  gauge("reload_links", "Overlay links", static_cast<double>(node.links.size()));
  gauge("reload_predecessors", "Predecessors in the Neighbor Table",
        static_cast<double>(node.topology.predecessors.size()));
  gauge("reload_successors", "Successors in the Neighbor Table", static_cast<double>(node.topology.successors.size()));
  gauge("reload_fingers", "Fingers", static_cast<double>(node.topology.fingers.size()));
  gauge("reload_values", "Values held", static_cast<double>(node.values));
  gauge("reload_resources", "Resources held", static_cast<double>(node.resources));
  gauge("reload_credential_expiry_seconds", "When this node's certificate expires, in Unix time",
        static_cast<double>(to_unix_seconds(snapshot.credential_until)));
  gauge("reload_uptime_seconds", "Time since the node was made", static_cast<double>(node.uptime.count()) / 1e6);
  if (snapshot.sip)
    for (std::size_t i = 0; i < sip::kSipCounterCount; ++i) {
      const auto& info = sip::kSipCounterInfo[i];
      const std::string name = "reload_sip_" + std::string(info.name) + (info.gauge ? "" : "_total");
      families.push_back(family(name, std::string(info.help), info.gauge,
                                static_cast<double>(snapshot.sip->get(static_cast<sip::SipCounter>(i)))));
    }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace reload::peer
