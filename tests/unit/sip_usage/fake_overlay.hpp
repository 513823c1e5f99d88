// The overlay as the SIP logic sees it, answered by the test: it keeps what was asked and lets the test answer.
#pragma once

#include <map>
#include <vector>

#include "reload/overlay/overlay.hpp"

namespace reload::sip {

struct FakeOverlay final : overlay::Overlay {
  struct Store {
    overlay::StoreRequest request;
    std::function<void(overlay::Outcome<overlay::Stored>)> done;
  };
  struct Fetch {
    overlay::FetchRequest request;
    std::function<void(overlay::Outcome<std::vector<overlay::FetchedValue>>)> done;
  };
  struct Attach {
    overlay::AppAttachRequest request;
    std::function<void(overlay::Outcome<overlay::Pipe>)> done;
  };

  NodeId self() const override { return NodeId(Bytes(16, 1)); }
  std::string overlay_name() const override { return "demo.example"; }
  std::optional<config::Kind> kind(KindId) const override { return sip_kind; }
  std::optional<NodeId> user_node_id(const std::string& user) const override {
    const auto at = users.find(user);
    return at == users.end() ? std::nullopt : std::optional<NodeId>(at->second);
  }
  bool joined() const override { return true; }
  void store(overlay::StoreRequest request, std::function<void(overlay::Outcome<overlay::Stored>)> done) override {
    stores.push_back({std::move(request), std::move(done)});
  }
  void fetch(overlay::FetchRequest request,
             std::function<void(overlay::Outcome<std::vector<overlay::FetchedValue>>)> done) override {
    fetches.push_back({std::move(request), std::move(done)});
  }
  void app_attach(overlay::AppAttachRequest request,
                  std::function<void(overlay::Outcome<overlay::Pipe>)> done) override {
    attaches.push_back({std::move(request), std::move(done)});
  }
  void accept_app(ApplicationId, std::function<void(overlay::Pipe)>) override {}
  void on_pipe_data(std::function<void(overlay::PipeId, SharedBytes)>) override {}
  void on_pipe_closed(std::function<void(overlay::PipeId, std::string)>) override {}
  void pipe_send(overlay::PipeId pipe, SharedBytes bytes) override { sent.emplace_back(pipe, std::move(bytes)); }
  void pipe_close(overlay::PipeId pipe) override { closed.push_back(pipe); }

  // Answers the oldest store that waits.
  void answer_store(bool ok) {
    const Store store = stores.at(answered++);
    if (ok) return store.done(overlay::Stored{1});
    store.done(tl::unexpected<overlay::Error>({wire::ErrorCode::request_timeout, "no answer"}));
  }

  std::map<std::string, NodeId> users{{"alice@demo.example", NodeId(Bytes(16, 0xaa))}};
  std::optional<config::Kind> sip_kind;
  std::vector<Store> stores;
  std::size_t answered = 0;
  std::vector<Fetch> fetches;
  std::vector<Attach> attaches;
  std::vector<std::pair<overlay::PipeId, SharedBytes>> sent;
  std::vector<overlay::PipeId> closed;
};

}  // namespace reload::sip
