#pragma once
/// Constraints: what weights are brought back to after each update, with Keras's names, definitions and defaults.

#include <xgrad/graph/basic.hpp>
#include <xgrad/optim/shared.hpp>

#include <string>

namespace xgrad::constraints {

/// What a weight is replaced by after an update. From a name ("max_norm", "min_max_norm", "non_neg", "unit_norm"), one
/// of the objects below, or any callable Tensor -> Tensor; empty by default. An unknown name is a ValueError that lists
/// the near misses.
class Constraint : public Function<Tensor(const Tensor&)> {
 public:
  using Function::Function;
  Constraint() = default;
  Constraint(std::string_view name);
  Constraint(const char* name) : Constraint(std::string_view(name)) {}
  Constraint(const std::string& name) : Constraint(std::string_view(name)) {}
};

/// w * clip(n, 0, max_value) / (n + 1e-7), where n is the 2-norm over `axis`: 0 for the kernel of a Dense layer, {0, 1,
/// 2} for that of a two-dimensional convolution. Throws ValueError for a max_value below 0.
struct MaxNorm {
  double max_value = 2;
  Axes axis = 0;
  Tensor operator()(const Tensor& w) const;
};

/// w * (rate * clip(n, min_value, max_value) + (1 - rate) * n) / (n + 1e-7). Throws ValueError unless 0 <= min_value <=
/// max_value and 0 <= rate <= 1.
struct MinMaxNorm {
  double min_value = 0;
  double max_value = 1;
  double rate = 1;
  Axes axis = 0;
  Tensor operator()(const Tensor& w) const;
};

/// max(w, 0)
struct NonNeg {
  Tensor operator()(const Tensor& w) const;
};

/// w / (n + 1e-7)
struct UnitNorm {
  Axes axis = 0;
  Tensor operator()(const Tensor& w) const;
};

}  // namespace xgrad::constraints
