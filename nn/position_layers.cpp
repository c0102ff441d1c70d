#include <xgrad/nn/call_inputs.hpp>
#include <xgrad/nn/core_layers.hpp>
#include <xgrad/nn/layer_parts.hpp>
#include <xgrad/nn/position_layers.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/shape.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace xgrad {

namespace detail {

struct PositionState : Counted {
  virtual Tensor at(const Tensor& x, const PositionArguments& arguments, Call& call) = 0;
  virtual void each(Visit) {}
  virtual std::string_view kind() const = 0;
  virtual Config config() const = 0;
  std::string where() const { return label(kind(), name); }
  std::string name;
};

}  // namespace detail

namespace {

void check_above_zero(const std::string& where, const char* what, double number) {
  if (!(number > 0)) throw ValueError(where + "expected " + what + " above 0, got " + number_text(number));
}

/// Positions as (1, length) or (batch, length).
Tensor positions_of(const std::string& where, const PositionArguments& arguments, std::int64_t length, DType dtype) {
  if (!arguments.positions.defined()) {
    const auto start = static_cast<double>(arguments.start_index);
    return expand_dims(arange(start, start + static_cast<double>(length), 1, {.dtype = dtype}), 0);
  }
  const Tensor& given = arguments.positions;
  if (given.rank() < 1 || given.rank() > 2 || given.dim(-1) != length)
    throw ShapeError(where + "expected positions of shape (" + std::to_string(length) + ",) or (batch, " +
                     std::to_string(length) + "), got " + to_string(given.shape()));
  return cast(given.rank() == 1 ? expand_dims(given, 0) : given, dtype);
}

template <class Options>
Tensor row(const std::vector<double>& values, Options options) {
  return tensor(values, {static_cast<std::int64_t>(values.size())}, options);
}

// --- SinePositionEncoding

void describe(Fields& f, SinePositionEncodingOptions& o) {
  f("max_wavelength", o.max_wavelength);
  f("name", o.name);
}

struct SineState final : detail::PositionState {
  explicit SineState(SinePositionEncodingOptions o) : options(std::move(o)) {
    name = options.name;
    check_above_zero(where(), "a max_wavelength", options.max_wavelength);
  }
  Counted* copy() const override { return new SineState(*this); }
  std::string_view kind() const override { return "SinePositionEncoding"; }
  Config config() const override {
    SinePositionEncodingOptions o = options;
    return written([&](Fields& f) { describe(f, o); });
  }
  Tensor at(const Tensor& given, const PositionArguments& arguments, Call&) override {
    const Tensor x = floating(given);
    if (x.rank() < 2)
      throw ShapeError(where() + "expected x of shape (..., length, features), got " + to_string(x.shape()));
    const std::int64_t n = x.dim(-1);
    std::vector<double> frequencies, is_odd;
    for (std::int64_t i = 0; i < n; ++i) {
      const double step = static_cast<double>(2 * (i / 2)) / static_cast<double>(n);
      frequencies.push_back(std::pow(1 / options.max_wavelength, step));
      is_odd.push_back(static_cast<double>(i % 2));
    }
    const Tensor angles = expand_dims(positions_of(where(), arguments, x.dim(-2), x.dtype()), -1) *
                          row(frequencies, TensorOptions{.dtype = x.dtype()});
    const Tensor encoding = xgrad::where(row(is_odd, TensorOptions{.dtype = bool_}), cos(angles), sin(angles));
    return broadcast_like(encoding, x);
  }
  SinePositionEncodingOptions options;
};

// --- PositionEmbedding

void describe(Fields& f, std::int64_t& sequence_length, PositionEmbeddingOptions& o) {
  f("sequence_length", sequence_length);
  f("initializer", o.initializer);
  f("name", o.name);
  f("dtype", o.dtype);
}

struct TableState final : detail::PositionState {
  TableState(std::int64_t length, PositionEmbeddingOptions o) : sequence_length(length), options(std::move(o)) {
    name = options.name;
    check_above_zero(where(), "a sequence_length", static_cast<double>(length));
  }
  Counted* copy() const override { return new TableState(*this); }
  std::string_view kind() const override { return "PositionEmbedding"; }
  Config config() const override {
    std::int64_t length = sequence_length;
    PositionEmbeddingOptions o = options;
    return written([&](Fields& f) { describe(f, length, o); });
  }
  void each(Visit visit) override { visit("embeddings", embeddings); }
  Tensor at(const Tensor& given, const PositionArguments& arguments, Call& call) override {
    const Tensor x = floating(given);
    if (x.rank() < 2)
      throw ShapeError(where() + "expected x of shape (..., length, features), got " + to_string(x.shape()));
    const std::int64_t length = x.dim(-2), features = x.dim(-1), start = arguments.start_index;
    if (!embeddings.defined())
      embeddings =
          Parameter(options.initializer({sequence_length, features}, options.dtype.value_or(x.dtype()), call.random()),
                    (name.empty() ? "position_embedding" : name) + "/embeddings");
    if (embeddings.shape()[1] != features)
      throw ShapeError(where() + "expected x with " + std::to_string(embeddings.shape()[1]) + " features, got " +
                       to_string(x.shape()));
    if (arguments.positions.defined()) {
      const Tensor places = positions_of(where(), arguments, length, int64);
      return broadcast_like(take(embeddings, check_labels(places, sequence_length, "position"), 0), x);
    }
    if (start < 0 || start + length > sequence_length)
      throw ShapeError(where() + "expected positions 0 to " + std::to_string(sequence_length - 1) + ", got " +
                       std::to_string(start) + " to " + std::to_string(start + length - 1) + " for x " +
                       to_string(x.shape()));
    return broadcast_like(slice_axis(embeddings, 0, {start, start + length}), x);
  }
  std::int64_t sequence_length;
  PositionEmbeddingOptions options;
  Parameter embeddings;
};

// --- TokenAndPositionEmbedding

struct TokenSizes {
  std::int64_t vocabulary_size = 1, sequence_length = 1, embedding_dim = 1;
};

void describe(Fields& f, TokenSizes& sizes, TokenAndPositionEmbeddingOptions& o) {
  f("vocabulary_size", sizes.vocabulary_size);
  f("sequence_length", sizes.sequence_length);
  f("embedding_dim", sizes.embedding_dim);
  f("embeddings_initializer", o.embeddings_initializer);
  f("mask_zero", o.mask_zero);
  f("name", o.name);
  f("dtype", o.dtype);
}

struct TokenState final : detail::PositionState {
  TokenState(TokenSizes given, TokenAndPositionEmbeddingOptions o)
      : sizes(given),
        options(o),
        tokens(given.vocabulary_size, given.embedding_dim,
               {.embeddings_initializer = o.embeddings_initializer,
                .mask_zero = o.mask_zero,
                .name = "token_embedding",
                .dtype = o.dtype}),
        positions(given.sequence_length,
                  {.initializer = o.embeddings_initializer, .name = "position_embedding", .dtype = o.dtype}) {
    name = options.name;
  }
  Counted* copy() const override { return new TokenState(*this); }
  std::string_view kind() const override { return "TokenAndPositionEmbedding"; }
  Config config() const override {
    TokenSizes lengths = sizes;
    TokenAndPositionEmbeddingOptions o = options;
    return written([&](Fields& f) { describe(f, lengths, o); });
  }
  void each(Visit visit) override {
    visit("token_embedding", tokens);
    visit("position_embedding", positions);
  }
  Tensor at(const Tensor& x, const PositionArguments& arguments, Call& call) override {
    const Tensor embedded = tokens(x, call);
    return embedded + positions(embedded, arguments, call);
  }
  TokenSizes sizes;
  TokenAndPositionEmbeddingOptions options;
  Embedding tokens;
  PositionEmbedding positions;
};

// --- RotaryEmbedding

void describe(Fields& f, RotaryEmbeddingOptions& o) {
  f("max_wavelength", o.max_wavelength);
  f("scaling_factor", o.scaling_factor);
  f("rope_type", o.rope_type);
  f("beta_fast", o.beta_fast);
  f("beta_slow", o.beta_slow);
  f("original_max_position_embeddings", o.original_max_position_embeddings);
  f("truncate", o.truncate);
  f("sequence_axis", o.sequence_axis);
  f("feature_axis", o.feature_axis);
  f("denominator_dim", o.denominator_dim);
  f("name", o.name);
}

enum class Stretch : std::uint8_t { linear, dynamic, yarn };

struct RotaryState final : detail::PositionState {
  explicit RotaryState(RotaryEmbeddingOptions o) : options(std::move(o)) {
    name = options.name;
    constexpr Named<Stretch> types[] = {
        {"linear", Stretch::linear}, {"dynamic", Stretch::dynamic}, {"yarn", Stretch::yarn}};
    stretch = find_named(types, "RotaryEmbedding rope_type", options.rope_type);
    check_above_zero(where(), "a max_wavelength", options.max_wavelength);
    check_above_zero(where(), "a scaling_factor", options.scaling_factor);
    check_above_zero(where(), "original_max_position_embeddings",
                     static_cast<double>(options.original_max_position_embeddings));
    check_above_zero(where(), "a denominator_dim", static_cast<double>(options.denominator_dim.value_or(1)));
  }
  Counted* copy() const override { return new RotaryState(*this); }
  std::string_view kind() const override { return "RotaryEmbedding"; }
  Config config() const override {
    RotaryEmbeddingOptions o = options;
    return written([&](Fields& f) { describe(f, o); });
  }

