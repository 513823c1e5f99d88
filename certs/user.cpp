// reload-certs user: the accounts of the enrolment server. A server that runs takes note of each change at once.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <thread>

#include "certs/accounts.hpp"
#include "certs/commands.hpp"
#include "certs/password_hash.hpp"
#include "certs/password_input.hpp"
#include "certs/user_list.hpp"
#include "reload/security/access_control.hpp"

namespace reload::certs {
namespace {

using Clock = std::chrono::steady_clock;

struct Place {
  config::ConfigPtr config;
  std::unique_ptr<Accounts> accounts;
};

Result<Place> open_place(const Path& root) {
  const OverlayDir dir{root};
  auto config = dir.load_config();
  if (!config) return tl::unexpected(config.error());
  auto accounts = Accounts::open(dir);
  if (!accounts) return tl::unexpected(accounts.error());
  return Place{std::move(*config), std::move(*accounts)};
}

// 6940 13.3: names are unique. These are given by issue and init to nodes that have no account.
bool is_reserved(std::string_view name) {
  const std::string_view user = name.substr(0, name.find('@'));
  return user == "config-signer" || (user.starts_with("node-") && NodeId::parse_hex(user.substr(5)));
}

Result<std::string> new_name(const std::string& text, const config::OverlayConfig& config) {
  auto name = canonical_user_name(text, config.instance_name);
  if (!name) return name;
  if (is_reserved(*name)) return failure(*name + " is a name that reload-certs gives to nodes: choose another");
  const std::string domain = name->substr(name->find('@') + 1);
  if (!security::domain_admissible(config, domain)) {
    return failure("the overlay's configuration does not admit users of the domain " + domain + ", as in " + *name +
                   ": see domain-restriction in its document");
  }
  return name;
}

Result<void> check_hosts(const std::vector<std::string>& hosts) {
  if (hosts.size() > kMaxHostPatterns) return failure("--host: at most " + std::to_string(kMaxHostPatterns));
  for (const std::string& pattern : hosts) {
    const bool whole = pattern == "*" || pattern.find('@') != std::string::npos;
    if (!whole || pattern.size() > kMaxHostPattern || !is_utf8(pattern))
      return failure("--host " + pattern + ": expected a user name in which * stands for any characters, like *@" +
                     "phones.example, or * for every user");
  }
  return {};
}

// What changes one account that there is.
Result<void> change(const UserOptions& options, const Streams& streams, const std::string& done,
                    const std::function<Result<void>(Accounts&, const std::string&)>& make) {
  const auto place = open_place(options.dir);
  if (!place) return tl::unexpected(place.error());
  const auto name = canonical_user_name(options.name, place->config->instance_name);
  if (!name) return tl::unexpected(name.error());
  if (auto made = make(*place->accounts, *name); !made) return made;
  streams.out << done << ' ' << *name << std::endl;
  return {};
}

struct Hashing {
  std::vector<NewAccount> accounts;
  std::atomic<std::size_t> next = 0;
  std::atomic<std::size_t> done = 0;
  std::atomic<bool> failed = false;
};

// On every core; tells how far it is each second.
Result<std::vector<NewAccount>> hash_all(const std::vector<UserEntry>& users, const Streams& streams) {
  Hashing work;
  work.accounts.resize(users.size());
  const auto hash = [&] {
    for (std::size_t i; (i = work.next++) < users.size() && !work.failed;) {
      auto hashed = hash_password(*users[i].password);
      if (!hashed) work.failed = true;
      work.accounts[i] = {users[i].name, hashed.value_or(""), {}, users[i].line};
      ++work.done;
    }
  };
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); ++i) threads.emplace_back(hash);
  auto next_report = Clock::now() + std::chrono::seconds(1);
  while (work.done < users.size() && !work.failed) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    if (Clock::now() < next_report) continue;
    next_report += std::chrono::seconds(1);
    streams.log << "reload-certs: " << work.done << " of " << users.size() << " passwords hashed" << std::endl;
  }
  threads.clear();
  if (work.failed) return failure("cannot hash the passwords: not enough memory (19 MiB for each core)");
  return std::move(work.accounts);
}

}  // namespace

Result<void> run_user_add(const UserOptions& options, const Streams& streams) {
  const auto place = open_place(options.dir);
  if (!place) return tl::unexpected(place.error());
  const auto name = new_name(options.name, *place->config);
  if (!name) return tl::unexpected(name.error());
  if (auto good = check_hosts(options.hosts); !good) return good;
  const auto known = place->accounts->find(*name);
  if (!known) return tl::unexpected(known.error());
  if (*known) return failure("the account " + *name + " exists already: its password is changed by user passwd");
  const auto password = read_password(options.password_file, *name);
  if (!password) return tl::unexpected(password.error());
  auto hash = hash_password(password->view());
  if (!hash) return tl::unexpected(hash.error());
  if (auto added = place->accounts->add({*name, std::move(*hash), options.hosts, 0}); !added) return added;
  streams.out << "added " << *name << std::endl;
  return {};
}

