#include "certs/account_store.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace reload::certs {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kRetiredInRecord = 1000;

Json hex_list(const std::vector<NodeId>& ids) {
  Json list = Json::array();
  for (const NodeId& id : ids) list.push_back(id.hex());
  return list;
}

bool is_same(const Device& device, std::string_view host, std::string_view name) {
  return device.host == host && device.name == name;
}

}  // namespace

const Device* Account::device(std::string_view host, std::string_view name) const {
  const auto found = std::ranges::find_if(devices, [&](const Device& each) { return is_same(each, host, name); });
  return found == devices.end() ? nullptr : &*found;
}

// One record on its way into the store.
struct AccountStore::Reading {
  AccountStore& store;
  const Json& json;

  [[nodiscard]] std::string text(const char* key) const {
    const auto value = json.find(key);
    return value != json.end() && value->is_string() ? value->get<std::string>() : "";
  }
  [[nodiscard]] std::vector<std::string> texts(const char* key) const {
    std::vector<std::string> list;
    const auto value = json.find(key);
    if (value == json.end() || !value->is_array()) return list;
    for (const Json& each : *value) list.push_back(each.is_string() ? each.get<std::string>() : "");
    return list;
  }
  [[nodiscard]] Result<std::vector<NodeId>> ids() const {
    std::vector<NodeId> list;
    for (const std::string& each : texts("node_ids")) {
      const auto id = NodeId::parse_hex(each);
      if (!id) return failure("holds \"" + each + "\", which is no Node-ID");
      list.push_back(*id);
    }
    return list;
  }
  [[nodiscard]] Result<Map::iterator> account(const char* key) const {
    const auto found = store.accounts_.find(text(key));
    if (found == store.accounts_.end()) return failure("is of the account " + text(key) + ", which there is not");
    return found;
  }

  Result<void> add() const {
    if (store.accounts_.size() >= kMaxAccounts) return failure("is one account too many");
    const auto [at, fresh] = store.accounts_.try_emplace(text("add"), Account{text("hash"), false, texts("hosts"), {}});
    if (!fresh) return failure("adds " + at->first + ", which there is already");
    return {};
  }
  Result<void> password() const {
    const auto found = account("passwd");
    if (!found) return tl::unexpected(found.error());
    (*found)->second.password_hash = text("hash");
    return {};
  }
  Result<void> set_disabled(const char* key, bool disabled) const {
    const auto found = account(key);
    if (!found) return tl::unexpected(found.error());
    (*found)->second.disabled = disabled;
    return {};
  }
  Result<void> remove() const {
    const auto found = account("remove");
    if (!found) return tl::unexpected(found.error());
    for (const Device& device : (*found)->second.devices) retire(device);
    store.accounts_.erase(*found);
    return {};
  }
  Result<void> device() const {
    const auto found = account("user");
    if (!found) return tl::unexpected(found.error());
    auto given = ids();
    if (!given) return tl::unexpected(given.error());
    std::vector<Device>& devices = (*found)->second.devices;
    const std::string host = text("host");
    const std::string name = text("device");
    auto at = std::ranges::find_if(devices, [&](const Device& each) { return is_same(each, host, name); });
    if (at == devices.end()) at = devices.insert(at, Device{host, name, {}});
    for (const NodeId& id : *given) {
      const bool own = std::ranges::find(at->node_ids, id) != at->node_ids.end();
      if (!own && !store.given_.insert(id).second) return failure("gives the Node-ID " + id.hex() + " a second time");
    }
    at->node_ids = std::move(*given);
    return {};
  }
  Result<void> forget() const {
    const auto found = account("forget");
    if (!found) return tl::unexpected(found.error());
    std::vector<Device>& devices = (*found)->second.devices;
    const auto at =
        std::ranges::find_if(devices, [&](const Device& each) { return is_same(each, text("host"), text("device")); });
    if (at == devices.end()) return failure("forgets a device that there is not");
    retire(*at);
    devices.erase(at);
    return {};
  }
  Result<void> retired() const {
    const auto gone = ids();
    if (!gone) return tl::unexpected(gone.error());
    store.given_.insert(gone->begin(), gone->end());
    store.retired_.insert(gone->begin(), gone->end());
    return {};
  }
  void retire(const Device& device) const { store.retired_.insert(device.node_ids.begin(), device.node_ids.end()); }
};

