#include "reload/io/lmdb_store.hpp"

#include <algorithm>

#include "reload/io/lmdb_env.hpp"
#include "reload/io/lmdb_keys.hpp"

namespace reload::io {

using storage::KindAt;
using storage::StoredValue;
using storage::ValueKey;

namespace {

constexpr std::string_view kResourcesKey = "resources";

void put_integer(Bytes& out, std::uint64_t value, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}
std::uint64_t get_integer(ByteView bytes) {
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

struct KindRecord {
  std::uint64_t generation = 0;
  std::uint64_t count = 0;
};

bool starts_with(ByteView bytes, ByteView start) {
  return bytes.size() >= start.size() && equal(bytes.first(start.size()), start);
}

// Reading and writing within one transaction. Errors are LMDB's; MDB_NOTFOUND is one that callers expect.
class View {
 public:
  View(MDB_txn* txn, const LmdbTables& tables) : txn_(txn), tables_(tables) {}

  [[nodiscard]] MDB_txn* txn() const { return txn_; }
  [[nodiscard]] int get(MDB_dbi table, ByteView key, ByteView& value) const {
    MDB_val k = to_val(key);
    MDB_val v;
    const int error = mdb_get(txn_, table, &k, &v);
    if (error == 0) value = from_val(v);
    return error;
  }
  int put(MDB_dbi table, ByteView key, ByteView value) {
    MDB_val k = to_val(key);
    MDB_val v = to_val(value);
    return mdb_put(txn_, table, &k, &v, 0);
  }
  int del(MDB_dbi table, ByteView key) {
    MDB_val k = to_val(key);
    return mdb_del(txn_, table, &k, nullptr);
  }

  // Shows `visit` entries from the first key at or after `from` on, until it returns false.
  template <class Visit>
  int walk(MDB_dbi table, ByteView from, Visit&& visit) const {
    MDB_cursor* cursor = nullptr;
    if (const int error = mdb_cursor_open(txn_, table, &cursor)) return error;
    MDB_val k = to_val(from);
    MDB_val v;
    int error = mdb_cursor_get(cursor, &k, &v, from.empty() ? MDB_FIRST : MDB_SET_RANGE);
    while (error == 0 && visit(from_val(k), from_val(v))) error = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    mdb_cursor_close(cursor);
    return error == MDB_NOTFOUND ? 0 : error;
  }

  [[nodiscard]] int kind(const KindAt& at, KindRecord& record) const {
    ByteView bytes;
    const int error = get(tables_.kinds, kind_key(at), bytes);
    if (error != 0) return error;
    if (bytes.size() != 12) return MDB_CORRUPTED;
    record = {get_integer(bytes.first(8)), get_integer(bytes.subspan(8))};
    return 0;
  }

  [[nodiscard]] int value(ByteView key, StoredValue& value) const {
    ByteView bytes;
    const int error = get(tables_.values, key, bytes);
    if (error != 0) return error;
    return decode(bytes, value);
  }

  // A record and the certificate that belongs to it.
  [[nodiscard]] int decode(ByteView record, StoredValue& value) const {
    std::optional<StoredValue> decoded = storage::decode_record(record);
    if (!decoded) return MDB_CORRUPTED;
    ByteView certificate;
    const int error = get(tables_.certificates, decoded->certificate_hash, certificate);
    if (error != 0 || certificate.size() < 4) return MDB_CORRUPTED;
    decoded->certificate = SharedBytes(to_bytes(certificate.subspan(4)));
    value = std::move(*decoded);
    return 0;
  }

  int apply(const storage::WriteBatch& batch) {
    int error = 0;
    for (const storage::Write& write : batch) {
      error = std::visit([this](const auto& one) { return apply(one); }, write);
      if (error != 0) break;
    }
    return error;
  }

  [[nodiscard]] int resources(std::uint64_t& count) const {
    ByteView bytes;
    count = 0;
    const int error = get(tables_.meta, as_bytes(kResourcesKey), bytes);
    if (error == 0) count = get_integer(bytes);
    return error == MDB_NOTFOUND ? 0 : error;
  }

 private:
  int apply(const storage::PutValue& put_value) {
    if (put_value.key.resource.size() > kMaxLmdbResource) return MDB_BAD_VALSIZE;
    const Bytes key = value_key(put_value.key);
    StoredValue old;
    int error = value(key, old);
    if (error != 0 && error != MDB_NOTFOUND) return error;
    const bool fresh = error == MDB_NOTFOUND;
    if (fresh) {
      error = count_value(storage::at_of(put_value.key));
    } else {
      error = del(tables_.expiry, expiry_key(old.expires(), put_value.key));
    }
    const StoredValue& now = put_value.value;
    if (error == 0 && (fresh || old.certificate_hash != now.certificate_hash)) {
      error = hold_certificate(now);
      if (error == 0 && !fresh) error = release_certificate(old.certificate_hash);
    }
    if (error == 0) error = put(tables_.values, key, storage::encode_record(now));
    if (error == 0) error = put(tables_.expiry, expiry_key(now.expires(), put_value.key), {});
    return error;
  }

  int apply(const storage::RemoveValue& remove) {
    const Bytes key = value_key(remove.key);
    StoredValue old;
    int error = value(key, old);
    if (error == MDB_NOTFOUND) return 0;
    if (error == 0) error = del(tables_.values, key);
    if (error == 0) error = del(tables_.expiry, expiry_key(old.expires(), remove.key));
    if (error == 0) error = release_certificate(old.certificate_hash);
    if (error == 0) error = uncount_value(storage::at_of(remove.key));
    return error;
  }

  int apply(const storage::PutCounter& counter) {
    KindRecord record;
    const int error = kind(counter.at, record);
    if (error == MDB_NOTFOUND) return 0;
    if (error != 0) return error;
    record.generation = counter.generation;
    return put_kind(counter.at, record);
  }

  int put_kind(const KindAt& at, const KindRecord& record) {
    Bytes bytes;
    put_integer(bytes, record.generation, 8);
    put_integer(bytes, record.count, 4);
    return put(tables_.kinds, kind_key(at), bytes);
  }

  int count_value(const KindAt& at) {
    KindRecord record;
    int error = kind(at, record);
    if (error == MDB_NOTFOUND) {
      error = has_resource(at.resource) ? 0 : change_resources(+1);
      if (error == 0) error = put(tables_.by_kind, by_kind_key(at.kind, at.resource), {});
    }
    ++record.count;
    return error != 0 ? error : put_kind(at, record);
  }

  int uncount_value(const KindAt& at) {
    KindRecord record;
    int error = kind(at, record);
    if (error != 0) return MDB_CORRUPTED;
    if (--record.count > 0) return put_kind(at, record);
    error = del(tables_.kinds, kind_key(at));
    if (error == 0) error = del(tables_.by_kind, by_kind_key(at.kind, at.resource));
    if (error == 0 && !has_resource(at.resource)) error = change_resources(-1);
    return error;
  }

  [[nodiscard]] bool has_resource(const ResourceId& resource) const {
    const Bytes start = resource_key(resource);
    bool found = false;
    walk(tables_.kinds, start, [&](ByteView key, ByteView) {
      found = starts_with(key, start);
      return false;
    });
    return found;
  }

  int change_resources(int by) {
    std::uint64_t count = 0;
    if (const int error = resources(count)) return error;
    Bytes bytes;
    put_integer(bytes, count + static_cast<std::uint64_t>(by), 8);
    return put(tables_.meta, as_bytes(kResourcesKey), bytes);
  }

  // Values of one user share one certificate, with a count of them before it.
  int hold_certificate(const StoredValue& value) {
    ByteView there;
    const int error = get(tables_.certificates, value.certificate_hash, there);
    if (error != 0 && error != MDB_NOTFOUND) return error;
    Bytes bytes;
    put_integer(bytes, error == 0 ? get_integer(there.first(4)) + 1 : 1, 4);
    append(bytes, error == 0 ? there.subspan(4) : value.certificate.view());
    return put(tables_.certificates, value.certificate_hash, bytes);
  }

  int release_certificate(const security::CertificateHash& hash) {
    ByteView there;
    if (get(tables_.certificates, hash, there) != 0 || there.size() < 4) return MDB_CORRUPTED;
    const std::uint64_t left = get_integer(there.first(4)) - 1;
    if (left == 0) return del(tables_.certificates, hash);
    Bytes bytes;
    put_integer(bytes, left, 4);
    append(bytes, there.subspan(4));
    return put(tables_.certificates, hash, bytes);
  }

  MDB_txn* txn_;
  const LmdbTables& tables_;
};

}  // namespace

struct LmdbStore::Impl {
  std::unique_ptr<LmdbEnv> env;
  int damage = 0;  // the first error of a read; nothing is written after it

