// The files of one overlay's authority in one directory, by name.
#pragma once

#include "certs/authority.hpp"
#include "reload/config/overlay_config.hpp"

namespace reload::certs {

struct OverlayDir {
  Path root;

  [[nodiscard]] Path ca_key() const { return root / "ca.key"; }             // mode 0600; keep a backup
  [[nodiscard]] Path ca_certificate() const { return root / "ca.pem"; }     // public
  [[nodiscard]] Path signer() const { return root / "config-signer.pem"; }  // key and certificate, mode 0600
  [[nodiscard]] Path document() const { return root / "overlay.xml"; }      // public, but for one with a shared-secret
  [[nodiscard]] Path records() const { return root / "issued.jsonl"; }      // who got what; no keys

  // Of the enrolment server.
  [[nodiscard]] Path accounts() const { return root / "accounts.journal"; }  // password hashes and Node-IDs, mode 0600
  [[nodiscard]] Path accounts_lock() const { return root / "accounts.lock"; }
  [[nodiscard]] Path audit() const { return root / "audit.jsonl"; }      // its decisions
  [[nodiscard]] Path tls_ca_key() const { return root / "tls-ca.key"; }  // mode 0600
  [[nodiscard]] Path tls_ca() const { return root / "tls-ca.pem"; }      // public: members get it as --tls-ca
  [[nodiscard]] Path tls_key() const { return root / "tls.key"; }        // mode 0600
  [[nodiscard]] Path tls_certificate() const { return root / "tls.pem"; }

  // Of documents that change: who signed earlier ones, the documents before this one, and the authority before this one
  // while members have certificates of both.
  [[nodiscard]] Path former_signers() const { return root / "former-signers.pem"; }   // as signer()
  [[nodiscard]] Path next_signer() const { return root / "config-signer-next.pem"; }  // while it is brought in
  [[nodiscard]] Path history() const { return root / "history"; }                     // NNNNN.xml, by sequence
  [[nodiscard]] Path change_lock() const { return root / "change.lock"; }
  [[nodiscard]] Path old_ca_key() const { return root / "ca-old.key"; }
  [[nodiscard]] Path old_ca_certificate() const { return root / "ca-old.pem"; }
  [[nodiscard]] Path next_ca_key() const { return root / "ca-next.key"; }
  [[nodiscard]] Path next_ca_certificate() const { return root / "ca-next.pem"; }

  // Made with mode 0700 if absent.
  [[nodiscard]] Result<void> make() const;
  [[nodiscard]] Result<config::ConfigPtr> load_config() const;
  // With a warning in `warning` when others may read the key.
  [[nodiscard]] Result<Authority> load_authority(const config::OverlayConfig& config,
                                                 std::optional<std::string>& warning) const;
};

// 6940 14.16: a document with a shared-secret is the owner's alone to read.
[[nodiscard]] mode_t document_mode(const config::OverlayConfig& config);

// A configuration document, also one that asks for what our peers cannot do. The failure names the file.
[[nodiscard]] Result<config::ConfigPtr> read_document(const Path& path);
[[nodiscard]] Result<config::ConfigPtr> parse_document(std::string_view text);

}  // namespace reload::certs
