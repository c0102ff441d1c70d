#include "ops_arrays.hpp"

#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/creation.hpp>
#include <xgrad/ops/decompositions.hpp>
#include <xgrad/ops/einsum.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/scan.hpp>
#include <xgrad/ops/scatter.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/sorting.hpp>

using namespace xgrad;

namespace bench {
namespace {

using X = const Tensor&;

const Shape million{1000, 1000};

/// Whole numbers 0 ... 999, in an order without pattern.
Tensor rows() {
  static const Tensor numbers = randint({1000}, 0, 1000).eval();
  return numbers;
}
Tensor columns() {
  static const Tensor numbers = randint(million, 0, 1000).eval();
  return numbers;
}
Tensor corner(X x, int n) { return slice(x, {{.stop = n}, {.stop = n}}); }
/// A matrix that can be inverted.
Tensor regular(X x) {
  static const Tensor matrix = (x + 100 * eye(1000)).eval();
  return matrix;
}

std::vector<ArrayCase> reductions() {
  return {
      {"sum", [](X x, X) { return sum(x); }},
      {"sum_rows", [](X x, X) { return sum(x, -1); }},
      {"sum_columns", [](X x, X) { return sum(x, 0); }},
      {"mean", [](X x, X) { return mean(x); }},
      {"var", [](X x, X) { return var(x); }},
      {"std_rows", [](X x, X) { return xgrad::std(x, -1); }},
      {"prod", [](X x, X) { return prod(x); }},
      {"prod_rows", [](X x, X) { return prod(x, -1); }},
      {"prod_columns", [](X x, X) { return prod(x, 0); }},
      {"max", [](X x, X) { return max(x); }},
      {"max_rows", [](X x, X) { return max(x, -1); }},
      {"min_columns", [](X x, X) { return min(x, 0); }},
      {"argmax_rows", [](X x, X) { return argmax(x, -1); }},
      {"any", [](X x, X) { return any(x > 5); }},
      {"all", [](X x, X) { return all(x < 5); }},
      {"count_nonzero", [](X x, X) { return count_nonzero(x); }},
      {"norm", [](X x, X) { return norm(x); }},
      {"norm_1_rows", [](X x, X) { return norm(x, 1, -1); }},
      {"logsumexp_rows", [](X x, X) { return logsumexp(x, -1); }},
      {"median", [](X x, X) { return median(x); }},
      {"quantile_rows", [](X x, X) { return quantile(x, 0.3, -1); }},
      {"nansum", [](X x, X) { return nansum(x); }},
      {"softmax", [](X x, X) { return softmax(x); }},
      {"log_softmax", [](X x, X) { return log_softmax(x); }},
      {"cumsum_rows", [](X x, X) { return cumsum(x, -1); }},
      {"cumsum_columns", [](X x, X) { return cumsum(x, 0); }},
      {"cumprod_rows", [](X x, X) { return cumprod(x, -1); }},
      {"cummax_rows", [](X x, X) { return cummax(x, -1); }},
      {"logcumsumexp_rows", [](X x, X) { return logcumsumexp(x, -1); }},
      {"diff", [](X x, X) { return diff(x); }},
  };
}

std::vector<ArrayCase> shapes() {
  return {
      {"transpose", [](X x, X) { return transpose(x); }},
      {"concatenate", [](X x, X y) { return concatenate({x, y}, 0); }},
      {"hstack", [](X x, X y) { return hstack({x, y}); }},
      {"stack", [](X x, X y) { return stack({x, y}, 0); }},
      {"slice_steps", [](X x, X) { return slice(x, {{.step = 2}, {.step = 2}}); }},
      {"tile", [](X x, X) { return tile(corner(x, 500), {2, 2}); }},
      {"repeat", [](X x, X) { return repeat(corner(x, 500), 2, -1); }},
      {"flip", [](X x, X) { return flip(x); }},
      {"rot90", [](X x, X) { return rot90(x); }},
      {"roll", [](X x, X) { return roll(x, 7, -1); }},
      {"pad", [](X x, X) { return pad(x, {{1, 2}, {3, 4}}); }},
      {"pad_reflect", [](X x, X) { return pad(x, {{1, 2}, {3, 4}}, "reflect"); }},
      {"tril", [](X x, X) { return tril(x); }},
      {"triu", [](X x, X) { return triu(x); }},
      {"arange", [](X, X) { return arange(1'000'000); }},
      {"linspace", [](X, X) { return linspace(0, 1, 1'000'000); }},
      {"eye", [](X, X) { return eye(1000); }},
      {"take_rows", [](X x, X) { return take(x, rows()); }},
      {"take_along_axis", [](X x, X) { return take_along_axis(x, columns(), -1); }},
      {"scatter_add", [](X x, X y) { return scatter_add(x, expand_dims(rows(), -1), y); }},
      {"segment_sum", [](X x, X) { return segment_sum(x, rows(), 1000); }},
      {"one_hot", [](X, X) { return one_hot(rows(), 1000); }},
      {"boolean_mask", [](X x, X y) { return boolean_mask(x, y > 0); }},
      {"where", [](X x, X y) { return where(x > 0, x, y); }},
      {"sort_rows", [](X x, X) { return sort(x); }},
      {"argsort_rows", [](X x, X) { return argsort(x); }},
      {"top_k", [](X x, X) { return top_k(x, 10).values; }},
      {"unique", [](X, X) { return unique(columns()).values; }},
      {"bincount", [](X, X) { return bincount(reshape(columns(), {-1}), 1000, 1000); }},
      {"searchsorted", [](X x, X) { return searchsorted(linspace(-2, 2, 1000), x); }},
      {"isin", [](X, X) { return isin(columns(), arange(10)); }},
  };
}

std::vector<ArrayCase> products() {
  return {
      {"matmul", [](X x, X y) { return matmul(x, y); }},
      {"matmul_transposed", [](X x, X y) { return matmul(transpose(x), y); }},
      {"matvec", [](X x, X y) { return matmul(x, reshape(slice(y, {{.stop = 1}}), {1000})); }},
      {"outer", [](X x, X y) { return outer(max(x, 0), max(y, 0)); }},
      {"tensordot", [](X x, X y) { return tensordot(x, y, 1); }},
      {"einsum", [](X x, X y) { return einsum("ij,kj->ik", {x, y}); }},
      {"einsum_sum", [](X x, X y) { return einsum("ij,ij->", {x, y}); }},
      {"kron", [](X x, X y) { return kron(corner(x, 32), corner(y, 32)); }},
      {"solve", [](X x, X y) { return solve(regular(x), y); }},
      {"inv", [](X x, X) { return inv(regular(x)); }},
      {"det", [](X x, X) { return det(regular(x) * 0.01); }},
      {"cholesky", [](X x, X) { return cholesky(regular(x) + transpose(regular(x))); }},
      {"qr", [](X x, X) { return qr(x).q; }},
      {"svd_300", [](X x, X) { return svd(corner(x, 300)).s; }},
      {"eigh_300", [](X x, X) { return eigh(corner(x, 300)).eigenvalues; }},
      {"expm_300", [](X x, X) { return expm(corner(x, 300) * 0.01); }},
      {"matrix_power", [](X x, X) { return matrix_power(x * 0.01, 5); }},
      {"pinv_300", [](X x, X) { return pinv(corner(x, 300)); }},
      {"uniform", [](X, X) { return uniform(million); }},
      {"normal", [](X, X) { return normal(million); }},
      {"bernoulli", [](X, X) { return bernoulli(million, 0.3); }},
      {"randint", [](X, X) { return randint(million, 0, 1000); }},
      {"exponential", [](X, X) { return exponential(million); }},
      {"gamma", [](X, X) { return gamma(million, 2.5); }},
      {"poisson", [](X, X) { return poisson(million, 3.5); }},
      {"categorical", [](X x, X) { return categorical(x); }},
      {"permutation", [](X, X) { return permutation(1'000'000); }},
  };
}

}  // namespace

std::vector<ArrayCase> array_cases() {
  std::vector<ArrayCase> all = reductions();
  for (const auto& more : {shapes(), products()}) all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace bench
