// Writes down what passes between the nodes of a scenario, in the names of the scenario.
#pragma once

#include <set>

#include "sim/world.hpp"

namespace reload::scenarios {

// What a scenario calls nodes and resources.
struct Names {
  std::map<std::size_t, std::string> nodes;  // by index of the world
  std::map<NodeId, std::string> ids;
  std::map<ResourceId, std::string> resources;

  [[nodiscard]] std::string of(const NodeId& id) const;
  [[nodiscard]] std::string of(const ResourceId& id) const;
  [[nodiscard]] std::string of(const wire::Destination& to) const;
  [[nodiscard]] std::string of(const std::vector<NodeId>& list) const;
};

class Recorder final : public sim::Observer {
 public:
  explicit Recorder(const Names& names) : names_(names) {}
  // Requests and answers of these kinds are written down, "store" for both of Store; "links" for new links.
  void watch(std::set<std::string> kinds) { kinds_ = std::move(kinds); }
  void on_send(Mono now, std::size_t from, std::size_t to, ByteView head, ByteView body, bool lost) override;
  void on_link(Mono now, std::size_t from, std::size_t to) override;
  [[nodiscard]] std::string take() { return std::exchange(lines_, {}); }

 private:
  [[nodiscard]] std::string describe(const wire::ForwardingHeader& header, const wire::ParsedBody& message) const;
  void line(std::size_t from, const char* arrow, std::size_t to, const std::string& what);

  const Names& names_;
  std::set<std::string> kinds_;
  std::string lines_;
};

}  // namespace reload::scenarios
