#include "reload/io/config_source.hpp"

#include "reload/base/limits.hpp"
#include "reload/config/xml_values.hpp"
#include "reload/io/dns.hpp"
#include "reload/io/https.hpp"
#include "reload/io/overlay_files.hpp"
#include "reload/io/system_clock.hpp"
#include "reload/io/uv_tcp.hpp"

namespace reload::io {

namespace {

void tell(const Progress& progress, const std::string& what) {
  if (progress) progress(what);
}

}  // namespace

Result<ConfigSource> ConfigSource::make(const ConfigSourceOptions& options) {
  ConfigSource source;
  source.options_ = options;
  if (options.file.empty() && options.overlay.empty() && options.url.empty())
    return failure(
        "--overlay-config is missing, and --overlay too: name the configuration document that reload-certs init has "
        "made, or the overlay, whose configuration server is then asked");
  if (!options.file.empty() && !options.url.empty())
    return failure("--overlay-config and --config-url are two places for the same document: leave one out");
  // 6940 11.2: the name comes from the user; a document of another overlay is to be noticed.
  if (!options.url.empty() && options.overlay.empty())
    return failure("--overlay is missing: with --config-url, say too which overlay's document it is");
  if (!options.overlay.empty() && !config::is_overlay_name(options.overlay))
    return failure("--overlay " + options.overlay + " is no overlay's name: it has the form of a DNS name");
  if (!options.url.empty())
    if (const auto host = host_of(options.url); !host) return failure("--config-url " + host.error().text);
  if (!options.dns_server.empty()) {
    const auto server = parse_address(options.dns_server, 53);
    if (!server) return failure("--dns-server: " + server.error().text);
    source.dns_server_ = *server;
  }
  if (!options.ca_file.empty())
    if (const auto file = read_file(options.ca_file, limits::kMaxConfigBytes); !file)
      return failure("--tls-ca: " + file.error().text + "; name a file of certificates in PEM");
  return source;
}

std::string ConfigSource::in_words() const {
  if (!options_.file.empty()) return "--overlay-config " + options_.file;
  return options_.url.empty() ? "--overlay " + options_.overlay : "--config-url " + options_.url;
}

std::string ConfigSource::url() const {
  return options_.url.empty() ? config::well_known_url(options_.overlay) : options_.url;
}

Result<std::vector<wire::IpAddressPort>> ConfigSource::servers(Rng& rng, const std::atomic<bool>& cancelled,
                                                               const Progress& progress) const {
  auto resolver = Resolver::make(dns_server_, cancelled);
  if (!resolver) return tl::unexpected(resolver.error());
  std::vector<config::ServiceRecord> hosts;
  if (options_.url.empty()) {
    const std::string name = config::service_name(options_.overlay);
    tell(progress, "asking DNS for the configuration servers of " + options_.overlay);
    auto records = (*resolver)->services(name);
    if (!records) return tl::unexpected(records.error());
    hosts = config::in_order(std::move(*records), rng);
    if (hosts.empty())
      return failure("DNS has no configuration server for " + options_.overlay + ": no SRV record " + name +
                     "; name the document's place with --config-url, or a file with --overlay-config");
  } else {
    const auto host = host_of(options_.url);
    if (host->is_address) return std::vector<wire::IpAddressPort>{};
    tell(progress, "asking DNS for the address of " + host->host);
    hosts.push_back({0, 0, host->port, host->host});
  }
  std::vector<wire::IpAddressPort> found;
  std::string names;
  for (const auto& host : hosts) {
    const auto addresses = (*resolver)->addresses(host.target, host.port);
    if (!addresses && found.empty() && &host == &hosts.back()) return tl::unexpected(addresses.error());
    names += (names.empty() ? "" : ", ") + host.target;
    if (!addresses) continue;
    for (const auto& address : *addresses)
      if (found.size() < limits::kMaxConfigServerAddresses) found.push_back(address);
    if (found.size() == limits::kMaxConfigServerAddresses) break;
  }
  if (found.empty()) return failure("DNS has no address for the configuration server: " + names);
  return found;
}

// An empty `at`: the URL names an address itself.
Result<HttpsBody> ConfigSource::get(const std::vector<wire::IpAddressPort>& at, const std::string& known_tag,
                                    const std::atomic<bool>& cancelled, const Progress& progress) const {
  const Mono end = system_now().mono + limits::kConfigFetchTime;
  HttpsRequest get{.url = url(),
                   .at = {},
                   .ca_file = options_.ca_file,
                   .limit = limits::kMaxConfigBytes,
                   .time = {},
                   .known_tag = known_tag};
  std::string faults;
  for (std::size_t i = 0; i < std::max<std::size_t>(at.size(), 1); ++i) {
    if (!at.empty()) get.at = at[i];
    const std::string where = get.at ? " at " + to_text(*get.at) : "";
    get.time = end - system_now().mono;
    if (get.time < 1ms || cancelled) break;
    tell(progress, "fetching " + get.url + where);
    auto document = https_get(get, cancelled);
    if (document) return document;
    faults += (faults.empty() ? "" : "; ") + get.url + where + ": " + document.error().text;
  }
  return failure(faults.empty() ? "no time is left" : faults);
}

Result<HttpsBody> ConfigSource::fetch(const std::string& known_tag, Rng& rng, const std::atomic<bool>& cancelled,
                                      const Progress& progress) const {
  if (!options_.file.empty()) {
    auto bytes = read_file(options_.file, limits::kMaxConfigBytes);
    if (!bytes) return tl::unexpected(bytes.error());
    return HttpsBody{std::move(*bytes), {}, false};
  }
  const auto at = servers(rng, cancelled, progress);
  if (!at) return tl::unexpected(at.error());
  return get(*at, known_tag, cancelled, progress);
}

// 6940 11.2: a document that is not valid or of another overlay is discarded; so is one that has expired, with which
// nobody may join (T60).
Result<config::ConfigPtr> ConfigSource::read(ByteView document, const security::Crypto& crypto, Wall now) const {
  auto config = read_overlay_config(document, options_.overlay, crypto, now);
  if (!config) return failure("the document at " + url() + " is discarded: " + config.error().text);
  if ((*config)->is_expired(now))
    return failure("the document at " + url() + " is discarded: it expired at " +
                   config::from_time(*(*config)->expiration));
  return config;
}

Result<ConfigSource::Loaded> ConfigSource::load(const std::string& state_directory, const security::Crypto& crypto,
                                                Rng& rng, Wall now, const Progress& progress) const {
  if (!options_.file.empty()) {
    auto config = load_overlay_config(options_.file, options_.overlay, state_directory, crypto, now);
    if (!config)
      return failure(config.error().text + "; it must be the document as reload-certs init or sign-config has made it");
    return Loaded{*config, {}};
  }
  const std::atomic<bool> cancelled = false;
  const auto document = fetch({}, rng, cancelled, progress);
  const Result<config::ConfigPtr> fetched =
      document ? read(document->bytes, crypto, now) : tl::unexpected(document.error());
  Result<config::ConfigPtr> kept = failure("nothing is kept");
  if (!state_directory.empty()) kept = kept_overlay_config(state_directory, options_.overlay, crypto, now);
  if (!fetched) {
    if (!kept) return failure(fetched.error().text + "; the document in a file, --overlay-config, will do as well");
    const std::string path = kept_path(state_directory);
    if ((*kept)->is_expired(now))
      return failure(fetched.error().text + "; and the document in " + path + " expired at " +
                     config::from_time(*(*kept)->expiration));
    return Loaded{*kept, fetched.error().text + "; going on with document " + std::to_string((*kept)->sequence) +
                             ", which was kept in " + path};
  }
  if (kept && !config::replaces(**fetched, **kept)) {
    if ((*fetched)->sequence == (*kept)->sequence) return Loaded{*kept, {}};
    return Loaded{*kept, "document " + std::to_string((*fetched)->sequence) + " at " + url() + " is older than " +
                             std::to_string((*kept)->sequence) + ", which was kept in " + kept_path(state_directory) +
                             " and stays in force; if the overlay was made anew, remove that file"};
  }
  if (state_directory.empty()) return Loaded{*fetched, {}};
  Loaded loaded{with_kept_kinds(*fetched, state_directory, crypto, now), {}};
  if (const auto written = keep_overlay_config(state_directory, *loaded.config); !written)
    loaded.warning = written.error().text;
  return loaded;
}

}  // namespace reload::io
