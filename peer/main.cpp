// reload-peer: parse options, put the parts together, run the loop.
#include <malloc.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <csignal>

#include "peer/process.hpp"
#include "reload/base/limits.hpp"

namespace {

using reload::Result;

Result<void> open_log(const reload::peer::Settings& settings) {
  try {
    auto sink = settings.log_file.empty()
                    ? std::static_pointer_cast<spdlog::sinks::sink>(std::make_shared<spdlog::sinks::stderr_sink_mt>())
                    : std::make_shared<spdlog::sinks::basic_file_sink_mt>(settings.log_file);
    auto log = std::make_shared<spdlog::logger>("reload-peer", std::move(sink));
    log->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(log));
  } catch (const spdlog::spdlog_ex& error) {
    return reload::failure("--log-file: " + std::string(error.what()));
  }
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
  spdlog::set_level(spdlog::level::from_str(settings.log_level));
  return {};
}

// A SIP transaction lives on for half a minute after its answer, so memory in use follows the load. The heap of a
// thread grows by a page and a system call at a time, for which the other threads wait; the common one by what is said
// here. That is a fifth of what a refreshing REGISTER costs.
void grow_memory_in_large_steps() {
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_TOP_PAD, 4 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

// Each link and phone is a descriptor: take what the system allows.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Signatures, enrolling and the like wait for each other in libuv's pool of threads, of which there are four by
// default: as many as can be at work at once.
void size_thread_pool(const reload::peer::Settings& settings) {
  constexpr std::size_t kOthers = 3;  // own credential, files, the document
  const std::size_t size = settings.crypto_threads + reload::limits::kHostedEnrollmentsAtOnce + kOthers;
  setenv("UV_THREADPOOL_SIZE", std::to_string(size).c_str(), 0);
}

}  // namespace

int main(int argc, char** argv) {
  grow_memory_in_large_steps();
  const auto line = reload::peer::parse_command_line(argc, argv);
  if (line.exit_code) return *line.exit_code;
  const auto refuse = [](const std::string& text, int code) {
    std::fprintf(stderr, "reload-peer: %s\n", text.c_str());
    return code;
  };
  if (auto good = reload::peer::check(line.settings); !good) return refuse(good.error().text, 2);
  if (auto good = open_log(line.settings); !good) return refuse(good.error().text, 2);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file at its size limit is a failed write, like a full disk
  raise_descriptor_limit();
  size_thread_pool(line.settings);

  uv_loop_t loop;
  uv_loop_init(&loop);
  auto process = reload::peer::Process::make(&loop, line.settings);
  if (!process) {
    uv_run(&loop, UV_RUN_DEFAULT);
    return refuse(process.error().text, 1);
  }
  uv_signal_t hang_up;
  uv_signal_init(&loop, &hang_up);
  hang_up.data = process->get();
  uv_signal_start(
      &hang_up, [](uv_signal_t* handle, int) { static_cast<reload::peer::Process*>(handle->data)->reread(); }, SIGHUP);
  uv_signal_t ends[2];
  const int signals[2] = {SIGTERM, SIGINT};
  for (int i = 0; i < 2; ++i) {
    uv_signal_init(&loop, &ends[i]);
    ends[i].data = process->get();
    uv_signal_start(
        &ends[i], [](uv_signal_t* handle, int) { static_cast<reload::peer::Process*>(handle->data)->stop(); },
        signals[i]);
  }
  (*process)->start([&ends, &hang_up] {
    uv_close(reinterpret_cast<uv_handle_t*>(&hang_up), nullptr);
    for (auto& end : ends) uv_close(reinterpret_cast<uv_handle_t*>(&end), nullptr);
  });
  uv_run(&loop, UV_RUN_DEFAULT);
  const int exit_code = (*process)->exit_code();
  process->reset();
  uv_loop_close(&loop);
  return exit_code;
}
