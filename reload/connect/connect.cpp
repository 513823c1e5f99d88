#include "reload/connect/connect.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "reload/base/limits.hpp"
#include "reload/connect/attempt.hpp"
#include "reload/connect/candidates.hpp"

namespace reload::connect {

namespace {

// After an answer the link has as long to come as a request with all its repetitions.
constexpr int kLinkTimers = 5;

Mono link_deadline(const messaging::Context& context) {
  return context.now.mono + kLinkTimers * context.config.reliability_timer;
}

// 6940 6.5.1.13: the handshake's certificate is that of the node that signed the Attach message. In a self-signed
// overlay anyone can write a Node-ID into a certificate, so there the key counts too (guide 8.5).
bool is_link_of(const security::Signer& link, const NodeId& node, const security::CertificatePtr& signed_with,
                const config::OverlayConfig& config) {
  if (!link.certificate || !signed_with || !link.certificate->holds(node)) return false;
  if (link.certificate->hash == signed_with->hash || !config.self_signed_digest) return true;
  return link.certificate->public_key_info == signed_with->public_key_info;
}

std::string in_words(const messaging::Answer& answer) {
  switch (answer.status) {
    case messaging::AnswerStatus::timed_out:
      return "no answer";
    case messaging::AnswerStatus::unroutable:
      return "no way there";
    default:
      return std::string(wire::name_of(answer.error)) + ": " + std::string(as_text(answer.body));
  }
}

struct OverlayLink {
  security::Signer peer;
  std::uint64_t number = 0;                       // in the order in which links came up
  std::optional<wire::IpAddressPort> listens_at;  // of an inbound one
};
// An application link that came before the answer to our AppAttach.
struct EarlyLink {
  security::Signer peer;
  ApplicationId application;
  Mono deadline;
};
struct ReplacedLink {
  Mono deadline;
  LinkId link;
  LinkId by;
};

// The fields that both kinds of request have, and what tells them apart.
struct Offer {
  Bytes role;
  std::vector<wire::IceCandidate> candidates;
  std::optional<ApplicationId> application;
  bool send_update = false;
};

std::optional<Offer> decode_offer(bool app, ByteView body, const wire::CodecContext& codec) {
  if (app) {
    auto message = wire::decode<wire::AppAttach>(body, codec);
    if (!message) return std::nullopt;
    return Offer{std::move(message->role), std::move(message->candidates), message->application, false};
  }
  auto message = wire::decode<wire::Attach>(body, codec);
  if (!message) return std::nullopt;
  return Offer{std::move(message->role), std::move(message->candidates), std::nullopt, message->send_update};
}

// No-ICE: user fragment and password stay empty.
Bytes encode_offer(const Offer& offer) {
  if (offer.application) return wire::encode(wire::AppAttach{{}, {}, *offer.application, offer.role, offer.candidates});
  return wire::encode(wire::Attach{{}, {}, offer.role, offer.candidates, offer.send_update});
}

Bytes role(std::string_view text) { return to_bytes(as_bytes(text)); }

// 6940 6.5.1.1. Trap 16: others offer both roles for an application connection.
bool requester_is_passive(const Offer& offer) {
  const std::string_view text = as_text(offer.role);
  return text == "passive" || (offer.application && text == "actpass");
}

}  // namespace

struct Connect::Impl {
  explicit Impl(ConnectOptions connect_options) : options(std::move(connect_options)) {}

  ConnectOptions options;
  std::set<ApplicationId> accepted;
  std::map<std::uint64_t, Attempt> attempts;
  std::uint64_t last_attempt = 0;
  std::map<LinkId, OverlayLink> overlay_links;
  std::uint64_t last_link = 0;
  std::map<LinkId, EarlyLink> early_links;
  std::vector<ReplacedLink> replaced;  // in order of their deadlines
  std::vector<ConnectEvent> events;

  using At = std::map<std::uint64_t, Attempt>::iterator;

