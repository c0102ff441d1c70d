#pragma once
/// What OpenBLAS is told before its first call.

#include <string>

namespace xgrad::kernels {

/// Tells OpenBLAS, once, to use one thread a call and the core type that fits. Whoever calls it or LAPACK does this
/// first.
void prepare_blas();

/// What OpenBLAS was told and which core type it runs, for `about()`.
std::string blas_description();

}  // namespace xgrad::kernels
