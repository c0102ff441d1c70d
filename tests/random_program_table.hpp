#pragma once
// The kinds of steps random programs are made of: one row each.

#include "random_program_forms.hpp"
#include "random_program_forms_reduce.hpp"
#include "random_program_forms_linear.hpp"
#include "random_program_forms_indexing.hpp"

namespace random_program {

inline std::span<const Form> forms() {
  static const Form rows[] = {
      {"leaf", 5,
       [](Run& r, const Step& s) {
         put(r, s, leaf_of(r.set, shape_from(s.n, 3), static_cast<DType>(s.n[0]), s.n[1], s.n[2]));
       },
       [](Maker& m, Step&) { return m.leaf(m.any_shape(), m.any_dtype()), false; }},
      {"number", 1, [](Run& r, const Step& s) { put(r, s, Tensor(number_of(r.set, s.n[0]))); },
       [](Maker& m, Step& s) { return s.n = {m.random.below(number_count)}, true; }},
      {"add", 5, run_binary<add>, choose_binary},
      {"subtract", 4, run_binary<subtract>, choose_binary},
      {"multiply", 6, run_binary<multiply>, choose_binary},
      {"divide", 3, run_binary<divide>, choose_binary},
      {"power", 1, run_binary<power>, choose_binary},
      {"maximum", 3, run_binary<maximum>, choose_binary},
      {"minimum", 2, run_binary<minimum>, choose_binary},
      {"equal", 1, run_binary<equal>, choose_binary},
      {"not_equal", 1, run_binary<not_equal>, choose_binary},
      {"less", 2, run_binary<less>, choose_binary},
      {"greater_equal", 1, run_binary<greater_equal>, choose_binary},
      {"logical_and", 1, run_binary<logical_and>, choose_binary},
      {"logical_or", 1, run_binary<logical_or>, choose_binary},
      {"add_number", 3, run_with_number<add>, choose_number},
      {"subtract_number", 2, run_with_number<subtract>, choose_number},
      {"multiply_number", 4, run_with_number<multiply>, choose_number},
      {"divide_number", 2, run_with_number<divide>, choose_number},
      {"power_number", 2, run_with_number<power>, choose_number},
      {"maximum_number", 1, run_with_number<maximum>, choose_number},
      {"less_number", 1, run_with_number<less>, choose_number},
      {"negative", 1, run_unary<negative>, choose_unary},
      {"exp", 1, run_unary<exp>, choose_unary},
      {"expm1", 1, run_unary<expm1>, choose_unary},
      {"log", 1, run_unary<log>, choose_unary},
      {"log1p", 1, run_unary<log1p>, choose_unary},
      {"sqrt", 1, run_unary<xgrad::sqrt>, choose_unary},
      {"square", 2, run_unary<square>, choose_unary},
      {"reciprocal", 1, run_unary<reciprocal>, choose_unary},
      {"abs", 1, run_unary<xgrad::abs>, choose_unary},
      {"sign", 1, run_unary<sign>, choose_unary},
      {"sin", 1, run_unary<xgrad::sin>, choose_unary},
      {"cos", 1, run_unary<xgrad::cos>, choose_unary},
      {"tanh", 2, run_unary<xgrad::tanh>, choose_unary},
      {"floor", 1, run_unary<xgrad::floor>, choose_unary},
      {"sigmoid", 2, run_unary<sigmoid>, choose_unary},
      {"softplus", 1, run_unary<softplus>, choose_unary},
      {"relu", 2, run_unary<relu>, choose_unary},
      {"logical_not", 1, run_unary<logical_not>, choose_unary},
      {"isnan", 1, run_unary<xgrad::isnan>, choose_unary},
      {"isfinite", 1, run_unary<xgrad::isfinite>, choose_unary},
      {"stop_gradient", 1, run_unary<stop_gradient>, choose_unary},
      {"zeros_like", 1, run_unary<zeros_like>, choose_unary},
      {"ones_like", 1, run_unary<ones_like>, choose_unary},
      {"where", 3,
       [](Run& r, const Step& s) { put(r, s, where(r.value(s.in[0]), r.value(s.in[1]), r.value(s.in[2]))); },
       [](Maker& m, Step& s) {
         const int a = m.any();
         s.in = {m.partner(a), a, m.partner(a)};
         return true;
       }},
      {"clip", 1,
       [](Run& r, const Step& s) { put(r, s, clip(r.value(s.in[0]), -0.5, number_of(r.set, s.n[0]))); }, choose_number},
      {"cast", 4, [](Run& r, const Step& s) { put(r, s, cast(r.value(s.in[0]), static_cast<DType>(s.n[0]))); },
       [](Maker& m, Step& s) { return s.in = {m.any()}, s.n = {static_cast<std::int64_t>(m.any_dtype())}, true; }},
      {"sum", 7, run_fold<sum>, choose_fold},
      {"mean", 5, run_fold<mean>, choose_fold},
      {"var", 2, run_fold<var_of>, choose_fold},
      {"max", 3, run_fold<xgrad::max>, choose_fold},
      {"min", 2, run_fold<xgrad::min>, choose_fold},
      {"logsumexp", 1, run_fold<logsumexp>, choose_fold},
      {"argmax", 2, run_arg<argmax>, choose_arg},
      {"argmin", 1, run_arg<argmin>, choose_arg},
      {"cumsum", 2, run_fold<cumsum>, choose_scan},
      {"cumprod", 1, run_fold<cumprod>, choose_scan},
      {"cummax", 1, run_fold<cummax>, choose_scan},
      {"cummin", 1, run_fold<cummin>, choose_scan},
      {"logcumsumexp", 1, run_fold<logcumsumexp>, choose_scan},
      {"diff", 1, run_diff, choose_diff},
      {"linear_recurrence", 1, run_recurrence, choose_axis},
      {"softmax", 3, run_axis<softmax>, choose_axis},
      {"log_softmax", 2, run_axis<log_softmax>, choose_axis},
      {"broadcast_to", 5,
       [](Run& r, const Step& s) { put(r, s, broadcast_to(r.value(s.in[0]), shape_from(s.n, 0))); }, choose_broadcast},
      {"broadcast_like", 1, run_binary<broadcast_like>, choose_binary},
      {"sum_like", 1, run_binary<sum_like>, choose_binary},
      {"reshape", 6, [](Run& r, const Step& s) { put(r, s, reshape(r.value(s.in[0]), shape_from(s.n, 0))); },
       choose_reshape},
      {"minus_sums", 3, run_minus_sums, choose_minus_sums},
      {"rows_minus_columns", 2, run_both_ways, choose_both_ways},
      {"transpose", 4, run_transpose, choose_transpose},
      {"expand_dims", 2, run_axis<expand_dims>, choose_axis},
      {"slice", 4, run_slice, choose_slice},
      {"differences", 2, run_differences, choose_differences},
      {"concatenate", 3, run_concatenate, choose_concatenate},
      {"matmul", 9, run_binary<matmul>, choose_matmul},
      {"dot", 1, run_binary<dot>, choose_matmul},
      {"vecdot", 1, run_binary<vecdot_last>, choose_same_last},
      {"vdot", 1, run_binary<vdot>, choose_alike},
      {"inner", 2, run_binary<inner>, choose_same_last},
      {"outer", 1, run_binary<outer>, choose_small},
      {"tensordot", 1, run_binary<tensordot_last>, choose_same_last},
      {"kron", 1, run_binary<kron>, choose_small},
      {"einsum", 3, run_einsum, choose_einsum},
      {"multi_dot", 1, run_chain, choose_chain},
      {"cross", 1, run_cross, choose_cross},
      {"vander", 1, run_vander, choose_vander},
      {"convolve", 2, run_convolve, choose_convolve},
      {"square_algebra", 3, run_square_algebra, choose_square_algebra},
      {"any_algebra", 2, run_any_algebra, choose_any_algebra},
      {"take", 3, run_take, choose_take},
      {"one_hot", 1, [](Run& r, const Step& s) { put(r, s, one_hot(r.value(s.in[0]), s.n[0])); }, choose_integers},
      {"check_labels", 1,
       [](Run& r, const Step& s) { put(r, s, check_labels(indices_of(r.value(s.in[0]), s.n[0], 0), s.n[0])); },
       choose_integers},
      {"sort", 2, run_sort, choose_any_axis},
      {"argsort", 1, run_argsort, choose_any_axis},
      {"top_k", 2, run_top_k, choose_any_axis},
      {"take_along_axis", 2, run_take_along, choose_any_axis},
      {"put_along_axis", 1, run_put_along, choose_any_axis},
      {"gather_nd", 1, run_gather_nd, choose_places},
      {"scatter_update", 1, run_scatter<scatter_update>, choose_places},
      {"scatter_add", 1, run_scatter<scatter_add>, choose_places},
      {"scatter_multiply", 1, run_scatter<scatter_multiply>, choose_places},
      {"scatter_max", 1, run_scatter<scatter_max>, choose_places},
      {"scatter_min", 1, run_scatter<scatter_min>, choose_places},
      {"segment_sum", 1, run_segments<segment_sum>, choose_segments},
      {"segment_max", 1, run_segments<segment_max>, choose_segments},
      {"searchsorted", 1, run_search, choose_search},
      {"digitize", 1, run_digitize, choose_search},
      {"isin", 1, [](Run& r, const Step& s) { put(r, s, isin(r.value(s.in[0]), r.value(s.in[1]), s.n[0] != 0)); },
       choose_search},
      {"bincount", 1, run_bincount, choose_integers},
      {"histogram", 1, run_histogram, choose_unary},
      {"choose", 1, run_choose, choose_binary},
      {"select", 1, run_select, choose_binary},
      {"uniform", 2, [](Run& r, const Step& s) { draw(r, s, [](auto&& n, auto o) { return uniform(n, 0, 1, o); }); },
       choose_draw},
      {"normal", 1, [](Run& r, const Step& s) { draw(r, s, [](auto&& n, auto o) { return normal(n, 1, 2, o); }); },
       choose_draw},
      {"truncated_normal", 1,
       [](Run& r, const Step& s) { draw(r, s, [](auto&& n, auto o) { return truncated_normal(n, 0, 1, o); }); },
       choose_draw},
      {"bernoulli", 1, [](Run& r, const Step& s) { draw(r, s, [](auto&& n, auto o) { return bernoulli(n, 0.7, o); }); },
       choose_draw},
      {"dropout", 3,
       [](Run& r, const Step& s) {
         const Tensor& x = r.value(s.in[0]);
         put(r, s, x * bernoulli_like(x, 0.8, &r.generator) / 0.8);
       },
       choose_floating},
      {"normal_like", 1, [](Run& r, const Step& s) { put(r, s, normal_like(r.value(s.in[0]), &r.generator)); },
       choose_unary},
      {"permutation", 1, [](Run& r, const Step& s) { put(r, s, permutation(s.n[0], &r.generator)); },
       [](Maker& m, Step& s) { return s.n = {m.random.below(20)}, true; }},
      {"grad", 14, run_grad, choose_grad},
      {"jvp_of_ones", 2, run_jvp, choose_jvp},
      {"use", 9, [](Run& r, const Step& s) { put(r, s, parameter(r, s.n[0])); }, choose_parameter},
      {"assign", 2,
       [](Run& r, const Step& s) { parameter(r, s.n[0]).assign(fitted(r.value(s.in[0]), parameter(r, s.n[0]))); },
       choose_assign},
      {"assign_average", 3,
       [](Run& r, const Step& s) {
         const Parameter& p = parameter(r, s.n[0]);
         const double rate = number_of(r.set, s.n[1]);
         p.assign(rate * p + (1 - rate) * fitted(r.value(s.in[0]), p));
       },
       choose_assign},
      {"sgd", 5, run_sgd, choose_train},
      {"adam", 4, run_adam, choose_train},
      {"backward", 2, run_backward, choose_backward},
      {"gradient_of", 2, [](Run& r, const Step& s) { put(r, s, parameter(r, s.n[0]).grad()); },
       [](Maker& m, Step& s) { return choose_parameter(m, s) && parameter(m.run, s.n[0]).grad().defined(); }},
      {"zero_grad", 1, [](Run& r, const Step& s) { parameter(r, s.n[0]).zero_grad(); },
       [](Maker& m, Step& s) { return s.out.clear(), choose_parameter(m, s); }},
      {"eval", 4, [](Run& r, const Step& s) { if (!r.only_record) r.value(s.in[0]).eval(); },
       [](Maker& m, Step& s) { return s.out.clear(), choose_unary(m, s); }},
      {"drop", 7, [](Run& r, const Step& s) { forget(r, s.in[0]); },
       [](Maker& m, Step& s) {
         if (m.live.size() < 3) return false;
         const int id = m.any();
         s.out.clear();
         s.in = {id};
         m.live.erase(std::find(m.live.begin(), m.live.end(), id));
         return true;
       }},
  };
  return rows;
}

inline const Form& form(const char* name) {
  for (const Form& row : forms())
    if (std::strcmp(row.name, name) == 0) return row;
  throw ValueError(std::string("no form of steps named ") + name);
}

}  // namespace random_program
