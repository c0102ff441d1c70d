// The vector kernels, built for the instruction set that this file's compile options name.
#include <xgrad/kernels/lanes_find.hpp>

namespace xgrad::kernels {

Lanes lanes_avx2() { return {find_kernel, find_pair, "avx2"}; }

}  // namespace xgrad::kernels
