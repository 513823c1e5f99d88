// reload-certs revoke: whose certificates are to count no more, found and put on the bad-node list (6940 11.1).
#include <algorithm>
#include <iostream>
#include <set>

#include "certs/accounts.hpp"
#include "certs/change_commands.hpp"
#include "certs/issued_records.hpp"
#include "certs/next_document.hpp"
#include "certs/read_certificates.hpp"
#include "certs/user_list.hpp"

namespace reload::certs {
namespace {

using NodeIds = std::set<NodeId>;

// Those of certificates that are valid still, and of the devices of the account: it may be enrolling just now.
Result<NodeIds> of_user(const RevokeOptions& options, const OverlayDir& dir, const config::OverlayConfig& config,
                        Wall now) {
  const auto name = canonical_user_name(options.user, config.instance_name);
  if (!name) return failure("--user: " + name.error().text);
  NodeIds found;
  if (options.devices.empty()) {
    const auto records = IssuedRecords::read(dir);
    if (!records) return tl::unexpected(records.error());
    found = records->of_user(*name, now);
  }
  std::string known;
  if (file_exists(dir.accounts())) {
    const auto accounts = Accounts::open(dir);
    if (!accounts) return tl::unexpected(accounts.error());
    const auto account = (*accounts)->find(*name);
    if (!account) return tl::unexpected(account.error());
    if (*account) {
      for (const Device& device : (*account)->devices) {
        known += (known.empty() ? "" : ", ") + (device.name.empty() ? "\"\"" : device.name);
        if (!options.devices.empty() && std::ranges::find(options.devices, device.name) == options.devices.end())
          continue;
        found.insert(device.node_ids.begin(), device.node_ids.end());
      }
    }
  }
  if (!found.empty()) return found;
  if (!options.devices.empty())
    return failure("--device: " + *name + " has no such device" +
                   (known.empty() ? "; leave it out to revoke all of the user" : "; it has " + known));
  return failure("--user: " + *name + " has no certificate that is valid still, by " + dir.records().string());
}

Result<NodeIds> wanted(const RevokeOptions& options, const OverlayDir& dir, const config::OverlayConfig& config,
                       Wall now) {
  NodeIds found;
  for (const std::string& text : options.node_ids) {
    const auto id = NodeId::parse_hex(text);
    if (!id || id->size() != config.node_id_length)
      return failure("--node-id " + text + ": expected the " + std::to_string(2 * config.node_id_length) +
                     " hexadecimal digits of a Node-ID");
    found.insert(*id);
  }
  if (!options.file.empty()) {
    const io::OpensslCrypto crypto;
    const auto certificates = read_certificates(options.file, config.node_id_length, crypto);
    if (!certificates) return failure("--file: " + certificates.error().text);
    for (const auto& certificate : *certificates)
      found.insert(certificate->node_ids.begin(), certificate->node_ids.end());
    if (found.empty()) return failure("--file: " + options.file.string() + " holds no node's or user's certificate");
  }
  if (options.user.empty()) return found;
  auto users = of_user(options, dir, config, now);
  if (users) users->merge(found);
  return users;
}

}  // namespace

Result<void> run_revoke(const RevokeOptions& options, Wall now, const Push& push, const Streams& streams) {
  {
    auto next = NextDocument::begin(options.dir, now, streams);
    if (!next) return tl::unexpected(next.error());
    const auto ids = wanted(options, next->dir(), next->before(), now);
    if (!ids) return tl::unexpected(ids.error());
    std::size_t added = 0;
    for (const NodeId& id : *ids) {
      if (id == next->signers().current->node_id)
        return failure(id.hex() +
                       " signs the overlay's documents: bring in another signer first, with reload-certs "
                       "roll-signer --dir " +
                       options.dir.string());
      if (next->before().is_bad_node(id)) continue;
      next->editor().add_element("bad-node", id.hex());
      ++added;
    }
    if (added == 0) {
      streams.out << "revoked already" << std::endl;
    } else {
      if (auto done = next->publish(streams); !done) return done;
      streams.out << "revoked " << added << (added == 1 ? " Node-ID" : " Node-IDs") << std::endl;
    }
  }
  return options.push.none ? Result<void>() : push(options.dir, options.push.peers, streams);
}

}  // namespace reload::certs
