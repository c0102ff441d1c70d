#include <xgrad/kernels/lanes.hpp>
#include <xgrad/kernels/single.hpp>

#include <cstdlib>
#include <cstring>

namespace xgrad::kernels {

namespace {

Lanes best_lanes() {
  __builtin_cpu_init();
  const char* wanted = std::getenv("XGRAD_ARCH");
  const bool no_vectors = wanted && std::strcmp(wanted, "baseline") == 0;
  const bool no_avx512 = no_vectors || (wanted && std::strcmp(wanted, "avx2") == 0);
  if (!no_avx512 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma")) {
    return lanes_avx512();
  }
  if (!no_vectors && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return lanes_avx2();
  return lanes_baseline();
}

}  // namespace

const Lanes& lanes() {
  static const Lanes chosen = best_lanes();
  return chosen;
}

const char* instruction_set() { return lanes().name; }

Kernel kernel_of(Code code, DType type) { return lanes().find(code, type, type, all_vectors); }

bool supported(Code code, DType in, DType out) { return lanes().find(code, in, out, all_vectors) != nullptr; }

}  // namespace xgrad::kernels
