// 6940 6.4.2, 10.5 to 10.9: Join, Leave and Update with CHORD-RELOAD's bodies.
#pragma once

#include "reload/base/ids.hpp"
#include "reload/wire/types.hpp"

namespace reload::wire {

struct JoinReq {
  NodeId joining_peer_id;
  Bytes overlay_specific_data;
  friend bool operator==(const JoinReq&, const JoinReq&) = default;
};
struct JoinAns {
  Bytes overlay_specific_data;
  friend bool operator==(const JoinAns&, const JoinAns&) = default;
};

// Inside LeaveReq.overlay_specific_data.
struct ChordLeaveData {
  ChordLeaveType type = ChordLeaveType::from_succ;
  std::vector<NodeId> nodes;  // successors for from_succ, predecessors for from_pred
  friend bool operator==(const ChordLeaveData&, const ChordLeaveData&) = default;
};
struct LeaveReq {
  NodeId leaving_peer_id;
  ChordLeaveData chord;
  friend bool operator==(const LeaveReq&, const LeaveReq&) = default;
};
struct LeaveAns {
  friend bool operator==(const LeaveAns&, const LeaveAns&) = default;
};

// 6940 10.7: ChordUpdate, the whole body of an UpdateReq.
struct UpdateReq {
  std::uint32_t uptime = 0;  // seconds
  ChordUpdateType type = ChordUpdateType::peer_ready;
  std::vector<NodeId> predecessors;  // neighbors, full
  std::vector<NodeId> successors;    // neighbors, full
  std::vector<NodeId> fingers;       // full
  friend bool operator==(const UpdateReq&, const UpdateReq&) = default;
};
struct UpdateAns {
  friend bool operator==(const UpdateAns&, const UpdateAns&) = default;
};

}  // namespace reload::wire
