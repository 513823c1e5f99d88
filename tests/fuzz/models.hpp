// Data models for the fuzz targets: Kinds 0 to 3 modulo 4 are single, array, dictionary and unknown.
#pragma once

#include "reload/wire/codec.hpp"

namespace reload::fuzz {

class Models final : public wire::ModelLookup {
 public:
  [[nodiscard]] std::optional<wire::DataModel> model_of(KindId kind) const override {
    if (kind.value % 4 == 3) return std::nullopt;
    return static_cast<wire::DataModel>(kind.value % 4);
  }
};

[[nodiscard]] inline wire::CodecContext context_with_models() {
  static const Models models;
  wire::CodecContext context;
  context.models = &models;
  return context;
}

}  // namespace reload::fuzz
