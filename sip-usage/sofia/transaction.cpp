#include "sip-usage/sofia/transaction.hpp"

#include <utility>

#include "sip-usage/sofia/openssl_hash.hpp"

namespace reload::sip {

namespace {

constexpr std::size_t kLoopKey = 16;
constexpr const char* kMagicCookie = "z9hG4bK";
constexpr Duration kRingTime = 200s;    // timer C and some
constexpr Duration kRequestTime = 40s;  // 64*T1 and some

std::string url_param_of(const sip_via_t* via) { return via->v_branch == nullptr ? "" : via->v_branch; }

// 16.7 step 3: an answer that ends with our own Via was meant for us alone.
bool has_more_vias(const Message& answer) {
  const sip_via_t* via = sip_object(answer.get())->sip_via;
  return via != nullptr && via->v_next != nullptr;
}

// Made here, since nobody answered.
bool is_own(const Message& answer) { return answer == nullptr || nta_sip_is_internal(sip_object(answer.get())) != 0; }

}  // namespace

std::string loop_key_of(const Context& context, const sip_t* sip) {
  const auto tag = [](const sip_addr_t* address) {
    return std::string(address->a_tag == nullptr ? "" : address->a_tag);
  };
  std::string text = "loop:" + text_of(sip->sip_request->rq_url) + '\n' + sip->sip_call_id->i_id + '\n' +
                     tag(sip->sip_from) + '\n' + tag(sip->sip_to) + '\n' + std::to_string(sip->sip_cseq->cs_seq);
  for (const sip_route_t* route = sip->sip_route; route != nullptr; route = route->r_next)
    text += '\n' + text_of(route->r_url);
  return context.hash.mac(text).substr(0, kLoopKey);
}

std::string branch_for(const std::string& loop_key) {
  std::array<std::uint8_t, 8> unique{};
  OpensslRng().fill(unique);
  return kMagicCookie + to_hex(unique) + '.' + loop_key;
}

bool has_looped(const sip_t* sip, const std::string& loop_key) {
  for (const sip_via_t* via = sip->sip_via; via != nullptr; via = via->v_next)
    if (url_param_of(via).ends_with('.' + loop_key)) return true;
  return false;
}

Transaction::Transaction(Context& context, Endpoint& from, Message received, Message request, std::string loop_key)
    : context_(context),
      request_(std::move(request)),
      loop_key_(std::move(loop_key)),
      invite_(sip_object(request_.get())->sip_request->rq_method == sip_method_invite),
      deadline_(mono_now() + (invite_ ? kRingTime : kRequestTime)) {
  sip_t* sip = sip_object(received.get());
  server_ = nta_incoming_create(from.agent(), nullptr, received.release(), sip, TAG_END());
  if (server_ == nullptr) return;
  nta_incoming_bind(server_, on_cancel, this);
  if (invite_) nta_incoming_treply(server_, SIP_100_TRYING, TAG_END());
}

Transaction::~Transaction() {
  for (const std::unique_ptr<Branch>& branch : branches_)
    if (branch->request != nullptr) nta_outgoing_destroy(branch->request);
  if (server_ != nullptr) nta_incoming_destroy(server_);
}

void Transaction::arrived() {
  --expected_;
  maybe_finish();
}

void Transaction::send(Endpoint& to, const std::string& route, std::size_t listener, const Edit& edit) {
  if (finished_ || cancelled_) return;
  branches_.push_back(std::make_unique<Branch>());
  Branch& branch = *branches_.back();
  branch.transaction = this;
  branch.number = fork_.add();
  branch.to_phone = to.role() == Endpoint::Role::phones;
  context_.counters.add(SipCounter::branches);
  if (branches_.size() == 2) context_.counters.add(SipCounter::forks);

  branch.to = &to;
  branch.route = route;
  branch.listener = listener;
  branch.key = branch_for(loop_key_);
  Message copy(msg_dup(request_.get()));
  edit(copy.get());
  branch.request =
      nta_outgoing_mcreate(to.agent(), on_response, &branch, URL_STRING_MAKE(branch.route.c_str()), copy.get(),
                           TPTAG_IDENT(to.ident(listener)), NTATAG_BRANCH_KEY(branch.key.c_str()), TAG_END());
  if (branch.request != nullptr) {
    static_cast<void>(copy.release());
  } else {
    response(branch, 503, nullptr);
  }
}

void Transaction::fail_branch(int status) {
  if (finished_ || cancelled_) return;
  branches_.push_back(std::make_unique<Branch>());
  Branch& branch = *branches_.back();
  branch.transaction = this;
  branch.number = fork_.add();
  response(branch, status, nullptr);
}

void Transaction::when_no_target(int status, const char* reason) {
  no_target_status_ = status;
  no_target_reason_ = reason;
}

int Transaction::on_response(Branch* branch, nta_outgoing_t* client, const sip_t*) {
  branch->transaction->response(*branch, nta_outgoing_status(client), Message(nta_outgoing_getresponse(client)));
  return 0;
}

void Transaction::response(Branch& branch, int status, Message message) {
  if (status < 200) {
    branch.provisional = true;
    if (branch.cancel_wanted) send_cancel(branch);
    if (status > 100 && message && !finished_) forward(std::move(message));
    return;
  }
  const bool first = fork_.pending(branch.number);
  fork_.finish(branch.number, status);
  if (status < 300) {
    // Every 2xx to an INVITE goes upstream, also repeated ones and those of branches that were cancelled too late.
    if (message && (invite_ || !finished_)) forward(std::move(message));
    if (finished_) return;
    cancel_branches();
    return finish(status);
  }
  if (!first || finished_) return;
  branch.status = status;
  branch.answer = std::move(message);
  if (status >= 600) cancel_branches();
  maybe_finish();
}

// RFC 3261 16.7 steps 3 and 9.
void Transaction::forward(Message message) {
  if (!has_more_vias(message)) return;
  Message copy(msg_dup(message.get()));
  sip_via_remove(copy.get(), sip_object(copy.get()));
  nta_incoming_mreply(server_, copy.release());
}

int Transaction::on_cancel(Transaction* self, nta_incoming_t*, const sip_t* sip) {
  if (sip != nullptr && sip->sip_request != nullptr && sip->sip_request->rq_method == sip_method_cancel) self->cancel();
  return 0;
}

void Transaction::cancel() {
  if (finished_ || cancelled_) return;
  cancelled_ = true;
  cancel_branches();
  maybe_finish();
}

void Transaction::cancel_branches() {
  if (!invite_) return;
  for (const std::unique_ptr<Branch>& branch : branches_) {
    if (branch->request == nullptr || !fork_.pending(branch->number)) continue;
    branch->cancel_wanted = true;
    if (branch->provisional) send_cancel(*branch);
  }
  deadline_ = std::min(deadline_, mono_now() + kRequestTime);
}

// Not by nta_outgoing_tcancel(), which on TCP forgets the INVITE at once, so that its 487 would find nobody.
void Transaction::send_cancel(Branch& branch) {
  if (std::exchange(branch.cancel_sent, true)) return;
  const Message sent(nta_outgoing_getrequest(branch.request));
  const sip_t* invite = sip_object(sent.get());
  Message cancel(nta_msg_create(branch.to->agent(), 0));
  su_home_t* home = msg_home(cancel.get());
  sip_t* sip = sip_object(cancel.get());
  sip_add_tl(cancel.get(), sip, SIPTAG_TO(invite->sip_to), SIPTAG_FROM(invite->sip_from),
             SIPTAG_CALL_ID(invite->sip_call_id), SIPTAG_ROUTE(invite->sip_route),
             SIPTAG_REQUEST(sip_request_create(
                 home, SIP_METHOD_CANCEL, reinterpret_cast<const url_string_t*>(invite->sip_request->rq_url), nullptr)),
             SIPTAG_CSEQ(sip_cseq_create(home, invite->sip_cseq->cs_seq, SIP_METHOD_CANCEL)),
             SIPTAG_MAX_FORWARDS_STR("70"), TAG_END());
  if (nta_outgoing_mcreate(branch.to->agent(), nullptr, nullptr, URL_STRING_MAKE(branch.route.c_str()), cancel.get(),
                           TPTAG_IDENT(branch.to->ident(branch.listener)), NTATAG_BRANCH_KEY(branch.key.c_str()),
                           TAG_END()) != nullptr)
    static_cast<void>(cancel.release());
}

void Transaction::tick(Mono now) {
  if (now < deadline_) return;
  abandoned_ = true;
  if (cancelled_)
    give_up(SIP_487_REQUEST_TERMINATED);
  else
    give_up(SIP_408_REQUEST_TIMEOUT);
}

void Transaction::maybe_finish() {
  if (finished_ || !fork_.all_finished()) return;
  if (cancelled_ && branches_.empty()) return give_up(SIP_487_REQUEST_TERMINATED);
  if (expected_ > 0 && !cancelled_) return;
  const std::optional<std::size_t> best = fork_.best();
  if (!best) return give_up(no_target_status_, no_target_reason_);
  send_best(*branches_[*best]);
}

// What the caller is told. 503 would make it avoid this proxy (16.7 step 6), though only a phone was out of reach; and
// a branch that timer C cancelled was not cancelled by the caller.
int Transaction::outward_status(const Branch& branch) const {
  if (branch.status == 503 && branch.to_phone) return is_own(branch.answer) ? 480 : 500;
  if (branch.status == 487 && !cancelled_ && invite_) return 408;
  return branch.status;
}

void Transaction::send_best(Branch& branch) {
  const int status = outward_status(branch);
  if (is_own(branch.answer) || status != branch.status || !has_more_vias(branch.answer))
    return give_up(status, sip_status_phrase(status));
  Message copy(msg_dup(branch.answer.get()));
  sip_t* sip = sip_object(copy.get());
  if (status == 401 || status == 407) {  // 16.7 step 7: the challenges of all branches
    for (const std::unique_ptr<Branch>& other : branches_) {
      if (other.get() == &branch || !other->answer || (other->status != 401 && other->status != 407)) continue;
      const sip_t* more = sip_object(other->answer.get());
      if (more->sip_www_authenticate != nullptr)
        sip_add_dup(copy.get(), sip, reinterpret_cast<const sip_header_t*>(more->sip_www_authenticate));
      if (more->sip_proxy_authenticate != nullptr)
        sip_add_dup(copy.get(), sip, reinterpret_cast<const sip_header_t*>(more->sip_proxy_authenticate));
    }
  }
  sip_via_remove(copy.get(), sip);
  nta_incoming_mreply(server_, copy.release());
  finish(status);
}

void Transaction::give_up(int status, const char* reason) {
  if (finished_) return;
  cancel_branches();
  if (status == 503)
    nta_incoming_treply(server_, status, reason, SIPTAG_RETRY_AFTER_STR("5"), TAG_END());
  else
    nta_incoming_treply(server_, status, reason, TAG_END());
  finish(status);
}

void Transaction::finish(int status) {
  finished_ = true;
  if (invite_) count(status);
}

void Transaction::count(int status) {
  switch (status) {
    case 404:
      return context_.counters.add(SipCounter::calls_failed_404);
    case 408:
      return context_.counters.add(SipCounter::calls_failed_408);
    case 480:
      return context_.counters.add(SipCounter::calls_failed_480);
    case 487:
      return context_.counters.add(SipCounter::calls_cancelled);
    case 503:
      return context_.counters.add(SipCounter::calls_failed_503);
    default:
      context_.counters.add(status < 300 ? SipCounter::calls_answered : SipCounter::calls_failed_other);
  }
}

void forward_stateless(Context& context, Message response) {
  const sip_t* sip = sip_object(response.get());
  // Anything but a 2xx to an INVITE belongs to a transaction, and this one's is over.
  const bool success = sip->sip_status->st_status / 100 == 2 && sip->sip_cseq->cs_method == sip_method_invite;
  if (!success || !has_more_vias(response)) return;
  // The Via below ours says whose side the request came from: a relay's port is a peer's.
  const sip_via_t* next = sip->sip_via->v_next;
  const char* host = next->v_received != nullptr ? next->v_received : next->v_host;
  const char* port = next->v_rport != nullptr && *next->v_rport != '\0' ? next->v_rport : next->v_port;
  Flow flow;
  flow.address = host == nullptr ? "" : host;
  flow.port = port == nullptr ? std::uint16_t{0} : static_cast<std::uint16_t>(std::strtoul(port, nullptr, 10));
  const bool to_peer = sip_via_transport(next) != nullptr && lower(sip_via_transport(next)) == "tcp" &&
                       context.pipes.node_at(flow).has_value();
  Endpoint& to = to_peer ? context.peers : context.phones;
  nta_msg_tsend(to.agent(), msg_dup(response.get()), nullptr, TAG_END());
}

}  // namespace reload::sip
