#include "reload/usages/certificate_usage.hpp"

#include <algorithm>

namespace reload::usages {

namespace {

// What a member that is gone leaves behind is gone after a day; a member that stays stores again after two thirds.
constexpr Duration kLifetime = 24h;
constexpr Duration kRest = kLifetime / 3;
constexpr Duration kSlack = 60s;  // of a lifetime that is to end with the certificate
// Nobody waits for the certificates of hosted users, whose registrations carry them. Ten thousand users are 20,000
// places: with two a second they are done in three hours, and the overlay's other traffic does not notice.
constexpr std::size_t kAtOnce = 4;
constexpr Duration kPace = 500ms;
constexpr Duration kFirstRetry = 10s;
constexpr Duration kLastRetry = 600s;
constexpr std::size_t kOwnInOneList = 2;  // 6940 8: an old and a new certificate, while one takes the other's place

std::string bytes_of(const NodeId& id) {
  const ByteView view = id.view();
  return {view.begin(), view.end()};
}

}  // namespace

CertificateUsage::CertificateUsage(overlay::Overlay& overlay, Events events)
    : overlay_(overlay), events_(std::move(events)) {}

void CertificateUsage::set_holders(std::vector<Holder> holders, const Now& now) {
  std::map<NodeId, Entry> before = std::move(entries_);
  entries_.clear();
  due_.clear();
  for (Holder& holder : holders) {
    const auto old = before.find(holder.node_id);
    const bool same = old != before.end() && old->second.holder.user_name == holder.user_name &&
                      equal(old->second.holder.certificate.view(), holder.certificate.view());
    const NodeId id = holder.node_id;
    if (same) {
      entries_.insert_or_assign(id, std::move(old->second));
    } else {
      Entry entry;
      entry.holder = std::move(holder);
      entry.version = ++versions_;
      const Mono due = entry.holder.hosted ? now.mono : Mono::min();  // the node itself goes first
      entry.places = {Place{wire::kKindCertificateByUser, due}, Place{wire::kKindCertificateByNode, due}};
      entries_.insert_or_assign(id, std::move(entry));
    }
    Entry& entry = entries_.at(id);
    for (std::size_t place = 0; place < entry.places.size(); ++place)
      if (!entry.places[place].busy && !entry.taken) plan(entry, place, entry.places[place].due);
  }
}

void CertificateUsage::run(const Now& now) {
  for (Result& result : std::exchange(results_, {})) apply(result, now);
  if (!overlay_.joined()) return;
  while (!due_.empty() && due_.begin()->due <= now.mono && under_way_ < kAtOnce && next_start_ <= now.mono) {
    const At at = *due_.begin();
    Entry& entry = entries_.at(at.node_id);
    // Nobody takes what is expired; a renewed certificate comes by set_holders.
    if (entry.holder.not_after <= now.wall) {
      unplan(entry, at.place);
      continue;
    }
    if (entry.holder.hosted) next_start_ = now.mono + kPace;
    look(entry, at.place);
  }
}

std::optional<Mono> CertificateUsage::next_deadline() const {
  if (!results_.empty()) return Mono::min();
  if (!overlay_.joined() || due_.empty() || under_way_ >= kAtOnce) return std::nullopt;
  return std::max(due_.begin()->due, next_start_);
}

bool CertificateUsage::settled() const {
  return std::ranges::all_of(entries_, [](const auto& entry) {
    return entry.second.taken || std::ranges::all_of(entry.second.places, &Place::kept);
  });
}

void CertificateUsage::plan(Entry& entry, std::size_t place, Mono due) {
  entry.places[place].due = due;
  due_.insert({due, entry.holder.node_id, place});
}

void CertificateUsage::unplan(const Entry& entry, std::size_t place) {
  due_.erase({entry.places[place].due, entry.holder.node_id, place});
}

void CertificateUsage::look(Entry& entry, std::size_t place) {
  unplan(entry, place);
  entry.places[place].busy = true;
  ++under_way_;
  overlay::FetchRequest request;
  request.name = place == 0 ? entry.holder.user_name : bytes_of(entry.holder.node_id);
  request.kind = entry.places[place].kind;
  overlay_.fetch(std::move(request), [this, id = entry.holder.node_id, place, version = entry.version,
                                      alive = std::weak_ptr(alive_)](auto outcome) {
    if (!alive.expired()) results_.push_back({id, place, version, std::move(outcome), std::nullopt});
  });
}

void CertificateUsage::apply(Result& result, const Now& now) {
  --under_way_;
  const auto found = entries_.find(result.node_id);
  if (found == entries_.end() || found->second.version != result.version) return;  // gone or renewed meanwhile
  Entry& entry = found->second;
  Place& place = entry.places[result.place];
  place.busy = false;
  if (result.fetched) {
    if (*result.fetched) return on_fetched(entry, result.place, **result.fetched, now);
    if (result.fetched->error().code == wire::ErrorCode::not_found) return on_fetched(entry, result.place, {}, now);
    return retry(entry, result.place, result.fetched->error().text, now);
  }
  if (!*result.stored) return retry(entry, result.place, result.stored->error().text, now);
  place.failures = 0;
  keep(entry, result.place, std::min(kLifetime, entry.holder.not_after - now.wall), now);
}

void CertificateUsage::on_fetched(Entry& entry, std::size_t place, const std::vector<overlay::FetchedValue>& values,
                                  const Now& now) {
  const Holder& holder = entry.holder;
  std::vector<const overlay::FetchedValue*> own;
  const overlay::FetchedValue* current = nullptr;
  for (const overlay::FetchedValue& value : values) {
    if (value.signer != holder.node_id) continue;
    own.push_back(&value);
    if (equal(value.value.bytes, holder.certificate.view())) current = &value;
  }
  if (entry.taken) return;
  if (holder.self_signed && place == 0 && own.empty() && !values.empty()) {
    entry.taken = true;
    for (std::size_t other = 0; other < entry.places.size(); ++other) unplan(entry, other);
    return events_.taken(holder, values.front().signer);
  }
  if (current != nullptr) {
    const Duration left = std::chrono::seconds(current->lifetime);
    // Stored before this node was started again.
    if (left > kRest || left + kSlack >= holder.not_after - now.wall) return keep(entry, place, left, now);
    return store(entry, place, current->value.index, now);
  }
  if (own.size() < kOwnInOneList) return store(entry, place, wire::kLastArrayIndex, now);
  const auto oldest = std::ranges::min_element(own, {}, &overlay::FetchedValue::storage_time);
  store(entry, place, (*oldest)->value.index, now);
}

// The value is there for `left`; where that is as long as the certificate, no refresh could add to it.
void CertificateUsage::keep(Entry& entry, std::size_t place, Duration left, const Now& now) {
  entry.places[place].kept = true;
  if (left + kSlack < entry.holder.not_after - now.wall)
    plan(entry, place, now.mono + std::max(left - kRest, Duration::zero()));
}

void CertificateUsage::store(Entry& entry, std::size_t place, std::uint32_t index, const Now& now) {
  const Holder& holder = entry.holder;
  const auto left = std::chrono::floor<std::chrono::seconds>(std::min(kLifetime, holder.not_after - now.wall));
  overlay::StoreRequest request;
  request.name = place == 0 ? holder.user_name : bytes_of(holder.node_id);
  request.kind = entry.places[place].kind;
  request.value.index = index;
  request.value.bytes = to_bytes(holder.certificate.view());
  request.lifetime = static_cast<std::uint32_t>(std::max<std::int64_t>(left.count(), 1));
  if (holder.hosted) request.user = holder.user_name;
  entry.places[place].busy = true;
  ++under_way_;
  overlay_.store(std::move(request),
                 [this, id = holder.node_id, place, version = entry.version, alive = std::weak_ptr(alive_)](auto done) {
                   if (!alive.expired()) results_.push_back({id, place, version, std::nullopt, std::move(done)});
                 });
}

void CertificateUsage::retry(Entry& entry, std::size_t place, const std::string& why, const Now& now) {
  Place& failed = entry.places[place];
  Duration pause = kFirstRetry;
  for (unsigned i = 0; i < failed.failures && pause < kLastRetry; ++i) pause *= 2;
  ++failed.failures;
  failed.kept = false;
  plan(entry, place, now.mono + std::min(pause, kLastRetry));
  events_.failed(entry.holder, why);
}

}  // namespace reload::usages
