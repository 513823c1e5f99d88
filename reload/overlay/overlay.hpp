// What an application sees of the overlay: store, fetch, application connections. All calls are asynchronous; a
// callback runs once, on the thread that drives the overlay (or where the implementation delivers, see
// sip-usage/sofia/overlay_bridge), never inside the call itself.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "reload/base/ids.hpp"
#include "reload/base/result.hpp"
#include "reload/config/kind.hpp"
#include "reload/wire/types.hpp"

namespace reload::overlay {

// One value in its place. `index` counts in the ARRAY model, `key` in DICTIONARY.
struct Value {
  bool exists = true;
  std::uint32_t index = 0;
  Bytes key;
  Bytes bytes;
};

struct Error {
  wire::ErrorCode code = wire::ErrorCode::invalid;  // request_timeout: no answer in 15 s
  std::string text;
};
template <class T>
using Outcome = tl::expected<T, Error>;

struct StoreRequest {
  std::string name;  // the Resource Name; hashed to the Resource-ID
  KindId kind;
  Value value;
  std::uint32_t lifetime = 3600;  // seconds
  std::string user;               // sign as this hosted user; empty: as the node itself
};
struct Stored {
  std::uint64_t generation = 0;
};

struct FetchRequest {
  std::string name;
  KindId kind;
  std::vector<Bytes> keys;  // DICTIONARY: these only; none: all
};
// A value whose signature and right to be there were checked.
struct FetchedValue {
  Value value;
  NodeId signer;
  std::string signer_user;
  std::uint64_t storage_time = 0;  // ms since 1970
  std::uint32_t lifetime = 0;      // what is left, seconds
};

// An application connection made by AppAttach. Ids are never used again.
using PipeId = std::uint64_t;
struct Pipe {
  PipeId id = 0;
  NodeId remote;
  std::string remote_user;  // rfc822Name of the remote certificate
};
struct AppAttachRequest {
  Bytes destination_list;  // encoded Destination structures (wire/destination.hpp)
  ApplicationId application;
};

class Overlay {
 public:
  virtual ~Overlay() = default;

  [[nodiscard]] virtual NodeId self() const = 0;
  [[nodiscard]] virtual std::string overlay_name() const = 0;
  // The Kind's current definition; nothing if the overlay does not know it.
  [[nodiscard]] virtual std::optional<config::Kind> kind(KindId id) const = 0;
  // The Node-ID this node signs with for a hosted user; nothing if it has no credential for that user.
  [[nodiscard]] virtual std::optional<NodeId> user_node_id(const std::string& user) const = 0;
  [[nodiscard]] virtual bool joined() const = 0;

  virtual void store(StoreRequest request, std::function<void(Outcome<Stored>)> done) = 0;
  virtual void fetch(FetchRequest request, std::function<void(Outcome<std::vector<FetchedValue>>)> done) = 0;

  virtual void app_attach(AppAttachRequest request, std::function<void(Outcome<Pipe>)> done) = 0;
  // Incoming connections for the application are welcome from now on.
  virtual void accept_app(ApplicationId application, std::function<void(Pipe)> incoming) = 0;
  // What happens on any pipe. Set once, before the first pipe.
  virtual void on_pipe_data(std::function<void(PipeId, SharedBytes)> data) = 0;
  virtual void on_pipe_closed(std::function<void(PipeId, std::string reason)> closed) = 0;
  virtual void pipe_send(PipeId pipe, SharedBytes bytes) = 0;
  virtual void pipe_close(PipeId pipe) = 0;
};

}  // namespace reload::overlay
