#include "reload/security/crypto.hpp"

#include "reload/base/check.hpp"

namespace reload::security {

ResourceId resource_of(const Crypto& crypto, ByteView name) {
  constexpr std::size_t kChordResourceSize = 16;
  const Bytes digest = crypto.hash(wire::HashAlgorithm::sha1, {name});
  RELOAD_CHECK(digest.size() >= kChordResourceSize);
  return ResourceId(ByteView(digest).first(kChordResourceSize));
}

}  // namespace reload::security
