// issued.jsonl read back: who holds which Node-IDs, and until when.
#pragma once

#include <map>
#include <set>

#include "certs/overlay_dir.hpp"

namespace reload::certs {

class IssuedRecords {
 public:
  // Without the file there are none. `authority`: those of this one only, by its id.
  static Result<IssuedRecords> read(const OverlayDir& dir, const std::optional<std::string>& authority = std::nullopt);
  static Result<IssuedRecords> parse(std::string_view lines,
                                     const std::optional<std::string>& authority = std::nullopt);

  // The Node-IDs of certificates of this user that are valid at `now` or later.
  [[nodiscard]] std::set<NodeId> of_user(const std::string& user, Wall now) const;
  // When the last certificate with this Node-ID ends; nothing if none is known.
  [[nodiscard]] std::optional<Wall> last_end(const NodeId& id) const;
  // When the first of the certificates with this Node-ID was issued; long ago where the record does not tell.
  [[nodiscard]] std::optional<Wall> first_issued(const NodeId& id) const;
  // Those with a certificate that is valid at `now` or later, each with its user.
  [[nodiscard]] std::map<NodeId, std::string> living(Wall now) const;

 private:
  struct Record {
    std::string user;
    std::vector<NodeId> node_ids;
    Wall until;
  };
  std::vector<Record> records_;
  struct Times {
    Wall first_issued, last_end;
  };
  std::map<NodeId, Times> times_;
};

// Which of the bad nodes need to be on the list no more: every certificate of theirs has ended (6940 11.1, bad-node),
// also for those whose clocks are behind.
[[nodiscard]] std::set<NodeId> outlived(const std::vector<NodeId>& bad_nodes, const IssuedRecords& records, Wall now);

}  // namespace reload::certs
