#include "planned.hpp"

#include <catch2/catch.hpp>
#include <xgrad/graph/explain.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/print.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

using namespace xgrad;

namespace {

const Planned planned;

std::vector<double> values(const Tensor& t) { return t.to_vector<double>(); }

Tensor drawn(const Shape& shape, std::uint64_t seed) {
  Generator generator(seed);
  Tensor x = normal(shape, 0, 1, {.dtype = float64, .generator = &generator});
  x.eval();
  return x;
}

std::size_t count(const std::string& text, std::string_view word) {
  std::size_t n = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++n;
  return n;
}

/// Elements of a matrix (4, 64) of `x`, by row and column.
double at(const std::vector<double>& x, std::size_t row, std::size_t column) { return x[64 * row + column]; }

}  // namespace

TEST_CASE("sections are read where they are, and parts computed where they are joined") {
  const Tensor x = drawn({4, 64}, 1);
  // Sections that are held, or that a gradient may want, would be results of their own.
  const NoGrad no_grad;
  const Tensor y = [&] {
    const std::vector<Tensor> halves = split(x, 2, -1);
    return concatenate({halves[1] * 2, halves[0] + 1}, -1);
  }();
  const std::string text = explain(y);
  INFO(text);
  CHECK(count(text, "section") == 0);
  CHECK(count(text, "concatenate") == 1);
  CHECK(count(text, "from byte 256") >= 2);  // the second half of a row, read and written
  const std::vector<double> found = values(y), given = values(x);
  for (std::size_t row = 0; row < 4; ++row)
    for (std::size_t column = 0; column < 32; ++column) {
      CHECK(at(found, row, column) == at(given, row, column + 32) * 2);
      CHECK(at(found, row, column + 32) == at(given, row, column) + 1);
    }
}

TEST_CASE("a part that somebody else reads, or holds, gives the same bits") {
  const Tensor x = drawn({4, 64}, 2);
  const auto joined = [&](bool holds) {
    const std::vector<Tensor> rows = split(exp(x), 4, 0);
    const Tensor first = rows[1] * rows[2], second = tanh(rows[3] - rows[0]);
    const Tensor held = holds ? first : Tensor();
    const Tensor all = concatenate({first, second, first}, 0);
    const Tensor again = concatenate({second, first}, -1);
    const Tensor sums = sum(first, -1) + matmul(second, transpose(second));
    eval({all, again, sums});
    std::vector<double> out = values(all);
    for (const Tensor& t : {again, sums})
      for (const double v : values(t)) out.push_back(v);
    if (holds) CHECK(std::vector(out.begin(), out.begin() + 64) == values(held));
    return out;
  };
  CHECK(joined(false) == joined(true));
}

TEST_CASE("what grows by joining ends up in one place") {
  Tensor all = drawn({1, 32}, 3) * 2;
  std::vector<double> expected = values(all);
  for (std::uint64_t k = 0; k < 40; ++k) {
    const Tensor next = drawn({1, 32}, 10 + k);
    all = concatenate({all, next + 1}, 0);
    for (const double v : values(next)) expected.push_back(v + 1);
  }
  CHECK(values(all) == expected);
}

TEST_CASE("products and sums read and leave joined parts as others") {
  const Tensor a = drawn({8, 16}, 4), b = drawn({16, 16}, 5);
  const Tensor first = matmul(a, b), second = matmul(first, b), rows = sum(second, 0, true);
  const std::vector<double> apart[] = {values(first), values(second), values(rows)};
  const Tensor one = matmul(a, b), two = matmul(one, b);
  const Tensor all = concatenate({one, two, sum(two, 0, true)}, 0);
  const Tensor more = split(all, 17, 0)[16] - 1;
  std::vector<double> expected;
  for (const std::vector<double>& part : apart) expected.insert(expected.end(), part.begin(), part.end());
  eval({all, more});
  CHECK(values(all) == expected);
  for (std::size_t i = 0; i < 16; ++i) CHECK(values(more)[i] == apart[2][i] - 1);
}

