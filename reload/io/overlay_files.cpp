#include "reload/io/overlay_files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "reload/base/limits.hpp"
#include "reload/config/discovery.hpp"
#include "reload/config/overlay_xml.hpp"
#include "reload/security/config_signature.hpp"

namespace reload::io {

namespace {

// The Kinds that are not in the document, as the ConfigUpdate that would bring them.
std::string kinds_path(const std::string& directory) { return directory + "/kinds"; }

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return number_; }

 private:
  int number_;
};

tl::unexpected<Failure> failed(const std::string& path) { return failure(path + ": " + std::strerror(errno)); }

Result<void> write_all(const Descriptor& file, ByteView bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file.get(), bytes.data(), bytes.size());
    if (count < 0) return failed(path);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  if (::fsync(file.get()) != 0) return failed(path);
  return {};
}

Result<config::ConfigPtr> read_document(const std::string& path, const std::string& overlay,
                                        const security::Crypto& crypto, Wall now) {
  const auto bytes = read_file(path, limits::kMaxConfigBytes);
  if (!bytes) return tl::unexpected(bytes.error());
  auto config = read_overlay_config(*bytes, overlay, crypto, now);
  if (!config) return failure(path + ": " + config.error().text);
  return config;
}

}  // namespace

Result<Bytes> read_file(const std::string& path, std::size_t limit) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) return failed(path);
  Bytes bytes;
  std::uint8_t buffer[65536];
  for (;;) {
    const ssize_t count = ::read(file.get(), buffer, sizeof buffer);
    if (count < 0) return failed(path);
    if (count == 0) return bytes;
    append(bytes, ByteView(buffer, static_cast<std::size_t>(count)));
    if (bytes.size() > limit) return failure(path + " has more than " + std::to_string(limit) + " bytes");
  }
}

Result<void> write_file(const std::string& path, ByteView bytes, mode_t mode) {
  const std::string beside = path + ".new";
  ::unlink(beside.c_str());  // what a crash left there may have another mode
  const Descriptor file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (file.get() < 0) return failed(beside);
  if (auto written = write_all(file, bytes, beside); !written) return written;
  if (std::rename(beside.c_str(), path.c_str()) != 0) return failed(path);
  return {};
}

Result<void> create_file(const std::string& path, ByteView bytes, mode_t mode) {
  std::string beside = path + ".XXXXXX";
  const Descriptor file(::mkostemp(beside.data(), O_CLOEXEC));
  if (file.get() < 0) return failed(path);
  auto done = write_all(file, bytes, beside);
  // Unlike a rename, a link does not take the place of a file that somebody else made meanwhile.
  if (done && (::fchmod(file.get(), mode) != 0 || ::link(beside.c_str(), path.c_str()) != 0)) done = failed(path);
  ::unlink(beside.c_str());
  return done;
}

Result<void> make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failed(path);
  return {};
}

Result<config::ConfigPtr> read_overlay_config(ByteView document, const std::string& overlay,
                                              const security::Crypto& crypto, Wall now) {
  const auto sha1 = [&crypto](ByteView text) { return crypto.hash(wire::HashAlgorithm::sha1, {text}); };
  const auto parsed = config::parse_config(document, overlay, sha1);
  if (!parsed) return parsed;
  return security::verify_first(*parsed, now, crypto);
}

Result<config::ConfigPtr> load_overlay_config(const std::string& path, const std::string& overlay,
                                              const std::string& state_directory, const security::Crypto& crypto,
                                              Wall now) {
  auto given = read_document(path, overlay, crypto, now);
  if (!given || state_directory.empty()) return given;
  // A kept document that can't be read is no reason not to start: the given one is good, and the overlay sends a newer
  // one by itself.
  const auto kept = kept_overlay_config(state_directory, (*given)->instance_name, crypto, now);
  if (kept && config::replaces(**kept, **given)) return *kept;
  return with_kept_kinds(*given, state_directory, crypto, now);
}

std::string kept_path(const std::string& state_directory) { return state_directory + "/overlay.xml"; }

Result<config::ConfigPtr> kept_overlay_config(const std::string& state_directory, const std::string& overlay,
                                              const security::Crypto& crypto, Wall now) {
  const auto kept = read_document(kept_path(state_directory), overlay, crypto, now);
  if (!kept) return kept;
  return with_kept_kinds(*kept, state_directory, crypto, now);
}

config::ConfigPtr with_kept_kinds(config::ConfigPtr config, const std::string& directory,
                                  const security::Crypto& crypto, Wall now) {
  const auto bytes = read_file(kinds_path(directory), limits::kMaxConfigBytes);
  if (!bytes) return config;
  const auto kept = wire::decode<wire::ConfigUpdateReq>(*bytes);
  const auto trust = security::Trust::make(config, crypto);
  if (!kept || !trust) return config;
  for (const Bytes& block : kept->kinds) {
    const auto with_one = security::accept_kinds(std::span(&block, 1), **trust, now, crypto);
    if (!with_one || *with_one == nullptr) continue;
    auto more = std::make_shared<config::OverlayConfig>(*config);
    for (const auto& [id, kind] : (*with_one)->kinds) more->kinds.add(kind);
    config = std::move(more);
  }
  return config;
}

Result<void> keep_overlay_config(const std::string& state_directory, const config::OverlayConfig& config) {
  wire::ConfigUpdateReq kinds{wire::ConfigUpdateType::kind, {}, {}};
  for (const auto& [id, kind] : config.kinds)
    if (kind.learnt) kinds.kinds.push_back(kind.kind_block);
  if (auto kept = write_file(kinds_path(state_directory), wire::encode(kinds)); !kept) return kept;
  // 6940 14.16: who reads a shared secret can affect the overlay.
  return write_file(kept_path(state_directory), config.document, config.shared_secret ? 0600 : 0644);
}

}  // namespace reload::io
