#pragma once
/// Blocks of transformers: TransformerEncoder and TransformerDecoder. Names and definitions are KerasHub's.

#include <xgrad/nn/attention_layers.hpp>

namespace xgrad {

/// In KerasHub's order.
struct TransformerOptions {
  double dropout = 0;  ///< of the weights of attention, and behind each of the parts
  ActivationFunction activation = "relu";
  double layer_norm_epsilon = 1e-5;
  initializers::Initializer kernel_initializer = "glorot_uniform";
  initializers::Initializer bias_initializer = "zeros";
  bool normalize_first = false;  ///< normalize what goes into each part, not the sum behind it
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// Masks are bool, true where something counts. Without a padding mask that of x itself is used.
struct TransformerEncoderArguments {
  Tensor padding_mask = {};    ///< (batch, length)
  Tensor attention_mask = {};  ///< (batch, length, length)
};

/// Self-attention, then two Dense layers, each with dropout behind it, the sum with what went in, and a
/// LayerNormalization: x (batch, length, features) gives the same shape. Heads have features / num_heads features.
/// (Vaswani et al. 2017.)
class TransformerEncoder {
 public:
  /// Throws ValueError for numbers that are not above 0 and a dropout outside [0, 1].
  TransformerEncoder(std::int64_t intermediate_dim, std::int64_t num_heads, TransformerOptions options = {});
  /// In evaluation, or a step of a model. Throws ShapeError where shapes do not fit.
  Tensor operator()(const Tensor& x, const TransformerEncoderArguments& arguments = {}) const;
  Tensor operator()(const Tensor& x, Call& call) const;
  Tensor operator()(const Tensor& x, const TransformerEncoderArguments& arguments, Call& call) const;
  /// The same with the weights of attention.
  AttentionResult with_scores(const Tensor& x, const TransformerEncoderArguments& arguments = {}) const;
  AttentionResult with_scores(const Tensor& x, const TransformerEncoderArguments& arguments, Call& call) const;
  std::vector<Tensor> operator()(std::span<const Tensor> xs, Call& call) const;
  void each(Visit visit);
  const std::string& name() const;
  Config get_config() const;
  static TransformerEncoder from_config(const Config& config);

 private:
  struct State;
  Shared<State> state_;
};

struct TransformerDecoderArguments {
  Tensor decoder_padding_mask = {};    ///< (batch, length)
  Tensor decoder_attention_mask = {};  ///< (batch, length, length)
  Tensor encoder_padding_mask = {};    ///< (batch, encoder's length)
  Tensor encoder_attention_mask = {};  ///< (batch, length, encoder's length)
  bool use_causal_mask = true;         ///< nothing depends on what comes later
};

/// The same with a causal mask, and, given the result of an encoder, with attention to that between the two parts.
/// Whether there is one is decided by the first call.
class TransformerDecoder {
 public:
  TransformerDecoder(std::int64_t intermediate_dim, std::int64_t num_heads, TransformerOptions options = {});
  Tensor operator()(const Tensor& decoder_sequence, const Tensor& encoder_sequence = {},
                    const TransformerDecoderArguments& arguments = {}) const;
  Tensor operator()(const Tensor& decoder_sequence, Call& call) const;
  /// Throws ValueError if an encoder's result is given now but was not at first, or the other way round.
  Tensor operator()(const Tensor& decoder_sequence, const Tensor& encoder_sequence,
                    const TransformerDecoderArguments& arguments, Call& call) const;
  /// {decoder_sequence} or {decoder_sequence, encoder_sequence}.
  std::vector<Tensor> operator()(std::span<const Tensor> xs, Call& call) const;
  void each(Visit visit);
  const std::string& name() const;
  Config get_config() const;
  static TransformerDecoder from_config(const Config& config);

 private:
  struct State;
  Shared<State> state_;
};

}  // namespace xgrad
