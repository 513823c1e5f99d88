// A whole node, driven by a program of steps. The first two bytes choose the node and the ring around it; then each
// step is one byte for what happens and some for how: see `step`. Inputs are messages that make sense for the most
// part, so that the fuzzer gets behind the signatures; NodeBed checks after each of them what must always hold.
#include <array>

#include "reload/base/check.hpp"
#include "reload/security/data_signature.hpp"
#include "tests/fuzz/node_bodies.hpp"
#include "tests/kit/node_bed.hpp"

namespace reload::fuzz {

namespace {

using kit::Cast;
using kit::NodeBed;
using kit::Who;
using wire::MessageCode;

constexpr std::size_t kMaxSteps = 200;
constexpr std::size_t kMaxInput = 4096;

constexpr std::array kRequests{MessageCode::ping_req,       MessageCode::probe_req,        MessageCode::attach_req,
                               MessageCode::app_attach_req, MessageCode::join_req,         MessageCode::leave_req,
                               MessageCode::update_req,     MessageCode::route_query_req,  MessageCode::store_req,
                               MessageCode::fetch_req,      MessageCode::stat_req,         MessageCode::find_req,
                               MessageCode::exp_a_req,      MessageCode::config_update_req};

constexpr std::array<Duration, 8> kPauses{10ms, 200ms, 1s, 3s, 5s, 16s, 40s, 700s};

class Run {
 public:
  Run(kit::BedOptions options, Source& source) : bed_(std::move(options)), source_(source) {}

  void befriend_all() {
    for (const Who who : kit::kPeers) bed_.befriend(who);
  }
  void play() {
    for (std::size_t steps = 0; !source_.empty() && steps < kMaxSteps; ++steps) {
      step(source_.below(16));
      if (bed_.sent.size() > 500) bed_.sent.erase(bed_.sent.begin(), bed_.sent.end() - 500);
    }
  }
  // No call is forgotten, and nothing rests in the store that its signer was not allowed to put there.
  void finish() {
    finish_jobs();
    for (int i = 0; i < 20 && !bed_.calls().empty(); ++i) {
      bed_.advance(10s);
      finish_jobs();
    }
    RELOAD_CHECK(bed_.calls().empty());
    check_store();
  }

 private:
  void step(std::size_t what) {
    switch (what) {
      case 0:
        return link_up();
      case 1:
        return raw();
      case 2:
      case 3:
      case 4:
        return request();
      case 5:
      case 6:
        return answer(source_.below(16));
      case 7:
        return link_down();
      case 8:
        return bed_.advance(kPauses[source_.below(kPauses.size())]);
      case 9:
        return call();
      case 10:
        if (!bed_.jobs.empty()) bed_.finish_job(source_.below(bed_.jobs.size()));
        return;
      case 11:
        return serve();
      case 12:
        return repeat();
      case 13:
        return answer_open();
      case 14:
        return special();
      default:
        if (const auto link = choose_link()) bed_.acknowledge(*link);
    }
  }

  std::optional<LinkId> choose_link() {
    if (bed_.links.empty()) return std::nullopt;
    return std::next(bed_.links.begin(), static_cast<std::ptrdiff_t>(source_.below(bed_.links.size())))->first;
  }

  void link_up() {
    const Who who = choose_who(source_);
    const std::size_t shape = source_.below(8);
    if (bed_.links.size() > 40) return;
    bed_.link_up(who, shape == 7 ? std::optional(wire::kApplicationSip) : std::nullopt);
  }

  void link_down() {
    if (const auto link = choose_link()) bed_.link_down(*link);
  }

  void raw() {
    const auto link = choose_link();
    const ByteView bytes = source_.chunk();
    if (link && !bytes.empty()) bed_.receive(*link, to_bytes(bytes));
  }

  // shape: how the message differs from what its sender would send.
  void deliver(LinkId link, kit::Letter& letter, std::uint8_t shape) {
    auto& header = letter.header;
    if (shape == 1) header.ttl = source_.u8();
    if (shape == 2) header.configuration_sequence = source_.u8();
    if (shape == 3) header.via_list.push_back(choose_destination(source_));
    if (shape == 4) header.destination_list.insert(header.destination_list.begin(), choose_destination(source_));
    if (shape == 5) header.destination_list.push_back(choose_destination(source_));
    if (shape == 6) header.max_response_length = source_.u8();
    if (shape == 7) header.options.push_back({source_.u8(), source_.u8(), to_bytes(source_.take(3))});
    if (shape == 8)
      letter.contents.extensions.push_back({source_.u8(), source_.below(2) == 1, to_bytes(source_.take(3))});
    if (shape == 9) letter.certificates.clear();
    if (shape == 10) header.transaction_id = source_.u8();
    if (shape == 11) header.configuration_sequence = wire::kAnyConfigSequence;
    Bytes rest = letter.body();
    if (shape == 12) return fragments(link, header, rest);
    last_ = wire::encode_header(header, rest.size());
    append(last_, rest);
    if (shape == 13) last_[source_.u32() % last_.size()] ^= static_cast<std::uint8_t>(1 << source_.below(8));
    if (shape == 14) last_.resize(source_.u32() % last_.size());
    if (!last_.empty()) bed_.deliver(link, last_);
  }

