#include "sip-usage/registrar.hpp"

#include <algorithm>

#include "sip-usage/aor.hpp"
#include "sip-usage/limits.hpp"
#include "sip-usage/registration_record.hpp"

namespace reload::sip {

namespace {

RegisterResult fault_answer(BindingFault fault) {
  switch (fault) {
    case BindingFault::old_cseq:
      return {500, "CSeq Not Higher"};
    case BindingFault::too_many_contacts:
      return {403, "Too Many Contacts"};
    case BindingFault::full:
      return {503, "Too Many Registrations"};
    case BindingFault::none:
      break;
  }
  return {};
}

std::uint32_t seconds_up(Duration time) {
  return static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(std::max(time, Duration(1s))).count());
}

Duration backoff(unsigned failures) {
  return std::min<Duration>(kStoreRetryMin * (1 << std::min(failures, 4U)), kStoreRetryMax);
}

}  // namespace

RegisterResult Registrar::may_register(const std::string& aor) const {
  const std::optional<config::Kind> kind = overlay_.kind(wire::kKindSipRegistration);
  if (!domain_admissible(aor, kind ? kind->domain_restriction : std::nullopt, overlay_.overlay_name()))
    return {403, "Domain Not Served"};
  if (overlay_.user_node_id(aor)) return {};
  if (!wanted_ || !wanted_(aor)) return {403, "No Credential For This User Here"};
  return {503, "Credential Is Being Obtained"};
}

void Registrar::handle(const BindingUpdate& update, Mono now, const Done& done) {
  now_ = now;
  const bool query = !update.remove_all && update.contacts.empty();
  if (!query) {
    if (const RegisterResult refusal = may_register(update.aor); refusal.status != 200) return done(refusal);
    if (const BindingFault fault = bindings_.apply(update, now); fault != BindingFault::none)
      return done(fault_answer(fault));
    Entry& entry = entries_[update.aor];
    const bool first = (!entry.stored || entry.removing) && !bindings_.of(update.aor).empty();
    if (first) {
      if (entry.waiting.size() == kMaxWaitingRegisters) return done({503, "Registration In Progress"});
      if (entry.waiting.empty()) {
        entry.waiting_since = now;
        entry.failures = 0;
        entry.retry_at = now;
      }
      entry.waiting.push_back(done);
    }
    reconcile(update.aor);
    if (first) return;
  }
  done({});
}

void Registrar::on_credential_renewed(const std::string& aor) {
  const auto at = entries_.find(aor);
  if (at == entries_.end()) return;
  at->second.outdated = true;
  schedule(aor, at->second);
}

void Registrar::tick(Mono now) {
  now_ = now;
  while (!wakes_.empty() && wakes_.begin()->first <= now) {
    const std::string aor = wakes_.begin()->second;
    counters_.add(SipCounter::bindings_expired, bindings_.expire(aor, now));
    reconcile(aor);
  }
  show_sizes();
}

// Compares what is with what should be and starts what is missing. One Store or removal of an address at a time.
void Registrar::reconcile(const std::string& aor) {
  const auto at = entries_.find(aor);
  if (at == entries_.end()) return;
  Entry& entry = at->second;
  const bool wanted = !bindings_.of(aor).empty();
  if (entry.stored && entry.stored_until <= now_) entry.stored = false;
  if (!wanted) answer(entry, {});  // the contacts went while their Store was under way
  if (!entry.in_flight && entry.retry_at <= now_) {
    const bool missing = !entry.stored || entry.removing || entry.outdated;
    const bool due =
        wanted && (missing || (entry.refresh_at <= now_ && entry.stored_until < bindings_.last_expiry(aor)));
    if (due)
      store(aor, entry);
    else if (!wanted && entry.stored)
      remove(aor, entry);
  }
  if (!wanted && !entry.stored && !entry.in_flight) {
    wakes_.erase({entry.wake, aor});
    entries_.erase(at);
  } else {
    schedule(aor, entry);
  }
  show_sizes();
}

