#include <xgrad/nn/attention_parts.hpp>
#include <xgrad/nn/core_layers.hpp>
#include <xgrad/ops/einsum.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/shape.hpp>

#include <algorithm>
#include <cmath>

namespace xgrad {

namespace {

/// Options that both layers have.
template <class O>
void describe_common(Fields& f, O& o) {
  f("dropout", o.dropout);
  f("use_bias", o.use_bias);
  f("sliding_window", o.sliding_window);
  f("kernel_initializer", o.kernel_initializer);
  f("bias_initializer", o.bias_initializer);
  f("kernel_regularizer", o.kernel_regularizer);
  f("bias_regularizer", o.bias_regularizer);
  f("activity_regularizer", o.activity_regularizer);
  f("kernel_constraint", o.kernel_constraint);
  f("bias_constraint", o.bias_constraint);
  f("use_gate", o.use_gate);
  f("seed", o.seed);
  f("name", o.name);
  f("dtype", o.dtype);
}

struct Heads {
  std::int64_t num_heads = 1, key_heads = 1, key_dim = 1, value_dim = 1;
};

/// Letters of einsum: those of positions first, then the rest.
std::string letters(int count, char first) {
  std::string out;
  for (int i = 0; i < count; ++i) out += static_cast<char>(first + i);
  return out;
}

/// Attention in projections: what both layers do.
template <class Options>
struct HeadsState : detail::AttentionState {
  HeadsState(std::string_view kind, Heads heads, Options o)
      : AttentionState(o.name, checked_dropout(label(kind, o.name), o.dropout), o.seed),
        kind_name(kind),
        heads(heads),
        options(std::move(o)) {
    if (options.sliding_window) check_above_zero(where(), "a sliding_window", *options.sliding_window);
  }
  std::string_view kind() const override { return kind_name; }

  /// A projection of the last axes of x to those of the result, made when it is first called.
  Tensor project(std::optional<EinsumDense>& layer, const char* part, const Tensor& x, int from,
                 const std::vector<std::int64_t>& to, bool gate, Call& call) {
    if (!layer) {
      const std::string inner = letters(from, 'm'), outer = letters(static_cast<int>(to.size()), 'u');
      EinsumDenseOptions o{.kernel_initializer = options.kernel_initializer,
                           .bias_initializer = options.bias_initializer,
                           .kernel_regularizer = options.kernel_regularizer,
                           .bias_regularizer = options.bias_regularizer,
                           .activity_regularizer = options.activity_regularizer,
                           .kernel_constraint = options.kernel_constraint,
                           .bias_constraint = options.bias_constraint,
                           .name = std::string(part),
                           .dtype = options.dtype};
      if (options.use_bias) o.bias_axes = outer;
      if (gate) o.activation = "sigmoid";
      layer.emplace("..." + inner + "," + inner + outer + "->..." + outer, to, std::move(o));
    }
    return (*layer)(x, call);
  }

  /// The axes of positions, counted from the front.
  std::vector<int> positions(const Tensor& query) const {
    std::vector<int> axes;
    if constexpr (requires { options.attention_axes; }) axes = options.attention_axes;
    if (axes.empty())
      for (int i = 1; i + 1 < query.rank(); ++i) axes.push_back(i);
    for (int& axis : axes) {
      const int given = axis;
      if (axis < 0) axis += query.rank();
      if (axis < 1 || axis + 1 >= query.rank())
        throw ShapeError(where() + "expected attention_axes between the batch and the features, got " +
                         std::to_string(given) + " for query " + to_string(query.shape()));
    }
    return axes;
  }

  void check_shapes(const Tensor& q, const Tensor& v, const Tensor& k, const std::vector<int>& axes) const {
    const auto refuse = [&](const std::string& what) {
      throw ShapeError(where() + "expected " + what + ", got query " + to_string(q.shape()) + ", value " +
                       to_string(v.shape()) + ", key " + to_string(k.shape()));
    };
    if (q.rank() < 3 || v.rank() != q.rank() || k.rank() != q.rank())
      refuse("query, value and key with one number of axes, 3 or more");
    if (axes.size() > 4) refuse("at most 4 axes of positions");
    for (int i = 0; i + 1 < q.rank(); ++i) {
      if (v.dim(i) != k.dim(i)) refuse("value and key that differ in their features alone");
      const bool position = std::find(axes.begin(), axes.end(), i) != axes.end();
      if (!position && q.dim(i) != v.dim(i)) refuse("lengths that differ along the axes of positions alone");
    }
  }

