#include "sip-usage/bindings.hpp"

#include <algorithm>

#include "reload/base/check.hpp"
#include "sip-usage/limits.hpp"

namespace reload::sip {

namespace {

const std::vector<Binding> kNone;

auto find_key(std::vector<Binding>& bindings, const std::string& key) {
  return std::find_if(bindings.begin(), bindings.end(), [&](const Binding& binding) { return binding.key == key; });
}

// 10.3 step 7: a request of the same Call-ID must have a higher CSeq than the one that made the binding.
bool may_change(const Binding& binding, const BindingUpdate& update) {
  return binding.call_id != update.call_id || update.cseq > binding.cseq;
}

}  // namespace

BindingFault Bindings::apply(const BindingUpdate& update, Mono now) {
  expire(update.aor, now);
  const auto existing = by_aor_.find(update.aor);
  std::vector<Binding> bindings = existing == by_aor_.end() ? kNone : existing->second;
  const std::size_t before = bindings.size();

  if (update.remove_all) {
    for (const Binding& binding : bindings)
      if (!may_change(binding, update)) return BindingFault::old_cseq;
    bindings.clear();
  }
  for (const ContactUpdate& contact : update.contacts) {
    const auto at = find_key(bindings, contact.key);
    if (at != bindings.end() && !may_change(*at, update)) return BindingFault::old_cseq;
  }
  for (const ContactUpdate& contact : update.contacts) {
    const auto at = find_key(bindings, contact.key);
    if (contact.expires == Duration::zero()) {
      if (at != bindings.end()) bindings.erase(at);
      continue;
    }
    Binding binding{contact.uri,    contact.key, contact.q,  now + contact.expires,
                    update.call_id, update.cseq, update.flow};
    if (at != bindings.end())
      *at = std::move(binding);
    else if (bindings.size() == kMaxContactsPerAor)
      return BindingFault::too_many_contacts;
    else
      bindings.push_back(std::move(binding));
  }
  if (bindings.size() > before && count_ + bindings.size() - before > kMaxBindings) return BindingFault::full;
  std::stable_sort(bindings.begin(), bindings.end(), [](const Binding& a, const Binding& b) { return a.q > b.q; });

  remove(update.aor);
  if (bindings.empty()) return BindingFault::none;
  for (const Binding& binding : bindings) by_key_.emplace(binding.key, update.aor);
  count_ += bindings.size();
  by_aor_[update.aor] = std::move(bindings);
  return BindingFault::none;
}

void Bindings::remove(const std::string& aor) {
  const auto at = by_aor_.find(aor);
  if (at == by_aor_.end()) return;
  for (const Binding& binding : at->second) by_key_.erase({binding.key, aor});
  count_ -= at->second.size();
  by_aor_.erase(at);
}

std::size_t Bindings::expire(const std::string& aor, Mono now) {
  const auto at = by_aor_.find(aor);
  if (at == by_aor_.end()) return 0;
  const std::size_t gone = std::erase_if(at->second, [&](const Binding& binding) {
    if (binding.expires > now) return false;
    by_key_.erase({binding.key, aor});
    return true;
  });
  count_ -= gone;
  if (at->second.empty()) by_aor_.erase(at);
  return gone;
}

const std::vector<Binding>& Bindings::of(const std::string& aor) const {
  const auto at = by_aor_.find(aor);
  return at == by_aor_.end() ? kNone : at->second;
}

const Binding* Bindings::by_contact(const std::string& key) const {
  const auto at = by_key_.lower_bound({key, ""});
  if (at == by_key_.end() || at->first != key) return nullptr;
  const std::vector<Binding>& bindings = of(at->second);
  const auto found = std::find_if(bindings.begin(), bindings.end(), [&](const Binding& b) { return b.key == key; });
  RELOAD_CHECK(found != bindings.end());
  return &*found;
}

Mono Bindings::first_expiry(const std::string& aor) const {
  const std::vector<Binding>& bindings = of(aor);
  RELOAD_CHECK(!bindings.empty());
  return std::min_element(bindings.begin(), bindings.end(),
                          [](const Binding& a, const Binding& b) { return a.expires < b.expires; })
      ->expires;
}

Mono Bindings::last_expiry(const std::string& aor) const {
  const std::vector<Binding>& bindings = of(aor);
  RELOAD_CHECK(!bindings.empty());
  return std::max_element(bindings.begin(), bindings.end(),
                          [](const Binding& a, const Binding& b) { return a.expires < b.expires; })
      ->expires;
}

}  // namespace reload::sip