  void fragments(LinkId link, wire::ForwardingHeader header, const Bytes& rest) {
    const std::size_t size = 1 + source_.u8();
    const std::uint8_t order = source_.u8();
    std::vector<Bytes> parts;
    for (std::size_t at = 0; at < rest.size() && parts.size() < 40; at += size) {
      const bool last = at + size >= rest.size();
      header.fragment = wire::ForwardingHeader::kFragmentAlways | (last ? wire::ForwardingHeader::kFragmentLast : 0) |
                        static_cast<std::uint32_t>(at);
      const ByteView part = ByteView(rest).subspan(at, std::min(size, rest.size() - at));
      append(parts.emplace_back(wire::encode_header(header, part.size())), part);
    }
    for (std::size_t i = 0; i < parts.size(); ++i)
      bed_.deliver(link, parts[(i * (1 + order % 3) + order) % parts.size()]);
  }

  void request() {
    const auto link = choose_link();
    const std::uint8_t who = source_.u8();
    const MessageCode code = kRequests[source_.below(kRequests.size())];
    const std::uint8_t shape = static_cast<std::uint8_t>(source_.below(32));
    if (!link) return;
    const Who signer = who < 200 ? bed_.links.at(*link) : choose_who(source_);
    const auto to = choose_destination(source_);
    const Bytes body = shape == 31 ? to_bytes(source_.chunk()) : request_body(code, {signer, bed_.now()}, source_);
    kit::Letter letter = kit::letter(signer, {to}, code, body, 1000 + ++transactions_);
    deliver(*link, letter, shape);
  }

  // Who would answer: the node asked, or the one next to the link.
  Who responder(const NodeBed::Sent& asked) {
    if (const auto* node = std::get_if<NodeId>(&asked.header.destination_list.back()))
      if (const auto who = Cast::get().with_id(*node)) return *who;
    const auto link = bed_.links.find(asked.link);
    return link == bed_.links.end() ? Who::next : link->second;
  }

  void answer(std::size_t how) {
    if (bed_.sent.empty()) return;
    const std::size_t index = source_.below(bed_.sent.size());
    const NodeBed::Sent asked = bed_.sent[index];
    const auto parsed = asked.parsed();
    if (!parsed || !wire::is_request(parsed->code)) return;
    if (how != 15) bed_.sent.erase(bed_.sent.begin() + static_cast<std::ptrdiff_t>(index));
    const Who who = how == 14 ? choose_who(source_) : responder(asked);
    MessageCode code = wire::answer_to(parsed->code);
    Bytes body;
    if (how == 12 || how == 13) {
      code = MessageCode::error;
      body = wire::encode(
          wire::ErrorResponse{static_cast<wire::ErrorCode>(source_.below(0x16)), to_bytes(source_.chunk())});
    } else {
      body = answer_body(parsed->code, parsed->body, {who, bed_.now()}, source_);
    }
    kit::Letter letter = kit::answer_letter(who, Cast::get().id(Who::node), asked.header, code, std::move(body));
    const auto link = bed_.links.contains(asked.link) ? asked.link : choose_link().value_or(LinkId{0});
    if (bed_.links.contains(link)) deliver(link, letter, how == 11 ? static_cast<std::uint8_t>(source_.below(16)) : 0);
    if (how < 8 && parsed->code == MessageCode::attach_req) link_after_attach(who);
  }

  // The answering side opens the link (6940 6.5.1).
  void link_after_attach(Who who) {
    if (bed_.links.size() < 40) bed_.link_up(who);
  }

  // Everyone answers what the node asked and opens what it wants opened, as good peers do.
  void serve() {
    for (int round = 0; round < 6; ++round) {
      finish_jobs();
      const std::size_t count = bed_.sent.size();
      for (std::size_t i = 0; i < count && !bed_.sent.empty(); ++i) serve_first();
      while (!bed_.opens.empty()) bed_.answer_open(0, Cast::get().at(bed_.opens.front().addresses.front()));
    }
  }
  void serve_first() {
    const NodeBed::Sent asked = std::move(bed_.sent.front());
    bed_.sent.pop_front();
    const auto parsed = asked.parsed();
    if (!parsed || !wire::is_request(parsed->code) || !bed_.links.contains(asked.link)) return;
    const Who who = responder(asked);
    Source usual{ByteView{}};
    const Bytes body = answer_body(parsed->code, parsed->body, {who, bed_.now()}, usual);
    bed_.deliver(asked.link,
                 kit::answer_letter(who, Cast::get().id(Who::node), asked.header, wire::answer_to(parsed->code), body));
    if (parsed->code == MessageCode::attach_req) link_after_attach(who);
    if (parsed->code == MessageCode::join_req) admit(who, asked.link);
  }
  void admit(Who who, LinkId link) {
    wire::UpdateReq update;
    update.type = wire::ChordUpdateType::neighbors;
    update.predecessors = {Cast::get().id(Who::node)};
    if (!bed_.links.contains(link)) return;
    bed_.deliver(link, kit::letter(who, {Cast::get().id(Who::node)}, MessageCode::update_req, wire::encode(update),
                                   1000 + ++transactions_));
  }

