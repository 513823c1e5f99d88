#include "certs/password_input.hpp"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <iostream>

#include "certs/password_hash.hpp"

namespace reload::certs {
namespace {

termios shown{};  // how the terminal was

void show_and_end(int signal) {
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
  ::raise(signal);  // what it does by default, which it has come back to
}

// The terminal shows again what is typed, whatever happens: at Ctrl-C, too.
class NoEcho {
 public:
  NoEcho() {
    ::tcgetattr(STDIN_FILENO, &shown);
    struct sigaction show {};
    show.sa_handler = show_and_end;
    show.sa_flags = static_cast<int>(SA_RESETHAND);
    for (std::size_t i = 0; i < kEnding.size(); ++i) ::sigaction(kEnding[i], &show, &before_[i]);
    termios quiet = shown;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
  }
  NoEcho(const NoEcho&) = delete;
  NoEcho& operator=(const NoEcho&) = delete;
  ~NoEcho() {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
    for (std::size_t i = 0; i < kEnding.size(); ++i) ::sigaction(kEnding[i], &before_[i], nullptr);
  }

 private:
  static constexpr std::array kEnding = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
  std::array<struct sigaction, kEnding.size()> before_{};
};

SecretText first_line(std::string text) {
  const SecretText all(std::move(text));
  std::string_view line = all.view().substr(0, all.view().find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return SecretText(std::string(line));
}

SecretText line_of_input() {
  std::string line;
  std::getline(std::cin, line);
  return first_line(std::move(line));
}

SecretText ask(const std::string& question) {
  std::cerr << question << std::flush;
  const NoEcho quiet;
  SecretText answer = line_of_input();
  std::cerr << '\n';
  return answer;
}

}  // namespace

Result<SecretText> read_password(const Path& file, const std::string& whose) {
  std::optional<SecretText> password;
  std::string origin = "the password";
  if (!file.empty()) {
    auto text = read_file(file);
    if (!text) return failure("--password-file: " + text.error().text);
    password.emplace(first_line(std::move(*text)));
    origin += " in " + file.string();
  } else if (::isatty(STDIN_FILENO) == 1) {
    password.emplace(ask("Password of " + whose + ": "));
    if (const SecretText again = ask("The same again: "); again.view() != password->view())
      return failure("the two passwords differ: run the command again");
  } else {
    password.emplace(line_of_input());
    origin += " in the input's first line";
  }
  if (const auto fault = fault_of_password(password->view()))
    return failure(origin + " " + *fault + ": choose another one of 1 to 256 bytes of UTF-8");
  return std::move(*password);
}

}  // namespace reload::certs
