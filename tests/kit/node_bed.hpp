// One production Node with all its neighbours played by the test: their links, messages and handshakes. Everything the
// node gives out is checked here: what a driver may rely on, and that what is sent is well-formed.
#pragma once

#include <deque>
#include <map>
#include <set>

#include "reload/base/prng.hpp"
#include "reload/node/node.hpp"
#include "reload/storage/memory_store.hpp"
#include "tests/kit/letter.hpp"

namespace reload::kit {

// A disk that can be full: what was applied is lost when it is to be committed.
class FlakyStore final : public storage::MemoryStore {
 public:
  bool fails = false;
  Result<void> apply(const storage::WriteBatch& batch) override {
    dirty_ = true;
    return MemoryStore::apply(batch);
  }
  Result<void> commit() override {
    if (!std::exchange(dirty_, false) || !fails) return MemoryStore::commit();
    roll_back();
    return failure("disk full");
  }

 private:
  bool dirty_ = false;
};

struct BedOptions {
  bool first_peer = true;
  node::Role role = node::Role::peer;
  std::vector<Who> bootstrap;
  std::vector<Who> former_neighbors;
  bool holds_crypto = false;  // jobs wait for finish_job
  std::uint64_t seed = 1;
  DocumentSpec document;
};

class NodeBed {
 public:
  struct Sent {
    LinkId link;
    wire::ForwardingHeader header;
    Bytes rest;  // contents and security block, or a fragment of them
    [[nodiscard]] std::optional<wire::ParsedBody> parsed() const { return wire::parse_body(rest); }
    [[nodiscard]] wire::MessageCode code() const;
  };

  explicit NodeBed(BedOptions options = {});

  [[nodiscard]] node::Node& node() { return *node_; }
  [[nodiscard]] FlakyStore& store() { return store_; }
  [[nodiscard]] Now now() const { return now_; }
  [[nodiscard]] node::NodeStatus status() const { return node_->status(now_); }
  [[nodiscard]] std::uint64_t count(Counter counter) const { return node_->counters().get(counter); }

  // Links. `link_up` is an incoming one; `answer_open` ends an OpenLink of the node's.
  LinkId link_up(Who who, std::optional<ApplicationId> application = std::nullopt);
  void answer_open(std::size_t index, std::optional<Who> who);  // nobody: it can't be opened
  void link_down(LinkId link);
  void receive(LinkId link, Bytes bytes);
  void deliver(LinkId link, ByteView message);  // in a data frame
  void deliver(LinkId link, const Letter& letter) { deliver(link, letter.bytes()); }
  void acknowledge(LinkId link);  // the last data frame on it
  [[nodiscard]] std::optional<LinkId> link_of(Who who) const;
  // Links whom there is no link to yet and gives the node an Update of it, so that it is a neighbour or finger.
  LinkId befriend(Who who);

  void input(node::Input input);
  // Virtual time goes on, with a Tick at each deadline.
  void advance(Duration time);
  void finish_job(std::size_t index);

  // What came out and was not looked at yet; a test may take from these.
  std::deque<Sent> sent;
  std::deque<node::OpenLink> opens;
  std::deque<node::RunCrypto> jobs;
  std::deque<node::ApiEvent> events;
  std::deque<node::PipeData> pipe_data;
  std::deque<node::PipeDown> pipes_down;
  std::map<LinkId, Bytes> sent_on_pipe;
  std::map<LinkId, Who> links;  // those that are up
  std::set<LinkId> closed;      // by the node
  bool left = false;
  std::string left_because;
  std::deque<node::ConfigAccepted> accepted_configs;
  std::deque<node::ConfigRefused> refused_configs;
  std::vector<std::size_t> rounds_failed;  // how many nodes each NoContact says were tried

  // The first of `sent` with this code that is not older than `from`; it is taken out.
  std::optional<Sent> take(wire::MessageCode code);

  ApiId new_call();
  [[nodiscard]] const std::set<ApiId>& calls() const { return calls_; }

 private:
  void drain();
  void take(node::OpenLink& output);
  void take(node::SendOnLink& output);
  void take(node::CloseLink& output);
  void take(node::RunCrypto& output);
  void take(node::ApiEvent& output);
  void take(node::PipeData& output);
  void take(node::PipeDown& output);
  void take(node::Joined&) {}
  void take(node::LeaveDone& output);
  void take(node::NoContact& output) { rounds_failed.push_back(output.tried); }
  void take(node::ConfigAccepted& output);
  void take(node::ConfigRefused& output) { refused_configs.push_back(std::move(output)); }
  void take(node::StoreFailed&) {}
  void read_frames(LinkId link, ByteView bytes);
  void check_tables() const;

  const Cast& cast_;
  BedOptions options_;
  Prng rng_;
  FlakyStore store_;
  Now now_;
  std::unique_ptr<node::Node> node_;
  std::set<LinkId> opening_;
  std::set<LinkId> app_links_;
  std::set<LinkId> announced_;
  std::map<LinkId, std::uint32_t> sequences_;      // of frames to the node
  std::map<LinkId, std::uint32_t> last_received_;  // of frames from the node
  std::set<ApiId> calls_;
  std::set<JobId> job_ids_;
  std::uint64_t last_call_ = 0;
};

}  // namespace reload::kit
