// What a Fetch, Stat or Find is answered with (6940 7.4.2 to 7.4.4). Pure functions over the value store.
#pragma once

#include "reload/security/crypto.hpp"
#include "reload/storage/refusal.hpp"
#include "reload/storage/value_store.hpp"

namespace reload::storage {

// The values that one specifier asks for, with what is left of their lifetime (T39). A slot asked for by name that is
// empty has a synthetic value, which has no certificate.
struct SelectedKind {
  KindId kind;
  std::uint64_t generation = 0;
  std::vector<StoredValue> values;
};
[[nodiscard]] tl::expected<std::vector<SelectedKind>, Refusal> select_values(const wire::FetchReq& request,
                                                                             const ValueStore& store,
                                                                             const config::KindRegistry& kinds,
                                                                             Wall now);

[[nodiscard]] wire::FetchAns fetch_answer(std::vector<SelectedKind> kinds);
[[nodiscard]] wire::StatAns stat_answer(const std::vector<SelectedKind>& kinds, const security::Crypto& crypto);

// "Closest" is the first stored Resource-ID clockwise from the one asked for (T40); 16 zero bytes if there is none.
[[nodiscard]] tl::expected<wire::FindAns, Refusal> find_answer(const wire::FindReq& request, const ValueStore& store,
                                                               const config::KindRegistry& kinds);

}  // namespace reload::storage
