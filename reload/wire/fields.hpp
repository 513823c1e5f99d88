// Every structure of the wire once, as the list of its fields in wire order. Encoding, decoding, the JSON dump and the
// tests' random instances are visitors that walk these lists; a structure is added by writing its list here.
//
// What a visitor `v` offers:
//   v(name, member)                 integer, enumeration, Boolean, Strong, NodeId, ResourceId, Destination or structure
//   v(name, width, bytes)           opaque<>: length field of `width`, then the bytes
//   v(name, width, list, max)       T<>: length field in bytes, then the elements; `max` bounds their number
//   v(name, width, width, list)     a list of opaque<>
//   v.flags(name, member, set, kept) an integer whose bits `set` are always 1, `kept` are data and the others 0
//   v.raw(name, span)               as many bytes as the span has
//   v.rest(name, bytes)             what is left of the enclosing scope
//   v.rest(name, list, max)         the same as a list of elements
//   v.constant(value)               must stand there
//   v.require(condition)            a rule between fields
//   v.scope(width, trailing, f)     a length field, then what f lists
//   v.lengths_first(width, list...) all length fields, then all lists (the forwarding header)
//   v.optional(name, present, opt)
//   v.address_follows()             decoding only: an IpAddressPort stands next (see related_follows)
//   v.values(kind, list, unknown)   the values of a Kind, laid out by its data model
//   v.model(name, variant)          the alternative of the data model in force
//   v.specifier(kind, variant)      as model, but the last alternative is for Kinds whose model is unknown
#pragma once

#include <concepts>
#include <span>

#include "reload/base/limits.hpp"
#include "reload/wire/codec.hpp"
#include "reload/wire/names.hpp"
#include "reload/wire/width.hpp"

