#pragma once
/// The largest elements of windows, and the two linear maps that go between windows and the places of these elements.

#include <xgrad/kernels/convolution.hpp>

namespace xgrad::kernels {

enum class MaxPool : std::uint8_t {
  values,  ///< out (batch, out, channels): the largest element of each window of x
  put,     ///< out (batch, in, channels): zeros, and `other` (batch, out, channels) added where x has these elements
  pick,    ///< out (batch, out, channels): `other` (batch, in, channels) where x has these elements
};

/// x is (batch, in, in_channels). Of equal elements the first counts, of NaN the first; places outside of x never do: a
/// window without any is -infinity and has no place. `sizes.out_channels`, `groups` are not looked at.
void max_pool(MaxPool what, const Convolution& sizes, const void* x, const void* other, void* out);

}  // namespace xgrad::kernels
