#pragma once
// Internal to kernels/.
/// The random words of one draw, or of one element of a draw, one after the other.

#include <xgrad/kernels/philox.hpp>
#include <xgrad/kernels/tile.hpp>

#include <array>
#include <cstddef>
#include <cstdint>

namespace xgrad::kernels {

__extension__ typedef unsigned __int128 Wide;

/// Words in the order of the Philox blocks they come from.
class WordStream {
 public:
  /// All words of a draw.
  explicit WordStream(Draw draw) : draw_(draw) {}
  /// The words of one element: every 2^44-th block from its own, so that elements share none.
  WordStream(Draw draw, std::int64_t element)
      : draw_(draw), block_number_(static_cast<std::uint64_t>(element)), step_(std::uint64_t{1} << 44) {}

  std::uint32_t next() {
    if (used_ == block_.size()) {
      block_ = philox_block(draw_.seed, draw_.number, block_number_);
      block_number_ += step_;
      used_ = 0;
    }
    return block_[used_++];
  }

  /// 64 random bits.
  std::uint64_t next_wide() {
    const std::uint64_t low = next();
    return std::uint64_t{next()} << 32 | low;
  }
  /// Uniform on (0, 1): 52 random bits and a half.
  double inside() { return (static_cast<double>(next_wide() >> 12) + 0.5) * 0x1p-52; }

  /// Uniform below `bound`, which is at least 1: the high half of word * bound, rejecting the words that would make
  /// some results likelier (Lemire, "Fast random integer generation in an interval", 2019).
  std::uint64_t below(std::uint64_t bound) {
    if (bound <= 0xFFFFFFFFU) return below_32(static_cast<std::uint32_t>(bound));
    const std::uint64_t rejected = (0 - bound) % bound;
    for (;;) {
      const auto product = static_cast<Wide>(next_wide()) * bound;
      if (static_cast<std::uint64_t>(product) >= rejected) return static_cast<std::uint64_t>(product >> 64);
    }
  }

 private:
  std::uint64_t below_32(std::uint32_t bound) {
    std::uint64_t product = std::uint64_t{next()} * bound;
    if (static_cast<std::uint32_t>(product) < bound) {
      const std::uint32_t rejected = (0U - bound) % bound;
      while (static_cast<std::uint32_t>(product) < rejected) product = std::uint64_t{next()} * bound;
    }
    return product >> 32;
  }

  Draw draw_;
  std::uint64_t block_number_ = 0, step_ = 1;
  std::array<std::uint32_t, 4> block_{};
  std::size_t used_ = 4;
};

}  // namespace xgrad::kernels
