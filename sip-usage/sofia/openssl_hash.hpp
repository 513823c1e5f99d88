// The digests of SIP authentication by libcrypto.
#pragma once

#include "reload/base/rng.hpp"
#include "sip-usage/digest_auth.hpp"

namespace reload::sip {

class OpensslHash final : public DigestHash {
 public:
  OpensslHash();  // draws the key of mac()
  [[nodiscard]] std::string md5(std::string_view text) const override;
  [[nodiscard]] std::string sha256(std::string_view text) const override;
  [[nodiscard]] std::string mac(std::string_view text) const override;

 private:
  std::array<std::uint8_t, 32> key_{};
};

class OpensslRng final : public Rng {
 public:
  void fill(std::span<std::uint8_t> out) override;
  std::uint64_t next() override;
};

}  // namespace reload::sip
