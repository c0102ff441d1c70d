#include <xgrad/nn/regularizers.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/optim/names.hpp>

namespace xgrad::regularizers {

namespace {

Regularizer by_name(std::string_view name) {
  using Maker = Regularizer (*)();
  constexpr Named<Maker> table[] = {
      {"l1", [] { return Regularizer(L1()); }},
      {"l2", [] { return Regularizer(L2()); }},
      {"l1_l2", [] { return Regularizer(L1L2()); }},
      {"L1", [] { return Regularizer(L1()); }},
      {"L2", [] { return Regularizer(L2()); }},
      {"L1L2", [] { return Regularizer(L1L2()); }},
  };
  return find_named(table, "regularizer", name)();
}

}  // namespace

Regularizer::Regularizer(std::string_view name) : Regularizer(by_name(name)) {}

Tensor L1::operator()(const Tensor& w) const { return l1 * sum(abs(w)); }
Tensor L2::operator()(const Tensor& w) const { return l2 * sum(square(w)); }
Tensor L1L2::operator()(const Tensor& w) const { return l1 * sum(abs(w)) + l2 * sum(square(w)); }

}  // namespace xgrad::regularizers