void Registrar::store(const std::string& aor, Entry& entry) {
  const std::optional<NodeId> user = overlay_.user_node_id(aor);
  if (!user) return store_failed(aor, entry);
  const Duration wanted = std::max<Duration>(bindings_.last_expiry(aor) - now_ + kStoreMargin, kMinStoreLifetime);
  const std::uint32_t lifetime = seconds_up(wanted);
  const Mono until = now_ + std::chrono::seconds(lifetime);
  // Spread, so that registrations made together are not refreshed together.
  const Mono refresh_at = now_ + wanted * static_cast<std::int64_t>(50 + rng_.below(31)) / 100;
  entry.in_flight = true;
  entry.outdated = false;
  counters_.add(SipCounter::overlay_stores);
  overlay_.store({.name = aor,
                  .kind = wire::kKindSipRegistration,
                  .value = {.exists = true,
                            .key = to_bytes(user->view()),
                            .bytes = encode_registration(RouteRegistration{"", {overlay_.self()}})},
                  .lifetime = lifetime,
                  .user = aor},
                 [this, aor, until, refresh_at](const overlay::Outcome<overlay::Stored>& outcome) {
                   stored(aor, until, refresh_at, outcome.has_value());
                 });
}

// 6940 7.4.1.3: the removal must live at least as long as what it removes.
void Registrar::remove(const std::string& aor, Entry& entry) {
  const std::optional<NodeId> user = overlay_.user_node_id(aor);
  if (!user) {
    entry.stored = false;
    return;
  }
  entry.in_flight = true;
  entry.removing = true;
  counters_.add(SipCounter::overlay_removals);
  overlay_.store({.name = aor,
                  .kind = wire::kKindSipRegistration,
                  .value = {.exists = false, .key = to_bytes(user->view())},
                  .lifetime = seconds_up(entry.stored_until - now_ + kStoreMargin),
                  .user = aor},
                 [this, aor](const overlay::Outcome<overlay::Stored>& outcome) { removed(aor, outcome.has_value()); });
}

void Registrar::stored(const std::string& aor, Mono until, Mono refresh_at, bool ok) {
  Entry& entry = entries_.at(aor);
  entry.in_flight = false;
  if (ok) {
    entry.stored = true;
    entry.removing = false;
    entry.stored_until = until;
    entry.refresh_at = refresh_at;
    entry.retry_at = now_;
    entry.failures = 0;
    answer(entry, {});
  } else {
    store_failed(aor, entry);
  }
  reconcile(aor);
}

void Registrar::removed(const std::string& aor, bool ok) {
  Entry& entry = entries_.at(aor);
  entry.in_flight = false;
  if (ok) {
    entry.stored = false;
    entry.removing = false;
    entry.failures = 0;
  } else {
    counters_.add(SipCounter::overlay_store_failures);
    entry.retry_at = now_ + backoff(entry.failures++);
  }
  reconcile(aor);
}

// A first registration is tried again for some seconds, then its phones hear 503 and are forgotten, since they believe
// themselves unregistered. A refresh is tried until the contacts end.
void Registrar::store_failed(const std::string& aor, Entry& entry) {
  counters_.add(SipCounter::overlay_store_failures);
  if (entry.stored && !entry.removing) {
    entry.retry_at = now_ + backoff(entry.failures++);
  } else if (now_ - entry.waiting_since < kStoreRetryWindow) {
    entry.retry_at = now_ + kFirstStoreRetry;
  } else {
    answer(entry, {503, "Overlay Did Not Store"});
    bindings_.remove(aor);
    // The Store may have been done though its answer was lost: what it left must not stay behind.
    entry.stored = true;
    entry.stored_until = now_ + kMinStoreLifetime;
    entry.retry_at = now_;
  }
}

void Registrar::answer(Entry& entry, const RegisterResult& result) {
  const std::vector<Done> waiting = std::exchange(entry.waiting, {});
  for (const Done& done : waiting) done(result);
}

void Registrar::schedule(const std::string& aor, Entry& entry) {
  const bool wanted = !bindings_.of(aor).empty();
  Mono wake = wanted ? bindings_.first_expiry(aor) : entry.stored_until;
  if (entry.stored && wanted && entry.stored_until < bindings_.last_expiry(aor))
    wake = std::min(wake, entry.refresh_at);
  if (entry.outdated && wanted && !entry.in_flight) wake = now_;
  if (!entry.in_flight && entry.retry_at > now_) wake = std::min(wake, entry.retry_at);
  wake = std::max(wake, now_ + 1s);
  wakes_.erase({entry.wake, aor});
  entry.wake = wake;
  wakes_.emplace(wake, aor);
}

void Registrar::show_sizes() {
  counters_.set(SipCounter::registrations, bindings_.addresses());
  counters_.set(SipCounter::bindings, bindings_.size());
}

}  // namespace reload::sip
