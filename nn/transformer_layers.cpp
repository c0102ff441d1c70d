#include <xgrad/nn/attention_parts.hpp>
#include <xgrad/nn/dense.hpp>
#include <xgrad/nn/normalization.hpp>
#include <xgrad/nn/transformer_layers.hpp>

namespace xgrad {

namespace {

void describe(Fields& f, std::int64_t& intermediate_dim, std::int64_t& num_heads, TransformerOptions& o) {
  f("intermediate_dim", intermediate_dim);
  f("num_heads", num_heads);
  f("dropout", o.dropout);
  f("activation", o.activation);
  f("layer_norm_epsilon", o.layer_norm_epsilon);
  f("kernel_initializer", o.kernel_initializer);
  f("bias_initializer", o.bias_initializer);
  f("normalize_first", o.normalize_first);
  f("name", o.name);
  f("dtype", o.dtype);
}

template <class L>
L read_block(std::string_view kind, const Config& config) {
  std::int64_t intermediate_dim = 0, num_heads = 0;
  TransformerOptions options;
  read_config(kind, config, [&](Fields& f) { describe(f, intermediate_dim, num_heads, options); });
  return L(intermediate_dim, num_heads, std::move(options));
}

/// What both blocks are made of.
struct Block : Counted {
  Block(std::string_view kind, std::int64_t intermediate_dim, std::int64_t num_heads, const TransformerOptions& o)
      : kind(kind),
        intermediate_dim(intermediate_dim),
        num_heads(num_heads),
        options(checked(label(kind, o.name), intermediate_dim, num_heads, o)) {}
  static const TransformerOptions& checked(const std::string& where, std::int64_t intermediate_dim,
                                           std::int64_t num_heads, const TransformerOptions& o) {
    check_above_zero(where, "intermediate_dim", intermediate_dim);
    check_above_zero(where, "num_heads", num_heads);
    checked_dropout(where, o.dropout);
    if (!(o.layer_norm_epsilon > 0))
      throw ValueError(where + "expected a layer_norm_epsilon above 0, got " + number_text(o.layer_norm_epsilon));
    return o;
  }
  std::string where() const { return label(kind, options.name); }
  Config config() const {
    std::int64_t inner = intermediate_dim, heads = num_heads;
    TransformerOptions o = options;
    return written([&](Fields& f) { describe(f, inner, heads, o); });
  }

  /// One of the parts: what it is made of besides the function itself.
  struct Part {
    std::string name;
    LayerNormalization norm;
    Dropout dropout;
  };
  Part part(const char* name) const {
    return {
        name,
        LayerNormalization(
            {.epsilon = options.layer_norm_epsilon, .name = std::string(name) + "_layer_norm", .dtype = options.dtype}),
        Dropout(options.dropout)};
  }
  MultiHeadAttention attention(const char* name, std::int64_t features) const {
    return {num_heads,
            features / num_heads,
            {.dropout = options.dropout,
             .kernel_initializer = options.kernel_initializer,
             .bias_initializer = options.bias_initializer,
             .name = name,
             .dtype = options.dtype}};
  }
  Dense dense(const char* name, std::int64_t units, const ActivationFunction& activation) const {
    return Dense(units, {.activation = activation,
                         .kernel_initializer = options.kernel_initializer,
                         .bias_initializer = options.bias_initializer,
                         .name = name,
                         .dtype = options.dtype});
  }

  /// x + dropout(f(x)), normalized before or behind.
  template <class F>
  Tensor around(const Part& p, const Tensor& x, Call& call, F f) const {
    Tensor y = f(options.normalize_first ? p.norm(x, call) : x);
    if (options.dropout > 0) y = p.dropout(y, call);
    y = y + x;
    return options.normalize_first ? y : p.norm(y, call);
  }
  Tensor feed_forward(const Tensor& x, Call& call) const {
    return around(feedforward, x, call, [&](const Tensor& in) { return down(up(in, call), call); });
  }

  void check(const Tensor& x) const {
    if (x.rank() != 3)
      throw ShapeError(where() + "expected a sequence of shape (batch, length, features), got " + to_string(x.shape()));
    if (x.dim(2) < num_heads)
      throw ShapeError(where() + "expected at least as many features as heads (" + std::to_string(num_heads) +
                       "), got " + to_string(x.shape()));
    if (features != 0 && x.dim(2) != features)
      throw ShapeError(where() + "expected " + std::to_string(features) + " features, got " + to_string(x.shape()));
  }

  std::string_view kind;
  std::int64_t intermediate_dim, num_heads;
  TransformerOptions options;
  std::int64_t features = 0;  ///< 0: not built
  Part self = part("self_attention"), feedforward = part("feedforward");
  MultiHeadAttention self_attention{1, 1};
  Dense up{1}, down{1};
};

void visit_dropout(Visit visit, const char* name, Dropout& dropout, double rate) {
  if (rate > 0) visit(name, dropout);
}

}  // namespace

// --- TransformerEncoder

struct TransformerEncoder::State : Block {
  State(std::int64_t intermediate_dim, std::int64_t num_heads, const TransformerOptions& o)
      : Block("TransformerEncoder", intermediate_dim, num_heads, o) {}
  Counted* copy() const override { return new State(*this); }

