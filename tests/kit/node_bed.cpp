#include "tests/kit/node_bed.hpp"

#include <algorithm>

#include "reload/base/check.hpp"
#include "reload/base/limits.hpp"
#include "tests/kit/fixtures.hpp"

namespace reload::kit {

namespace {

constexpr int kTicksAtOneTime = 64;  // a deadline that stays in the past would keep a driver's loop busy
constexpr std::size_t kOutputsOfStep = 20000;

bool tables_contain(const topology::TopologyStatus& status, const NodeId& node) {
  for (const auto* table : {&status.predecessors, &status.successors, &status.fingers})
    if (std::find(table->begin(), table->end(), node) != table->end()) return true;
  return false;
}

}  // namespace

wire::MessageCode NodeBed::Sent::code() const { return wire::peek_code(rest).value_or(wire::MessageCode::invalid); }

NodeBed::NodeBed(BedOptions options)
    : cast_(Cast::get()), options_(std::move(options)), rng_(options_.seed), now_{Mono(1000s), kTestNow} {
  node::NodeOptions made;
  made.role = options_.role;
  made.first_peer = options_.first_peer;
  made.candidates.overlay_candidates = {cast_.address(Who::node)};
  made.candidates.applications = {{wire::kApplicationSip, {cast_.address(Who::node)}}};
  for (const Who who : options_.bootstrap) made.bootstrap.push_back(cast_.address(who));
  for (const Who who : options_.former_neighbors) made.former_neighbors.push_back(cast_.address(who));
  auto node = node::Node::make(std::move(made), cast_.config(options_.document),
                               security::Credentials(cast_.credential(Who::node)), cast_.crypto(), rng_, store_, now_);
  RELOAD_CHECK(node.has_value());
  node_ = std::move(*node);
  node_->add_user(cast_.credential(Who::user_of_node));
  node_->start(now_);
  drain();
}

LinkId NodeBed::link_up(Who who, std::optional<ApplicationId> application) {
  const LinkId link = node_->new_link();
  links[link] = who;
  if (application) app_links_.insert(link);
  input(node::LinkUp{
      link, {to_bytes(cast_.credential(who)->certificate->der.view())}, cast_.address(who), true, application});
  return link;
}

void NodeBed::answer_open(std::size_t index, std::optional<Who> who) {
  RELOAD_CHECK(index < opens.size());
  const node::OpenLink order = std::move(opens[index]);
  opens.erase(opens.begin() + static_cast<std::ptrdiff_t>(index));
  opening_.erase(order.link);
  if (!who) return input(node::LinkDown{order.link, "connection refused"});
  links[order.link] = *who;
  if (order.application) app_links_.insert(order.link);
  input(node::LinkUp{order.link,
                     {to_bytes(cast_.credential(*who)->certificate->der.view())},
                     cast_.address(*who),
                     false,
                     order.application});
}

void NodeBed::link_down(LinkId link) {
  if (links.erase(link) == 0) return;
  announced_.erase(link);
  input(node::LinkDown{link, "connection reset"});
}

void NodeBed::receive(LinkId link, Bytes bytes) {
  if (links.contains(link)) input(node::LinkBytes{link, SharedBytes(std::move(bytes))});
}

void NodeBed::deliver(LinkId link, ByteView message) { receive(link, framed(sequences_[link]++, message)); }

void NodeBed::acknowledge(LinkId link) {
  const auto last = last_received_.find(link);
  if (last != last_received_.end()) receive(link, wire::encode(wire::AckFrame{last->second, 0}));
}

std::optional<LinkId> NodeBed::link_of(Who who) const {
  for (const auto& [link, other] : links)
    if (other == who && !app_links_.contains(link)) return link;
  return std::nullopt;
}

LinkId NodeBed::befriend(Who who) {
  const LinkId link = link_of(who) ? *link_of(who) : link_up(who);
  wire::UpdateReq update;
  update.uptime = 100;
  update.type = wire::ChordUpdateType::neighbors;
  deliver(link, letter(who, {cast_.id(Who::node)}, wire::MessageCode::update_req, wire::encode(update), rng_.next()));
  return link;
}

void NodeBed::input(node::Input input) {
  node_->handle(std::move(input), now_);
  drain();
}

void NodeBed::advance(Duration time) {
  const Mono end = now_.mono + time;
  int ticks = 0;
  for (;;) {
    const auto deadline = node_->next_deadline(now_);
    if (!deadline || *deadline > end) break;
    if (*deadline > now_.mono) {
      now_.wall += *deadline - now_.mono;
      now_.mono = *deadline;
      ticks = 0;
    }
    RELOAD_CHECK(++ticks < kTicksAtOneTime);
    input(node::Tick{});
  }
  now_.wall += end - now_.mono;
  now_.mono = end;
}

void NodeBed::finish_job(std::size_t index) {
  RELOAD_CHECK(index < jobs.size());
  const node::RunCrypto job = std::move(jobs[index]);
  jobs.erase(jobs.begin() + static_cast<std::ptrdiff_t>(index));
  input(node::CryptoDone{job.job, security::run(job.work, cast_.crypto())});
}

std::optional<NodeBed::Sent> NodeBed::take(wire::MessageCode code) {
  const auto found = std::find_if(sent.begin(), sent.end(), [&](const Sent& one) { return one.code() == code; });
  if (found == sent.end()) return std::nullopt;
  Sent taken = std::move(*found);
  sent.erase(found);
  return taken;
}

ApiId NodeBed::new_call() {
  const ApiId id{++last_call_};
  calls_.insert(id);
  return id;
}

void NodeBed::drain() {
  std::size_t count = 0;
  for (;;) {
    auto outputs = node_->take_outputs();
    if (outputs.empty()) break;
    count += outputs.size();
    RELOAD_CHECK(count < kOutputsOfStep);
    for (auto& output : outputs) std::visit([this](auto& one) { take(one); }, output);
  }
  check_tables();
}

void NodeBed::take(node::OpenLink& output) {
  RELOAD_CHECK(!links.contains(output.link) && opening_.insert(output.link).second);
  RELOAD_CHECK(!output.addresses.empty() && output.addresses.size() <= limits::kMaxCandidatesTried);
  opens.push_back(std::move(output));
}

void NodeBed::take(node::SendOnLink& output) {
  RELOAD_CHECK(links.contains(output.link));
  if (app_links_.contains(output.link)) {
    RELOAD_CHECK(announced_.contains(output.link));
    append(sent_on_pipe[output.link], output.head);
    append(sent_on_pipe[output.link], output.body.view());
    return;
  }
  Bytes bytes = std::move(output.head);
  append(bytes, output.body.view());
  read_frames(output.link, bytes);
}

void NodeBed::read_frames(LinkId link, ByteView bytes) {
  RELOAD_CHECK(!bytes.empty());
  while (!bytes.empty()) {
    if (bytes[0] == static_cast<std::uint8_t>(wire::FrameType::ack)) {
      RELOAD_CHECK(bytes.size() >= wire::kAckFrameSize);
      bytes = bytes.subspan(wire::kAckFrameSize);
      continue;
    }
    const auto frame = wire::decode<wire::DataFrame>(bytes);
    RELOAD_CHECK(frame.has_value());
    last_received_[link] = frame->sequence;
    const wire::HeaderDecode header = wire::decode_header(frame->message);
    RELOAD_CHECK(header.fault == wire::HeaderFault::none);
    RELOAD_CHECK(!header.header.destination_list.empty());
    RELOAD_CHECK(frame->message.size() <= node_->config().max_message_size);
    Sent& one =
        sent.emplace_back(Sent{link, header.header, to_bytes(ByteView(frame->message).subspan(header.header_size))});
    // A request without a Via List is the node's own.
    if (one.header.via_list.empty() && one.header.is_whole() && wire::is_request(one.code()))
      RELOAD_CHECK(one.parsed().has_value());
    return;
  }
}

void NodeBed::take(node::CloseLink& output) {
  RELOAD_CHECK(links.erase(output.link) == 1);
  announced_.erase(output.link);
  closed.insert(output.link);
}

void NodeBed::take(node::RunCrypto& output) {
  RELOAD_CHECK(job_ids_.insert(output.job).second);
  if (options_.holds_crypto) {
    jobs.push_back(std::move(output));
  } else {
    node_->handle(node::CryptoDone{output.job, security::run(output.work, cast_.crypto())}, now_);
  }
}

void NodeBed::take(node::ApiEvent& output) {
  if (output.id.value != 0) RELOAD_CHECK(calls_.erase(output.id) == 1);
  if (const auto* pipe = std::get_if<node::ApiResult<node::PipeUp>>(&output.result); pipe != nullptr && *pipe) {
    RELOAD_CHECK(app_links_.contains((*pipe)->pipe) && links.contains((*pipe)->pipe));
    RELOAD_CHECK(announced_.insert((*pipe)->pipe).second);
  }
  events.push_back(std::move(output));
}

void NodeBed::take(node::PipeData& output) {
  RELOAD_CHECK(announced_.contains(output.pipe));
  pipe_data.push_back(std::move(output));
}

void NodeBed::take(node::PipeDown& output) {
  RELOAD_CHECK(app_links_.contains(output.pipe));
  pipes_down.push_back(std::move(output));
}

void NodeBed::take(node::LeaveDone& output) {
  left_because = std::move(output.reason);
  RELOAD_CHECK(!left);
  left = true;
}

void NodeBed::take(node::ConfigAccepted& output) {
  RELOAD_CHECK(output.config != nullptr && output.config->sequence == node_->config().sequence);
  accepted_configs.push_back(std::move(output));
}

// The node knows of no link that is not up, and its tables hold only peers of the overlay that are linked.
void NodeBed::check_tables() const {
  const node::NodeStatus status = node_->status(now_);
  RELOAD_CHECK(status.links.size() <= links.size() && links.size() <= limits::kMaxLinks);
  RELOAD_CHECK(status.topology.predecessors.size() <= limits::kMaxNeighborsEachSide);
  RELOAD_CHECK(status.topology.successors.size() <= limits::kMaxNeighborsEachSide);
  RELOAD_CHECK(status.topology.fingers.size() <= limits::kMaxFingers);
  RELOAD_CHECK(!tables_contain(status.topology, node_->self()));
  if (options_.role == node::Role::peer && node_->joined()) RELOAD_CHECK(node_->route().responsible(node_->self()));
  const auto linked = [&](const NodeId& node) {
    return std::any_of(status.links.begin(), status.links.end(), [&](const auto& link) { return link.node == node; });
  };
  for (const auto* table : {&status.topology.predecessors, &status.topology.successors, &status.topology.fingers}) {
    for (const NodeId& node : *table) {
      RELOAD_CHECK(linked(node));
      RELOAD_CHECK(!node_->config().is_bad_node(node));
    }
  }
}

}  // namespace reload::kit
