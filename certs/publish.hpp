// The next document of an overlay: signed, held against what members and newcomers would say, and put in the place of
// the one before, which goes to the history.
#pragma once

#include "certs/commands.hpp"
#include "certs/overlay_dir.hpp"
#include "reload/security/credentials.hpp"

namespace reload::certs {

inline constexpr std::size_t kMaxFormerSigners = 4;
inline constexpr std::size_t kMaxHistory = 1000;  // documents kept

struct Signers {
  security::CredentialPtr current;
  std::vector<security::CredentialPtr> former;  // for members that missed the change; those still valid
};
[[nodiscard]] Result<Signers> load_signers(const OverlayDir& dir, const config::OverlayConfig& config, Wall now,
                                           const Streams& streams);
// Whether `signer` may sign `config` and its Kinds; the failure names the cure.
[[nodiscard]] Result<void> check_signer(const config::OverlayConfig& config, const security::Credential& signer);

// `text` signed, if members that have `before` would take it and newcomers would, too.
[[nodiscard]] Result<config::ConfigPtr> sign_next(const std::string& text, const config::ConfigPtr& before,
                                                  const Signers& signers, Wall now);
// Writes it to the directory.
[[nodiscard]] Result<void> replace_document(const OverlayDir& dir, const config::OverlayConfig& before,
                                            const config::OverlayConfig& next, const Streams& streams);

}  // namespace reload::certs
