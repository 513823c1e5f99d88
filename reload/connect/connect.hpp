// Making links (6940 6.5.1, 6.5.2): Attach and AppAttach, both sides, for TLS-TCP-FH-NO-ICE. One state machine serves
// both; ICE joins it as another way of getting from candidates to a link. The requester is TLS server and waits for the
// link, the answering side opens it.
#pragma once

#include "reload/messaging/handler.hpp"

namespace reload::connect {

// What connect asks of the node around it, drained after each step.
struct OpenTo {  // the answering side is TLS client: open a link to one of these, best first
  std::uint64_t attempt = 0;
  std::vector<wire::IpAddressPort> addresses;
  std::optional<ApplicationId> application;
};
struct AttachDone {  // for topology
  std::uint64_t number = 0;
  Result<NodeId> node;
};
struct AppAttachDone {  // for the API call `id`
  ApiId id;
  tl::expected<LinkId, std::pair<wire::ErrorCode, std::string>> pipe;
  NodeId remote;
};
struct AppAccepted {  // an incoming application connection is up
  LinkId pipe;
  NodeId remote;
  ApplicationId application;
};
struct CloseUnwanted {  // a link that no Attach explains, or whose certificate is not the signer's
  LinkId link;
  std::string reason;
};
struct BindLink {  // the Attach over which the link came says whose it is, of the several Node-IDs of its certificate
  LinkId link;
  NodeId node;
};
using ConnectEvent = std::variant<OpenTo, AttachDone, AppAttachDone, AppAccepted, CloseUnwanted, BindLink>;

struct ConnectOptions {
  std::vector<wire::IpAddressPort> overlay_candidates;  // where our listener is reached
  std::vector<std::pair<ApplicationId, std::vector<wire::IpAddressPort>>> applications;  // and those of applications
};

class Connect {
 public:
  explicit Connect(ConnectOptions options);
  ~Connect();

  // WantLink of topology (or of a client): sends an AttachReq.
  void attach(std::uint64_t number, wire::DestinationList to, bool send_update, messaging::Context& context);
  void app_attach(ApiId id, wire::DestinationList to, ApplicationId application, messaging::Context& context);
  void accept_app(ApplicationId application);

  // attach_req and app_attach_req.
  void on_request(const messaging::Request& request, messaging::Context& context);
  void on_answer(const messaging::Token& token, const messaging::Answer& answer, messaging::Context& context);

  // An overlay link is up (in or out); `attempt` is that of its OpenTo, 0 for any other. `peer.node_id` is zero when
  // its certificate has several Node-IDs. Completes the attach that it belongs to, if any; appends UpdateWanted when
  // the other side's Attach asked for one. Older links to the same node are closed a little later (T52).
  void on_overlay_link(std::uint64_t attempt, LinkId link, const security::Signer& peer, bool inbound,
                       messaging::Context& context);
  // An application link is up: matched to its AppAttach by Node-ID and application, or closed.
  void on_app_link(std::uint64_t attempt, LinkId link, const security::Signer& peer, ApplicationId application,
                   bool inbound, messaging::Context& context);
  // An overlay link or a not yet accepted application link is gone.
  void on_link_down(LinkId link);
  // A link opened for `attempt` could not be made.
  void on_open_failed(std::uint64_t attempt, const std::string& reason, messaging::Context& context);
  // Where the node at the other side of an inbound overlay link takes links itself, as its Attach answer said.
  [[nodiscard]] std::optional<wire::IpAddressPort> listens_at(LinkId link) const;
  void on_timer(messaging::Context& context);
  [[nodiscard]] std::optional<Mono> next_deadline() const;
  [[nodiscard]] std::vector<ConnectEvent> take_events();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reload::connect
