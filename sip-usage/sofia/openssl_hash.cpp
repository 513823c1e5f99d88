#include "sip-usage/sofia/openssl_hash.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "reload/base/bytes.hpp"
#include "reload/base/check.hpp"

namespace reload::sip {

namespace {

std::string digest(std::string_view text, const EVP_MD* algorithm) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  RELOAD_CHECK(EVP_Digest(text.data(), text.size(), out.data(), &size, algorithm, nullptr) == 1);
  return to_hex(ByteView(out).first(size));
}

}  // namespace

OpensslHash::OpensslHash() { OpensslRng().fill(key_); }

std::string OpensslHash::md5(std::string_view text) const { return digest(text, EVP_md5()); }
std::string OpensslHash::sha256(std::string_view text) const { return digest(text, EVP_sha256()); }

std::string OpensslHash::mac(std::string_view text) const {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> out{};
  unsigned size = 0;
  const ByteView bytes = as_bytes(text);
  RELOAD_CHECK(HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()), bytes.data(), bytes.size(), out.data(),
                    &size) != nullptr);
  return to_hex(ByteView(out).first(size));
}

void OpensslRng::fill(std::span<std::uint8_t> out) {
  RELOAD_CHECK(RAND_bytes(out.data(), static_cast<int>(out.size())) == 1);
}

std::uint64_t OpensslRng::next() {
  std::array<std::uint8_t, 8> bytes{};
  fill(bytes);
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = value << 8 | byte;
  return value;
}

}  // namespace reload::sip
