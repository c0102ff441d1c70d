#include <xgrad/ops/decompositions.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/linalg_samples.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>

#include <cmath>

namespace xgrad {
namespace {

using In = std::span<const Tensor>;

constexpr double inf = __builtin_inf(), nan = __builtin_nan("");

/// The same, not symmetric.
Tensor regular(const Tensor& x) { return 0.2 * x + definite(x * 0.5); }

Sample two(const Shape& a, const Shape& b) { return {{{.shape = a}, {.shape = b}}}; }

Tensor singular() { return tensor({{1., 2.}, {2., 4.}}, {.dtype = float64}); }
Tensor some_singular() { return stack({matrix(), singular(), matrix()}); }

}  // namespace

Rows linalg_rows() {
  static const std::vector<Row> rows = {
      {.name = "solve",
       .call = [](In in) { return solve(regular(in[0]), in[1]); },
       .samples = {two({3, 3}, {3, 2}),
                   two({3, 3}, {3}),
                   two({2, 2, 2}, {2, 3}),
                   two({2, 2}, {2, 2, 1}),
                   two({2, 1, 2, 2}, {3, 2, 1}),
                   two({0, 2, 2}, {2, 1}),
                   {{{.shape = {3, 3}, .strided = true}, {.shape = {3, 2}, .strided = true}}}},
       .special = {{[] {
                      return solve(tensor({{2, 0}, {0, 4}}, {.dtype = int64}), ints({2, 4}));
                    },
                    {1, 1}},
                   {[] {
                      return solve(zeros({0, 0}), zeros({0, 2}));
                    },
                    {}},
                   {[] {
                      return solve(zeros({2, 2}), zeros({2, 0}));
                    },
                    {}}},
       .errors = {{[] {
                     return solve(singular(), doubles({1, 2})).eval();
                   },
                   "[solve] expected matrices that can be inverted, but of the matrix pivot 1 is zero"},
                  {[] {
                     return solve(some_singular(), doubles({1, 2})).eval();
                   },
                   "of matrix (1,) of the batch pivot 1 is zero"},
                  {[] {
                     return solve(zeros({2, 3}), zeros({2}));
                   },
                   "[solve] expected square matrices, got (2, 3)"},
                  {[] {
                     return solve(zeros({2, 2}), zeros({3}));
                   },
                   "as many rows on the right"},
                  {[] {
                     return solve(zeros({2, 2, 2}), zeros({3, 2, 1}));
                   },
                   "leading axes"},
                  {[] { return solve(zeros({2}), zeros({2})); }, "[solve] expected a matrix"},
                  {[] {
                     return solve(zeros({2, 2}), 1.0);
                   },
                   "got ()"}},
       .fewer_samples = no_scalar},
      {.name = "solve_triangular",
       .call =
           [](In in) {
             const bool odd = in[0].dim(-1) == 3;
             return solve_triangular(
                 regular(in[0]), in[1],
                 {.transposed = in[0].rank() == 3, .lower = odd, .unit_diagonal = in[1].rank() == 1});
           },
       .samples = {two({3, 3}, {3, 2}),
                   two({3, 3}, {3}),
                   two({2, 2, 2}, {2, 3}),
                   two({2, 2}, {2, 2, 1}),
                   two({2, 3, 3}, {3}),
                   two({0, 2, 2}, {2, 1}),
                   {{{.shape = {3, 3}, .strided = true}, {.shape = {3, 2}, .strided = true}}}},
       .special =
           {{[] {
               return solve_triangular(tensor({{2., nan}, {1., 1.}}), tensor({4., 3.}), {.lower = true});
             },
             {2, 1}},
            {[] {
               return solve_triangular(tensor({{2., 2.}, {nan, 1.}}), tensor({4., 3.}), {.transposed = true});
             },
             {2, -1}},
            {[] {
               return solve_triangular(tensor({{nan, 2.}, {nan, nan}}), tensor({4., 3.}), {.unit_diagonal = true});
             },
             {-2, 3}}},
       .errors = {{[] {
                     return solve_triangular(tensor({{1., 2.}, {0., 0.}}), tensor({1., 1.})).eval();
                   },
                   "triangular matrices without zeros on the diagonal, but of the matrix pivot 1 is zero"},
                  {[] {
                     return solve_triangular(zeros({2, 2}), zeros({3}));
                   },
                   "[solve_triangular] expected as many rows"}},
       .fewer_samples = no_scalar},
      {.name = "inv",
       .call = [](In in) { return inv(regular(in[0])); },
       .samples = square_samples(),
       .special = {{[] {
                      return inv(tensor({{0., 2.}, {4., 0.}}));
                    },
                    {0, 0.25, 0.5, 0}},
                   {[] { return inv(tensor({{2}}, {.dtype = uint8})); }, {0.5}}},
       .errors = {{[] { return inv(some_singular()).eval(); }, "of matrix (1,) of the batch pivot 1 is zero"},
                  {[] {
                     return inv(zeros({2, 3}));
                   },
                   "[inv] expected square matrices"}},
       .fewer_samples = no_scalar},
      {.name = "det",
       .call = [](In in) { return det(in[0]); },
       .samples = square_samples(),
       .special = {{[] { return det(singular()); }, {0}},
                   {[] {
                      return det(zeros({0, 0}));
                    },
                    {1}},
                   {[] {
                      return det(tensor({{0, 1}, {1, 0}}, {.dtype = int32}));
                    },
                    {-1}},
                   {[] { return det(not_finite()); }, {nan}}},
       .errors = {{[] {
                     return det(zeros({2, 3}));
                   },
                   "[det] expected square matrices"}},
       .fewer_samples = no_scalar},
      {.name = "slogdet",
       .call =
           [](In in) {
             const auto [sign, log] = slogdet(in[0]);
             return sign * log;
           },
       .samples = square_samples(),
       .special = {{[] { return slogdet(singular()).logabsdet; }, {-inf}},
                   {[] { return slogdet(singular()).sign; }, {0}},
                   {[] {
                      return slogdet(tensor({{0., 1.}, {1., 0.}})).sign;
                    },
                    {-1}},
                   {[] {
                      return slogdet(zeros({0, 0})).logabsdet;
                    },
                    {0}}},
       .errors = {{[] {
                     return slogdet(zeros({2, 3})).sign;
                   },
                   "[slogdet] expected square matrices"}},
       .fewer_samples = no_scalar},
      {.name = "cholesky",
       .call = [](In in) { return cholesky(definite(in[0]), in[0].rank() == 3); },
       .samples = square_samples(),
       .special = {{[] {
                      return cholesky(tensor({{4., nan}, {2., 5.}}));
                    },
                    {2, 0, 1, 2}},
                   {[] {
                      return cholesky(tensor({{4, 2}, {2, 5}}, {.dtype = int64}), true);
                    },
                    {2, 1, 0, 2}}},
       .errors = {{[] {
                     return cholesky(tensor({{1., 2.}, {2., 1.}})).eval();
                   },
                   "[cholesky] expected positive definite matrices, but of the matrix pivot 1 is not positive"},
                  {[] { return cholesky(not_finite()).eval(); }, "is not positive"},
                  {[] {
                     return cholesky(zeros({2, 3}));
                   },
                   "[cholesky] expected square matrices"}},
       .fewer_samples = no_scalar},
      {.name = "cholesky_solve",
       .call = [](In in) { return cholesky_solve(in[1], regular(in[0]), in[0].rank() == 3); },
       .samples = {two({3, 3}, {3, 2}),
                   two({3, 3}, {3}),
                   two({2, 2, 2}, {2, 3}),
                   two({0, 2, 2}, {2, 1}),
                   {{{.shape = {3, 3}, .strided = true}, {.shape = {3, 2}, .strided = true}}}},
       .special = {{[] {
                      return cholesky_solve(tensor({4., 8.}), tensor({{2., 0.}, {0., 4.}}));
                    },
                    {1, 0.5}}},
       .errors = {{[] {
                     return cholesky_solve(zeros({3}), zeros({2, 2}));
                   },
                   "[cholesky_solve]"}},
       .fewer_samples = no_scalar},
      {.name = "cholesky_inverse",
       .call = [](In in) { return cholesky_inverse(definite(in[0]), in[0].rank() == 3); },
       .samples = {one({3, 3}), one({2, 2, 2}), one({0, 2, 2}), {{{.shape = {3, 3}, .strided = true}}}},
       .special = {{[] { return cholesky_inverse(tensor({{4., 0.}, {0., 16.}})); }, {0.25, 0, 0, 0.0625}}},
       .errors = {{[] { return cholesky_inverse(tensor({{1., 2.}, {2., 1.}})).eval(); }, "positive definite"}},
       .fewer_samples = no_scalar},
      {.name = "tensorsolve",
       .call = [](In in) { return tensorsolve(reshape(regular(in[0]), {2, 3, 6}), in[1]); },
       .samples = {two({6, 6}, {2, 3})},
       .special = {{[] {
                      return tensorsolve(reshape(diag(doubles({1, 1, 1, 1})), {2, 2, 4}), tensor({{1., 2.}, {3., 4.}}));
                    },
                    {1, 2, 3, 4}},
                   {[] { return tensorsolve(reshape(diag(doubles({2, 2})), {2, 1, 2}), tensor({{4., 6.}}), 0); },
                    {2, 3}}},
       .errors = {{[] { return tensorsolve(zeros({2, 3}), zeros({2})); },
                   "[tensorsolve] expected axes that make a square matrix"}},
       .fewer_samples = "its axes make one square matrix"},
      {.name = "tensorinv",
       .call = [](In in) { return tensorinv(reshape(regular(in[0]), {2, 3, 6})); },
       .samples = {one({6, 6})},
       .special = {{[] { return tensorinv(tensor({{2., 0.}, {0., 4.}}), 1); }, {0.5, 0, 0, 0.25}}},
       .errors = {{[] { return tensorinv(zeros({2, 3}), 1); }, "[tensorinv] expected axes that make a square matrix"},
                  {[] { return tensorinv(zeros({2, 2}), 0); }, "an index of 1 or more, got 0"}},
       .fewer_samples = "its axes make one square matrix"},
      {.name = "pinv",
       .call = [](In in) { return pinv(in[0].dim(-1) == in[0].dim(-2) ? regular(in[0]) : in[0]); },
       .samples = {one({2, 3}),
                   one({3, 2}),
                   one({2, 2}),
                   one({2, 3, 2}),
                   one({0, 2, 3}),
                   {{{.shape = {3, 2}, .strided = true}}}},
       .special = {{[] {
                      return pinv(zeros({1, 2}));
                    },
                    {0, 0}},
                   {[] {
                      return pinv(zeros({0, 2}));
                    },
                    {}},
                   {[] {
                      return pinv(tensor({{2., 0.}, {0., 1.}}), 0.75);
                    },
                    {0.5, 0, 0, 0}}},
       .errors = {{[] { return pinv(not_finite()).eval(); }, "matrices of finite numbers"},
                  {[] { return pinv(zeros({2})); }, "[pinv] expected a matrix"}},
       .fewer_samples = no_scalar},
      {.name = "lstsq",
       .call =
           [](In in) {
             const auto [x, residuals, rank, s] = lstsq(in[0], in[1]);
             return sum(x * x, -1) + sum(residuals) + sum(s) + rank;
           },
       .samples = {two({4, 2}, {4, 2}),
                   two({4, 2}, {4}),
                   two({2, 3}, {2, 1}),
                   two({2, 3, 2}, {3, 1}),
                   {{{.shape = {4, 2}, .strided = true}, {.shape = {4, 2}, .strided = true}}}},
       .special = {{[] {
                      return lstsq(singular(), doubles({1, 2})).rank;
                    },
                    {1}},
                   {[] {
                      return lstsq(tensor({{1.}, {1.}}), tensor({1., 3.})).residuals;
                    },
                    {2}}},
       .errors = {{[] {
                     return lstsq(zeros({3, 2}), zeros({2})).x;
                   },
                   "[lstsq] expected as many rows"}},
       .fewer_samples = no_scalar},
      {.name = "matrix_rank",
       .call = [](In in) { return matrix_rank(in[0]); },
       .samples = square_samples(),
       .special = {{[] { return matrix_rank(some_singular()); }, {2, 1, 2}},
                   {[] {
                      return matrix_rank(zeros({2, 3}));
                    },
                    {0}},
                   {[] {
                      return matrix_rank(zeros({0, 3}));
                    },
                    {0}},
                   {[] {
                      return matrix_rank(tensor({{1., 0.}, {0., 0.1}}), 0.5);
                    },
                    {1}}},
       .errors = {{[] { return matrix_rank(zeros({2})); }, "[matrix_rank] expected a matrix"}},
       .no_derivative = "it counts",
       .fewer_samples = no_scalar},
      {.name = "matrix_power",
       .call =
           [](In in) {
             const Tensor x = in[0].rank() == 3 ? regular(in[0]) : in[0];
             return matrix_power(x, in[0].rank() == 3 ? -2 : in[0].dim(-1) == 1 ? 1 : 5);
           },
       .samples = square_samples(),
       .special = {{[] {
                      return matrix_power(tensor({{1, 1}, {1, 0}}, {.dtype = int64}), 60);
                    },
                    {2504730781961., 1548008755920., 1548008755920., 956722026041.}},
                   {[] { return matrix_power(singular(), 0); }, {1, 0, 0, 1}},
                   {[] {
                      return matrix_power(tensor({{2., 0.}, {0., 4.}}), -1);
                    },
                    {0.5, 0, 0, 0.25}}},
       .errors = {{[] { return matrix_power(singular(), -1).eval(); }, "pivot 1 is zero"},
                  {[] {
                     return matrix_power(zeros({2, 3}), 2);
                   },
                   "[matrix_power] expected square matrices"}},
       .fewer_samples = no_scalar},
      {.name = "expm",
       .call = [](In in) { return expm(in[0]); },
       .samples = square_samples(),
       .special = {{[] {
                      return expm(zeros({2, 2}));
                    },
                    {1, 0, 0, 1}},
                   {[] {
                      return expm(tensor({{0., 1.}, {0., 0.}}));
                    },
                    {1, 1, 0, 1}},
                   {[] { return expm(not_finite()); }, {nan, nan, nan, nan}},
                   {[] {
                      return expm(zeros({0, 0}));
                    },
                    {}}},
       .errors = {{[] {
                     return expm(zeros({2, 3}));
                   },
                   "[expm] expected square matrices"}},
       .fewer_samples = no_scalar},
      {.name = "matrix_norm",
       .call =
           [](In in) {
             // Evenly spread values would have equal sums.
             const Tensor x = in[0] + 0.13 * square(in[0]);
             Tensor total = matrix_norm(x) + matrix_norm(x, "nuc");
             double weight = 1;
             for (const double order : {1., -1., 2., -2., inf, -inf})
               total = total + (weight *= -1.5) * matrix_norm(x, order);
             return total;
           },
       .samples = {one({2, 3}), one({3, 2}), one({2, 3, 2}), one({0, 2, 3}), {{{.shape = {3, 2}, .strided = true}}}},
       .special = {{[] {
                      return matrix_norm(tensor({{1., -2.}, {-3., 4.}}), 1);
                    },
                    {6}},
                   {[] {
                      return matrix_norm(tensor({{1., -2.}, {-3., 4.}}), inf, true);
                    },
                    {7}},
                   {[] {
                      return matrix_norm(tensor({{3., 0.}, {0., 4.}}));
                    },
                    {5}},
                   {[] {
                      return derivative([](const Tensor& x) { return matrix_norm(x); }, zeros({1, 2}));
                    },
                    {0, 0}}},
       .errors = {{[] {
                     return matrix_norm(zeros({2, 2}), 3);
                   },
                   "-infinity, got 3"},
                  {[] {
                     return matrix_norm(zeros({2, 2}), "no");
                   },
                   "got \"no\""},
                  {[] { return matrix_norm(zeros({2})); }, "[matrix_norm] expected a matrix"}},
       .fewer_samples = no_scalar},
      {.name = "cond",
       .call =
           [](In in) {
             return in[0].dim(-1) == in[0].dim(-2) ? cond(regular(in[0]), 1) + cond(regular(in[0]), "fro")
                                                   : cond(in[0]);
           },
       .samples = {one({2, 3}), one({3, 3}), one({2, 3, 2}), one({0, 2, 3}), {{{.shape = {3, 2}, .strided = true}}}},
       .special = {{[] {
                      return cond(zeros({2, 2}));
                    },
                    {inf}},
                   {[] {
                      return cond(tensor({{2., 0.}, {0., 4.}}));
                    },
                    {2}},
                   {[] {
                      return cond(tensor({{2., 0.}, {0., 4.}}), -2);
                    },
                    {0.5}}},
       .errors = {{[] {
                     return cond(zeros({2, 3}), 1);
                   },
                   "[cond] expected square matrices"},
                  {[] {
                     return cond(zeros({2, 2}), 7);
                   },
                   "[cond]"}},
       .fewer_samples = no_scalar},
  };
  return rows;
}

}  // namespace xgrad
