// An LMDB environment of our own format, held by one process at a time, and its transactions.
#pragma once

#include <lmdb.h>

#include <memory>

#include "reload/io/lmdb_store.hpp"

namespace reload::io {

// The tables, each under its name.
struct LmdbTables {
  MDB_dbi meta = 0;          // format version, number of resources
  MDB_dbi kinds = 0;         // resource, Kind: generation counter, number of values
  MDB_dbi values = 0;        // resource, Kind, slot: record
  MDB_dbi certificates = 0;  // hash: how many values have it, DER
  MDB_dbi expiry = 0;        // time, value key: nothing
  MDB_dbi by_kind = 0;       // Kind, resource: nothing
};

[[nodiscard]] inline MDB_val to_val(ByteView bytes) { return {bytes.size(), const_cast<std::uint8_t*>(bytes.data())}; }
[[nodiscard]] inline ByteView from_val(const MDB_val& val) {
  return {static_cast<const std::uint8_t*>(val.mv_data), val.mv_size};
}

class LmdbEnv {
 public:
  static Result<std::unique_ptr<LmdbEnv>> open(const LmdbOptions& options);
  ~LmdbEnv();
  LmdbEnv(const LmdbEnv&) = delete;
  LmdbEnv& operator=(const LmdbEnv&) = delete;

  [[nodiscard]] const LmdbTables& tables() const { return tables_; }

  // A view of what was applied last. Not to be kept: pages change with the next write.
  class Read {
   public:
    explicit Read(LmdbEnv& env);
    ~Read();
    Read(const Read&) = delete;
    Read& operator=(const Read&) = delete;
    [[nodiscard]] MDB_txn* txn() const { return txn_; }

   private:
    LmdbEnv& env_;
    MDB_txn* txn_ = nullptr;
  };

  // One batch within the turn's write transaction, which the first one opens. Undone unless `finish` succeeds.
  class Batch {
   public:
    explicit Batch(LmdbEnv& env);
    ~Batch();
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
    [[nodiscard]] int state() const { return state_; }  // LMDB's error, if it could not begin
    [[nodiscard]] MDB_txn* txn() const { return txn_; }
    // `growing`: it may not go beyond max_bytes. The file has room beyond that, so that values can always be removed.
    [[nodiscard]] int finish(bool growing);

   private:
    LmdbEnv& env_;
    MDB_txn* txn_ = nullptr;
    int state_ = 0;
  };

  [[nodiscard]] int commit();
  [[nodiscard]] Failure failed(int error) const;

 private:
  LmdbEnv() = default;
  Result<void> lock();
  Result<void> open_env();
  Result<void> open_tables();
  [[nodiscard]] bool within_limit(MDB_txn* txn) const;

  LmdbOptions options_;
  int lock_fd_ = -1;
  MDB_env* env_ = nullptr;
  LmdbTables tables_;
  MDB_txn* read_ = nullptr;   // reset between reads
  MDB_txn* write_ = nullptr;  // of this turn, until its commit
};

}  // namespace reload::io
