#include "reload/io/lmdb_env.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "reload/base/check.hpp"

namespace reload::io {

namespace {

constexpr std::string_view kFormatKey = "format";
constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kSpareBytes = std::size_t{4} << 20;

}  // namespace

Result<std::unique_ptr<LmdbEnv>> LmdbEnv::open(const LmdbOptions& options) {
  std::unique_ptr<LmdbEnv> env(new LmdbEnv);
  env->options_ = options;
  std::error_code error;
  std::filesystem::create_directories(options.directory, error);
  if (error)
    return failure("cannot make the store's directory " + options.directory.string() + ": " + error.message() +
                   "; give a directory that this user may write");
  for (const auto step : {&LmdbEnv::lock, &LmdbEnv::open_env, &LmdbEnv::open_tables}) {
    if (Result<void> done = (env.get()->*step)(); !done) return tl::unexpected(std::move(done.error()));
  }
  return env;
}

LmdbEnv::~LmdbEnv() {
  if (write_ != nullptr) mdb_txn_abort(write_);
  if (read_ != nullptr) mdb_txn_abort(read_);
  if (env_ != nullptr) mdb_env_close(env_);
  if (lock_fd_ >= 0) close(lock_fd_);
}

// The kernel drops the lock with the process, so a killed peer leaves nothing behind that keeps the next one out.
Result<void> LmdbEnv::lock() {
  const std::string file = (options_.directory / "lock").string();
  lock_fd_ = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock_fd_ < 0)
    return failure("cannot open " + file + ": " + std::strerror(errno) +
                   "; make the directory writable for this user or give another one");
  if (flock(lock_fd_, LOCK_EX | LOCK_NB) == 0) return {};
  if (errno == EWOULDBLOCK)
    return failure("the store in " + options_.directory.string() +
                   " is in use by another process; stop that one or give each peer its own directory");
  return failure("cannot lock " + file + ": " + std::strerror(errno) + "; the file system must support flock");
}

Result<void> LmdbEnv::open_env() {
  if (const int error = mdb_env_create(&env_)) return tl::unexpected(failed(error));
  const std::size_t size = options_.max_bytes + options_.max_bytes / 4 + kSpareBytes;
  const std::size_t page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  if (const int error = mdb_env_set_mapsize(env_, size / page * page)) return tl::unexpected(failed(error));
  if (const int error = mdb_env_set_maxdbs(env_, 8)) return tl::unexpected(failed(error));
  // Our own lock keeps other processes out and one thread uses the environment, so LMDB's locks are not needed.
  const unsigned flags = MDB_NOTLS | MDB_NOLOCK | (options_.durability == Durability::process ? MDB_NOSYNC : 0U);
  if (const int error = mdb_env_open(env_, options_.directory.c_str(), flags, 0600))
    return tl::unexpected(failed(error));
  // A file that lost its end would raise a signal where it is read. With zeros there, LMDB reports damage instead.
  MDB_envinfo info;
  MDB_stat stat;
  mdb_env_info(env_, &info);
  mdb_env_stat(env_, &stat);
  const std::filesystem::path file = options_.directory / "data.mdb";
  std::error_code error;
  const auto have = std::filesystem::file_size(file, error);
  const std::uintmax_t need = (std::uintmax_t{info.me_last_pgno} + 1) * stat.ms_psize;
  if (!error && have < need) std::filesystem::resize_file(file, need, error);
  if (error) return failure("cannot use " + file.string() + ": " + error.message());
  return {};
}

