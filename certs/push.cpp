#include "certs/push.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <iostream>

#include "certs/config_builder.hpp"
#include "certs/publish.hpp"
#include "client/session.hpp"
#include "reload/io/system_clock.hpp"

namespace reload::certs {
namespace {

constexpr unsigned kSeconds = 10;
constexpr std::size_t kAtOnce = 16;

struct Target {
  client::Settings settings;  // outlives its session
  std::unique_ptr<client::Session> session;
  std::string outcome;
  bool answered = false;
  bool has_it = false;
};

void send(Target& target, const config::OverlayConfig& config) {
  client::Session& session = *target.session;
  session.overlay().send_config(
      session.peer(), config.document, [&target, &session](const overlay::Outcome<node::SendConfigDone>& outcome) {
        const bool known = !outcome && outcome.error().code == wire::ErrorCode::config_too_old;
        target.answered = true;
        target.has_it = outcome || known;
        target.outcome = outcome ? "taken"
                         : known ? "has it, or a newer one, already"
                                 : "refused: " + outcome.error().text;
        session.end(client::Ending{});
      });
}

// With this credential to whom has not answered yet. The sessions run side by side, so that silent peers cost their
// time once.
void run(std::span<Target> targets, const security::CredentialPtr& own, const config::OverlayConfig& config) {
  uv_loop_t loop;
  uv_loop_init(&loop);
  for (Target& target : targets) {
    if (target.answered) continue;
    target.settings.own = own;
    auto session = client::Session::make(&loop, target.settings);
    if (!session) {
      target.outcome = session.error().text;
      continue;
    }
    target.session = std::move(*session);
    target.session->run([&target, &config] { send(target, config); });
  }
  uv_run(&loop, UV_RUN_DEFAULT);
  for (Target& target : targets) {
    if (target.session && !target.answered) target.outcome = target.session->ending().error;
    target.session.reset();
  }
  uv_run(&loop, UV_RUN_DEFAULT);
  uv_loop_close(&loop);
}

}  // namespace

Result<void> push_document(const Path& root, const std::vector<std::string>& peers, const Streams& streams) {
  const OverlayDir dir{root};
  const auto config = dir.load_config();
  if (!config) return tl::unexpected(config.error());
  const auto signers = load_signers(dir, **config, io::system_now().wall, streams);
  if (!signers) return tl::unexpected(signers.error());
  std::vector<std::string> addresses;
  for (const std::string& peer : peers) {
    const auto address = parse_bootstrap(peer);
    if (!address) return failure("--push " + peer + ": expected ADDR[:PORT] or [ADDR6]:PORT, like 192.0.2.1:6084");
    addresses.push_back(to_text(*address));
  }
  if (peers.empty())
    for (const auto& address : (*config)->bootstrap_nodes) addresses.push_back(to_text(address));
  const std::string again = "; try again with reload-certs config push --dir " + root.string() + " ADDR:PORT";
  if (addresses.empty()) return failure("the document names no bootstrap node to give it to" + again);
  spdlog::set_level(spdlog::level::off);
  std::vector<Target> targets(addresses.size());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    client::Settings& settings = targets[i].settings;
    settings.config_source.file = dir.document().string();
    settings.peers = {addresses[i]};
    settings.timeout = kSeconds;
    settings.visits = true;
  }
  // Peers that have the document before a new authority's know the former signer's certificate only.
  std::vector<security::CredentialPtr> credentials{signers->current};
  if (!signers->former.empty()) credentials.push_back(signers->former.back());
  for (const auto& own : credentials)
    for (std::size_t from = 0; from < targets.size(); from += kAtOnce)
      run(std::span(targets).subspan(from, std::min(kAtOnce, targets.size() - from)), own, **config);
  bool any = false;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    streams.out << "document " << (*config)->sequence << " to " << addresses[i] << ": " << targets[i].outcome
                << std::endl;
    any = any || targets[i].has_it;
  }
  if (any) return {};
  return failure("no peer has document " + std::to_string((*config)->sequence) + " yet" + again);
}

}  // namespace reload::certs