TEST_CASE("sections of sections, of slices and of what is broadcast are read in place") {
  const Tensor x = drawn({6, 4, 64}, 6), bias = drawn({2, 64}, 7);
  const NoGrad no_grad;
  const auto half = [](const Tensor& t, std::size_t which) { return split(t, 2, -1)[which]; };
  const Tensor y = half(squeeze(slice_axis(x, 0, {2, 3}), 0), 1) * 3 + half(squeeze(split(bias, 2, 0)[1], 0), 0) +
                   slice(x, {{1, 2}, {}, {32, to_end}});
  const std::string text = explain(y);
  INFO(text);
  CHECK(count(text, "section") + count(text, "slice") == 0);
  const std::vector<double> found = values(y), in = values(x), add = values(bias);
  for (std::size_t row = 0; row < 4; ++row)
    for (std::size_t column = 0; column < 32; ++column)
      CHECK(found[32 * row + column] == in[64 * (8 + row) + 32 + column] * 3 + add[64 + column] +
                                            in[64 * (4 + row) + 32 + column]);
}

TEST_CASE("the gradient by what was cut into sections is their gradients side by side") {
  const Tensor x = drawn({4, 64}, 8);
  const auto loss = [](const std::vector<Tensor>& parts) {
    return sum(parts[0] * parts[1]) + sum(square(parts[2]) * parts[0]);
  };
  const std::vector<Tensor> parts = split(x, 4, -1);
  const Tensor g = grad(loss(parts), x);
  CHECK(count(dump(g), "concatenate") == 1);
  CHECK(count(dump(g), "unsection") == 0);
  const std::vector<double> found = values(g);
  const std::vector<Tensor> apart = grad(loss(parts), std::span<const Tensor>(parts).first(3));
  for (std::size_t k = 0; k < 4; ++k)
    for (std::size_t row = 0; row < 4; ++row)
      for (std::size_t column = 0; column < 16; ++column)
        CHECK(at(found, row, 16 * k + column) == (k == 3 ? 0 : values(apart[k])[16 * row + column]));
  // Sections of different kinds, and few of many, each by itself.
  const Tensor mixed = grad(sum(split(x, 2, -1)[0] * 2) + sum(split(x, 4, 0)[1] * 3) + sum(split(x, 64, -1)[5]), x);
  const std::vector<double> sums = values(mixed);
  for (std::size_t row = 0; row < 4; ++row)
    for (std::size_t column = 0; column < 64; ++column)
      CHECK(at(sums, row, column) == (column < 32 ? 2 : 0) + (row == 1 ? 3 : 0) + (column == 5 ? 1 : 0));
}

TEST_CASE("the gradient by a matrix in several products is one product") {
  const Tensor w = drawn({16, 24}, 9);
  for (const bool left : {false, true})
    for (const bool transposed : {false, true}) {
      INFO("left " << left << ", transposed " << transposed);
      Tensor loss;
      std::vector<double> expected(16 * 24, 0);
      for (std::uint64_t k = 0; k < 5; ++k) {
        const std::int64_t outer = 3 + static_cast<std::int64_t>(k);
        const Tensor m = transposed ? transpose(w) : w;
        const Tensor other = left ? drawn({m.dim(1), outer}, 20 + k) : drawn({outer, m.dim(0)}, 20 + k);
        const Tensor part = sum(square(left ? matmul(m, other) : matmul(other, m)));
        const std::vector<double> alone = values(grad(part, w));
        for (std::size_t i = 0; i < alone.size(); ++i) expected[i] += alone[i];
        loss = loss.defined() ? loss + part : part;
      }
      const Tensor g = grad(loss, w);
      const std::vector<double> found = values(g);
      for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == Approx(expected[i]).epsilon(1e-12));
    }
  Tensor y = drawn({2, 16}, 30);
  const Tensor square_matrix = drawn({16, 16}, 31);
  for (int k = 0; k < 6; ++k) y = tanh(matmul(y, square_matrix));
  const std::string text = dump(grad(sum(y), square_matrix));
  // Six forward, five back to the states, one for the matrix.
  CHECK(count(text, " matmul") == 12);
  // Gradients of gradients go through it as well.
  const Tensor g = grad(sum(y), square_matrix);
  const Tensor second = grad(sum(square(g)), square_matrix);
  const double step = 1e-6;
  const auto at_shift = [&](double shift) {
    std::vector<double> moved = values(square_matrix);
    moved[17] += shift;
    const Tensor m = tensor(moved, {16, 16}, {.dtype = float64});
    Tensor z = drawn({2, 16}, 30);
    for (int k = 0; k < 6; ++k) z = tanh(matmul(z, m));
    return sum(square(grad(sum(z), m))).item();
  };
  CHECK(values(second)[17] == Approx((at_shift(step) - at_shift(-step)) / (2 * step)).epsilon(1e-5));
}
