#include "sip-usage/sofia/proxy.hpp"

#include "sip-usage/limits.hpp"

namespace reload::sip {

namespace {

constexpr std::uint32_t kMaxForwards = 70;  // RFC 3261 8.1.1.6

constexpr std::size_t kOwnTag = 16;

bool sets_up_dialog(sip_method_t method) {
  return method == sip_method_invite || method == sip_method_subscribe || method == sip_method_refer ||
         method == sip_method_notify;
}

void set_uri(msg_t* message, const std::string& uri) {
  sip_t* sip = sip_object(message);
  url_t* url = url_hdup(msg_home(message), URL_STRING_MAKE(uri.c_str())->us_url);
  if (url == nullptr) return;
  sip_request_t* old = sip->sip_request;
  sip_request_t* request = sip_request_create(msg_home(message), old->rq_method, old->rq_method_name,
                                              reinterpret_cast<const url_string_t*>(url), nullptr);
  if (request != nullptr)
    msg_header_replace(message, reinterpret_cast<msg_pub_t*>(sip), reinterpret_cast<msg_header_t*>(old),
                       reinterpret_cast<msg_header_t*>(request));
}

void lower_max_forwards(msg_t* message) {
  sip_t* sip = sip_object(message);
  if (sip->sip_max_forwards != nullptr) {
    --sip->sip_max_forwards->mf_count;
    sip_fragment_clear(sip->sip_max_forwards->mf_common);
  } else {
    sip_add_make(message, sip, sip_max_forwards_class, std::to_string(kMaxForwards).c_str());
  }
}

// RFC 3261 22.3: credentials for this proxy end here.
void drop_credentials(const Context& context, msg_t* message) {
  sip_t* sip = sip_object(message);
  for (sip_proxy_authorization_t* header = sip->sip_proxy_authorization; header != nullptr;) {
    sip_proxy_authorization_t* next = header->au_next;
    const auto* rest = header->au_next;
    header->au_next = nullptr;
    const bool ours = credentials_in(context, header).has_value();
    header->au_next = const_cast<sip_proxy_authorization_t*>(rest);
    if (ours) sip_header_remove(message, sip, reinterpret_cast<sip_header_t*>(header));
    header = next;
  }
}

std::string flow_uri(const Flow& flow) {
  return "sip:" + uri_host(flow.address) + ':' + std::to_string(flow.port) +
         (flow.transport == Transport::tcp ? ";transport=tcp" : "");
}

// The To tag of the answers given without a transaction. The ACK to such an answer carries it back, and ends here.
std::string own_tag(const Context& context, const sip_t* sip) {
  return context.hash.mac(std::string("answer:") + sip->sip_call_id->i_id).substr(0, kOwnTag);
}

void set_own_tag(const Context& context, msg_t* message) {
  sip_t* sip = sip_object(message);
  if (sip->sip_to->a_tag == nullptr) sip_to_tag(msg_home(message), sip->sip_to, own_tag(context, sip).c_str());
}

bool has_own_tag(const Context& context, const sip_t* sip) {
  return sip->sip_to->a_tag != nullptr && own_tag(context, sip) == sip->sip_to->a_tag;
}

bool is_tcp(const url_t* url) {
  char transport[16] = {};
  return url->url_params != nullptr && url_param(url->url_params, "transport", transport, sizeof transport) > 0 &&
         lower(transport) == "tcp";
}

}  // namespace

struct Proxy::Onward {
  Context& context;
  Endpoint& from;
  std::optional<Side> from_side;  // none: a peer
  bool record_route = false;
  std::shared_ptr<Transaction> transaction;  // null for an ACK
  Message ack;
  std::string loop_key;

