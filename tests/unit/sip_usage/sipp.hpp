// sipp as a child process: a phone that plays one scenario of tests/interop/sipp.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace reload::sip {

struct SippRun {
  std::string scenario;
  std::string remote;  // address:port; empty for one that only listens
  bool tcp = false;
  std::uint16_t port = 0;  // own port; 0: any
  unsigned calls = 1;
  unsigned rate = 10;
  std::map<std::string, std::string> keys;  // what stands in brackets in the scenario
  std::string password;                     // for user = keys["user"]
};

class Sipp {
 public:
  static bool installed();
  explicit Sipp(SippRun run);
  ~Sipp();  // ends it if it still runs
  Sipp(const Sipp&) = delete;
  Sipp& operator=(const Sipp&) = delete;

  // Waits for its end: empty when all calls went as the scenario says, else what sipp wrote.
  std::string result();

 private:
  std::string output_;
  int pid_ = -1;
};

// Runs it to its end.
std::string play(SippRun run);
// A port of 127.0.0.1 that nothing uses for UDP and TCP just now.
std::uint16_t free_port();
// Waits until something listens at this port; false after some seconds.
bool wait_for_port(std::uint16_t port, bool tcp);

}  // namespace reload::sip
