// Statistics, windows, sets, grids, parts of numbers and whole numbers up to 2^63, compared with what NumPy and PyTorch
// computed.

#include "reference_cases.hpp"

#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/bitwise.hpp>
#include <xgrad/ops/compare.hpp>
#include <xgrad/ops/creation.hpp>
#include <xgrad/ops/einsum.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/grids.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/numbers.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/scan.hpp>
#include <xgrad/ops/scatter.hpp>
#include <xgrad/ops/sets.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/special.hpp>
#include <xgrad/ops/statistics.hpp>
#include <xgrad/ops/windows.hpp>

using namespace xgrad;
using In = std::span<const Tensor>;

namespace {

template <Tensor (*function)(const Arg&)>
Tensor of_one(In in) {
  return function(in[0]);
}
template <Tensor (*function)(const Arg&, const Arg&)>
Tensor of_two(In in) {
  return function(in[0], in[1]);
}
std::int64_t whole(const Tensor& x) { return x.item<std::int64_t>(); }
const TensorOptions doubles{.dtype = float64};

template <Tensor (*window)(std::int64_t, TensorOptions)>
Tensor window_of(In in) {
  return window(whole(in[0]), doubles);
}

reference::Calls statistics() {
  return {
      {"cov", [](In in) { return cov(in[0]); }},
      {"cov_columns_biased", [](In in) { return cov(in[0], {.rowvar = false, .bias = true}); }},
      {"cov_weights", [](In in) { return cov(in[0], {.fweights = in[1], .aweights = in[2]}); }},
      {"corrcoef", [](In in) { return corrcoef(in[0]); }},
      {"moments_mean", [](In in) { return moments(in[0], -1).mean; }},
      {"moments_variance", [](In in) { return moments(in[0], -1).variance; }},
      {"normalize", [](In in) { return normalize(in[0]); }},
      {"normalize_3", [](In in) { return normalize(in[0], -1, 3); }},
      {"psnr", [](In in) { return psnr(in[0], in[1], 3); }},
      {"cdist", of_two<cdist>},
      {"trapezoid", [](In in) { return trapezoid(in[0], 0.3, 0); }},
      {"trapezoid_places", [](In in) { return trapezoid(in[0], in[1]); }},
      {"gradient_1", [](In in) { return gradient(in[0], 0.4); }},
      {"gradient_2", [](In in) { return gradient(in[0], 0.4, -1, 2); }},
      {"gradient_places_1", [](In in) { return gradient(in[0], in[1]); }},
      {"gradient_places_2", [](In in) { return gradient(in[0], in[1], -1, 2); }},
      {"unwrap", [](In in) { return unwrap(in[0]); }},
      {"unwrap_period", [](In in) { return unwrap(in[0], 1.8, 0, 3); }},
      {"ediff1d", [](In in) { return ediff1d(in[0]); }},
      {"interp", [](In in) { return interp(in[0], in[1], in[2]); }},
      {"interp_ends", [](In in) { return interp(in[0], in[1], in[2], {.left = -7.0, .right = 9.0}); }},
      {"interp_period", [](In in) { return interp(in[0], in[1], in[2], {.period = 1.5}); }},
      {"bartlett", window_of<bartlett>},
      {"blackman", window_of<blackman>},
      {"hamming", window_of<hamming>},
      {"hanning", window_of<hanning>},
      {"kaiser", [](In in) { return kaiser(whole(in[0]), in[1], doubles); }},
  };
}

reference::Calls sets() {
  return {
      {"union1d", of_two<union1d>},
      {"intersect1d", of_two<intersect1d>},
      {"setdiff1d", of_two<setdiff1d>},
      {"setxor1d", of_two<setxor1d>},
      {"in_top_k", [](In in) { return in_top_k(in[0], in[1], 2); }},
      {"lexsort", [](In in) { return lexsort(in); }},
      {"trim_zeros_f", [](In in) { return trim_zeros(in[0], "f"); }},
      {"trim_zeros_b", [](In in) { return trim_zeros(in[0], "b"); }},
      {"trim_zeros_fb", [](In in) { return trim_zeros(in[0]); }},
      {"histogram2d", [](In in) { return histogram2d(in[0], in[1], {.bins = 3}, {.bins = 4}).counts; }},
      {"histogram2d_density",
       [](In in) { return histogram2d(in[0], in[1], {.bins = 3}, {.bins = 4}, in[2], true).counts; }},
      {"histogramdd",
       [](In in) {
         const HistogramOptions one{.bins = 2, .low = -1, .high = 1};
         return histogramdd(in[0], std::array{one, one, one}).counts;
       }},
      {"histogram_bin_edges", [](In in) { return histogram_bin_edges(in[0], {.bins = 5}); }},
      {"nonzero_1", [](In in) { return nonzero(in[0])[1]; }},
      {"bincount", [](In in) { return bincount(in[0]); }},
      {"array_equal", [](In in) { return array_equal(in[0], in[1]); }},
      {"array_equiv", [](In in) { return array_equiv(in[0], in[1]); }},
      {"allclose", [](In in) { return allclose(in[0], in[1]); }},
      {"nanargmax", [](In in) { return nanargmax(in[0], -1); }},
      {"nanargmin", [](In in) { return nanargmin(in[0], -1); }},
      {"nanargmax_all", [](In in) { return nanargmax(in[0]); }},
      {"nanmedian", [](In in) { return nanmedian(in[0], -1); }},
      {"nanquantile", [](In in) { return nanquantile(in[0], 0.3, -1); }},
      {"nanpercentile", [](In in) { return nanpercentile(in[0], 85, -1); }},
      {"nanquantile_linear", [](In in) { return nanquantile(in[0], 0.35, -1); }},
      {"nanquantile_lower", [](In in) { return nanquantile(in[0], 0.35, -1, false, "lower"); }},
      {"nanquantile_higher", [](In in) { return nanquantile(in[0], 0.35, -1, false, "higher"); }},
      {"nanquantile_nearest", [](In in) { return nanquantile(in[0], 0.35, -1, false, "nearest"); }},
      {"nanquantile_midpoint", [](In in) { return nanquantile(in[0], 0.35, -1, false, "midpoint"); }},
      {"nanquantile_inverted_cdf", [](In in) { return nanquantile(in[0], 0.35, -1, false, "inverted_cdf"); }},
      {"nanquantile_averaged_inverted_cdf",
       [](In in) { return nanquantile(in[0], 0.35, -1, false, "averaged_inverted_cdf"); }},
      {"nanquantile_closest_observation",
       [](In in) { return nanquantile(in[0], 0.35, -1, false, "closest_observation"); }},
      {"nanquantile_interpolated_inverted_cdf",
       [](In in) { return nanquantile(in[0], 0.35, -1, false, "interpolated_inverted_cdf"); }},
      {"nanquantile_hazen", [](In in) { return nanquantile(in[0], 0.35, -1, false, "hazen"); }},
      {"nanquantile_weibull", [](In in) { return nanquantile(in[0], 0.35, -1, false, "weibull"); }},
      {"nanquantile_median_unbiased", [](In in) { return nanquantile(in[0], 0.35, -1, false, "median_unbiased"); }},
      {"nanquantile_normal_unbiased", [](In in) { return nanquantile(in[0], 0.35, -1, false, "normal_unbiased"); }},
  };
}

reference::Calls grids() {
  return {
      {"tril_indices_0", [](In in) { return tril_indices(whole(in[0]), whole(in[1]), whole(in[2]))[0]; }},
      {"tril_indices_1", [](In in) { return tril_indices(whole(in[0]), whole(in[1]), whole(in[2]))[1]; }},
      {"triu_indices_0", [](In in) { return triu_indices(whole(in[0]), whole(in[1]), whole(in[2]))[0]; }},
      {"triu_indices_1", [](In in) { return triu_indices(whole(in[0]), whole(in[1]), whole(in[2]))[1]; }},
      {"tril_indices_from_0", [](In in) { return tril_indices_from(in[0], whole(in[1]))[0]; }},
      {"tril_indices_from_1", [](In in) { return tril_indices_from(in[0], whole(in[1]))[1]; }},
      {"triu_indices_from_0", [](In in) { return triu_indices_from(in[0], whole(in[1]))[0]; }},
      {"triu_indices_from_1", [](In in) { return triu_indices_from(in[0], whole(in[1]))[1]; }},
      {"indices_0",
       [](In in) {
         return indices({whole(in[0]), whole(in[1])})[0];
       }},
      {"indices_1",
       [](In in) {
         return indices({whole(in[0]), whole(in[1])})[1];
       }},
      {"unravel_index_0",
       [](In in) {
         return unravel_index(in[0], {whole(in[1]), whole(in[2])})[0];
       }},
      {"unravel_index_1",
       [](In in) {
         return unravel_index(in[0], {whole(in[1]), whole(in[2])})[1];
       }},
      {"ravel_multi_index",
       [](In in) {
         return ravel_multi_index(in.first(2), {whole(in[2]), whole(in[3])});
       }},
      {"ix_0",
       [](In in) {
         return ix_({in[0], in[1]})[0];
       }},
      {"ix_1",
       [](In in) {
         return ix_({in[0], in[1]})[1];
       }},
      {"diag_indices", [](In in) { return diag_indices(whole(in[0]), 3)[2]; }},
      {"diag_indices_from", [](In in) { return diag_indices_from(in[0])[1]; }},
      {"broadcast_shapes",
       [](In in) {
         return zeros(broadcast_shapes({{whole(in[0]), 1}, {1, whole(in[1])}}), doubles);
       }},
      {"eye", [](In in) { return eye(whole(in[0]), whole(in[2]), whole(in[1]), doubles); }},
      {"tri", [](In in) { return tri(whole(in[0]), whole(in[2]), whole(in[1]), doubles); }},
      {"identity", [](In in) { return identity(whole(in[0]), doubles); }},
      {"zeros",
       [](In in) {
         return zeros({whole(in[0]), whole(in[1])}, doubles);
       }},
      {"ones",
       [](In in) {
         return ones({whole(in[0]), whole(in[1])}, doubles);
       }},
      {"arange", [](In in) { return arange(whole(in[0]) * whole(in[1])); }},
      {"arange_steps", [](In in) { return arange(in[0].item(), in[0].item() + 0.3 * in[1].item(), 0.25, doubles); }},
      {"reshape_like", of_two<reshape_like>},
      {"hsplit_0", [](In in) { return hsplit(in[0], 2)[0]; }},
      {"hsplit_1", [](In in) { return hsplit(in[0], 2)[1]; }},
      {"vsplit_0", [](In in) { return vsplit(in[0], 2)[0]; }},
      {"vsplit_1", [](In in) { return vsplit(in[0], 2)[1]; }},
      {"dsplit_0", [](In in) { return dsplit(in[0], 2)[0]; }},
      {"dsplit_1", [](In in) { return dsplit(in[0], 2)[1]; }},
  };
}

reference::Calls numbers() {
  return {
      {"modf_fraction", [](In in) { return modf(in[0]).fraction; }},
      {"modf_whole", [](In in) { return modf(in[0]).whole; }},
      {"frexp_mantissa", [](In in) { return frexp(in[0]).mantissa; }},
      {"frexp_exponent", [](In in) { return frexp(in[0]).exponent; }},
      {"spacing", of_one<spacing>},
      {"ldexp", of_two<xgrad::ldexp>},
      {"rsqrt", of_one<rsqrt>},
      {"saturate_cast_float32", [](In in) { return saturate_cast(in[0], float32); }},
      {"saturate_cast_int32", [](In in) { return saturate_cast(in[0], int32); }},
      {"divmod_quotient", [](In in) { return divmod(in[0], in[1]).quotient; }},
      {"divmod_remainder", [](In in) { return divmod(in[0], in[1]).remainder; }},
      {"divide_no_nan", of_two<divide_no_nan>},
      {"vecmat", of_two<vecmat>},
      {"matrix_norm_fro", [](In in) { return matrix_norm(in[0]); }},
      {"matrix_norm_nuc", [](In in) { return matrix_norm(in[0], "nuc"); }},
      {"matrix_norm_1", [](In in) { return matrix_norm(in[0], 1); }},
      {"matrix_norm_minus_1", [](In in) { return matrix_norm(in[0], -1); }},
      {"matrix_norm_inf", [](In in) { return matrix_norm(in[0], HUGE_VAL); }},
      {"matrix_norm_minus_inf", [](In in) { return matrix_norm(in[0], -HUGE_VAL); }},
      {"argwhere", [](In in) { return argwhere(in[0]); }},
      {"one_hot", [](In in) { return one_hot(in[0], 5, float64); }},
      {"slice_axis", [](In in) { return slice_axis(in[0], -1, {.start = in[0].dim(-1) / 2}); }},
      {"scatter_update", [](In in) { return scatter_update(in[0], in[1], in[2]); }},
      {"cholesky_inverse", [](In in) { return cholesky_inverse((in[0] + matrix_transpose(in[0])) / 2); }},
      {"tensorinv",
       [](In in) {
         const std::int64_t n = in[0].dim(0) / 2;
         return tensorinv(reshape(in[0], {2, n, 2 * n}));
       }},
      {"tensorsolve",
       [](In in) {
         const std::int64_t n = in[0].dim(0) / 2;
         return tensorsolve(reshape(in[0], {2, n, 2 * n}), in[1]);
       }},
      {"segment_min", [](In in) { return segment_min(in[0], in[1], 4); }},
      {"segment_max", [](In in) { return segment_max(in[0], in[1], 4); }},
      {"segment_prod", [](In in) { return segment_prod(in[0], in[1], 4); }},
  };
}

reference::Calls gradients() {
  return {
      {"reciprocal", of_one<reciprocal>},
      {"digamma_near_poles", of_one<digamma>},
      {"polygamma_1_near_poles", [](In in) { return polygamma(1, in[0]); }},
      {"polygamma_5_near_poles", [](In in) { return polygamma(5, in[0]); }},
      {"fabs", of_one<xgrad::fabs>},
      {"deg2rad", of_one<deg2rad>},
      {"rad2deg", of_one<rad2deg>},
      {"float_power_both", of_two<float_power>},
      {"nan_to_num", [](In in) { return nan_to_num(in[0]); }},
      {"sort_last", [](In in) { return sort(in[0]); }},
      {"full_like_value", of_two<full_like>},
      {"bincount_weights", [](In in) { return bincount(in[0], in[1], 6); }},
      {"histogram_weights",
       [](In in) { return histogram(in[0], {.bins = 3, .low = -2, .high = 2, .weights = in[1]}).counts; }},
      {"histogram_bin_edges_4", [](In in) { return histogram_bin_edges(in[0], {.bins = 4}); }},
      {"select", [](In in) { return select(in.first(1), in.subspan(1, 1), in[2]); }},
      {"choose", [](In in) { return choose(in[0], in.subspan(1)); }},
      {"extract", of_two<extract>},
      {"compress_first", [](In in) { return compress(in[0], in[1], 0); }},
      {"trim_zeros_both", [](In in) { return trim_zeros(in[0]); }},
      {"unique", [](In in) { return unique(in[0]).values; }},
      {"cast", [](In in) { return cast(in[0], float64); }},
      {"saturate_cast", [](In in) { return saturate_cast(in[0], float64); }},
      {"round_1", [](In in) { return xgrad::round(in[0], 1); }},
      {"matrix_power_3", [](In in) { return matrix_power(in[0], 3); }},
  };
}

reference::Calls activations() {
  return {
      {"elu", [](In in) { return elu(in[0]); }},
      {"selu", [](In in) { return selu(in[0]); }},
      {"gelu", [](In in) { return gelu(in[0]); }},
      {"silu", [](In in) { return silu(in[0]); }},
      {"swish", [](In in) { return swish(in[0]); }},
      {"mish", [](In in) { return mish(in[0]); }},
      {"relu6", [](In in) { return relu6(in[0]); }},
      {"log_sigmoid", [](In in) { return log_sigmoid(in[0]); }},
      {"softsign", [](In in) { return softsign(in[0]); }},
      {"tanh_shrink", [](In in) { return tanh_shrink(in[0]); }},
      {"squareplus", [](In in) { return squareplus(in[0]); }},
      {"hard_sigmoid", [](In in) { return hard_sigmoid(in[0]); }},
      {"hard_silu", [](In in) { return hard_silu(in[0]); }},
      {"hard_swish", [](In in) { return hard_swish(in[0]); }},
      {"hard_tanh", [](In in) { return hard_tanh(in[0]); }},
      {"hard_shrink", [](In in) { return hard_shrink(in[0]); }},
      {"soft_shrink", [](In in) { return soft_shrink(in[0]); }},
      {"sparse_plus", [](In in) { return sparse_plus(in[0]); }},
      {"sparse_sigmoid", [](In in) { return sparse_sigmoid(in[0]); }},
      {"glu", [](In in) { return glu(in[0]); }},
      {"sparsemax", [](In in) { return sparsemax(in[0]); }},
      {"binary_step", [](In in) { return binary_step(in[0]); }},
      {"leaky_relu", [](In in) { return leaky_relu(in[0]); }},
      {"celu", [](In in) { return celu(in[0], 0.7); }},
      {"gelu_tanh", [](In in) { return gelu(in[0], true); }},
      {"threshold", [](In in) { return threshold(in[0], 0.3, -1); }},
  };
}

reference::Calls whole_numbers() {
  return {
      {"add", of_two<add>},
      {"subtract", of_two<subtract>},
      {"multiply", of_two<multiply>},
      {"maximum", of_two<maximum>},
      {"minimum", of_two<minimum>},
      {"fmax", of_two<xgrad::fmax>},
      {"fmin", of_two<xgrad::fmin>},
      {"bitwise_and", of_two<bitwise_and>},
      {"bitwise_or", of_two<bitwise_or>},
      {"bitwise_xor", of_two<bitwise_xor>},
      {"equal", of_two<equal>},
      {"not_equal", of_two<not_equal>},
      {"less", of_two<less>},
      {"greater_equal", of_two<greater_equal>},
      {"negative", of_one<negative>},
      {"positive", of_one<positive>},
      {"square", of_one<square>},
      {"sign", of_one<sign>},
      {"abs", of_one<xgrad::abs>},
      {"invert", [](In in) { return invert(in[0]); }},
      {"floor_divide", of_two<floor_divide>},
      {"remainder", of_two<xgrad::remainder>},
      {"fmod", of_two<xgrad::fmod>},
      {"bitwise_count", of_one<bitwise_count>},
      {"clip", [](In in) { return clip(in[0], INT64_MIN + 9, INT64_MAX - 9); }},
      {"sum", [](In in) { return sum(in[0]); }},
      {"prod", [](In in) { return prod(in[0]); }},
      {"max", [](In in) { return max(in[0]); }},
      {"min", [](In in) { return min(in[0]); }},
      {"ptp", [](In in) { return ptp(in[0]); }},
      {"cumsum", [](In in) { return cumsum(in[0]); }},
      {"cumprod", [](In in) { return cumprod(in[0]); }},
      {"argmax", [](In in) { return argmax(in[0]); }},
      {"argmin", [](In in) { return argmin(in[0]); }},
      {"sort", [](In in) { return sort(in[0]); }},
      {"argsort", [](In in) { return argsort(in[0]); }},
      {"diff", [](In in) { return diff(in[0]); }},
      {"matmul", of_two<matmul>},
      {"dot", of_two<dot>},
      {"trace", [](In in) { return trace(in[0]); }},
      {"where", [](In in) { return where(in[0], in[1], in[2]); }},
      {"power_3", [](In in) { return power(in[0], 3); }},
      {"einsum", [](In in) { return einsum("i,i->", in); }},
      {"outer", of_two<outer>},
      {"kron", of_two<kron>},
      {"cross", [](In in) { return cross(in[0], in[1]); }},
      {"take",
       [](In in) {
         return take(in[0], tensor({3, 1}, {.dtype = int64}));
       }},
      {"matrix_power", [](In in) { return matrix_power(in[0], 5); }},
      {"lcm", of_two<xgrad::lcm>},
      {"gcd", of_two<xgrad::gcd>},
  };
}

}  // namespace

TEST_CASE("statistics, sets, grids, parts of numbers and whole numbers up to 2^63 are NumPy's") {
  reference::Calls calls = statistics();
  for (const reference::Calls& more : {sets(), grids(), numbers(), gradients(), activations(), whole_numbers()})
    calls.insert(more.begin(), more.end());
  reference::check_reference("everyday_values.json", calls);
}
