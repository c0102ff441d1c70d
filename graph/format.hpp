#pragma once
/// Values as text.

#include <xgrad/graph/tensor.hpp>

namespace xgrad {

/// How numbers are written: NumPy's printing options, with its defaults.
struct PrintOptions {
  int precision = 8;              ///< at most so many digits behind the point
  std::int64_t threshold = 1000;  ///< more elements than this are summarised with "..."
  std::int64_t edgeitems = 3;     ///< of a summarised axis so many elements are shown at either end
  int linewidth = 75;             ///< longer rows are broken
  bool suppress = false;          ///< no exponents for numbers that are small, or small beside others
};

/// The values as NumPy's array2string writes them, computing them if need be. A scalar is written as an element of an
/// array would be. Throws ValueError for a negative precision, threshold or linewidth, or edgeitems below 1.
std::string to_string(const Tensor& tensor, const PrintOptions& options);

}  // namespace xgrad
