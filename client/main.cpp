// reload-client: parse options, attach, run one command, print how it ended.
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <csignal>

#include "client/commands.hpp"
#include "client/print.hpp"

namespace {

using namespace reload;
using namespace reload::client;

void open_log(const std::string& level) {
  spdlog::set_default_logger(spdlog::stderr_logger_st("reload-client"));
  spdlog::set_pattern("reload-client: %l: %v");
  spdlog::set_level(spdlog::level::from_str(level));
}

Ending run(uv_loop_t& loop, const Settings& settings) {
  auto session = Session::make(&loop, settings);
  if (!session) return failed(Exit::usage, session.error().text);
  auto action = std::visit([&](const auto& options) { return prepare(**session, options); }, settings.command);
  if (!action) return failed(Exit::usage, action.error().text);
  (*session)->run(std::move(*action));
  uv_run(&loop, UV_RUN_DEFAULT);
  return (*session)->ending();
}

}  // namespace

int main(int argc, char** argv) {
  const auto line = parse_command_line(argc, argv);
  if (line.exit_code) return *line.exit_code;
  open_log(line.settings.log_level);
  std::signal(SIGPIPE, SIG_IGN);
  uv_loop_t loop;
  uv_loop_init(&loop);
  const Ending ending = run(loop, line.settings);
  // What the session's end has closed is still to be let go.
  uv_run(&loop, UV_RUN_DEFAULT);
  uv_loop_close(&loop);
  return print(ending, line.settings.json);
}
