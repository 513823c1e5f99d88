#include "reload/wire/codec.hpp"

#include "reload/wire/decoder.hpp"
#include "reload/wire/encoder.hpp"

namespace reload::wire {

namespace {

template <class T>
std::optional<T> decode_with(Decoder decoder) {
  std::optional<T> value(std::in_place);
  decoder("", *value);
  if (!decoder.finished()) value.reset();
  return value;
}

}  // namespace

template <class T>
Bytes encode(const T& value) {
  Writer writer;
  Encoder encoder(writer);
  encoder("", value);
  return writer.take();
}

template <class T>
std::optional<T> decode(ByteView bytes, const CodecContext& context) {
  return decode_with<T>(Decoder(bytes, context));
}

#define RELOAD_INSTANTIATE(T)            \
  template Bytes encode(const T& value); \
  template std::optional<T> decode(ByteView bytes, const CodecContext& context);

RELOAD_INSTANTIATE(ForwardingHeader)
RELOAD_INSTANTIATE(Destination)
RELOAD_INSTANTIATE(DestinationList)
RELOAD_INSTANTIATE(IpAddressPort)
RELOAD_INSTANTIATE(ErrorResponse)
RELOAD_INSTANTIATE(SignerIdentity)
RELOAD_INSTANTIATE(Signature)
RELOAD_INSTANTIATE(SecurityBlock)
RELOAD_INSTANTIATE(GenericCertificate)
RELOAD_INSTANTIATE(MessageContents)
RELOAD_INSTANTIATE(Attach)
RELOAD_INSTANTIATE(AppAttach)
RELOAD_INSTANTIATE(ProbeReq)
RELOAD_INSTANTIATE(ProbeAns)
RELOAD_INSTANTIATE(PingReq)
RELOAD_INSTANTIATE(PingAns)
RELOAD_INSTANTIATE(RouteQueryReq)
RELOAD_INSTANTIATE(RouteQueryAns)
RELOAD_INSTANTIATE(ConfigUpdateReq)
RELOAD_INSTANTIATE(ConfigUpdateAns)
RELOAD_INSTANTIATE(JoinReq)
RELOAD_INSTANTIATE(JoinAns)
RELOAD_INSTANTIATE(LeaveReq)
RELOAD_INSTANTIATE(LeaveAns)
RELOAD_INSTANTIATE(UpdateReq)
RELOAD_INSTANTIATE(UpdateAns)
RELOAD_INSTANTIATE(StoreReq)
RELOAD_INSTANTIATE(StoreAns)
RELOAD_INSTANTIATE(FetchReq)
RELOAD_INSTANTIATE(FetchAns)
RELOAD_INSTANTIATE(StatAns)
RELOAD_INSTANTIATE(FindReq)
RELOAD_INSTANTIATE(FindAns)
RELOAD_INSTANTIATE(TurnServer)
RELOAD_INSTANTIATE(DataFrame)
RELOAD_INSTANTIATE(AckFrame)
RELOAD_INSTANTIATE(std::vector<KindId>)
#undef RELOAD_INSTANTIATE

Bytes encode_value(const StoredDataValue& value) {
  Writer writer;
  Encoder(writer).model("value", value);
  return writer.take();
}

Bytes encode_stored(const StoredData& data) { return encode(data); }

std::optional<StoredData> decode_stored(ByteView bytes, DataModel model) {
  return decode_with<StoredData>(Decoder(bytes, model));
}

Bytes encode_resource(const ResourceId& resource) {
  Writer writer;
  writer.opaque(Width::u8, resource.view());
  return writer.take();
}

}  // namespace reload::wire
