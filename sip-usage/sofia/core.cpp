#include "sip-usage/sofia/core.hpp"

#include "sip-usage/limits.hpp"

namespace reload::sip {

namespace {
constexpr Duration kForever = 24h * 20;  // the pipe, not sofia-sip, says when a relay ends
}

Core::Core(su_root_t* root, const SipOptions& options, const PasswordTable& passwords, SipCounters& counters,
           OverlayBridge& overlay)
    : root_(root),
      options_(options),
      counters_(counters),
      overlay_(overlay),
      passwords_(passwords),
      auth_(passwords, hash_, overlay.overlay_name()),
      registrar_(overlay, counters, rng_),
      locator_(overlay, counters),
      connections_(overlay, counters,
                   {.opened = [this](const overlay::Pipe& pipe) { pipes_->open(pipe); },
                    .closed = [this](overlay::PipeId pipe) { pipes_->close(pipe); }}) {
  registrar_.on_missing_credential([this](const std::string& aor) {
    if (overlay_.awaits(aor)) return true;
    if (!options_.on_missing_credential) return false;
    options_.on_missing_credential(aor);
    return true;
  });
}

Result<std::unique_ptr<Core>> Core::create(su_root_t* root, const SipOptions& options, const PasswordTable& passwords,
                                           SipCounters& counters, OverlayBridge& overlay) {
  std::unique_ptr<Core> core(new Core(root, options, passwords, counters, overlay));
  if (const Result<bool> ok = core->listen(); !ok) return tl::unexpected(ok.error());
  core->attach_overlay();
  return core;
}

Result<bool> Core::listen() {
  const Endpoint::Handlers handlers{
      .request = [this](Endpoint& from, Message message) { received(from, std::move(message)); },
      .response = [this](Endpoint&, Message message) { proxy_->response(std::move(message)); }};
  // A phone's connection must outlast its registration, which is refreshed well before its end.
  const Duration idle = std::chrono::seconds(options_.max_expires) + 60s;
  Result<std::unique_ptr<Endpoint>> phones =
      Endpoint::create(root_, Endpoint::Role::phones, options_.listen, idle, handlers);
  if (!phones) return tl::unexpected(phones.error());
  Result<std::unique_ptr<Endpoint>> peers =
      Endpoint::create(root_, Endpoint::Role::peers, {{"127.0.0.1", 0}}, kForever, handlers);
  if (!peers) return tl::unexpected(peers.error());
  phones_ = std::move(*phones);
  peers_ = std::move(*peers);
  pipes_ = std::make_unique<PipeBridge>(
      root_, peers_->listening().front().port,
      PipeBridge::Events{.outgoing =
                             [this](overlay::PipeId pipe, SharedBytes bytes) {
                               counters_.add(SipCounter::pipe_bytes_sent, bytes.size());
                               connections_.sent(pipe, mono_now());
                               overlay_.pipe_send(pipe, std::move(bytes));
                             },
                         .broken = [this](overlay::PipeId pipe) { connections_.close(pipe); }});
  context_ = std::make_unique<Context>(Context{options_, passwords_, hash_, overlay_, counters_, auth_, registrar_,
                                               locator_, connections_, *pipes_, *phones_, *peers_});
  registers_ = std::make_unique<RegisterHandler>(*context_);
  proxy_ = std::make_unique<Proxy>(*context_);
  return true;
}

void Core::attach_overlay() {
  overlay_.on_pipe_data([this](overlay::PipeId pipe, const SharedBytes& bytes) {
    counters_.add(SipCounter::pipe_bytes_received, bytes.size());
    connections_.received(pipe, bytes.view(), mono_now());
    pipes_->incoming(pipe, bytes);
  });
  overlay_.on_pipe_closed([this](overlay::PipeId pipe, const std::string&) { connections_.closed(pipe); });
  overlay_.accept_app(wire::kApplicationSip,
                      [this](const overlay::Pipe& pipe) { connections_.accepted(pipe, mono_now()); });
}

Core::~Core() {
  // Transactions end before the agents they belong to.
  proxy_.reset();
  registers_.reset();
  pipes_.reset();
}

void Core::received(Endpoint& from, Message message) {
  const bool peer = from.role() == Endpoint::Role::peers;
  const sip_t* sip = sip_object(message.get());
  if (peer && !pipes_->node_at(from.source(message.get()))) {
    counters_.add(SipCounter::strangers_refused);
    if (tport_t* tport = from.transport(message.get()); tport != nullptr && tport_is_secondary(tport))
      tport_shutdown(tport, 2);
    return;
  }
  if (sip->sip_request->rq_method == sip_method_register && !peer)
    registers_->request(from, std::move(message));
  else
    proxy_->request(from, std::move(message));
}

void Core::tick() {
  const Mono now = mono_now();
  registrar_.tick(now);
  connections_.tick(now);
  proxy_->tick();
}

void Core::stop() { proxy_->stop(); }

}  // namespace reload::sip
