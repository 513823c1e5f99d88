// reload-certs sign-config: a document that other peers would refuse is refused here, before it is out.
#include <algorithm>
#include <iostream>

#include "certs/commands.hpp"
#include "certs/overlay_dir.hpp"
#include "reload/io/credential_files.hpp"
#include "reload/security/config_signature.hpp"

namespace reload::certs {
namespace {

Result<security::CredentialPtr> load_signer(const OverlayDir& dir, const config::OverlayConfig& config,
                                            const security::Crypto& crypto, const Streams& streams) {
  const auto credentials = io::load_credentials(dir.signer().string(), crypto, config.node_id_length);
  if (!credentials) return tl::unexpected(credentials.error());
  if (auto warning = io::exposure_warning(dir.signer().string())) {
    streams.log << "reload-certs: warning: " << *warning << std::endl;
  }
  return credentials->front();
}

Result<void> check_signer(const config::OverlayConfig& config, const security::Credential& signer) {
  const std::string id = signer.node_id.hex();
  const auto add = [&](const std::string& element) {
    return failure("does not list the signer " + id + ": add <" + element + ">" + id + "</" + element + ">");
  };
  if (!config.is_configuration_signer(signer.node_id)) return add("configuration-signer");
  const bool has_kinds =
      std::ranges::any_of(config.kinds, [](const auto& kind) { return !kind.second.element.bytes.empty(); });
  if (has_kinds && !config.is_kind_signer(signer.node_id)) return add("kind-signer");
  if (config.is_bad_node(signer.node_id)) return failure("lists the signer " + id + " as bad-node");
  if (signer.certificate->overlay != config.instance_name) {
    return failure("has the instance-name " + config.instance_name + ", but the signer belongs to " +
                   signer.certificate->overlay);
  }
  return {};
}

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

Result<void> run_sign_config(const SignOptions& options, const Streams& streams) {
  const OverlayDir dir{options.dir};
  const Path out = options.out.empty() ? dir.document() : options.out;
  const io::OpensslCrypto crypto;
  const auto in_input = [&](const Failure& why) { return failure(options.in.string() + ": " + why.text); };
  const auto text = read_file(options.in);
  if (!text) return tl::unexpected(text.error());
  const auto config = parse_document(*text);
  if (!config) return in_input(config.error());
  const auto signer = load_signer(dir, **config, crypto, streams);
  if (!signer) return tl::unexpected(signer.error());
  if (const auto good = check_signer(**config, **signer); !good) return in_input(good.error());

  const auto document = security::sign_config(*text, (*config)->instance_name, **signer, **signer, crypto);
  if (!document) return in_input(document.error());
  const auto signed_config = parse_document(*document);
  if (!signed_config) return in_input(signed_config.error());
  std::error_code ignored;
  if (file_exists(out) && !std::filesystem::equivalent(out, options.in, ignored)) {
    const auto before = read_document(out);
    if (!before) return tl::unexpected(before.error());
    const auto follows = check_succession(**signed_config, **before, (*signer)->node_id);
    if (!follows) return in_input(follows.error());
  }
  if (auto written = write_file(out, document_mode(**config), Existing::replace, *document); !written) return written;
  streams.out << "signed sequence " << (*config)->sequence << " of " << (*config)->instance_name << ": " << out.string()
              << std::endl;
  return {};
}

}  // namespace reload::certs
