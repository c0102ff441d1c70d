#pragma once
// How the steps of random programs run, and how a random one is chosen: functions for the rows of the table.

#include "random_program_make.hpp"

namespace random_program {

// --- families -------------------------------------------------------------------------------------------------------

template <Tensor (*function)(const Arg&)>
void run_unary(Run& run, const Step& s) {
  put(run, s, function(run.value(s.in[0])));
}
template <Tensor (*function)(const Arg&, const Arg&)>
void run_binary(Run& run, const Step& s) {
  put(run, s, function(run.value(s.in[0]), run.value(s.in[1])));
}
/// n: the number, on which side.
template <Tensor (*function)(const Arg&, const Arg&)>
void run_with_number(Run& run, const Step& s) {
  const double number = number_of(run.set, s.n[0]);
  const Tensor& x = run.value(s.in[0]);
  put(run, s, s.n[1] ? function(number, x) : function(x, number));
}
template <Tensor (*function)(const Arg&, Axes, bool)>
void run_fold(Run& run, const Step& s) {
  put(run, s, function(run.value(s.in[0]), axes_from(s.n, 1), s.n[0] != 0));
}
inline Tensor var_of(const Arg& x, Axes axes, bool keepdims) { return var(x, axes, keepdims); }
template <Tensor (*function)(const Arg&, Axes, bool)>
void run_arg(Run& run, const Step& s) {
  put(run, s, function(run.value(s.in[0]), static_cast<int>(s.n[0]), s.n[1] != 0));
}
template <Tensor (*function)(const Arg&, int)>
void run_axis(Run& run, const Step& s) {
  put(run, s, function(run.value(s.in[0]), static_cast<int>(s.n[0])));
}

inline bool choose_unary(Maker& m, Step& s) {
  s.in = {m.any()};
  return true;
}
inline bool choose_floating(Maker& m, Step& s) {
  s.in = {m.any_floating()};
  return s.in[0] >= 0;
}
inline bool choose_binary(Maker& m, Step& s) {
  const int a = m.any();
  s.in = {a, m.partner(a)};
  return true;
}
inline bool choose_number(Maker& m, Step& s) {
  s.in = {m.any()};
  s.n = {m.random.below(number_count), m.random.below(2)};
  return true;
}
inline bool choose_fold(Maker& m, Step& s) {
  s.in = {m.any()};
  s.n = {m.random.below(2)};
  m.axes(m.shape(s.in[0]), s.n);
  return true;
}
inline bool choose_arg(Maker& m, Step& s) {
  s.in = {m.any()};
  if (m.shape(s.in[0]).rank() == 0) return false;
  s.n = {m.axis(m.shape(s.in[0])), m.random.below(2)};
  return true;
}
inline bool choose_axis(Maker& m, Step& s) {
  s.in = {m.any_floating()};
  if (s.in[0] < 0 || m.shape(s.in[0]).rank() == 0) return false;
  s.n = {m.axis(m.shape(s.in[0]))};
  return true;
}

// --- shapes ---------------------------------------------------------------------------------------------------------

inline bool choose_broadcast(Maker& m, Step& s) {
  s.in = {m.any()};
  const Shape& shape = m.shape(s.in[0]);
  if (shape.rank() < 5 && m.random.chance(50)) s.n.push_back(1 + m.random.below(4));
  for (const std::int64_t length : shape)
    s.n.push_back(length == 1 && m.random.chance(60) ? 1 + m.random.below(6) : length);
  return true;
}

/// The same elements under another shape: axes are joined, or ones put in between.
inline bool choose_reshape(Maker& m, Step& s) {
  s.in = {m.any()};
  std::int64_t length = 1;
  for (const std::int64_t next : m.shape(s.in[0])) {
    length *= next;
    if (m.random.chance(50)) {
      if (length % 2 == 0 && length > 2 && m.random.chance(40)) {
        s.n.push_back(length / 2);
        length = 2;
      }
      s.n.push_back(length);
      length = 1;
    }
    if (m.random.chance(15)) s.n.push_back(1);
  }
  if (length != 1 || m.random.chance(20)) s.n.push_back(length);
  return s.n.size() <= 6;
}

/// The same elements along either axis of a square.
inline void run_both_ways(Run& run, const Step& s) {
  const Tensor& x = run.value(s.in[0]);
  const std::int64_t n = x.size();
  put(run, s, broadcast_to(reshape(x, {n, 1}), {n, n}) - broadcast_to(reshape(x, {1, n}), {n, n}));
}
inline bool choose_both_ways(Maker& m, Step& s) {
  s.in = {m.any_with([&](int id) { return m.value(id).size() <= 40 && m.value(id).dtype() != bool_; })};
  return s.in[0] >= 0;
}

/// A square matrix less its row sums, which are read along the rows or along the columns.
inline void run_minus_sums(Run& run, const Step& s) {
  const Tensor& x = run.value(s.in[0]);
  put(run, s, x - sum(x * 0.5, -1, s.n[0] != 0));
}
inline bool choose_minus_sums(Maker& m, Step& s) {
  s.in = {m.any_with([&](int id) {
    const Shape& shape = m.shape(id);
    return shape.rank() >= 2 && shape[-1] == shape[-2] && m.floating(id);
  })};
  if (s.in[0] < 0) s.in[0] = m.leaf(Shape{3, 3}, m.random.chance(70) ? float32 : float64);
  s.n = {m.random.below(2)};
  return true;
}

inline bool choose_transpose(Maker& m, Step& s) {
  s.in = {m.any()};
  for (int i = 0; i < m.shape(s.in[0]).rank(); ++i) s.n.push_back(i);
  for (std::size_t i = s.n.size(); i > 1; --i)
    std::swap(s.n[i - 1], s.n[static_cast<std::size_t>(m.random.below(static_cast<std::int64_t>(i)))]);
  return s.n.size() > 1;
}

inline void run_transpose(Run& run, const Step& s) {
  const std::vector<int> axes(s.n.begin(), s.n.end());
  put(run, s, transpose(run.value(s.in[0]), std::span<const int>(axes)));
}

inline bool choose_slice(Maker& m, Step& s) {
  s.in = {m.any()};
  const Shape& shape = m.shape(s.in[0]);
  for (int i = 0; i < shape.rank() && (i == 0 || m.random.chance(60)); ++i) {
    const std::int64_t length = shape[i] + 1, stride = 1 + m.random.below(2);
    const std::int64_t step = m.random.chance(25) ? -stride : stride;
    const std::int64_t start = m.random.chance(40) ? m.random.below(length) : step < 0 ? length : 0;
    s.n.insert(s.n.end(), {start, m.random.chance(50) ? to_end : m.random.below(2 * length) - length / 2, step});
  }
  return !s.n.empty();
}

inline void run_slice(Run& run, const Step& s) {
  std::vector<Range> ranges;
  for (std::size_t k = 0; k < s.n.size(); k += 3) ranges.push_back({s.n[k], s.n[k + 1], s.n[k + 2]});
  put(run, s, slice(run.value(s.in[0]), std::span<const Range>(ranges)));
}

/// Neighbours along the first axis, subtracted.
inline void run_differences(Run& run, const Step& s) {
  const Tensor& x = run.value(s.in[0]);
  put(run, s, slice(x, {{.start = 1}}) - slice(x, {{.stop = -1}}));
}
inline bool choose_differences(Maker& m, Step& s) {
  s.in = {m.any_with([&](int id) { return m.shape(id).rank() > 0 && m.value(id).dtype() != bool_; })};
  return s.in[0] >= 0;
}

inline bool choose_concatenate(Maker& m, Step& s) {
  const int a = m.any();
  const Shape& shape = m.shape(a);
  if (shape.rank() == 0) return false;
  const std::int64_t axis = m.axis(shape);
  s.in = {a};
  for (std::int64_t k = 1 + m.random.below(3); k > 0; --k) {
    const int other = m.any_with([&](int id) {
      if (m.shape(id).rank() != shape.rank()) return false;
      Shape with = m.shape(id);
      with.set(static_cast<int>(axis), shape[static_cast<int>(axis)]);
      return with == shape;
    });
    if (other >= 0) s.in.push_back(other);
  }
  s.n = {axis};
  return true;
}

inline void run_concatenate(Run& run, const Step& s) {
  std::vector<Tensor> parts;
  for (const int id : s.in) parts.push_back(run.value(id));
  put(run, s, concatenate(std::span<const Tensor>(parts), static_cast<int>(s.n[0])));
}

// --- products and indices -------------------------------------------------------------------------------------------

inline bool choose_matmul(Maker& m, Step& s) {
  const int a = m.any_floating();
  if (a < 0 || m.shape(a).rank() == 0) return false;
  const Shape shape = m.shape(a);
  int b = m.any_with([&](int id) {
    const Shape& other = m.shape(id);
    return m.floating(id) && other.rank() > 0 && other[other.rank() == 1 ? 0 : -2] == shape[-1];
  });
  if (b < 0 || m.random.chance(40)) {
    Shape other;
    if (shape.rank() > 2 && m.random.chance(40)) other.append(shape[-3]);
    other.append(shape[-1]);
    if (other.rank() > 1 || m.random.chance(75)) other.append(1 + m.random.below(12));
    b = m.leaf(other, m.value(a).dtype());
    if (b < 0) return false;
  }
  s.in = {a, b};
  return true;
}

/// Any integers, brought into range: -n ... n-1.
inline Tensor indices_of(const Tensor& x, std::int64_t n, std::int64_t low) {
  return clip(cast(x, int64), low, n - 1);
}
inline bool choose_take(Maker& m, Step& s) {
  const int x = m.any();
  const int indices = m.any_with([&](int id) { return !m.floating(id) && m.value(id).size() <= 64; });
  if (indices < 0 || m.shape(x).rank() == 0) return false;
  const std::int64_t axis = m.axis(m.shape(x));
  if (m.shape(x)[static_cast<int>(axis)] == 0) return false;
  s.in = {x, indices};
  s.n = {axis};
  return true;
}
inline void run_take(Run& run, const Step& s) {
  const Tensor& x = run.value(s.in[0]);
  const std::int64_t n = x.shape()[static_cast<int>(s.n[0])];
  put(run, s, take(x, indices_of(run.value(s.in[1]), n, -n), static_cast<int>(s.n[0])));
}
inline bool choose_integers(Maker& m, Step& s) {
  s.in = {m.any_with([&](int id) { return !m.floating(id); })};
  s.n = {1 + m.random.below(6)};
  return s.in[0] >= 0;
}

// --- draws ----------------------------------------------------------------------------------------------------------

inline bool choose_draw(Maker& m, Step& s) {
  s.n = {static_cast<std::int64_t>(m.random.chance(70) ? float32 : float64)};
  Maker::append(m.any_shape(), s.n);
  return true;
}
template <class F>
void draw(Run& run, const Step& s, F&& f) {
  put(run, s, f(shape_from(s.n, 1), RandomOptions{static_cast<DType>(s.n[0]), &run.generator}));
}

// --- derivatives ----------------------------------------------------------------------------------------------------

/// A value that may be differentiated and some to differentiate it by.
inline bool choose_derivative(Maker& m, Step& s, std::int64_t count, const char* per_program) {
  int before = 0;
  for (const Step& step : m.program.steps) before += std::strncmp(step.form->name, per_program, 4) == 0;
  if (before >= 4) return false;
  const int y = m.any_floating();
  if (y < 0) return false;
  const Upstream up = m.upstream(m.value(y).node());
  if (!m.differentiable(up)) return false;
  s.in = {y};
  for (; count > 0; --count) {
    const bool related = m.random.chance(85);
    const int x = m.any_with([&](int id) {
      const auto found = up.reached.find(m.value(id).node());
      const int how = found == up.reached.end() ? 0 : found->second;
      return m.floating(id) && !(how & 2) && (how == 1 || !related);
    });
    if (x >= 0) s.in.push_back(x);
  }
  return s.in.size() > 1;
}
inline bool choose_grad(Maker& m, Step& s) {
  if (!choose_derivative(m, s, 1 + m.random.below(3), "grad")) return false;
  s.out.assign(s.in.size() - 1, 0);
  s.n = {m.random.below(3)};
  return true;
}
/// A number to differentiate: the value itself, its sum, or the sum of its squares.
inline Tensor scalar_of(const Tensor& y, std::int64_t how) {
  if (how == 0 && y.size() == 1) return y;
  return how == 2 ? sum(square(y)) : sum(y);
}
inline void run_grad(Run& run, const Step& s) {
  std::vector<Tensor> xs;
  for (std::size_t k = 1; k < s.in.size(); ++k) xs.push_back(run.value(s.in[k]));
  const std::vector<Tensor> found = grad(scalar_of(run.value(s.in[0]), s.n[0]), std::span<const Tensor>(xs));
  for (std::size_t k = 0; k < found.size(); ++k) run.values[s.out[k]] = found[k];
}
inline bool choose_jvp(Maker& m, Step& s) { return choose_derivative(m, s, 1, "jvp_") && m.random.chance(50); }
inline void run_jvp(Run& run, const Step& s) {
  const Tensor xs[] = {run.value(s.in[1])}, tangents[] = {ones_like(xs[0])};
  put(run, s, jvp(run.value(s.in[0]), xs, tangents));
}

// --- Parameters -----------------------------------------------------------------------------------------------------

inline const Parameter& parameter(Run& run, std::int64_t k) { return run.parameters.at(static_cast<std::size_t>(k)); }

inline bool choose_parameter(Maker& m, Step& s) {
  if (m.run.parameters.empty()) return false;
  s.n = {m.random.below(static_cast<std::int64_t>(m.run.parameters.size()))};
  return true;
}
/// A value made to fit a Parameter.
inline Tensor fitted(const Tensor& x, const Parameter& p) {
  const Tensor y = cast(x, p.dtype());
  return y.shape() == p.shape() ? y : broadcast_to(sum(y), p.shape());
}
inline bool choose_assign(Maker& m, Step& s) {
  if (!choose_parameter(m, s)) return false;
  s.in = {m.any()};
  s.out.clear();
  s.n.push_back(m.random.below(number_count));
  return true;
}
inline bool choose_train(Maker& m, Step& s) {
  if (m.run.parameters.empty()) return false;
  const int y = m.any_floating();
  if (y < 0) return false;
  const Upstream up = m.upstream(m.value(y).node());
  if (!m.differentiable(up)) return false;
  s.in = {y};
  s.out.clear();
  s.n = {m.random.below(3), m.random.below(number_count)};
  for (std::size_t k = 0; k < m.run.parameters.size(); ++k)
    if (m.random.chance(70) && (up.reached.count(m.run.parameters[k].value().node()) || m.random.chance(20)))
      s.n.push_back(static_cast<std::int64_t>(k));
  return s.n.size() > 2;
}
inline std::vector<Tensor> gradients(Run& run, const Step& s) {
  std::vector<Parameter> parameters;
  for (std::size_t k = 2; k < s.n.size(); ++k) parameters.push_back(parameter(run, s.n[k]));
  return grad(scalar_of(run.value(s.in[0]), s.n[0]), std::span<const Parameter>(parameters));
}
inline void run_sgd(Run& run, const Step& s) {
  const std::vector<Tensor> found = gradients(run, s);
  const double rate = number_of(run.set, s.n[1]);
  for (std::size_t k = 0; k < found.size(); ++k) {
    const Parameter& p = parameter(run, s.n[k + 2]);
    p.assign(p - rate * found[k]);
  }
}
inline void run_adam(Run& run, const Step& s) {
  const std::vector<Tensor> found = gradients(run, s);
  ++run.updates;
  const double rate = number_of(run.set, s.n[1]), beta = run.set ? 0.8 : 0.9;
  for (std::size_t k = 0; k < found.size(); ++k) {
    const std::size_t at = static_cast<std::size_t>(s.n[k + 2]);
    const Parameter &p = run.parameters.at(at), &m = run.first_moments[at], &v = run.second_moments[at];
    m.assign(beta * m + (1 - beta) * found[k]);
    v.assign(0.99 * v + (1 - 0.99) * square(found[k]));
    p.assign(p - rate * (m / (1 - beta / run.updates)) / (sqrt(v / (1 - 0.99 / run.updates)) + 1e-7));
  }
}
inline void run_backward(Run& run, const Step& s) { scalar_of(run.value(s.in[0]), s.n[0]).backward(); }

inline bool choose_backward(Maker& m, Step& s) {
  if (!choose_train(m, s)) return false;
  s.n.resize(1);
  return true;
}

inline void forget(Run& run, int id) {
  if (run.hold) run.dropped[id] = run.value(id);
  run.values.erase(id);
}

}  // namespace random_program
