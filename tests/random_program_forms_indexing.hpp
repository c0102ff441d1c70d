#pragma once
// Steps of random programs that gather, scatter, sort and search.

#include "random_program_forms.hpp"

#include <xgrad/ops/scatter.hpp>
#include <xgrad/ops/sorting.hpp>

namespace random_program {

inline bool choose_any_axis(Maker& m, Step& s) {
  s.in = {m.any()};
  if (m.shape(s.in[0]).rank() == 0) return false;
  s.n = {m.axis(m.shape(s.in[0])), m.random.below(2), m.random.below(100)};
  return true;
}
inline void run_sort(Run& run, const Step& s) {
  put(run, s, sort(run.value(s.in[0]), static_cast<int>(s.n[0]), s.n[1] != 0));
}
inline void run_argsort(Run& run, const Step& s) {
  put(run, s, argsort(run.value(s.in[0]), static_cast<int>(s.n[0]), s.n[1] != 0));
}
inline void run_top_k(Run& run, const Step& s) {
  const int axis = static_cast<int>(s.n[0]);
  const Tensor& x = run.value(s.in[0]);
  const TopK best = top_k(x, s.n[2] % (x.dim(axis) + 1), axis);
  put(run, s, s.n[1] ? best.values : best.indices);
}

/// Indices made of any tensor: its own order along the axis, cut to a part of it.
inline Tensor indices_along(const Tensor& x, const Step& s) {
  const int axis = static_cast<int>(s.n[0]);
  const std::int64_t n = x.dim(axis);
  const Tensor order = argsort(x, axis);
  return (s.n[1] ? order : order - n * cast(less(order, n / 2), int64)) * std::int64_t{s.n[2] % 4 != 0};
}
inline void run_take_along(Run& run, const Step& s) {
  const Tensor& x = run.value(s.in[0]);
  put(run, s, take_along_axis(x, indices_along(x, s), static_cast<int>(s.n[0])));
}
inline void run_put_along(Run& run, const Step& s) {
  const Tensor& x = run.value(s.in[0]);
  const Tensor values = s.n[1] ? x : broadcast_like(number_of(run.set, s.n[2] % number_count), x);
  put(run, s, put_along_axis(x, indices_along(x, s), cast(values, x.dtype()), static_cast<int>(s.n[0])));
}

/// Places along the first axis from integers, as tuples of one number.
inline bool choose_places(Maker& m, Step& s) {
  const int x = m.any();
  const int places = m.any_with([&](int id) { return !m.floating(id) && m.value(id).size() <= 64; });
  if (places < 0 || m.shape(x).rank() == 0 || m.shape(x)[0] == 0) return false;
  s.in = {x, places};
  s.n = {m.random.below(2)};
  return true;
}
inline Tensor tuples_of(Run& run, const Step& s) {
  const std::int64_t n = run.value(s.in[0]).shape()[0];
  return expand_dims(indices_of(run.value(s.in[1]), n, -n), -1);
}
inline void run_gather_nd(Run& run, const Step& s) { put(run, s, gather_nd(run.value(s.in[0]), tuples_of(run, s))); }

/// Updates that come from the array itself, so that both have derivatives.
template <Tensor (*function)(const Arg&, const Arg&, const Arg&)>
void run_scatter(Run& run, const Step& s) {
  const Tensor &x = run.value(s.in[0]), tuples = tuples_of(run, s);
  const Tensor updates = gather_nd(x, tuples);
  put(run, s, function(x, tuples, s.n[0] || x.dtype() == bool_ ? updates : cast(updates * 0.5, x.dtype())));
}
template <Tensor (*function)(const Arg&, const Arg&, std::int64_t)>
void run_segments(Run& run, const Step& s) {
  const Tensor& x = run.value(s.in[0]);
  const Tensor ids = slice_axis(argsort(reshape(x, {x.shape()[0], -1}), 0), 1, {0, 1});
  put(run, s, function(x, reshape(ids, {-1}) - cast(greater(reshape(ids, {-1}), 0), int64), x.shape()[0]));
}
inline bool choose_segments(Maker& m, Step& s) {
  s.in = {m.any_with([&](int id) { return m.shape(id).rank() > 0 && m.value(id).size() > 0; })};
  return s.in[0] >= 0;
}

inline void run_search(Run& run, const Step& s) {
  const Tensor sorted = sort(reshape(run.value(s.in[0]), {-1}));
  put(run, s, searchsorted(sorted, run.value(s.in[1]), s.n[0] ? Side::right : Side::left));
}
inline bool choose_search(Maker& m, Step& s) {
  s.in = {m.any(), m.any()};
  s.n = {m.random.below(2)};
  return true;
}
inline void run_digitize(Run& run, const Step& s) {
  const Tensor bins = sort(reshape(run.value(s.in[0]), {-1}), 0, s.n[0] != 0);
  put(run, s, digitize(run.value(s.in[1]), bins, s.n[0] != 0));
}
inline void run_bincount(Run& run, const Step& s) {
  const Tensor ids = indices_of(run.value(s.in[0]), s.n[0], 0);
  put(run, s, bincount(ids, sin(cast(ids, float32)), 0, s.n[0]));
}
inline void run_histogram(Run& run, const Step& s) {
  put(run, s, histogram(run.value(s.in[0]), {.bins = 5, .low = -1, .high = 2}).counts);
}
inline void run_choose(Run& run, const Step& s) {
  const Tensor choices[] = {run.value(s.in[1]), run.value(s.in[0])};
  put(run, s, choose(cast(greater(run.value(s.in[0]), 0.1), int32), choices));
}
inline void run_select(Run& run, const Step& s) {
  const Tensor &a = run.value(s.in[0]), &b = run.value(s.in[1]);
  const Tensor conditions[] = {greater(a, 0.5), less(b, 0)}, choices[] = {b, a};
  put(run, s, select(conditions, choices, number_of(run.set, 9)));
}

}  // namespace random_program
