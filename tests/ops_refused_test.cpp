// Every kind of call that is refused: the message says what was expected and where, and the arguments stay usable.

#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/parameter.hpp>
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

#include <catch2/catch.hpp>

using namespace xgrad;
using Catch::Matchers::Contains;

namespace {

/// The arguments of refused calls, recorded and not computed yet.
struct Given {
  Tensor leaf = tensor({1, 2, 3, 4, 5, 6}, {.dtype = float64});
  Tensor x = reshape(leaf * 1.5, {2, 3});                    ///< (2, 3)
  Tensor v = leaf + 0.5;                                     ///< (6,)
  Tensor square = matmul(transpose(x), x);                   ///< (3, 3), singular
  Tensor bad = cast(x, int64) + 7;                           ///< (2, 3), integers of 8 and more
  Parameter p{tensor({{2, 0}, {0, 3}}, {.dtype = float64}), "p"};

  /// What the arguments must still give.
  std::vector<double> all() const {
    std::vector<double> values;
    const Tensor y = sum(x * x) + sum(v) + sum(square);
    for (const Tensor& t : {x, v, square, cast(bad, float64), p.value(), y, grad(y, leaf)})
      for (const double value : t.to_vector<double>()) values.push_back(value);
    return values;
  }
};

struct Refused {
  const char* name;  ///< of the function, which the message names
  Tensor (*call)(const Given& given);
  const char* words;
};

std::string message(const Refused& refused, const Given& given) {
  try {
    (void)refused.call(given);
  } catch (const Error& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("not an Error of this library: ") + error.what();
  }
  return "nothing was thrown";
}

void check(std::span<const Refused> calls) {
  for (const Refused& refused : calls) {
    Given given;
    // An update that is due must neither be lost nor made twice.
    given.p.assign(given.p * 2);
    const std::string text = message(refused, given);
    INFO(refused.name << ": " << text);
    CHECK_THAT(text, Contains(refused.words));
    CHECK_THAT(text, Contains(refused.name));
    CHECK_THAT(text, Contains("ops_refused_test.cpp:"));
    CHECK(message(refused, given) == text);
    Given untouched;
    untouched.p.assign(untouched.p * 2);
    CHECK(given.all() == untouched.all());
    CHECK(message(refused, given) == text);
    CHECK(given.all() == untouched.all());
  }
}

const char* const no_axis = "an axis from -2 to 1";

}  // namespace

