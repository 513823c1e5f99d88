#include "sip-usage/locator.hpp"

#include <algorithm>
#include <set>

#include "sip-usage/gruu.hpp"
#include "sip-usage/limits.hpp"

namespace reload::sip {

struct Locator::Work {
  overlay::Overlay& overlay;
  SipCounters& counters;
  Seen seen;
  std::function<void(Resolution)> done;
  std::set<std::string> visited;
  std::size_t waiting = 0;
  Resolution result;
};

namespace {

// 5.1: a dialled sips URI is never contacted over plain SIP (T18); else the callee's preference decides.
ApplicationId choose(bool sips, std::string_view contact_prefs) {
  return sips || scheme_preference(contact_prefs) == SchemePreference::sips ? wire::kApplicationSips
                                                                            : wire::kApplicationSip;
}

bool served_here(const overlay::Overlay& overlay, const Aor& aor) {
  const std::optional<config::Kind> kind = overlay.kind(wire::kKindSipRegistration);
  return domain_admissible(aor.name, kind ? kind->domain_restriction : std::nullopt, overlay.overlay_name());
}

std::optional<wire::DestinationList> gruu_of(const overlay::Overlay& overlay, const Aor& aor) {
  return aor.gr ? read_gruu(*aor.gr, overlay.self().size()) : std::nullopt;
}

}  // namespace

void Locator::resolve(const Aor& aor, std::function<void(Resolution)> done) {
  counters_.add(SipCounter::resolutions);
  const auto work = std::make_shared<Work>(Work{overlay_, counters_, seen_, std::move(done), {}, 0, {}});
  if (const auto list = gruu_of(overlay_, aor)) {
    work->result.registered = true;
    add(*work, {aor.name, *list, choose(aor.sips, "")});
    finish(work);
  } else if (!served_here(overlay_, aor)) {
    work->result.external.push_back(aor.name);
    finish(work);
  } else {
    work->visited.insert(aor.name);
    fetch(work, aor);
  }
}

void Locator::fetch(const std::shared_ptr<Work>& work, const Aor& aor) {
  ++work->waiting;
  work->overlay.fetch({.name = aor.name, .kind = wire::kKindSipRegistration, .keys = {}},
                      [work, aor](const overlay::Outcome<std::vector<overlay::FetchedValue>>& outcome) {
                        --work->waiting;
                        std::vector<Aor> next;
                        if (outcome) {
                          for (const overlay::FetchedValue& value : *outcome) take(*work, value, aor, next);
                        } else if (outcome.error().code != wire::ErrorCode::not_found) {
                          work->counters.add(SipCounter::resolutions_failed);
                          work->result.failed = true;
                        }
                        for (const Aor& forwarded : next)
                          if (work->visited.size() < kMaxFetchesPerCall && work->visited.insert(forwarded.name).second)
                            fetch(work, forwarded);
                        if (work->waiting == 0) finish(work);
                      });
}

void Locator::take(Work& work, const overlay::FetchedValue& value, const Aor& asked, std::vector<Aor>& next) {
  if (!value.value.exists) return;
  const std::optional<Registration> registration = decode_registration(value.value.bytes, work.overlay.self().size());
  if (!registration) {
    work.counters.add(SipCounter::records_malformed);
    return;
  }
  if (work.seen) work.seen(asked.name, value, *registration);
  if (const auto* route = std::get_if<RouteRegistration>(&*registration)) {
    work.result.registered = true;
    add(work, {asked.name, route->destinations, choose(asked.sips, route->contact_prefs)});
  } else if (const auto* uri = std::get_if<UriRegistration>(&*registration)) {
    work.result.registered = true;
    std::optional<Aor> aor = parse_aor(uri->uri);
    if (aor) aor->sips |= asked.sips;
    if (const auto list = aor ? gruu_of(work.overlay, *aor) : std::nullopt)
      add(work, {aor->name, *list, choose(aor->sips, "")});
    else if (aor && served_here(work.overlay, *aor))
      next.push_back(std::move(*aor));
    else if (work.result.external.size() < kMaxTargetsPerCall)
      work.result.external.push_back(uri->uri);
  }
}

void Locator::add(Work& work, Target target) {
  std::vector<Target>& targets = work.result.targets;
  // A list that does not end in a Node-ID names nobody whose certificate could be checked (T14).
  if (!std::holds_alternative<NodeId>(target.destinations.back())) {
    work.counters.add(SipCounter::records_malformed);
    return;
  }
  if (targets.size() < kMaxTargetsPerCall && std::find(targets.begin(), targets.end(), target) == targets.end())
    targets.push_back(std::move(target));
}

void Locator::finish(const std::shared_ptr<Work>& work) {
  const auto done = std::move(work->done);
  done(std::move(work->result));
}

}  // namespace reload::sip
