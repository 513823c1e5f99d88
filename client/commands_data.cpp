// fetch and store.
#include "client/commands.hpp"
#include "client/print.hpp"
#include "reload/io/overlay_files.hpp"

namespace reload::client {

namespace {

Result<Bytes> parse_hex(const char* option, const std::string& text) {
  auto bytes = from_hex(text);
  if (!bytes) return failure(std::string(option) + " " + text + " is not hexadecimal");
  return std::move(*bytes);
}

Result<Bytes> value_of(const StoreOptions& options, const config::Kind& kind) {
  Result<Bytes> value;
  if (options.value) value = to_bytes(as_bytes(*options.value));
  if (options.hex) value = parse_hex("--hex", *options.hex);
  if (options.file) {
    value = io::read_file(*options.file, kind.max_size);
    if (!value) return failure("--file: " + value.error().text);
  }
  if (value && value->size() > kind.max_size)
    return failure("the value has " + std::to_string(value->size()) + " bytes; the overlay takes at most " +
                   std::to_string(kind.max_size) + " of this Kind");
  return value;
}

Result<void> check_place(const StoreOptions& options, const config::Kind& kind) {
  const std::string model(config::name_of(kind.model));
  if (!options.key.empty() && kind.model != wire::DataModel::dictionary)
    return failure("--key is for Kinds of the model DICTIONARY; this one is " + model);
  if (options.index && kind.model != wire::DataModel::array)
    return failure("--index is for Kinds of the model ARRAY; this one is " + model);
  if (options.remove && kind.model == wire::DataModel::array && !options.index)
    return failure("--remove needs --index, for this Kind is an ARRAY");
  return {};
}

Result<Session::Identity> signer_of(const Session& session, const StoreOptions& options) {
  if (!options.as_user.empty()) {
    if (const auto user = session.identity_of(options.as_user)) return *user;
    return failure("--as " + options.as_user + ": --user-credential holds no credential of that user");
  }
  return session.identity_of(options.name).value_or(session.node_identity());
}

}  // namespace

Result<overlay::FetchRequest> fetch_request(const Session& session, const FetchOptions& options) {
  const auto name = resource_name(options.name);
  if (!name) return tl::unexpected(name.error());
  const auto kind = kind_of(session, options.kind);
  if (!kind) return tl::unexpected(kind.error());
  if (!options.keys.empty() && kind->model != wire::DataModel::dictionary)
    return failure("--key is for Kinds of the model DICTIONARY; this one is " +
                   std::string(config::name_of(kind->model)));
  overlay::FetchRequest request{*name, kind->id, {}};
  for (const std::string& text : options.keys) {
    auto key = parse_hex("--key", text);
    if (!key) return tl::unexpected(key.error());
    request.keys.push_back(std::move(*key));
  }
  return request;
}

Result<Action> prepare(Session& session, const FetchOptions& options) {
  const auto request = fetch_request(session, options);
  if (!request) return tl::unexpected(request.error());
  const config::Kind kind = *kind_of(session, options.kind);
  return [&session, request = *request, kind, text = options.name] {
    session.overlay().fetch(request, [&session, request, kind, text](const auto& outcome) {
      if (!outcome && outcome.error().code != wire::ErrorCode::not_found)
        return session.end(outcome.error(), store_cure(outcome.error().code, kind, {}));
      Ending ending;
      ending.data = heading(session, text, request.name, kind);
      ending.data["values"] = Json::array();
      if (!outcome || outcome->empty()) {
        ending.exit = Exit::failed;
        ending.error = "nothing of Kind " + kind.name + " is stored under " + text;
        ending.data["code"] = wire::name_of(wire::ErrorCode::not_found);
        return session.end(std::move(ending));
      }
      for (const overlay::FetchedValue& value : *outcome) {
        ending.data["values"].push_back(to_json(value, kind));
        ending.text += in_words(value, kind);
      }
      session.end(std::move(ending));
    });
  };
}

Result<Action> prepare(Session& session, const StoreOptions& options) {
  const auto name = resource_name(options.name);
  if (!name) return tl::unexpected(name.error());
  const auto kind = kind_of(session, options.kind);
  if (!kind) return tl::unexpected(kind.error());
  if (auto good = check_place(options, *kind); !good) return tl::unexpected(good.error());
  const auto signer = signer_of(session, options);
  if (!signer) return tl::unexpected(signer.error());
  overlay::StoreRequest request{*name, kind->id, {}, options.lifetime, signer->user};
  request.value.exists = !options.remove;
  request.value.index = options.index.value_or(wire::kLastArrayIndex);
  request.value.key = to_bytes(signer->node_id.view());
  if (!options.key.empty()) {
    auto key = parse_hex("--key", options.key);
    if (!key) return tl::unexpected(key.error());
    request.value.key = std::move(*key);
  }
  if (!options.remove) {
    auto value = value_of(options, *kind);
    if (!value) return tl::unexpected(value.error());
    request.value.bytes = std::move(*value);
  }
  const std::string who = signer->user.empty() ? "this client's node" : signer->user;
  return [&session, request, kind = *kind, text = options.name, who] {
    session.overlay().store(
        request, [&session, request, kind, text, who](const overlay::Outcome<overlay::Stored>& outcome) {
          if (!outcome) return session.end(outcome.error(), store_cure(outcome.error().code, kind, who));
          const char* done = request.value.exists ? "stored" : "removed";
          Ending ending;
          ending.data = heading(session, text, request.name, kind);
          ending.data["done"] = done;
          if (kind.model == wire::DataModel::dictionary) ending.data["key"] = to_hex(request.value.key);
          ending.data["generation"] = outcome->generation;
          ending.text = std::string(done) + ", generation " + std::to_string(outcome->generation) + "\n";
          session.end(std::move(ending));
        });
  };
}

}  // namespace reload::client
