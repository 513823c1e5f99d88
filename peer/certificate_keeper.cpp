#include "peer/certificate_keeper.hpp"

#include <spdlog/spdlog.h>

#include "reload/io/system_clock.hpp"

namespace reload::peer {

namespace {

usages::Holder holder_of(const security::Credential& credential, bool hosted, const config::OverlayConfig& config) {
  const security::Certificate& certificate = *credential.certificate;
  return {certificate.user_name,
          credential.node_id,
          certificate.der,
          certificate.not_after,
          hosted,
          config.self_signed_digest.has_value() && certificate.is_self_issued()};
}

}  // namespace

CertificateKeeper::CertificateKeeper(uv_loop_t* loop, const node::Node& node, overlay::Overlay& overlay,
                                     std::function<void(const std::string& why)> taken)
    : node_(node),
      usage_(overlay, {.taken = [this, stop = std::move(taken)](const auto& holder,
                                                                const NodeId& other) { on_taken(holder, other, stop); },
                       .failed =
                           [this](const usages::Holder& holder, const std::string& why) {
                             if (lines_.take(io::system_now().mono))
                               spdlog::info("the certificate of {} is not in the overlay yet: {}", holder.user_name,
                                            why);
                           }}),
      timer_(loop) {
  on_credentials_changed();
}

void CertificateKeeper::on_credentials_changed() {
  std::vector<usages::Holder> holders;
  const security::Credentials& credentials = node_.credentials();
  holders.push_back(holder_of(*credentials.node(), false, node_.config()));
  for (const auto& [user, node_id] : credentials.users())
    holders.push_back(holder_of(*credentials.find(*credentials.find_user(user)), true, node_.config()));
  usage_.set_holders(std::move(holders), io::system_now());
  run();
}

void CertificateKeeper::run() {
  const Now now = io::system_now();
  usage_.run(now);
  if (const auto next = usage_.next_deadline())
    timer_.start(*next - now.mono, [this] { run(); });
  else
    timer_.stop();
}

void CertificateKeeper::on_taken(const usages::Holder& holder, const NodeId& other,
                                 const std::function<void(const std::string&)>& stop) {
  const std::string why = "the user name " + holder.user_name + " is taken: node " + other.hex() +
                          " has stored a certificate for it with another key";
  if (!holder.hosted) return stop(why + "; start again with another --self-signed NAME and another --credential file");
  spdlog::error("--users: {}; give this user another name (reload-certs issue --self-signed)", why);
}

}  // namespace reload::peer
