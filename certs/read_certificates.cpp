#include "certs/read_certificates.hpp"

#include "reload/io/openssl_crypto.hpp"

namespace reload::certs {

std::size_t count_blocks(std::string_view text, std::string_view line) {
  std::size_t count = 0;
  for (std::size_t at = text.find(line); at != std::string_view::npos; at = text.find(line, at + line.size())) ++count;
  return count;
}

Result<std::vector<security::CertificatePtr>> read_certificates(const Path& path, std::size_t node_id_length,
                                                                const security::Crypto& crypto) {
  const auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  const auto ders = io::load_certificates(*text);
  if (!ders) return failure(path.string() + ": " + ders.error().text);
  if (ders->size() != count_blocks(*text, "-----BEGIN CERTIFICATE-----")) {
    return failure(path.string() + ": certificate " + std::to_string(ders->size() + 1) + " is broken");
  }
  std::vector<security::CertificatePtr> certificates;
  for (const Bytes& der : *ders) {
    auto certificate = crypto.parse_certificate(der, node_id_length);
    if (!certificate) {
      return failure(path.string() + ": certificate " + std::to_string(certificates.size() + 1) + ": " +
                     certificate.error().text);
    }
    certificates.push_back(std::move(*certificate));
  }
  return certificates;
}

}  // namespace reload::certs
