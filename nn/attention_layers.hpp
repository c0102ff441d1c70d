#pragma once
/// Attention: Attention, AdditiveAttention, MultiHeadAttention, GroupQueryAttention.

#include <xgrad/nn/activations.hpp>
#include <xgrad/nn/initializers.hpp>
#include <xgrad/nn/layer.hpp>

namespace xgrad {

/// What a call of an attention layer may be given besides query and value; masks are bool, true where something counts.
/// All masks are joined. In a functional model, and in a list call, the masks of the inputs themselves are used where
/// none is given.
struct AttentionArguments {
  Tensor key = {};             ///< what the query is compared with; undefined: the value
  Tensor query_mask = {};      ///< (batch, queries)
  Tensor value_mask = {};      ///< (batch, keys)
  Tensor key_mask = {};        ///< (batch, keys)
  Tensor attention_mask = {};  ///< (batch, queries, keys): which keys a query attends to; leading axes may be left out
  bool use_causal_mask = false;  ///< query t attends to keys 0 ... t alone
};

/// The result, and the weights of the values: (batch, queries, keys), or (batch, heads, queries, keys).
struct AttentionResult {
  Tensor output, scores;
};

namespace detail {
struct AttentionState;
}  // namespace detail

/// What the layers of attention share: how they are called. Copies share the weights.
class AttentionLayer {
 public:
  /// In evaluation, or a step of a model. Throws ShapeError where shapes do not fit.
  Tensor operator()(const Tensor& query, const Tensor& value, const AttentionArguments& arguments = {}) const;
  Tensor operator()(const Tensor& query, const Tensor& value, const AttentionArguments& arguments, Call& call) const;
  /// The same with the weights of the values; after dropout in the layers without heads, before it in those with.
  AttentionResult with_scores(const Tensor& query, const Tensor& value, const AttentionArguments& arguments = {}) const;
  AttentionResult with_scores(const Tensor& query, const Tensor& value, const AttentionArguments& arguments,
                              Call& call) const;
  /// {query, value} or {query, value, key}, in Keras's order.
  Tensor operator()(std::initializer_list<Tensor> xs) const;
  std::vector<Tensor> operator()(std::span<const Tensor> xs, Call& call) const;
  void each(Visit visit);
  std::string_view kind_name() const;
  const std::string& name() const;
  Config get_config() const;

 protected:
  explicit AttentionLayer(detail::AttentionState* state);

 private:
  Shared<detail::AttentionState> state_;
};

struct AttentionOptions {
  bool use_scale = false;          ///< a trained factor of the scores
  std::string score_mode = "dot";  ///< or "concat": concat_score_weight * sum(tanh(scale * (query + key)))
  double dropout = 0;              ///< of the weights
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// softmax(query . key) . value (Luong, Pham and Manning 2015): query (batch, queries, features), value (batch, keys,
/// n) and key (batch, keys, features) give (batch, queries, n). What a query mask leaves out is 0.
class Attention : public AttentionLayer {
 public:
  /// Throws ValueError for another score_mode or a dropout outside [0, 1].
  explicit Attention(AttentionOptions options = {});
  static Attention from_config(const Config& config);
};

struct AdditiveAttentionOptions {
  bool use_scale = true;  ///< a trained factor for each feature
  double dropout = 0;
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// The same with scores sum(scale * tanh(query + key)) (Bahdanau, Cho and Bengio 2015).
class AdditiveAttention : public AttentionLayer {
 public:
  explicit AdditiveAttention(AdditiveAttentionOptions options = {});
  static AdditiveAttention from_config(const Config& config);
};

/// What the projections of the heads share; in Keras's order.
struct MultiHeadAttentionOptions {
  std::optional<std::int64_t> value_dim = {};  ///< features of a head's value; key_dim unless given
  double dropout = 0;                          ///< of the weights
  bool use_bias = true;
  std::vector<std::int64_t> output_shape = {};      ///< in place of the query's features
  std::vector<int> attention_axes = {};             ///< axes of positions; empty: all between batch and features
  std::optional<std::int64_t> sliding_window = {};  ///< attend to positions nearer than this alone
  initializers::Initializer kernel_initializer = "glorot_uniform";
  initializers::Initializer bias_initializer = "zeros";
  regularizers::Regularizer kernel_regularizer = {};
  regularizers::Regularizer bias_regularizer = {};
  regularizers::Regularizer activity_regularizer = {};
  constraints::Constraint kernel_constraint = {};
  constraints::Constraint bias_constraint = {};
  bool use_gate = false;  ///< the heads' results times sigmoid of a projection of the query (Qiu et al. 2025)
  std::optional<std::uint64_t> seed = {};  ///< of the dropout
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// Attention in num_heads projections of the inputs at once (Vaswani et al. 2017): query (batch, queries, features) and
/// value (batch, keys, n) give (batch, queries, features). Each head's queries and keys have key_dim features, and the
/// scores are divided by their root. A query that attends to nothing gets the output's bias. Kernels are (features,
/// heads, key_dim), that of the output (heads, value_dim, features).
class MultiHeadAttention : public AttentionLayer {
 public:
  /// Throws ValueError for numbers that are not above 0 and a dropout outside [0, 1].
  MultiHeadAttention(std::int64_t num_heads, std::int64_t key_dim, MultiHeadAttentionOptions options = {});
  static MultiHeadAttention from_config(const Config& config);
};

struct GroupQueryAttentionOptions {
  double dropout = 0;
  bool use_bias = true;
  std::optional<std::int64_t> sliding_window = {};
  initializers::Initializer kernel_initializer = "glorot_uniform";
  initializers::Initializer bias_initializer = "zeros";
  regularizers::Regularizer kernel_regularizer = {};
  regularizers::Regularizer bias_regularizer = {};
  regularizers::Regularizer activity_regularizer = {};
  constraints::Constraint kernel_constraint = {};
  constraints::Constraint bias_constraint = {};
  bool use_gate = false;
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// MultiHeadAttention in which several heads of the query share one head of keys and values (Ainslie et al. 2023).
class GroupQueryAttention : public AttentionLayer {
 public:
  /// Throws ValueError for numbers that are not above 0, and unless num_key_value_heads divides num_query_heads.
  GroupQueryAttention(std::int64_t head_dim, std::int64_t num_query_heads, std::int64_t num_key_value_heads,
                      GroupQueryAttentionOptions options = {});
  static GroupQueryAttention from_config(const Config& config);
};

}  // namespace xgrad
