#include <xgrad/diff/subject.hpp>

#include <xgrad/graph/replace.hpp>
#include <xgrad/graph/walk.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>

#include <algorithm>
#include <cmath>
#include <memory>

namespace xgrad::checking {

std::int64_t Subject::size() const {
  std::int64_t n = 0;
  for (const Tensor& x : xs) n += x.size();
  return n;
}

Place place_of(const Subject& subject, std::int64_t i) {
  std::size_t k = 0;
  while (i >= subject.xs[k].size()) i -= subject.xs[k++].size();
  return {k, i};
}

std::vector<std::int64_t> index_of(const Shape& shape, std::int64_t element) {
  std::vector<std::int64_t> index(static_cast<std::size_t>(shape.rank()));
  for (int axis = shape.rank(); axis-- > 0;) {
    index[static_cast<std::size_t>(axis)] = element % shape[axis];
    element /= shape[axis];
  }
  return index;
}

Tensor copied(const Tensor& x, DType dtype) {
  if (!is_floating(x.dtype())) return x;
  Tensor copy = tensor(x.to_vector<double>(), x.shape(), {.dtype = dtype});
  return x.name().empty() ? copy : copy.named(x.name());
}

std::vector<Tensor> fresh(std::span<const Tensor> xs) {
  std::vector<Tensor> out;
  for (const Tensor& x : xs) out.push_back(copied(x));
  return out;
}

std::vector<double> random_weights(std::uint64_t& state, std::int64_t count) {
  std::vector<double> out(static_cast<std::size_t>(count));
  for (double& w : out) {
    // splitmix64
    std::uint64_t x = state += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    x ^= x >> 31;
    w = static_cast<double>(x >> 11) * 0x1p-53 + 0.5;
    if (x & 1) w = -w;
  }
  return out;
}

Tensor projected(std::span<const Tensor> ys, std::span<const Tensor> weights) {
  Tensor total;
  for (std::size_t k = 0; k < ys.size(); ++k) {
    Tensor part = sum(ys[k] * weights[k]);
    total = total.defined() ? total + part : std::move(part);
  }
  return total;
}

std::vector<Tensor> weights_like(std::span<const Tensor> ys, std::uint64_t& state) {
  std::vector<Tensor> out;
  for (const Tensor& y : ys) out.push_back(tensor(random_weights(state, y.size()), y.shape()));
  return out;
}

Subject projection_of(const Subject& subject, const std::vector<Tensor>& weights) {
  return {subject.xs, subject.names, [record = subject.record, weights](std::span<const Tensor> xs) {
            return std::vector<Tensor>{projected(record(xs), weights)};
          }};
}

Subject gradient_of(const Subject& subject, const std::vector<Tensor>& u, const std::vector<Tensor>& v) {
  return {subject.xs, subject.names, [record = subject.record, u, v](std::span<const Tensor> xs) {
            return std::vector<Tensor>{projected(grad(projected(record(xs), u), xs), v)};
          }};
}

Probe probe_at(const Subject& subject, std::span<const Tensor> xs) {
  const Quiet quiet;
  std::vector<Tensor> ys = subject.record(xs);
  const std::size_t count = ys.size();
  const Marks marks = marks_of(ys);
  ys.insert(ys.end(), marks.tensors.begin(), marks.tensors.end());
  eval(ys);
  Probe probe;
  for (std::size_t k = 0; k < ys.size(); ++k) {
    std::vector<double> values = ys[k].to_vector<double>();
    if (k < count) probe.values.insert(probe.values.end(), values.begin(), values.end());
    else probe.piece.push_back(std::move(values));
  }
  return probe;
}

std::function<Probe(double)> along(const Subject& subject, std::vector<std::vector<double>> direction) {
  auto base = std::make_shared<std::vector<std::vector<double>>>();
  for (const Tensor& x : subject.xs) base->push_back(x.to_vector<double>());
  auto d = std::make_shared<std::vector<std::vector<double>>>(std::move(direction));
  return [&subject, base, d](double t) {
    std::vector<Tensor> xs;
    for (std::size_t k = 0; k < base->size(); ++k) {
      std::vector<double> moved = (*base)[k];
      // What does not move keeps even the sign of its zero.
      if (!(*d)[k].empty())
        for (std::size_t i = 0; i < moved.size(); ++i)
          if ((*d)[k][i] != 0) moved[i] += t * (*d)[k][i];
      xs.push_back(tensor(moved, subject.xs[k].shape()));
    }
    return probe_at(subject, xs);
  };
}

namespace {

/// By how many rounding units the result of this operation may be off, roughly: elementwise functions are good to a
/// few, sums grow with the logarithm of their length, products and the like with the root.
double units(const Node* node) {
  // What stays float32 (a random draw's numbers, say) rounds as such.
  const double wide = node->dtype == float32 ? 0x1p29 : 1;
  if (!node->op || node->arity == 0) return wide;
  const double n = static_cast<double>(std::max<std::int64_t>(node->inputs[0]->shape.size(), 2));
  if (node->op->kind == Kind::elementwise) return 4 * wide;
  if (node->op->kind == Kind::fold) return (8 + std::log2(n)) * wide;
  if (node->op->kind == Kind::launch) return (8 + std::sqrt(n)) * wide;
  return wide;
}

}  // namespace

Row row_of(const Subject& subject, const std::vector<Tensor>& weights) {
  const Quiet quiet;
  const std::vector<Tensor> xs = fresh(subject.xs);
  const std::vector<Tensor> ys = subject.record(xs);
  const Tensor s = projected(ys, weights);
  std::vector<Tensor> nodes;
  std::vector<double> factors;
  std::vector<std::uint8_t> moving;  ///< whether the node follows from an input
  {
    const Walk walk(s.node(), Follow::derivatives);
    std::vector<std::uint8_t> moves(walk.order().size(), 0);
    for (std::size_t i = 0; i < walk.order().size(); ++i) {
      Node* node = walk.order()[i];
      for (const Tensor& x : xs) moves[i] |= x.node() == node;
      for (const std::uint32_t at : walk.inputs_of(i)) moves[i] |= at != no_index && moves[at];
      if (!is_floating(node->dtype) || node->flags.weak) continue;
      nodes.push_back(Tensor::share(node));
      factors.push_back(units(node));
      moving.push_back(moves[i]);
    }
  }
  std::vector<Tensor> by = xs;
  by.insert(by.end(), nodes.begin(), nodes.end());
  const std::vector<Tensor> gradients = grad(s, std::span<const Tensor>(by));
  Tensor noise(0.0, {.dtype = float64}), size = noise;
  {
    const NoGrad none;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const Tensor& g = gradients[xs.size() + i];
      const Tensor& v = nodes[i];
      if (v.size() == 0) continue;
      const bool launched = v.node()->op && v.node()->op->kind == Kind::launch;
      // What a product or factorisation adds up may be larger than its result.
      const Tensor each = launched ? abs(g) * max(where(isfinite(v), abs(v), 0)) : abs(g * v);
      // An infinity among the values stays one; a huge value does lose digits. A 0 is exact, however steep it is there.
      const Tensor part = sum(where(logical_or(logical_not(isfinite(v)), isnan(each)), 0, each));
      noise = noise + factors[i] * cast(part, float64);
      if (moving[i]) size = maximum(size, cast(max(where(isfinite(v), abs(v), 0)), float64));
    }
  }
  std::vector<Tensor> wanted(gradients.begin(), gradients.begin() + static_cast<std::ptrdiff_t>(xs.size()));
  wanted.push_back(noise);
  wanted.push_back(size);
  eval(wanted);
  Row row;
  for (std::size_t k = 0; k < xs.size(); ++k) row.gradient.push_back(wanted[k].to_vector<double>());
  constexpr double unit = 0x1p-53;
  row.noise = unit * noise.item();
  row.size = size.item();
  return row;
}

