// Keeps the right copies at the right peers (6940 10.4, 10.5 step 6, 10.7.1, 10.7.3; guide 12.6): the two replicas of
// what this peer owns, what a joining peer is about to own, and what is found here but owned by another.
#pragma once

#include "reload/storage/calls.hpp"
#include "reload/storage/copier.hpp"
#include "reload/storage/store_walk.hpp"

namespace reload::storage {

class Replicator {
 public:
  Replicator(ValueStore& store, SignerCertificates& certificates, TokenSource& tokens)
      : store_(store), tokens_(tokens), copier_(store, known_, certificates, tokens) {}

  // Values of an owned resource changed: copies go out now. How many of them `wait` has to wait for.
  std::size_t copy_changed(const KindAt& at, std::span<const Bytes> changed, WaitId wait, messaging::Context& context);
  // A peer sent a copy of `values` values with its generation `now_has`; what it changed here is written already.
  void on_copy_received(const NodeId& sender, const KindAt& at, std::uint64_t before, std::uint64_t now_has,
                        std::size_t values, bool changed);

  // A copy for what this peer owns was refused because its sender is no plausible holder. When partitions meet, a peer
  // far from a resource may have its newest value all the same: it is fetched from there, as 6940 7.4.1.2 has it for
  // values that are too old.
  void on_refused_copy(const NodeId& sender, const messaging::VerifiedStore& store, messaging::Context& context);

  // False when the token is none of this part.
  bool on_answer(const messaging::Token& token, const messaging::Answer& answer, messaging::Context& context);
  // Waits whose copies arrived or failed since the last call, once for each copy.
  [[nodiscard]] std::vector<Released> take_released() { return std::exchange(released_, {}); }

  void on_range_changed(messaging::Context& context);
  void on_neighbor_failed(const NodeId& node, messaging::Context& context);
  void on_hand_over(const NodeId& owner, const NodeId& after, messaging::Context& context);
  void on_timer(messaging::Context& context);
  [[nodiscard]] std::optional<Mono> next_deadline() const;
  // Generations at `at` from before say nothing any more: what comes next may have one of them again. So it is when
  // the values were removed here.
  void forget(const KindAt& at);

 private:
  enum class Purpose : std::uint8_t {
    replica,    // what this peer owns, to one of its replicas
    hand_over,  // what lies in (after, peer], to a peer that is about to own it
    foreign,    // what this peer does not own, to its owners
  };
  struct Sweep {
    Purpose purpose = Purpose::foreign;
    NodeId peer;   // not for `foreign`
    NodeId after;  // for `hand_over`
    StoreWalk walk;
  };
  struct Taking {  // newer values are fetched from a peer that has them
    NodeId from;
    KindAt at;
    std::uint64_t generation = 0;  // what was here when it was asked
  };

  void advance(messaging::Context& context);
  bool visit(const Sweep& sweep, const KindAt& at, messaging::Context& context);
  bool visit_foreign(const KindAt& at, messaging::Context& context);
  void end_hand_overs(messaging::Context& context);
  void on_copy_done(const CopyDone& done, messaging::Context& context);
  void take_newer(const NodeId& from, const KindAt& at, messaging::Context& context);
  void on_newer(const Taking& taking, const messaging::Answer& answer, messaging::Context& context);
  void on_nothing_newer(const Taking& taking, const FetchDone& fetched, messaging::Context& context);
  void blame(const NodeId& target, const KindAt& at, messaging::Context& context);
  void remove(const KindAt& at, messaging::Context& context);
  [[nodiscard]] std::uint8_t replica_number_of(const NodeId& target) const;

  ValueStore& store_;
  TokenSource& tokens_;
  KnownCopies known_;
  Copier copier_;
  std::vector<Sweep> sweeps_;
  std::vector<NodeId> targets_;  // the replicas, nearest first
  std::optional<Mono> hold_until_;
  std::map<std::uint64_t, Taking> taking_;
  std::vector<Released> released_;
};

}  // namespace reload::storage
