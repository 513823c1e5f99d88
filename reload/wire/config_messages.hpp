// 6940 6.5.4: ConfigUpdate.
#pragma once

#include "reload/base/bytes.hpp"
#include "reload/wire/types.hpp"

namespace reload::wire {

struct ConfigUpdateReq {
  ConfigUpdateType type = ConfigUpdateType::config;
  Bytes config_data;         // type config: the document
  std::vector<Bytes> kinds;  // type kind: kind-block elements
  friend bool operator==(const ConfigUpdateReq&, const ConfigUpdateReq&) = default;
};
struct ConfigUpdateAns {
  friend bool operator==(const ConfigUpdateAns&, const ConfigUpdateAns&) = default;
};

}  // namespace reload::wire