  AttentionResult run(const Tensor& given, const TransformerEncoderArguments& arguments, Call& call) {
    const Tensor x = floating(given);
    check(x);
    if (features == 0) {
      self_attention = attention("self_attention_layer", x.dim(2));
      up = dense("feedforward_intermediate_dense", intermediate_dim, options.activation);
      down = dense("feedforward_output_dense", x.dim(2), {});
      features = x.dim(2);
    }
    const Tensor own = call.mask;
    Tensor scores;
    const AttentionArguments masks{.value_mask = arguments.padding_mask.defined() ? arguments.padding_mask : own,
                                   .attention_mask = arguments.attention_mask};
    const Tensor h = around(self, x, call, [&](const Tensor& in) {
      const AttentionResult result = self_attention.with_scores(in, in, masks, call);
      scores = result.scores;
      return result.output;
    });
    const Tensor y = feed_forward(h, call);
    call.mask = own;
    return {y, scores};
  }
  void each(Visit visit) {
    if (features == 0) return;
    visit("self_attention_layer", self_attention);
    visit("self_attention_layer_norm", self.norm);
    visit_dropout(visit, "self_attention_dropout", self.dropout, options.dropout);
    visit("feedforward_layer_norm", feedforward.norm);
    visit("feedforward_intermediate_dense", up);
    visit("feedforward_output_dense", down);
    visit_dropout(visit, "feedforward_dropout", feedforward.dropout, options.dropout);
  }
};

TransformerEncoder::TransformerEncoder(std::int64_t intermediate_dim, std::int64_t num_heads,
                                       TransformerOptions options)
    : state_(new State(intermediate_dim, num_heads, options)) {}

namespace {

NamedInputs named(const Tensor& x, const TransformerEncoderArguments& arguments, bool scores) {
  NamedInputs inputs;
  inputs.add("inputs", x);
  inputs.add("padding_mask", arguments.padding_mask);
  inputs.add("attention_mask", arguments.attention_mask);
  inputs.flag("return_attention_scores", scores);
  return inputs;
}

}  // namespace

Tensor TransformerEncoder::operator()(const Tensor& x, const TransformerEncoderArguments& arguments) const {
  const NamedInputs inputs = named(x, arguments, false);
  if (is_symbolic(inputs.tensors())) return symbolic_call(Layer(*this), inputs.tensors(), inputs.arguments())[0];
  Call call;
  return (*this)(x, arguments, call);
}
Tensor TransformerEncoder::operator()(const Tensor& x, Call& call) const {
  return (*this)(x, TransformerEncoderArguments{}, call);
}
Tensor TransformerEncoder::operator()(const Tensor& x, const TransformerEncoderArguments& arguments, Call& call) const {
  return state_->run(x, arguments, call).output;
}
AttentionResult TransformerEncoder::with_scores(const Tensor& x, const TransformerEncoderArguments& arguments) const {
  const NamedInputs inputs = named(x, arguments, true);
  if (is_symbolic(inputs.tensors())) {
    const std::vector<Tensor> both = symbolic_call(Layer(*this), inputs.tensors(), inputs.arguments());
    return {both[0], both[1]};
  }
  Call call;
  return with_scores(x, arguments, call);
}
AttentionResult TransformerEncoder::with_scores(const Tensor& x, const TransformerEncoderArguments& arguments,
                                                Call& call) const {
  return state_->run(x, arguments, call);
}

std::vector<Tensor> TransformerEncoder::operator()(std::span<const Tensor> xs, Call& call) const {
  const GivenInputs given(state_->where(), xs, {"inputs"}, 1, call);
  call.mask = given.mask_of("inputs");
  const AttentionResult result =
      state_->run(given.take("inputs"),
                  {.padding_mask = given.take("padding_mask"), .attention_mask = given.take("attention_mask")}, call);
  if (!given.flag("return_attention_scores")) return {result.output};
  call.masks = {call.mask, Tensor()};
  return {result.output, result.scores};
}

void TransformerEncoder::each(Visit visit) {
  visit.own(state_);
  state_->each(visit);
}
const std::string& TransformerEncoder::name() const { return state_->options.name; }
Config TransformerEncoder::get_config() const { return state_->config(); }
TransformerEncoder TransformerEncoder::from_config(const Config& config) {
  return read_block<TransformerEncoder>("TransformerEncoder", config);
}

// --- TransformerDecoder

struct TransformerDecoder::State : Block {
  State(std::int64_t intermediate_dim, std::int64_t num_heads, const TransformerOptions& o)
      : Block("TransformerDecoder", intermediate_dim, num_heads, o) {}
  Counted* copy() const override { return new State(*this); }