  /// The frequency of each pair of n features.
  std::vector<double> frequencies(std::int64_t features) const {
    const auto n = static_cast<double>(features);
    std::vector<double> out;
    for (std::int64_t i = 0; i < features / 2; ++i) {
      const double denominator =
          stretch == Stretch::yarn ? n : static_cast<double>(options.denominator_dim.value_or(features));
      out.push_back(std::pow(options.max_wavelength, -2 * static_cast<double>(i) / denominator));
    }
    const double factor = options.scaling_factor;
    if (stretch == Stretch::linear)
      for (double& f : out) f /= factor;
    if (stretch == Stretch::dynamic)
      for (double& f : out) f /= std::pow(factor, n / std::max(1., n - 2));
    if (stretch == Stretch::yarn) {
      // Which pair turns so many times over the original length.
      const auto pair_that_turns = [&](double turns) {
        const auto length = static_cast<double>(options.original_max_position_embeddings);
        return n * std::log(length / (turns * 2 * std::numbers::pi)) / (2 * std::log(options.max_wavelength));
      };
      double low = pair_that_turns(options.beta_fast), high = pair_that_turns(options.beta_slow);
      if (options.truncate) low = std::floor(low), high = std::ceil(high);
      low = std::max(low, 0.);
      high = std::min(high, n - 1);
      const double span = std::max(high - low, .001);
      for (std::size_t i = 0; i < out.size(); ++i) {
        const double slow = std::clamp((static_cast<double>(i) - low) / span, 0., 1.);
        out[i] *= slow / factor + (1 - slow);
      }
    }
    return out;
  }

