// Kinds by id: the RFCs' own, with the limits of the configuration document, and the document's private ones.
#pragma once

#include "reload/base/flat_map.hpp"
#include "reload/config/kind.hpp"
#include "reload/wire/codec.hpp"

namespace reload::config {

class KindRegistry final : public wire::ModelLookup {
 public:
  // The registered Kinds of 6940 14.6 and RFC 7904: SIP-REGISTRATION, TURN-SERVICE, CERTIFICATE_BY_NODE,
  // CERTIFICATE_BY_USER. For these the document's data-model and access-control are ignored (T2 of RFC 7904).
  static KindRegistry with_registered();

  void add(Kind kind);
  bool remove(KindId id);
  [[nodiscard]] const Kind* find(KindId id) const { return kinds_.get(id); }
  [[nodiscard]] const Kind* find_name(std::string_view name) const;
  [[nodiscard]] std::optional<wire::DataModel> model_of(KindId kind) const override;
  [[nodiscard]] auto begin() const { return kinds_.begin(); }
  [[nodiscard]] auto end() const { return kinds_.end(); }

 private:
  FlatMap<KindId, Kind> kinds_;
};

}  // namespace reload::config
