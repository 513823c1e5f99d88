// push-config: a newer configuration document to the peer attached to.
#include "client/commands.hpp"
#include "client/print.hpp"
#include "reload/base/limits.hpp"
#include "reload/config/overlay_xml.hpp"
#include "reload/io/overlay_files.hpp"

namespace reload::client {

Result<Action> prepare(Session& session, const PushConfigOptions& options) {
  auto document = io::read_file(options.file, limits::kMaxConfigBytes);
  if (!document) return failure("push-config: " + document.error().text);
  const io::OpensslCrypto crypto;
  const auto config = config::read_config(*document, session.node().config().instance_name, [&](ByteView text) {
    return crypto.hash(wire::HashAlgorithm::sha1, {text});
  });
  if (!config) return failure("push-config: " + options.file + ": " + config.error().text);
  return [&session, sequence = (*config)->sequence, document = std::move(*document)] {
    session.overlay().send_config(session.peer(), document,
                                  [&session, sequence](const overlay::Outcome<node::SendConfigDone>& outcome) {
                                    if (!outcome) return session.end(outcome.error(), {});
                                    const std::string peer = outcome->responder.hex();
                                    Ending ending;
                                    ending.data = Json{{"peer", peer}, {"sequence", sequence}};
                                    ending.text = peer + " has taken document " + std::to_string(sequence) + "\n";
                                    session.end(std::move(ending));
                                  });
  };
}

}  // namespace reload::client