Result<void> LmdbEnv::open_tables() {
  MDB_txn* txn = nullptr;
  if (const int error = mdb_txn_begin(env_, nullptr, 0, &txn)) return tl::unexpected(failed(error));
  const auto give_up = [&](Failure reason) -> Result<void> {
    mdb_txn_abort(txn);
    return tl::unexpected(std::move(reason));
  };
  MDB_stat stat;
  if (const int error = mdb_env_stat(env_, &stat)) return give_up(failed(error));
  const bool fresh = stat.ms_entries == 0;
  const std::array<std::pair<const char*, MDB_dbi*>, 6> tables{{{"meta", &tables_.meta},
                                                                {"kinds", &tables_.kinds},
                                                                {"values", &tables_.values},
                                                                {"certificates", &tables_.certificates},
                                                                {"expiry", &tables_.expiry},
                                                                {"by_kind", &tables_.by_kind}}};
  const std::string cure = "; use the program that wrote it, or move the directory away and start with an empty store";
  for (const auto& [name, table] : tables) {
    const int error = mdb_dbi_open(txn, name, fresh ? MDB_CREATE : 0U, table);
    if (error == MDB_NOTFOUND || error == MDB_INCOMPATIBLE)
      return give_up({"the store in " + options_.directory.string() + " is not one of this program" + cure});
    if (error != 0) return give_up(failed(error));
  }
  MDB_val key = to_val(as_bytes(kFormatKey));
  MDB_val format = to_val({&kFormat, 1});
  if (fresh) {
    if (const int error = mdb_put(txn, tables_.meta, &key, &format, 0)) return give_up(failed(error));
  } else {
    MDB_val found;
    const int error = mdb_get(txn, tables_.meta, &key, &found);
    if (error != 0 || !equal(from_val(found), {&kFormat, 1}))
      return give_up(
          {"the store in " + options_.directory.string() + " has a format that this program cannot read" + cure});
  }
  if (const int error = mdb_txn_commit(txn)) return tl::unexpected(failed(error));
  if (const int error = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &read_)) return tl::unexpected(failed(error));
  mdb_txn_reset(read_);
  return {};
}

Failure LmdbEnv::failed(int error) const {
  std::string text = "the store in " + options_.directory.string() + ": " + mdb_strerror(error);
  switch (error) {
    case EACCES:
    case EPERM:
    case EROFS:
      return {text + "; make the directory and its files writable for this user"};
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_PANIC:
      return {text +
              "; data.mdb is damaged or of another program: move the directory away and start with an empty "
              "store, the overlay brings the values back"};
    case MDB_MAP_FULL:
      return {text + "; it reached its size limit of " + std::to_string(options_.max_bytes) +
              " bytes: raise the limit"};
    case ENOSPC:
      return {text + "; make room on the disk"};
    case ENOMEM:
      return {text + "; the size limit of " + std::to_string(options_.max_bytes) +
              " bytes is more than the address space allows"};
    default:
      return {text};
  }
}

LmdbEnv::Read::Read(LmdbEnv& env) : env_(env), txn_(env.write_) {
  if (txn_ != nullptr) return;
  // Cannot fail: the reader has no slot in a lock file to lose.
  RELOAD_CHECK(mdb_txn_renew(env.read_) == 0);
  txn_ = env.read_;
}

LmdbEnv::Read::~Read() {
  if (txn_ == env_.read_) mdb_txn_reset(txn_);
}

LmdbEnv::Batch::Batch(LmdbEnv& env) : env_(env) {
  if (env.write_ == nullptr) state_ = mdb_txn_begin(env.env_, nullptr, 0, &env.write_);
  if (state_ == 0) state_ = mdb_txn_begin(env.env_, env.write_, 0, &txn_);
}

LmdbEnv::Batch::~Batch() {
  if (txn_ != nullptr) mdb_txn_abort(txn_);
}

int LmdbEnv::Batch::finish(bool growing) {
  if (growing && !env_.within_limit(txn_)) return MDB_MAP_FULL;
  return mdb_txn_commit(std::exchange(txn_, nullptr));
}

bool LmdbEnv::within_limit(MDB_txn* txn) const {
  std::size_t bytes = 0;
  for (const MDB_dbi table : {tables_.kinds, tables_.values, tables_.certificates, tables_.expiry, tables_.by_kind}) {
    MDB_stat stat;
    if (mdb_stat(txn, table, &stat) != 0) return false;
    bytes += (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages) * stat.ms_psize;
  }
  return bytes <= options_.max_bytes;
}

int LmdbEnv::commit() {
  if (write_ == nullptr) return 0;
  return mdb_txn_commit(std::exchange(write_, nullptr));
}

}  // namespace reload::io
