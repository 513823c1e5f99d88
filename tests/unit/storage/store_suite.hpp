// What every value store must do, run against each implementation.
#pragma once

#include <functional>
#include <memory>

#include "reload/storage/value_store.hpp"

namespace reload::storage_test {

using MakeStore = std::function<std::unique_ptr<storage::ValueStore>()>;

void check_value_store(const MakeStore& make);
// Random batches on both: they must hold the same afterwards, and at each step.
void check_same(storage::ValueStore& one, storage::ValueStore& other, std::uint64_t seed, int steps);

}  // namespace reload::storage_test
