// REGISTER from phones: rate, digest, contacts, then registrar.cpp (RFC 3261 10.3).
#pragma once

#include <variant>

#include "sip-usage/sofia/context.hpp"

namespace reload::sip {

class RegisterHandler {
 public:
  explicit RegisterHandler(Context& context);
  void request(Endpoint& from, Message message);

 private:
  struct Refusal {
    int status = 0;
    std::string reason;
    std::uint32_t min_expires = 0;  // for 423
  };
  [[nodiscard]] std::variant<BindingUpdate, Refusal> read(const std::string& aor, const sip_t* sip, Flow flow) const;
  [[nodiscard]] std::variant<ContactUpdate, Refusal> read_contact(const sip_contact_t* contact, const sip_t* sip) const;
  [[nodiscard]] std::string contacts_of(const std::string& aor) const;
  void refuse(Endpoint& from, Message message, const Refusal& refusal);
  void challenge(Endpoint& from, Message message, bool stale);

  Context& context_;
  RateLimiter limiter_;
};

}  // namespace reload::sip
