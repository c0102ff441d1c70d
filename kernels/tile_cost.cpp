/// What instructions cost, roughly.
#include <xgrad/kernels/tile_work.hpp>

namespace xgrad::kernels {

double cost_of(Code code, DType type) {
  const double width = type == DType::float64 || type == DType::int64 ? 2.0 : 1.0;
  const int work = work_of(code);
  if (code == Code::uniform) return 0.7 * width;
  if (work <= 3) return 0.1 * work * width;
  return work > 100 ? 0.15 * work : 0.07 * work * width;
}

int work_of(Code code) {
  switch (code) {
    case Code::divide: case Code::sqrt: case Code::reciprocal: return 3;
    case Code::uniform: return 4;
    case Code::exp: case Code::expm1: case Code::exp2: case Code::log: case Code::log1p: case Code::sin:
    case Code::cos: case Code::tanh: case Code::sigmoid: case Code::hypot: case Code::arctan:
      return 10;
    case Code::tan: case Code::arcsin: case Code::arccos: case Code::sinh: case Code::cosh: case Code::arcsinh:
    case Code::arccosh: case Code::arctanh: case Code::log2: case Code::log10: case Code::softplus:
    case Code::arctan2: case Code::erf:
      return 20;
    case Code::cbrt: case Code::log_add_exp: case Code::erfc: case Code::floor_divide: case Code::remainder:
    case Code::fmod: case Code::nextafter:
      return 40;
    case Code::erfinv: case Code::gcd: return 90;
    case Code::power: return 110;
    case Code::log_gamma: case Code::digamma: return 200;
    case Code::polygamma: case Code::bessel_i: case Code::bessel_ie: return 500;
    default: return 1;
  }
}

}  // namespace xgrad::kernels