  AttentionResult attend(const Tensor& query, const Tensor& value, const AttentionArguments& arguments, bool,
                         Call& call) override {
    const Tensor q = floating(query), v = floating(value), k = arguments.key.defined() ? floating(arguments.key) : v;
    if (q.rank() < 3) throw ShapeError(where() + "expected query with at least 3 axes, got " + to_string(q.shape()));
    const std::vector<int> axes = positions(q);
    check_shapes(q, v, k, axes);
    const Tensor mask = whole_mask(q, v, arguments, axes);
    // Projected as (batch..., positions..., heads, features); the scores have batch and heads first.
    Tensor queries = project(query_dense, "query", q, 1, {heads.num_heads, heads.key_dim}, false, call);
    Tensor keys = project(key_dense, "key", k, 1, {heads.key_heads, heads.key_dim}, false, call);
    const Tensor gate =
        options.use_gate ? project(gate_dense, "gate", q, 1, {heads.num_heads, heads.value_dim}, true, call) : Tensor();
    Tensor values = project(value_dense, "value", v, 1, {heads.key_heads, heads.value_dim}, false, call);
    if (heads.key_heads != heads.num_heads) {
      keys = repeat(keys, heads.num_heads / heads.key_heads, -2);
      values = repeat(values, heads.num_heads / heads.key_heads, -2);
    }
    queries = queries * (1 / std::sqrt(static_cast<double>(heads.key_dim)));
    const Equations text = equations(q.rank() - 1, axes);
    const Tensor weights = softmax_of(einsum(text.scores, {queries, keys}), mask, static_cast<int>(axes.size()));
    Tensor mixed = einsum(text.average, {dropped(weights, call), values});
    if (gate.defined()) mixed = mixed * gate;
    std::vector<std::int64_t> features{q.dim(-1)};
    if constexpr (requires { options.output_shape; })
      if (!options.output_shape.empty()) features = options.output_shape;
    const Tensor output = project(output_dense, "attention_output", mixed, 2, features, false, call);
    call.mask = arguments.query_mask;
    return {output, weights};
  }

  /// All masks as one that broadcasts over the scores; undefined if there is none.
  Tensor whole_mask(const Tensor& q, const Tensor& v, const AttentionArguments& arguments,
                    const std::vector<int>& axes) const {
    Tensor mask;
    if (axes.size() == 1) {
      mask = joined_mask(where(), arguments, q.dim(axes[0]), v.dim(axes[0]), options.sliding_window);
    } else {
      if (arguments.query_mask.defined() || arguments.value_mask.defined() || arguments.key_mask.defined() ||
          arguments.use_causal_mask || options.sliding_window)
        throw ValueError(where() + "expected an attention_mask alone over " + std::to_string(axes.size()) +
                         " axes of positions: other masks and sliding_window count positions along one axis");
      mask = arguments.attention_mask;
      if (mask.defined()) mask = cast(mask, bool_);
    }
    if (!mask.defined()) return mask;
    const int pairs = 2 * static_cast<int>(axes.size()), rank = q.rank() - 1 + static_cast<int>(axes.size()) + 1;
    if (mask.rank() > rank)
      throw ShapeError(where() + "expected an attention_mask with at most " + std::to_string(rank) + " axes, got " +
                       to_string(mask.shape()));
    // Batch axes stand in front, so the heads' are put behind them.
    while (mask.rank() > pairs && mask.rank() < rank) mask = expand_dims(mask, -pairs - 1);
    return mask;
  }

  struct Equations {
    std::string scores, average;
  };
  /// For projections with so many axes before heads and features.
  static Equations equations(int leading, const std::vector<int>& axes) {
    const std::string query = letters(leading, 'a');
    std::string key = query, to, from, batch;
    for (int i = 0; i < leading; ++i) {
      const auto place = static_cast<std::size_t>(i);
      if (std::find(axes.begin(), axes.end(), i) == axes.end())
        batch += query[place];
      else
        key[place] = static_cast<char>('p' + i);
    }
    for (const int axis : axes) {
      to += query[static_cast<std::size_t>(axis)];
      from += key[static_cast<std::size_t>(axis)];
    }
    const std::string scores = batch + "n" + to + from;
    return {query + "nh," + key + "nh->" + scores, scores + "," + key + "nh->" + query + "nh"};
  }