TEST_CASE("an axis that is not there is refused by every function that takes one") {
  const Refused calls[] = {
      {"sum", [](const Given& g) { return sum(g.x, 2); }, no_axis},
      {"mean", [](const Given& g) { return mean(g.x, -3); }, no_axis},
      {"var", [](const Given& g) { return var(g.x, 2); }, no_axis},
      {"std", [](const Given& g) { return xgrad::std(g.x, 2); }, no_axis},
      {"average", [](const Given& g) { return average(g.x, g.x, 2); }, no_axis},
      {"prod", [](const Given& g) { return prod(g.x, 2); }, no_axis},
      {"max", [](const Given& g) { return max(g.x, 2); }, no_axis},
      {"min", [](const Given& g) { return min(g.x, -3); }, no_axis},
      {"ptp", [](const Given& g) { return ptp(g.x, 2); }, no_axis},
      {"argmax", [](const Given& g) { return argmax(g.x, 2); }, no_axis},
      {"argmin", [](const Given& g) { return argmin(g.x, -3); }, no_axis},
      {"any", [](const Given& g) { return any(g.x, 2); }, no_axis},
      {"all", [](const Given& g) { return all(g.x, 2); }, no_axis},
      {"count_nonzero", [](const Given& g) { return count_nonzero(g.x, 2); }, no_axis},
      {"norm", [](const Given& g) { return norm(g.x, 2, 2); }, no_axis},
      {"vector_norm", [](const Given& g) { return vector_norm(g.x, 2); }, no_axis},
      {"nansum", [](const Given& g) { return nansum(g.x, 2); }, no_axis},
      {"nanprod", [](const Given& g) { return nanprod(g.x, 2); }, no_axis},
      {"nanmean", [](const Given& g) { return nanmean(g.x, 2); }, no_axis},
      {"nanvar", [](const Given& g) { return nanvar(g.x, 2); }, no_axis},
      {"nanstd", [](const Given& g) { return nanstd(g.x, 2); }, no_axis},
      {"nanmax", [](const Given& g) { return nanmax(g.x, 2); }, no_axis},
      {"nanmin", [](const Given& g) { return nanmin(g.x, 2); }, no_axis},
      {"quantile", [](const Given& g) { return quantile(g.x, 0.5, 2); }, no_axis},
      {"percentile", [](const Given& g) { return percentile(g.x, 50, 2); }, no_axis},
      {"median", [](const Given& g) { return median(g.x, 2); }, no_axis},
      {"logsumexp", [](const Given& g) { return logsumexp(g.x, 2); }, no_axis},
      {"softmax", [](const Given& g) { return softmax(g.x, 2); }, no_axis},
      {"log_softmax", [](const Given& g) { return log_softmax(g.x, 2); }, no_axis},
      {"cumsum", [](const Given& g) { return cumsum(g.x, 2); }, no_axis},
      {"cumprod", [](const Given& g) { return cumprod(g.x, 2); }, no_axis},
      {"cummax", [](const Given& g) { return cummax(g.x, 2); }, no_axis},
      {"cummin", [](const Given& g) { return cummin(g.x, 2); }, no_axis},
      {"logcumsumexp", [](const Given& g) { return logcumsumexp(g.x, 2); }, no_axis},
      {"nancumsum", [](const Given& g) { return nancumsum(g.x, 2); }, no_axis},
      {"nancumprod", [](const Given& g) { return nancumprod(g.x, 2); }, no_axis},
      {"diff", [](const Given& g) { return diff(g.x, 1, 2); }, no_axis},
      {"linear_recurrence", [](const Given& g) { return linear_recurrence(g.x, g.x, 2); }, no_axis},
      {"swapaxes", [](const Given& g) { return swapaxes(g.x, 0, 2); }, no_axis},
      {"moveaxis", [](const Given& g) { return moveaxis(g.x, 2, 0); }, no_axis},
      {"transpose", [](const Given& g) { return transpose(g.x, {0, 2}); }, "axes of (2, 3) once"},
      {"expand_dims", [](const Given& g) { return expand_dims(g.x, 3); }, "an axis from -3 to 2"},
      {"squeeze", [](const Given& g) { return squeeze(g.x, 2); }, no_axis},
      {"flatten", [](const Given& g) { return flatten(g.x, 0, 2); }, no_axis},
      {"concatenate", [](const Given& g) { return concatenate({g.x, g.x}, 2); }, no_axis},
      {"stack", [](const Given& g) { return stack({g.x, g.x}, 3); }, "an axis from -3 to 2"},
      {"split", [](const Given& g) { return split(g.x, 1, 2)[0]; }, no_axis},
      {"array_split", [](const Given& g) { return array_split(g.x, 2, 2)[0]; }, no_axis},
      {"unstack", [](const Given& g) { return unstack(g.x, 2)[0]; }, no_axis},
      {"repeat", [](const Given& g) { return repeat(g.x, 2, 2); }, no_axis},
      {"flip", [](const Given& g) { return flip(g.x, 2); }, no_axis},
      {"rot90", [](const Given& g) { return rot90(g.x, 1, {0, 2}); }, no_axis},
      {"roll", [](const Given& g) { return roll(g.x, 1, 2); }, no_axis},
      {"slice_axis", [](const Given& g) { return slice_axis(g.x, 2, {}); }, no_axis},
      {"diagonal", [](const Given& g) { return diagonal(g.x, 0, 0, 2); }, no_axis},
      {"trace", [](const Given& g) { return trace(g.x, 0, 2, 0); }, no_axis},
      {"take", [](const Given& g) { return take(g.x, 0, 2); }, no_axis},
      {"take_along_axis", [](const Given& g) { return take_along_axis(g.x, g.bad, 2); }, no_axis},
      {"put_along_axis", [](const Given& g) { return put_along_axis(g.x, g.bad, 0, 2); }, no_axis},
      {"compress", [](const Given& g) { return compress(tensor({1}), g.x, 2); }, no_axis},
      {"sort", [](const Given& g) { return sort(g.x, 2); }, no_axis},
      {"argsort", [](const Given& g) { return argsort(g.x, 2); }, no_axis},
      {"top_k", [](const Given& g) { return top_k(g.x, 1, 2).values; }, no_axis},
      {"vecdot", [](const Given& g) { return vecdot(g.x, g.x, 2); }, no_axis},
      {"cross", [](const Given& g) { return cross(g.x, g.x, 2); }, no_axis},
      {"tensordot", [](const Given& g) { return tensordot(g.x, g.x, {2}, {0}); }, no_axis},
  };
  check(calls);
}

