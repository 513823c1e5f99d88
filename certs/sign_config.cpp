// reload-certs sign-config: a document that other peers would refuse is refused here, before it is out.
#include <algorithm>
#include <iostream>

#include "certs/publish.hpp"
#include "reload/security/config_signature.hpp"

namespace reload::certs {
namespace {

// 6940 6.3.2.1, 11.1: nodes take a document only if its sequence is newer and its signer was one before.
Result<void> check_succession(const config::OverlayConfig& next, const config::OverlayConfig& before,
                              const NodeId& signer) {
  if (next.instance_name != before.instance_name) {
    return failure("has the instance-name " + next.instance_name + " and would replace that of " +
                   before.instance_name);
  }
  if (next.element.bytes == before.element.bytes) return {};  // the same document, signed again
  if (!config::is_newer_sequence(next.sequence, before.sequence)) {
    return failure("has sequence " + std::to_string(next.sequence) + ", which is not newer than the " +
                   std::to_string(before.sequence) + " it replaces: set sequence=\"" +
                   std::to_string((before.sequence + 1) % 65535) + "\"");
  }
  if (!before.is_configuration_signer(signer)) {
    return failure("would not be accepted: the document it replaces does not list the signer " + signer.hex() +
                   " as configuration-signer");
  }
  return {};
}

}  // namespace

Result<void> run_sign_config(const SignOptions& options, Wall now, const Streams& streams) {
  const OverlayDir dir{options.dir};
  const Path out = options.out.empty() ? dir.document() : options.out;
  const io::OpensslCrypto crypto;
  const auto in_input = [&](const Failure& why) { return failure(options.in.string() + ": " + why.text); };
  const auto lock = FileLock::take(dir.change_lock());  // what is read here may be what is replaced
  if (!lock) return failure("--dir: " + lock.error().text);
  const auto text = read_file(options.in);
  if (!text) return tl::unexpected(text.error());
  const auto config = parse_document(*text);
  if (!config) return in_input(config.error());
  const auto signers = load_signers(dir, **config, now, streams);
  if (!signers) return tl::unexpected(signers.error());
  const security::Credential& signer = *signers->current;
  if (const auto good = check_signer(**config, signer); !good) return in_input(good.error());

  const auto document = security::sign_config(*text, (*config)->instance_name, signer, signer, crypto, signers->former);
  if (!document) return in_input(document.error());
  const auto signed_config = parse_document(*document);
  if (!signed_config) return in_input(signed_config.error());
  std::error_code ignored;
  if (file_exists(out) && !std::filesystem::equivalent(out, options.in, ignored)) {
    const auto before = read_document(out);
    if (!before) return tl::unexpected(before.error());
    const auto follows = check_succession(**signed_config, **before, signer.node_id);
    if (!follows) return in_input(follows.error());
  }
  if (auto written = write_file(out, document_mode(**config), Existing::replace, *document); !written) return written;
  streams.out << "signed sequence " << (*config)->sequence << " of " << (*config)->instance_name << ": " << out.string()
              << std::endl;
  return {};
}

}  // namespace reload::certs
