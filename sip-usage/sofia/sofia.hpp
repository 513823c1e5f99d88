// sofia-sip's headers with our types as its callbacks' contexts, and owners for what it counts references of.
#pragma once

#include <memory>

namespace reload::sip {
class Endpoint;
class Transaction;
struct Branch;
}  // namespace reload::sip

#define NTA_AGENT_MAGIC_T ::reload::sip::Endpoint
#define NTA_INCOMING_MAGIC_T ::reload::sip::Transaction
#define NTA_OUTGOING_MAGIC_T ::reload::sip::Branch

#include <sofia-sip/hostdomain.h>
#include <sofia-sip/msg_addr.h>
#include <sofia-sip/msg_header.h>
#include <sofia-sip/nta.h>
#include <sofia-sip/nta_stateless.h>
#include <sofia-sip/nta_tport.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_status.h>
#include <sofia-sip/sip_tag.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/su.h>
#include <sofia-sip/su_wait.h>
#include <sofia-sip/tport.h>
#include <sofia-sip/url.h>

namespace reload::sip {

template <auto Release>
struct Releaser {
  template <class T>
  void operator()(T* object) const {
    Release(object);
  }
};

using Message = std::unique_ptr<msg_t, Releaser<&msg_destroy>>;

// Memory for what sofia-sip builds while one request is handled.
class Home {
 public:
  Home() { su_home_init(&home_); }
  ~Home() { su_home_deinit(&home_); }
  Home(const Home&) = delete;
  Home& operator=(const Home&) = delete;
  operator su_home_t*() { return &home_; }

 private:
  su_home_t home_{};
};

}  // namespace reload::sip