TEST_CASE("an axis given twice is refused") {
  const Refused calls[] = {
      {"sum", [](const Given& g) { return sum(g.x, {0, 0}); }, "each axis once"},
      {"mean", [](const Given& g) { return mean(g.x, {1, -1}); }, "each axis once"},
      {"max", [](const Given& g) { return max(g.x, {0, -2}); }, "each axis once"},
      {"prod", [](const Given& g) { return prod(g.x, {1, 1}); }, "each axis once"},
      {"nansum", [](const Given& g) { return nansum(g.x, {1, 1}); }, "each axis once"},
      {"median", [](const Given& g) { return median(g.x, {1, -1}); }, "each axis once"},
      {"norm", [](const Given& g) { return norm(g.x, 2, {0, 0}); }, "each axis once"},
      {"any", [](const Given& g) { return any(g.x, {0, 0}); }, "each axis once"},
      {"logsumexp", [](const Given& g) { return logsumexp(g.x, {0, -2}); }, "each axis once"},
      {"flip", [](const Given& g) { return flip(g.x, {0, 0}); }, "each axis once"},
      {"squeeze", [](const Given& g) { return squeeze(expand_dims(g.x, 0), {0, -3}); }, "each axis once"},
      {"moveaxis", [](const Given& g) { return moveaxis(g.x, {0, 0}, {0, 1}); }, "each axis once"},
      {"moveaxis", [](const Given& g) { return moveaxis(g.x, {0, 1}, {1, -1}); }, "each axis once"},
      {"transpose", [](const Given& g) { return transpose(g.x, {1, -1}); }, "axes of (2, 3) once"},
      {"expand_dims", [](const Given& g) { return expand_dims(g.x, {0, -4}); }, "once"},
      {"rot90", [](const Given& g) { return rot90(g.x, 1, {1, -1}); }, "each axis once"},
      {"diagonal", [](const Given& g) { return diagonal(g.x, 0, 1, 1); }, "two"},
      {"diagonal", [](const Given& g) { return trace(g.x, 0, 0, -2); }, "two different axes"},
      {"tensordot", [](const Given& g) { return tensordot(g.x, g.x, {1, 1}, {0, 1}); }, "once"},
  };
  check(calls);
}

