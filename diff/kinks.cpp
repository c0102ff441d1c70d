#include <xgrad/diff/kinks.hpp>

#include <xgrad/graph/fold.hpp>
#include <xgrad/graph/walk.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/shape.hpp>

#include <cstring>
#include <numbers>

namespace xgrad::checking {
namespace {

using kernels::Code;

bool has_float_input(const Node* node) {
  for (std::uint32_t k = 0; k < node->arity; ++k)
    if (!lends_shape(*node->op, k) && is_floating(node->inputs[k]->dtype)) return true;
  return false;
}

/// Which of two is larger, with ties apart from both.
Tensor order_of(const Tensor& a, const Tensor& b) { return cast(less(a, b), uint8) + 2 * cast(less(b, a), uint8); }

bool is(const Node* node, const char* name) { return std::strcmp(node->op->name, name) == 0; }

bool jumps(const Node* node) {
  if (is(node, "max_pool_put") || is(node, "max_pool_pick")) return true;
  switch (node->op->code) {
    case Code::sign:
    case Code::floor:
    case Code::ceil:
    case Code::trunc:
    case Code::rint:
    case Code::floor_divide:
    case Code::remainder:
    case Code::fmod:
    case Code::copysign: return true;
    default: return false;
  }
}

/// What tells this operation's pieces apart, or an undefined tensor if it has one piece.
Tensor mark_of(Node* node) {
  const Tensor y = Tensor::share(node);
  const auto in = [&](int k) { return Tensor::share(node->inputs[k]); };
  if (!has_float_input(node)) return {};
  if (!is_floating(node->dtype)) {
    // A comparison changes at a tie, which belongs to neither side.
    if (node->op->code == Code::less || node->op->code == Code::less_equal) return order_of(in(0), in(1));
    return y;
  }
  switch (node->op->code) {
    case Code::maximum:
    case Code::minimum: return order_of(in(0), in(1));
    case Code::absolute: return order_of(in(0), zeros_like(in(0)));
    case Code::sign:
    case Code::floor:
    case Code::ceil:
    case Code::trunc:
    case Code::rint:
    case Code::floor_divide: return y;
    case Code::remainder: return floor(in(0) / in(1));
    case Code::fmod: return trunc(in(0) / in(1));
    case Code::copysign: return order_of(in(1), zeros_like(in(1)));
    // Poles.
    case Code::log_gamma:
    case Code::digamma: return floor(minimum(in(0), 0));
    case Code::tan: return floor(in(0) * std::numbers::inv_pi + 0.5);
    case Code::row_max:
    case Code::row_min: return equal(in(0), keep_axes(Applied(node, 0), y));
    default: break;
  }
  if (is(node, "cummax") || is(node, "cummin")) return equal(in(0), y);
  // The share of each element in what was chosen.
  const auto share = [&](int k) { return node->op->rules[k](Applied(node, k), ones_like(y)); };
  if (is(node, "max_pool") || is(node, "max_pool_pick")) return share(0);
  if (is(node, "max_pool_put")) return Applied(node, 0).again({ones_like(in(0)), in(1)});
  if (is(node, "scatter_max") || is(node, "scatter_min"))
    return concatenate({reshape(share(0), {-1}), reshape(share(2), {-1})});
  return {};
}

}  // namespace

Marks marks_of(std::span<const Tensor> ys) {
  Walk walk(Follow::values);
  for (const Tensor& y : ys) walk.add(y.node());
  const std::vector<Node*> order(walk.order().begin(), walk.order().end());
  std::vector<std::uint8_t> inner(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) inner[i] = !walk.inputs_of(i).empty();
  Marks marks;
  const NoGrad none;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (!inner[i]) continue;
    const OnBehalf here(order[i]);
    if (Tensor mark = mark_of(order[i]); mark.defined()) {
      marks.sites.push_back({order[i]->op->name, order[i]->where, jumps(order[i])});
      marks.owners.push_back(Tensor::share(order[i]));
      marks.tensors.push_back(std::move(mark));
    }
  }
  return marks;
}

int difference(const Piece& a, const Piece& b) {
  if (a.size() != b.size()) return -2;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].size() != b[i].size()) return -2;
    if (std::memcmp(a[i].data(), b[i].data(), a[i].size() * sizeof(double)) != 0) return static_cast<int>(i);
  }
  return -1;
}

std::vector<int> differences(const Piece& a, const Piece& b) {
  std::vector<int> sites;
  for (std::size_t i = 0; i < a.size() && a.size() == b.size(); ++i)
    if (a[i].size() != b[i].size() || std::memcmp(a[i].data(), b[i].data(), a[i].size() * sizeof(double)) != 0)
      sites.push_back(static_cast<int>(i));
  return sites;
}

}  // namespace xgrad::checking