  Tensor at(const Tensor& given, const PositionArguments& arguments, Call&) override {
    const Tensor all = floating(given);
    const auto axis = [&](const char* what, int number) {
      const int place = number < 0 ? number + all.rank() : number;
      if (place < 1 || place >= all.rank())
        throw ShapeError(where() + "expected x with a " + what + " " + std::to_string(number) + ", got " +
                         to_string(all.shape()));
      return place;
    };
    const int sequence = axis("sequence_axis", options.sequence_axis),
              feature = axis("feature_axis", options.feature_axis);
    if (sequence == feature) throw ShapeError(where() + "expected sequence_axis and feature_axis to be different axes");
    const std::int64_t n = all.dim(feature), half = n / 2;
    if (n % 2 != 0)
      throw ShapeError(where() + "expected x with an even number of features, got " + to_string(all.shape()));
    // (batch, ..., length, ..., features): the angles stand along those axes.
    const Tensor x = feature == all.rank() - 1 ? all : moveaxis(all, feature, -1);
    const int position_axis = sequence < feature ? sequence : sequence - 1;
    Tensor positions = positions_of(where(), arguments, all.dim(sequence), x.dtype());
    for (int i = 1; i < position_axis; ++i) positions = expand_dims(positions, 1);
    while (positions.rank() < x.rank()) positions = expand_dims(positions, -1);
    const Tensor angles = positions * row(frequencies(n), TensorOptions{.dtype = x.dtype()});
    const double scale = stretch == Stretch::yarn ? 1 + .1 * std::log(options.scaling_factor) : 1;
    const Tensor c = scale == 1 ? cos(angles) : cos(angles) * scale, s = scale == 1 ? sin(angles) : sin(angles) * scale;
    const Tensor a = slice_axis(x, -1, {0, half}), b = slice_axis(x, -1, {half, n});
    const Tensor turned = concatenate({a * c - b * s, b * c + a * s}, -1);
    return feature == all.rank() - 1 ? turned : moveaxis(turned, -1, feature);
  }
  RotaryEmbeddingOptions options;
  Stretch stretch = Stretch::linear;
};

}  // namespace

