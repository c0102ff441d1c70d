#include <xgrad/graph/rerecord.hpp>
#include <xgrad/kernels/pool.hpp>
#include <xgrad/kernels/scans.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/scan.hpp>
#include <xgrad/ops/shape.hpp>

#include "reference_cases.hpp"

#include <cstring>

using namespace xgrad;
using In = std::span<const Tensor>;

namespace {

Tensor waves(const Shape& shape, DType dtype = float64) {
  std::vector<double> values(static_cast<std::size_t>(shape.size()));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(0.7 * static_cast<double>(i) + 0.3);
  return tensor(values, shape, {.dtype = dtype});
}

bool same_bits(const Tensor& a, const Tensor& b) {
  const auto x = a.to_vector<double>(), y = b.to_vector<double>();
  return x.size() == y.size() && std::memcmp(x.data(), y.data(), x.size() * sizeof(double)) == 0;
}

std::vector<Tensor> all_scans(const Tensor& x, Axes axis, bool reverse) {
  return {cumsum(x, axis, reverse), cumprod(x, axis, reverse), cummax(x, axis, reverse), cummin(x, axis, reverse),
          logcumsumexp(x, axis, reverse)};
}

}  // namespace

TEST_CASE("scans have the values and derivatives of the reference") {
  reference::check_reference(
      "scan_values.json",
      {{"cumsum", [](In in) { return cumsum(in[0]); }},
       {"cumsum_last", [](In in) { return cumsum(in[0], -1); }},
       {"cumsum_first_back", [](In in) { return cumsum(in[0], 0, true); }},
       {"cumprod", [](In in) { return cumprod(in[0]); }},
       {"cumprod_last", [](In in) { return cumprod(in[0], -1); }},
       {"cumprod_first_back", [](In in) { return cumprod(in[0], 0, true); }},
       {"cummax", [](In in) { return cummax(in[0]); }},
       {"cummax_last", [](In in) { return cummax(in[0], -1); }},
       {"cummax_first_back", [](In in) { return cummax(in[0], 0, true); }},
       {"cummin", [](In in) { return cummin(in[0]); }},
       {"cummin_last", [](In in) { return cummin(in[0], -1); }},
       {"cummin_first_back", [](In in) { return cummin(in[0], 0, true); }},
       {"logcumsumexp", [](In in) { return logcumsumexp(in[0]); }},
       {"logcumsumexp_last", [](In in) { return logcumsumexp(in[0], -1); }},
       {"logcumsumexp_first_back", [](In in) { return logcumsumexp(in[0], 0, true); }},
       {"diff", [](In in) { return diff(in[0]); }},
       {"diff_2_first", [](In in) { return diff(in[0], 2, 0); }},
       {"diff_3", [](In in) { return diff(in[0], 3); }},
       {"linear_recurrence", [](In in) { return linear_recurrence(in[0], in[1]); }},
       {"linear_recurrence_first_back", [](In in) { return linear_recurrence(in[0], in[1], 0, true); }}});
}

TEST_CASE("a scan of a wide array is the scan of each of its columns, whatever the number of threads") {
  const int before = kernels::num_threads();
  for (const DType dtype : {float32, float64, int64}) {
    for (const Shape& shape : {Shape{3, 300, 301}, Shape{19, 700}, Shape{2000, 3}, Shape{40000}}) {
      const Tensor x = cast(waves(shape) * (dtype == int64 ? 100 : 1), dtype);
      for (const int axis : {0, -1}) {
        kernels::set_num_threads(1);
        const std::vector<Tensor> one = all_scans(x, axis, axis == 0);
        eval(one);
        kernels::set_num_threads(3);
        const std::vector<Tensor> three = all_scans(x, axis, axis == 0);
        for (std::size_t i = 0; i < one.size(); ++i) CHECK(same_bits(one[i], three[i]));
      }
      // The same numbers along the other axis go through the other loop.
      if (shape.rank() < 2) continue;
      const std::vector<Tensor> rows = all_scans(x, -1, false), columns = all_scans(swapaxes(x, 0, -1), 0, false);
      for (std::size_t i = 0; i < rows.size(); ++i) CHECK(same_bits(rows[i], swapaxes(columns[i], 0, -1)));
    }
  }
  kernels::set_num_threads(before);
}

