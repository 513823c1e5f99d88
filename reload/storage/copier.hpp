// Sends copies of stored values to one peer or another (6940 7.4.1.1, 10.4): never two of the same Kind at the same
// resource to the same peer at once, so that an older copy cannot arrive after a newer one.
#pragma once

#include <map>

#include "reload/messaging/handler.hpp"
#include "reload/storage/known_copies.hpp"
#include "reload/storage/signer_certificates.hpp"
#include "reload/storage/tokens.hpp"

namespace reload::storage {

// The target of a copy for whoever routing finds responsible for the resource, in place of a Node-ID.
inline const NodeId kResponsiblePeer{};

// Who waits for a copy to arrive; 0 is nobody.
using WaitId = std::uint64_t;

// A copy that somebody waited for arrived, or failed.
struct Released {
  WaitId wait = 0;
  bool arrived = false;
};

// A copy arrived or failed.
struct CopyDone {
  NodeId target;
  KindAt at;
  std::uint64_t generation = 0;  // what was sent
  bool outdated = false;         // the values were replaced meanwhile by others of the same generation
  messaging::AnswerStatus status = messaging::AnswerStatus::ok;
  wire::ErrorCode error = wire::ErrorCode::invalid;
  std::vector<WaitId> waits;  // whose copy this was
};

class Copier {
 public:
  Copier(const ValueStore& store, KnownCopies& known, SignerCertificates& certificates, TokenSource& tokens)
      : store_(store), known_(known), certificates_(certificates), tokens_(tokens) {}

  // Has `target` get what is stored at `at`. Of a peer that has the generation before, only `changed` is wanted, when
  // that is not empty. False: the target has it, or there is nothing to send; nobody needs to wait.
  bool copy(const NodeId& target, const KindAt& at, std::uint8_t replica_number, std::span<const Bytes> changed,
            WaitId wait, messaging::Context& context);
  // The values at `at` were replaced by others of the same generation, as when two partitions meet, or may get one that
  // they had before: copies under way are of the old ones, whatever their generation says.
  void outdate(const KindAt& at);
  // Nothing when the token is none of this part, or the copy has further messages under way.
  [[nodiscard]] std::optional<CopyDone> on_answer(const messaging::Token& token, const messaging::Answer& answer,
                                                  messaging::Context& context);
  [[nodiscard]] bool owns(const messaging::Token& token) const { return by_token_.contains(token.number); }
  [[nodiscard]] std::size_t under_way(const NodeId& target) const;

 private:
  using Key = std::pair<NodeId, KindAt>;
  struct Flight {
    std::uint64_t generation = 0;
    std::uint8_t replica_number = 1;
    std::size_t messages = 0;  // that wait for their answers
    messaging::AnswerStatus status = messaging::AnswerStatus::ok;
    wire::ErrorCode error = wire::ErrorCode::invalid;
    bool again = false;                                   // the values changed meanwhile
    bool outdated = false;                                // without another generation
    std::vector<std::pair<std::uint64_t, WaitId>> waits;  // for this generation or a later one
  };

  [[nodiscard]] std::vector<StoredValue> values_to_send(const NodeId& target, const KindAt& at,
                                                        std::span<const Bytes> changed, Wall now) const;
  void send(const Key& key, Flight& flight, std::vector<StoredValue> values, messaging::Context& context);
  void send_message(const Key& key, const Flight& flight, std::vector<StoredValue> values, messaging::Context& context);

  const ValueStore& store_;
  KnownCopies& known_;
  SignerCertificates& certificates_;
  TokenSource& tokens_;
  std::map<Key, Flight> flights_;
  std::map<std::uint64_t, Key> by_token_;
  FlatMap<NodeId, std::size_t> under_way_;
};

}  // namespace reload::storage
