#include "tests/unit/sip_usage/fake_network.hpp"

#include "reload/wire/codec.hpp"

namespace reload::sip {

using overlay::Error;
using overlay::Outcome;
using overlay::Pipe;
using overlay::PipeId;

class FakeNetwork::Node final : public overlay::Overlay {
 public:
  Node(FakeNetwork& network, NodeId id) : network_(network), id_(id) {}

  NodeId self() const override { return id_; }
  std::string overlay_name() const override { return ""; }
  std::optional<config::Kind> kind(KindId) const override { return std::nullopt; }
  std::optional<NodeId> user_node_id(const std::string&) const override { return std::nullopt; }
  bool joined() const override { return true; }

  void store(overlay::StoreRequest request, std::function<void(Outcome<overlay::Stored>)> done) override {
    {
      const std::lock_guard lock(network_.mutex_);
      ++network_.stores_;
      if (network_.fail_stores_) {
        network_.tasks_.push_back([done] { done(tl::unexpected<Error>({wire::ErrorCode::request_timeout, "fails"})); });
        return;
      }
      auto& dictionary = network_.values_[request.name];
      if (request.value.exists)
        dictionary[request.value.key] = request.value;
      else
        dictionary.erase(request.value.key);
    }
    network_.post([done] { done(overlay::Stored{1}); });
  }

  void fetch(overlay::FetchRequest request,
             std::function<void(Outcome<std::vector<overlay::FetchedValue>>)> done) override {
    std::vector<overlay::FetchedValue> values;
    {
      const std::lock_guard lock(network_.mutex_);
      for (const auto& [key, value] : network_.values_[request.name]) values.push_back({.value = value});
    }
    network_.post([done, values] {
      if (values.empty()) return done(tl::unexpected<Error>({wire::ErrorCode::not_found, ""}));
      done(values);
    });
  }

  void app_attach(overlay::AppAttachRequest request, std::function<void(Outcome<Pipe>)> done) override {
    const auto list = wire::decode<wire::DestinationList>(request.destination_list);
    const NodeId remote = std::get<NodeId>(list.value().back());
    const auto other = network_.nodes_.find(remote);
    if (other == network_.nodes_.end() || !other->second->incoming_ || request.application != wire::kApplicationSip) {
      network_.post([done] { done(tl::unexpected<Error>({wire::ErrorCode::not_found, "no such node"})); });
      return;
    }
    const PipeId mine = ++network_.last_pipe_;
    const PipeId theirs = ++network_.last_pipe_;
    network_.other_end_[mine] = {remote, theirs};
    network_.other_end_[theirs] = {id_, mine};
    other->second->incoming_(Pipe{theirs, id_, "peer"});
    network_.post([done, mine, remote] { done(Pipe{mine, remote, "peer"}); });
  }
  void accept_app(ApplicationId, std::function<void(Pipe)> incoming) override { incoming_ = std::move(incoming); }
  void on_pipe_data(std::function<void(PipeId, SharedBytes)> data) override { data_ = std::move(data); }
  void on_pipe_closed(std::function<void(PipeId, std::string)> closed) override { closed_ = std::move(closed); }
  void pipe_send(PipeId pipe, SharedBytes bytes) override {
    const auto at = network_.other_end_.find(pipe);
    if (at == network_.other_end_.end()) return;
    const auto node = network_.nodes_.find(at->second.first);
    if (node != network_.nodes_.end() && node->second->data_) node->second->data_(at->second.second, std::move(bytes));
  }
  void pipe_close(PipeId pipe) override {
    const auto at = network_.other_end_.find(pipe);
    if (at == network_.other_end_.end()) return;
    const auto [remote, other] = at->second;
    network_.other_end_.erase(pipe);
    network_.other_end_.erase(other);
    const auto node = network_.nodes_.find(remote);
    if (node != network_.nodes_.end() && node->second->closed_)
      node->second->closed_(other, "closed by the other side");
  }

 private:
  FakeNetwork& network_;
  const NodeId id_;
  std::function<void(Pipe)> incoming_;
  std::function<void(PipeId, SharedBytes)> data_;
  std::function<void(PipeId, std::string)> closed_;
};

FakeNetwork::FakeNetwork() : thread_([this] { run(); }) {}

FakeNetwork::~FakeNetwork() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void FakeNetwork::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void FakeNetwork::run() {
  std::unique_lock lock(mutex_);
  while (!stop_) {
    if (tasks_.empty()) {
      wake_.wait(lock);
      continue;
    }
    const std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    lock.lock();
  }
}

PostToNode FakeNetwork::add_node(const NodeId& id) {
  auto node = std::make_shared<Node>(*this, id);
  post([this, id, node] { nodes_[id] = node; });
  return [this, node](std::function<void(overlay::Overlay&)> call) { post([node, call] { call(*node); }); };
}

void FakeNetwork::end_node(const NodeId& id) {
  post([this, id] {
    const auto node = nodes_.at(id);
    nodes_.erase(id);
    std::vector<PipeId> pipes;
    for (const auto& [pipe, end] : other_end_)
      if (end.first == id) pipes.push_back(end.second);
    for (const PipeId pipe : pipes) node->pipe_close(pipe);
  });
}

std::size_t FakeNetwork::entries(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return values_[name].size();
}
std::size_t FakeNetwork::stores() {
  const std::lock_guard lock(mutex_);
  return stores_;
}
void FakeNetwork::put(const std::string& name, const Bytes& key, const Bytes& value) {
  const std::lock_guard lock(mutex_);
  values_[name][key] = {.exists = true, .key = key, .bytes = value};
}
void FakeNetwork::fail_stores(bool fail) {
  const std::lock_guard lock(mutex_);
  fail_stores_ = fail;
}

}  // namespace reload::sip
