// Answers Store, Fetch, Stat and Find (6940 7.4). A StoreAns waits for the replicas, for a bounded time. Where copies
// are still under way by then and none was confirmed the writer gets Error_Request_Timeout, which tells it to try again
// later; the values stay. Where there is no replica, or all copies failed, it is told that they are stored.
#pragma once

#include <map>

#include "reload/storage/fetch_rules.hpp"
#include "reload/storage/replicator.hpp"

namespace reload::storage {

class StorageServer {
 public:
  StorageServer(ValueStore& store, Replicator& replicator, SignerCertificates& certificates)
      : store_(store), replicator_(replicator), certificates_(certificates) {}

  void on_request(const messaging::Request& request, messaging::Context& context);
  // Copies that StoreAns wait for arrived or failed.
  void on_released(const std::vector<Released>& released, messaging::Context& context);
  void on_committed() { committed_ = last_wait_; }
  void on_writes_lost(messaging::Context& context);
  void on_timer(messaging::Context& context);
  [[nodiscard]] std::optional<Mono> next_deadline() const;

 private:
  struct Waiting {
    RequestId request;
    Bytes answer;
    std::size_t copies = 0;  // under way
    bool alone = true;       // no copy arrived
    Mono until;
  };
  // Each waits equally long, so this is the order of their ends. As bounded as the requests that wait: kMaxRequestsIn.
  using WaitingMap = std::map<WaitId, Waiting>;

  void on_store(const messaging::Request& request, messaging::Context& context);
  void on_fetch(const messaging::Request& request, messaging::Context& context);
  void answer(WaitingMap& waiting, WaitingMap::iterator which, messaging::Context& context);
  void leave_out_banned(std::vector<SelectedKind>& selected, const messaging::Context& context);
  void on_find(const messaging::Request& request, messaging::Context& context);

  ValueStore& store_;
  Replicator& replicator_;
  SignerCertificates& certificates_;
  WaitId last_wait_ = 0;
  WaitId committed_ = 0;  // the last one whose values are safe
  WaitingMap waiting_;    // for all copies
  WaitingMap alone_;      // for one, after the time for all
};

}  // namespace reload::storage