// --- how they are called

PositionLayer::PositionLayer(detail::PositionState* state) : state_(state) {}

Tensor PositionLayer::operator()(const Tensor& x, const PositionArguments& arguments) const {
  NamedInputs inputs;
  inputs.add("inputs", x);
  inputs.add("positions", arguments.positions);
  inputs.number("start_index", arguments.start_index);
  if (is_symbolic(inputs.tensors())) return symbolic_call(Layer(*this), inputs.tensors(), inputs.arguments())[0];
  Call call;
  return (*this)(x, arguments, call);
}

Tensor PositionLayer::operator()(const Tensor& x, const PositionArguments& arguments, Call& call) const {
  return state_->at(x, arguments, call);
}

std::vector<Tensor> PositionLayer::operator()(std::span<const Tensor> xs, Call& call) const {
  const GivenInputs given(state_->where(), xs, {"inputs", "positions"}, 1, call);
  call.mask = given.mask_of("inputs");
  return {state_->at(given.take("inputs"),
                     {.start_index = given.number("start_index"), .positions = given.take("positions")}, call)};
}

void PositionLayer::each(Visit visit) {
  visit.own(state_);
  state_->each(visit);
}

std::string_view PositionLayer::kind_name() const { return state_->kind(); }
const std::string& PositionLayer::name() const { return state_->name; }
Config PositionLayer::get_config() const { return state_->config(); }

SinePositionEncoding::SinePositionEncoding(SinePositionEncodingOptions options)
    : PositionLayer(new SineState(std::move(options))) {}
SinePositionEncoding SinePositionEncoding::from_config(const Config& config) {
  SinePositionEncodingOptions options;
  read_config("SinePositionEncoding", config, [&](Fields& f) { describe(f, options); });
  return SinePositionEncoding(std::move(options));
}

PositionEmbedding::PositionEmbedding(std::int64_t sequence_length, PositionEmbeddingOptions options)
    : PositionLayer(new TableState(sequence_length, std::move(options))) {}
PositionEmbedding PositionEmbedding::from_config(const Config& config) {
  std::int64_t length = 0;
  PositionEmbeddingOptions options;
  read_config("PositionEmbedding", config, [&](Fields& f) { describe(f, length, options); });
  return PositionEmbedding(length, std::move(options));
}

TokenAndPositionEmbedding::TokenAndPositionEmbedding(std::int64_t vocabulary_size, std::int64_t sequence_length,
                                                     std::int64_t embedding_dim,
                                                     TokenAndPositionEmbeddingOptions options)
    : PositionLayer(new TokenState({vocabulary_size, sequence_length, embedding_dim}, std::move(options))) {}
TokenAndPositionEmbedding TokenAndPositionEmbedding::from_config(const Config& config) {
  TokenSizes sizes;
  TokenAndPositionEmbeddingOptions options;
  read_config("TokenAndPositionEmbedding", config, [&](Fields& f) { describe(f, sizes, options); });
  return TokenAndPositionEmbedding(sizes.vocabulary_size, sizes.sequence_length, sizes.embedding_dim,
                                   std::move(options));
}

RotaryEmbedding::RotaryEmbedding(RotaryEmbeddingOptions options) : PositionLayer(new RotaryState(std::move(options))) {}
RotaryEmbedding RotaryEmbedding::from_config(const Config& config) {
  RotaryEmbeddingOptions options;
  read_config("RotaryEmbedding", config, [&](Fields& f) { describe(f, options); });
  return RotaryEmbedding(std::move(options));
}

}  // namespace xgrad
