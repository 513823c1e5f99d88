// Messages and stored values as anyone with a credential can make them, right or wrong.
#pragma once

#include "reload/wire/codec.hpp"
#include "tests/kit/cast.hpp"

namespace reload::kit {

// Signed by `credential` as a message of the overlay; fields may be changed before `bytes` is called, and what is
// changed after signing breaks the signature.
struct Letter {
  wire::ForwardingHeader header;
  wire::MessageContents contents;
  security::CredentialPtr signer;
  std::vector<wire::GenericCertificate> certificates;  // the signer's, unless changed

  [[nodiscard]] Bytes body() const;   // contents and security block
  [[nodiscard]] Bytes bytes() const;  // the whole message
};

[[nodiscard]] Letter letter(Who signer, wire::DestinationList to, wire::MessageCode code, Bytes body,
                            TransactionId transaction);
// The answer of `signer` to a message that `asked` sent it, as 6940 6.1.2 and 6.2.2 say.
[[nodiscard]] Letter answer_letter(Who signer, const NodeId& asked, const wire::ForwardingHeader& request,
                                   wire::MessageCode code, Bytes body);

// What `who` asks or answers with for a SIP connection to its own address (6940 6.5.2).
[[nodiscard]] wire::AppAttach sip_attach(Who who, std::string_view role);

[[nodiscard]] wire::Signature sign(Who signer, Bytes input);
// A value signed for its place.
[[nodiscard]] wire::StoredData signed_data(Who signer, const ResourceId& resource, KindId kind,
                                           std::uint64_t storage_time, std::uint32_t lifetime,
                                           wire::StoredDataValue value);

// A message in a data frame.
[[nodiscard]] Bytes framed(std::uint32_t sequence, ByteView message);

}  // namespace reload::kit
