// The Overlay interface on a Node: API calls to node inputs, node events to callbacks. Runs where the node runs.
#pragma once

#include <map>

#include "reload/node/node.hpp"
#include "reload/overlay/overlay.hpp"

namespace reload::overlay {

class OverlayPort final : public Overlay {
 public:
  // `submit` gives the node an input, now or in a moment, on the node's own thread.
  OverlayPort(node::Node& node, std::function<void(node::Input)> submit);

  // What the driver drained of the node that concerns applications.
  void on_event(node::ApiEvent event);
  void on_event(node::PipeData event);
  void on_event(node::PipeDown event);

  [[nodiscard]] NodeId self() const override;
  [[nodiscard]] std::string overlay_name() const override;
  [[nodiscard]] std::optional<config::Kind> kind(KindId id) const override;
  [[nodiscard]] std::optional<NodeId> user_node_id(const std::string& user) const override;
  [[nodiscard]] bool joined() const override;
  void store(StoreRequest request, std::function<void(Outcome<Stored>)> done) override;
  void fetch(FetchRequest request, std::function<void(Outcome<std::vector<FetchedValue>>)> done) override;
  void app_attach(AppAttachRequest request, std::function<void(Outcome<Pipe>)> done) override;
  void accept_app(ApplicationId application, std::function<void(Pipe)> incoming) override;
  void on_pipe_data(std::function<void(PipeId, SharedBytes)> data) override { pipe_data_ = std::move(data); }
  void on_pipe_closed(std::function<void(PipeId, std::string)> closed) override { pipe_closed_ = std::move(closed); }
  void pipe_send(PipeId pipe, SharedBytes bytes) override;
  void pipe_close(PipeId pipe) override;

  // For tools; not part of what a usage may ask.
  void ping(wire::DestinationList to, std::function<void(Outcome<node::PingDone>)> done);
  void route_query(const NodeId& ask, wire::Destination destination,
                   std::function<void(Outcome<node::RouteQueryDone>)> done);
  void probe(wire::DestinationList to, std::function<void(Outcome<node::ProbeDone>)> done);
  // What is stored under a name, without the values; and the Resource-ID from `resource` on, among those that the peer
  // in charge of it holds, where a Kind has values.
  void stat(FetchRequest request, std::function<void(Outcome<node::StatDone>)> done);
  void find(wire::FindReq request, std::function<void(Outcome<node::FindDone>)> done);
  // A configuration document that was fetched (6940 11.2): taken if it is newer and rightly signed.
  void offer_config(Bytes document, std::function<void(Outcome<node::OfferConfigDone>)> done);
  // Sends a document to a node, as a ConfigUpdate.
  void send_config(const NodeId& to, Bytes document, std::function<void(Outcome<node::SendConfigDone>)> done);

 private:
  using Done = std::function<void(node::ApiEvent&)>;
  [[nodiscard]] wire::StoredDataSpecifier specifier_of(FetchRequest& request) const;  // takes its keys
  ApiId expect(Done done);
  template <class T>
  ApiId expect(std::function<void(Outcome<T>)> done);

  node::Node& node_;
  std::function<void(node::Input)> submit_;
  std::uint64_t next_ = 1;
  std::map<ApiId, Done> waiting_;
  std::map<ApplicationId, std::function<void(Pipe)>> incoming_;
  std::function<void(PipeId, SharedBytes)> pipe_data_;
  std::function<void(PipeId, std::string)> pipe_closed_;
};

}  // namespace reload::overlay
