#include "certs/served_overlay.hpp"

#include <sys/stat.h>

#include "reload/io/openssl_crypto.hpp"

namespace reload::certs {

ServedOverlay::Stamps ServedOverlay::stamps() const {
  Stamps stamps;
  const std::array<Path, 3> paths{dir_.document(), dir_.ca_certificate(), dir_.ca_key()};
  for (std::size_t i = 0; i < paths.size(); ++i) {
    struct stat status {};
    if (::stat(paths[i].c_str(), &status) != 0) continue;
    stamps[i] = {status.st_ino, status.st_size,
                 std::int64_t{status.st_ctim.tv_sec} * 1'000'000'000 + status.st_ctim.tv_nsec};
  }
  return stamps;
}

Result<OverlayStatePtr> ServedOverlay::read() const {
  const auto config = dir_.load_config();
  if (!config) return tl::unexpected(config.error());
  std::optional<std::string> exposure;
  auto authority = dir_.load_authority(**config, exposure);
  if (!authority) return tl::unexpected(authority.error());
  if (exposure) warn_("warning: " + *exposure);
  const io::OpensslCrypto crypto;
  const std::string digest = to_hex(crypto.hash(wire::HashAlgorithm::sha256, {(*config)->document}));
  return std::make_shared<const OverlayState>(OverlayState{
      std::string(as_text((*config)->document)), '"' + digest.substr(0, 32) + '"', *config, std::move(*authority)});
}

Result<std::unique_ptr<ServedOverlay>> ServedOverlay::open(OverlayDir dir, Warn warn) {
  std::unique_ptr<ServedOverlay> served(new ServedOverlay(std::move(dir), std::move(warn)));
  served->stamps_ = served->stamps();
  auto state = served->read();
  if (!state) return tl::unexpected(state.error());
  served->state_ = std::move(*state);
  return served;
}

OverlayStatePtr ServedOverlay::now() {
  const std::lock_guard lock(mutex_);
  const Stamps newest = stamps();
  if (newest == stamps_) return state_;
  stamps_ = newest;
  if (auto state = read(); state) {
    state_ = std::move(*state);
  } else {
    warn_(state.error().text + "; what was read before is still served");
  }
  return state_;
}

}  // namespace reload::certs
