#include <xgrad/nn/core_layers.hpp>
#include <xgrad/nn/layer_parts.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/ops/einsum.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <algorithm>

namespace xgrad {

namespace {

void describe(Fields& f, Identity& o) { f("name", o.name); }
void describe(Fields& f, Masking& o) {
  f("mask_value", o.mask_value);
  f("name", o.name);
}
void describe(Fields& f, ActivityRegularization& o) {
  f("l1", o.l1);
  f("l2", o.l2);
  f("name", o.name);
}
void describe(Fields& f, std::int64_t& input_dim, std::int64_t& output_dim, EmbeddingOptions& o) {
  f("input_dim", input_dim);
  f("output_dim", output_dim);
  f("embeddings_initializer", o.embeddings_initializer);
  f("embeddings_regularizer", o.embeddings_regularizer);
  f("embeddings_constraint", o.embeddings_constraint);
  f("mask_zero", o.mask_zero);
  f("name", o.name);
  f("dtype", o.dtype);
}
void describe(Fields& f, std::string& equation, std::vector<std::int64_t>& output_shape, EinsumDenseOptions& o) {
  f("equation", equation);
  f("output_shape", output_shape);
  f("activation", o.activation);
  f("bias_axes", o.bias_axes);
  f("kernel_initializer", o.kernel_initializer);
  f("bias_initializer", o.bias_initializer);
  f("kernel_regularizer", o.kernel_regularizer);
  f("bias_regularizer", o.bias_regularizer);
  f("activity_regularizer", o.activity_regularizer);
  f("kernel_constraint", o.kernel_constraint);
  f("bias_constraint", o.bias_constraint);
  f("name", o.name);
  f("dtype", o.dtype);
}

constexpr auto describing = [](Fields& f, auto& o) { describe(f, o); };

}  // namespace

Config Identity::get_config() const { return config_of(*this, describing); }
Identity Identity::from_config(const Config& config) { return read_layer("Identity", config, Identity(), describing); }

Lambda::Lambda(Function<Tensor(const Tensor&)> function, LambdaOptions options)
    : function_(std::move(function)), options_(std::move(options)) {
  if (!function_) throw ValueError(label("Lambda", options_.name) + "expected a function, got an empty one");
}
Tensor Lambda::operator()(const Tensor& x, Call&) const { return function_(x); }
Config Lambda::get_config() const {
  if (options_.function_name.empty())
    throw ValueError(label("Lambda", options_.name) + "expected a function_name, under which the function is found " +
                     "when the model is loaded");
  return Config::object({{"function", options_.function_name}, {"name", options_.name}});
}
Lambda Lambda::from_config(const Config& config, const CustomObjects& custom) {
  LambdaOptions options;
  read_config("Lambda", config, [&](Fields& f) {
    f("function", options.function_name);
    f("name", options.name);
  });
  const Function<Tensor(const Tensor&)>& function = custom.find_function(options.function_name);
  return Lambda(function, std::move(options));
}

Masking::Masking(MaskingOptions options) : mask_value(options.mask_value), name(std::move(options.name)) {}
Tensor Masking::operator()(const Tensor& x, Call& call) const {
  if (x.rank() < 2) throw ShapeError(label("Masking", name) + "expected x with steps, got " + to_string(x.shape()));
  call.mask = any(not_equal(x, mask_value), -1);
  return where(expand_dims(call.mask, -1), x, 0);
}
Config Masking::get_config() const { return config_of(*this, describing); }
Masking Masking::from_config(const Config& config) { return read_layer("Masking", config, Masking(), describing); }

ActivityRegularization::ActivityRegularization(ActivityRegularizationOptions options)
    : l1(options.l1), l2(options.l2), name(std::move(options.name)) {}
Tensor ActivityRegularization::operator()(const Tensor& x, Call& call) const {
  if (l1 != 0) call.penalties.push_back(l1 * sum(abs(floating(x))));
  if (l2 != 0) call.penalties.push_back(l2 * sum(square(floating(x))));
  return x;
}
Config ActivityRegularization::get_config() const { return config_of(*this, describing); }
ActivityRegularization ActivityRegularization::from_config(const Config& config) {
  return read_layer("ActivityRegularization", config, ActivityRegularization(), describing);
}

// --- Embedding

struct Embedding::State : Counted {
  State(std::int64_t input_dim, std::int64_t output_dim, EmbeddingOptions options)
      : input_dim(input_dim), output_dim(output_dim), options(std::move(options)) {}
  Counted* copy() const override { return new State(*this); }
  std::int64_t input_dim, output_dim;
  EmbeddingOptions options;
  Parameter embeddings;
};

Embedding::Embedding(std::int64_t input_dim, std::int64_t output_dim, EmbeddingOptions options)
    : state_(new State(input_dim, output_dim, std::move(options))) {
  if (input_dim <= 0 || output_dim <= 0)
    throw ValueError(label("Embedding", name()) + "expected input_dim and output_dim above 0, got " +
                     std::to_string(input_dim) + " and " + std::to_string(output_dim));
}

const std::string& Embedding::name() const { return state_->options.name; }
const Parameter& Embedding::embeddings() const { return state_->embeddings; }

Tensor Embedding::operator()(const Tensor& x, Call& call) const {
  State& s = *state_;
  if (!s.embeddings.defined())
    s.embeddings =
        Parameter(s.options.embeddings_initializer({s.input_dim, s.output_dim}, s.options.dtype, call.random()),
                  (name().empty() ? "embedding" : name()) + "/embeddings");
  const Tensor places = is_floating(x.dtype()) || x.dtype() == bool_ ? cast(x, int64) : x;
  call.mask = s.options.mask_zero ? not_equal(x, 0) : Tensor();
  // Negative places would count from the end.
  return take(s.embeddings, check_labels(places, s.input_dim, "index"));
}

void Embedding::each(Visit visit) {
  visit.own(state_);
  visit("embeddings", state_->embeddings, state_->options.embeddings_regularizer,
        state_->options.embeddings_constraint);
}

Config Embedding::get_config() const {
  State s = *state_;
  return written([&](Fields& f) { describe(f, s.input_dim, s.output_dim, s.options); });
}
Embedding Embedding::from_config(const Config& config) {
  std::int64_t input_dim = 0, output_dim = 0;
  EmbeddingOptions options;
  read_config("Embedding", config, [&](Fields& f) { describe(f, input_dim, output_dim, options); });
  return Embedding(input_dim, output_dim, std::move(options));
}

// --- EinsumDense

struct EinsumDense::State : Counted {
  Counted* copy() const override { return new State(*this); }
  std::string equation;
  std::vector<std::int64_t> output_shape;
  EinsumDenseOptions options;
  std::string input, weight, output;                                                        ///< letters without "..."
  bool input_left = false, output_left = false, input_right = false, output_right = false;  ///< where "..." stands
  Parameter kernel, bias;
};

EinsumDense::EinsumDense(std::string equation, std::vector<std::int64_t> output_shape, EinsumDenseOptions options)
    : state_(new State) {
  State& s = *state_;
  s.equation = std::move(equation);
  s.output_shape = std::move(output_shape);
  s.options = std::move(options);
  const std::string where = label("EinsumDense", s.options.name);
  const std::size_t comma = s.equation.find(','), arrow = s.equation.find("->");
  if (comma == std::string::npos || arrow == std::string::npos || arrow < comma)
    throw ValueError(where + "expected an equation like 'ab,bc->ac', got '" + s.equation + "'");
  s.input = s.equation.substr(0, comma);
  s.weight = s.equation.substr(comma + 1, arrow - comma - 1);
  s.output = s.equation.substr(arrow + 2);
  const auto strip = [](std::string& text, bool& left, bool& right) {
    left = text.starts_with("...");
    right = !left && text.ends_with("...");
    if (left) text = text.substr(3);
    if (right) text = text.substr(0, text.size() - 3);
  };
  strip(s.input, s.input_left, s.input_right);
  strip(s.output, s.output_left, s.output_right);
  for (const std::string* part : {&s.input, &s.weight, &s.output})
    for (const char c : *part)
      if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) || std::count(part->begin(), part->end(), c) != 1)
        throw ValueError(where + "expected an equation like 'ab,bc->ac', each letter once a term, got '" + s.equation +
                         "'");
  for (const char c : s.weight)
    if (s.input.find(c) == std::string::npos && s.output.find(c) == std::string::npos)
      throw ValueError(where + "expected the kernel's axis '" + std::string(1, c) + "' in x or the result, got '" +
                       s.equation + "'");
  for (const char c : s.options.bias_axes)
    if (s.output.find(c) == std::string::npos)
      throw ValueError(where + "expected bias_axes of the result '" + s.output + "', got '" + std::string(1, c) + "'");
}

