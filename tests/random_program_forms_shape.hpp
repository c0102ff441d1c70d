#pragma once
// Forms of functions that move elements.

#include "random_program_forms.hpp"

#include <xgrad/ops/creation.hpp>

namespace random_program {

/// Whether a result that is `times` larger stays small.
inline bool stays_small(Maker& m, int id, std::int64_t times) { return m.value(id).size() * times <= 20000; }

/// n: one axis (or -9 for all), and two numbers up to `most`, negative too.
inline bool choose_numbers(Maker& m, Step& s, int least_rank, std::int64_t most) {
  s.in = {m.any_with([&](int id) { return m.shape(id).rank() >= least_rank; })};
  if (s.in[0] < 0) return false;
  const Shape& shape = m.shape(s.in[0]);
  s.n = {shape.rank() == 0 || m.random.chance(25) ? -9 : m.axis(shape)};
  for (int k = 0; k < 2; ++k) s.n.push_back(m.random.below(2 * most + 1) - most);
  return true;
}
inline Axes axes_of(const Step& s) { return s.n[0] == -9 ? Axes{} : Axes{static_cast<int>(s.n[0])}; }
inline int axis_of(const Step& s) { return s.n[0] == -9 ? 0 : static_cast<int>(s.n[0]); }

inline bool choose_any_numbers(Maker& m, Step& s) { return choose_numbers(m, s, 0, 5); }
inline bool choose_axis_numbers(Maker& m, Step& s) { return choose_numbers(m, s, 1, 5); }
inline bool choose_matrix_numbers(Maker& m, Step& s) { return choose_numbers(m, s, 2, 3); }
/// For functions whose result has a copy of the input for each of its numbers.
inline bool choose_few_numbers(Maker& m, Step& s) {
  return choose_numbers(m, s, 0, 3) && stays_small(m, s.in[0], 9) && m.shape(s.in[0]).rank() < 6;
}
inline bool choose_vector_numbers(Maker& m, Step& s) {
  s.in = {m.any_with([&](int id) { return m.value(id).size() <= 40; })};
  s.n = {0, m.random.below(5) - 2, 0};
  return s.in[0] >= 0;
}

inline void run_flip(Run& r, const Step& s) { put(r, s, flip(r.value(s.in[0]), axes_of(s))); }
inline void run_roll(Run& r, const Step& s) { put(r, s, roll(r.value(s.in[0]), s.n[1], axes_of(s))); }
inline void run_tile(Run& r, const Step& s) { put(r, s, tile(r.value(s.in[0]), {std::abs(s.n[1]), std::abs(s.n[2])})); }
inline void run_repeat(Run& r, const Step& s) { put(r, s, repeat(r.value(s.in[0]), std::abs(s.n[1]), axes_of(s))); }
inline void run_flatten(Run& r, const Step& s) {
  const Tensor& x = r.value(s.in[0]);
  put(r, s, s.n[1] < 0 ? ravel(x) : flatten(x, x.rank() ? axis_of(s) : 0));
}
inline void run_moveaxis(Run& r, const Step& s) {
  put(r, s, moveaxis(r.value(s.in[0]), axis_of(s), s.n[1] < 0 ? -1 : 0));
}
inline void run_section(Run& r, const Step& s) {
  const int sections = 1 + static_cast<int>(std::abs(s.n[1]));
  const auto which = static_cast<std::size_t>(std::abs(s.n[2]) % sections);
  put(r, s, array_split(r.value(s.in[0]), sections, axis_of(s))[which]);
}
inline void run_pad(Run& r, const Step& s) {
  const Tensor& x = r.value(s.in[0]);
  const char* const modes[] = {"constant", "edge", "reflect", "symmetric", "wrap"};
  const std::int64_t before = std::abs(s.n[1]), behind = std::abs(s.n[2]);
  const char* mode = x.size() == 0 ? modes[0] : modes[(before + 3 * behind) % 5];
  std::vector<Padding> paddings(static_cast<std::size_t>(x.rank()));
  for (int i = 0; i < x.rank(); ++i)
    if (i >= x.rank() - 2) paddings[static_cast<std::size_t>(i)] = {.before = before, .behind = behind};
  if (paddings.empty()) paddings.push_back({});
  put(r, s, pad(x, std::span<const Padding>(paddings), mode, behind == 2 ? 0 : 1));
}
inline void run_triangle(Run& r, const Step& s) {
  const Tensor& x = r.value(s.in[0]);
  put(r, s, s.n[0] % 2 ? tril(x, s.n[1]) : triu(x, s.n[1]));
}
inline void run_diagonal(Run& r, const Step& s) { put(r, s, diagonal(r.value(s.in[0]), s.n[1], -1, -2)); }
inline void run_diagflat(Run& r, const Step& s) { put(r, s, diagflat(r.value(s.in[0]), s.n[1])); }
inline void run_fill_diagonal(Run& r, const Step& s) {
  const Tensor& x = r.value(s.in[0]);
  put(r, s, x.rank() == 2 ? fill_diagonal(x, s.n[1] > 0) : rot90(x, static_cast<int>(s.n[1])));
}
inline void run_hstack(Run& r, const Step& s) {
  const Tensor& x = r.value(s.in[0]);
  put(r, s, s.n[1] < 0 ? hstack({x, x}) : s.n[1] < 3 ? vstack({x, x}) : column_stack({x, x}));
}
inline void run_full_like(Run& r, const Step& s) {
  put(r, s, full_like(r.value(s.in[0]), sum(cast(r.value(s.in[0]), float32))));
}

}  // namespace random_program