TEST_CASE("shapes that do not fit are refused with both shapes") {
  const Refused calls[] = {
      {"add", [](const Given& g) { return g.x + g.v; }, "broadcast together, got (2, 3) float64 and (6,)"},
      {"multiply", [](const Given& g) { return g.x * g.v; }, "broadcast together, got (2, 3)"},
      {"arctan2", [](const Given& g) { return arctan2(g.x, g.v); }, "broadcast together, got (2, 3)"},
      {"maximum", [](const Given& g) { return maximum(g.x, g.v); }, "broadcast together, got (2, 3)"},
      {"equal", [](const Given& g) { return equal(g.x, g.v); }, "broadcast together, got (2, 3)"},
      {"where", [](const Given& g) { return where(g.x, g.v, 1); }, "broadcast together"},
      {"clip", [](const Given& g) { return clip(g.x, g.v, 9); }, "broadcast together"},
      {"lerp", [](const Given& g) { return xgrad::lerp(g.x, g.v, 0.5); }, "broadcast together"},
      {"power", [](const Given& g) { return power(g.x, g.v); }, "broadcast together"},
      {"broadcast_to", [](const Given& g) { return broadcast_to(g.x, {2, 4}); }, "(2, 4)"},
      {"broadcast_arrays", [](const Given& g) { return broadcast_arrays({g.x, g.v})[0]; }, "(6,)"},
      {"reshape", [](const Given& g) { return reshape(g.x, {4, 2}); }, "(4, 2)"},
      {"reshape", [](const Given& g) { return reshape(g.x, {4, -1}); }, "-1"},
      {"average", [](const Given& g) { return average(g.x, g.v); }, "(6,)"},
      {"matmul", [](const Given& g) { return matmul(g.x, g.x); }, "(2, 3)"},
      {"matvec", [](const Given& g) { return matvec(g.x, g.v); }, "(6,)"},
      {"vecdot", [](const Given& g) { return vecdot(g.x, g.v); }, "(6,)"},
      {"dot", [](const Given& g) { return dot(g.x, g.v); }, "(6,)"},
      {"vdot", [](const Given& g) { return vdot(g.x, g.square); }, "(3, 3)"},
      {"inner", [](const Given& g) { return inner(g.x, g.v); }, "(6,)"},
      {"tensordot", [](const Given& g) { return tensordot(g.x, g.v, 1); }, "(6,)"},
      {"cross", [](const Given& g) { return cross(g.v, g.x); }, "(6,)"},
      {"concatenate", [](const Given& g) { return concatenate({g.x, g.square}, 1); }, "(3, 3)"},
      {"stack", [](const Given& g) { return stack({g.x, g.square}); }, "(3, 3)"},
      {"hstack", [](const Given& g) { return hstack({g.x, g.square}); }, "(3, 3)"},
      {"split", [](const Given& g) { return split(g.x, 2, 1)[0]; }, "3"},
      {"squeeze", [](const Given& g) { return squeeze(g.x, 0); }, "length 1"},
      {"take_along_axis", [](const Given& g) { return take_along_axis(g.v, g.bad); }, "(2, 3)"},
      {"scatter_add", [](const Given& g) { return scatter_add(g.x, expand_dims(g.bad, -1), g.v); }, "(6,)"},
      {"segment_sum", [](const Given& g) { return segment_sum(g.v, g.bad, 9); }, "(2, 3)"},
      {"bincount", [](const Given& g) { return bincount(g.bad, g.v); }, "(6,)"},
      {"searchsorted", [](const Given& g) { return searchsorted(g.square, g.x); }, "(2, 3)"},
      {"boolean_mask", [](const Given& g) { return boolean_mask(g.v, g.x); }, "(2, 3)"},
      {"choose", [](const Given& g) { return choose(g.bad, std::array{g.x, g.v}); }, "broadcast"},
      {"select", [](const Given& g) { return select(std::array{g.x}, std::array{g.v}); }, "broadcast"},
      {"solve", [](const Given& g) { return solve(g.square, g.x); }, "(2, 3)"},
      {"solve", [](const Given& g) { return solve(g.x, g.x); }, "square"},
      {"inv", [](const Given& g) { return inv(g.x); }, "square"},
      {"det", [](const Given& g) { return det(g.x); }, "square"},
      {"cholesky", [](const Given& g) { return cholesky(g.x); }, "square"},
      {"eigh", [](const Given& g) { return eigh(g.x).eigenvalues; }, "square"},
      {"matrix_power", [](const Given& g) { return matrix_power(g.x, 2); }, "square"},
      {"expm", [](const Given& g) { return expm(g.x); }, "square"},
      {"lstsq", [](const Given& g) { return lstsq(g.square, g.x).x; }, "(2, 3)"},
      {"linear_recurrence", [](const Given& g) { return linear_recurrence(g.x, g.v); }, "broadcast together"},
  };
  check(calls);
}

