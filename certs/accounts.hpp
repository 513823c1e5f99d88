// The accounts of an overlay's directory, shared by the enrolment server and the command line: each change is in the
// journal, on the disk, before it is done here. Safe to call from several threads and processes at once.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <variant>

#include "certs/account_store.hpp"
#include "certs/overlay_dir.hpp"

namespace reload::certs {

struct NewAccount {
  std::string name;  // canonical
  std::string password_hash;
  std::vector<std::string> hosts;
  std::size_t line = 0;  // in the file that is imported
};

// Which Node-IDs a device is to have.
struct Assignment {
  std::string name;
  std::string host;
  std::string device;
  std::size_t count = 1;
};
enum class NotAssigned { no_account, too_many_devices, revoked };

class Accounts {
 public:
  static Result<std::unique_ptr<Accounts>> open(const OverlayDir& dir);

  [[nodiscard]] Result<std::optional<Account>> find(std::string_view name);
  // All of them, for a listing, in the order of their names.
  [[nodiscard]] Result<void> for_each(const std::function<void(const std::string&, const Account&)>& visit);

  [[nodiscard]] Result<void> add(const NewAccount& account);
  // All or none; existing names are a failure that names the line.
  [[nodiscard]] Result<void> import(const std::vector<NewAccount>& accounts);
  [[nodiscard]] Result<void> set_password(std::string_view name, std::string_view password_hash);
  [[nodiscard]] Result<void> set_disabled(std::string_view name, bool disabled);
  [[nodiscard]] Result<void> remove(std::string_view name);
  [[nodiscard]] Result<void> forget_device(std::string_view name, std::string_view host, std::string_view device);

  // The device's Node-IDs: those that it has, and so many new ones as are missing. They are on the disk when this
  // returns, so that no other device ever gets them.
  using Assigned = std::variant<std::vector<NodeId>, NotAssigned>;
  [[nodiscard]] Result<Assigned> assign(const Assignment& wanted, const std::function<Result<NodeId>()>& new_id,
                                        const std::function<bool(const NodeId&)>& is_revoked);

  // Writes the journal anew when most of its lines say what later ones have changed.
  [[nodiscard]] Result<void> compact_if_worth();

 private:
  explicit Accounts(const OverlayDir& dir) : journal_(dir.accounts(), dir.accounts_lock()) {}

  // Appends the record that `change` makes of an existing account.
  Result<void> change(std::string_view name, const std::function<Result<std::string>(const Account&)>& record);
  Result<void> append(const FileLock& lock, std::string_view record);

  std::mutex mutex_;
  AccountJournal journal_;
  AccountStore store_;
};

}  // namespace reload::certs