const std::string& EinsumDense::name() const { return state_->options.name; }
const Parameter& EinsumDense::kernel() const { return state_->kernel; }
const Parameter& EinsumDense::bias() const { return state_->bias; }

Tensor EinsumDense::operator()(const Tensor& x, Call& call) const {
  State& s = *state_;
  const EinsumDenseOptions& o = s.options;
  const std::string where = label("EinsumDense", o.name);
  const int letters = static_cast<int>(s.input.size());
  const bool open = s.input_left || s.input_right;
  if (open ? x.rank() < letters : x.rank() != letters)
    throw ShapeError(where + "expected x with " + (open ? "at least " : "") + std::to_string(letters) + " axes for '" +
                     s.equation + "', got " + to_string(x.shape()));
  const auto length_in_x = [&](std::size_t at) {
    return x.dim(s.input_left ? static_cast<int>(at) - letters : static_cast<int>(at));
  };
  // Lengths of letters, from x or from output_shape, which leaves out the batch.
  const auto length_of = [&](char c) -> std::int64_t {
    const std::size_t in = s.input.find(c);
    if (in != std::string::npos) return length_in_x(in);
    const std::size_t at = s.output.find(c);
    const auto from_end = static_cast<std::ptrdiff_t>(s.output.size() - at);
    const auto n = static_cast<std::ptrdiff_t>(s.output_shape.size());
    const std::ptrdiff_t place = s.output_right ? static_cast<std::ptrdiff_t>(at) - 1 : n - from_end;
    if (place < 0 || place >= n || s.output_shape[static_cast<std::size_t>(place)] < 1)
      throw ValueError(where + "expected output_shape to give the length of '" + std::string(1, c) + "' in '" +
                       s.equation + "'");
    return s.output_shape[static_cast<std::size_t>(place)];
  };
  if (!s.kernel.defined()) {
    const DType dtype = o.dtype.value_or(is_floating(x.dtype()) ? x.dtype() : float32);
    const std::string prefix = (o.name.empty() ? "einsum_dense" : o.name) + "/";
    Shape shape;
    for (const char c : s.weight) shape.append(length_of(c));
    const Parameter kernel(o.kernel_initializer(shape, dtype, call.random()), prefix + "kernel");
    if (!o.bias_axes.empty()) {
      std::size_t first = s.output.size();
      for (const char c : o.bias_axes) first = std::min(first, s.output.find(c));
      Shape of_bias;
      for (std::size_t i = first; i < s.output.size(); ++i)
        of_bias.append(o.bias_axes.find(s.output[i]) == std::string::npos ? 1 : length_of(s.output[i]));
      if (s.output_right)
        for (int i = letters; i < x.rank(); ++i) of_bias.append(1);
      s.bias = Parameter(o.bias_initializer(of_bias, dtype, call.random()), prefix + "bias");
    }
    s.kernel = kernel;
  }
  for (std::size_t i = 0; i < s.weight.size(); ++i)
    if (const std::size_t in = s.input.find(s.weight[i]); in != std::string::npos)
      if (length_in_x(in) != s.kernel.shape()[static_cast<int>(i)])
        throw ShapeError(where + "expected x to fit the kernel " + to_string(s.kernel.shape()) + " in '" + s.equation +
                         "', got " + to_string(x.shape()));
  const Tensor t = is_floating(x.dtype()) ? x : cast(x, s.kernel.dtype());
  // "..." at the end is spelled out: einsum knows it in front.
  std::string equation = s.equation;
  if (s.input_right || s.output_right) {
    std::string extra;
    for (char c = 'a'; static_cast<int>(extra.size()) < x.rank() - letters && c <= 'z'; ++c)
      if ((s.input + s.weight + s.output).find(c) == std::string::npos) extra += c;
    equation = s.input + extra + "," + s.weight + "->" + s.output + extra;
  }
  Tensor y = einsum(equation, {t, s.kernel});
  if (s.bias.defined()) y = y + s.bias;
  y = o.activation.apply(y);
  if (o.activity_regularizer) call.penalties.push_back(o.activity_regularizer(y));
  return y;
}

void EinsumDense::each(Visit visit) {
  visit.own(state_);
  State& s = *state_;
  visit("kernel", s.kernel, s.options.kernel_regularizer, s.options.kernel_constraint);
  if (!s.options.bias_axes.empty()) visit("bias", s.bias, s.options.bias_regularizer, s.options.bias_constraint);
}

Config EinsumDense::get_config() const {
  State s = *state_;
  return written([&](Fields& f) { describe(f, s.equation, s.output_shape, s.options); });
}
EinsumDense EinsumDense::from_config(const Config& config) {
  std::string equation;
  std::vector<std::int64_t> output_shape;
  EinsumDenseOptions options;
  read_config("EinsumDense", config, [&](Fields& f) { describe(f, equation, output_shape, options); });
  return EinsumDense(std::move(equation), std::move(output_shape), std::move(options));
}

}  // namespace xgrad
