#include <xgrad/nn/attention_parts.hpp>
#include <xgrad/ops/einsum.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

namespace xgrad {

namespace {

void describe(Fields& f, AttentionOptions& o) {
  f("use_scale", o.use_scale);
  f("score_mode", o.score_mode);
  f("dropout", o.dropout);
  f("seed", o.seed);
  f("name", o.name);
  f("dtype", o.dtype);
}
void describe(Fields& f, AdditiveAttentionOptions& o) {
  f("use_scale", o.use_scale);
  f("dropout", o.dropout);
  f("seed", o.seed);
  f("name", o.name);
  f("dtype", o.dtype);
}

template <class Options>
Config options_config(Options options) {
  return written([&](Fields& f) { describe(f, options); });
}

std::string shapes_of(const Tensor& query, const Tensor& value, const Tensor& key) {
  return "query " + to_string(query.shape()) + ", value " + to_string(value.shape()) + ", key " +
         to_string(key.shape());
}

Parameter made(const initializers::Initializer& initializer, const Shape& shape, std::optional<DType> dtype,
               const Tensor& x, const std::string& name, Call& call) {
  return Parameter(initializer(shape, dtype.value_or(x.dtype()), call.random()), name);
}

/// sum(f(query + key)) for every query with every key.
template <class F>
Tensor of_sums(const Tensor& query, const Tensor& key, F f) {
  return sum(f(expand_dims(query, -2) + expand_dims(key, -3)), -1);
}

// --- what both have: scores of all pairs, their softmax, the mean of the values

struct PlainState : detail::AttentionState {
  using AttentionState::AttentionState;
  /// Makes the weights, if they are not there.
  virtual void build(const Tensor& query, Call& call) = 0;
  virtual Tensor scores_of(const Tensor& query, const Tensor& key) const = 0;

  AttentionResult attend(const Tensor& query, const Tensor& value, const AttentionArguments& arguments, bool,
                         Call& call) override {
    const Tensor q = floating(query), v = floating(value), k = arguments.key.defined() ? floating(arguments.key) : v;
    if (q.rank() != 3 || v.rank() != 3 || k.rank() != 3)
      throw ShapeError(where() + "expected query, value and key with 3 axes, got " + shapes_of(q, v, k));
    if (v.dim(0) != q.dim(0) || k.dim(0) != q.dim(0) || v.dim(1) != k.dim(1))
      throw ShapeError(where() + "expected one batch and as many keys as values, got " + shapes_of(q, v, k));
    if (q.dim(2) != k.dim(2))
      throw ShapeError(where() + "expected query and key with equally many features, got " + shapes_of(q, v, k));
    build(q, call);
    // What the query's mask leaves out has scores like everybody, but a result of 0.
    AttentionArguments of_keys = arguments;
    of_keys.query_mask = {};
    const Tensor mask = joined_mask(where(), of_keys, q.dim(1), v.dim(1), {});
    const Tensor weights = dropped(softmax_of(scores_of(q, k), mask), call);
    Tensor output = einsum("bts,bsv->btv", {weights, v});
    const Tensor& counts = arguments.query_mask;
    if (counts.defined() && (counts.rank() != 2 || counts.dim(1) != q.dim(1)))
      throw ShapeError(where() + "expected a query_mask of shape (batch, " + std::to_string(q.dim(1)) + "), got " +
                       to_string(counts.shape()));
    if (counts.defined()) output = xgrad::where(expand_dims(cast(counts, bool_), -1), output, 0);
    call.mask = counts;
    return {output, weights};
  }
};

struct DotState final : PlainState {
  explicit DotState(AttentionOptions o)
      : PlainState(o.name, checked_dropout(label("Attention", o.name), o.dropout), o.seed), options(std::move(o)) {
    constexpr Named<bool> modes[] = {{"dot", false}, {"concat", true}};
    concat = find_named(modes, "Attention score_mode", options.score_mode);
  }
  Counted* copy() const override { return new DotState(*this); }
  std::string_view kind() const override { return "Attention"; }
  Config config() const override { return options_config(options); }
  void each(Visit visit) override {
    if (options.use_scale) visit("scale", scale);
    if (concat) visit("concat_score_weight", weight);
    each_dropout(visit);
  }
  void build(const Tensor& query, Call& call) override {
    const std::string prefix = (name.empty() ? "attention" : name) + "/";
    if (options.use_scale && !scale.defined()) scale = made("ones", {}, options.dtype, query, prefix + "scale", call);
    if (concat && !weight.defined())
      weight = made("ones", {}, options.dtype, query, prefix + "concat_score_weight", call);
  }
  Tensor scores_of(const Tensor& query, const Tensor& key) const override {
    if (!concat) {
      const Tensor products = einsum("bth,bsh->bts", {query, key});
      return options.use_scale ? products * scale : products;
    }
    const Tensor sums = of_sums(query, key, [&](const Tensor& x) { return tanh(options.use_scale ? scale * x : x); });
    return weight * sums;
  }

  AttentionOptions options;
  bool concat = false;
  Parameter scale, weight;
};

struct AdditiveState final : PlainState {
  explicit AdditiveState(AdditiveAttentionOptions o)
      : PlainState(o.name, checked_dropout(label("AdditiveAttention", o.name), o.dropout), o.seed),
        options(std::move(o)) {}
  Counted* copy() const override { return new AdditiveState(*this); }
  std::string_view kind() const override { return "AdditiveAttention"; }
  Config config() const override { return options_config(options); }
  void each(Visit visit) override {
    if (options.use_scale) visit("scale", scale);
    each_dropout(visit);
  }
  void build(const Tensor& query, Call& call) override {
    if (!options.use_scale) return;
    if (!scale.defined())
      scale = made("glorot_uniform", {query.dim(-1)}, options.dtype, query,
                   (name.empty() ? "additive_attention" : name) + "/scale", call);
    if (scale.shape()[0] != query.dim(-1))
      throw ShapeError(where() + "expected query and key with " + std::to_string(scale.shape()[0]) +
                       " features, got query " + to_string(query.shape()));
  }
  Tensor scores_of(const Tensor& query, const Tensor& key) const override {
    return of_sums(query, key, [&](const Tensor& x) { return options.use_scale ? scale * tanh(x) : tanh(x); });
  }

  AdditiveAttentionOptions options;
  Parameter scale;
};

}  // namespace

Attention::Attention(AttentionOptions options) : AttentionLayer(new DotState(std::move(options))) {}
Attention Attention::from_config(const Config& config) {
  AttentionOptions options;
  read_config("Attention", config, [&](Fields& f) { describe(f, options); });
  return Attention(std::move(options));
}

AdditiveAttention::AdditiveAttention(AdditiveAttentionOptions options)
    : AttentionLayer(new AdditiveState(std::move(options))) {}
AdditiveAttention AdditiveAttention::from_config(const Config& config) {
  AdditiveAttentionOptions options;
  read_config("AdditiveAttention", config, [&](Fields& f) { describe(f, options); });
  return AdditiveAttention(std::move(options));
}

}  // namespace xgrad
