#include "reload/storage/known_copies.hpp"

#include <doctest/doctest.h>

#include "reload/base/limits.hpp"
#include "tests/unit/storage/storage_kit.hpp"

namespace reload::storage_test {

namespace {

KindAt at(const std::string& user) { return {resource_of_user(user), kSingle}; }

}  // namespace

TEST_CASE("what a peer is known to hold is what was noted last, until it or the place is forgotten") {
  KnownCopies known;
  const NodeId holder = kit::node_number(1);
  CHECK(known.generation(holder, at("alice")) == 0);
  known.note(holder, at("alice"), 3);
  known.note(holder, at("alice"), 4);
  known.note(holder, at("bob"), 1);
  known.note(kit::node_number(2), at("alice"), 9);
  CHECK(known.generation(holder, at("alice")) == 4);
  known.forget(at("alice"));
  CHECK(known.generation(holder, at("alice")) == 0);
  CHECK(known.generation(kit::node_number(2), at("alice")) == 0);
  CHECK(known.generation(holder, at("bob")) == 1);
  known.forget(holder);
  CHECK(known.generation(holder, at("bob")) == 0);
}

TEST_CASE("so many holders are remembered; for one more, the one with the fewest copies is forgotten") {
  KnownCopies known;
  for (std::size_t i = 0; i < limits::kMaxKnownHolders; ++i) {
    known.note(kit::node_number(i), at("alice"), 1);
    if (i != 5) known.note(kit::node_number(i), at("bob"), 1);
  }
  known.note(kit::node_number(1000), at("alice"), 7);
  CHECK(known.generation(kit::node_number(1000), at("alice")) == 7);
  CHECK(known.generation(kit::node_number(5), at("alice")) == 0);
  for (std::size_t i = 0; i < limits::kMaxKnownHolders; ++i)
    if (i != 5) CHECK(known.generation(kit::node_number(i), at("alice")) == 1);
}

}  // namespace reload::storage_test
