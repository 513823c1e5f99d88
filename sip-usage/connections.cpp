#include "sip-usage/connections.hpp"

#include <algorithm>

#include "reload/wire/codec.hpp"
#include "sip-usage/limits.hpp"

namespace reload::sip {

namespace {

// RFC 5626 3.5.1: a ping is two CRLF, its answer one. Neither is SIP.
bool is_keepalive(ByteView bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t c) { return c == '\r' || c == '\n'; });
}

tl::unexpected<overlay::Error> error(wire::ErrorCode code, std::string text) {
  return tl::unexpected<overlay::Error>(overlay::Error{code, std::move(text)});
}

}  // namespace

void Connections::obtain(const wire::DestinationList& destinations, ApplicationId application, Mono now, Done done) {
  now_ = now;
  const NodeId* node = destinations.empty() ? nullptr : std::get_if<NodeId>(&destinations.back());
  if (node == nullptr) return done(error(wire::ErrorCode::invalid, "the destination list does not end in a Node-ID"));
  const Remote remote{*node, application};
  if (const auto at = preferred_.find(remote); at != preferred_.end()) return done(at->second);
  if (waiting_ == kMaxWaitingForPipe) return done(error(wire::ErrorCode::request_timeout, "too many wait for a pipe"));
  ++waiting_;
  std::vector<Done>& waiting = attaching_[remote];
  waiting.push_back(std::move(done));
  if (waiting.size() > 1) return;
  overlay_.app_attach(
      {wire::encode(destinations), application},
      [this, remote](overlay::Outcome<overlay::Pipe> outcome) { attached(remote, std::move(outcome)); });
}

// RFC 7904 5.1: a connection to another node than the one that was meant must be closed and never used.
void Connections::attached(const Remote& remote, overlay::Outcome<overlay::Pipe> outcome) {
  if (outcome && outcome->remote != remote.first) {
    overlay_.pipe_close(outcome->id);
    outcome = error(wire::ErrorCode::forbidden, "the remote node is not the one that was asked for");
  } else if (outcome && !add(*outcome, remote.second)) {
    outcome = error(wire::ErrorCode::request_timeout, "too many pipes");
  } else if (outcome) {
    counters_.add(SipCounter::pipes_opened);
  }
  if (!outcome) counters_.add(SipCounter::pipes_failed);
  const auto at = attaching_.find(remote);
  const std::vector<Done> waiting = std::move(at->second);
  attaching_.erase(at);
  waiting_ -= waiting.size();
  for (const Done& done : waiting) done(outcome);
}

void Connections::accepted(const overlay::Pipe& pipe, Mono now) {
  now_ = now;
  if (add(pipe, wire::kApplicationSip)) counters_.add(SipCounter::pipes_accepted);
}

bool Connections::add(const overlay::Pipe& pipe, ApplicationId application) {
  if (open_.size() == limits::kMaxPipes) {
    overlay_.pipe_close(pipe.id);
    return false;
  }
  const Remote remote{pipe.remote, application};
  open_.emplace(pipe.id, Open{remote, now_, now_, now_});
  preferred_.emplace(remote, pipe);
  counters_.set(SipCounter::pipes, open_.size());
  events_.opened(pipe);
  return true;
}

void Connections::closed(overlay::PipeId pipe) {
  const auto at = open_.find(pipe);
  if (at != open_.end()) forget(at);
}

void Connections::close(overlay::PipeId pipe) {
  const auto at = open_.find(pipe);
  if (at == open_.end()) return;
  overlay_.pipe_close(pipe);
  forget(at);
}

void Connections::forget(std::map<overlay::PipeId, Open>::iterator at) {
  const overlay::PipeId pipe = at->first;
  const Remote remote = at->second.remote;
  open_.erase(at);
  if (const auto used = preferred_.find(remote); used != preferred_.end() && used->second.id == pipe) {
    preferred_.erase(used);
    for (const auto& [other, state] : open_)
      if (state.remote == remote) preferred_.insert_or_assign(remote, overlay::Pipe{other, remote.first, ""});
  }
  counters_.add(SipCounter::pipes_closed);
  counters_.set(SipCounter::pipes, open_.size());
  events_.closed(pipe);
}

void Connections::sent(overlay::PipeId pipe, Mono now) {
  const auto at = open_.find(pipe);
  if (at == open_.end()) return;
  at->second.last_sent = now;
  at->second.last_sip = now;
}

void Connections::received(overlay::PipeId pipe, ByteView bytes, Mono now) {
  const auto at = open_.find(pipe);
  if (at == open_.end()) return;
  at->second.last_received = now;
  if (!is_keepalive(bytes)) at->second.last_sip = now;
}

void Connections::tick(Mono now) {
  now_ = now;
  std::vector<overlay::PipeId> over;
  for (auto& [pipe, state] : open_) {
    if (now - state.last_received >= kPipeSilence || now - state.last_sip >= kPipeIdle) {
      over.push_back(pipe);
    } else if (now - state.last_sent >= kPipeKeepalive) {
      static const SharedBytes kPing(to_bytes(as_bytes("\r\n\r\n")));
      overlay_.pipe_send(pipe, kPing);
      state.last_sent = now;
    }
  }
  for (const overlay::PipeId pipe : over) close(pipe);
}

}  // namespace reload::sip