  Tensor run(const Tensor& given, const Tensor& encoded, const Tensor& encoded_mask,
             const TransformerDecoderArguments& arguments, Call& call) {
    const Tensor x = floating(given);
    check(x);
    if (features == 0) {
      self_attention = attention("self_attention", x.dim(2));
      has_cross = encoded.defined();
      if (has_cross) cross_attention = attention("cross_attention", x.dim(2));
      up = dense("feedforward_intermediate_dense", intermediate_dim, options.activation);
      down = dense("feedforward_output_dense", x.dim(2), {});
      features = x.dim(2);
    }
    if (encoded.defined() != has_cross)
      throw ValueError(where() + "expected " + (has_cross ? "an" : "no") +
                       " encoder_sequence, as in the first call, got " + (has_cross ? "none" : "one"));
    const Tensor own = call.mask;
    const AttentionArguments masks{
        .value_mask = arguments.decoder_padding_mask.defined() ? arguments.decoder_padding_mask : own,
        .attention_mask = arguments.decoder_attention_mask,
        .use_causal_mask = arguments.use_causal_mask};
    Tensor h = around(self, x, call, [&](const Tensor& in) { return self_attention(in, in, masks, call); });
    if (has_cross) {
      const AttentionArguments of_encoder{
          .value_mask = arguments.encoder_padding_mask.defined() ? arguments.encoder_padding_mask : encoded_mask,
          .attention_mask = arguments.encoder_attention_mask};
      h = around(cross, h, call, [&](const Tensor& in) { return cross_attention(in, encoded, of_encoder, call); });
    }
    const Tensor y = feed_forward(h, call);
    call.mask = own;
    return y;
  }
  void each(Visit visit) {
    if (features == 0) return;
    visit("self_attention", self_attention);
    visit("self_attention_layer_norm", self.norm);
    visit_dropout(visit, "self_attention_dropout", self.dropout, options.dropout);
    if (has_cross) {
      visit("cross_attention", cross_attention);
      visit("cross_attention_layer_norm", cross.norm);
      visit_dropout(visit, "cross_attention_dropout", cross.dropout, options.dropout);
    }
    visit("feedforward_intermediate_dense", up);
    visit("feedforward_output_dense", down);
    visit("feedforward_layer_norm", feedforward.norm);
    visit_dropout(visit, "feedforward_dropout", feedforward.dropout, options.dropout);
  }

  Part cross = part("cross_attention");
  MultiHeadAttention cross_attention{1, 1};
  bool has_cross = false;
};

TransformerDecoder::TransformerDecoder(std::int64_t intermediate_dim, std::int64_t num_heads,
                                       TransformerOptions options)
    : state_(new State(intermediate_dim, num_heads, options)) {}

Tensor TransformerDecoder::operator()(const Tensor& decoder_sequence, const Tensor& encoder_sequence,
                                      const TransformerDecoderArguments& arguments) const {
  NamedInputs inputs;
  inputs.add("decoder_sequence", decoder_sequence);
  inputs.add("encoder_sequence", encoder_sequence);
  inputs.add("decoder_padding_mask", arguments.decoder_padding_mask);
  inputs.add("decoder_attention_mask", arguments.decoder_attention_mask);
  inputs.add("encoder_padding_mask", arguments.encoder_padding_mask);
  inputs.add("encoder_attention_mask", arguments.encoder_attention_mask);
  inputs.flag("use_causal_mask", arguments.use_causal_mask, true);
  if (is_symbolic(inputs.tensors())) return symbolic_call(Layer(*this), inputs.tensors(), inputs.arguments())[0];
  Call call;
  return (*this)(decoder_sequence, encoder_sequence, arguments, call);
}
Tensor TransformerDecoder::operator()(const Tensor& decoder_sequence, Call& call) const {
  return (*this)(decoder_sequence, Tensor(), {}, call);
}
Tensor TransformerDecoder::operator()(const Tensor& decoder_sequence, const Tensor& encoder_sequence,
                                      const TransformerDecoderArguments& arguments, Call& call) const {
  return state_->run(decoder_sequence, encoder_sequence, Tensor(), arguments, call);
}

std::vector<Tensor> TransformerDecoder::operator()(std::span<const Tensor> xs, Call& call) const {
  const GivenInputs given(state_->where(), xs, {"decoder_sequence", "encoder_sequence"}, 1, call);
  call.mask = given.mask_of("decoder_sequence");
  const TransformerDecoderArguments arguments{.decoder_padding_mask = given.take("decoder_padding_mask"),
                                              .decoder_attention_mask = given.take("decoder_attention_mask"),
                                              .encoder_padding_mask = given.take("encoder_padding_mask"),
                                              .encoder_attention_mask = given.take("encoder_attention_mask"),
                                              .use_causal_mask = given.flag("use_causal_mask", true)};
  return {state_->run(given.take("decoder_sequence"), given.take("encoder_sequence"), given.mask_of("encoder_sequence"),
                      arguments, call)};
}

void TransformerDecoder::each(Visit visit) {
  visit.own(state_);
  state_->each(visit);
}
const std::string& TransformerDecoder::name() const { return state_->options.name; }
Config TransformerDecoder::get_config() const { return state_->config(); }
TransformerDecoder TransformerDecoder::from_config(const Config& config) {
  return read_block<TransformerDecoder>("TransformerDecoder", config);
}

}  // namespace xgrad