TEST_CASE("what depends on values is refused when they are computed, again and again") {
  const Refused calls[] = {
      {"take", [](const Given& g) { return take(g.v, g.bad).eval(); },
       "indices from -6 to 5, got 8 at position (0, 0)"},
      {"take_along_axis", [](const Given& g) { return take_along_axis(g.x, g.bad).eval(); }, "from -3 to 2, got 8"},
      {"put_along_axis", [](const Given& g) { return put_along_axis(g.x, g.bad, 1).eval(); }, "from -3 to 2, got 8"},
      {"gather_nd", [](const Given& g) { return gather_nd(g.square, slice_axis(g.bad, 1, {0, 2})).eval(); }, "got 8"},
      {"scatter", [](const Given& g) { return scatter(expand_dims(g.bad, -1), g.x, {4}).eval(); }, "got 8"},
      {"scatter_add", [](const Given& g) { return scatter_add(g.v, expand_dims(g.bad, -1), g.x).eval(); }, "got 8"},
      {"scatter_update", [](const Given& g) { return scatter_update(g.v, expand_dims(g.bad, -1), g.x).eval(); },
       "got 8"},
      {"scatter_max", [](const Given& g) { return scatter_max(g.v, expand_dims(g.bad, -1), g.x).eval(); }, "got 8"},
      {"segment_sum", [](const Given& g) { return segment_sum(g.x, g.bad, 4).eval(); }, "from 0 to 3, got 8"},
      {"segment_max", [](const Given& g) { return segment_max(g.x, g.bad, 4).eval(); }, "from 0 to 3, got 8"},
      {"bincount", [](const Given& g) { return bincount(g.bad, 0, 4).eval(); }, "from 0 to 3, got 8"},
      {"bincount", [](const Given& g) { return bincount(-g.bad).eval(); }, "from 0"},
      {"choose", [](const Given& g) { return choose(g.bad, std::array{g.x, g.x}).eval(); }, "got 8"},
      {"check_labels", [](const Given& g) { return check_labels(g.bad, 4).eval(); }, "from 0 to 3, got 8"},
      {"solve", [](const Given& g) { return solve(zeros_like(g.square), g.square).eval(); }, "pivot 0"},
      {"solve", [](const Given& g) { return inv(stack({eye(3, -1, 0, {.dtype = float64}), g.square * 0})).eval(); },
       "matrix (1,) of the batch pivot 0 is"},
      {"solve_triangular", [](const Given& g) { return solve_triangular(g.square * 0, g.square).eval(); }, "zero"},
      {"cholesky", [](const Given& g) { return cholesky(-g.square).eval(); }, "positive definite"},
      {"solve", [](const Given& g) { return matrix_power(g.square * 0, -2).eval(); }, "can be inverted"},
      {"svd", [](const Given& g) { return svd(g.square / 0).s.eval(); }, "finite"},
      {"eigh", [](const Given& g) { return eigh(g.square / 0).eigenvalues.eval(); }, "finite"},
  };
  check(calls);
}

TEST_CASE("an einsum string that says nothing is refused") {
  const Refused calls[] = {
      {"einsum", [](const Given& g) { return einsum("ij,jk", {g.x}); }, "2"},
      {"einsum", [](const Given& g) { return einsum("ij", {g.x, g.x}); }, "as many terms as operands (2)"},
      {"einsum", [](const Given& g) { return einsum("ijk->i", {g.x}); }, "(2, 3)"},
      {"einsum", [](const Given& g) { return einsum("i->i", {g.x}); }, "(2, 3)"},
      {"einsum", [](const Given& g) { return einsum("ij,jk->ik", {g.x, g.x}); }, "j"},
      {"einsum", [](const Given& g) { return einsum("ij->ik", {g.x}); }, "k"},
      {"einsum", [](const Given& g) { return einsum("ij->ii", {g.x}); }, "i"},
      {"einsum", [](const Given& g) { return einsum("i1->i", {g.x}); }, "1"},
      {"einsum", [](const Given& g) { return einsum("ij->i->j", {g.x}); }, "->"},
      {"einsum", [](const Given& g) { return einsum("ij-i", {g.x}); }, "-"},
      {"einsum", [](const Given& g) { return einsum("i..", {g.x}); }, "."},
      {"einsum", [](const Given& g) { return einsum("...i...", {g.x}); }, "..."},
      {"einsum", [](const Given& g) { return einsum("...ij->ij...k", {g.x}); }, "k"},
      {"einsum", [](const Given& g) { return einsum("ij>i", {g.x}); }, ">"},
      {"einsum", [](const Given& g) { return einsum("ii->i", {g.x}); }, "i"},
      {"einsum", [](const Given& g) { return einsum("", {g.x}); }, "(2, 3)"},
  };
  check(calls);
}

