// End-to-end requests and answers of one node (6940 6.2.1, 6.3.2.1, 6.3.3, 6.3.4): signs, repeats, matches, verifies,
// answers repeats from a cache, checks configuration sequences, and answers Ping, Probe and ConfigUpdate itself.
//
// It knows no links and no other component. After each call node.cpp drains take_jobs() and take_events(); a
// ConfigOffered goes to Context::effects.
#pragma once

#include "reload/messaging/handler.hpp"
#include "reload/security/crypto_job.hpp"

namespace reload::messaging {

// A message that this node originates, for forwarding. Comes again, with the same body, for each retransmission.
struct Outbound {
  wire::ForwardingHeader header;
  SharedBytes body;                 // contents and security block
  std::optional<NodeId> first_hop;  // over the link to this node, whatever routing says
};
// For the component that handles `request.code`: never ping_req, probe_req or config_update_req.
struct RequestReady {
  Request request;
  SharedBytes message;  // holds the bytes of request.body
};
// For the component that is token.owner: never Owner::config.
struct AnswerReady {
  Token token;
  Answer answer;
  SharedBytes message;  // holds the bytes of answer.body
};
using MessengerEvent = std::variant<Outbound, RequestReady, AnswerReady, SignedValue>;

// What a Probe answer tells of this node besides its share of the ring.
struct ProbeFacts {
  std::uint32_t num_resources = 0;
  std::uint32_t uptime = 0;  // seconds
};

class Messenger {
 public:
  // `credentials` must live longer.
  Messenger(const security::Credentials& credentials, security::TrustPtr trust);
  ~Messenger();

  // The effects of the same names.
  void send_request(SendRequest request, Context& context);
  void cancel_request(const CancelRequest& cancel);
  void send_answer(SendAnswer answer, Context& context);
  void send_error(SendError error, Context& context);
  void sign_value(SignValue value, Context& context);

  // An error about a request that is not for this node, or was not looked into further (expired TTL, unknown option;
  // 6940 6.3.3.1). The caller has seen that it is a request (T2).
  void send_hop_error(const wire::ForwardingHeader& request, const std::optional<wire::Destination>& previous_hop,
                      wire::ErrorCode code, Bytes info, Context& context);

  // A whole, reassembled message for this node. `previous_hop` is what goes in front of its Via List on the way back:
  // the Node-ID of the link's other side, or an opaque id that stands for the link (T7); nothing for a message this
  // node sent to itself. `link_node`: the Node-ID bound to the link; zero if none.
  void on_delivered(wire::ForwardingHeader header, SharedBytes body, std::optional<wire::Destination> previous_hop,
                    const NodeId& link_node, Context& context);
  void on_crypto(JobId job, security::CryptoResult result, Context& context);

  void on_timer(Context& context);
  [[nodiscard]] std::optional<Mono> next_deadline() const;

  // A new configuration is in force (Context::config is it already): certificates are checked anew, and requests that
  // were refused for their configuration sequence are repeated.
  void set_trust(security::TrustPtr trust, Context& context);
  // Sends `peer`, which there is a link to, the document in force, unless it was sent it a moment ago.
  void push_config(const NodeId& peer, Context& context);
  void set_probe_facts(const ProbeFacts& facts);

  // Crypto jobs to run, each independent of the others; the result comes back by on_crypto.
  [[nodiscard]] std::vector<std::pair<JobId, security::CryptoJob>> take_jobs();
  [[nodiscard]] std::vector<MessengerEvent> take_events();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace reload::messaging
