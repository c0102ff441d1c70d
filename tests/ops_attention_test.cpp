// Attention against keras.ops, and what it promises besides.

#include <xgrad/ops/attention.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/shape.hpp>

#include "reference_cases.hpp"

#include <cstring>

using namespace xgrad;

namespace {

using In = std::span<const Tensor>;

Tensor attend(In in, const DotProductAttentionOptions& options = {}) {
  return dot_product_attention(in[0], in[1], in[2], options);
}

Tensor drawn(const Shape& shape, std::uint64_t seed) {
  Generator generator(seed);
  return normal(shape, 0, 1, {.dtype = float64, .generator = &generator}).eval();
}

std::vector<double> values(const Tensor& x) { return x.to_vector<double>(); }

}  // namespace

TEST_CASE("attention gives the values and derivatives of keras.ops") {
  reference::check_reference(
      "attention_values.json",
      {{"dot_product_attention", [](In in) { return attend(in); }},
       {"dot_product_attention shared", [](In in) { return attend(in); }},
       {"dot_product_attention causal", [](In in) { return attend(in, {.is_causal = true}); }},
       {"dot_product_attention scale", [](In in) { return attend(in, {.scale = .3}); }},
       {"dot_product_attention bias", [](In in) { return attend(in, {.bias = in[3]}); }},
       {"dot_product_attention mask", [](In in) { return attend(in, {.mask = in[3]}); }},
       {"masked_softmax", [](In in) { return masked_softmax(in[0], in[1]); }},
       {"masked_softmax 0", [](In in) { return masked_softmax(in[0], in[1], 0); }},
       {"masked_softmax two axes", [](In in) {
          return masked_softmax(in[0], in[1], {-2, -1});
        }}});
}

TEST_CASE("with causal attention what comes later changes no bit of what came before") {
  const Tensor q = drawn({2, 6, 2, 4}, 1), k = drawn({2, 6, 2, 4}, 2), v = drawn({2, 6, 2, 4}, 3);
  const auto first = [](const Tensor& x) { return values(slice_axis(x, 1, {0, 4})); };
  const Tensor y = dot_product_attention(q, k, v, {.is_causal = true});
  const auto later = [](const Tensor& x) {
    return concatenate({slice_axis(x, 1, {0, 4}), slice_axis(x, 1, {4, 6}) * 1e3}, 1);
  };
  const Tensor z = dot_product_attention(later(q), later(k), later(v), {.is_causal = true});
  CHECK(first(y) == first(z));
  CHECK(values(y) != values(z));
}

TEST_CASE("a query without keys to attend to gets 0 and sends no gradient") {
  const Tensor q = drawn({1, 2, 1, 3}, 4), k = drawn({1, 2, 1, 3}, 5), v = drawn({1, 2, 1, 3}, 6);
  const Tensor mask = tensor({{0, 0}, {1, 1}}, {.dtype = bool_});
  const Tensor y = dot_product_attention(q, k, v, {.mask = mask});
  for (const double x : values(slice_axis(y, 1, {0, 1}))) CHECK(x == 0);
  const auto [dq, dk] = grad(sum(y), {q, k});
  for (const double x : values(slice_axis(dq, 1, {0, 1}))) CHECK(x == 0);
  for (const double x : values(dk)) CHECK(std::isfinite(x));
}