bool has_float32(std::span<const Tensor> ys) {
  Walk walk(Follow::values);
  for (const Tensor& y : ys) walk.add(y.node());
  for (const Node* node : walk.order())
    if (node->dtype == float32 && !node->flags.weak) return true;
  return false;
}

namespace {

/// A conversion to float32 that the user asked for becomes one to float64; so does what is made of C++ numbers alone.
Tensor widened(void*, const Node* node, std::span<const Tensor> inputs) {
  if (node->dtype != float32) return {};
  if (node->op->code == kernels::Code::cast) return node->flags.promoted ? Tensor() : cast(inputs[0], float64);
  if (node->op->kind != Kind::broadcast || !inputs[0].node()->flags.weak || inputs[0].dtype() != float32) return {};
  const Tensor number = cast(inputs[0], float64);
  std::vector<Arg> wide(inputs.begin(), inputs.end());
  wide[0] = number;
  return record(*node->op, wide, attributes_of(node));
}

}  // namespace

Subject shadow_of(std::span<const Tensor> ys, std::span<const Tensor> xs, std::vector<std::string> names) {
  std::vector<Substitution> wide;
  std::vector<Tensor> wide_xs;
  for (const Tensor& x : xs) {
    wide_xs.push_back(copied(x));
    wide.push_back({x, wide_xs.back()});
  }
  std::vector<Tensor> leaves;
  {
    Walk walk(Follow::everything);
    for (const Tensor& y : ys) walk.add(y.node());
    for (std::size_t i = 0; i < walk.order().size(); ++i) {
      Node* node = walk.order()[i];
      const bool leaf = walk.inputs_of(i).empty() && (!node->op || node->computed());
      const bool given = std::any_of(xs.begin(), xs.end(), [&](const Tensor& x) { return x.node() == node; });
      if (leaf && !given && node->dtype == float32 && !node->flags.weak) leaves.push_back(Tensor::share(node));
    }
  }
  for (const Tensor& leaf : leaves) {
    Tensor copy = copied(leaf);
    if (leaf.name().empty() && leaf.node()->slot) copy.named(leaf.node()->slot->name);
    wide.push_back({leaf, copy});
  }
  const std::vector<Tensor> base = rerecord_with(ys, wide, {.call = widened});
  Subject subject{wide_xs, std::move(names), [base, wide_xs](std::span<const Tensor> moved) {
                    std::vector<Substitution> substitutions;
                    for (std::size_t k = 0; k < moved.size(); ++k) substitutions.push_back({wide_xs[k], moved[k]});
                    return rerecord(base, substitutions);
                  }};
  return subject;
}

}  // namespace xgrad::checking
