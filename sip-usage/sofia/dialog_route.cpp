#include "sip-usage/sofia/dialog_route.hpp"

namespace reload::sip {

namespace {

constexpr std::size_t kToken = 24;

std::string token(const Context& context, const sip_t* sip) {
  return context.hash.mac(std::string("dialog:") + sip->sip_call_id->i_id).substr(0, kToken);
}

// The Node-ID in the user part of a route URI.
std::optional<NodeId> node_of(const Context& context, const url_t* url) {
  if (url->url_user == nullptr) return std::nullopt;
  const std::optional<NodeId> node = NodeId::parse_hex(lower(url->url_user));
  return node && node->size() == context.overlay.self().size() ? node : std::nullopt;
}

bool token_valid(const Context& context, const url_t* url, const sip_t* sip) {
  char text[kToken + 2] = {};
  if (url->url_params == nullptr || url_param(url->url_params, "t", text, sizeof text) == 0) return false;
  return token(context, sip) == text;
}

void insert(const Context& context, msg_t* message, Side side, const std::string& token) {
  const ListenAddress& address = context.phones.listening().at(side.listener);
  const std::string text = "<sip:" + context.overlay.self().hex() + '@' + uri_host(address.address) + ':' +
                           std::to_string(address.port) + (side.transport == Transport::tcp ? ";transport=tcp" : "") +
                           ";lr;t=" + token + '>';
  sip_record_route_t* route = sip_record_route_make(msg_home(message), text.c_str());
  msg_header_insert(message, reinterpret_cast<msg_pub_t*>(sip_object(message)), reinterpret_cast<msg_header_t*>(route));
}

}  // namespace

TakenRoute take_route(const Context& context, msg_t* message) {
  sip_t* sip = sip_object(message);
  TakenRoute taken;
  while (sip->sip_route != nullptr) {
    const url_t* url = sip->sip_route->r_url;
    const std::optional<NodeId> node = node_of(context, url);
    const bool ours = node ? *node == context.overlay.self() : names_us(context, url);
    if (!ours) {
      taken.next = node;
      if (!node) taken.next_uri = text_of(url);
      break;
    }
    taken.own |= node.has_value() && token_valid(context, url, sip);
    sip_route_remove(message, sip);
  }
  return taken;
}

void add_record_route(const Context& context, msg_t* message, std::optional<Side> from, std::optional<Side> to) {
  const std::string proof = token(context, sip_object(message));
  const Side first = from ? *from : to.value_or(Side{});
  insert(context, message, first, proof);
  if (from && to && *from != *to) insert(context, message, *to, proof);
}

}  // namespace reload::sip
