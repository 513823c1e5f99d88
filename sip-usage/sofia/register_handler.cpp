#include "sip-usage/sofia/register_handler.hpp"

#include <algorithm>

#include "sip-usage/limits.hpp"

namespace reload::sip {

RegisterHandler::RegisterHandler(Context& context)
    : context_(context),
      limiter_(context.options.register_rate.per_second, context.options.register_rate.burst, kMaxRateSources) {}

// The stateless answers first: a REGISTER without a password costs one MAC and no memory.
void RegisterHandler::request(Endpoint& from, Message message) {
  context_.counters.add(SipCounter::registers_received);
  const sip_t* sip = sip_object(message.get());
  const Flow flow = from.source(message.get());
  const Mono now = mono_now();
  switch (limiter_.take(flow.address, now)) {
    case RateLimiter::Verdict::flood:
      return context_.counters.add(SipCounter::registers_dropped);
    case RateLimiter::Verdict::over:
      context_.counters.add(SipCounter::registers_rate_limited);
      nta_msg_treply(from.agent(), message.release(), SIP_503_SERVICE_UNAVAILABLE, SIPTAG_RETRY_AFTER_STR("5"),
                     TAG_END());
      return;
    case RateLimiter::Verdict::pass:
      break;
  }

  const std::optional<Aor> aor = aor_of(context_, sip->sip_to->a_url);
  if (!aor || !served(context_, *aor)) return refuse(from, std::move(message), {404, "Not A User Of This Overlay"});
  const std::optional<DigestCredentials> credentials = credentials_in(context_, sip->sip_authorization);
  if (!credentials) return challenge(from, std::move(message), false);
  switch (context_.auth.check(*credentials, "REGISTER", aor->name, now)) {
    case DigestAuth::Verdict::stale:
      return challenge(from, std::move(message), true);
    case DigestAuth::Verdict::wrong:
      return refuse(from, std::move(message), {403, "Wrong User Or Password"});
    case DigestAuth::Verdict::ok:
      break;
  }
  // Both the challenge and this request were well spent.
  limiter_.give_back(flow.address);
  limiter_.give_back(flow.address);

  std::variant<BindingUpdate, Refusal> update = read(aor->name, sip, flow);
  if (const Refusal* refusal = std::get_if<Refusal>(&update)) return refuse(from, std::move(message), *refusal);

  nta_incoming_t* server = nta_incoming_create(from.agent(), nullptr, message.release(), nullptr, TAG_END());
  if (server == nullptr) return context_.counters.add(SipCounter::registers_refused);
  context_.registrar.handle(
      std::get<BindingUpdate>(update), now, [this, server, name = aor->name](const RegisterResult& result) {
        if (result.status == 200) {
          context_.counters.add(SipCounter::registers_ok);
          const std::string contacts = contacts_of(name);
          nta_incoming_treply(server, SIP_200_OK, TAG_IF(!contacts.empty(), SIPTAG_CONTACT_STR(contacts.c_str())),
                              TAG_END());
        } else {
          context_.counters.add(result.status == 503 ? SipCounter::registers_failed : SipCounter::registers_refused);
          nta_incoming_treply(server, result.status, result.reason.c_str(),
                              TAG_IF(result.status == 503, SIPTAG_RETRY_AFTER_STR("10")), TAG_END());
        }
        nta_incoming_destroy(server);
      });
}

std::variant<BindingUpdate, RegisterHandler::Refusal> RegisterHandler::read(const std::string& aor, const sip_t* sip,
                                                                            Flow flow) const {
  BindingUpdate update;
  update.aor = aor;
  update.call_id = sip->sip_call_id->i_id;
  update.cseq = sip->sip_cseq->cs_seq;
  update.flow = std::move(flow);
  for (const sip_contact_t* contact = sip->sip_contact; contact != nullptr; contact = contact->m_next) {
    if (contact->m_url->url_type == url_any) {
      // 10.3 step 6: alone, and with an expiry of zero.
      if (sip->sip_contact->m_next != nullptr || sip->sip_expires == nullptr || sip->sip_expires->ex_delta != 0)
        return Refusal{400, "Contact * Must Be Alone With Expires 0"};
      update.remove_all = true;
      break;
    }
    std::variant<ContactUpdate, Refusal> one = read_contact(contact, sip);
    if (Refusal* refusal = std::get_if<Refusal>(&one)) return std::move(*refusal);
    update.contacts.push_back(std::move(std::get<ContactUpdate>(one)));
    if (update.contacts.size() > kMaxContactsPerAor) return Refusal{403, "Too Many Contacts"};
  }
  return update;
}

std::variant<ContactUpdate, RegisterHandler::Refusal> RegisterHandler::read_contact(const sip_contact_t* contact,
                                                                                    const sip_t* sip) const {
  const url_t* url = contact->m_url;
  if (url->url_type != url_sip || url->url_host == nullptr) return Refusal{400, "Contact Is No SIP URI"};
  ContactUpdate update;
  update.uri = text_of(url);
  update.key = contact_key(url);
  if (contact->m_q != nullptr) {
    const double q = std::strtod(contact->m_q, nullptr);
    update.q = static_cast<std::uint16_t>(std::clamp(q, 0.0, 1.0) * 1000);
  }
  std::uint64_t seconds = context_.options.default_expires;
  if (contact->m_expires != nullptr)
    seconds = std::strtoul(contact->m_expires, nullptr, 10);
  else if (sip->sip_expires != nullptr)
    seconds = sip->sip_expires->ex_delta;
  if (seconds != 0 && seconds < context_.options.min_expires)
    return Refusal{423, "Interval Too Brief", context_.options.min_expires};
  seconds = std::min<std::uint64_t>(seconds, context_.options.max_expires);
  update.expires = std::chrono::seconds(seconds);
  return update;
}

std::string RegisterHandler::contacts_of(const std::string& aor) const {
  const Mono now = mono_now();
  std::string out;
  for (const Binding& binding : context_.registrar.bindings().of(aor)) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(binding.expires - now).count();
    if (!out.empty()) out += ", ";
    out += '<' + binding.uri + '>';
    if (binding.q != 1000) {
      std::string digits = std::to_string(1000 + binding.q).substr(1);
      out += ";q=0." + digits;
    }
    out += ";expires=" + std::to_string(std::max<std::int64_t>(left, 0));
  }
  return out;
}

void RegisterHandler::refuse(Endpoint& from, Message message, const Refusal& refusal) {
  context_.counters.add(SipCounter::registers_refused);
  const std::string min_expires = std::to_string(refusal.min_expires);
  nta_msg_treply(from.agent(), message.release(), refusal.status, refusal.reason.c_str(),
                 TAG_IF(refusal.min_expires != 0, SIPTAG_MIN_EXPIRES_STR(min_expires.c_str())), TAG_END());
}

void RegisterHandler::challenge(Endpoint& from, Message message, bool stale) {
  context_.counters.add(SipCounter::registers_challenged);
  const auto [first, second] = challenges(context_, stale);
  nta_msg_treply(from.agent(), message.release(), SIP_401_UNAUTHORIZED, SIPTAG_WWW_AUTHENTICATE_STR(first.c_str()),
                 TAG_IF(!second.empty(), SIPTAG_WWW_AUTHENTICATE_STR(second.c_str())), TAG_END());
}

}  // namespace reload::sip