  // Runs `look` in a view. Reads have no way to fail, so damage shows as nothing there, and refuses all writes.
  template <class Look>
  void read(Look&& look) {
    const LmdbEnv::Read transaction(*env);
    const int error = look(View(transaction.txn(), env->tables()));
    if (error != 0 && error != MDB_NOTFOUND && damage == 0) damage = error;
  }
};

LmdbStore::LmdbStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LmdbStore::~LmdbStore() = default;

Result<std::unique_ptr<LmdbStore>> LmdbStore::open(const LmdbOptions& options) {
  auto env = LmdbEnv::open(options);
  if (!env) return tl::unexpected(std::move(env.error()));
  auto impl = std::make_unique<Impl>();
  impl->env = std::move(*env);
  return std::unique_ptr<LmdbStore>(new LmdbStore(std::move(impl)));
}

std::uint64_t LmdbStore::generation(const KindAt& at) const {
  KindRecord record;
  impl_->read([&](const View& view) { return view.kind(at, record); });
  return record.generation;
}

std::size_t LmdbStore::count(const KindAt& at) const {
  KindRecord record;
  impl_->read([&](const View& view) { return view.kind(at, record); });
  return record.count;
}

std::optional<StoredValue> LmdbStore::find(const ValueKey& key) const {
  std::optional<StoredValue> found;
  impl_->read([&](const View& view) {
    StoredValue value;
    const int error = view.value(value_key(key), value);
    if (error == 0) found = std::move(value);
    return error;
  });
  return found;
}

std::vector<std::pair<ValueKey, StoredValue>> LmdbStore::values(const KindAt& at) const {
  std::vector<std::pair<ValueKey, StoredValue>> found;
  impl_->read([&](const View& view) {
    const Bytes start = kind_key(at);
    int damage = 0;
    const int error = view.walk(impl_->env->tables().values, start, [&](ByteView key, ByteView record) {
      if (!starts_with(key, start)) return false;
      StoredValue value;
      damage = view.decode(record, value);
      if (damage != 0) return false;
      ValueKey place{at.resource, at.kind, storage::slot_of(value.data.value)};
      found.emplace_back(std::move(place), std::move(value));
      return true;
    });
    return error != 0 ? error : damage;
  });
  // Long slots are in order of their digests.
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first.slot < b.first.slot; });
  return found;
}

