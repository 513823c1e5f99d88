// The value store on disk: an LMDB environment in a directory of its own. What a commit wrote survives the process,
// however it ends.
#pragma once

#include <filesystem>
#include <memory>

#include "reload/storage/value_store.hpp"

namespace reload::io {

enum class Durability : std::uint8_t {
  // A commit hands the pages to the kernel and does not wait for the disk, so it takes microseconds and may run on the
  // loop. A killed process loses nothing. A loss of power may cost the last seconds or the whole file; the overlay then
  // has the other copies.
  process,
  // A commit waits for the disk, some milliseconds each time. A loss of power costs nothing.
  disk,
};

struct LmdbOptions {
  std::filesystem::path directory;
  std::size_t max_bytes = std::size_t{4} << 30;  // of the file; address space only until it is used
  Durability durability = Durability::process;
};

class LmdbStore final : public storage::ValueStore {
 public:
  // Makes the directory if it is missing. The failure says what is wrong with which directory, and what helps.
  static Result<std::unique_ptr<LmdbStore>> open(const LmdbOptions& options);
  ~LmdbStore() override;

  [[nodiscard]] std::uint64_t generation(const storage::KindAt& at) const override;
  [[nodiscard]] std::size_t count(const storage::KindAt& at) const override;
  [[nodiscard]] std::optional<storage::StoredValue> find(const storage::ValueKey& key) const override;
  [[nodiscard]] std::vector<std::pair<storage::ValueKey, storage::StoredValue>> values(
      const storage::KindAt& at) const override;
  [[nodiscard]] std::optional<Bytes> last_slot(const storage::KindAt& at) const override;
  [[nodiscard]] std::vector<storage::KindAt> kinds_after(const std::optional<storage::KindAt>& last,
                                                         std::size_t limit) const override;
  [[nodiscard]] std::optional<ResourceId> resource_from(KindId kind, const ResourceId& from) const override;
  [[nodiscard]] std::size_t value_count() const override;
  [[nodiscard]] std::size_t resource_count() const override;
  [[nodiscard]] std::vector<storage::ValueKey> expired(Wall now, std::size_t limit) const override;
  [[nodiscard]] std::optional<Wall> next_expiry() const override;

  Result<void> apply(const storage::WriteBatch& batch) override;
  Result<void> commit() override;

 private:
  struct Impl;
  explicit LmdbStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace reload::io
