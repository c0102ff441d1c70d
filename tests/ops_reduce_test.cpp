#include <xgrad/graph/rerecord.hpp>
#include <xgrad/kernels/pool.hpp>
#include <xgrad/kernels/scans.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include "reference_cases.hpp"

using namespace xgrad;
using In = std::span<const Tensor>;

namespace {

const double inf = HUGE_VAL, nan_value = std::nan("");

Tensor waves(const Shape& shape) {
  std::vector<double> values(static_cast<std::size_t>(shape.size()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(0.7 * static_cast<double>(i) + 0.3);
  return tensor(values, shape);
}

std::vector<double> of(const Tensor& x) { return x.to_vector<double>(); }

/// Calls by name, in braces of their own so that each is compiled as a row of data.
reference::Calls reductions() {
  return {
      {"mean", [](In in) { return mean(in[0], Axes{}); }},
      {"mean_last", [](In in) { return mean(in[0], -1); }},
      {"mean_outer",
       [](In in) {
         return mean(in[0], {0, 2});
       }},
      {"var", [](In in) { return var(in[0], Axes{}); }},
      {"var_last", [](In in) { return var(in[0], -1); }},
      {"var_outer",
       [](In in) {
         return var(in[0], {0, 2});
       }},
      {"std", [](In in) { return xgrad::std(in[0], Axes{}); }},
      {"std_last", [](In in) { return xgrad::std(in[0], -1); }},
      {"std_outer",
       [](In in) {
         return xgrad::std(in[0], {0, 2});
       }},
      {"prod", [](In in) { return prod(in[0], Axes{}); }},
      {"prod_last", [](In in) { return prod(in[0], -1); }},
      {"prod_outer",
       [](In in) {
         return prod(in[0], {0, 2});
       }},
      {"max", [](In in) { return max(in[0], Axes{}); }},
      {"max_last", [](In in) { return max(in[0], -1); }},
      {"max_outer",
       [](In in) {
         return max(in[0], {0, 2});
       }},
      {"min", [](In in) { return min(in[0], Axes{}); }},
      {"min_last", [](In in) { return min(in[0], -1); }},
      {"min_outer",
       [](In in) {
         return min(in[0], {0, 2});
       }},
      {"ptp", [](In in) { return ptp(in[0], Axes{}); }},
      {"ptp_last", [](In in) { return ptp(in[0], -1); }},
      {"ptp_outer",
       [](In in) {
         return ptp(in[0], {0, 2});
       }},
      {"vector_norm", [](In in) { return vector_norm(in[0], Axes{}); }},
      {"vector_norm_last", [](In in) { return vector_norm(in[0], -1); }},
      {"vector_norm_outer",
       [](In in) {
         return vector_norm(in[0], {0, 2});
       }},
      {"nansum", [](In in) { return nansum(in[0], Axes{}); }},
      {"nansum_last", [](In in) { return nansum(in[0], -1); }},
      {"nansum_outer",
       [](In in) {
         return nansum(in[0], {0, 2});
       }},
      {"nanprod", [](In in) { return nanprod(in[0], Axes{}); }},
      {"nanprod_last", [](In in) { return nanprod(in[0], -1); }},
      {"nanprod_outer",
       [](In in) {
         return nanprod(in[0], {0, 2});
       }},
      {"nanmean", [](In in) { return nanmean(in[0], Axes{}); }},
      {"nanmean_last", [](In in) { return nanmean(in[0], -1); }},
      {"nanmean_outer",
       [](In in) {
         return nanmean(in[0], {0, 2});
       }},
      {"nanstd", [](In in) { return nanstd(in[0], Axes{}); }},
      {"nanstd_last", [](In in) { return nanstd(in[0], -1); }},
      {"nanstd_outer",
       [](In in) {
         return nanstd(in[0], {0, 2});
       }},
      {"nanmax", [](In in) { return nanmax(in[0], Axes{}); }},
      {"nanmax_last", [](In in) { return nanmax(in[0], -1); }},
      {"nanmax_outer",
       [](In in) {
         return nanmax(in[0], {0, 2});
       }},
      {"nanmin", [](In in) { return nanmin(in[0], Axes{}); }},
      {"nanmin_last", [](In in) { return nanmin(in[0], -1); }},
      {"nanmin_outer",
       [](In in) {
         return nanmin(in[0], {0, 2});
       }},
      {"median", [](In in) { return median(in[0], Axes{}); }},
      {"median_last", [](In in) { return median(in[0], -1); }},
      {"median_outer",
       [](In in) {
         return median(in[0], {0, 2});
       }},
      {"sum", [](In in) { return sum(in[0], Axes{}); }},
      {"sum_last", [](In in) { return sum(in[0], -1); }},
      {"sum_outer",
       [](In in) {
         return sum(in[0], {0, 2});
       }},
      {"count_nonzero", [](In in) { return count_nonzero(in[0], Axes{}); }},
      {"count_nonzero_last", [](In in) { return count_nonzero(in[0], -1); }},
      {"count_nonzero_outer",
       [](In in) {
         return count_nonzero(in[0], {0, 2});
       }},
      {"any", [](In in) { return any(in[0], Axes{}); }},
      {"any_last", [](In in) { return any(in[0], -1); }},
      {"any_outer",
       [](In in) {
         return any(in[0], {0, 2});
       }},
      {"all", [](In in) { return all(in[0], Axes{}); }},
      {"all_last", [](In in) { return all(in[0], -1); }},
      {"all_outer",
       [](In in) {
         return all(in[0], {0, 2});
       }},
      {"var_1", [](In in) { return var(in[0], Axes{}, false, 1); }},
      {"nanvar_1", [](In in) { return nanvar(in[0], Axes{}, false, 1); }},
      {"logsumexp", [](In in) { return logsumexp(in[0], Axes{}); }},
      {"vector_norm_1", [](In in) { return vector_norm(in[0], Axes{}, false, 1); }},
      {"vector_norm_3", [](In in) { return vector_norm(in[0], Axes{}, false, 3); }},
      {"vector_norm_half", [](In in) { return vector_norm(in[0], Axes{}, false, 0.5); }},
      {"vector_norm_inf", [](In in) { return vector_norm(in[0], Axes{}, false, inf); }},
      {"vector_norm_minus_2", [](In in) { return vector_norm(in[0], Axes{}, false, -2); }},
      {"quantile",
       [](In in) {
         return quantile(in[0], {0.2, 0.9, 0.35}, Axes{});
       }},
      {"var_1_last", [](In in) { return var(in[0], -1, false, 1); }},
      {"nanvar_1_last", [](In in) { return nanvar(in[0], -1, false, 1); }},
      {"logsumexp_last", [](In in) { return logsumexp(in[0], -1); }},
      {"vector_norm_1_last", [](In in) { return vector_norm(in[0], -1, false, 1); }},
      {"vector_norm_3_last", [](In in) { return vector_norm(in[0], -1, false, 3); }},
      {"vector_norm_half_last", [](In in) { return vector_norm(in[0], -1, false, 0.5); }},
      {"vector_norm_inf_last", [](In in) { return vector_norm(in[0], -1, false, inf); }},
      {"vector_norm_minus_2_last", [](In in) { return vector_norm(in[0], -1, false, -2); }},
      {"quantile_last",
       [](In in) {
         return quantile(in[0], {0.2, 0.9, 0.35}, -1);
       }},
      {"var_1_outer",
       [](In in) {
         return var(in[0], {0, 2}, false, 1);
       }},
      {"nanvar_1_outer",
       [](In in) {
         return nanvar(in[0], {0, 2}, false, 1);
       }},
      {"logsumexp_outer",
       [](In in) {
         return logsumexp(in[0], {0, 2});
       }},
      {"vector_norm_1_outer",
       [](In in) {
         return vector_norm(in[0], {0, 2}, false, 1);
       }},
      {"vector_norm_3_outer",
       [](In in) {
         return vector_norm(in[0], {0, 2}, false, 3);
       }},
      {"vector_norm_half_outer",
       [](In in) {
         return vector_norm(in[0], {0, 2}, false, 0.5);
       }},
      {"vector_norm_inf_outer",
       [](In in) {
         return vector_norm(in[0], {0, 2}, false, inf);
       }},
      {"vector_norm_minus_2_outer",
       [](In in) {
         return vector_norm(in[0], {0, 2}, false, -2);
       }},
      {"quantile_outer",
       [](In in) {
         return quantile(in[0], {0.2, 0.9, 0.35}, {0, 2});
       }},
      {"argmax_last", [](In in) { return argmax(in[0], -1); }},
      {"argmax_first", [](In in) { return argmax(in[0], 0); }},
      {"argmin_last", [](In in) { return argmin(in[0], -1); }},
      {"argmin_first", [](In in) { return argmin(in[0], 0); }},
      {"norm_1",
       [](In in) {
         return norm(in[0], 1, {-2, -1});
       }},
      {"norm_1_axes",
       [](In in) {
         return norm(in[0], 1, {2, 0});
       }},
      {"norm_minus_1",
       [](In in) {
         return norm(in[0], -1, {-2, -1});
       }},
      {"norm_minus_1_axes",
       [](In in) {
         return norm(in[0], -1, {2, 0});
       }},
      {"norm_inf",
       [](In in) {
         return norm(in[0], inf, {-2, -1});
       }},
      {"norm_inf_axes",
       [](In in) {
         return norm(in[0], inf, {2, 0});
       }},
      {"norm_minus_inf",
       [](In in) {
         return norm(in[0], -inf, {-2, -1});
       }},
      {"norm_minus_inf_axes",
       [](In in) {
         return norm(in[0], -inf, {2, 0});
       }},
      {"norm_fro",
       [](In in) {
         return norm(in[0], "fro", {-2, -1});
       }},
      {"norm_fro_axes",
       [](In in) {
         return norm(in[0], "fro", {2, 0});
       }},
      {"average_last", [](In in) { return average(in[0], in[1], -1); }},
  };
}

/// The second input is q.
Tensor quantile_by(In in, const char* method) { return quantile(in[0], in[1].item(), -1, false, method); }

reference::Calls quantile_methods() {
  return {
      {"quantile_linear", [](In in) { return quantile_by(in, "linear"); }},
      {"quantile_lower", [](In in) { return quantile_by(in, "lower"); }},
      {"quantile_higher", [](In in) { return quantile_by(in, "higher"); }},
      {"quantile_nearest", [](In in) { return quantile_by(in, "nearest"); }},
      {"quantile_midpoint", [](In in) { return quantile_by(in, "midpoint"); }},
      {"quantile_inverted_cdf", [](In in) { return quantile_by(in, "inverted_cdf"); }},
      {"quantile_averaged_inverted_cdf", [](In in) { return quantile_by(in, "averaged_inverted_cdf"); }},
      {"quantile_closest_observation", [](In in) { return quantile_by(in, "closest_observation"); }},
      {"quantile_interpolated_inverted_cdf", [](In in) { return quantile_by(in, "interpolated_inverted_cdf"); }},
      {"quantile_hazen", [](In in) { return quantile_by(in, "hazen"); }},
      {"quantile_weibull", [](In in) { return quantile_by(in, "weibull"); }},
      {"quantile_median_unbiased", [](In in) { return quantile_by(in, "median_unbiased"); }},
      {"quantile_normal_unbiased", [](In in) { return quantile_by(in, "normal_unbiased"); }},
  };
}

}  // namespace

TEST_CASE("reductions have the values and derivatives of the reference") {
  reference::Calls calls = reductions();
  calls.merge(quantile_methods());
  reference::check_reference("reduce_values.json", calls);
}

TEST_CASE("a product goes over any set of axes as over one after another") {
  const Tensor x = waves({2, 3, 2, 3});
  for (const Axes& axes : {Axes{1}, Axes{0, 1}, Axes{1, 2}, Axes{0, 2}, Axes{1, 3}, Axes{0, 1, 3}, Axes{}}) {
    Tensor expected = x;
    std::vector<int> each(axes.begin(), axes.end());
    if (axes.all()) each = {0, 1, 2, 3};
    for (const int axis : each) expected = prod(expected, axis, true);
    const Tensor kept = prod(x, axes, true), gone = prod(x, axes);
    CHECK(kept.shape() == expected.shape());
    CHECK(gone.rank() == 4 - static_cast<int>(each.size()));
    for (std::size_t i = 0; i < of(kept).size(); ++i) {
      CHECK(of(kept)[i] == Approx(of(expected)[i]).epsilon(1e-14));
      CHECK(of(kept)[i] == of(gone)[i]);
    }
  }
}

TEST_CASE("the third derivative of a product with two zeros is that of its other factors") {
  const Tensor x = tensor({2., 0., 3., 0., 5.}, {.dtype = float64});
  const auto entry = [](const Tensor& t, std::int64_t k) { return sum(slice(t, {{k, k + 1}})); };
  const Tensor first = grad(prod(x), x), second = grad(entry(first, 1), x), third = grad(entry(second, 3), x);
  CHECK(of(first) == std::vector<double>{0, 0, 0, 0, 0});
  CHECK(of(second) == std::vector<double>{0, 0, 0, 30, 0});
  CHECK(of(third) == std::vector<double>{15, 0, 10, 0, 6});
}

TEST_CASE("a product of many elements has the same bits for any number of threads, and of few columns too") {
  const int before = kernels::num_threads();
  for (const Shape& shape : {Shape{1, 200003, 1}, Shape{3, 70001, 2}, Shape{2, 40, 700}}) {
    const Tensor x = 1 + waves(shape) * 1e-4;
    kernels::set_num_threads(1);
    const Tensor one = prod(x, 1).eval();
    kernels::set_num_threads(3);
    const Tensor three = prod(x, 1).eval();
    CHECK(of(one) == of(three));
    const Tensor logs = sum(log(x), 1);
    for (std::size_t i = 0; i < of(one).size(); ++i) CHECK(std::log(of(one)[i]) == Approx(of(logs)[i]).margin(1e-11));
  }
  kernels::set_num_threads(before);
}

TEST_CASE("a product over rows multiplies them one after another, however many there are") {
  for (std::int64_t rows = 1; rows <= 10; ++rows) {
    const Tensor x = reshape(sin(arange(rows * 3)), {rows, 3});
    Tensor expected = slice_axis(x, 0, {.start = 0, .stop = 1});
    for (std::int64_t r = 1; r < rows; ++r) expected = expected * slice_axis(x, 0, {.start = r, .stop = r + 1});
    CHECK(prod(x, 0, true).to_vector<float>() == expected.to_vector<float>());
  }
}

TEST_CASE("integer products wrap and are exact to 2^63") {
  const std::int64_t big = 3037000499;  // its square is just below 2^63
  const Tensor x = tensor(std::vector<std::int64_t>{big, big}, Shape{2});
  CHECK(prod(x).item<std::int64_t>() == big * big);
  const Tensor y = tensor(std::vector<std::int64_t>{std::int64_t{1} << 62, 4, 1}, Shape{3});
  CHECK(prod(y).item<std::int64_t>() == 0);
}

TEST_CASE("any and all see one element among millions") {
  const Tensor zeros_then_one = concatenate({zeros({1 << 22}), full({1}, 1e-45)});
  CHECK(any(zeros_then_one).item() == 1);
  CHECK(any(zeros({1 << 22})).item() == 0);
  CHECK(all(1 - zeros_then_one * 1e45).item() == 1);
  CHECK(all(concatenate({ones({1 << 22}), zeros({1})})).item() == 0);
}

TEST_CASE("the derivative of a quantile goes to the elements it lies between, first ones first") {
  const Tensor x = tensor({3., 1., 1., 2.}, {.dtype = float64});
  CHECK(of(grad(median(x), x)) == std::vector<double>{0, 0, 0.5, 0.5});
  CHECK(of(grad(quantile(x, 0.), x)) == std::vector<double>{0, 1, 0, 0});
  CHECK(of(grad(quantile(x, 1.), x)) == std::vector<double>{1, 0, 0, 0});
}

TEST_CASE("quantiles of long rows agree with sorting") {
  std::vector<double> values(100003);
  std::uint64_t state = 7;
  for (double& v : values) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    v = static_cast<double>(state >> 50);  // many equal ones
  }
  const Tensor x = tensor(values, Shape{100003});
  std::sort(values.begin(), values.end());
  const std::vector<double> expected = {values[0], values[50001], values[100002], values[50001]};
  CHECK(of(quantile(x, {0, 0.5, 1, 0.5})) == expected);
}

TEST_CASE("reductions follow another shape when recorded again") {
  const Tensor small = waves({2, 3}), large = waves({5, 8});
  const std::vector<Tensor (*)(const Tensor&)> calls = {[](const Tensor& x) { return prod(x, -1); },
                                                        [](const Tensor& x) { return prod(x); },
                                                        [](const Tensor& x) { return median(x, 0); },
                                                        [](const Tensor& x) {
                                                          return quantile(x, {0.3, 0.8}, -1, true);
                                                        },
                                                        [](const Tensor& x) { return nanvar(x, 0); },
                                                        [](const Tensor& x) { return norm(x, 3, -1); },
                                                        [](const Tensor& x) { return norm(x, inf) + vector_norm(x); },
                                                        [](const Tensor& x) { return average(x, square(x), 0); },
                                                        [](const Tensor& x) { return ptp(x, 1); }};
  for (const auto call : calls) {
    const auto slope = [&](const Tensor& x) { return grad(sum(square(call(x))), x); };
    CHECK(of(rerecord(call(small), {{small, large}})) == of(call(large)));
    CHECK(of(rerecord(slope(small), {{small, large}})) == of(slope(large)));
  }
}

TEST_CASE("norms of zeros have the derivative 0 to second order") {
  const Tensor x = zeros({3}, {.dtype = float64}) + 0.0;
  for (const double order : {2.0, 3.0, 1.5}) {
    const Tensor g = grad(norm(x, order), x);
    CHECK(of(g) == std::vector<double>{0, 0, 0});
    CHECK(of(grad(sum(g), x)) == std::vector<double>{0, 0, 0});
  }
  const Tensor m = zeros({2, 2}, {.dtype = float64}) + 0.0;
  CHECK(of(grad(norm(m, "fro"), m)) == std::vector<double>{0, 0, 0, 0});
}

TEST_CASE("a NaN that is left out gives other elements their derivatives") {
  const Tensor x = tensor({1., nan_value, 3.}, {.dtype = float64});
  CHECK(of(grad(nanmean(x), x)) == std::vector<double>{0.5, 0, 0.5});
  CHECK(of(grad(nanvar(x), x)) == std::vector<double>{-1, 0, 1});
  CHECK(of(grad(nanprod(x), x)) == std::vector<double>{3, 0, 1});
  CHECK(of(grad(nanmin(x), x)) == std::vector<double>{1, 0, 0});
}
