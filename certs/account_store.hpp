// Accounts, their devices and every Node-ID ever given, as the records of the journal make them (6940 11.3, 13.3).
// An account with one device takes about 520 bytes, and 12 us to read.
#pragma once

#include <map>
#include <set>

#include "certs/account_journal.hpp"
#include "reload/base/ids.hpp"

namespace reload::certs {

inline constexpr std::size_t kMaxAccounts = 1'000'000;
inline constexpr std::size_t kMaxHostPatterns = 16;
inline constexpr std::size_t kMaxHostPattern = 320;  // user part, @ and domain
inline constexpr std::size_t kMaxDeviceName = 64;
inline constexpr std::size_t kMaxDevices = 64;  // of one account, those of its hosts among them

// Keeps its Node-IDs at each renewal, so that what it has stored stays its own. A peer that hosts the user has another
// device of the same name than the user, and so Node-IDs that are its own.
struct Device {
  std::string host;  // account of the peer that enrolled it; empty: the user
  std::string name;
  std::vector<NodeId> node_ids;
};

struct Account {
  std::string password_hash;
  bool disabled = false;
  std::vector<std::string> hosts;  // patterns of other accounts' names that this one may enrol
  std::vector<Device> devices;

  [[nodiscard]] const Device* device(std::string_view host, std::string_view name) const;
};

class AccountStore final : public JournalReader {
 public:
  using Map = std::map<std::string, Account, std::less<>>;

  void reset() override;
  Result<void> apply(std::string_view record) override;

  [[nodiscard]] const Map& accounts() const { return accounts_; }
  [[nodiscard]] const Account* find(std::string_view name) const;
  [[nodiscard]] bool was_given(const NodeId& id) const { return given_.contains(id); }
  // The shortest records that make the same state, into another file.
  [[nodiscard]] Result<void> tell(const AccountJournal::Give& give) const;
  [[nodiscard]] std::size_t shortest() const;  // how many those are, about

 private:
  struct Reading;

  Map accounts_;
  std::set<NodeId> given_;    // a Node-ID is never given twice, also not when its account is gone
  std::set<NodeId> retired_;  // those of given_ that no device has
};

// The records.
[[nodiscard]] std::string record_add(std::string_view name, std::string_view password_hash,
                                     const std::vector<std::string>& hosts);
[[nodiscard]] std::string record_password(std::string_view name, std::string_view password_hash);
[[nodiscard]] std::string record_disabled(std::string_view name, bool disabled);
[[nodiscard]] std::string record_remove(std::string_view name);
// All Node-IDs of the device, those that it has already among them.
[[nodiscard]] std::string record_device(std::string_view name, const Device& device);
[[nodiscard]] std::string record_forget(std::string_view name, std::string_view host, std::string_view device);

// Whether a pattern of --host has the name: `*` stands for any characters, all others for themselves.
[[nodiscard]] bool matches_pattern(std::string_view pattern, std::string_view name);

}  // namespace reload::certs