  void each(Visit visit) override {
    const auto part = [&](const char* part_name, std::optional<EinsumDense>& layer) {
      if (layer) visit(part_name, *layer);
    };
    part("query", query_dense);
    part("key", key_dense);
    part("gate", gate_dense);
    part("value", value_dense);
    part("attention_output", output_dense);
    each_dropout(visit);
  }

  std::string_view kind_name;
  Heads heads;
  Options options;
  std::optional<EinsumDense> query_dense, key_dense, gate_dense, value_dense, output_dense;
};

// --- MultiHeadAttention

void describe(Fields& f, Heads& heads, MultiHeadAttentionOptions& o) {
  f("num_heads", heads.num_heads);
  f("key_dim", heads.key_dim);
  f("value_dim", o.value_dim);
  f("output_shape", o.output_shape);
  f("attention_axes", o.attention_axes);
  describe_common(f, o);
}

struct MultiHeadState final : HeadsState<MultiHeadAttentionOptions> {
  MultiHeadState(std::int64_t num_heads, std::int64_t key_dim, MultiHeadAttentionOptions o)
      : HeadsState("MultiHeadAttention", {num_heads, num_heads, key_dim, o.value_dim.value_or(key_dim)}, o) {
    check_above_zero(where(), "num_heads", num_heads);
    check_above_zero(where(), "key_dim", key_dim);
    check_above_zero(where(), "value_dim", heads.value_dim);
    for (const std::int64_t n : options.output_shape) check_above_zero(where(), "lengths in output_shape", n);
  }
  Counted* copy() const override { return new MultiHeadState(*this); }
  Config config() const override {
    Heads sizes = heads;
    MultiHeadAttentionOptions o = options;
    return written([&](Fields& f) { describe(f, sizes, o); });
  }
};

// --- GroupQueryAttention

void describe(Fields& f, Heads& heads, GroupQueryAttentionOptions& o) {
  f("head_dim", heads.key_dim);
  f("num_query_heads", heads.num_heads);
  f("num_key_value_heads", heads.key_heads);
  describe_common(f, o);
}

struct GroupQueryState final : HeadsState<GroupQueryAttentionOptions> {
  GroupQueryState(Heads given, GroupQueryAttentionOptions o) : HeadsState("GroupQueryAttention", given, std::move(o)) {
    check_above_zero(where(), "head_dim", heads.key_dim);
    check_above_zero(where(), "num_query_heads", heads.num_heads);
    check_above_zero(where(), "num_key_value_heads", heads.key_heads);
    if (heads.num_heads % heads.key_heads != 0)
      throw ValueError(where() + "expected num_key_value_heads that divide num_query_heads, got " +
                       std::to_string(heads.key_heads) + " and " + std::to_string(heads.num_heads));
  }
  Counted* copy() const override { return new GroupQueryState(*this); }
  Config config() const override {
    Heads sizes = heads;
    GroupQueryAttentionOptions o = options;
    return written([&](Fields& f) { describe(f, sizes, o); });
  }
  AttentionResult attend(const Tensor& query, const Tensor& value, const AttentionArguments& arguments, bool scores,
                         Call& call) override {
    if (query.rank() != 3) throw ShapeError(where() + "expected query with 3 axes, got " + to_string(query.shape()));
    return HeadsState::attend(query, value, arguments, scores, call);
  }
};

}  // namespace

MultiHeadAttention::MultiHeadAttention(std::int64_t num_heads, std::int64_t key_dim, MultiHeadAttentionOptions options)
    : AttentionLayer(new MultiHeadState(num_heads, key_dim, std::move(options))) {}

MultiHeadAttention MultiHeadAttention::from_config(const Config& config) {
  Heads heads;
  MultiHeadAttentionOptions options;
  read_config("MultiHeadAttention", config, [&](Fields& f) { describe(f, heads, options); });
  return MultiHeadAttention(heads.num_heads, heads.key_dim, std::move(options));
}

GroupQueryAttention::GroupQueryAttention(std::int64_t head_dim, std::int64_t num_query_heads,
                                         std::int64_t num_key_value_heads, GroupQueryAttentionOptions options)
    : AttentionLayer(
          new GroupQueryState({num_query_heads, num_key_value_heads, head_dim, head_dim}, std::move(options))) {}

GroupQueryAttention GroupQueryAttention::from_config(const Config& config) {
  Heads heads;
  GroupQueryAttentionOptions options;
  read_config("GroupQueryAttention", config, [&](Fields& f) { describe(f, heads, options); });
  return GroupQueryAttention(heads.key_dim, heads.num_heads, heads.key_heads, std::move(options));
}

}  // namespace xgrad
