#include <xgrad/ops/statistics.hpp>

#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/shape_parts.hpp>
#include <xgrad/ops/table.hpp>

#include <cmath>
#include <string>

namespace xgrad {
namespace {

/// Variables as rows.
Tensor variables(const char* name, const Arg& x, bool rowvar) {
  const Tensor t = real(x);
  if (t.rank() > 2)
    throw ShapeError(std::string("[") + name + "] expected a matrix of variables and observations, got " +
                     to_string(t.shape()) + place(x.where()));
  return !rowvar && t.rank() == 2 ? transpose(t) : atleast_2d(t);
}

Tensor weights_of(const Tensor& weights, const Tensor& rows, const Arg& x) {
  if (weights.rank() != 1 || weights.dim(0) != rows.dim(1))
    throw ShapeError("[cov] expected a weight for each of " + std::to_string(rows.dim(1)) + " observations, got " +
                     to_string(weights.shape()) + place(x.where()));
  return cast(weights, rows.dtype());
}

Tensor covariances(const Tensor& rows, const CovarianceOptions& options, const Arg& x) {
  const double ddof = options.ddof >= 0 ? options.ddof : options.bias ? 0 : 1;
  Tensor weights;
  if (options.fweights.defined()) weights = weights_of(options.fweights, rows, x);
  if (options.aweights.defined()) {
    const Tensor own = weights_of(options.aweights, rows, x);
    weights = weights.defined() ? weights * own : own;
  }
  const Tensor n = weights.defined() ? sum(weights) : count(rows, 1);
  const Tensor middle = weights.defined() ? sum(rows * weights, 1, true) / n : mean(rows, 1, true);
  const Tensor apart = rows - middle, weighed = weights.defined() ? apart * weights : apart;
  Tensor degrees = n - ddof;
  if (options.aweights.defined()) degrees = n - ddof * sum(weights * cast(options.aweights, rows.dtype())) / n;
  return squeeze(matmul(apart, transpose(weighed)) / degrees);
}

Tensor correlations(const Tensor& covariance) {
  if (covariance.rank() == 0) return covariance / covariance;
  const Tensor spread = sqrt(diagonal(covariance));
  return clip(covariance / expand_dims(spread, 1) / spread, -1, 1);
}

/// Variables of both, one below the other.
Tensor joined(const char* name, const Arg& x, const Tensor& y, bool rowvar) {
  return concatenate({variables(name, x, rowvar), variables(name, Arg(y, x.where()), rowvar)});
}

}  // namespace

Tensor cov(const Arg& x, const CovarianceOptions& options) {
  const Within here("cov", x);
  return covariances(variables("cov", x, options.rowvar), options, x);
}
Tensor cov(const Arg& x, const Tensor& y, const CovarianceOptions& options) {
  const Within here("cov", x);
  return covariances(joined("cov", x, y, options.rowvar), options, x);
}

Tensor corrcoef(const Arg& x, bool rowvar) {
  const Within here("corrcoef", x);
  return correlations(covariances(variables("corrcoef", x, rowvar), {}, x));
}
Tensor corrcoef(const Arg& x, const Tensor& y, bool rowvar) {
  const Within here("corrcoef", x);
  return correlations(covariances(joined("corrcoef", x, y, rowvar), {}, x));
}

Moments moments(const Arg& x, Axes axes, bool keepdims) {
  const Within here("moments", x);
  return {mean(x, axes, keepdims), var(x, axes, keepdims)};
}

Tensor normalize(const Arg& x, int axis, double order, double epsilon) {
  const Within here("normalize", x);
  const Tensor t = real(x);
  if (order == 2) return t * minimum(reciprocal(sqrt(sum(square(t), axis, true))), 1 / epsilon);
  return t / maximum(vector_norm(t, axis, true, order), epsilon);
}

Tensor psnr(const Arg& a, const Arg& b, double largest) {
  const Within here("psnr", a);
  const Tensor x = real(a), y = real(b);
  if (x.shape() != y.shape())
    throw ShapeError("[psnr] expected two tensors of one shape, got " + to_string(x.shape()) + " and " +
                     to_string(y.shape()) + place(a.where()));
  return 20 * std::log10(largest) - 10 * log10(mean(square(x - y)));
}

Tensor cdist(const Arg& x, const Arg& y) {
  const Within here("cdist", x);
  const Tensor a = real(x), b = real(y);
  if (a.rank() < 2 || b.rank() < 2 || a.dim(-1) != b.dim(-1))
    throw ShapeError("[cdist] expected points (..., m, d) and (..., n, d), got " + to_string(a.shape()) + " and " +
                     to_string(b.shape()) + place(x.where()));
  return vector_norm(expand_dims(a, -2) - expand_dims(b, -3), -1);
}

Rows statistics_rows() {
  using In = std::span<const Tensor>;
  static const double nan = __builtin_nan(""), inf = __builtin_inf();
  static const std::vector<Sample> matrices = {{{{.shape = {2, 5}}}},
                                               {{{.shape = {4}}}},
                                               {{{.shape = {3, 4}, .broadcast = true}}},
                                               {{{.shape = {3, 4}, .strided = true}}}};
  static const char* const some = "nothing is left of fewer than two observations";
  static const std::vector<Row> rows = {
      {.name = "cov",
       .call = [](In in) { return in.size() > 1 ? cov(in[0], in[1], {.bias = true}) : cov(in[0]); },
       .samples = {{{{.shape = {2, 5}}}},
                   {{{.shape = {4}}}},
                   {{{.shape = {3, 4}, .broadcast = true}}},
                   {{{.shape = {3, 4}, .strided = true}}},
                   {{{.shape = {2, 3}}, {.shape = {3}}}}},
       .special = {{[] {
                      return cov(doubles({1, 3}));
                    },
                    {2}},
                   {[] {
                      return cov(doubles({1, 3}), {.ddof = 0});
                    },
                    {1}},
                   {[] { return cov(doubles({5})); }, {nan}},
                   {[] {
                      return cov(ints({1, 3}), {.fweights = ints({1, 1})});
                    },
                    {2}}},
       .errors = {{[] {
                     return cov(zeros({2, 2, 2}));
                   },
                   "[cov] expected a matrix of variables"},
                  {[] {
                     return cov(zeros({2, 3}), {.aweights = zeros({2})});
                   },
                   "a weight for each of 3 observations, got (2,)"},
                  {[] {
                     return cov(zeros({2, 3}), zeros({4}));
                   },
                   "[cov: concatenate]"}},
       .fewer_samples = some},
      {.name = "corrcoef",
       .call = [](In in) { return corrcoef(in[0]); },
       .samples = {{{{.shape = {2, 5}}}}, {{{.shape = {3, 4}, .strided = true}}}},
       .special = {{[] {
                      return corrcoef(doubles({1, 3}));
                    },
                    {1}},
                   {[] {
                      return rint(corrcoef(doubles({1, 3}), doubles({2, 0})));
                    },
                    {1, -1, -1, 1}},
                   {[] {
                      return corrcoef(doubles({1, 1}));
                    },
                    {nan}}},
       .errors = {{[] {
                     return corrcoef(zeros({2, 2, 2}));
                   },
                   "[corrcoef] expected a matrix of variables"}},
       .fewer_samples = some},
      {.name = "moments",
       .call = [](In in) { return moments(in[0], in[0].rank() ? Axes{-1} : Axes{}).mean + moments(in[0]).variance; },
       .samples = {{{{.shape = {2, 3}}}},
                   {{{.shape = {3, 4}, .broadcast = true}}},
                   {{{.shape = {}}}},
                   {{{.shape = {3, 2}, .strided = true}}}},
       .special = {{[] {
                      return moments(doubles({1, 3})).variance;
                    },
                    {1}}},
       .errors = {{[] { return moments(zeros({2}), 1).mean; }, "[moments: "}},
       .fewer_samples = "the variance of nothing is NaN"},
      {.name = "normalize",
       .call = [](In in) { return normalize(in[0], -1, in[0].dim(-1) == 4 ? 3 : 2); },
       .samples = {{{{.shape = {2, 3}}}},
                   {{{.shape = {3, 4}, .broadcast = true}}},
                   {{{.shape = {0, 3}}}},
                   {{{.shape = {3, 2}, .strided = true}}}},
       .special = {{[] {
                      return normalize(doubles({3, 4}));
                    },
                    {0.6000000000000001, 0.8}},
                   {[] {
                      return normalize(doubles({0, 0}));
                    },
                    {0, 0}},
                   {[] {
                      return normalize(doubles({1, 3}), 0, 1);
                    },
                    {0.25, 0.75}}},
       .errors = {{[] { return normalize(zeros({2}), 1); }, "[normalize: sum] expected an axis"}},
       .fewer_samples = "a scalar has no axes"},
      {.name = "psnr",
       .call = [](In in) { return psnr(in[0], in[1], 3); },
       .samples = {{{{.shape = {2, 3}}, {.shape = {2, 3}}}},
                   {{{.shape = {}}, {.shape = {}}}},
                   {{{.shape = {3, 4}, .broadcast = true}, {.shape = {3, 4}}}},
                   {{{.shape = {3, 2}, .strided = true}, {.shape = {3, 2}}}}},
       .special = {{[] {
                      return psnr(doubles({1, 1}), doubles({2, 0}), 10);
                    },
                    {20}},
                   {[] { return psnr(doubles({1}), doubles({1}), 10); }, {inf}}},
       .errors = {{[] { return psnr(zeros({2}), zeros({3}), 1); }, "[psnr] expected two tensors of one shape"}},
       .fewer_samples = "the mean of nothing is NaN"},
      {.name = "cdist",
       .call = [](In in) { return cdist(in[0], in[1]); },
       .samples = {{{{.shape = {2, 3}}, {.shape = {4, 3}}}},
                   {{{.shape = {0, 3}}, {.shape = {4, 3}}}},
                   {{{.shape = {2, 2, 3}}, {.shape = {4, 3}}}},
                   {{{.shape = {3, 2}, .strided = true}, {.shape = {1, 2}}}}},
       .special = {{[] {
                      return cdist(tensor({{0., 0.}, {-2., -8.}}), tensor({{3., 4.}}));
                    },
                    {5, 13}}},
       .errors = {{[] {
                     return cdist(zeros({2, 3}), zeros({2, 4}));
                   },
                   "[cdist] expected points (..., m, d) and (..., n, d)"}},
       .fewer_samples = "points have two axes"},
  };
  return rows;
}

}  // namespace xgrad
