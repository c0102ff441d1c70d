#include <xgrad/diff/symbolic.hpp>

#include <xgrad/diff/subject.hpp>
#include <xgrad/graph/identities.hpp>
#include <xgrad/graph/replace.hpp>
#include <xgrad/graph/walk.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <optional>

namespace xgrad {
namespace {

using kernels::Code;

bool is_op(const Tensor& t, Code code) {
  const Node* node = t.node();
  return node->op && node->arity > 0 && node->op->code == code && node->op->kind == Kind::elementwise;
}
bool is_op(const Tensor& t, const char* name) {
  return t.node()->op && t.node()->arity > 0 && std::strcmp(t.node()->op->name, name) == 0;
}
Tensor in(const Tensor& t, int k) { return Tensor::share(t.node()->inputs[k]); }

/// The number a tensor holds in every element, if that is known without computing.
std::optional<double> number_of(Tensor t) {
  while (t.node()->op && t.node()->arity > 0 &&
         (t.node()->op->kind == Kind::broadcast || t.node()->op->kind == Kind::alias || t.node()->flags.promoted))
    t = in(t, 0);
  const Node* node = t.node();
  if (node->op && node->op->kind == Kind::constant) return node->op->number(Applied(t.node(), 0));
  if (!node->flags.number || !node->name().empty() || node->slot) return {};
  return is_floating(node->dtype) ? node->value.real : static_cast<double>(node->value.integer);
}

/// Whether the part's value follows from weights alone: leaves, and products of such.
bool is_weight(const Tensor& t) {
  std::vector<Tensor> waiting{t};
  while (!waiting.empty()) {
    const Tensor part = std::move(waiting.back());
    waiting.pop_back();
    if (part.rank() != 2) return false;
    if (part.node()->arity == 0 || is_newest_value(part.node())) continue;
    if (!is_op(part, "matmul")) return false;
    waiting.push_back(in(part, 0));
    waiting.push_back(in(part, 1));
  }
  return true;
}

/// t where it has this shape and dtype already, else made so.
std::optional<Tensor> as(const Tensor& t, const Node* like) {
  if (t.dtype() != like->dtype) return {};
  if (t.shape() == like->shape) return t;
  return {};
}

bool alike(const Tensor& a, const Tensor& b) { return a.shape() == b.shape() && a.dtype() == b.dtype(); }

/// A product's number and what is left of it: 2 for 2 * x, -1 for -x.
struct Scaled {
  double number = 1;
  Tensor rest;
};
Scaled scaled(const Tensor& t) {
  if (!t.name().empty()) return {1, t};
  if (is_op(t, Code::negate)) return {-1, in(t, 0)};
  if (is_op(t, Code::multiply)) {
    for (const int k : {0, 1})
      if (const auto n = number_of(in(t, k)); n && alike(in(t, 1 - k), t)) return {*n, in(t, 1 - k)};
  }
  if (is_op(t, Code::divide))
    if (const auto n = number_of(in(t, 1)); n && alike(in(t, 0), t)) {
      // Only powers of two have reciprocals that multiply to the same bits.
      int exponent;
      if (std::fabs(std::frexp(*n, &exponent)) == 0.5) return {1 / *n, in(t, 0)};
    }
  return {1, t};
}
Tensor times(double number, const Tensor& t) { return number == 1 ? t : number == -1 ? -t : number * t; }

/// Arithmetic between numbers is a number.
Tensor number_rule(const Node* node, std::span<const Tensor> x) {
  if (node->shape.rank() != 0 || !is_floating(node->dtype) || x.empty() || x.size() > 2) return {};
  const auto a = number_of(x[0]), b = x.size() == 2 ? number_of(x[1]) : a;
  if (!a || !b) return {};
  double value;
  switch (node->op->code) {
    case Code::add: value = *a + *b; break;
    case Code::subtract: value = *a - *b; break;
    case Code::multiply: value = *a * *b; break;
    case Code::divide: value = *a / *b; break;
    case Code::negate: value = -*a; break;
    default: return {};
  }
  Tensor number = make_number(Arg(value, node->where), node->dtype, false);
  number.node()->flags.weak = true;
  return number;
}

/// Rules for elementwise operations.
Tensor elementwise_rule(const Node* node, std::span<const Tensor> x) {
  const Code code = node->op->code;
  const auto result = [&](const Tensor& t) { return as(t, node).value_or(Tensor()); };
  if (Tensor number = number_rule(node, x); number.defined()) return number;
  if (x.size() == 2) {
    for (const Identity& rule : identities)
      if (rule.code == code)
        if (const auto n = number_of(x[static_cast<std::size_t>(rule.operand)]); n && *n == rule.number)
          if (Tensor t = result(x[static_cast<std::size_t>(rule.result)]); t.defined()) return t;
  }
  const bool floating = is_floating(node->dtype);
  switch (code) {
    case Code::add: {
      for (const std::size_t k : {std::size_t{0}, std::size_t{1}})
        if (const auto n = number_of(x[k]); n && *n == 0) return result(x[1 - k]);
      if (const Scaled b = scaled(x[1]); b.number == -1 && is_op(x[1], Code::negate)) return x[0] - b.rest;
      if (const Scaled a = scaled(x[0]); a.number == -1 && is_op(x[0], Code::negate)) return x[1] - a.rest;
      break;
    }
    case Code::subtract:
      if (const auto n = number_of(x[0]); n && *n == 0 && x[1].shape() == node->shape) return -x[1];
      if (is_op(x[1], Code::negate)) return x[0] + in(x[1], 0);
      break;
    case Code::negate: {
      const Scaled a = scaled(x[0]);
      if (a.number != 1) return times(-a.number, a.rest);
      break;
    }
    case Code::multiply: {
      if (!floating) break;
      const auto left = number_of(x[0]), right = number_of(x[1]);
      if (left || right) {
        const std::size_t k = left ? 1 : 0;
        const double n = left ? *left : *right;
        const Scaled b = scaled(x[k]);
        const double both = n * b.number;
        const bool exact = std::fma(n, b.number, -both) == 0 && both != 0 && std::isfinite(both);
        if (b.number != 1 && exact && b.rest.shape() == node->shape) return times(both, b.rest);
        if (n == -1 && x[k].shape() == node->shape) return -x[k];
        break;
      }
      if (x[0].node() == x[1].node()) return square(x[0]);
      const Scaled a = scaled(x[0]), b = scaled(x[1]);
      const double both = a.number * b.number;
      if (both != 1 || a.number != 1) {
        if (std::fma(a.number, b.number, -both) == 0 && both != 0) return times(both, a.rest * b.rest);
      }
      break;
    }
    case Code::divide: {
      const Scaled a = scaled(x[0]);
      const auto n = number_of(x[1]);
      int exponent;
      if (n && a.number != 1 && std::fabs(std::frexp(*n, &exponent)) == 0.5 && a.rest.shape() == node->shape)
        return times(a.number / *n, a.rest);
      if (is_op(x[0], Code::negate)) return -(a.rest / x[1]);
      break;
    }
    case Code::power:
      if (const auto n = number_of(x[1]); n && *n == 2 && floating && x[0].shape() == node->shape) return square(x[0]);
      break;
    case Code::square:
    case Code::absolute:
      if (is_op(x[0], Code::negate) || (code == Code::square && is_op(x[0], Code::absolute)))
        return code == Code::square ? square(in(x[0], 0)) : abs(in(x[0], 0));
      if (code == Code::absolute && (is_op(x[0], Code::absolute) || is_op(x[0], Code::square))) return x[0];
      break;
    case Code::maximum:
    case Code::minimum:
      if (x[0].node() == x[1].node()) return x[0];
      break;
    case Code::select:
      if (x[1].node() == x[2].node()) return result(x[1]);
      break;
    case Code::cast:
      if (x[0].dtype() == node->dtype) return x[0];
      break;
    default: break;
  }
  return {};
}

/// x @ A @ B is x @ (A @ B), and a bias passes through.
Tensor product_rule(std::span<const Tensor> x) {
  if (!is_weight(x[1])) return {};
  Tensor left = x[0];
  if (is_op(left, "matmul") && left.name().empty() && is_weight(in(left, 1)) && in(left, 0).rank() >= 2)
    return matmul(in(left, 0), matmul(in(left, 1), x[1]));
  if (!is_op(left, Code::add) || !left.name().empty()) return {};
  const Tensor product = in(left, 0), bias = in(left, 1);
  const bool known = bias.rank() == 1 && (bias.node()->arity == 0 || is_newest_value(bias.node()));
  if (!known || bias.dim(0) != left.dim(-1) || !is_op(product, "matmul") || !product.name().empty() ||
      !is_weight(in(product, 1)) || in(product, 0).rank() < 2 || !(product.shape() == left.shape()))
    return {};
  return matmul(in(product, 0), matmul(in(product, 1), x[1])) + matmul(bias, x[1]);
}

/// (x + a) + b is x + (a + b) for biases.
Tensor bias_rule(const Node* node, std::span<const Tensor> x) {
  if (node->op->code != Code::add || x[1].rank() != 1 || !is_op(x[0], Code::add) || !x[0].name().empty()) return {};
  const Tensor first = in(x[0], 1);
  if (first.rank() != 1 || !(first.shape() == x[1].shape()) || in(x[0], 0).rank() < 2) return {};
  return in(x[0], 0) + (first + x[1]);
}

Tensor shape_rule(const Node* node, std::span<const Tensor> x) {
  const char* name = node->op->name;
  if ((node->op->kind == Kind::alias && std::strcmp(name, "stop_gradient") != 0) || node->op->kind == Kind::broadcast) {
    if (x[0].shape() == node->shape) return x[0];
    // Of two reshapes the last counts.
    if (node->op->kind == Kind::alias && x[0].node()->op && x[0].node()->op->kind == Kind::alias &&
        x[0].name().empty() && !is_op(x[0], "stop_gradient"))
      return reshape(in(x[0], 0), node->shape);
  }
  if (node->op->kind == Kind::fold && x[0].size() == node->shape.size() && x[0].size() > 0)
    return x[0].shape() == node->shape ? x[0] : reshape(x[0], node->shape);
  if (std::strcmp(name, "transpose") == 0 && is_op(x[0], "transpose") && x[0].name().empty()) {
    const Tensor inner = in(x[0], 0);
    const auto first = list_of(x[0].node()), second = list_of(node);
    if (!first.empty() && first.size() == second.size() && inner.shape() == node->shape) {
      bool back = true;
      const auto rank = static_cast<std::int64_t>(first.size());
      for (std::size_t i = 0; i < first.size(); ++i) {
        const std::int64_t at = second[i] < 0 ? second[i] + rank : second[i];
        const std::int64_t to = first[static_cast<std::size_t>(at)];
        back = back && (to < 0 ? to + rank : to) == static_cast<std::int64_t>(i);
      }
      if (back) return inner;
    }
  }
  return {};
}

/// Words that two nodes with the same meaning share.
using Likeness = std::vector<std::int64_t>;

struct Simplifier {
  std::map<Likeness, Tensor> known;
  int rounds = 0;

