// The certificate store usage (6940 8): keeps the certificates of this node and of the users it hosts in the overlay,
// each at the hash of its user name and at the hash of its Node-ID.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <set>

#include "reload/base/time.hpp"
#include "reload/overlay/overlay.hpp"

namespace reload::usages {

// One whose certificate is kept.
struct Holder {
  std::string user_name;    // as its certificate has it
  NodeId node_id;           // it signs as
  SharedBytes certificate;  // DER
  Wall not_after;
  bool hosted = true;  // a user of this node; false: the node itself
  // 6940 11.3.1: nobody else may have the name, which nothing but a look at the overlay can tell.
  bool self_signed = false;
};

// Looks at a place before it stores there, so that its own certificate is renewed in the place that it has and the list
// does not grow: besides the new certificate at most one old one of the same Node-ID stays, until its lifetime is over.
class CertificateUsage {
 public:
  struct Events {
    // The name is somebody else's, who signs as `other`; nothing is stored for this holder then.
    std::function<void(const Holder&, const NodeId& other)> taken;
    std::function<void(const Holder&, const std::string& why)> failed;  // it is tried again, later each time
  };
  // `overlay` must live longer.
  CertificateUsage(overlay::Overlay& overlay, Events events);

  // Whose certificates are to be kept from now on, one for each Node-ID. What is new or renewed is stored soon; what is
  // left out is not refreshed any more.
  void set_holders(std::vector<Holder> holders, const Now& now);
  // Goes on with what is due or was answered, at a bounded pace and while the node is joined. To be called when
  // next_deadline has come and after each result of the overlay.
  void run(const Now& now);
  [[nodiscard]] std::optional<Mono> next_deadline() const;
  // Every certificate is in its two places, or cannot be: its name is taken.
  [[nodiscard]] bool settled() const;

 private:
  struct Place {
    KindId kind;
    Mono due;
    bool busy = false;
    bool kept = false;
    unsigned failures = 0;
  };
  struct Entry {
    Holder holder;
    std::uint64_t version = 0;
    bool taken = false;
    std::array<Place, 2> places;
  };
  struct At {
    Mono due;
    NodeId node_id;
    std::size_t place = 0;
    friend auto operator<=>(const At&, const At&) = default;
  };
  // What the overlay answered, kept until the next run, which has the time.
  struct Result {
    NodeId node_id;
    std::size_t place = 0;
    std::uint64_t version = 0;
    std::optional<overlay::Outcome<std::vector<overlay::FetchedValue>>> fetched;
    std::optional<overlay::Outcome<overlay::Stored>> stored;
  };

  void plan(Entry& entry, std::size_t place, Mono due);
  void unplan(const Entry& entry, std::size_t place);
  void look(Entry& entry, std::size_t place);
  void apply(Result& result, const Now& now);
  void on_fetched(Entry& entry, std::size_t place, const std::vector<overlay::FetchedValue>& values, const Now& now);
  void keep(Entry& entry, std::size_t place, Duration left, const Now& now);
  void store(Entry& entry, std::size_t place, std::uint32_t index, const Now& now);
  void retry(Entry& entry, std::size_t place, const std::string& why, const Now& now);

  overlay::Overlay& overlay_;
  Events events_;
  std::map<NodeId, Entry> entries_;
  std::set<At> due_;  // every place that is not busy
  std::vector<Result> results_;
  std::size_t under_way_ = 0;
  std::uint64_t versions_ = 0;
  Mono next_start_{};
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // answers may come after the end of this object
};

}  // namespace reload::usages