  void request(Attempt attempt, wire::DestinationList to, bool send_update, messaging::Context& context);
  void answered(At at, const messaging::Answer& answer, messaging::Context& context);
  [[nodiscard]] bool yields_to(const NodeId& peer, bool send_update, messaging::Context& context);
  void accept(const messaging::Request& request, const Offer& offer, messaging::Context& context);
  void find_link(At at, messaging::Context& context);
  void complete(At at, LinkId link, const security::Signer& peer, messaging::Context& context);
  void tell_success(const Attempt& attempt, LinkId link);
  void fail(At at, wire::ErrorCode code, const std::string& text);
  void tell_failure(const Attempt& attempt, wire::ErrorCode code, const std::string& text);
  void refuse_link(LinkId link, const std::string& reason, messaging::Context& context);
  void replace_older(LinkId newest, const NodeId& node, messaging::Context& context);
  void opened(At at, LinkId link, const security::Signer& peer, messaging::Context& context);
  [[nodiscard]] std::vector<wire::IceCandidate> own_candidates(const std::optional<ApplicationId>& application) const;
};

std::vector<wire::IceCandidate> Connect::Impl::own_candidates(const std::optional<ApplicationId>& application) const {
  if (!application) return make_candidates(options.overlay_candidates);
  for (const auto& [id, addresses] : options.applications) {
    if (id == *application) return make_candidates(addresses);
  }
  return {};
}

// Own requests.

void Connect::Impl::request(Attempt attempt, wire::DestinationList to, bool send_update, messaging::Context& context) {
  Offer offer{role("passive"), own_candidates(attempt.application), attempt.application, send_update};
  if (offer.candidates.empty()) {
    return tell_failure(attempt, wire::ErrorCode::invalid, "no address where this node could be reached");
  }
  if (attempts.size() >= limits::kMaxPendingAttaches) {
    return tell_failure(attempt, wire::ErrorCode::invalid, "too many connections under way");
  }
  if (!to.empty()) {
    if (const auto* node = std::get_if<NodeId>(&to.back())) attempt.peer = *node;
  }
  attempt.links_before = last_link;
  const bool app = attempt.application.has_value();
  const std::uint64_t number = ++last_attempt;
  attempts.emplace(number, std::move(attempt));
  messaging::SendRequest send;
  send.token = {messaging::Owner::connect, number};
  send.to = std::move(to);
  send.code = app ? wire::MessageCode::app_attach_req : wire::MessageCode::attach_req;
  send.body = encode_offer(offer);
  context.effects.push_back(std::move(send));
}

void Connect::Impl::answered(At at, const messaging::Answer& answer, messaging::Context& context) {
  Attempt& attempt = at->second;
  const bool in_progress = answer.status == messaging::AnswerStatus::error &&
                           answer.error == wire::ErrorCode::in_progress && answer.signer.known() &&
                           !attempt.application;
  if (answer.status != messaging::AnswerStatus::ok && !in_progress) {
    return fail(at, answer.status == messaging::AnswerStatus::error ? answer.error : wire::ErrorCode::request_timeout,
                in_words(answer));
  }
  if (answer.status == messaging::AnswerStatus::ok) {
    const std::optional<Offer> offer =
        decode_offer(attempt.application.has_value(), answer.body, context.config.codec());
    if (!offer || as_text(offer->role) != "active") {
      context.counters.add(Counter::contents_malformed);
      return fail(at, wire::ErrorCode::invalid_message, "malformed answer");
    }
    attempt.update_wanted |= offer->send_update;
    if (const auto addresses = usable_addresses(offer->candidates); !addresses.empty())
      attempt.listens_at = addresses.front();
  }
  // Error_In_Progress: the other side's own Attach to us is under way and makes the link.
  attempt.state = in_progress ? State::yielded : State::awaiting_link;
  attempt.peer = answer.signer.node_id;
  attempt.certificate = answer.signer.certificate;
  attempt.deadline = link_deadline(context);
  find_link(at, context);
}

// The link may have been faster than the answer.
void Connect::Impl::find_link(At at, messaging::Context& context) {
  const Attempt& attempt = at->second;
  if (attempt.application) {
    const auto early = std::find_if(early_links.begin(), early_links.end(), [&](const auto& entry) {
      return entry.second.application == *attempt.application &&
             is_link_of(entry.second.peer, attempt.peer, attempt.certificate, context.config);
    });
    if (early == early_links.end()) return;
    const auto [link, found] = *early;
    early_links.erase(early);
    return complete(at, link, found.peer, context);
  }
  for (const auto& [link, known] : overlay_links) {
    if (known.number > attempt.links_before &&
        is_link_of(known.peer, attempt.peer, attempt.certificate, context.config)) {
      return complete(at, link, known.peer, context);
    }
  }
}

// Requests of others.

// 6940 6.5.1.2: whether the peer's Attach is to be processed although one of ours to it may be under way. Where ours
// makes the link, the Update that the peer asked for is still owed to it.
bool Connect::Impl::yields_to(const NodeId& peer, bool send_update, messaging::Context& context) {
  for (auto& [number, attempt] : attempts) {
    if (attempt.application || attempt.peer != peer) continue;
    if (attempt.state != State::awaiting_link && (attempt.state != State::asked || context.self < peer)) continue;
    attempt.update_wanted |= send_update;
    return false;
  }
  for (auto& [number, attempt] : attempts) {
    if (attempt.application || attempt.peer != peer || attempt.state != State::asked) continue;
    context.effects.push_back(messaging::CancelRequest{{messaging::Owner::connect, number}});
    attempt.state = State::yielded;
    attempt.deadline = link_deadline(context);
  }
  return true;
}

void Connect::Impl::accept(const messaging::Request& request, const Offer& offer, messaging::Context& context) {
  OpenTo open{++last_attempt, usable_addresses(offer.candidates), offer.application};
  Attempt attempt;
  attempt.state = State::opening;
  attempt.application = offer.application;
  attempt.peer = request.signer.node_id;
  attempt.certificate = request.signer.certificate;
  attempt.update_wanted = offer.send_update;
  attempt.deadline = link_deadline(context);
  attempts.emplace(open.attempt, std::move(attempt));
  for (auto& [number, other] : attempts) {  // our own that yielded wait for a link signed for as this one is
    if (other.state == State::yielded && other.peer == request.signer.node_id) {
      other.certificate = request.signer.certificate;
    }
  }
  const Offer answer{role("active"), own_candidates(offer.application), offer.application, false};
  context.effects.push_back(messaging::SendAnswer{request.id, encode_offer(answer), {}});
  events.push_back(std::move(open));
}

// Links.

void Connect::Impl::opened(At at, LinkId link, const security::Signer& peer, messaging::Context& context) {
  const Attempt& attempt = at->second;
  if (is_link_of(peer, attempt.peer, attempt.certificate, context.config)) return complete(at, link, peer, context);
  refuse_link(link, "the certificate is not that of the Attach", context);
  fail(at, wire::ErrorCode::invalid, "another node answered there");
}

void Connect::Impl::complete(At at, LinkId link, const security::Signer& peer, messaging::Context& context) {
  const Attempt attempt = std::move(at->second);
  attempts.erase(at);
  if (peer.node_id != attempt.peer) events.push_back(BindLink{link, attempt.peer});
  if (attempt.update_wanted) context.effects.push_back(messaging::UpdateWanted{attempt.peer});
  tell_success(attempt, link);
  if (attempt.application) return;
  overlay_links.at(link).listens_at = attempt.listens_at;
  for (auto other = attempts.begin(); other != attempts.end();) {
    const auto yielded = other++;
    if (yielded->second.state != State::yielded || yielded->second.peer != attempt.peer) continue;
    tell_success(yielded->second, link);
    attempts.erase(yielded);
  }
  replace_older(link, attempt.peer, context);
}

void Connect::Impl::tell_success(const Attempt& attempt, LinkId link) {
  if (attempt.state == State::opening) {
    if (attempt.application) events.push_back(AppAccepted{link, attempt.peer, *attempt.application});
  } else if (attempt.application) {
    events.push_back(AppAttachDone{ApiId{attempt.caller}, link, attempt.peer});
  } else {
    events.push_back(AttachDone{attempt.caller, attempt.peer});
  }
}

void Connect::Impl::fail(At at, wire::ErrorCode code, const std::string& text) {
  const Attempt attempt = std::move(at->second);
  attempts.erase(at);
  tell_failure(attempt, code, text);
  if (attempt.state != State::opening || attempt.application) return;
  for (auto other = attempts.begin(); other != attempts.end();) {  // what waited for this link
    const auto yielded = other++;
    if (yielded->second.state != State::yielded || yielded->second.peer != attempt.peer) continue;
    tell_failure(yielded->second, code, text);
    attempts.erase(yielded);
  }
}

void Connect::Impl::tell_failure(const Attempt& attempt, wire::ErrorCode code, const std::string& text) {
  if (attempt.state == State::opening) return;
  if (attempt.application) {
    events.push_back(AppAttachDone{ApiId{attempt.caller}, tl::unexpected(std::pair(code, text)), attempt.peer});
  } else {
    events.push_back(AttachDone{attempt.caller, failure(text)});
  }
}

void Connect::Impl::refuse_link(LinkId link, const std::string& reason, messaging::Context& context) {
  context.counters.add(Counter::links_refused);
  overlay_links.erase(link);
  events.push_back(CloseUnwanted{link, reason});
}

// T52: the new link replaces older ones to the same node. Only the node with the larger Node-ID closes them: links made
// at the same time can come up in a different order at their ends, and each end would close the other's newest.
void Connect::Impl::replace_older(LinkId newest, const NodeId& node, messaging::Context& context) {
  if (context.self < node) return;
  const std::uint64_t number = overlay_links.at(newest).number;
  for (const auto& [link, known] : overlay_links) {
    if (known.number >= number || !known.peer.known() || !known.peer.certificate->holds(node)) continue;
    const bool listed =
        std::any_of(replaced.begin(), replaced.end(), [&, id = link](const auto& r) { return r.link == id; });
    if (!listed) replaced.push_back({context.now.mono + limits::kReplacedLinkTime, link, newest});
  }
}

// The interface.

Connect::Connect(ConnectOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Connect::~Connect() = default;

void Connect::attach(std::uint64_t number, wire::DestinationList to, bool send_update, messaging::Context& context) {
  Attempt attempt;
  attempt.caller = number;
  impl_->request(std::move(attempt), std::move(to), send_update, context);
}

void Connect::app_attach(ApiId id, wire::DestinationList to, ApplicationId application, messaging::Context& context) {
  Attempt attempt;
  attempt.caller = id.value;
  attempt.application = application;
  impl_->request(std::move(attempt), std::move(to), false, context);
}

void Connect::accept_app(ApplicationId application) { impl_->accepted.insert(application); }

void Connect::on_request(const messaging::Request& request, messaging::Context& context) {
  const auto refuse = [&](wire::ErrorCode code, std::string_view why) {
    context.effects.push_back(messaging::SendError{request.id, code, to_bytes(as_bytes(why))});
  };
  const bool app = request.code == wire::MessageCode::app_attach_req;
  const std::optional<Offer> offer = decode_offer(app, request.body, context.config.codec());
  if (!offer) {
    context.counters.add(Counter::contents_malformed);
    return refuse(wire::ErrorCode::invalid_message, "malformed body");
  }
  const NodeId& peer = request.signer.node_id;
  if (peer == context.self) return refuse(wire::ErrorCode::not_found, "this is the requester itself");
  if (app && !impl_->accepted.contains(*offer->application)) {
    return refuse(wire::ErrorCode::not_found, "no such application here");
  }
  if (!requester_is_passive(*offer)) {
    return refuse(wire::ErrorCode::invalid_message, "the requester's role is not passive");
  }
  if (usable_addresses(offer->candidates).empty()) {
    return refuse(wire::ErrorCode::invalid_message, "no host candidate for TLS-TCP-FH-NO-ICE");
  }
  if (impl_->attempts.size() >= limits::kMaxPendingAttaches) {
    context.counters.add(Counter::requests_refused_budget);
    return refuse(wire::ErrorCode::request_timeout, "too many connections under way; try later");
  }
  if (!app && !impl_->yields_to(peer, offer->send_update, context)) {
    return refuse(wire::ErrorCode::in_progress, "our own Attach to you is under way");
  }
  impl_->accept(request, *offer, context);
}

void Connect::on_answer(const messaging::Token& token, const messaging::Answer& answer, messaging::Context& context) {
  const auto at = impl_->attempts.find(token.number);
  if (at == impl_->attempts.end() || at->second.state != State::asked) return;
  impl_->answered(at, answer, context);
}

void Connect::on_overlay_link(std::uint64_t attempt, LinkId link, const security::Signer& peer, bool inbound,
                              messaging::Context& context) {
  impl_->overlay_links[link] = {peer, ++impl_->last_link, std::nullopt};
  if (!inbound && attempt != 0) {
    const auto at = impl_->attempts.find(attempt);
    if (at == impl_->attempts.end() || at->second.state != State::opening) {
      return impl_->refuse_link(link, "too late for its Attach", context);
    }
    return impl_->opened(at, link, peer, context);
  }
  // Without an Attach that it belongs to, it is a joining node's or a client's, or our own to a bootstrap node.
  for (auto at = impl_->attempts.begin(); at != impl_->attempts.end(); ++at) {
    const Attempt& waiting = at->second;
    if (!waiting.application && (waiting.state == State::awaiting_link || waiting.state == State::yielded) &&
        is_link_of(peer, waiting.peer, waiting.certificate, context.config)) {
      return impl_->complete(at, link, peer, context);
    }
  }
  if (!peer.node_id.is_zero()) impl_->replace_older(link, peer.node_id, context);
}

void Connect::on_app_link(std::uint64_t attempt, LinkId link, const security::Signer& peer, ApplicationId application,
                          bool inbound, messaging::Context& context) {
  if (!inbound) {
    const auto at = impl_->attempts.find(attempt);
    if (at == impl_->attempts.end() || at->second.state != State::opening || at->second.application != application) {
      return impl_->refuse_link(link, "too late for its AppAttach", context);
    }
    return impl_->opened(at, link, peer, context);
  }
  bool may_be_early = false;
  for (auto at = impl_->attempts.begin(); at != impl_->attempts.end(); ++at) {
    const Attempt& waiting = at->second;
    if (waiting.application != application) continue;
    if (waiting.state == State::awaiting_link && is_link_of(peer, waiting.peer, waiting.certificate, context.config)) {
      return impl_->complete(at, link, peer, context);
    }
    if (waiting.state == State::asked) may_be_early = true;
  }
  if (!may_be_early || impl_->early_links.size() >= limits::kMaxPendingAttaches) {
    return impl_->refuse_link(link, "no AppAttach explains it", context);
  }
  impl_->early_links[link] = {peer, application, link_deadline(context)};
}

void Connect::on_link_down(LinkId link) {
  impl_->overlay_links.erase(link);
  impl_->early_links.erase(link);
}

std::optional<wire::IpAddressPort> Connect::listens_at(LinkId link) const {
  const auto found = impl_->overlay_links.find(link);
  return found == impl_->overlay_links.end() ? std::nullopt : found->second.listens_at;
}

void Connect::on_open_failed(std::uint64_t attempt, const std::string& reason, messaging::Context&) {
  const auto at = impl_->attempts.find(attempt);
  if (at == impl_->attempts.end() || at->second.state != State::opening) return;
  impl_->fail(at, wire::ErrorCode::invalid, reason);
}

void Connect::on_timer(messaging::Context& context) {
  const Mono now = context.now.mono;
  std::vector<std::uint64_t> late;
  for (const auto& [number, attempt] : impl_->attempts) {
    if (attempt.deadline && *attempt.deadline <= now) late.push_back(number);
  }
  for (const std::uint64_t number : late) {
    const auto at = impl_->attempts.find(number);
    if (at == impl_->attempts.end()) continue;  // ended with one before it
    impl_->fail(at, wire::ErrorCode::request_timeout, "no link in time");
  }
  for (auto at = impl_->early_links.begin(); at != impl_->early_links.end();) {
    const auto early = at++;
    if (early->second.deadline > now) continue;
    impl_->refuse_link(early->first, "no AppAttach explains it", context);
    impl_->early_links.erase(early);
  }
  while (!impl_->replaced.empty() && impl_->replaced.front().deadline <= now) {
    const ReplacedLink old = impl_->replaced.front();
    impl_->replaced.erase(impl_->replaced.begin());
    if (!impl_->overlay_links.contains(old.by) || impl_->overlay_links.erase(old.link) == 0) continue;
    impl_->events.push_back(CloseUnwanted{old.link, "replaced by a newer link"});
  }
}

std::optional<Mono> Connect::next_deadline() const {
  std::optional<Mono> next;
  const auto note = [&](Mono deadline) { next = next ? std::min(*next, deadline) : deadline; };
  for (const auto& [number, attempt] : impl_->attempts) {
    if (attempt.deadline) note(*attempt.deadline);
  }
  for (const auto& [link, early] : impl_->early_links) note(early.deadline);
  if (!impl_->replaced.empty()) note(impl_->replaced.front().deadline);
  return next;
}

std::vector<ConnectEvent> Connect::take_events() { return std::exchange(impl_->events, {}); }

}  // namespace reload::connect
