// The commands. Each checks its options against the overlay's document before anything is sent, a failure of which is
// wrong usage, and gives what is to run once the client is attached. That ends the session.
#pragma once

#include "client/session.hpp"

namespace reload::client {

using Action = std::function<void()>;

// The session outlives the action.
[[nodiscard]] Result<Action> prepare(Session& session, const PingOptions& options);
[[nodiscard]] Result<Action> prepare(Session& session, const RouteOptions& options);
[[nodiscard]] Result<Action> prepare(Session& session, const FetchOptions& options);
[[nodiscard]] Result<Action> prepare(Session& session, const StoreOptions& options);
[[nodiscard]] Result<Action> prepare(Session& session, const RegisterOptions& options);
[[nodiscard]] Result<Action> prepare(Session& session, const ResolveOptions& options);

[[nodiscard]] Result<Action> prepare(Session& session, const StatOptions& options);
[[nodiscard]] Result<Action> prepare(Session& session, const FindOptions& options);
[[nodiscard]] Result<Action> prepare(Session& session, const ProbeOptions& options);
[[nodiscard]] Result<Action> prepare(Session& session, const PushConfigOptions& options);

// The destination that TO means: a Node-ID, or whoever is in charge of a Resource Name.
[[nodiscard]] Result<wire::Destination> destination_of(const Session& session, const std::string& text);
[[nodiscard]] Result<overlay::FetchRequest> fetch_request(const Session& session, const FetchOptions& options);
// What the results of these commands begin with.
[[nodiscard]] Json heading(const Session& session, const std::string& text, const std::string& name,
                           const config::Kind& kind);
// What NAME means: the bytes of a Resource Name; `node:HEX` is the Node-ID itself.
[[nodiscard]] Result<std::string> resource_name(const std::string& text);
// A Kind by its name or number, of those that the overlay has.
[[nodiscard]] Result<config::Kind> kind_of(const Session& session, const std::string& text);
// What to do about a refused Store.
[[nodiscard]] std::string store_cure(wire::ErrorCode code, const config::Kind& kind, const std::string& signer);

}  // namespace reload::client
