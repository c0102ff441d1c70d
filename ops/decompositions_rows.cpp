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

constexpr double nan = __builtin_nan("");

std::vector<Sample> any_samples() {
  return {one({3, 2}),    one({2, 3}),    one({3, 3}),
          one({2, 3, 2}), one({0, 2, 3}), {{{.shape = {3, 2}, .strided = true}}}};
}

}  // namespace

Rows decomposition_rows() {
  static const std::vector<Row> rows = {
      {.name = "qr",
       .call =
           [](In in) {
             const auto [q, r] = qr(in[0]);
             const auto whole = qr(in[0], QrMode::complete);
             const Tensor projector = matmul(whole.q, swapaxes(whole.q, -1, -2));
             return sum(sin(q), {-2, -1}) + sum(sin(r), {-2, -1}) + sum(projector, {-2, -1}) + sum(whole.r, {-2, -1});
           },
       .samples = any_samples(),
       .special = {{[] {
                      return qr(zeros({2, 0}), QrMode::complete).q;
                    },
                    {1, 0, 0, 1}},
                   {[] {
                      return qr(zeros({0, 2})).r;
                    },
                    {}}},
       .errors = {{[] { return qr(zeros({2})).q; }, "[qr] expected a matrix"},
                  {[] {
                     return derivative([](const Tensor& x) { return qr(x).r; }, zeros({2, 2})).eval();
                   },
                   "is zero"}},
       .fewer_samples = no_scalar},
      {.name = "svd",
       .call =
           [](In in) {
             const auto [u, s, vh] = svd(in[0], false);
             return sum(sin(s), -1) + sum(square(square(u)), {-2, -1}) + 0.5 * sum(square(square(vh)), {-2, -1});
           },
       .samples = any_samples(),
       .special = {{[] {
                      return svd(tensor({{3., 0.}, {0., -4.}})).s;
                    },
                    {4, 3}},
                   {[] {
                      return svd(zeros({2, 2})).s;
                    },
                    {0, 0}},
                   {[] {
                      return svd(zeros({0, 2})).vh * 0;
                    },
                    {0, 0, 0, 0}}},
       .errors = {{[] { return svd(not_finite()).s.eval(); },
                   "[svd] expected matrices of finite numbers, but of the matrix"},
                  {[] { return svd(zeros({2})).s; }, "[svd] expected a matrix"}},
       .fewer_samples = no_scalar},
      {.name = "svdvals",
       .call = [](In in) { return svdvals(in[0]); },
       .samples = any_samples(),
       .special = {{[] {
                      return derivative([](const Tensor& x) { return svdvals(x); }, tensor({{2., 0.}, {0., 2.}}));
                    },
                    {1, 0, 0, 1}}},
       .errors = {{[] { return svdvals(not_finite()).eval(); }, "a number is not finite"}},
       .fewer_samples = no_scalar},
      {.name = "eigh",
       .call =
           [](In in) {
             const auto [w, v] = eigh(definite(in[0]));
             return sum(sin(w), -1) + sum(square(square(v)), {-2, -1});
           },
       .samples = square_samples(),
       .special = {{[] {
                      return eigh(tensor({{2., nan}, {0., 1.}})).eigenvalues;
                    },
                    {1, 2}},
                   {[] {
                      return eigh(tensor({{2., 0.}, {nan, 1.}}), 'U').eigenvalues;
                    },
                    {1, 2}}},
       .errors = {{[] {
                     return eigh(zeros({2, 3})).eigenvalues;
                   },
                   "[eigh] expected square matrices"},
                  {[] {
                     return eigh(zeros({2, 2}), 'X').eigenvalues;
                   },
                   "expected 'L' or 'U', got 'X'"},
                  {[] {
                     return eigh(stack({matrix(), not_finite()})).eigenvalues.eval();
                   },
                   "but of matrix (1,) of the batch"}},
       .fewer_samples = no_scalar},
      {.name = "eigvalsh",
       .call = [](In in) { return eigvalsh(definite(in[0]), in[0].rank() == 3 ? 'U' : 'L'); },
       .samples = square_samples(),
       .special = {{[] {
                      return derivative([](const Tensor& x) { return eigvalsh(x); }, tensor({{2., 0.}, {0., 2.}}));
                    },
                    {1, 0, 0, 1}}},
       .errors = {{[] { return eigvalsh(not_finite()).eval(); }, "a number is not finite"}},
       .fewer_samples = no_scalar},
  };
  return rows;
}

}  // namespace xgrad
