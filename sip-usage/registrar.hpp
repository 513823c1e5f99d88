// REGISTER to bindings and to the overlay (RFC 3261 10.3, RFC 7904 section 3): an address has a registration in the
// overlay as long as it has a contact here. The entry is a route to this node, stored under the address with the user's
// own Node-ID as key and signed by the user.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "reload/base/rng.hpp"
#include "reload/overlay/overlay.hpp"
#include "sip-usage/bindings.hpp"
#include "sip-usage/counters.hpp"

namespace reload::sip {

struct RegisterResult {
  int status = 200;
  std::string reason = "OK";
};

class Registrar {
 public:
  using Done = std::function<void(const RegisterResult&)>;

  // All outlive the registrar; no callback of the overlay may come after its end.
  Registrar(overlay::Overlay& overlay, SipCounters& counters, Rng& rng)
      : overlay_(overlay), counters_(counters), rng_(rng) {}

  // From now on it is asked for a user without a credential here whether that will come: then its REGISTER is to come
  // again instead of being refused.
  void on_missing_credential(std::function<bool(const std::string& aor)> wanted) { wanted_ = std::move(wanted); }

  // Runs `done` once: at once for a refresh, a query and whatever is refused; when the overlay has answered for the
  // first contact of an address.
  void handle(const BindingUpdate& update, Mono now, const Done& done);
  // The user's credential is another: what is stored under the old one is stored again, as that may soon count no more.
  void on_credential_renewed(const std::string& aor);
  // Expiry, refresh and retries. To be called about once a second.
  void tick(Mono now);

  [[nodiscard]] const Bindings& bindings() const { return bindings_; }

 private:
  // What the overlay holds for one address, and what is under way to change it.
  struct Entry {
    bool stored = false;     // an entry of ours is there until stored_until, as far as we know
    bool in_flight = false;  // a Store or removal waits for its answer
    bool removing = false;   // a removal was sent that no Store has followed yet
    bool outdated = false;   // stored, or being so, with a credential that was renewed since
    Mono stored_until;
    Mono refresh_at;  // 50 to 80 % of the lifetime: later bindings make a new Store from here on
    Mono retry_at;
    unsigned failures = 0;
    Mono waiting_since;
    std::vector<Done> waiting;  // REGISTERs that wait for the first Store
    Mono wake;
  };

  [[nodiscard]] RegisterResult may_register(const std::string& aor) const;
  void reconcile(const std::string& aor);
  void store(const std::string& aor, Entry& entry);
  void remove(const std::string& aor, Entry& entry);
  void stored(const std::string& aor, Mono until, Mono refresh_at, bool ok);
  void removed(const std::string& aor, bool ok);
  void store_failed(const std::string& aor, Entry& entry);
  void schedule(const std::string& aor, Entry& entry);
  static void answer(Entry& entry, const RegisterResult& result);
  void show_sizes();

  overlay::Overlay& overlay_;
  SipCounters& counters_;
  Rng& rng_;
  std::function<bool(const std::string&)> wanted_;
  Bindings bindings_;
  std::map<std::string, Entry> entries_;
  std::set<std::pair<Mono, std::string>> wakes_;
  Mono now_;
};

}  // namespace reload::sip
