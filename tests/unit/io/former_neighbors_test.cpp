#include "reload/io/former_neighbors.hpp"

#include <doctest/doctest.h>

#include "reload/io/overlay_files.hpp"
#include "tests/kit/fixtures.hpp"
#include "tests/kit/temporary_directory.hpp"

using namespace reload;

namespace {

wire::IpAddressPort address(std::uint8_t last) {
  wire::IpAddressPort made;
  made.address = {192, 0, 2, last};
  made.port = 6084;
  return made;
}

node::LinkInfo link_to(std::uint8_t number, bool inbound = false, bool told = true) {
  node::LinkInfo made;
  made.node = kit::node_number(number);
  made.inbound = inbound;
  made.remote = inbound ? address(200) : address(number);
  if (told) made.listens_at = address(number);
  return made;
}

}  // namespace

TEST_CASE("6940-11.4-5: peers in the tables that there is a link to are kept, the nearest first, and about ten") {
  node::NodeStatus status;
  for (std::uint8_t i = 1; i <= 30; ++i) {
    status.links.push_back(link_to(i, i % 2 == 0));
    auto& table = i <= 3 ? status.topology.successors : i <= 6 ? status.topology.predecessors : status.topology.fingers;
    table.push_back(kit::node_number(i));
  }
  const auto kept = io::neighbors_to_keep(status);
  REQUIRE(kept.size() == 10);
  CHECK(kept[0] == address(1));
  CHECK(kept[1] == address(4));
  CHECK(kept[2] == address(2));
  CHECK(kept[9] == address(10));
}

TEST_CASE("6940-11.4-6: a peer without a link to it is not kept, nor one that did not tell where it takes links") {
  node::NodeStatus status;
  status.topology.successors = {kit::node_number(1), kit::node_number(2), kit::node_number(3)};
  status.links = {link_to(2), link_to(3, true, false), link_to(9)};  // 9 is a client: in no table
  CHECK(io::neighbors_to_keep(status) == std::vector{address(2)});
}

TEST_CASE("what was kept is read again; a file without use is none") {
  const kit::TemporaryDirectory directory;
  const std::string name = directory.path();
  CHECK(io::former_neighbors(name).empty());
  REQUIRE(io::keep_neighbors(name, {address(1), address(2)}));
  CHECK(io::former_neighbors(name) == std::vector{address(1), address(2)});
  REQUIRE(io::write_file(name + "/neighbors", as_bytes(std::string_view("rubbish\n\n192.0.2.7:6084\n[::1"))));
  CHECK(io::former_neighbors(name) == std::vector{address(7)});
  std::string many;
  for (int i = 0; i < 50; ++i) many += "192.0.2." + std::to_string(i) + ":6084\n";
  REQUIRE(io::write_file(name + "/neighbors", as_bytes(many)));
  CHECK(io::former_neighbors(name).size() == 10);
  REQUIRE(io::write_file(name + "/neighbors", Bytes(100000, 'x')));
  CHECK(io::former_neighbors(name).empty());
}