std::optional<Bytes> LmdbStore::last_slot(const KindAt& at) const {
  std::optional<Bytes> last;
  impl_->read([&](const View& view) -> int {
    MDB_txn* const txn = view.txn();
    MDB_cursor* cursor = nullptr;
    if (const int error = mdb_cursor_open(txn, impl_->env->tables().values, &cursor)) return error;
    const Bytes start = kind_key(at);
    // No slot's key goes on with this byte, so it leads behind the last one.
    Bytes behind = start;
    behind.push_back(0xff);
    MDB_val key = to_val(behind);
    MDB_val record;
    int error = mdb_cursor_get(cursor, &key, &record, MDB_SET_RANGE);
    error = mdb_cursor_get(cursor, &key, &record, error == 0 ? MDB_PREV : MDB_LAST);
    if (error == 0 && starts_with(from_val(key), start)) {
      StoredValue value;
      error = view.decode(from_val(record), value);
      if (error == 0) last = storage::slot_of(value.data.value);
    }
    mdb_cursor_close(cursor);
    return error;
  });
  return last;
}

std::vector<KindAt> LmdbStore::kinds_after(const std::optional<KindAt>& last, std::size_t limit) const {
  std::vector<KindAt> found;
  if (limit == 0) return found;
  impl_->read([&](const View& view) {
    const Bytes start = last ? kind_key(*last) : Bytes{};
    return view.walk(impl_->env->tables().kinds, start, [&](ByteView key, ByteView) {
      if (equal(key, start)) return true;
      if (const auto parsed = parse_kind_key(key)) found.push_back(parsed->at);
      return found.size() < limit;
    });
  });
  return found;
}

