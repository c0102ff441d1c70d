#include <xgrad/ops/attention.hpp>

#include <xgrad/ops/creation.hpp>
#include <xgrad/ops/einsum.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/shape_parts.hpp>
#include <xgrad/ops/table.hpp>

#include <cmath>
#include <limits>

namespace xgrad {
namespace {

/// Far below every logit, but finite: a maximum of it can be subtracted.
double lowest(DType dtype) {
  return -.7 * (dtype == float64 ? std::numeric_limits<double>::max()
                                 : static_cast<double>(std::numeric_limits<float>::max()));
}

void check_mask(const char* name, const Tensor& mask, const Location& where) {
  if (mask.dtype() != bool_)
    throw DTypeError(std::string("[") + name + "] expected a bool mask, got " + name_of(mask.dtype()) + " " +
                     to_string(mask.shape()) + place(where));
}

/// Whether `x` broadcasts to these lengths.
bool broadcasts_to(const Tensor& x, std::initializer_list<std::int64_t> lengths) {
  const auto rank = static_cast<int>(lengths.size());
  bool fits = x.rank() <= rank;
  for (int i = 1; fits && i <= x.rank(); ++i) fits = x.dim(-i) == 1 || x.dim(-i) == lengths.begin()[rank - i];
  return fits;
}

}  // namespace

Tensor masked_softmax(const Arg& x, const Arg& mask, Axes axis) {
  const Within here("masked_softmax", x);
  const Tensor t = real(x), holds = mask.tensor();
  check_mask("masked_softmax", holds, x.where());
  mask_from_end(axis, t.rank(), "masked_softmax", x.where());
  const Tensor kept = where(holds, t, lowest(t.dtype()));
  if (kept.shape() != t.shape())
    throw ShapeError("[masked_softmax] expected a mask that broadcasts over " + to_string(t.shape()) + ", got " +
                     to_string(holds.shape()) + place(x.where()));
  const Tensor e = where(holds, exp(kept - stop_gradient(max(kept, axis, true))), 0);
  const Tensor total = sum(e, axis, true);
  return e / where(equal(total, 0), 1, total);
}

Tensor dot_product_attention(const Arg& query, const Arg& key, const Arg& value,
                             const DotProductAttentionOptions& options) {
  const Within here("dot_product_attention", query);
  Tensor q = real(query), k = real(key), v = real(value);
  const auto refuse = [&](const std::string& what) {
    throw ShapeError("[dot_product_attention] expected " + what + ", got " + to_string(q.shape()) + ", " +
                     to_string(k.shape()) + " and " + to_string(v.shape()) + place(query.where()));
  };
  if (q.rank() != 4 || k.rank() != 4 || v.rank() != 4) refuse("query, key and value with 4 axes");
  if (k.dim(0) != q.dim(0) || v.dim(0) != q.dim(0)) refuse("one batch");
  if (k.dim(1) != v.dim(1) || k.dim(2) != v.dim(2)) refuse("as many keys as values, in as many heads");
  if (q.dim(3) != k.dim(3)) refuse("queries and keys with equally many features");
  const std::int64_t heads = q.dim(2), shared = k.dim(2);
  if (shared == 0 || heads % shared != 0) refuse("a number of key heads that divides that of the query");
  const std::int64_t queries = q.dim(1), keys = k.dim(1);
  const auto check = [&](const char* what, const Tensor& x) {
    if (x.defined() && !broadcasts_to(x, {q.dim(0), heads, queries, keys}))
      refuse(std::string("a ") + what + " that broadcasts to (batch, heads, queries, keys), not " +
             to_string(x.shape()) + ",");
  };
  check("bias", options.bias);
  check("mask", options.mask);
  if (heads != shared) {
    k = repeat(k, heads / shared, 2);
    v = repeat(v, heads / shared, 2);
  }
  const auto features = static_cast<double>(std::max<std::int64_t>(q.dim(3), 1));
  const double scale = options.scale == 0 ? 1 / std::sqrt(features) : options.scale;
  Tensor logits = einsum("btnh,bsnh->bnts", {scale == 1 ? q : q * scale, k});
  if (options.bias.defined()) logits = logits + options.bias;
  Tensor mask = options.mask;
  if (mask.defined()) check_mask("dot_product_attention", mask, query.where());
  if (options.is_causal) {
    const Tensor causal = tri(queries, keys, 0, {.dtype = bool_});
    mask = mask.defined() ? logical_and(mask, causal) : causal;
  }
  Tensor weights;
  if (mask.defined()) {
    weights = masked_softmax(logits, mask);
  } else {
    const Tensor e = exp(logits - stop_gradient(max(logits, -1, true)));
    weights = e / sum(e, -1, true);
  }
  return einsum("bnts,bsnh->btnh", {weights, v});
}

Rows attention_rows() {
  using In = std::span<const Tensor>;
  static const double inf = __builtin_inf();
  static const auto some = [](const Shape& shape) {
    std::vector<double> values;
    for (std::int64_t i = 0; i < shape.size(); ++i) values.push_back(i % 3 != 1);
    return tensor(std::span<const double>(values), shape, {.dtype = bool_});
  };
  static const auto heads = [](Shape q, Shape k, Shape v) {
    return Sample{{{.shape = q}, {.shape = k}, {.shape = v}}};
  };
  static const std::vector<Row> rows = {
      {.name = "dot_product_attention",
       .call =
           [](In in) {
             const bool odd = in[0].dim(1) % 2 == 1;
             return dot_product_attention(in[0], in[1], in[2],
                                          {.bias = in.size() > 3 ? in[3] : Tensor(),
                                           .mask = odd ? some({in[0].dim(1), in[1].dim(1)}) : Tensor(),
                                           .scale = odd ? .7 : 0,
                                           .is_causal = in.size() > 3});
           },
       .samples = {heads({2, 2, 2, 3}, {2, 4, 2, 3}, {2, 4, 2, 2}),
                   heads({2, 3, 4, 3}, {2, 5, 2, 3}, {2, 5, 2, 3}),
                   heads({1, 2, 1, 2}, {1, 1, 1, 2}, {1, 1, 1, 1}),
                   {{{.shape = {2, 3, 2, 2}}, {.shape = {2, 3, 1, 2}}, {.shape = {2, 3, 1, 2}}, {.shape = {2, 1, 3}}}},
                   heads({0, 2, 2, 2}, {0, 2, 2, 2}, {0, 2, 2, 2}),
                   {{{.shape = {1, 2, 2, 2}, .strided = true},
                     {.shape = {1, 2, 2, 2}, .strided = true},
                     {.shape = {1, 2, 2, 2}, .broadcast = true}}}},
       .special = {{[] {
                      // Nothing to attend to, then one of two keys.
                      return dot_product_attention(ones({1, 2, 1, 1}), ones({1, 2, 1, 1}), tensor({{{{3.}}, {{5.}}}}),
                                                   {.mask = tensor({{0., 0.}, {0., 1.}}, {.dtype = bool_})});
                    },
                    {0, 5}}},
       .errors = {{[] {
                     return dot_product_attention(ones({2, 2, 2}), ones({1, 2, 2, 2}), ones({1, 2, 2, 2}));
                   },
                   "[dot_product_attention] expected query, key and value with 4 axes, got (2, 2, 2), (1, 2, 2, 2)"},
                  {[] {
                     return dot_product_attention(ones({1, 2, 3, 2}), ones({1, 2, 2, 2}), ones({1, 2, 2, 2}));
                   },
                   "key heads that divides"},
                  {[] {
                     return dot_product_attention(ones({1, 2, 1, 3}), ones({1, 2, 1, 2}), ones({1, 2, 1, 2}));
                   },
                   "equally many features"},
                  {[] {
                     return dot_product_attention(ones({1, 2, 1, 3}), ones({1, 4, 1, 3}), ones({1, 2, 1, 2}));
                   },
                   "as many keys as values"},
                  {[] {
                     return dot_product_attention(ones({3, 2, 1, 3}), ones({1, 4, 1, 3}), ones({1, 2, 1, 2}));
                   },
                   "one batch"},
                  {[] {
                     const Tensor x = ones({1, 2, 1, 3});
                     return dot_product_attention(x, x, x, {.mask = ones({2, 3})});
                   },
                   "a mask that broadcasts to (batch, heads, queries, keys), not (2, 3)"},
                  {[] {
                     const Tensor x = ones({1, 2, 1, 3});
                     return dot_product_attention(x, x, x, {.mask = ones({2, 2})});
                   },
                   "a bool mask, got float32 (2, 2)"}},
       .fewer_samples = "all have four axes"},
      {.name = "masked_softmax",
       .call =
           [](In in) {
             return masked_softmax(in[0], some({in[0].dim(-1)}), in[0].rank() > 2 ? Axes{-2, -1} : Axes(-1));
           },
       .samples = {{{{.shape = {2, 5}}}},
                   {{{.shape = {3, 4}, .broadcast = true}}},
                   {{{.shape = {2, 2, 3}}}},
                   {{{.shape = {0, 3}}}},
                   {{{.shape = {2, 3}, .strided = true}}}},
       .special = {{[] {
                      return masked_softmax(tensor({1., 1., 1e300}), tensor({1., 1., 0.}, {.dtype = bool_}));
                    },
                    {.5, .5, 0}},
                   {[] {
                      return masked_softmax(tensor({1., 2.}), tensor({0., 0.}, {.dtype = bool_}));
                    },
                    {0, 0}},
                   {[] {
                      return masked_softmax(tensor({1., inf}), tensor({1., 0.}, {.dtype = bool_}));
                    },
                    {1, 0}}},
       .errors = {{[] { return masked_softmax(ones({2}), ones({2})); }, "[masked_softmax] expected a bool mask"},
                  {[] { return masked_softmax(ones({2}), some({3})); }, "[masked_softmax"},
                  {[] {
                     return masked_softmax(ones({2}), some({2, 2}));
                   },
                   "a mask that broadcasts over (2,), got (2, 2)"},
                  {[] { return masked_softmax(ones({2}), some({2}), 1); }, "[masked_softmax] expected an axis"}},
       .fewer_samples = "a scalar has no axis"},
  };
  return rows;
}

}  // namespace xgrad