  void repeat() {
    if (const auto link = choose_link(); link && !last_.empty()) bed_.deliver(*link, last_);
  }

  void answer_open() {
    if (bed_.opens.empty()) return;
    const std::size_t index = source_.below(bed_.opens.size());
    const std::uint8_t how = source_.u8();
    const auto meant = Cast::get().at(bed_.opens[index].addresses.front());
    if (how % 4 == 3) return bed_.answer_open(index, std::nullopt);
    bed_.answer_open(index, how % 4 == 2 ? choose_who(source_) : meant);
  }

  void special() {
    switch (source_.below(5)) {
      case 0:
        return bed_.input(node::CallAcceptApp{wire::kApplicationSip});
      case 1:
        return bed_.input(node::Leave{});
      case 2:
        if (const auto link = choose_link()) bed_.input(node::PipeSend{*link, SharedBytes(to_bytes(source_.chunk()))});
        return;
      case 3:
        if (const auto link = choose_link()) bed_.input(node::PipeClose{*link});
        return;
      default:
        return finish_jobs();
    }
  }

  void call() {
    if (bed_.calls().size() > 20) return;
    const ApiId id = bed_.new_call();
    switch (source_.below(9)) {
      case 0: {
        storage::StoreCall call;
        call.resource = choose_resource(source_);
        call.kind = choose_kind(source_);
        call.value = choose_value(call.kind, source_);
        call.credential = CredentialId{static_cast<std::uint32_t>(source_.below(3))};
        call.generation = source_.below(3);
        return bed_.input(node::CallStore{id, std::move(call)});
      }
      case 1:
        return bed_.input(node::CallFetch{id, {choose_resource(source_), {choose_specifier(source_)}}});
      case 2:
        return bed_.input(node::CallAppAttach{id, {choose_destination(source_)}, wire::kApplicationSip});
      case 3:
        return bed_.input(node::CallPing{id, {choose_destination(source_)}});
      case 4:
        return bed_.input(node::CallRouteQuery{id, Cast::get().id(choose_who(source_)), choose_destination(source_)});
      case 5:
        return bed_.input(node::CallStat{id, {choose_resource(source_), {choose_specifier(source_)}}});
      case 6:
        return bed_.input(node::CallFind{id, {choose_resource(source_), {choose_kind(source_)}}});
      case 7: {
        const std::string document = Cast::get().document(choose_document(source_));
        return bed_.input(node::CallOfferConfig{id, to_bytes(as_bytes(document))});
      }
      default:
        return bed_.input(node::CallProbe{id, {choose_destination(source_)}});
    }
  }

  void finish_jobs() {
    while (!bed_.jobs.empty()) bed_.finish_job(0);
  }

  void check_store() {
    const auto& kinds = bed_.node().config().kinds;
    for (const auto& at : bed_.store().kinds_after(std::nullopt, 10000)) {
      const config::Kind* kind = kinds.find(at.kind);
      RELOAD_CHECK(kind != nullptr);
      const auto values = bed_.store().values(at);
      for (const auto& [key, value] : values) {
        RELOAD_CHECK(wire::model_of(value.data.value) == kind->model);
        const auto certificate = Cast::get().crypto().parse_certificate(value.certificate.view(), 16);
        RELOAD_CHECK(certificate.has_value());
        const auto check = security::value_check(at.resource, at.kind, value.data);
        const auto valid = [&](const Bytes& input) {
          return Cast::get().crypto().verify(*(*certificate)->key, check.signature.hash, check.signature.algorithm,
                                             input, check.signature.value);
        };
        RELOAD_CHECK(valid(check.input) || (!check.alternative_input.empty() && valid(check.alternative_input)));
      }
    }
  }

  NodeBed bed_;
  Source& source_;
  Bytes last_;
  TransactionId transactions_ = 0;
};

}  // namespace

}  // namespace reload::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace reload;
  if (size > fuzz::kMaxInput) return 0;
  fuzz::Source source({data, size});
  const std::uint8_t how = source.u8();
  kit::BedOptions options;
  options.seed = source.u8();
  options.first_peer = (how & 1) == 0;
  options.role = (how & 6) == 6 ? node::Role::client : node::Role::peer;
  options.holds_crypto = (how & 8) != 0;
  options.document.small_messages = (how & 16) != 0;
  if (!options.first_peer || (how & 32) != 0) options.bootstrap = {kit::Who::quarter, kit::Who::last};
  fuzz::Run run(std::move(options), source);
  if ((how & 64) == 0) run.befriend_all();
  run.play();
  run.finish();
  return 0;
}
