#include "sip-usage/sofia/overlay_bridge.hpp"

#include <algorithm>

#include "sip-usage/limits.hpp"

namespace reload::sip {

OverlayBridge::OverlayBridge(std::shared_ptr<Inbox> inbox, PostToNode post, OverlayFacts facts)
    : inbox_(std::move(inbox)), post_(std::move(post)), facts_(std::move(facts)) {}

std::vector<std::string> OverlayBridge::update(OverlayFacts facts) {
  std::vector<std::string> renewed;
  for (const auto& [user, credential] : facts.credentials) {
    const auto before = facts_.credentials.find(user);
    if (before != facts_.credentials.end() && before->second != credential) renewed.push_back(user);
  }
  facts_ = std::move(facts);
  return renewed;
}

std::optional<config::Kind> OverlayBridge::kind(KindId id) const {
  const auto at = std::find_if(facts_.kinds.begin(), facts_.kinds.end(),
                               [&](const config::Kind& candidate) { return candidate.id == id; });
  return at == facts_.kinds.end() ? std::nullopt : std::optional<config::Kind>(*at);
}

std::optional<NodeId> OverlayBridge::user_node_id(const std::string& user) const {
  const auto at = facts_.users.find(user);
  return at == facts_.users.end() ? std::nullopt : std::optional<NodeId>(at->second);
}

template <class T>
bool OverlayBridge::admit(const std::function<void(overlay::Outcome<T>)>& done) {
  if (*waiting_ < kMaxOverlayCalls) {
    ++*waiting_;
    return true;
  }
  inbox_->post([done] {
    done(tl::unexpected<overlay::Error>({wire::ErrorCode::request_timeout, "too many calls wait for the overlay"}));
  });
  return false;
}

template <class T>
std::function<void(overlay::Outcome<T>)> OverlayBridge::deliver(std::function<void(overlay::Outcome<T>)> done) {
  return [inbox = inbox_, waiting = waiting_, done = std::move(done)](overlay::Outcome<T> outcome) {
    inbox->post([waiting, done, outcome = std::move(outcome)]() mutable {
      --*waiting;
      done(std::move(outcome));
    });
  };
}

void OverlayBridge::store(overlay::StoreRequest request, std::function<void(overlay::Outcome<overlay::Stored>)> done) {
  if (!admit<overlay::Stored>(done)) return;
  post_([request = std::move(request), back = deliver<overlay::Stored>(std::move(done))](
            overlay::Overlay& node) mutable { node.store(std::move(request), std::move(back)); });
}

void OverlayBridge::fetch(overlay::FetchRequest request,
                          std::function<void(overlay::Outcome<std::vector<overlay::FetchedValue>>)> done) {
  using Values = std::vector<overlay::FetchedValue>;
  if (!admit<Values>(done)) return;
  post_([request = std::move(request), back = deliver<Values>(std::move(done))](overlay::Overlay& node) mutable {
    node.fetch(std::move(request), std::move(back));
  });
}

void OverlayBridge::app_attach(overlay::AppAttachRequest request,
                               std::function<void(overlay::Outcome<overlay::Pipe>)> done) {
  if (!admit<overlay::Pipe>(done)) return;
  post_([request = std::move(request), back = deliver<overlay::Pipe>(std::move(done))](overlay::Overlay& node) mutable {
    node.app_attach(std::move(request), std::move(back));
  });
}

void OverlayBridge::accept_app(ApplicationId application, std::function<void(overlay::Pipe)> incoming) {
  post_([application, inbox = inbox_, incoming = std::move(incoming)](overlay::Overlay& node) {
    node.accept_app(application, [inbox, incoming](const overlay::Pipe& pipe) {
      inbox->post([incoming, pipe] { incoming(pipe); });
    });
  });
}

void OverlayBridge::on_pipe_data(std::function<void(overlay::PipeId, SharedBytes)> data) {
  post_([inbox = inbox_, data = std::move(data)](overlay::Overlay& node) {
    node.on_pipe_data([&node, inbox, data](overlay::PipeId pipe, const SharedBytes& bytes) {
      // A stream with a hole is no use: who sends faster than we read loses the connection.
      if (inbox->full()) return node.pipe_close(pipe);
      inbox->post([data, pipe, bytes] { data(pipe, bytes); }, bytes.size());
    });
  });
}

void OverlayBridge::on_pipe_closed(std::function<void(overlay::PipeId, std::string reason)> closed) {
  post_([inbox = inbox_, closed = std::move(closed)](overlay::Overlay& node) {
    node.on_pipe_closed([inbox, closed](overlay::PipeId pipe, const std::string& reason) {
      inbox->post([closed, pipe, reason] { closed(pipe, reason); });
    });
  });
}

void OverlayBridge::pipe_send(overlay::PipeId pipe, SharedBytes bytes) {
  post_([pipe, bytes = std::move(bytes)](overlay::Overlay& node) { node.pipe_send(pipe, bytes); });
}

void OverlayBridge::pipe_close(overlay::PipeId pipe) {
  post_([pipe](overlay::Overlay& node) { node.pipe_close(pipe); });
}

}  // namespace reload::sip
