// The parts of a node and the paths between them. node.cpp takes inputs, node_links.cpp moves bytes and messages,
// node_effects.cpp takes what components ask for to the component it is for, node_config.cpp a new configuration to all
// of them. No protocol knowledge lives here.
#pragma once

#include <map>

#include "reload/bootstrap/bootstrap.hpp"
#include "reload/forwarding/fragments.hpp"
#include "reload/link/connection_table.hpp"
#include "reload/messaging/messenger.hpp"
#include "reload/node/node.hpp"
#include "reload/security/config_signature.hpp"

namespace reload::node {

struct Node::Impl {
  Impl(NodeOptions given_options, config::ConfigPtr given_config, security::TrustPtr given_trust,
       security::Credentials given_credentials, const security::Crypto& given_crypto, Rng& given_rng,
       storage::ValueStore& given_store, Now now);

  // Why a link is being opened.
  struct Opening {
    std::uint64_t attempt = 0;  // connect's; 0: a bootstrap link
    std::optional<ApplicationId> application;
  };
  // An application's connection: bytes wait here until connect has matched it to its AppAttach.
  struct Pipe {
    bool announced = false;
    security::CertificatePtr certificate;
    std::vector<SharedBytes> early;
    std::size_t early_bytes = 0;
  };

  // A link that broke a rule and is owed an error response, which has to be signed before it can go: nothing more is
  // read of it, and it is closed when that has had its time.
  struct Closing {
    std::string reason;
    Mono at;
  };
  static constexpr Duration kTimeForLastError = 1s;

  [[nodiscard]] messaging::Context context(Now now);

  // node.cpp
  void take(LinkUp& input, messaging::Context& context);
  void take(LinkBytes& input, messaging::Context& context);
  void take(LinkDown& input, messaging::Context& context);
  void take(HandshakeFailed& input, messaging::Context& context);
  void take(CryptoDone& input, messaging::Context& context);
  void take(Tick& input, messaging::Context& context);
  void take(CallStore& input, messaging::Context& context);
  void take(CallFetch& input, messaging::Context& context);
  void take(CallAppAttach& input, messaging::Context& context);
  void take(CallPing& input, messaging::Context& context);
  void take(CallRouteQuery& input, messaging::Context& context);
  void take(CallProbe& input, messaging::Context& context);
  void take(CallStat& input, messaging::Context& context);
  void take(CallFind& input, messaging::Context& context);
  void take(CallOfferConfig& input, messaging::Context& context);
  void take(CallSendConfig& input, messaging::Context& context);
  void take(CallAcceptApp& input, messaging::Context& context);
  void take(PipeSend& input, messaging::Context& context);
  void take(PipeClose& input, messaging::Context& context);
  void take(Leave& input, messaging::Context& context);
  void end_what_was_lost(messaging::Context& context);

  // node_links.cpp
  [[nodiscard]] Result<security::Signer> admit(const LinkUp& input, messaging::Context& context);
  void overlay_link_up(const LinkUp& input, const Opening& opening, const security::Signer& peer,
                       messaging::Context& context);
  void app_link_up(const LinkUp& input, const Opening& opening, const security::Signer& peer,
                   messaging::Context& context);
  void overlay_bytes(link::Link& link, const SharedBytes& bytes, messaging::Context& context);
  void act(forwarding::Decision decision, const forwarding::Arrival& from, messaging::Context& context);
  [[nodiscard]] link::Link* link_of(const forwarding::Hop& hop);
  [[nodiscard]] bool is_shed(const forwarding::Arrival& from, const forwarding::Hop& hop, messaging::Context& context);
  void send(const forwarding::Forward& message, messaging::Context& context);
  void write(LinkId id, link::Outgoing outgoing);
  void close(LinkId id, const std::string& reason, messaging::Context& context);
  void close_after_error(LinkId id, const std::string& reason, messaging::Context& context);
  void close_due(messaging::Context& context);
  [[nodiscard]] bool is_read(LinkId id) { return links.find(id) != nullptr && !closing.contains(id); }
  void forget(LinkId id, messaging::Context& context);  // after it is closed, by either side
  void judge_links(messaging::Context& context);

  // node_effects.cpp
  void settle(messaging::Context& context);  // until no component wants anything more of another
  bool settle_once(messaging::Context& context);
  void apply(messaging::Effect& effect, messaging::Context& context);
  void apply(messaging::MessengerEvent& event, messaging::Context& context);
  void apply(connect::ConnectEvent& event, messaging::Context& context);
  void apply(storage::StorageEvent& event);
  void dispatch(const messaging::Request& request, messaging::Context& context);
  void dispatch(const messaging::Token& token, const messaging::Answer& answer, messaging::Context& context);
  void api_answer(std::uint64_t number, const messaging::Answer& answer, messaging::Context& context);
  void supervise_contact(messaging::Context& context);
  void announce_pipe(LinkId pipe, ApiId id, const NodeId& remote, ApplicationId application);

  // node_config.cpp
  void offer_config(const messaging::ConfigOffered& offer, messaging::Context& context);
  void offer_kinds(const messaging::KindsOffered& offer, messaging::Context& context);
  using Adopted = tl::expected<void, security::UpdateRefused>;
  [[nodiscard]] Adopted adopt(tl::expected<config::ConfigPtr, security::UpdateRefused> taken, const NodeId& from,
                              messaging::Context& context);
  void drop_bad_nodes(messaging::Context& context);
  [[nodiscard]] std::vector<std::string> drop_bad_users();
  void spread(const NodeId& from, messaging::Context& context);
  void answer_update(RequestId request, const Adopted& done, messaging::Context& context);
  void leave_if_out_of_place(const Adopted& done, messaging::Context& context);
  void leave_because(std::string reason, messaging::Context& context);

  NodeOptions options;
  config::ConfigPtr config;
  config::ConfigPtr retired_config;
  security::TrustPtr trust;
  security::Credentials credentials;
  const security::Crypto& crypto;
  Rng& rng;
  storage::ValueStore& store;
  Counters counters;
  Mono started;

  security::CertificateCache link_certificates;
  std::unique_ptr<topology::Topology> topology;
  link::ConnectionTable links;
  forwarding::Forwarder forwarder;
  forwarding::Reassembly reassembly;
  messaging::Messenger messenger;
  connect::Connect connect;
  storage::Storage storage;
  bootstrap::Bootstrap bootstrap;
  std::optional<NodeId> contact;  // the bootstrap node we join through

  std::map<LinkId, Opening> opening;
  std::map<LinkId, Pipe> pipes;
  std::map<LinkId, Closing> closing;  // of the links there are
  // Of the links and pipes there are.
  struct FarEnd {
    wire::IpAddressPort address;
    security::CertificatePtr certificate;
  };
  std::map<LinkId, FarEnd> far_ends;

  struct ApiCall {
    ApiId id;
    wire::MessageCode code;
    Mono sent;
  };
  std::map<std::uint64_t, ApiCall> api_calls;
  std::uint64_t next_api_call = 1;
  std::uint64_t next_link = 1;
  std::optional<Mono> next_partition_check;
  bool leave_reported = false;
  std::string leave_reason;

  messaging::Effects effects;
  std::vector<Output> outputs;
  bool writes_lost = false;          // the last commit failed; what hung on it ends with the next input
  std::vector<JobId> unsigned_jobs;  // those withheld then
};

}  // namespace reload::node
