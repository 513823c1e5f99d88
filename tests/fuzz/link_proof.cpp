// The first bytes of the other side of a link by shared secret (reload/io/link_proof): read or refused, and never taken
// for the proof of anybody, as no input has a right signature.
#include "reload/base/check.hpp"
#include "reload/io/link_proof.hpp"
#include "reload/io/openssl_crypto.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reload;
  static const io::OpensslCrypto crypto;
  const Bytes exported(io::kExportedSize, 1);
  RELOAD_CHECK(!io::check_link_proof({data, size}, exported, NodeId::kMinSize, crypto));
  (void)io::link_proof_size({data, size});
  return 0;
}
