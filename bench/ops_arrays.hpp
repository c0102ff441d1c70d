#pragma once
// Cases for bench/ops beside the elementwise ones: reductions, scans, shapes, indices, products, matrices, draws.

#include <xgrad/graph/tensor.hpp>

#include <functional>
#include <vector>

namespace bench {

/// A name, and what is computed from x and y, two tensors of shape (1000, 1000).
struct ArrayCase {
  const char* name;
  std::function<xgrad::Tensor(const xgrad::Tensor& x, const xgrad::Tensor& y)> call;
};

std::vector<ArrayCase> array_cases();

}  // namespace bench