  static Tensor call(void* self, const Node* node, std::span<const Tensor> inputs) {
    return static_cast<Simplifier*>(self)->simplified(node, inputs);
  }

  Tensor simplified(const Node* node, std::span<const Tensor> inputs) {
    if (node->op->random || node->op->kind == Kind::draw || node->op->kind == Kind::check || node->flags.no_grad)
      return {};
    Tensor now;
    if (node->op->kind == Kind::elementwise) now = elementwise_rule(node, inputs);
    if (!now.defined()) now = shape_rule(node, inputs);
    if (!now.defined() && std::strcmp(node->op->name, "matmul") == 0) now = product_rule(inputs);
    if (!now.defined() && node->op->kind == Kind::elementwise && inputs.size() == 2) now = bias_rule(node, inputs);
    if (now.defined() && (!(now.shape() == node->shape) || now.dtype() != node->dtype)) now = Tensor();
    if (!now.defined()) now = shared(node, inputs);
    // The name of a part that is now another named part would be lost: such a part stays.
    if (now.defined() && !node->name().empty() && now.name() != node->name()) {
      if (!now.name().empty() || now.node()->slot || now.node()->arity == 0) return {};
      now.named(node->name());
    }
    return now;
  }

  /// Equal parts become one.
  Tensor shared(const Node* node, std::span<const Tensor> inputs) {
    if (node->op->once || carried_by(node)) return {};
    Likeness key{reinterpret_cast<std::intptr_t>(node->op), node->attributes[0], node->attributes[1],
                 static_cast<std::int64_t>(node->dtype)};
    for (const Tensor& input : inputs) {
      const Node* at = input.node();
      const bool plain = at->flags.number && at->flags.weak;
      key.push_back(plain ? 1 : 0);
      if (!plain) key.push_back(reinterpret_cast<std::intptr_t>(at));
      else {
        std::int64_t bits;
        const double value = number_of(input).value_or(0);
        std::memcpy(&bits, &value, sizeof bits);
        key.push_back(bits);
      }
    }
    key.push_back(-1);
    const auto list = list_of(node);
    key.insert(key.end(), list.begin(), list.end());
    key.insert(key.end(), node->shape.begin(), node->shape.end());
    Tensor& entry = known[key];
    if (entry.defined() && (node->name().empty() || entry.name() == node->name())) return entry;
    std::vector<Arg> args;
    for (const Tensor& input : inputs) args.emplace_back(input, node->where);
    Tensor made = record(*node->op, args, attributes_of(node), node->value.draw);
    if (!entry.defined()) entry = made;
    return made;
  }
};

std::size_t nodes_of(const Tensor& y) { return Walk(y.node(), Follow::everything).order().size(); }

}  // namespace

Tensor simplify(const Tensor& y) {
  if (!y.defined()) throw ValueError("[simplify] expected a tensor, got one that was never given a value");
  Tensor now = y;
  for (int round = 0; round < 20; ++round) {
    Simplifier simplifier;
    const std::size_t before = nodes_of(now);
    const std::string text = dump(now);
    now = rerecord_with(std::span(&now, 1), {}, {.call = Simplifier::call, .self = &simplifier}).front();
    if (nodes_of(now) == before && dump(now) == text) break;
  }
  return now;
}

Tensor substitute(const Tensor& y, std::initializer_list<Substitution> substitutions) {
  return rerecord(y, substitutions);
}

namespace {

/// The leaves with float values that a comparison may move.
std::vector<Tensor> moving_leaves(std::span<const Tensor> ys) {
  Walk walk(Follow::values);
  for (const Tensor& y : ys) walk.add(y.node());
  std::vector<Tensor> leaves;
  for (std::size_t i = 0; i < walk.order().size(); ++i) {
    Node* node = walk.order()[i];
    const bool plain = node->flags.number && node->name().empty() && !node->slot;
    if (walk.inputs_of(i).empty() && is_floating(node->dtype) && !plain && (!node->op || node->computed()))
      leaves.push_back(Tensor::share(node));
  }
  return leaves;
}

bool close(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  double largest = 0;
  for (const auto* list : {&a, &b})
    for (const double v : *list)
      if (std::isfinite(v)) largest = std::max(largest, std::fabs(v));
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    if (!(std::fabs(a[i] - b[i]) <= tolerance * largest)) return false;
  }
  return true;
}

}  // namespace

