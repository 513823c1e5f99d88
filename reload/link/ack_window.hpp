// 6940 6.6.2: the 32 frames received last, for the `received` mask of acknowledgements. T44: bit N-M of the ack of
// frame N stands for frame M, N-32 < M < N. Any first sequence is accepted: some implementations begin at 1.
#pragma once

#include <array>
#include <cstdint>

namespace reload::link {

class AckWindow {
 public:
  // Notes that frame `sequence` was received and gives the mask to acknowledge it with.
  std::uint32_t receive(std::uint32_t sequence);

 private:
  std::array<std::uint32_t, 32> last_{};  // a ring of the sequences received last
  std::size_t count_ = 0;                 // how many of them are filled
  std::size_t next_ = 0;
};

}  // namespace reload::link
