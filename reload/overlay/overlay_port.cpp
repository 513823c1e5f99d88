#include "reload/overlay/overlay_port.hpp"

namespace reload::overlay {

namespace {

Error to_error(const node::CallFailed& failed) { return {failed.code, failed.text}; }

wire::StoredDataValue to_wire(const Value& value, wire::DataModel model) {
  wire::DataValue data{value.exists, value.exists ? value.bytes : Bytes{}};
  switch (model) {
    case wire::DataModel::single:
      return data;
    case wire::DataModel::array:
      return wire::ArrayEntry{value.index, std::move(data)};
    case wire::DataModel::dictionary:
      return wire::DictionaryEntry{value.key, std::move(data)};
  }
  return data;
}

FetchedValue from_wire(const wire::StoredData& stored, const security::Signer& signer) {
  FetchedValue fetched;
  const wire::DataValue& data = wire::data_value(stored.value);
  fetched.value.exists = data.exists;
  fetched.value.bytes = data.value;
  if (const auto* entry = std::get_if<wire::ArrayEntry>(&stored.value)) fetched.value.index = entry->index;
  if (const auto* entry = std::get_if<wire::DictionaryEntry>(&stored.value)) fetched.value.key = entry->key;
  fetched.signer = signer.node_id;
  if (signer.known()) fetched.signer_user = signer.certificate->user_name;
  fetched.storage_time = stored.storage_time;
  fetched.lifetime = stored.lifetime;
  return fetched;
}

}  // namespace

OverlayPort::OverlayPort(node::Node& node, std::function<void(node::Input)> submit)
    : node_(node), submit_(std::move(submit)) {}

NodeId OverlayPort::self() const { return node_.self(); }
std::string OverlayPort::overlay_name() const { return node_.config().instance_name; }
bool OverlayPort::joined() const { return node_.joined(); }

std::optional<config::Kind> OverlayPort::kind(KindId id) const {
  const config::Kind* kind = node_.config().kinds.find(id);
  return kind != nullptr ? std::optional(*kind) : std::nullopt;
}

std::optional<NodeId> OverlayPort::user_node_id(const std::string& user) const {
  const auto id = node_.credentials().find_user(user);
  return id ? std::optional(node_.credentials().find(*id)->node_id) : std::nullopt;
}

ApiId OverlayPort::expect(Done done) {
  const ApiId id{next_++};
  waiting_.emplace(id, std::move(done));
  return id;
}

template <class T>
ApiId OverlayPort::expect(std::function<void(Outcome<T>)> done) {
  return expect(Done([done = std::move(done)](node::ApiEvent& event) {
    auto* result = std::get_if<node::ApiResult<T>>(&event.result);
    if (result == nullptr) return;
    if (*result)
      done(std::move(**result));
    else
      done(tl::unexpected(to_error(result->error())));
  }));
}

void OverlayPort::store(StoreRequest request, std::function<void(Outcome<Stored>)> done) {
  const auto kind = node_.config().kinds.model_of(request.kind);
  std::optional<CredentialId> credential = security::kNodeCredential;
  if (!request.user.empty()) credential = node_.credentials().find_user(request.user);
  storage::StoreCall call;
  call.resource = node_.resource(request.name);
  call.kind = request.kind;
  call.value = to_wire(request.value, kind.value_or(wire::DataModel::single));
  call.lifetime = request.lifetime;
  // A credential that is not there is refused by the storage component like any other bad call.
  call.credential = credential.value_or(CredentialId{UINT32_MAX});
  const ApiId id = expect(Done([done = std::move(done)](node::ApiEvent& event) {
    auto* result = std::get_if<node::ApiResult<storage::StoreDone>>(&event.result);
    if (result == nullptr) return;
    if (*result && (*result)->newer)
      done(tl::unexpected(to_error({wire::ErrorCode::generation_counter_too_low, "a newer value is stored"})));
    else if (*result)
      done(Stored{(*result)->generation});
    else
      done(tl::unexpected(to_error(result->error())));
  }));
  submit_(node::CallStore{id, std::move(call)});
}

wire::StoredDataSpecifier OverlayPort::specifier_of(FetchRequest& request) const {
  wire::StoredDataSpecifier specifier;
  specifier.kind = request.kind;
  switch (node_.config().kinds.model_of(request.kind).value_or(wire::DataModel::single)) {
    case wire::DataModel::single:
      specifier.model = wire::SingleSpecifier{};
      break;
    case wire::DataModel::array:
      specifier.model = wire::ArraySpecifier{{{0, wire::kLastArrayIndex}}};
      break;
    case wire::DataModel::dictionary:
      specifier.model = wire::DictionarySpecifier{std::move(request.keys)};
      break;
  }
  return specifier;
}

void OverlayPort::fetch(FetchRequest request, std::function<void(Outcome<std::vector<FetchedValue>>)> done) {
  wire::StoredDataSpecifier specifier = specifier_of(request);
  const ApiId id = expect(Done([done = std::move(done)](node::ApiEvent& event) {
    auto* result = std::get_if<node::ApiResult<storage::FetchDone>>(&event.result);
    if (result == nullptr) return;
    if (!*result) return done(tl::unexpected(to_error(result->error())));
    std::vector<FetchedValue> values;
    for (std::size_t k = 0; k < (*result)->kinds.size(); ++k)
      for (std::size_t v = 0; v < (*result)->kinds[k].values.size(); ++v)
        if (wire::data_value((*result)->kinds[k].values[v].value).exists)
          values.push_back(from_wire((*result)->kinds[k].values[v], (*result)->signers[k][v]));
    done(std::move(values));
  }));
  submit_(node::CallFetch{id, {node_.resource(request.name), {std::move(specifier)}}});
}

void OverlayPort::app_attach(AppAttachRequest request, std::function<void(Outcome<Pipe>)> done) {
  auto to = wire::decode<wire::DestinationList>(request.destination_list, node_.config().codec());
  const ApiId id = expect(Done([done = std::move(done)](node::ApiEvent& event) {
    auto* result = std::get_if<node::ApiResult<node::PipeUp>>(&event.result);
    if (result == nullptr) return;
    if (*result)
      done(Pipe{(*result)->pipe.value, (*result)->remote, (*result)->certificate->user_name});
    else
      done(tl::unexpected(to_error(result->error())));
  }));
  // An empty list is refused by the connect component, so a malformed one needs no other way.
  submit_(node::CallAppAttach{id, std::move(to).value_or(wire::DestinationList{}), request.application});
}

void OverlayPort::accept_app(ApplicationId application, std::function<void(Pipe)> incoming) {
  incoming_[application] = std::move(incoming);
  submit_(node::CallAcceptApp{application});
}

void OverlayPort::pipe_send(PipeId pipe, SharedBytes bytes) { submit_(node::PipeSend{LinkId{pipe}, std::move(bytes)}); }
void OverlayPort::pipe_close(PipeId pipe) { submit_(node::PipeClose{LinkId{pipe}}); }

void OverlayPort::ping(wire::DestinationList to, std::function<void(Outcome<node::PingDone>)> done) {
  const ApiId id = expect<node::PingDone>(std::move(done));
  submit_(node::CallPing{id, std::move(to)});
}

void OverlayPort::route_query(const NodeId& ask, wire::Destination destination,
                              std::function<void(Outcome<node::RouteQueryDone>)> done) {
  const ApiId id = expect<node::RouteQueryDone>(std::move(done));
  submit_(node::CallRouteQuery{id, ask, std::move(destination)});
}

void OverlayPort::probe(wire::DestinationList to, std::function<void(Outcome<node::ProbeDone>)> done) {
  const ApiId id = expect<node::ProbeDone>(std::move(done));
  submit_(node::CallProbe{id, std::move(to)});
}

void OverlayPort::stat(FetchRequest request, std::function<void(Outcome<node::StatDone>)> done) {
  const ApiId id = expect<node::StatDone>(std::move(done));
  submit_(node::CallStat{id, {node_.resource(request.name), {specifier_of(request)}}});
}

void OverlayPort::find(wire::FindReq request, std::function<void(Outcome<node::FindDone>)> done) {
  const ApiId id = expect<node::FindDone>(std::move(done));
  submit_(node::CallFind{id, std::move(request)});
}

void OverlayPort::offer_config(Bytes document, std::function<void(Outcome<node::OfferConfigDone>)> done) {
  const ApiId id = expect<node::OfferConfigDone>(std::move(done));
  submit_(node::CallOfferConfig{id, std::move(document)});
}

void OverlayPort::send_config(const NodeId& to, Bytes document,
                              std::function<void(Outcome<node::SendConfigDone>)> done) {
  const ApiId id = expect<node::SendConfigDone>(std::move(done));
  submit_(node::CallSendConfig{id, to, std::move(document)});
}

void OverlayPort::on_event(node::ApiEvent event) {
  if (event.id.value == 0) {
    auto* up = std::get_if<node::ApiResult<node::PipeUp>>(&event.result);
    if (up == nullptr || !*up) return;
    const auto found = incoming_.find((*up)->application);
    if (found != incoming_.end()) found->second(Pipe{(*up)->pipe.value, (*up)->remote, (*up)->certificate->user_name});
    return;
  }
  auto found = waiting_.extract(event.id);
  if (!found.empty()) found.mapped()(event);
}

void OverlayPort::on_event(node::PipeData event) {
  if (pipe_data_) pipe_data_(event.pipe.value, std::move(event.bytes));
}

void OverlayPort::on_event(node::PipeDown event) {
  if (pipe_closed_) pipe_closed_(event.pipe.value, std::move(event.reason));
}

}  // namespace reload::overlay
