#include "tests/unit/sip_usage/sipp.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

extern char** environ;

namespace reload::sip {

namespace {

bool bind_port(int type, std::uint16_t& port) {
  const int fd = socket(AF_INET, type, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  socklen_t size = sizeof address;
  const bool ok = bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  port = ntohs(address.sin_port);
  close(fd);
  return ok;
}

}  // namespace

bool Sipp::installed() { return access("/usr/bin/sipp", X_OK) == 0; }

Sipp::Sipp(SippRun run) {
  char name[] = "/tmp/sipp-XXXXXX";
  const int out = mkstemp(name);
  output_ = name;
  std::vector<std::string> words{"/usr/bin/sipp",
                                 "-sf",
                                 std::string(SIPP_DIR) + "/" + run.scenario + ".xml",
                                 "-i",
                                 "127.0.0.1",
                                 "-m",
                                 std::to_string(run.calls),
                                 "-r",
                                 std::to_string(run.rate),
                                 "-t",
                                 run.tcp ? "t1" : "u1",
                                 "-timeout",
                                 "20s",
                                 "-timeout_error",
                                 "-recv_timeout",
                                 "15000",
                                 "-nostdin"};
  if (run.port != 0) words.insert(words.end(), {"-p", std::to_string(run.port)});
  if (!run.password.empty()) words.insert(words.end(), {"-au", run.keys.at("user"), "-ap", run.password});
  for (const auto& [key, value] : run.keys) words.insert(words.end(), {"-key", key, value});
  if (!run.remote.empty()) words.push_back(run.remote);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out, 1);
  posix_spawn_file_actions_adddup2(&actions, out, 2);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  if (posix_spawn(&pid_, argv[0], &actions, nullptr, argv.data(), environ) != 0) pid_ = -1;
  posix_spawn_file_actions_destroy(&actions);
  close(out);
}

Sipp::~Sipp() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  unlink(output_.c_str());
}

std::string Sipp::result() {
  if (pid_ <= 0) return "sipp did not start";
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  std::ifstream in(output_);
  return "sipp ended with " + std::to_string(status) + ":\n" + std::string{std::istreambuf_iterator<char>(in), {}};
}

std::string play(SippRun run) { return Sipp(std::move(run)).result(); }

std::uint16_t free_port() {
  for (;;) {
    std::uint16_t port = 0;
    if (bind_port(SOCK_STREAM, port) && bind_port(SOCK_DGRAM, port)) return port;
  }
}

bool wait_for_port(std::uint16_t port, bool tcp) {
  // A bind that fails says that someone has it.
  for (int tries = 0; tries < 500; ++tries) {
    std::uint16_t wanted = port;
    if (!bind_port(tcp ? SOCK_STREAM : SOCK_DGRAM, wanted)) return true;
    poll(nullptr, 0, 10);
  }
  return false;
}

}  // namespace reload::sip