bool same(const Tensor& a, const Tensor& b, const SameOptions& options) {
  if (!a.defined() || !b.defined())
    throw ValueError("[same] expected two tensors, got one that was never given a value");
  if (options.points < 1) throw ValueError("[same] expected at least one point");
  if (!(a.shape() == b.shape())) return false;
  if (a.node() == b.node()) return true;
  // Both at once, so that equal parts become one node.
  Tensor pair[] = {a, b};
  for (int round = 0; round < 4; ++round) {
    Simplifier simplifier;
    const auto now = rerecord_with(pair, {}, {.call = Simplifier::call, .self = &simplifier});
    pair[0] = now[0];
    pair[1] = now[1];
    if (pair[0].node() == pair[1].node()) return true;
  }
  const std::vector<Tensor> both{a, b}, leaves = moving_leaves(both);
  const checking::Subject subject = checking::shadow_of(both, leaves, std::vector<std::string>(leaves.size()));
  std::uint64_t state = options.seed;
  for (int point = 0; point < options.points; ++point) {
    std::vector<Tensor> xs;
    for (const Tensor& x : subject.xs) {
      std::vector<double> values = x.to_vector<double>();
      const std::vector<double> moves = checking::random_weights(state, x.size());
      // The first point is where the leaves are.
      for (std::size_t i = 0; i < values.size() && point > 0; ++i)
        values[i] += moves[i] * std::max(0.5 * std::fabs(values[i]), 0.1);
      xs.push_back(tensor(values, x.shape()));
    }
    const std::vector<Tensor> ys = subject.record(xs);
    if (!close(ys[0].to_vector<double>(), ys[1].to_vector<double>(), options.tolerance)) return false;
  }
  return true;
}

}  // namespace xgrad