  void send(Endpoint& to, const std::string& route, std::optional<Side> side, const std::string& uri) const {
    const std::size_t listener = side ? side->listener : 0;
    const auto edit = [&](msg_t* message) {
      if (!uri.empty()) set_uri(message, uri);
      if (record_route) add_record_route(context, message, from_side, side);
    };
    if (transaction) return transaction->send(to, route, listener, edit);
    Message copy(msg_dup(ack.get()));
    edit(copy.get());
    const std::string key = branch_for(loop_key);
    nta_msg_tsend(to.agent(), copy.release(), URL_STRING_MAKE(route.c_str()), TPTAG_IDENT(to.ident(listener)),
                  NTATAG_BRANCH_KEY(key.c_str()), TAG_END());
  }
  void expect() const {
    if (transaction) transaction->expect();
  }
  void arrived() const {
    if (transaction) transaction->arrived();
  }
  void fail(int status) const {
    if (transaction) transaction->fail_branch(status);
  }
};

Proxy::Proxy(Context& context)
    : context_(context),
      strangers_(context.options.stranger_rate.per_second, context.options.stranger_rate.burst, kMaxRateSources) {}

void Proxy::refuse(Endpoint& from, Message message, int status, const char* reason) {
  if (status == 403) context_.counters.add(SipCounter::requests_refused);
  if (status == 482 || status == 483) context_.counters.add(SipCounter::loops_detected);
  set_own_tag(context_, message.get());
  if (status == 503)
    nta_msg_treply(from.agent(), message.release(), status, reason, SIPTAG_RETRY_AFTER_STR("5"), TAG_END());
  else
    nta_msg_treply(from.agent(), message.release(), status, reason, TAG_END());
}

void Proxy::challenge(Endpoint& from, Message message, bool stale) {
  context_.counters.add(SipCounter::requests_challenged);
  const auto [first, second] = challenges(context_, stale);
  set_own_tag(context_, message.get());
  nta_msg_treply(from.agent(), message.release(), SIP_407_PROXY_AUTH_REQUIRED,
                 SIPTAG_PROXY_AUTHENTICATE_STR(first.c_str()),
                 TAG_IF(!second.empty(), SIPTAG_PROXY_AUTHENTICATE_STR(second.c_str())), TAG_END());
}

RequestFacts Proxy::facts_of(Endpoint& from, const sip_t* sip, const TakenRoute& route) {
  RequestFacts facts;
  stale_ = false;
  facts.from_peer = from.role() == Endpoint::Role::peers;
  facts.ack = sip->sip_request->rq_method == sip_method_ack;
  facts.own_route = route.own;
  facts.target = aor_of(context_, sip->sip_request->rq_url);
  facts.target_served = facts.target && served(context_, *facts.target);
  const std::optional<Aor> claimed = aor_of(context_, sip->sip_from->a_url);
  facts.from_served = claimed && claims_user(context_, *claimed);
  if (facts.from_peer || facts.own_route || !facts.from_served) return facts;
  if (const auto credentials = credentials_in(context_, sip->sip_proxy_authorization)) {
    const DigestAuth::Verdict verdict =
        context_.auth.check(*credentials, sip->sip_request->rq_method_name, claimed->name, mono_now());
    facts.from_proven = verdict == DigestAuth::Verdict::ok;
    facts.credentials_wrong = verdict == DigestAuth::Verdict::wrong;
    stale_ = verdict == DigestAuth::Verdict::stale;
  }
  return facts;
}

void Proxy::request(Endpoint& from, Message message) {
  bury();
  sip_t* sip = sip_object(message.get());
  const sip_method_t method = sip->sip_request->rq_method;
  const bool ack = method == sip_method_ack;
  const bool peer = from.role() == Endpoint::Role::peers;
  const Flow source = from.source(message.get());
  context_.counters.add(peer ? SipCounter::requests_from_peers : SipCounter::requests_from_phones);
  if (method == sip_method_invite) context_.counters.add(peer ? SipCounter::calls_in : SipCounter::calls_out);

  // One that matches a transaction does not come here.
  if (method == sip_method_cancel) return refuse(from, std::move(message), SIP_481_NO_TRANSACTION);
  if (sip->sip_max_forwards != nullptr && sip->sip_max_forwards->mf_count == 0)
    return ack ? void() : refuse(from, std::move(message), SIP_483_TOO_MANY_HOPS);
  if (ack && has_own_tag(context_, sip)) return;  // it confirms what refuse() or challenge() answered
  const std::string loop_key = loop_key_of(context_, sip);
  if (has_looped(sip, loop_key)) return ack ? void() : refuse(from, std::move(message), SIP_482_LOOP_DETECTED);

  Message copy(msg_dup(message.get()));
  const TakenRoute taken = take_route(context_, copy.get());
  if (!taken.own && method == sip_method_options && names_us(context_, sip->sip_request->rq_url))
    return refuse(from, std::move(message), SIP_200_OK);

  RequestFacts facts = facts_of(from, sip, taken);
  const RouteDecision decision = route(facts, {context_.options.anonymous_calls});
  if (decision.action == RouteAction::drop) return;
  if (decision.action == RouteAction::refuse) return refuse(from, std::move(message), decision.status, decision.reason);
  if (decision.action == RouteAction::challenge) return challenge(from, std::move(message), stale_);
  if (decision.stranger) {
    const RateLimiter::Verdict verdict = strangers_.take(source.address, mono_now());
    if (verdict != RateLimiter::Verdict::pass) context_.counters.add(SipCounter::requests_rate_limited);
    if (verdict == RateLimiter::Verdict::flood) return;
    if (verdict == RateLimiter::Verdict::over) return refuse(from, std::move(message), 503, "Too Many Requests");
  }
  if (!ack && transactions_.size() >= kMaxTransactions) return refuse(from, std::move(message), 503, "Too Busy");
  start(from, std::move(message), std::move(copy), decision, taken, std::move(facts.target), loop_key);
}

void Proxy::start(Endpoint& from, Message message, Message copy, const RouteDecision& decision, const TakenRoute& taken,
                  std::optional<Aor> target, const std::string& loop_key) {
  const sip_t* sip = sip_object(copy.get());
  const sip_method_t method = sip->sip_request->rq_method;
  const std::string request_uri = text_of(sip->sip_request->rq_url);
  const Flow source = from.source(message.get());
  lower_max_forwards(copy.get());
  drop_credentials(context_, copy.get());

  const auto onward =
      std::make_shared<Onward>(Onward{context_, from, std::nullopt, sets_up_dialog(method), nullptr, {}, loop_key});
  if (from.role() == Endpoint::Role::phones) onward->from_side = Side{source.listener, source.transport};
  if (method == sip_method_ack) {
    onward->ack = std::move(copy);
  } else {
    onward->transaction = std::make_shared<Transaction>(context_, from, std::move(message), std::move(copy), loop_key);
    if (!onward->transaction->ok()) return context_.counters.add(SipCounter::requests_malformed);
    transactions_.push_back(onward->transaction);
    context_.counters.set(SipCounter::transactions, transactions_.size());
  }

  onward->expect();
  if (decision.action == RouteAction::in_dialog && taken.next) {
    to_node(onward, {"", {*taken.next}, wire::kApplicationSip}, false);
  } else if (decision.action == RouteAction::in_dialog && !taken.next_uri.empty()) {
    to_uri(onward, taken.next_uri);
  } else if (decision.action == RouteAction::in_dialog && !(target && claims_user(context_, *target))) {
    to_uri(onward, request_uri);
  } else {
    to_phones(onward, target->name);
    const bool peer = from.role() == Endpoint::Role::peers;
    if (decision.action == RouteAction::local_and_overlay || !peer) to_overlay(onward, *target);
  }
  onward->arrived();
}

// Over the connection the phone opened, or through its NAT, or to the contact itself.
void Proxy::to_phones(const std::shared_ptr<Onward>& onward, const std::string& aor) {
  for (const Binding& binding : onward->context.registrar.bindings().of(aor)) {
    Home home;
    const url_t* contact = url_hdup(home, URL_STRING_MAKE(binding.uri.c_str())->us_url);
    if (contact == nullptr || contact->url_host == nullptr) continue;
    const Flow& flow = binding.flow;
    const bool tcp = flow.transport == Transport::tcp;
    const bool behind_nat = host_is_ip_address(contact->url_host) != 0 && uri_host(flow.address) != contact->url_host;
    const bool by_flow = tcp ? onward->context.phones.connected(flow) : behind_nat;
    const Side side{flow.listener, by_flow ? flow.transport : is_tcp(contact) ? Transport::tcp : Transport::udp};
    onward->send(onward->context.phones, by_flow ? flow_uri(flow) : binding.uri, side, binding.uri);
  }
}

// A request within a dialog, to the contact that the phone gave in it.
void Proxy::to_uri(const std::shared_ptr<Onward>& onward, const std::string& uri) {
  Home home;
  const url_t* url = url_hdup(home, URL_STRING_MAKE(uri.c_str())->us_url);
  if (url == nullptr || url->url_host == nullptr) return onward->fail(400);
  Side side = onward->from_side.value_or(Side{});
  side.transport = is_tcp(url) ? Transport::tcp : Transport::udp;
  const Binding* binding = onward->context.registrar.bindings().by_contact(contact_key(url));
  if (binding == nullptr) return onward->send(onward->context.phones, uri, side, "");
  const Flow& flow = binding->flow;
  const bool behind_nat = host_is_ip_address(url->url_host) != 0 && uri_host(flow.address) != url->url_host;
  const bool by_flow = flow.transport == Transport::tcp ? onward->context.phones.connected(flow) : behind_nat;
  side.listener = flow.listener;
  if (by_flow) side.transport = flow.transport;
  onward->send(onward->context.phones, by_flow ? flow_uri(flow) : uri, side, "");
}

void Proxy::to_overlay(const std::shared_ptr<Onward>& onward, const Aor& aor) {
  Context& context = onward->context;
  if (!context.overlay.joined()) return onward->fail(503);
  const bool known = context.passwords.find(aor.name) != nullptr || context.overlay.user_node_id(aor.name).has_value();
  onward->expect();
  context.locator.resolve(aor, [onward, known, aor](const Resolution& resolution) {
    if (onward->transaction) {
      if (resolution.failed && resolution.targets.empty())
        onward->transaction->when_no_target(503, "Overlay Did Not Answer");
      else if (!known && !resolution.registered)
        onward->transaction->when_no_target(SIP_404_NOT_FOUND);
    }
    for (const Target& target : resolution.targets) {
      const bool here = std::get<NodeId>(target.destinations.back()) == onward->context.overlay.self();
      if (!here)
        to_node(onward, target, true);
      else if (target.name != aor.name)
        to_phones(onward, target.name);  // forwarded to a user whose phones are here
    }
    onward->arrived();
  });
}

void Proxy::to_node(const std::shared_ptr<Onward>& onward, const Target& target, bool new_uri) {
  onward->expect();
  const std::string uri = new_uri ? "sip:" + target.name : std::string();
  onward->context.connections.obtain(
      target.destinations, target.application, mono_now(), [onward, uri](const overlay::Outcome<overlay::Pipe>& pipe) {
        if (!pipe) {
          onward->fail(503);
          return onward->arrived();
        }
        onward->context.pipes.when_ready(pipe->id, [onward, uri, id = pipe->id](bool ready) {
          if (ready)
            onward->send(onward->context.peers, onward->context.pipes.route_uri(id), std::nullopt, uri);
          else
            onward->fail(503);
          onward->arrived();
        });
      });
}

void Proxy::tick() {
  const Mono now = mono_now();
  for (const std::shared_ptr<Transaction>& transaction : transactions_) transaction->tick(now);
  bury();
}

void Proxy::stop() {
  for (const std::shared_ptr<Transaction>& transaction : transactions_) transaction->give_up(503, "Shutting Down");
  bury();
}

// A transaction that has ended may still be on the stack of the call that ended it, so it is only dropped here.
void Proxy::bury() {
  transactions_.remove_if([](const std::shared_ptr<Transaction>& transaction) { return transaction->over(); });
  context_.counters.set(SipCounter::transactions, transactions_.size());
}

}  // namespace reload::sip