TEST_CASE("running log-sum-exp does not lose what logarithms keep") {
  // log(k) for k equal terms, near 1e6 elements in float32: added in float32 it would stop growing.
  const Tensor y = logcumsumexp(zeros({1 << 20}));
  CHECK(slice(y, {{-1}}).item() == Approx(20 * std::log(2.0)).epsilon(1e-6));
  // Terms that grow by 700 each: no exponential of them is finite.
  const Tensor x = arange(0, 7000, 700, {.dtype = float64});
  CHECK(same_bits(logcumsumexp(x), x));
}

TEST_CASE("the third derivative of a running product with zeros is that of the product") {
  const Tensor x = tensor({2., 0., 3., 0., 5.}, {.dtype = float64});
  const Tensor y = slice(cumprod(x), {{-1}});
  // d3 (x0 x1 x2 x3 x4) / dx1 dx3 dx0 = x2 x4.
  const auto entry = [](const Tensor& t, std::int64_t k) { return sum(slice(t, {{k, k + 1}})); };
  const Tensor first = grad(sum(y), x), second = grad(entry(first, 1), x), third = grad(entry(second, 3), x);
  CHECK(first.to_vector<double>() == std::vector<double>{0, 0, 0, 0, 0});
  CHECK(second.to_vector<double>() == std::vector<double>{0, 0, 0, 30, 0});
  CHECK(third.to_vector<double>() == std::vector<double>{15, 0, 10, 0, 6});
}

TEST_CASE("a running maximum hands its gradient on across NaN as it hands on its value") {
  const double nan = std::nan("");
  const Tensor x = tensor({1, nan, 2}, {.dtype = float64});
  CHECK(grad(sum(cummax(x)), x).to_vector<double>() == std::vector<double>{1, 2, 0});
}

TEST_CASE("scans and their derivatives follow another length when recorded again") {
  const Tensor small = waves({2, 3}), large = waves({4, 7});
  for (const auto f : {cumsum, cumprod, cummax, cummin, logcumsumexp}) {
    const auto loss = [&](const Tensor& x) { return grad(sum(square(f(x, -1, true))), x); };
    CHECK(same_bits(rerecord(loss(small), {{small, large}}), loss(large)));
  }
  const auto recurrence = [](const Tensor& x) {
    return grad(sum(square(linear_recurrence(x, diff(concatenate({x, x}, 0), 1, 0), 0))), x);
  };
  const Tensor row = waves({1, 3}), other = waves({1, 5});
  CHECK(same_bits(rerecord(recurrence(row), {{row, other}}), recurrence(other)));
}

TEST_CASE("kernels of scans refuse what they cannot compute") {
  using namespace kernels;
  bool flags[2] = {true, false};
  std::int64_t whole[2] = {1, 2};
  CHECK_THROWS_AS(scan(Scan::sum, bool_, flags, flags, 1, 2, 1, Direction::forward), std::invalid_argument);
  CHECK_THROWS_AS(scan(Scan::log_sum_exp, int64, whole, whole, 1, 2, 1, Direction::forward), std::invalid_argument);
  CHECK_THROWS_AS(recur(int64, whole, whole, whole, 1, 2, 1, Direction::forward, false), std::invalid_argument);
  CHECK_THROWS_AS(product(bool_, flags, flags, 1, 2, 1), std::invalid_argument);
  scan(Scan::sum, int64, whole, whole, 1, 2, 1, Direction::backward);
  CHECK(whole[0] == 3);
}