namespace reload::wire {

// T, const or not: encoders read, decoders write.
template <class T, class S>
concept Of = std::same_as<std::remove_const_t<T>, S>;

// What may follow the known fields within a length-delimited part: nothing, or what later versions add (6940 says
// "length ... for extensibility").
enum class Trailing : std::uint8_t { refuse, skip };

inline constexpr std::size_t kNoMax = SIZE_MAX;

template <class List>
struct ListField {
  const char* name;
  List& list;
  std::size_t max;
};
template <class List>
ListField(const char*, List&, std::size_t) -> ListField<List>;

// --- 6.3.1.1 ---

void fields(auto& v, Of<IpAddressPort> auto& s) {
  v("type", s.type);
  v.scope(Width::u8, Trailing::skip, [&] {
    if (!is_known(s.type)) return;
    v.raw("addr", std::span(s.address).first(s.type == AddressType::ipv4 ? 4U : 16U));
    v("port", s.port);
  });
}

// --- 6.3.2 ---

void fields(auto& v, Of<ForwardingOption> auto& s) {
  v("type", s.type);
  v("flags", s.flags);
  v("option", Width::u16, s.data);
}

void fields(auto& v, Of<ForwardingHeader> auto& s) {
  v.constant(kReloToken);
  v("overlay", s.overlay);
  v("configuration_sequence", s.configuration_sequence);
  v("version", s.version);
  v("ttl", s.ttl);
  v.flags("fragment", s.fragment, ForwardingHeader::kFragmentAlways,
          ForwardingHeader::kFragmentLast | ForwardingHeader::kOffsetMask);
  v("length", s.length);
  v("transaction_id", s.transaction_id);
  v("max_response_length", s.max_response_length);
  v.lengths_first(Width::u16, ListField{"via_list", s.via_list, limits::kMaxDestinations},
                  ListField{"destination_list", s.destination_list, limits::kMaxDestinations},
                  ListField{"options", s.options, limits::kMaxForwardingOptions});
}

// --- 6.3.3 ---

void fields(auto& v, Of<MessageExtension> auto& s) {
  v("type", s.type);
  v("critical", s.critical);
  v("extension_contents", Width::u32, s.contents);
}

void fields(auto& v, Of<MessageContents> auto& s) {
  v("message_code", s.code);
  v("message_body", Width::u32, s.body);
  v("extensions", Width::u32, s.extensions, limits::kMaxExtensions);
}

void fields(auto& v, Of<ErrorResponse> auto& s) {
  v("error_code", s.code);
  v("error_info", Width::u16, s.info);
}

// --- 6.3.4 ---

void fields(auto& v, Of<GenericCertificate> auto& s) {
  v("type", s.type);
  v("certificate", Width::u16, s.certificate);
}

void fields(auto& v, Of<SignerIdentity> auto& s) {
  v("identity_type", s.type);
  v.require(is_known(s.type));
  v.scope(Width::u16, Trailing::refuse, [&] {
    if (s.type == SignerIdentityType::none) return;
    v("hash_alg", s.hash_algorithm);
    v(s.type == SignerIdentityType::cert_hash ? "certificate_hash" : "certificate_node_id_hash", Width::u8, s.hash);
  });
}

void fields(auto& v, Of<Signature> auto& s) {
  v("hash", s.hash);
  v("signature", s.algorithm);
  v("identity", s.identity);
  v("signature_value", Width::u16, s.value);
}

void fields(auto& v, Of<SecurityBlock> auto& s) {
  v("certificates", Width::u16, s.certificates, limits::kMaxCertificatesInMessage);
  v("signature", s.signature);
}

// --- 6.4.2: topology plug-in and its CHORD-RELOAD bodies (10.7 to 10.9) ---

void fields(auto& v, Of<JoinReq> auto& s) {
  v("joining_peer_id", s.joining_peer_id);
  v("overlay_specific_data", Width::u16, s.overlay_specific_data);
}

void fields(auto& v, Of<JoinAns> auto& s) { v("overlay_specific_data", Width::u16, s.overlay_specific_data); }

void fields(auto& v, Of<ChordLeaveData> auto& s) {
  v("type", s.type);
  v.require(is_known(s.type));
  v(s.type == ChordLeaveType::from_succ ? "successors" : "predecessors", Width::u16, s.nodes, kNoMax);
}

void fields(auto& v, Of<LeaveReq> auto& s) {
  v("leaving_peer_id", s.leaving_peer_id);
  v.scope(Width::u16, Trailing::refuse, [&] { v("overlay_specific_data", s.chord); });
}

void fields(auto&, Of<LeaveAns> auto&) {}

void fields(auto& v, Of<UpdateReq> auto& s) {
  v("uptime", s.uptime);
  v("type", s.type);
  v.require(is_known(s.type));
  if (s.type == ChordUpdateType::peer_ready) return;
  v("predecessors", Width::u16, s.predecessors, kNoMax);
  v("successors", Width::u16, s.successors, kNoMax);
  if (s.type == ChordUpdateType::full) v("fingers", Width::u16, s.fingers, kNoMax);
}

void fields(auto&, Of<UpdateAns> auto&) {}

void fields(auto& v, Of<RouteQueryReq> auto& s) {
  v("send_update", s.send_update);
  v("destination", s.destination);
  v("overlay_specific_data", Width::u16, s.overlay_specific_data);
}

void fields(auto& v, Of<RouteQueryAns> auto& s) { v("next_peer", s.next_peer); }

void fields(auto& v, Of<ProbeReq> auto& s) { v("requested_info", Width::u8, s.requested_info); }

void fields(auto& v, Of<ProbeInformation> auto& s) {
  v("type", s.type);
  v("value", Width::u8, s.value);
}

void fields(auto& v, Of<ProbeAns> auto& s) { v("probe_info", Width::u16, s.probe_info, kNoMax); }

// --- 6.5: links ---

void fields(auto& v, Of<IceExtension> auto& s) {
  v("name", Width::u16, s.name);
  v("value", Width::u16, s.value);
}

// The RFC gives a candidate no length of its own, so one of an unknown type can be skipped only by its structure:
// whether rel_addr_port is there is then told by whether the next two bytes are those of an IpAddressPort, 01 06 or
// 02 12. Read as the length of the extensions these would announce 262 or 530 bytes, which none has.
template <class V>
bool related_follows(V& v, const IceCandidate& s) {
  if (s.type == CandidateType::host) return false;
  if (is_known(s.type)) return true;
  if constexpr (requires { v.address_follows(); }) return v.address_follows();
  return s.related.has_value();
}

void fields(auto& v, Of<IceCandidate> auto& s) {
  v("addr_port", s.address);
  v("overlay_link", s.overlay_link);
  v("foundation", Width::u8, s.foundation);
  v("priority", s.priority);
  v("type", s.type);
  v.optional("rel_addr_port", related_follows(v, s), s.related);
  v("extensions", Width::u16, s.extensions, kNoMax);
}

// Whether a decoded list element is kept. A candidate of an unknown type or address cannot be used and is left out.
template <class T>
[[nodiscard]] constexpr bool is_usable(const T&) {
  return true;
}
[[nodiscard]] inline bool is_usable(const IceCandidate& s) { return is_known(s.type) && is_known(s.address.type); }

void fields(auto& v, Of<Attach> auto& s) {
  v("ufrag", Width::u8, s.ufrag);
  v("password", Width::u8, s.password);
  v("role", Width::u8, s.role);
  v("candidates", Width::u16, s.candidates, kNoMax);
  v("send_update", s.send_update);
}

void fields(auto& v, Of<AppAttach> auto& s) {
  v("ufrag", Width::u8, s.ufrag);
  v("password", Width::u8, s.password);
  v("application", s.application);
  v("role", Width::u8, s.role);
  v("candidates", Width::u16, s.candidates, kNoMax);
}

void fields(auto& v, Of<PingReq> auto& s) { v("padding", Width::u16, s.padding); }

void fields(auto& v, Of<PingAns> auto& s) {
  v("response_id", s.response_id);
  v("time", s.time);
}

void fields(auto& v, Of<ConfigUpdateReq> auto& s) {
  v("type", s.type);
  v.scope(Width::u32, Trailing::skip, [&] {
    if (s.type == ConfigUpdateType::config) v("config_data", Width::u24, s.config_data);
    if (s.type == ConfigUpdateType::kind) v("kinds", Width::u24, Width::u16, s.kinds);
  });
}

void fields(auto&, Of<ConfigUpdateAns> auto&) {}

// --- 6.6.2 ---

void fields(auto& v, Of<DataFrame> auto& s) {
  v.constant(FrameType::data);
  v("sequence", s.sequence);
  v("message", Width::u24, s.message);
}

void fields(auto& v, Of<AckFrame> auto& s) {
  v.constant(FrameType::ack);
  v("ack_sequence", s.ack_sequence);
  v("received", s.received);
}

// --- 7.1, 7.2 ---

void fields(auto& v, Of<DataValue> auto& s) {
  v("exists", s.exists);
  v("value", Width::u32, s.value);
}

void fields(auto& v, Of<ArrayEntry> auto& s) {
  v("index", s.index);
  v("value", s.value);
}

void fields(auto& v, Of<DictionaryEntry> auto& s) {
  v("key", Width::u16, s.key);
  v("value", s.value);
}

void fields(auto& v, Of<StoredData> auto& s) {
  v.scope(Width::u32, Trailing::skip, [&] {
    v("storage_time", s.storage_time);
    v("lifetime", s.lifetime);
    v.model("value", s.value);
    v("signature", s.signature);
  });
}

// --- 7.4.1: Store ---
// A request names at most as many Kinds as its error answers can: StoreAns and the vec8 of Error_Unknown_Kind.

void fields(auto& v, Of<StoreKindData> auto& s) {
  v("kind", s.kind);
  v("generation_counter", s.generation_counter);
  v.values(s.kind, s.values, s.unknown_values);
}

void fields(auto& v, Of<StoreReq> auto& s) {
  v("resource", s.resource);
  v("replica_number", s.replica_number);
  v("kind_data", Width::u32, s.kind_data, limits::kMaxKindsPerRequest);
}

void fields(auto& v, Of<StoreKindResponse> auto& s) {
  v("kind", s.kind);
  v("generation_counter", s.generation_counter);
  v("replicas", Width::u16, s.replicas, kNoMax);
}

void fields(auto& v, Of<StoreAns> auto& s) { v("kind_responses", Width::u16, s.kind_responses, kNoMax); }

// --- 7.4.2: Fetch ---

void fields(auto&, Of<SingleSpecifier> auto&) {}

void fields(auto& v, Of<ArrayRange> auto& s) {
  v("first", s.first);
  v("last", s.last);
}

void fields(auto& v, Of<ArraySpecifier> auto& s) { v("indices", Width::u16, s.ranges, kNoMax); }

void fields(auto& v, Of<DictionarySpecifier> auto& s) { v("keys", Width::u16, Width::u16, s.keys); }

void fields(auto& v, Of<UnknownSpecifier> auto& s) { v.rest("unknown", s.bytes); }

void fields(auto& v, Of<StoredDataSpecifier> auto& s) {
  v("kind", s.kind);
  v("generation", s.generation);
  v.scope(Width::u16, Trailing::skip, [&] { v.specifier(s.kind, s.model); });
}

void fields(auto& v, Of<FetchReq> auto& s) {
  v("resource", s.resource);
  v("specifiers", Width::u16, s.specifiers, limits::kMaxKindsPerRequest);
}

void fields(auto& v, Of<FetchKindResponse> auto& s) {
  v("kind", s.kind);
  v("generation", s.generation);
  v.values(s.kind, s.values, s.unknown_values);
}

void fields(auto& v, Of<FetchAns> auto& s) { v("kind_responses", Width::u32, s.kind_responses, kNoMax); }

// --- 7.4.3: Stat ---

void fields(auto& v, Of<MetaData> auto& s) {
  v("exists", s.exists);
  v("value_length", s.value_length);
  v("hash_algorithm", s.hash_algorithm);
  v("hash_value", Width::u8, s.hash_value);
}

void fields(auto& v, Of<ArrayEntryMeta> auto& s) {
  v("index", s.index);
  v("value", s.value);
}

void fields(auto& v, Of<DictionaryEntryMeta> auto& s) {
  v("key", Width::u16, s.key);
  v("value", s.value);
}

// Its value_length is the number of bytes that follow it, as in StoredData (T21).
void fields(auto& v, Of<StoredMetaData> auto& s) {
  v.scope(Width::u32, Trailing::refuse, [&] {
    v("storage_time", s.storage_time);
    v("lifetime", s.lifetime);
    v.model("metadata", s.metadata);
  });
}

void fields(auto& v, Of<StatKindResponse> auto& s) {
  v("kind", s.kind);
  v("generation", s.generation);
  v.values(s.kind, s.values, s.unknown_values);
}

void fields(auto& v, Of<StatAns> auto& s) { v("kind_responses", Width::u32, s.kind_responses, kNoMax); }

// --- 7.4.4: Find ---

void fields(auto& v, Of<FindReq> auto& s) {
  v("resource", s.resource);
  v("kinds", Width::u8, s.kinds, limits::kMaxKindsPerRequest);
}

void fields(auto& v, Of<FindKindData> auto& s) {
  v("kind", s.kind);
  v("closest", s.closest);
}

void fields(auto& v, Of<FindAns> auto& s) { v("results", Width::u16, s.results, kNoMax); }

// --- 9 ---

void fields(auto& v, Of<TurnServer> auto& s) {
  v("iteration", s.iteration);
  v("server_address", s.server_address);
}

// --- what has no structure of its own ---

void fields(auto& v, Of<DestinationList> auto& s) { v.rest("destinations", s, limits::kMaxDestinations); }

// The vec8 of Error_Unknown_Kind's error_info (7.4.1.2).
void fields(auto& v, Of<std::vector<KindId>> auto& s) { v("unknown_kinds", Width::u8, s, kNoMax); }

}  // namespace reload::wire
