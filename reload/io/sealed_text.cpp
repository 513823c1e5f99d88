#include "reload/io/sealed_text.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <unistd.h>

#include <memory>

#include "reload/io/overlay_files.hpp"

namespace reload::io {

namespace {

// Version, nonce, ciphertext, tag. A nonce by lot is used again with a chance of 2^-32 after four thousand million
// texts of one key.
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kNonceBytes = 12;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kOverhead = 1 + kNonceBytes + kTagBytes;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

int length(std::size_t size) { return static_cast<int>(size); }

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

}  // namespace

Result<Bytes> seal_key(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0) {
    Bytes key(kSealKeyBytes);
    if (RAND_priv_bytes(key.data(), length(key.size())) != 1) return failure("no random bytes are to be had");
    if (auto written = write_file(path, key, 0600); !written) return tl::unexpected(written.error());
    return key;
  }
  auto key = read_file(path, kSealKeyBytes);
  if (!key) return key;
  if (key->size() != kSealKeyBytes)
    return failure(path + " has " + std::to_string(key->size()) + " bytes, and a key has " +
                   std::to_string(kSealKeyBytes));
  return key;
}

Result<Bytes> seal(ByteView key, std::string_view name, std::string_view text) {
  Bytes sealed(text.size() + kOverhead);
  sealed[0] = kVersion;
  unsigned char* const nonce = sealed.data() + 1;
  unsigned char* const body = nonce + kNonceBytes;
  const Context context(EVP_CIPHER_CTX_new());
  int count = 0;
  if (key.size() != kSealKeyBytes || !context || RAND_bytes(nonce, length(kNonceBytes)) != 1 ||
      EVP_EncryptInit_ex2(context.get(), EVP_aes_256_gcm(), key.data(), nonce, nullptr) != 1 ||
      EVP_EncryptUpdate(context.get(), nullptr, &count, bytes_of(name), length(name.size())) != 1 ||
      EVP_EncryptUpdate(context.get(), body, &count, bytes_of(text), length(text.size())) != 1 ||
      EVP_EncryptFinal_ex(context.get(), body + count, &count) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, length(kTagBytes), body + text.size()) != 1) {
    ERR_clear_error();
    return failure("encrypting failed");
  }
  return sealed;
}

Result<std::string> open_sealed(ByteView key, std::string_view name, ByteView sealed) {
  if (sealed.size() < kOverhead || sealed[0] != kVersion) return failure("it is not in the form that was written");
  const unsigned char* const nonce = sealed.data() + 1;
  const unsigned char* const body = nonce + kNonceBytes;
  const std::size_t size = sealed.size() - kOverhead;
  Bytes tag = to_bytes(sealed.last(kTagBytes));
  std::string text(size, '\0');
  auto* const out = reinterpret_cast<unsigned char*>(text.data());
  const Context context(EVP_CIPHER_CTX_new());
  int count = 0;
  if (key.size() != kSealKeyBytes || !context ||
      EVP_DecryptInit_ex2(context.get(), EVP_aes_256_gcm(), key.data(), nonce, nullptr) != 1 ||
      EVP_DecryptUpdate(context.get(), nullptr, &count, bytes_of(name), length(name.size())) != 1 ||
      EVP_DecryptUpdate(context.get(), out, &count, body, length(size)) != 1 ||
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, length(kTagBytes), tag.data()) != 1 ||
      EVP_DecryptFinal_ex(context.get(), out + size, &count) != 1) {
    ERR_clear_error();
    return failure("it was changed, or is of another key");
  }
  return text;
}

}  // namespace reload::io
