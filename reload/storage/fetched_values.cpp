#include "reload/storage/fetched_values.hpp"

#include <algorithm>

#include "reload/base/check.hpp"
#include "reload/security/access_control.hpp"

namespace reload::storage {

bool is_unsigned(const wire::Signature& signature) {
  return signature.identity.type == wire::SignerIdentityType::none ||
         (signature.hash == wire::HashAlgorithm::none && signature.algorithm == wire::SignatureAlgorithm::anonymous);
}

FetchDone believable(const messaging::VerifiedFetch& fetched, const ResourceId& resource,
                     const std::vector<KindId>& asked, const config::OverlayConfig& config,
                     const security::Crypto& crypto) {
  RELOAD_CHECK(fetched.signers.size() == fetched.answer.kind_responses.size());
  FetchDone done;
  std::vector<KindId> wanted = asked;
  for (std::size_t k = 0; k < fetched.answer.kind_responses.size(); ++k) {
    const wire::FetchKindResponse& response = fetched.answer.kind_responses[k];
    const config::Kind* kind = config.kinds.find(response.kind);
    if (kind == nullptr || std::erase(wanted, response.kind) == 0) {
      done.invalid += std::max<std::size_t>(response.values.size(), 1);
      continue;
    }
    RELOAD_CHECK(fetched.signers[k].size() == response.values.size());
    wire::FetchKindResponse good{response.kind, response.generation, {}, {}};
    std::vector<security::Signer> signers;
    for (std::size_t v = 0; v < response.values.size(); ++v) {
      const wire::StoredData& data = response.values[v];
      const security::Signer& signer = fetched.signers[k][v];
      const bool fits = wire::model_of(data.value) == kind->model;
      const bool believed =
          is_unsigned(data.signature)
              ? !wire::data_value(data.value).exists
              : signer.known() && security::check_access(config, *kind, resource, signer, data.value, crypto);
      if (!fits || !believed) {
        ++done.invalid;
        continue;
      }
      good.values.push_back(data);
      signers.push_back(signer);
    }
    done.kinds.push_back(std::move(good));
    done.signers.push_back(std::move(signers));
  }
  return done;
}

}  // namespace reload::storage