Result<void> run_user_list(const UserOptions& options, const Streams& streams) {
  const auto place = open_place(options.dir);
  if (!place) return tl::unexpected(place.error());
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  const auto listed = place->accounts->for_each([&](const std::string& name, const Account& account) {
    if (!options.json) {
      streams.out << name << (account.disabled ? " disabled" : "");
      for (const std::string& pattern : account.hosts) streams.out << " hosts " << pattern;
      for (const Device& device : account.devices) {
        streams.out << " device \"" << device.name << '"';
        if (!device.host.empty()) streams.out << " by " << device.host;
      }
      streams.out << '\n';
      return;
    }
    nlohmann::ordered_json entry{{"name", name},
                                 {"disabled", account.disabled},
                                 {"hosts", account.hosts},
                                 {"devices", nlohmann::ordered_json::array()}};
    for (const Device& device : account.devices) {
      nlohmann::ordered_json ids = nlohmann::ordered_json::array();
      for (const NodeId& id : device.node_ids) ids.push_back(id.hex());
      entry["devices"].push_back({{"device", device.name}, {"enrolled_by", device.host}, {"node_ids", ids}});
    }
    all.push_back(std::move(entry));
  });
  if (!listed) return listed;
  if (options.json) streams.out << all.dump(2) << '\n';
  streams.out.flush();
  return {};
}

Result<void> run_user_passwd(const UserOptions& options, const Streams& streams) {
  return change(options, streams, "changed the password of", [&](Accounts& accounts, const std::string& name) {
    const auto password = read_password(options.password_file, name);
    if (!password) return Result<void>(tl::unexpected(password.error()));
    const auto hash = hash_password(password->view());
    if (!hash) return Result<void>(tl::unexpected(hash.error()));
    return accounts.set_password(name, *hash);
  });
}

Result<void> run_user_disable(const UserOptions& options, const Streams& streams) {
  return change(options, streams, "disabled",
                [](Accounts& accounts, const std::string& name) { return accounts.set_disabled(name, true); });
}

Result<void> run_user_enable(const UserOptions& options, const Streams& streams) {
  return change(options, streams, "enabled",
                [](Accounts& accounts, const std::string& name) { return accounts.set_disabled(name, false); });
}

Result<void> run_user_remove(const UserOptions& options, const Streams& streams) {
  return change(options, streams, "removed",
                [](Accounts& accounts, const std::string& name) { return accounts.remove(name); });
}

Result<void> run_user_forget_device(const UserOptions& options, const Streams& streams) {
  return change(options, streams, "forgot a device of", [&](Accounts& accounts, const std::string& name) {
    return accounts.forget_device(name, options.host, options.device);
  });
}

Result<void> run_user_import(const UserOptions& options, const Streams& streams) {
  const auto begun = Clock::now();
  const auto place = open_place(options.dir);
  if (!place) return tl::unexpected(place.error());
  auto text = read_file(options.list);
  if (!text) return tl::unexpected(text.error());
  const SecretText list(std::move(*text));
  const auto in_list = [&](const std::string& why) { return failure(options.list.string() + ": " + why); };
  const auto users = parse_user_list(list.view(), place->config->instance_name);
  if (!users) return in_list(users.error().text);
  for (const UserEntry& user : *users) {
    const std::string line = "line " + std::to_string(user.line) + ": ";
    if (const auto name = new_name(user.name, *place->config); !name) return in_list(line + name.error().text);
    if (!user.password) return in_list(line + user.name + " has no password: write name,password");
    if (const auto fault = fault_of_password(*user.password))
      return in_list(line + "the password of " + user.name + " " + *fault);
    const auto known = place->accounts->find(user.name);
    if (!known) return tl::unexpected(known.error());
    if (*known) return in_list(line + "the account " + user.name + " exists already: leave the line out");
  }
  const auto accounts = hash_all(*users, streams);
  if (!accounts) return tl::unexpected(accounts.error());
  if (auto imported = place->accounts->import(*accounts); !imported) return in_list(imported.error().text);
  const std::chrono::duration<double> taken = Clock::now() - begun;
  streams.out << "imported " << users->size() << (users->size() == 1 ? " account" : " accounts") << " in "
              << std::round(taken.count() * 100) / 100 << " s" << std::endl;
  return {};
}

}  // namespace reload::certs
