// This node's own Stores and Fetches: sign, send, check what comes back.
#pragma once

#include <map>

#include "reload/messaging/handler.hpp"
#include "reload/storage/calls.hpp"
#include "reload/storage/tokens.hpp"
#include "reload/storage/value_store.hpp"

namespace reload::storage {

class StorageClient {
 public:
  explicit StorageClient(TokenSource& tokens) : tokens_(tokens) {}

  void store(ApiId id, StoreCall call, messaging::Context& context);
  void fetch(ApiId id, FetchCall call, messaging::Context& context);
  void on_signed(const messaging::SignedValue& value, messaging::Context& context);
  // False when the token is none of this part.
  bool on_answer(const messaging::Token& token, const messaging::Answer& answer, messaging::Context& context);
  [[nodiscard]] std::vector<StorageEvent> take_events() { return std::exchange(events_, {}); }

 private:
  enum class Step : std::uint8_t {
    looking_before,  // for the lifetime of the value that is to be removed
    signing,
    storing,
    looking_after,  // for the value in the way, after `refused`
  };
  struct Storing {
    ApiId id;
    StoreCall call;
    Step step = Step::signing;
    wire::ErrorCode refused = wire::ErrorCode::invalid;  // the first try
    wire::StoredData data;
  };
  // The last value that this node stored in a slot.
  struct Own {
    std::uint64_t storage_time = 0;
    std::optional<Wall> until;  // the end of its lifetime
  };
  // What a look at a slot found: the value there, when one may be believed.
  using Found = std::optional<wire::StoredData>;
  struct Fetching {
    ApiId id;
    ResourceId resource;
    std::vector<KindId> kinds;
  };

  void sign(std::uint64_t number, std::uint64_t at_least, messaging::Context& context);
  [[nodiscard]] std::uint64_t next_storage_time(const StoreCall& call, std::uint64_t at_least, Wall now);
  void on_store_answer(std::uint64_t number, const messaging::Answer& answer, messaging::Context& context);
  void look(std::uint64_t number, Step step, messaging::Context& context);
  [[nodiscard]] Found found_by(const Storing& storing, const messaging::Answer& answer,
                               const messaging::Context& context) const;
  void on_found_before(std::uint64_t number, const Found& found, messaging::Context& context);
  void on_found_after(std::uint64_t number, const Found& found, messaging::Context& context);
  void on_fetch_answer(std::uint64_t number, const messaging::Answer& answer, messaging::Context& context);
  void fail_store(std::uint64_t number, wire::ErrorCode code, std::string text);

  TokenSource& tokens_;
  std::map<std::uint64_t, Storing> storing_;
  std::map<std::uint64_t, Fetching> fetching_;
  std::map<ValueKey, Own> own_;
  std::vector<StorageEvent> events_;
};

}  // namespace reload::storage
