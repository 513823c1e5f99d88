#include "reload/config/overlay_config.hpp"

#include <algorithm>

namespace reload::config {

bool OverlayConfig::is_bad_node(const NodeId& id) const {
  return std::binary_search(bad_nodes.begin(), bad_nodes.end(), id);
}

bool OverlayConfig::is_configuration_signer(const NodeId& id) const {
  return std::find(configuration_signers.begin(), configuration_signers.end(), id) != configuration_signers.end();
}

bool OverlayConfig::is_kind_signer(const NodeId& id) const {
  return std::find(kind_signers.begin(), kind_signers.end(), id) != kind_signers.end();
}

}  // namespace reload::config
