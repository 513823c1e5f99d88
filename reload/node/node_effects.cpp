// Takes what one component wants to the component it is for. All branching between components is here.
#include "reload/base/check.hpp"
#include "reload/node/node_impl.hpp"

namespace reload::node {

void Node::Impl::settle(messaging::Context& context) {
  // A step ends by itself: each round handles what the last one produced, and what goes to others leaves as output.
  const auto until_quiet = [&] {
    for (int round = 0; settle_once(context); ++round) RELOAD_CHECK(round < limits::kMaxSettleRounds);
  };
  until_quiet();
  supervise_contact(context);
  until_quiet();
}

bool Node::Impl::settle_once(messaging::Context& context) {
  bool busy = false;
  while (!effects.empty()) {
    messaging::Effect effect = std::move(effects.front());
    effects.pop_front();
    apply(effect, context);
    busy = true;
  }
  for (auto& event : messenger.take_events()) {
    apply(event, context);
    busy = true;
  }
  for (auto& event : connect.take_events()) {
    apply(event, context);
    busy = true;
  }
  for (auto& event : storage.take_events()) {
    apply(event);
    busy = true;
  }
  for (auto& [id, job] : messenger.take_jobs()) outputs.push_back(RunCrypto{id, std::move(job)});
  if (const auto address = bootstrap.take_open()) {
    const LinkId link{next_link++};
    opening[link] = {};
    outputs.push_back(OpenLink{link, {*address}, std::nullopt});
  }
  return busy;
}

void Node::Impl::apply(messaging::Effect& effect, messaging::Context& context) {
  using namespace messaging;
  std::visit(
      Overloaded{
          [&](SendRequest& request) { messenger.send_request(std::move(request), context); },
          [&](CancelRequest& request) { messenger.cancel_request(request); },
          [&](SendAnswer& answer) { messenger.send_answer(std::move(answer), context); },
          [&](SendError& error) { messenger.send_error(std::move(error), context); },
          [&](SignValue& value) { messenger.sign_value(std::move(value), context); },
          [&](WantLink& want) {
            counters.add(Counter::attaches_sent);
            connect.attach(want.number, std::move(want.to), want.send_update, context);
          },
          [&](DropLink& drop) {
            for (LinkId id : links.links_to(drop.node)) close(id, drop.reason, context);
          },
          [&](UpdateWanted& wanted) { topology->on_update_wanted(wanted.node, context); },
          [&](ResponderDoubted& doubt) { topology->on_responder_doubted(doubt.resource, doubt.signer, context); },
          [&](RangeChanged&) { storage.on_range_changed(context); },
          [&](NeighborFailed& failed) { storage.on_neighbor_failed(failed.node, context); },
          [&](HandOver& order) { storage.on_hand_over(order.owner, order.after, context); },
          [&](HandedOver& done) { topology->on_handed_over(done.owner, context); },
          [&](JoinStateChanged& change) { outputs.push_back(Joined{change.joined}); },
          [&](ConfigOffered& offer) { offer_config(offer, context); },
          [&](KindsOffered& offer) { offer_kinds(offer, context); },
      },
      effect);
}

void Node::Impl::apply(messaging::MessengerEvent& event, messaging::Context& context) {
  using namespace messaging;
  std::visit(Overloaded{
                 [&](Outbound& message) {
                   act(forwarder.originate(std::move(message.header), std::move(message.body), *topology, context.now,
                                           message.first_hop),
                       {}, context);
                 },
                 [&](RequestReady& ready) { dispatch(ready.request, context); },
                 [&](AnswerReady& ready) { dispatch(ready.token, ready.answer, context); },
                 [&](SignedValue& value) { storage.on_signed(value, context); },
             },
             event);
}

void Node::Impl::dispatch(const messaging::Request& request, messaging::Context& context) {
  using enum wire::MessageCode;
  switch (request.code) {
    case store_req:
    case fetch_req:
    case stat_req:
    case find_req:
      return storage.on_request(request, context);
    case update_req:
    case join_req:
    case leave_req:
    case route_query_req:
      return topology->on_request(request, context);
    case attach_req:
      counters.add(Counter::attaches_received);
      return connect.on_request(request, context);
    case app_attach_req:
      counters.add(Counter::app_attaches_received);
      return connect.on_request(request, context);
    default:
      effects.push_back(messaging::SendError{request.id, wire::ErrorCode::invalid_message,
                                             to_bytes(as_bytes("no such request is known here"))});
  }
}

void Node::Impl::dispatch(const messaging::Token& token, const messaging::Answer& answer, messaging::Context& context) {
  switch (token.owner) {
    case messaging::Owner::topology:
      return topology->on_answer(token, answer, context);
    case messaging::Owner::storage:
      return storage.on_answer(token, answer, context);
    case messaging::Owner::connect:
      return connect.on_answer(token, answer, context);
    case messaging::Owner::api:
      return api_answer(token.number, answer, context);
    case messaging::Owner::config:
      return;  // the messenger's own
  }
}

namespace {

CallFailed failed(const messaging::Answer& answer) {
  if (answer.status == messaging::AnswerStatus::error)
    return {answer.error, std::string(wire::name_of(answer.error)) + ": " + std::string(as_text(answer.body))};
  return {wire::ErrorCode::request_timeout, "no answer in time"};
}

template <class Done>
ApiEvent finished(ApiId id, tl::expected<Done, CallFailed> result) {
  return {id, std::move(result)};
}

const CallFailed kMalformed{wire::ErrorCode::invalid_message, "the answer is malformed"};

}  // namespace

void Node::Impl::api_answer(std::uint64_t number, const messaging::Answer& answer, messaging::Context& context) {
  const auto found = api_calls.find(number);
  if (found == api_calls.end()) return;
  const ApiCall call = found->second;
  api_calls.erase(found);
  const bool ok = answer.status == messaging::AnswerStatus::ok;
  const auto report = [&]<class Done>(std::optional<Done> done) {
    ApiResult<Done> result = tl::unexpected(ok ? kMalformed : failed(answer));
    if (ok && done) result = std::move(*done);
    outputs.push_back(finished<Done>(call.id, std::move(result)));
  };
  const auto report_answer = [&]<class Message>(std::type_identity<Message>, auto make) {
    using Done = decltype(make(std::declval<Message>()));
    std::optional<Done> done;
    if (ok)
      if (auto message = wire::decode<Message>(answer.body, config->codec())) done = make(std::move(*message));
    report(std::move(done));
  };
  const NodeId& responder = answer.signer.node_id;
  switch (call.code) {
    case wire::MessageCode::ping_req:
      return report_answer(std::type_identity<wire::PingAns>(), [&](wire::PingAns) {
        return PingDone{responder, context.now.mono - call.sent};
      });
    case wire::MessageCode::route_query_req:
      return report_answer(std::type_identity<wire::RouteQueryAns>(),
                           [](wire::RouteQueryAns message) { return RouteQueryDone{message.next_peer}; });
    case wire::MessageCode::probe_req:
      return report_answer(std::type_identity<wire::ProbeAns>(), [&](wire::ProbeAns message) {
        return ProbeDone{responder, std::move(message)};
      });
    case wire::MessageCode::stat_req:
      return report_answer(std::type_identity<wire::StatAns>(), [&](wire::StatAns message) {
        return StatDone{responder, std::move(message)};
      });
    case wire::MessageCode::find_req:
      return report_answer(std::type_identity<wire::FindAns>(), [&](wire::FindAns message) {
        return FindDone{responder, std::move(message)};
      });
    case wire::MessageCode::config_update_req:
      return report_answer(std::type_identity<wire::ConfigUpdateAns>(),
                           [&](wire::ConfigUpdateAns) { return SendConfigDone{responder}; });
    default:
      RELOAD_CHECK(false);  // no such call is made
  }
}

void Node::Impl::apply(connect::ConnectEvent& event, messaging::Context& context) {
  using namespace reload::connect;
  std::visit(
      Overloaded{
          [&](OpenTo& order) {
            const LinkId link{next_link++};
            opening[link] = {order.attempt, order.application};
            outputs.push_back(OpenLink{link, std::move(order.addresses), order.application});
          },
          [&](AttachDone& done) { topology->on_attach_done(done.number, done.node, context); },
          [&](AppAttachDone& done) {
            if (done.pipe) return announce_pipe(*done.pipe, done.id, done.remote, ApplicationId{});
            outputs.push_back(finished<PipeUp>(
                done.id, tl::unexpected(CallFailed{done.pipe.error().first, done.pipe.error().second})));
          },
          [&](AppAccepted& accepted) { announce_pipe(accepted.pipe, ApiId{}, accepted.remote, accepted.application); },
          [&](CloseUnwanted& order) { close(order.link, order.reason, context); },
          [&](BindLink& order) {
            const bool known = links.connected(order.node);
            if (links.bind(order.link, order.node) && !known) topology->on_link_up(order.node, context);
          },
      },
      event);
}

void Node::Impl::announce_pipe(LinkId id, ApiId call, const NodeId& remote, ApplicationId application) {
  const auto found = pipes.find(id);
  if (found == pipes.end()) {
    if (call.value != 0)
      outputs.push_back(finished<PipeUp>(
          call, tl::unexpected(CallFailed{wire::ErrorCode::request_timeout, "the connection was lost at once"})));
    return;
  }
  Pipe& pipe = found->second;
  const bool known = std::exchange(pipe.announced, true);
  if (const link::Link* link = links.find(id); link != nullptr && link->application) application = *link->application;
  outputs.push_back(finished<PipeUp>(call, PipeUp{id, remote, pipe.certificate, application}));
  if (known) return;
  for (auto& bytes : std::exchange(pipe.early, {})) outputs.push_back(PipeData{id, std::move(bytes)});
}

void Node::Impl::apply(storage::StorageEvent& event) {
  std::visit(
      [&]<class Done>(storage::CallResult<Done>& done) {
        if (done.result)
          outputs.push_back(finished<Done>(done.id, std::move(*done.result)));
        else
          outputs.push_back(finished<Done>(
              done.id, tl::unexpected(CallFailed{done.result.error().first, std::move(done.result.error().second)})));
      },
      event);
}

// Keeps a node that has not joined in contact with a bootstrap node, begins the ring where a local setting allows it,
// and reports the end of leaving.
void Node::Impl::supervise_contact(messaging::Context& context) {
  const auto state = topology->status_state();
  if (state == topology::JoinState::left && !leave_reported) {
    leave_reported = true;
    outputs.push_back(LeaveDone{std::move(leave_reason)});
  }
  if (state == topology::JoinState::leaving || state == topology::JoinState::left) return next_partition_check.reset();
  if (topology->joined()) {
    contact.reset();
    if (bootstrap.state() == bootstrap::State::connected) bootstrap.reset();
    // 6940 10.7.4.4: another ring may have formed around another bootstrap node. 10.7.1: or this peer lost the ring.
    const bool urgent = topology->cut_off() && limits::kCutOffCheckInterval < config->chord_update_interval;
    const Mono next = context.now.mono + (urgent ? limits::kCutOffCheckInterval : config->chord_update_interval);
    if (!next_partition_check || next < *next_partition_check) next_partition_check = next;
    if (*next_partition_check > context.now.mono) return;
    next_partition_check = next;
    bootstrap.reset();
    return bootstrap.begin(bootstrap::Purpose::look, context);
  }
  next_partition_check.reset();
  if (options.first_peer && bootstrap.state() == bootstrap::State::pausing) {
    bootstrap.reset();
    return topology->start_first(context);
  }
  if (contact && (state == topology::JoinState::idle || !links.connected(*contact))) {
    // It may be waiting for a way in as this one does: when all of them are, a first peer begins.
    const NodeId useless = *std::exchange(contact, std::nullopt);
    bootstrap.on_failed(context);
    for (LinkId id : links.links_to(useless)) close(id, "no way into the overlay through this node", context);
  }
  bootstrap.begin(bootstrap::Purpose::join, context);
  if (const auto tried = bootstrap.take_round_failed()) outputs.push_back(NoContact{*tried});
}

}  // namespace reload::node
