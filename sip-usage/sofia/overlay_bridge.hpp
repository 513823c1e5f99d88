// The Overlay as the SIP thread sees it: calls go to the node's thread by `PostToNode`, their results come back through
// the loop's inbox and run on the SIP thread. Facts are answered from the last snapshot.
#pragma once

#include <memory>

#include "sip-usage/sofia/inbox.hpp"
#include "sip-usage/sofia/overlay_facts.hpp"

namespace reload::sip {

class OverlayBridge final : public overlay::Overlay {
 public:
  OverlayBridge(std::shared_ptr<Inbox> inbox, PostToNode post, OverlayFacts facts);

  // On the SIP thread. The users who have another credential than before.
  std::vector<std::string> update(OverlayFacts facts);

  [[nodiscard]] NodeId self() const override { return facts_.self; }
  [[nodiscard]] std::string overlay_name() const override { return facts_.overlay_name; }
  [[nodiscard]] std::optional<config::Kind> kind(KindId id) const override;
  [[nodiscard]] std::optional<NodeId> user_node_id(const std::string& user) const override;
  [[nodiscard]] bool joined() const override { return facts_.joined; }
  // Whether this user's credential is on its way.
  [[nodiscard]] bool awaits(const std::string& user) const { return facts_.awaited.contains(user); }

  void store(overlay::StoreRequest request, std::function<void(overlay::Outcome<overlay::Stored>)> done) override;
  void fetch(overlay::FetchRequest request,
             std::function<void(overlay::Outcome<std::vector<overlay::FetchedValue>>)> done) override;
  void app_attach(overlay::AppAttachRequest request,
                  std::function<void(overlay::Outcome<overlay::Pipe>)> done) override;
  void accept_app(ApplicationId application, std::function<void(overlay::Pipe)> incoming) override;
  void on_pipe_data(std::function<void(overlay::PipeId, SharedBytes)> data) override;
  void on_pipe_closed(std::function<void(overlay::PipeId, std::string reason)> closed) override;
  void pipe_send(overlay::PipeId pipe, SharedBytes bytes) override;
  void pipe_close(overlay::PipeId pipe) override;

 private:
  template <class T>
  std::function<void(overlay::Outcome<T>)> deliver(std::function<void(overlay::Outcome<T>)> done);
  // False, and `done` gets its failure through the inbox, when too many calls wait for their result.
  template <class T>
  bool admit(const std::function<void(overlay::Outcome<T>)>& done);

  std::shared_ptr<Inbox> inbox_;
  PostToNode post_;
  OverlayFacts facts_;
  std::shared_ptr<std::size_t> waiting_ = std::make_shared<std::size_t>(0);  // SIP thread only
};

}  // namespace reload::sip