TEST_CASE("sizes that overflow are refused before anything is computed") {
  const Refused calls[] = {
      {"outer", [](const Given&) { return outer(zeros({1 << 15, 1 << 15}), zeros({1 << 15, 1 << 15})); }, "memory"},
      {"add", [](const Given& g) {
         const Tensor wide = broadcast_to(sum(g.x), {1LL << 30});
         return expand_dims(wide, 1) + wide;
       }, "memory"},
      {"broadcast_to", [](const Given& g) { return broadcast_to(sum(g.x), {1LL << 32, 1LL << 32}); }, "("},
      {"tile", [](const Given& g) { return tile(g.x, {1LL << 40, 1LL << 40}); }, "memory"},
      {"tile", [](const Given& g) { return tile(g.x, {INT64_MAX}); }, "memory"},
      {"repeat", [](const Given& g) { return repeat(g.x, INT64_MAX, 0); }, "memory"},
      {"pad", [](const Given& g) { return pad(g.x, {{INT64_MAX, INT64_MAX}}); }, "counted"},
      {"kron", [](const Given& g) {
         const Tensor wide = broadcast_to(sum(g.x), {1 << 15, 1 << 15});
         return kron(wide, wide);
       }, "memory"},
      {"matmul", [](const Given& g) {
         return matmul(broadcast_to(sum(g.x), {1LL << 40, 1}), broadcast_to(sum(g.x), {1, 1LL << 40}));
       }, "memory"},
      {"einsum", [](const Given& g) {
         const Tensor wide = broadcast_to(sum(g.x), {1LL << 40});
         return einsum("i,j", {wide, wide});
       }, "memory"},
      {"diag", [](const Given& g) { return diag(broadcast_to(sum(g.x), {1LL << 40})); }, "memory"},
      {"diag", [](const Given& g) { return diag(g.v, INT64_MAX); }, ""},
      {"one_hot", [](const Given& g) { return one_hot(g.bad, INT64_MAX); }, "memory"},
      {"scatter", [](const Given& g) { return scatter(g.bad, g.x, {1LL << 40, 1LL << 40}); }, "("},
      {"segment_sum", [](const Given& g) { return segment_sum(g.x, g.bad, INT64_MAX); }, ""},
      {"bincount", [](const Given& g) { return bincount(g.bad, INT64_MAX); }, ""},
      {"vander", [](const Given& g) { return vander(g.v, INT64_MAX); }, "memory"},
      {"convolve", [](const Given& g) {
         const Tensor wide = broadcast_to(sum(g.x), {1LL << 55});
         return convolve(wide, concatenate({wide, wide}));
       }, "memory"},
      {"concatenate", [](const Given& g) {
         const Tensor wide = broadcast_to(sum(g.x), {1LL << 56});
         return concatenate({wide, wide});
       }, "memory"},
      {"stack", [](const Given& g) {
         const Tensor wide = broadcast_to(sum(g.x), {1LL << 56});
         return stack({wide, wide});
       }, "memory"},
  };
  check(calls);
  CHECK_THROWS_AS(zeros({INT64_MAX, 2}), Error);
  CHECK_THROWS_AS(full({1LL << 62, 4}, 1), Error);
  CHECK_THROWS_AS(eye(INT64_MAX), Error);
  CHECK_THROWS_AS(tri(1LL << 40, 1LL << 40), Error);
  CHECK_THROWS_AS(uniform({INT64_MAX, 2}), Error);
  CHECK_THROWS_AS(linspace(0, 1, INT64_MAX), Error);
  CHECK_THROWS_AS(arange(INT64_MAX), Error);
}
