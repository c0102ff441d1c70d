// Linear algebra: values and derivatives by PyTorch, and what rows of samples cannot say.

#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/rerecord.hpp>
#include <xgrad/kernels/linalg.hpp>
#include <xgrad/kernels/pool.hpp>
#include <xgrad/ops/decompositions.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include "reference_cases.hpp"

#include <random>

using namespace xgrad;

namespace {

using In = std::span<const Tensor>;

const double inf = HUGE_VAL;

Tensor t(const Tensor& x) { return swapaxes(x, -1, -2); }

Tensor unit(std::int64_t n) { return cast(equal(expand_dims(arange(n), 1), arange(n)), float64); }

/// As in the script that made the reference values.
Tensor definite(const Tensor& x) {
  return 0.3 * (x + t(x)) + unit(x.dim(-1)) * (2.0 + 3.0 * cast(arange(x.dim(-1)), float64));
}

Tensor random_tensor(const Shape& shape, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<double> values(static_cast<std::size_t>(shape.size()));
  for (double& v : values) v = normal(engine);
  return tensor(values, shape);
}

Tensor fourth(const Tensor& x) { return square(square(x)); }

double largest_difference(const Tensor& a, const Tensor& b) { return max(abs(a - b)).item(); }

Tensor lower(const Tensor& x) {
  return x * cast(greater_equal(expand_dims(arange(x.dim(-1)), 1), arange(x.dim(-1))), float64);
}

std::string message_of(const Tensor& x) {
  try {
    x.eval();
  } catch (const ValueError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("linear algebra agrees with PyTorch, twice differentiated") {
  reference::check_reference(
      "linalg_values.json",
      {
          {"solve", [](In in) { return solve(in[0], in[1]); }},
          {"solve_vector", [](In in) { return solve(in[0], in[1]); }},
          {"inv", [](In in) { return inv(in[0]); }},
          {"det", [](In in) { return det(in[0]); }},
          {"logabsdet", [](In in) { return slogdet(in[0]).logabsdet; }},
          {"sign_of_det", [](In in) { return slogdet(in[0]).sign; }},
          {"cholesky", [](In in) { return cholesky(definite(in[0])); }},
          {"cholesky_upper", [](In in) { return cholesky(definite(in[0]), true); }},
          {"cholesky_solve", [](In in) { return cholesky_solve(in[0], lower(in[1])); }},
          {"triangular_upper", [](In in) { return solve_triangular(in[0], in[1]); }},
          {"triangular_lower", [](In in) { return solve_triangular(in[0], in[1], {.lower = true}); }},
          {"power_3", [](In in) { return matrix_power(in[0], 3); }},
          {"power_minus_2", [](In in) { return matrix_power(in[0], -2); }},
          {"expm", [](In in) { return expm(in[0]); }},
          {"pinv", [](In in) { return pinv(in[0]); }},
          {"lstsq", [](In in) { return lstsq(in[0], in[1]).x; }},
          {"norm_fro", [](In in) { return matrix_norm(in[0]); }},
          {"norm_nuc", [](In in) { return matrix_norm(in[0], "nuc"); }},
          {"norm_2", [](In in) { return matrix_norm(in[0], 2); }},
          {"norm_minus_2", [](In in) { return matrix_norm(in[0], -2); }},
          {"norm_1", [](In in) { return matrix_norm(in[0], 1); }},
          {"norm_minus_1", [](In in) { return matrix_norm(in[0], -1); }},
          {"norm_inf", [](In in) { return matrix_norm(in[0], inf); }},
          {"norm_minus_inf", [](In in) { return matrix_norm(in[0], -inf); }},
          {"cond_1", [](In in) { return cond(in[0], 1); }},
          {"cond_2", [](In in) { return cond(in[0]); }},
          {"cond_fro", [](In in) { return cond(in[0], "fro"); }},
          {"rank", [](In in) { return matrix_rank(in[0]); }},
      });
}

TEST_CASE("factors of matrices agree with PyTorch, twice differentiated") {
  reference::check_reference(
      "decomposition_values.json",
      {
          {"qr_q", [](In in) { return qr(in[0]).q; }},
          {"qr_r", [](In in) { return qr(in[0]).r; }},
          {"complete_r", [](In in) { return qr(in[0], QrMode::complete).r; }},
          {"complete_projector",
           [](In in) {
             const Tensor q = qr(in[0], QrMode::complete).q;
             const Tensor added = slice_axis(q, -1, {.start = std::min(in[0].dim(-1), in[0].dim(-2))});
             return matmul(added, t(added));
           }},
          {"svdvals", [](In in) { return svdvals(in[0]); }},
          {"svd_s", [](In in) { return svd(in[0]).s; }},
          {"svd_u4", [](In in) { return fourth(svd(in[0], false).u); }},
          {"svd_vh4", [](In in) { return fourth(svd(in[0], false).vh); }},
          {"svd_root",
           [](In in) {
             const auto [u, s, vh] = svd(in[0], false);
             return matmul(u * expand_dims(sqrt(s), -2), vh);
           }},
          {"full_projector",
           [](In in) {
             const Tensor added = slice_axis(svd(in[0]).vh, -2, {.start = std::min(in[0].dim(-1), in[0].dim(-2))});
             return matmul(t(added), added);
           }},
          {"eigvalsh", [](In in) { return eigvalsh(definite(in[0])); }},
          {"eigh_w", [](In in) { return eigh(definite(in[0])).eigenvalues; }},
          {"eigh_v4", [](In in) { return fourth(eigh(definite(in[0])).eigenvectors); }},
          {"eigh_root",
           [](In in) {
             const auto [w, v] = eigh(definite(in[0]));
             return matmul(v * expand_dims(sqrt(w), -2), t(v));
           }},
      });
}

TEST_CASE("factors multiply back to the matrix and have the shape they promise") {
  for (const DType type : {float32, float64}) {
    const double rounding = type == float32 ? 2e-4 : 1e-12;
    for (const Shape& shape : {Shape{70, 40}, Shape{40, 70}, Shape{2, 50, 50}, Shape{3, 1, 4, 3}}) {
      const Tensor a = cast(random_tensor(shape, 1), type);
      const std::int64_t m = shape[-2], n = shape[-1], k = std::min(m, n);
      for (const QrMode mode : {QrMode::reduced, QrMode::complete}) {
        const auto [q, r] = qr(a, mode);
        CHECK(q.dim(-1) == (mode == QrMode::reduced ? k : m));
        CHECK(largest_difference(matmul(q, r), a) < rounding);
        CHECK(largest_difference(matmul(t(q), q), cast(unit(q.dim(-1)), type)) < rounding);
      }
      for (const bool full : {false, true}) {
        const auto [u, s, vh] = svd(a, full);
        CHECK(u.dim(-1) == (full ? m : k));
        CHECK(vh.dim(-2) == (full ? n : k));
        const Tensor thin_u = slice_axis(u, -1, {0, k}), thin_v = slice_axis(vh, -2, {0, k});
        CHECK(largest_difference(matmul(thin_u * expand_dims(s, -2), thin_v), a) < rounding);
        CHECK(largest_difference(matmul(t(u), u), cast(unit(u.dim(-1)), type)) < rounding);
        CHECK(largest_difference(matmul(vh, t(vh)), cast(unit(vh.dim(-2)), type)) < rounding);
        CHECK(largest_difference(s, svdvals(a)) < rounding);
      }
      const Tensor c = matmul(a, t(a)) + cast(unit(m), type);
      const auto [w, v] = eigh(c);
      CHECK(largest_difference(matmul(v * expand_dims(w, -2), t(v)), c) < 100 * rounding);
      CHECK(largest_difference(w, eigvalsh(c)) < 100 * rounding);
      const Tensor l = cholesky(c);
      CHECK(largest_difference(matmul(l, t(l)), c) < 100 * rounding);
      CHECK(largest_difference(cholesky_solve(c, l), cast(unit(m), type)) < 100 * rounding);
      CHECK(largest_difference(solve(c, c), cast(unit(m), type)) < 100 * rounding);
    }
  }
}

TEST_CASE("a singular matrix has a determinant with a derivative, and no inverse") {
  const Tensor a = tensor({{1., 2., 3.}, {4., 5., 6.}, {5., 7., 9.}}, {.dtype = float64});
  // Minors by hand: rank 2, so they are not all zero.
  reference::check_reals("minors", grad(det(a), a), {3, -6, 3, 3, -6, 3, -3, 6, -3});
  const Tensor rank_one = tensor({{1., 1., 1.}, {1., 1., 1.}, {1., 1., 1.}}, {.dtype = float64});
  CHECK(largest_difference(grad(det(rank_one), rank_one), zeros_like(rank_one)) < 1e-15);
  const Tensor exact = tensor({{1., 2.}, {2., 4.}}, {.dtype = float64});
  CHECK(message_of(inv(exact)).find("pivot 1 is zero") != std::string::npos);
  CHECK(message_of(grad(slogdet(exact).logabsdet, exact)).find("pivot 1 is zero") != std::string::npos);
}

TEST_CASE("factors whose exchanges are made up touch no memory but their own") {
  for (const double made_up : {1e9, -7.0, 2.0, 1.5, std::nan("")}) {
    const double factors[] = {2, 0, 0, 4, made_up, made_up}, b[] = {2, 8};
    const std::int64_t at = 0;
    double x[] = {7, 7, 7, 7};
    CHECK_FALSE(kernels::lu_solve({.type = float64, .n = 2, .k = 1, .count = 1, .a_offsets = &at, .b_offsets = &at},
                                  factors, b, x + 1));
    CHECK(x[0] == 7);
    CHECK(x[3] == 7);
    CHECK(x[1] + x[2] == 3);
  }
}

TEST_CASE("equations whose rows have to be exchanged are solved, and so are the transposed ones of their derivatives") {
  const Tensor a = random_tensor({3, 20, 20}, 7), b = random_tensor({3, 20, 4}, 8), seed = random_tensor({3, 20, 4}, 9);
  const Tensor x = solve(a, b);
  CHECK(largest_difference(matmul(a, x), b) < 1e-11);
  CHECK(largest_difference(matmul(t(a), grad(x, b, {.seed = seed})), seed) < 1e-11);
  CHECK(largest_difference(matmul(a, inv(a)), broadcast_to(unit(20), {3, 20, 20})) < 1e-11);
  // A cyclic shift has nothing but zeros on its diagonal; that of four rows is odd.
  const Tensor shift = cast(equal(expand_dims(arange(4), 1), tensor({1, 2, 3, 0}, {.dtype = int64})), float64);
  CHECK(det(shift).item() == -1);
  CHECK(largest_difference(inv(shift), t(shift)) == 0);
}

TEST_CASE("a failing matrix of a batch is named by its place, and everything stays usable") {
  Tensor batch = random_tensor({2, 3, 4, 4}, 5);
  const Tensor keep = cast(not_equal(arange(6), 4), float64);
  batch = batch * reshape(keep, {2, 3, 1, 1});
  const Tensor b = random_tensor({4, 1}, 6), x = solve(batch, b);
  CHECK(message_of(x).find("[solve] expected matrices that can be inverted, but of matrix (1, 1) of the batch pivot 0 "
                           "is zero") == 0);
  CHECK(message_of(x).find("ops_linalg_test.cpp:") != std::string::npos);
  CHECK(sum(batch).eval().computed());
  CHECK(largest_difference(matmul(batch + unit(4), solve(batch + unit(4), b)), broadcast_to(b, {2, 3, 4, 1})) < 1e-10);
}

TEST_CASE("equal eigenvalues have derivatives in their sums, vectors of equal ones have none") {
  const Tensor a = 2.0 * unit(3);
  CHECK(largest_difference(grad(sum(eigvalsh(a)), a), unit(3)) < 1e-15);
  CHECK(largest_difference(grad(sum(square(eigh(a).eigenvalues)), a), 4.0 * unit(3)) < 1e-14);
  CHECK(largest_difference(grad(sum(svd(a).s), a), unit(3)) < 1e-15);
  const Tensor slope = grad(sum(eigh(a).eigenvectors * random_tensor({3, 3}, 1)), a);
  CHECK(!isfinite(sum(slope)).item<bool>());
}

TEST_CASE("a generalised inverse meets Penrose's four conditions, whatever the rank") {
  for (const std::int64_t rank : {1, 2, 3}) {
    const Tensor a = matmul(random_tensor({5, rank}, 1), random_tensor({rank, 4}, 2)), p = pinv(a);
    CHECK(matrix_rank(a).item<std::int64_t>() == rank);
    CHECK(largest_difference(multi_dot({a, p, a}), a) < 1e-12);
    CHECK(largest_difference(multi_dot({p, a, p}), p) < 1e-12);
    CHECK(largest_difference(matmul(a, p), t(matmul(a, p))) < 1e-12);
    CHECK(largest_difference(matmul(p, a), t(matmul(p, a))) < 1e-12);
  }
}

TEST_CASE("least squares finds the smallest solution, its residuals and the rank") {
  const Tensor a = random_tensor({2, 6, 3}, 1), b = random_tensor({2, 6, 2}, 2);
  const auto [x, residuals, rank, s] = lstsq(a, b);
  const Tensor left = b - matmul(a, x);
  CHECK(largest_difference(matmul(t(a), left), zeros({2, 3, 2}, {.dtype = float64})) < 1e-12);
  CHECK(largest_difference(residuals, sum(square(left), -2)) < 1e-12);
  CHECK(rank.to_vector<std::int64_t>() == std::vector<std::int64_t>{3, 3});
  CHECK(largest_difference(s, svdvals(a)) == 0);
}

TEST_CASE("the exponential of a large rotation turns the right way") {
  for (const double angle : {0.001, 0.2, 1.0, 3.0, 40.0}) {
    const Tensor a = angle * tensor({{0., -1.}, {1., 0.}}, {.dtype = float64});
    reference::check_reals("rotation", expm(a), {std::cos(angle), -std::sin(angle), std::sin(angle), std::cos(angle)},
                           1e-13 * std::max(1.0, angle));
  }
}

TEST_CASE("linear algebra recorded for one batch runs with another") {
  const Tensor a = random_tensor({2, 3, 3}, 1), other = random_tensor({5, 3, 3}, 2), b = random_tensor({3, 2}, 3);
  const auto all = [&](const Tensor& x) {
    const Tensor c = matmul(x, t(x)) + unit(3);
    return sum(solve(x, b)) + sum(det(x)) + sum(slogdet(x).logabsdet) + sum(cholesky(c)) + sum(qr(x).r) +
           sum(svdvals(x)) + sum(square(svd(x).u)) + sum(eigh(c).eigenvalues) + sum(expm(0.1 * x)) + sum(pinv(x)) +
           sum(matrix_power(x, 3)) + sum(matrix_norm(x)) + sum(inv(x));
  };
  const Tensor y = all(a), slope = grad(y, b);
  const Tensor recorded[] = {y, slope};
  const Substitution change[] = {{a, other}};
  const std::vector<Tensor> again = rerecord(recorded, change);
  CHECK(again[0].item() == Approx(all(other).item()).epsilon(1e-12));
  CHECK(largest_difference(again[1], grad(all(other), b)) < 1e-9);
}

TEST_CASE("linear algebra has the same bits whatever the number of threads") {
  const Tensor a = random_tensor({40, 12, 12}, 1), big = random_tensor({300, 300}, 2);
  const int before = kernels::num_threads();
  std::vector<std::vector<double>> kept;
  for (const int threads : {1, 4}) {
    kernels::set_num_threads(threads);
    const Tensor results[] = {
        inv(a),   qr(a).q,      svd(a).u, eigh(definite(a)).eigenvectors, expm(a), cholesky(definite(0.01 * big)),
        inv(big), svdvals(big), det(a)};
    for (std::size_t i = 0; i < std::size(results); ++i) {
      const std::vector<double> found = results[i].to_vector<double>();
      if (threads == 1) kept.push_back(found);
      INFO("result " << i);
      CHECK(found == kept[i]);
    }
  }
  kernels::set_num_threads(before);
}
