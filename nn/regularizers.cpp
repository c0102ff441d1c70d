#include <xgrad/nn/pairs.hpp>
#include <xgrad/nn/regularizers.hpp>
#include <xgrad/ops/creation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/optim/names.hpp>

#include <cmath>

namespace xgrad::regularizers {

namespace {

Regularizer by_name(std::string_view name) {
  using Maker = Regularizer (*)();
  constexpr Named<Maker> table[] = {
      {"l1", [] { return Regularizer(L1()); }},
      {"l2", [] { return Regularizer(L2()); }},
      {"l1_l2", [] { return Regularizer(L1L2()); }},
      {"l1l2", [] { return Regularizer(L1L2()); }},
      {"orthogonal_regularizer", [] { return Regularizer(OrthogonalRegularizer()); }},
  };
  return find_named(table, "regularizer", name)();
}

double checked(const char* where, const char* what, double factor) {
  if (!(factor >= 0 && std::isfinite(factor)))
    throw ValueError("[" + std::string(where) + "] expected a finite " + what + " of 0 or more, got " +
                     number_text(factor));
  return factor;
}

}  // namespace

Regularizer::Regularizer(std::string_view name) : Regularizer(by_name(name)) {}

Tensor L1::operator()(const Tensor& w) const { return checked("L1", "l1", l1) * sum(abs(w)); }
Tensor L2::operator()(const Tensor& w) const { return checked("L2", "l2", l2) * sum(square(w)); }
Tensor L1L2::operator()(const Tensor& w) const {
  return checked("L1L2", "l1", l1) * sum(abs(w)) + checked("L1L2", "l2", l2) * sum(square(w));
}

Tensor OrthogonalRegularizer::operator()(const Tensor& w) const {
  constexpr Named<int> modes[] = {{"rows", 1}, {"columns", 0}};
  checked("OrthogonalRegularizer", "factor", factor);
  const int axis = find_named(modes, "OrthogonalRegularizer mode", mode);
  if (w.rank() != 2)
    throw ValueError("[OrthogonalRegularizer] expected a matrix, got shape " + to_string(w.shape()));
  const Tensor n = normalized(w, axis);
  const Tensor product = axis == 1 ? matmul(n, transpose(n)) : matmul(transpose(n), n);
  const auto size = static_cast<double>(product.dim(0));
  const Tensor others = product * (1 - eye(product.dim(0), -1, 0, {.dtype = product.dtype()}));
  return factor * 0.5 * sum(abs(others)) / (size * (size - 1) / 2);
}

}  // namespace xgrad::regularizers
