// The vector kernels, built for the instruction set that this file's compile options name.
#include <xgrad/kernels/lanes_find.hpp>

namespace xgrad::kernels {

Lanes lanes_baseline() { return {find_kernel, find_pair, "baseline"}; }

}  // namespace xgrad::kernels
