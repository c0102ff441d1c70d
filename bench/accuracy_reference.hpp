#pragma once
/// References of 113 bits for bench/accuracy, which looks for the arguments where an operation is least accurate. What
/// it finds is measured again with 50 digits by tests/reference/make_accuracy.py.

#include <quadmath.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

namespace accuracy {

using Quad = __float128;

/// How a function is measured: over all finite arguments in [low, high], half of them from all exponents, half from
/// [near_low, near_high] and around `special`.
struct Domain {
  double low, high, near_low, near_high;
  std::vector<double> special = {};
};

struct Function {
  std::string name;
  Quad (*one)(Quad) = nullptr;
  Quad (*two)(Quad, Quad) = nullptr;
  Domain a, b = {};
};

const std::vector<Function>& functions();

}  // namespace accuracy
