// register and resolve (RFC 7904).
#include <algorithm>

#include "client/commands.hpp"
#include "client/print.hpp"
#include "reload/wire/codec.hpp"
#include "sip-usage/locator.hpp"

namespace reload::client {

namespace {

constexpr std::size_t kMaxEntry = 65535;  // what its length field counts
constexpr std::size_t kMaxOverhead = 48;  // of an entry: its lengths, and this client's node at the end of its way

Result<sip::Aor> aor_of(const std::string& text) {
  const auto aor = sip::parse_aor(text);
  if (!aor) return failure(text + " is no address of record: write USER@DOMAIN or sip:USER@DOMAIN");
  return *aor;
}

// The domains that the overlay's document allows (RFC 7904 3.4).
Result<void> check_domain(const Session& session, const sip::Aor& aor, const config::Kind& kind) {
  const std::string& overlay = session.node().config().instance_name;
  if (sip::domain_admissible(aor.name, kind.domain_restriction, overlay)) return {};
  return failure(aor.name + ": the overlay " + overlay + " takes no addresses of this domain (domain-restriction)");
}

Result<wire::DestinationList> list_of(const std::vector<std::string>& via) {
  wire::DestinationList list;
  for (const std::string& text : via) {
    const auto node = NodeId::parse_hex(text);
    if (!node) return failure("--via " + text + " is no Node-ID: 32 hexadecimal digits");
    list.emplace_back(*node);
  }
  return list;
}

// Another address of record, or a URI of any scheme (RFC 7904 3.2): text without blanks.
bool is_address(const std::string& text) {
  if (sip::parse_aor(text)) return true;
  const std::size_t colon = std::min(text.find(':'), text.size());
  return colon > 0 && colon + 1 < text.size() && std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

Result<void> check_entry(const RegisterOptions& options, const wire::DestinationList& via, const config::Kind& kind) {
  if (options.to && !is_address(*options.to))
    return failure("--to " + *options.to + " is no address: write USER@DOMAIN or a URI, such as tel:+15551234");
  const std::size_t size =
      kMaxOverhead + options.to.value_or("").size() + options.prefs.size() + wire::encode(via).size();
  if (size > std::min<std::size_t>(kind.max_size, kMaxEntry))
    return failure("--to, --prefs and --via: so much does not fit; the overlay takes at most " +
                   std::to_string(kind.max_size) + " bytes a registration");
  return {};
}

void tell_stored(Session& session, const sip::Aor& aor, const Bytes& key,
                 const std::optional<sip::Registration>& stored, std::uint32_t lifetime) {
  Ending ending;
  ending.data["aor"] = aor.name;
  ending.data["key"] = to_hex(key);
  ending.data["done"] = stored ? "registered" : "removed";
  if (stored) {
    ending.data["lifetime"] = lifetime;
    ending.data["registration"] = to_json(*stored);
    ending.text = aor.name + " registered for " + std::to_string(lifetime) + " s " + in_words(*stored) + "\n";
  } else {
    ending.text = aor.name + ": the registration is removed\n";
  }
  session.end(std::move(ending));
}

// What the look-up of an address has read, in this order.
struct Entries {
  Json data = Json::array();
  std::string text;

  void add(const std::string& aor, const overlay::FetchedValue& value, const sip::Registration& registration) {
    data.push_back(Json{{"aor", aor},
                        {"key", to_hex(value.value.key)},
                        {"lifetime", value.lifetime},
                        {"registration", to_json(registration)}});
    text +=
        "entry " + printable(aor) + " " + in_words(registration) + ", " + std::to_string(value.lifetime) + " s left\n";
  }
};

void tell_resolved(Session& session, const sip::Aor& aor, const sip::Resolution& found, const Entries& entries) {
  Ending ending;
  ending.data["aor"] = aor.name;
  ending.data["entries"] = entries.data;
  ending.text = entries.text;
  ending.data["targets"] = Json::array();
  for (const sip::Target& target : found.targets) {
    const char* scheme = target.application == wire::kApplicationSips ? "sips" : "sip";
    ending.data["targets"].push_back(
        Json{{"name", target.name}, {"scheme", scheme}, {"destinations", to_json(target.destinations)}});
    ending.text += "call " + std::string(scheme) + ":" + printable(target.name) + " at node " +
                   in_words(target.destinations) + "\n";
  }
  ending.data["external"] = found.external;
  for (const std::string& uri : found.external) ending.text += "call " + printable(uri) + "\n";
  ending.data["complete"] = !found.failed;
  if (found.targets.empty() && found.external.empty()) {
    ending.exit = found.failed ? Exit::timed_out : Exit::failed;
    ending.error = found.failed       ? "no answer about " + aor.name + ": the overlay may be healing; try again"
                   : found.registered ? aor.name + " leads to other addresses only, none of which is registered"
                                      : aor.name + " is not registered";
  } else if (found.failed) {
    ending.error = "there may be more: the overlay did not answer everything; try again";
  }
  session.end(std::move(ending));
}

}  // namespace

Result<Action> prepare(Session& session, const RegisterOptions& options) {
  const auto aor = aor_of(options.aor);
  if (!aor) return tl::unexpected(aor.error());
  const auto kind = kind_of(session, "SIP-REGISTRATION");
  if (!kind) return tl::unexpected(kind.error());
  if (auto good = check_domain(session, *aor, *kind); !good) return tl::unexpected(good.error());
  const auto user = session.identity_of(aor->name);
  if (!user)
    return failure("--user-credential: no credential of " + aor->name +
                   " is there; make one with reload-certs issue --user " + aor->name);
  auto via = list_of(options.via);
  if (!via) return tl::unexpected(via.error());
  if (auto good = check_entry(options, *via, *kind); !good) return tl::unexpected(good.error());

  return [&session, options, aor = *aor, kind = *kind, user = *user, via = *via]() mutable {
    std::optional<sip::Registration> registration;
    if (!options.remove && options.to) {
      registration = sip::UriRegistration{*options.to};
    } else if (!options.remove) {
      // RFC 7904 3.2: a client that is not attached to the peer in charge of it is reached through its peer.
      if (via.empty()) via = {session.peer(), session.node().self()};
      registration = sip::RouteRegistration{options.prefs, via};
    }
    overlay::StoreRequest request{aor.name, kind.id, {}, options.lifetime, user.user};
    request.value.key = to_bytes(user.node_id.view());
    request.value.exists = registration.has_value();
    if (registration) request.value.bytes = sip::encode_registration(*registration);
    session.overlay().store(
        request, [&session, request, aor, kind, registration](const overlay::Outcome<overlay::Stored>& outcome) {
          if (!outcome) return session.end(outcome.error(), store_cure(outcome.error().code, kind, aor.name));
          tell_stored(session, aor, request.value.key, registration, request.lifetime);
        });
  };
}

Result<Action> prepare(Session& session, const ResolveOptions& options) {
  const auto aor = aor_of(options.aor);
  if (!aor) return tl::unexpected(aor.error());
  struct Search {
    sip::SipCounters counters;
    sip::Locator locator;
    Entries entries;
    explicit Search(overlay::Overlay& overlay)
        : locator(overlay, counters, [this](const auto& found_at, const auto& value, const auto& read) {
            entries.add(found_at, value, read);
          }) {}
  };
  return [&session, aor = *aor, search = std::make_shared<Search>(session.overlay())] {
    search->locator.resolve(aor, [&session, aor, search](const sip::Resolution& found) {
      tell_resolved(session, aor, found, search->entries);
    });
  };
}

}  // namespace reload::client