std::optional<ResourceId> LmdbStore::resource_from(KindId kind, const ResourceId& from) const {
  std::optional<ResourceId> found;
  impl_->read([&](const View& view) {
    const Bytes start = by_kind_key(kind, from);
    return view.walk(impl_->env->tables().by_kind, start, [&](ByteView key, ByteView) {
      if (starts_with(key, ByteView(start).first(4))) found = parse_by_kind_key(key);
      return false;
    });
  });
  return found;
}

std::size_t LmdbStore::value_count() const {
  MDB_stat stat{};
  impl_->read([&](const View& view) { return mdb_stat(view.txn(), impl_->env->tables().values, &stat); });
  return stat.ms_entries;
}

std::size_t LmdbStore::resource_count() const {
  std::uint64_t count = 0;
  impl_->read([&](const View& view) { return view.resources(count); });
  return count;
}

std::vector<ValueKey> LmdbStore::expired(Wall now, std::size_t limit) const {
  std::vector<ValueKey> found;
  if (limit == 0) return found;
  impl_->read([&](const View& view) {
    int damage = 0;
    const int error = view.walk(impl_->env->tables().expiry, {}, [&](ByteView key, ByteView) {
      const auto expiry = parse_expiry_key(key);
      const auto place = expiry ? parse_value_key(expiry->value_key) : std::nullopt;
      if (!place) {
        damage = MDB_CORRUPTED;
        return false;
      }
      if (expiry->when > now) return false;
      if (place->slot) {
        found.push_back({place->at.resource, place->at.kind, *place->slot});
      } else {
        StoredValue value;
        damage = view.value(expiry->value_key, value);
        if (damage != 0) return false;
        found.push_back({place->at.resource, place->at.kind, storage::slot_of(value.data.value)});
      }
      return found.size() < limit;
    });
    return error != 0 ? error : damage;
  });
  return found;
}

std::optional<Wall> LmdbStore::next_expiry() const {
  std::optional<Wall> next;
  impl_->read([&](const View& view) {
    return view.walk(impl_->env->tables().expiry, {}, [&](ByteView key, ByteView) {
      if (const auto expiry = parse_expiry_key(key)) next = expiry->when;
      return false;
    });
  });
  return next;
}

Result<void> LmdbStore::apply(const storage::WriteBatch& batch) {
  if (impl_->damage != 0) return tl::unexpected(impl_->env->failed(impl_->damage));
  LmdbEnv::Batch write(*impl_->env);
  int error = write.state();
  if (error == 0) error = View(write.txn(), impl_->env->tables()).apply(batch);
  const bool growing = std::any_of(batch.begin(), batch.end(), [](const storage::Write& one) {
    return std::holds_alternative<storage::PutValue>(one);
  });
  if (error == 0) error = write.finish(growing);
  if (error != 0) return tl::unexpected(impl_->env->failed(error));
  return {};
}

Result<void> LmdbStore::commit() {
  if (const int error = impl_->env->commit()) return tl::unexpected(impl_->env->failed(error));
  return {};
}

}  // namespace reload::io
