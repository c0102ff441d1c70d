#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/rerecord.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <catch2/catch.hpp>

#include <cmath>
#include <functional>
#include <limits>

using namespace xgrad;

namespace {

using Values = std::vector<double>;
constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

Tensor doubles(const Values& values) { return tensor(values, {static_cast<std::int64_t>(values.size())}); }
Values values(const Tensor& x) { return x.to_vector<double>(); }
std::vector<std::int64_t> whole(const Tensor& x) { return x.to_vector<std::int64_t>(); }

constexpr std::int64_t big = (std::int64_t{1} << 53) + 1;  // no double holds it

std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("integers above 2^53 stay exact through arithmetic, folds and moves") {
  const Tensor x = tensor(std::vector<std::int64_t>{big, 1, -big}, {3});
  CHECK(whole(x + 1) == std::vector<std::int64_t>{big + 1, 2, -big + 1});
  CHECK(whole(x - x) == std::vector<std::int64_t>{0, 0, 0});
  CHECK(whole(x * 3) == std::vector<std::int64_t>{3 * big, 3, -3 * big});
  CHECK(whole(-x) == std::vector<std::int64_t>{-big, -1, big});
  CHECK(whole(abs(x)) == std::vector<std::int64_t>{big, 1, big});
  CHECK(whole(maximum(x, big - 1)) == std::vector<std::int64_t>{big, big - 1, big - 1});
  CHECK(whole(where(x > 0, x, 0)) == std::vector<std::int64_t>{big, 1, 0});
  CHECK(whole(clip(x, -big, 0)) == std::vector<std::int64_t>{0, 0, -big});
  CHECK(sum(x).item<std::int64_t>() == 1);
  CHECK(max(x).item<std::int64_t>() == big);
  CHECK(min(x).item<std::int64_t>() == -big);
  CHECK(whole(take(x, 0)) == std::vector<std::int64_t>{big});
  CHECK(whole(floor(x)) == whole(x));
  CHECK(whole(slice(x, {{-1, to_end, -1}})) == std::vector<std::int64_t>{-big, 1, big});
  CHECK(whole(concatenate({x, x}))[3] == big);
  CHECK(matmul(x, tensor({1, 1, 0}, {.dtype = int64})).item<std::int64_t>() == big + 1);
  CHECK(whole(equal(x, big)) == std::vector<std::int64_t>{1, 0, 0});
  CHECK(argmax(tensor(std::vector<std::int64_t>{big - 1, big}, {2})).item<std::int64_t>() == 1);
  CHECK(power(tensor({3}, {.dtype = int64}), 39).to_vector<std::int64_t>()[0] == 4052555153018976267);
}

TEST_CASE("C++ numbers take the dtype of the tensor they meet") {
  const Tensor f = zeros({2}), d = zeros({2}, {.dtype = float64}), i = zeros({2}, {.dtype = int32}),
               u = zeros({2}, {.dtype = uint8}), b = zeros({2}, {.dtype = bool_});
  CHECK((f * 2.0).dtype() == float32);
  CHECK((2 + d).dtype() == float64);
  CHECK((i + 1).dtype() == int32);
  CHECK((u * 3).dtype() == uint8);
  CHECK((i * 0.5).dtype() == float32);
  CHECK((b + 1).dtype() == int64);
  CHECK((b * 0.5).dtype() == float32);
  CHECK((f < 1).dtype() == bool_);
  CHECK(where(b, i, 0).dtype() == int32);
  CHECK(where(b, 1.0, d).dtype() == float64);
  CHECK(maximum(d, 0).dtype() == float64);
  CHECK(power(f, 2).dtype() == float32);
  CHECK(clip(d, 0, 1).dtype() == float64);
  CHECK((tensor({0.1}, {.dtype = float64}) * 0.1).item() == 0.1 * 0.1);
}

TEST_CASE("mixed dtypes promote to the larger, and functions of real numbers give float32 for integers") {
  const auto make = [](DType dtype) { return ones({1}, {.dtype = dtype}); };
  for (int a = 1; a < dtype_count; ++a)
    for (int b = 1; b < dtype_count; ++b)
      CHECK((make(static_cast<DType>(a)) + make(static_cast<DType>(b))).dtype() == static_cast<DType>(std::max(a, b)));
  CHECK(exp(make(int64)).dtype() == float32);
  CHECK(sqrt(make(bool_)).dtype() == float32);
  CHECK((make(int32) / make(int32)).dtype() == float32);
  CHECK((make(int32) / make(float64)).dtype() == float64);
  CHECK(mean(make(uint8)).dtype() == float32);
  CHECK(softmax(make(int32)).dtype() == float32);
  CHECK(sum(make(bool_)).dtype() == int64);
  CHECK(sum(make(uint8)).dtype() == int64);
  CHECK(sum(make(int32)).dtype() == int64);
  CHECK(argmax(make(float64)).dtype() == int64);
}

TEST_CASE("a gradient has the dtype and shape of what it is for") {
  const Tensor f = tensor({1, 2}), d = doubles({3, 4}), s = Tensor(2.0);
  const auto [df, dd, ds] = grad(sum(f * d * s), {f, d, s});
  CHECK(df.dtype() == float32);
  CHECK(dd.dtype() == float64);
  CHECK(ds.shape() == Shape{});
  CHECK(values(df) == Values{6, 8});
  CHECK(values(dd) == Values{2, 4});
  CHECK(ds.item() == 11);
}

TEST_CASE("ties share the gradient: halves of maximum and minimum, equal parts of max and min") {
  const Tensor a = doubles({1, 2}), b = doubles({1, 3});
  const auto [da, db] = grad(sum(maximum(a, b) + 3 * minimum(a, b)), {a, b});
  CHECK(values(da) == Values{2, 3});
  CHECK(values(db) == Values{2, 1});
  const Tensor x = tensor({{2., 2., 1.}, {0., 5., 5.}}, {.dtype = float64});
  CHECK(values(grad(sum(max(x, 1)), x)) == Values{0.5, 0.5, 0, 0, 0.5, 0.5});
  CHECK(values(grad(max(x, {0, 1}), x)) == Values{0, 0, 0, 0, 0.5, 0.5});
  CHECK(values(grad(sum(min(x, 0)), x)) == Values{0, 1, 1, 1, 0, 0});
}

TEST_CASE("kinks have the documented slopes, in both modes") {
  const Tensor x = doubles({-1, 0, 1}), one = ones({3}, {.dtype = float64});
  const Tensor xs[] = {x}, ones_[] = {one};
  CHECK(values(grad(sum(relu(x)), x)) == Values{0, 0, 1});
  CHECK(values(jvp(relu(x), xs, ones_)) == Values{0, 0, 1});
  CHECK(values(grad(sum(abs(x)), x)) == Values{-1, 0, 1});
  CHECK(values(jvp(abs(x), xs, ones_)) == Values{-1, 0, 1});
  CHECK(values(grad(sum(clip(x, -1, 0)), x)) == Values{1, 1, 0});
  CHECK(values(grad(sum(sign(x) + floor(x)), x)) == Values{0, 0, 0});
}

TEST_CASE("NaN is not swallowed") {
  const Tensor x = doubles({not_a_number, 1});
  for (const Tensor& y :
       {relu(x), maximum(x, 0), minimum(x, 5), clip(x, 0, 1), softplus(x), sigmoid(x), abs(x), sign(x)})
    CHECK(std::isnan(values(y)[0]));
  for (const Tensor& y : {max(x), min(x), sum(x), mean(x), logsumexp(x), var(x)}) CHECK(std::isnan(y.item()));
  CHECK(argmax(doubles({1, not_a_number, not_a_number})).item() == 1);
  CHECK(argmin(doubles({1, not_a_number, 0})).item() == 1);
}

TEST_CASE("softmax and its kin keep their digits for large and infinite numbers") {
  const Tensor large = doubles({1000, 1001, 1002}), small = doubles({0, 1, 2});
  CHECK(values(softmax(large)) == values(softmax(small)));
  CHECK(values(log_softmax(large)) == values(log_softmax(small)));
  CHECK(logsumexp(large).item() == Approx(1000 + std::log(1 + std::exp(1) + std::exp(2))).epsilon(1e-15));
  CHECK(values(softmax(doubles({-inf, 0, 0}))) == Values{0, 0.5, 0.5});
  CHECK(logsumexp(doubles({-inf, -inf})).item() == -inf);
  CHECK(logsumexp(doubles({-inf, 3})).item() == 3);
  CHECK(logsumexp(doubles({inf, -inf})).item() == inf);
  CHECK(values(softmax(zeros({2, 0, 3}), -1)).empty());
  const Tensor rows = tensor({{1., 2., 3.}, {1., 5., 1.}}, {.dtype = float64});
  for (const double total : values(sum(softmax(rows, 0), 0))) CHECK(total == Approx(1).epsilon(1e-15));
  // The shift by the maximum is no part of the derivative.
  for (const double slope : values(grad(sum(softmax(rows)), rows))) CHECK(std::fabs(slope) < 1e-15);
  const Values slopes = values(grad(logsumexp(large), large)), parts = values(softmax(large));
  for (std::size_t i = 0; i < parts.size(); ++i) CHECK(slopes[i] == Approx(parts[i]).epsilon(1e-15));
}

TEST_CASE("sigmoid and softplus agree with their compositions where those are good") {
  const Tensor x = arange(-20, 20, 0.37, {.dtype = float64});
  const Values s = values(sigmoid(x)), s2 = values(1 / (1 + exp(-x))), p = values(softplus(x)),
               p2 = values(log1p(exp(-abs(x))) + relu(x));
  for (std::size_t i = 0; i < s.size(); ++i) {
    CHECK(s[i] == Approx(s2[i]).epsilon(1e-14));
    CHECK(p[i] == Approx(p2[i]).epsilon(1e-14));
  }
  const Tensor z = doubles({0});
  CHECK(values(grad(sum(grad(sum(softplus(z)), z)), z)) == Values{0.25});
}

TEST_CASE("powers have derivatives at zero, and for negative bases of whole exponents") {
  const Tensor x = doubles({0, -2});
  CHECK(values(grad(sum(pow(x, 3)), x)) == Values{0, 12});
  CHECK(values(grad(sum(pow(x, 1)), x)) == Values{1, 1});
  CHECK(values(grad(sum(pow(x, 0)), x)) == Values{0, 0});
  CHECK(values(grad(sum(pow(doubles({0}), 0.5)), doubles({0}))) == Values{0});
  const Tensor zero = doubles({0}), half = doubles({0.5});
  CHECK(grad(sum(pow(zero, 0.5)), zero).item() == inf);
  CHECK(grad(sum(pow(zero, half)), half).item() == 0);
  // d/da d/db a^b at b = 0 is 1 / a.
  const Tensor a = doubles({4}), b = doubles({0});
  CHECK(grad(grad(sum(power(a, b)), a), b).item() == Approx(0.25));
  CHECK(grad(grad(sum(power(a, b)), b), a).item() == Approx(0.25));
  // Differentiating a polynomial till nothing is left.
  Tensor y = sum(pow(a, 3));
  for (const double expected : {48., 24., 6., 0.}) {
    y = grad(y, a);
    CHECK(y.item() == expected);
  }
}

TEST_CASE("slices follow Python's rules") {
  const Tensor x = arange(7);
  const auto at = [&](Range range) { return whole(slice(x, {range})); };
  using Whole = std::vector<std::int64_t>;
  CHECK(at({2}) == Whole{2, 3, 4, 5, 6});
  CHECK(at({-3, -1}) == Whole{4, 5});
  CHECK(at({0, 7, 3}) == Whole{0, 3, 6});
  CHECK(at({-1, to_end, -3}) == Whole{6, 3, 0});
  CHECK(at({5, 1, -2}) == Whole{5, 3});
  CHECK(at({100, -100, -3}) == Whole{6, 3, 0});
  CHECK(at({-100, 100, 5}) == Whole{0, 5});
  CHECK(at({3, 3}) == Whole{});
  CHECK(at({1, 5, -1}) == Whole{});
  CHECK(at({0, 1, -1}) == Whole{});
}

TEST_CASE("repeated indices add their gradients up, and a gather of a gradient can be differentiated again") {
  const Tensor x = doubles({1, 2, 3}), at = tensor({0, 2, 0, -1}, {.dtype = int64});
  CHECK(values(grad(sum(take(x, at)), x)) == Values{2, 0, 2});
  const Tensor first = grad(sum(pow(take(x, at), 3)), x);
  CHECK(values(first) == Values{6, 0, 54});
  CHECK(values(grad(sum(first), x)) == Values{12, 0, 36});
}

TEST_CASE("a graph is recorded again for another batch size, gradients included") {
  const Tensor w = tensor({{1., 2.}, {3., 4.}, {5., 6.}}, {.dtype = float64});
  const auto loss_of = [&](const Tensor& x) {
    const Tensor h = softmax(matmul(x, w) + 1);
    const Tensor parts = concatenate({h, slice_axis(square(h), 1, {0, 1})}, 1);
    return mean(max(parts, 1) * var(x, 1)) + mean(logsumexp(transpose(parts), 0)) + sum(x) / count(x);
  };
  const auto batch = [](std::int64_t n) {
    Values v(static_cast<std::size_t>(n * 3));
    for (std::size_t i = 0; i < v.size(); ++i) v[i] = std::sin(static_cast<double>(i * i + 1));
    return tensor(v, {n, 3});
  };
  for (const std::int64_t n : {1, 2, 5}) {
    const Tensor small = batch(n), large = batch(4);
    const Tensor loss = loss_of(small), slope = grad(loss, small);
    const Tensor outputs[] = {loss, slope, grad(sum(slope * slope), small)};
    const Substitution other[] = {{small, large}};
    const std::vector<Tensor> again = rerecord(outputs, other);
    const Tensor expected = loss_of(large), expected_slope = grad(expected, large);
    CHECK(values(again[0]) == values(expected));
    CHECK(again[1].shape() == large.shape());
    CHECK(values(again[1]) == values(expected_slope));
    CHECK(values(again[2]) == values(grad(sum(expected_slope * expected_slope), large)));
  }
}

TEST_CASE("a product serves vectors, batches and both kinds of transposed gradients") {
  const Tensor a = reshape(arange(0, 12, 1, {.dtype = float64}), {2, 2, 3});
  const Tensor b = reshape(arange(0, 6, 1, {.dtype = float64}), {3, 2});
  const Tensor c = matmul(a, b);
  CHECK(c.shape() == Shape{2, 2, 2});
  CHECK(values(c) == Values{10, 13, 28, 40, 46, 67, 64, 94});
  const auto [da, db] = grad(sum(c), {a, b});
  CHECK(values(da) == Values{1, 5, 9, 1, 5, 9, 1, 5, 9, 1, 5, 9});
  CHECK(values(db) == Values{18, 18, 22, 22, 26, 26});
  const Tensor v = doubles({1, 2, 3});
  CHECK(matmul(v, v).item() == 14);
  CHECK(values(matmul(v, b)) == Values{16, 22});
  CHECK(matmul(a, v).shape() == Shape{2, 2});
  CHECK(values(grad(matmul(v, v), v)) == Values{2, 4, 6});
  CHECK(matmul(zeros({4, 1, 2, 3}), zeros({5, 3, 2})).shape() == Shape{4, 5, 2, 2});
}

TEST_CASE("errors of broadcasting name the operation, both shapes and the line they stand on") {
  const Tensor a = zeros({2, 3}), b = zeros({4});
  const std::string line = std::to_string(__LINE__ + 1);
  const std::string text = message_of([&] { a* b; });
  INFO(text);
  CHECK(contains(text, "[multiply]"));
  CHECK(contains(text, "(2, 3)"));
  CHECK(contains(text, "(4,)"));
  CHECK(contains(text, "ops_values_test.cpp:" + line));
  const std::string inner = std::to_string(__LINE__ + 1);
  const std::string composed = message_of([&] { clip(a, b, 1); });
  INFO(composed);
  CHECK(contains(composed, "[clip] expected shapes"));
  CHECK(contains(composed, "ops_values_test.cpp:" + inner));
}

TEST_CASE("a ninth axis is refused with the line it was asked for") {
  const Tensor x = zeros({1, 1, 1, 1, 1, 1, 1, 1});
  for (const std::string& text :
       {message_of([&] { expand_dims(x, 0); }), message_of([&] { stack({x, x}); }),
        message_of([&] { one_hot(x, 3); }), message_of([&] { reshape(x, {1, 1, 1, 1, 1, 1, 1, 1, 1}); })}) {
    INFO(text);
    CHECK(contains(text, "at most 8 axes"));
    CHECK(contains(text, "ops_values_test.cpp:"));
  }
}

TEST_CASE("an index or a label out of range is reported when values are computed, with its place") {
  const Tensor x = doubles({1, 2, 3});
  const Tensor bad = take(x, tensor({{0, 1}, {2, 3}}, {.dtype = int32}));
  const std::string text = message_of([&] { bad.eval(); });
  INFO(text);
  CHECK(contains(text, "[take] expected indices from -3 to 2, got 3 at position (1, 1)"));
  CHECK(contains(text, "ops_values_test.cpp:"));
  // The gradient does not need the forward values, and finds the same mistake.
  const Tensor slope = grad(sum(bad), x);
  CHECK(contains(message_of([&] { slope.eval(); }), "got 3 at position (1, 1)"));
}

TEST_CASE("empty tensors go through every kind of operation") {
  const Tensor x = zeros({0, 3}, {.dtype = float64});
  CHECK(values(exp(x) + 1).empty());
  CHECK(sum(x).item() == 0);
  CHECK(values(sum(x, 0)) == Values{0, 0, 0});
  CHECK(std::isnan(mean(x).item()));
  CHECK(values(matmul(transpose(x), x)) == Values(9, 0.0));
  CHECK(values(grad(sum(matmul(x, ones({3, 2}))), x)).empty());
  CHECK(concatenate({x, ones({2, 3})}).shape() == Shape{2, 3});
  CHECK(values(take(x, zeros({0}, {.dtype = int64}))).empty());
  CHECK(contains(message_of([&] { max(x, 0); }), "[max] expected at least one element along axis 0"));
  CHECK(max(x, 1).shape() == Shape{0});
}

TEST_CASE("a value that was computed can still be differentiated by what it was recorded from") {
  const Tensor a = doubles({1, 2, 3}) * 2;
  const Tensor loss = sum(square(a));
  CHECK(loss.item() == 56);
  CHECK(values(grad(loss, a)) == Values{4, 8, 12});
}