void AccountStore::reset() { *this = AccountStore(); }

Result<void> AccountStore::apply(std::string_view record) {
  const Json json = Json::parse(record, nullptr, false);
  if (!json.is_object() || json.empty()) return failure("is no record of an account");
  const Reading reading{*this, json};
  const std::string& kind = json.begin().key();
  if (kind == "add") return reading.add();
  if (kind == "passwd") return reading.password();
  if (kind == "disable") return reading.set_disabled("disable", true);
  if (kind == "enable") return reading.set_disabled("enable", false);
  if (kind == "remove") return reading.remove();
  if (kind == "user") return reading.device();
  if (kind == "forget") return reading.forget();
  if (kind == "retired") return reading.retired();
  return failure("is of a kind that this program does not know (was it written by a newer one?)");
}

const Account* AccountStore::find(std::string_view name) const {
  const auto found = accounts_.find(name);
  return found == accounts_.end() ? nullptr : &found->second;
}

Result<void> AccountStore::tell(const AccountJournal::Give& give) const {
  for (const auto& [name, account] : accounts_) {
    if (auto given = give(record_add(name, account.password_hash, account.hosts)); !given) return given;
    if (account.disabled) {
      if (auto given = give(record_disabled(name, true)); !given) return given;
    }
    for (const Device& device : account.devices) {
      if (auto given = give(record_device(name, device)); !given) return given;
    }
  }
  for (auto at = retired_.begin(); at != retired_.end();) {
    std::vector<NodeId> part;
    for (; at != retired_.end() && part.size() < kRetiredInRecord; ++at) part.push_back(*at);
    if (auto given = give(Json{{"retired", true}, {"node_ids", hex_list(part)}}.dump()); !given) return given;
  }
  return {};
}

std::size_t AccountStore::shortest() const {
  return accounts_.size() + (given_.size() - retired_.size()) + retired_.size() / kRetiredInRecord + 1;
}

std::string record_add(std::string_view name, std::string_view password_hash, const std::vector<std::string>& hosts) {
  Json json{{"add", name}, {"hash", password_hash}};
  if (!hosts.empty()) json["hosts"] = hosts;
  return json.dump();
}

std::string record_password(std::string_view name, std::string_view password_hash) {
  return Json{{"passwd", name}, {"hash", password_hash}}.dump();
}

std::string record_disabled(std::string_view name, bool disabled) {
  return Json{{disabled ? "disable" : "enable", name}}.dump();
}

std::string record_remove(std::string_view name) { return Json{{"remove", name}}.dump(); }

std::string record_device(std::string_view name, const Device& device) {
  Json json{{"user", name}, {"device", device.name}};
  if (!device.host.empty()) json["host"] = device.host;
  json["node_ids"] = hex_list(device.node_ids);
  return json.dump();
}

std::string record_forget(std::string_view name, std::string_view host, std::string_view device) {
  Json json{{"forget", name}, {"device", device}};
  if (!host.empty()) json["host"] = host;
  return json.dump();
}

// The last star takes back as much as it must, so that the time is the product of the lengths at most.
bool matches_pattern(std::string_view pattern, std::string_view name) {
  std::size_t at = 0;
  std::size_t in_name = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_took = 0;
  while (in_name < name.size()) {
    if (at < pattern.size() && pattern[at] == '*') {
      star = at++;
      star_took = in_name;
    } else if (at < pattern.size() && pattern[at] == name[in_name]) {
      ++at;
      ++in_name;
    } else if (star != std::string_view::npos) {
      at = star + 1;
      in_name = ++star_took;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', at) == std::string_view::npos;
}

}  // namespace reload::certs
