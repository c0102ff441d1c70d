#include <xgrad/nn/dropout.hpp>
#include <xgrad/nn/layer_parts.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/shape.hpp>

namespace xgrad {

struct Dropout::State : Counted {
  State(double rate, DropoutOptions options) : rate(rate), options(std::move(options)) {
    if (this->options.seed) {
      generator = Generator(*this->options.seed);
      built = true;
    }
  }
  Counted* copy() const override { return new State(*this); }

  double rate;
  DropoutOptions options;
  Generator generator;
  bool built = false;
};

/// A tensor with the mask's shape. Only its shape is used, so nothing of it is computed.
Tensor mask_shape(std::string_view kind, const Tensor& x, const std::vector<std::int64_t>& noise_shape) {
  if (noise_shape.empty()) return x;
  const auto misfit = [&] {
    std::string text;
    for (const std::int64_t n : noise_shape) text += (text.empty() ? "" : ", ") + std::to_string(n);
    return ShapeError("[" + std::string(kind) + "] expected a noise_shape that broadcasts over x of shape " +
                      to_string(x.shape()) + " (-1: the length of x), got (" + text + ")");
  };
  if (static_cast<int>(noise_shape.size()) != x.rank()) throw misfit();
  Tensor like = x;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const std::int64_t n = noise_shape[static_cast<std::size_t>(axis)];
    if (n == -1 || n == x.dim(axis)) continue;
    if (n != 1) throw misfit();
    like = slice_axis(like, axis, {0, 1});
  }
  return like;
}

Dropout::Dropout(double rate, DropoutOptions options) : state_(new State(rate, std::move(options))) {
  if (!(rate >= 0 && rate <= 1))
    throw ValueError("[Dropout] expected a rate between 0 and 1, got " + number_text(rate));
}

namespace {

void describe(Fields& f, double& rate, DropoutOptions& o) {
  f("rate", rate);
  f("noise_shape", o.noise_shape);
  f("seed", o.seed);
  f("name", o.name);
}

}  // namespace

Config Dropout::get_config() const {
  double rate = state_->rate;
  DropoutOptions options = state_->options;
  return written([&](Fields& f) { describe(f, rate, options); });
}

Dropout Dropout::from_config(const Config& config) {
  double rate = 0;
  DropoutOptions options;
  read_config("Dropout", config, [&](Fields& f) { describe(f, rate, options); });
  return Dropout(rate, std::move(options));
}

double Dropout::rate() const { return state_->rate; }
const std::string& Dropout::name() const { return state_->options.name; }

Tensor Dropout::operator()(const Tensor& x, Call& call) const {
  State& s = *state_;
  if (!s.built) {
    s.generator = call.random().split();
    s.built = true;
  }
  if (!call.training || s.rate == 0) return x;
  const Tensor values = is_floating(x.dtype()) ? x : cast(x, float32);
  if (s.rate == 1) return zeros_like(values);
  const double keep = 1 - s.rate;
  const Tensor mask = bernoulli_like(mask_shape("Dropout", values, s.options.noise_shape), keep, &s.generator);
  return where(mask, values * (1 / keep), 0);
}

void Dropout::each(Visit visit) {
  visit.own(state_);
  if (state_->built) visit("generator", state_->generator);
}

}  // namespace xgrad
