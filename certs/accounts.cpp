#include "certs/accounts.hpp"

#include <algorithm>

namespace reload::certs {
namespace {

constexpr std::size_t kSpareLines = 1000;  // a small journal is left as it is

tl::unexpected<Failure> no_account(std::string_view name) {
  return failure("there is no account " + std::string(name) + " (see reload-certs user list)");
}

std::string already_there(std::string_view name) {
  return "the account " + std::string(name) + " exists already: its password is changed by user passwd";
}

tl::unexpected<Failure> full() {
  return failure("there are " + std::to_string(kMaxAccounts) + " accounts already: remove some first");
}

}  // namespace

Result<std::unique_ptr<Accounts>> Accounts::open(const OverlayDir& dir) {
  std::unique_ptr<Accounts> accounts(new Accounts(dir));
  if (auto read = accounts->journal_.refresh(accounts->store_); !read) return tl::unexpected(read.error());
  return accounts;
}

Result<std::optional<Account>> Accounts::find(std::string_view name) {
  const std::lock_guard guard(mutex_);
  if (auto read = journal_.refresh(store_); !read) return tl::unexpected(read.error());
  const Account* account = store_.find(name);
  return account == nullptr ? std::nullopt : std::optional(*account);
}

Result<void> Accounts::for_each(const std::function<void(const std::string&, const Account&)>& visit) {
  const std::lock_guard guard(mutex_);
  if (auto read = journal_.refresh(store_); !read) return read;
  for (const auto& [name, account] : store_.accounts()) visit(name, account);
  return {};
}

// The state changes by what is read back from the file, for this process as for every other.
Result<void> Accounts::append(const FileLock& lock, std::string_view record) {
  if (auto appended = journal_.append(lock, record); !appended) return appended;
  return journal_.refresh(store_);
}

Result<void> Accounts::change(std::string_view name, const std::function<Result<std::string>(const Account&)>& record) {
  const std::lock_guard guard(mutex_);
  const auto lock = journal_.lock();
  if (!lock) return tl::unexpected(lock.error());
  if (auto read = journal_.refresh(store_); !read) return read;
  const Account* account = store_.find(name);
  if (account == nullptr) return no_account(name);
  const auto text = record(*account);
  if (!text) return tl::unexpected(text.error());
  return append(*lock, *text);
}

Result<void> Accounts::add(const NewAccount& account) {
  const std::lock_guard guard(mutex_);
  const auto lock = journal_.lock();
  if (!lock) return tl::unexpected(lock.error());
  if (auto read = journal_.refresh(store_); !read) return read;
  // 6940 13.3: user names are unique in the overlay.
  if (store_.find(account.name) != nullptr) return failure(already_there(account.name));
  if (store_.accounts().size() >= kMaxAccounts) return full();
  return append(*lock, record_add(account.name, account.password_hash, account.hosts));
}

Result<void> Accounts::import(const std::vector<NewAccount>& accounts) {
  const std::lock_guard guard(mutex_);
  const auto lock = journal_.lock();
  if (!lock) return tl::unexpected(lock.error());
  if (auto read = journal_.refresh(store_); !read) return read;
  for (const NewAccount& account : accounts) {
    if (store_.find(account.name) != nullptr)
      return failure("line " + std::to_string(account.line) + ": " + already_there(account.name));
  }
  if (accounts.size() > kMaxAccounts - store_.accounts().size()) return full();
  // Another file takes the journal's place at once, so that a process that is killed leaves all of them or none.
  const auto written = journal_.replace(*lock, [&](const AccountJournal::Give& give) -> Result<void> {
    if (auto told = store_.tell(give); !told) return told;
    for (const NewAccount& account : accounts) {
      if (auto given = give(record_add(account.name, account.password_hash, account.hosts)); !given) return given;
    }
    return {};
  });
  if (!written) return written;
  return journal_.refresh(store_);
}

Result<void> Accounts::set_password(std::string_view name, std::string_view password_hash) {
  return change(name, [&](const Account&) { return record_password(name, password_hash); });
}

Result<void> Accounts::set_disabled(std::string_view name, bool disabled) {
  return change(name, [&](const Account&) { return record_disabled(name, disabled); });
}

Result<void> Accounts::remove(std::string_view name) {
  return change(name, [&](const Account&) { return record_remove(name); });
}

Result<void> Accounts::forget_device(std::string_view name, std::string_view host, std::string_view device) {
  return change(name, [&](const Account& account) -> Result<std::string> {
    if (account.device(host, device) == nullptr) {
      return failure(std::string(name) + " has no device \"" + std::string(device) + "\"" +
                     (host.empty() ? "" : " enrolled by " + std::string(host)) + " (see user list --json)");
    }
    return record_forget(name, host, device);
  });
}

Result<Accounts::Assigned> Accounts::assign(const Assignment& wanted, const std::function<Result<NodeId>()>& new_id,
                                            const std::function<bool(const NodeId&)>& is_revoked) {
  const std::lock_guard guard(mutex_);
  const auto lock = journal_.lock();
  if (!lock) return tl::unexpected(lock.error());
  if (auto read = journal_.refresh(store_); !read) return tl::unexpected(read.error());
  const Account* account = store_.find(wanted.name);
  if (account == nullptr || account->disabled) return Assigned(NotAssigned::no_account);
  const Device* known = account->device(wanted.host, wanted.device);
  if (known == nullptr && account->devices.size() >= kMaxDevices) return Assigned(NotAssigned::too_many_devices);
  Device device = known != nullptr ? *known : Device{wanted.host, wanted.device, {}};
  if (std::ranges::any_of(device.node_ids, is_revoked)) return Assigned(NotAssigned::revoked);
  const std::size_t held = device.node_ids.size();
  while (device.node_ids.size() < wanted.count) {
    const auto id = new_id();
    if (!id) return tl::unexpected(id.error());
    const bool taken = store_.was_given(*id) || std::ranges::find(device.node_ids, *id) != device.node_ids.end();
    if (!taken && !is_revoked(*id)) device.node_ids.push_back(*id);
  }
  if (device.node_ids.size() > held) {
    if (auto written = append(*lock, record_device(wanted.name, device)); !written)
      return tl::unexpected(written.error());
  }
  device.node_ids.resize(wanted.count);
  return Assigned(std::move(device.node_ids));
}

Result<void> Accounts::compact_if_worth() {
  const std::lock_guard guard(mutex_);
  const auto lock = journal_.lock();
  if (!lock) return tl::unexpected(lock.error());
  if (auto read = journal_.refresh(store_); !read) return read;
  if (journal_.lines() < 2 * store_.shortest() + kSpareLines) return {};
  const auto written = journal_.replace(*lock, [&](const AccountJournal::Give& give) { return store_.tell(give); });
  if (!written) return written;
  return journal_.refresh(store_);
}

}  // namespace reload::certs
