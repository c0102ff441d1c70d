// The vector kernels, built for the instruction set that this file's compile options name.
#include <xgrad/kernels/lanes_find.hpp>

namespace xgrad::kernels {

Lanes lanes_avx512() { return {find_kernel, find_pair, "avx512"}; }

}  // namespace xgrad::kernels
