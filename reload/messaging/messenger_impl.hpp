// The inside of the messenger. messenger.cpp has the crypto jobs, messenger_out.cpp the requests of this node and their
// answers, messenger_in.cpp the requests of others.
#pragma once

#include "reload/base/fair_share.hpp"
#include "reload/base/limits.hpp"
#include "reload/messaging/answer_cache.hpp"
#include "reload/messaging/config_sync.hpp"
#include "reload/messaging/inbound.hpp"
#include "reload/messaging/messenger.hpp"
#include "reload/messaging/request_table.hpp"

namespace reload::messaging {

struct Messenger::Impl {
  // What a crypto job's result is for.
  struct SignedRequest {
    TransactionId transaction = 0;
    std::vector<security::CertificatePtr> bucket;
  };
  struct SignedAnswer {
    RequestId request;
    bool is_error = false;
    Bytes contents;
    std::vector<security::CertificatePtr> bucket;
  };
  struct SignedHopError {
    TransactionId transaction = 0;
    ReturnPath path;
    Bytes contents;
    std::vector<security::CertificatePtr> bucket;
    wire::Destination charged_to;
  };
  struct SignedStoredValue {
    Token token;
    security::CertificatePtr certificate;
  };
  using Work = std::variant<SignedRequest, SignedAnswer, SignedHopError, SignedStoredValue, Inbound>;

  Impl(const security::Credentials& own, security::TrustPtr rules)
      : credentials(own), trust(std::move(rules)), certificates(limits::kMaxCachedCertificates) {}

  // messenger.cpp
  void start(security::CryptoJob job, Work purpose);
  void sign_message(const security::CredentialPtr& credential, TransactionId transaction, ByteView contents,
                    Work purpose, Context& context);
  void on_signed(Work work, security::SignResult result, Context& context);
  void on_verified(Inbound inbound, const security::VerifyResult& result, Context& context);
  void receive(Inbound inbound, Context& context);
  [[nodiscard]] bool is_repeat_in_verification(const Inbound& inbound, Context& context);
  void send(wire::ForwardingHeader header, SharedBytes body, std::optional<NodeId> first_hop = std::nullopt);

  // messenger_out.cpp
  void send_request(OutgoingRequest outgoing, Context& context);
  void begin(TransactionId transaction, Context& context);
  void on_request_signed(SignedRequest work, security::SignResult result, Context& context);
  void transmit(TransactionId transaction, Context& context);
  void on_timer(TransactionId transaction, Context& context);
  [[nodiscard]] TransactionId new_transaction(Rng& rng);
  [[nodiscard]] bool is_expected_answer(const Inbound& inbound);
  void on_answer(Inbound inbound, const security::Signer& signer, Context& context);
  void on_error(Inbound inbound, const security::Signer& signer, Context& context);
  [[nodiscard]] bool settle_difference(const Inbound& inbound, const security::Signer& signer,
                                       const wire::ErrorResponse& error, Context& context);
  void finish(const OutgoingRequest& outgoing, Answer answer, SharedBytes message);

  // messenger_in.cpp
  void on_request(Inbound inbound, const security::Signer& signer, Context& context);
  void repeat_answer(IncomingRequest& request, const Inbound& inbound, Context& context);
  [[nodiscard]] bool breaks_rule(RequestId id, const Inbound& inbound, const security::Signer& signer,
                                 Context& context);
  void handle(RequestId id, Inbound inbound, const security::Signer& signer, Context& context);
  void on_config_update(RequestId id, const Inbound& inbound, const security::Signer& signer, Context& context);
  void answer(RequestId id, Bytes body, std::vector<security::CertificatePtr> more, Context& context);
  void refuse(RequestId id, wire::ErrorCode code, Bytes info, Context& context);
  void sign_answer(RequestId id, const IncomingRequest& request, bool is_error, Bytes contents,
                   std::span<const security::CertificatePtr> more, Context& context);
  void on_answer_signed(SignedAnswer work, security::SignResult result, Context& context);
  void on_hop_error_signed(SignedHopError work, security::SignResult result, Context& context);
  void tell_of_newer(const NodeId& peer, const wire::DestinationList& path, Context& context);

  const security::Credentials& credentials;
  security::TrustPtr trust;
  security::CertificateCache certificates;
  RequestTable requests;
  AnswerCache answers;
  ConfigSync config_sync;
  ProbeFacts probe_facts;

  std::map<JobId, Work> running;
  std::multimap<TransactionId, JobId> verifying;  // the Inbound ones of `running`
  // By the link that a message came over, so that a flood from one leaves room for the others.
  FairShare<wire::Destination> checks{limits::kMaxCryptoJobs};
  FairShare<wire::Destination> hop_errors{limits::kMaxCryptoJobs};
  std::uint64_t last_job = 0;
  std::vector<std::pair<JobId, security::CryptoJob>> jobs;
  std::vector<MessengerEvent> events;
};

// The way back to `peer` when `path` ends at it, else its Node-ID alone.
[[nodiscard]] wire::DestinationList path_to(const NodeId& peer, const wire::DestinationList& path);

}  // namespace reload::messaging
