// 6940 11.1, 6.5.4.2: signatures of configuration documents and of Kind definitions, made and checked over the bytes as
// they stand in the document.
#pragma once

#include "reload/security/credentials.hpp"
#include "reload/security/trust.hpp"

namespace reload::security {

// Who signed an element: one of `signers`, with a certificate that `trust` accepts at `now`. T26: the signature covers
// exactly the element's bytes; one over the bytes and the SignerIdentity is taken too.
[[nodiscard]] Result<NodeId> verify_element(const config::SignedElement& element, std::span<const NodeId> signers,
                                            const Trust& trust, Wall now, const Crypto& crypto);

// A document that came by HTTPS or by hand, and so is trusted for its way (T59). Where it is signed, the signature must
// be one of its own configuration-signers'; every kind-block must be signed by one of its kind-signers. The result is
// the same configuration with Kind::signer filled in.
[[nodiscard]] Result<config::ConfigPtr> verify_first(const config::ConfigPtr& config, Wall now, const Crypto& crypto);

struct UpdateRefused {
  wire::ErrorCode code = wire::ErrorCode::invalid_message;  // what to answer
  std::string text;
  bool must_leave = false;  // rightly signed, but with demands we can't meet: 6940 11.1 wants the overlay left
  // It is newer than the next document and its signer is not known: a right one, if changes of signers were missed.
  bool signer_unknown = false;
};

// A document that came in a ConfigUpdate: newer than the current one, and signed by one of the current one's
// configuration-signers. Kinds that were learnt by ConfigUpdate stay, if the new document does not define them itself
// and their signer is still a kind-signer.
[[nodiscard]] tl::expected<config::ConfigPtr, UpdateRefused> accept_update(ByteView document, const Trust& current,
                                                                           Wall now, const Crypto& crypto);
// A document that the operator gave, or that was fetched as 6940 11.2 has it: as one of a ConfigUpdate. When changes of
// signers were missed, fetching it is the only way back (6.5.4.2); so it is then taken as a first one is, if it is
// signed by one of its own signers and `own` counts in it. One that directly follows the current one misses nothing.
[[nodiscard]] tl::expected<config::ConfigPtr, UpdateRefused> accept_fetched(ByteView document, const Trust& current,
                                                                            const Credential& own, Wall now,
                                                                            const Crypto& crypto);
// A kind-block that came in a ConfigUpdate: signed by a kind-signer, and by the same one as before if it is known.
[[nodiscard]] tl::expected<config::Kind, UpdateRefused> accept_kind(ByteView block, const Trust& current, Wall now,
                                                                    const Crypto& crypto);
// The current configuration with the Kinds of a ConfigUpdate added, all of them or none; null when all are known. A
// known Kind stays as it is: a kind-block has no sequence number, so anyone could bring back an old definition.
[[nodiscard]] tl::expected<config::ConfigPtr, UpdateRefused> accept_kinds(std::span<const Bytes> blocks,
                                                                          const Trust& current, Wall now,
                                                                          const Crypto& crypto);

// `document` with its Kinds signed by `kind_signer` and the configuration of `instance_name` (or the first, when that
// is empty) by `configuration_signer`, and by `former` ones too, for members that missed the document in which these
// were replaced. Signatures that stood there before are replaced, because they no longer hold; nothing else changes.
[[nodiscard]] Result<std::string> sign_config(std::string_view document, std::string_view instance_name,
                                              const Credential& configuration_signer, const Credential& kind_signer,
                                              const Crypto& crypto, std::span<const CredentialPtr> former = {});

}  // namespace reload::security
