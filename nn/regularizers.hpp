#pragma once
/// Penalties on weights and on outputs, which are added to the loss.

#include <xgrad/graph/tensor.hpp>
#include <xgrad/optim/shared.hpp>

namespace xgrad::regularizers {

/// A penalty: a scalar from a tensor. From a name ("l1", "l2", "orthogonal_regularizer": factor 0.01; "l1_l2"), one of
/// the objects below, or any callable; empty by default. An unknown name is a ValueError that lists the near misses.
class Regularizer : public Function<Tensor(const Tensor&)> {
 public:
  using Function::Function;
  Regularizer() = default;
  Regularizer(std::string_view name);
  Regularizer(const char* name) : Regularizer(std::string_view(name)) {}
  Regularizer(const std::string& name) : Regularizer(std::string_view(name)) {}
};

/// l1 * sum(|w|). Here and below a factor that is negative, infinite or NaN is a ValueError.
struct L1 {
  double l1 = .01;
  Tensor operator()(const Tensor& w) const;
};

/// l2 * sum(w^2): not halved
struct L2 {
  double l2 = .01;
  Tensor operator()(const Tensor& w) const;
};

/// l1 * sum(|w|) + l2 * sum(w^2)
struct L1L2 {
  double l1 = 0;
  double l2 = 0;
  Tensor operator()(const Tensor& w) const;
};

/// factor * sum(|cosines|) / 2 / pairs over all pairs of different rows (or columns) of a matrix, of which there are
/// `pairs`; rows shorter than 1e-7 are divided by that. Throws ValueError for another mode and unless w is a matrix.
struct OrthogonalRegularizer {
  double factor = .01;
  std::string_view mode = "rows";
  Tensor operator()(const Tensor& w) const;
};

inline L1 l1(double factor = .01) { return {factor}; }
inline L2 l2(double factor = .01) { return {factor}; }
inline L1L2 l1_l2(double l1 = .01, double l2 = .01) { return {l1, l2}; }
inline OrthogonalRegularizer orthogonal_regularizer(double factor = .01, std::string_view mode = "rows") {
  return {factor, mode};
}

}  // namespace xgrad::regularizers
