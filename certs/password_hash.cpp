#include "certs/password_hash.hpp"

#include <argon2.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "certs/user_list.hpp"

namespace reload::certs {
namespace {

constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kTagBytes = 32;

}  // namespace

Result<std::string> hash_password(std::string_view password) {
  std::array<std::uint8_t, kSaltBytes> salt{};
  if (RAND_bytes(salt.data(), static_cast<int>(salt.size())) != 1)
    return failure("OpenSSL has no random numbers: cannot hash a password");
  std::string text(argon2_encodedlen(kHashPasses, kHashKib, kHashLanes, kSaltBytes, kTagBytes, Argon2_id), '\0');
  const int done = argon2id_hash_encoded(kHashPasses, kHashKib, kHashLanes, password.data(), password.size(),
                                         salt.data(), salt.size(), kTagBytes, text.data(), text.size());
  if (done != ARGON2_OK) return failure(std::string("cannot hash a password: ") + argon2_error_message(done));
  text.resize(text.find('\0'));
  return text;
}

Result<bool> verify_password(const std::string& hash, std::string_view password) {
  const int done = argon2id_verify(hash.c_str(), password.data(), password.size());
  if (done == ARGON2_OK || done == ARGON2_VERIFY_MISMATCH) return done == ARGON2_OK;
  return failure(std::string("cannot check a password: ") + argon2_error_message(done));
}

std::optional<std::string> fault_of_password(std::string_view password) {
  if (password.empty()) return "is empty";
  if (password.size() > kMaxPassword) return "is longer than " + std::to_string(kMaxPassword) + " bytes";
  if (!is_utf8(password)) return "is not UTF-8";
  const auto is_control = [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; };
  if (std::ranges::any_of(password, is_control)) return "holds a control character";
  return std::nullopt;
}

std::optional<WorkGate::Turn> WorkGate::enter() {
  std::unique_lock lock(mutex_);
  if (free_ == 0) {
    if (may_wait_ == 0) return std::nullopt;
    --may_wait_;
    freed_.wait(lock, [this] { return free_ > 0; });
    ++may_wait_;
  }
  --free_;
  return Turn(this);
}

void WorkGate::leave() {
  {
    const std::lock_guard lock(mutex_);
    ++free_;
  }
  freed_.notify_one();
}

}  // namespace reload::certs
