// RFC 7904 section 4: from an address of record to the nodes where its devices are.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "reload/overlay/overlay.hpp"
#include "reload/wire/destination.hpp"
#include "sip-usage/aor.hpp"
#include "sip-usage/counters.hpp"
#include "sip-usage/registration_record.hpp"

namespace reload::sip {

// A node to contact by AppAttach with `application`, for the user `name`: the address under which the node was found,
// which is not the dialled one when that was forwarded.
struct Target {
  std::string name;
  wire::DestinationList destinations;
  ApplicationId application = wire::kApplicationSip;
  friend bool operator==(const Target&, const Target&) = default;
};

struct Resolution {
  std::vector<Target> targets;        // without duplicates, at most kMaxTargetsPerCall
  std::vector<std::string> external;  // addresses of other overlays and schemes, to be reached by their own procedure
  bool registered = false;            // some entry was found
  bool failed = false;                // a Fetch failed otherwise than by "not found": there may be more targets
};

class Locator {
 public:
  // An entry that a look-up has read, stored under the address `aor`. For tools.
  using Seen = std::function<void(const std::string& aor, const overlay::FetchedValue&, const Registration&)>;

  // Both outlive the locator and every look-up.
  Locator(overlay::Overlay& overlay, SipCounters& counters, Seen seen = {})
      : overlay_(overlay), counters_(counters), seen_(std::move(seen)) {}

  // 4.1 and 4.2. `done` runs once; for a GRUU at once, without a Fetch.
  void resolve(const Aor& aor, std::function<void(Resolution)> done);

 private:
  struct Work;
  static void fetch(const std::shared_ptr<Work>& work, const Aor& aor);
  static void take(Work& work, const overlay::FetchedValue& value, const Aor& asked, std::vector<Aor>& next);
  static void add(Work& work, Target target);
  static void finish(const std::shared_ptr<Work>& work);

  overlay::Overlay& overlay_;
  SipCounters& counters_;
  Seen seen_;
};

}  // namespace reload::sip
