// An overlay of several nodes in one process for tests of the SIP side: one dictionary for all, pipes as queues. It
// runs on a thread of its own, as the real node does, and checks nothing that the overlay itself would check but the
// domain of a value's key and user.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

#include "sip-usage/sofia/overlay_facts.hpp"

namespace reload::sip {

class FakeNetwork {
 public:
  FakeNetwork();
  ~FakeNetwork();
  FakeNetwork(const FakeNetwork&) = delete;
  FakeNetwork& operator=(const FakeNetwork&) = delete;

  // A node; the way to it is valid as long as the network.
  PostToNode add_node(const NodeId& id);
  void end_node(const NodeId& id);  // closes its pipes and takes no more

  // What stands under `name`, and how many Stores there were. From any thread.
  std::size_t entries(const std::string& name);
  std::size_t stores();
  void put(const std::string& name, const Bytes& key, const Bytes& value);
  void fail_stores(bool fail);

 private:
  class Node;
  void post(std::function<void()> task);
  void run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> tasks_;
  bool stop_ = false;
  std::map<NodeId, std::shared_ptr<Node>> nodes_;
  std::map<std::string, std::map<Bytes, overlay::Value>> values_;
  std::size_t stores_ = 0;
  bool fail_stores_ = false;
  overlay::PipeId last_pipe_ = 0;
  std::map<overlay::PipeId, std::pair<NodeId, overlay::PipeId>> other_end_;
  std::thread thread_;
};

}  // namespace reload::sip
