#include <xgrad/graph/error.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/optim/optimizers.hpp>

#include <cmath>

namespace xgrad::optimizers {

namespace {

template <class Options>
Limits limits_of(const Options& o) {
  return {o.weight_decay, o.clipnorm, o.clipvalue, o.global_clipnorm};
}

void check_part(const char* where, const char* what, double value) {
  if (!(value >= 0 && value <= 1))
    throw ValueError("[" + std::string(where) + "] expected " + what + " between 0 and 1, got " +
                     number_text(value));
}

struct SGDRule final : Rule {
  explicit SGDRule(const SGDOptions& options) : momentum(options.momentum), nesterov(options.nesterov) {
    check_part("sgd", "momentum", momentum);
  }
  Counted* copy() const override { return new SGDRule(*this); }
  std::string_view name() const override { return "sgd"; }
  std::vector<std::string_view> slots() const override {
    if (momentum == 0) return {};
    return {"momentum"};
  }
  Tensor update(const Tensor& w, const Tensor& g, std::span<const Parameter> slots,
                std::span<const Tensor> numbers) const override {
    const Tensor& learning_rate = numbers[0];
    if (momentum == 0) return w - learning_rate * g;
    const Tensor m = momentum * slots[0] - learning_rate * g;
    slots[0].assign(m);
    return nesterov ? w + momentum * m - learning_rate * g : w + m;
  }

  double momentum;
  bool nesterov;
};

struct RMSpropRule final : Rule {
  explicit RMSpropRule(const RMSpropOptions& options) : o(options) {
    check_part("rmsprop", "rho", o.rho);
    check_part("rmsprop", "momentum", o.momentum);
  }
  Counted* copy() const override { return new RMSpropRule(*this); }
  std::string_view name() const override { return "rmsprop"; }
  std::vector<std::string_view> slots() const override {
    std::vector<std::string_view> names = {"velocity"};
    if (o.momentum > 0) names.push_back("momentum");
    if (o.centered) names.push_back("average_gradient");
    return names;
  }
  Tensor update(const Tensor& w, const Tensor& g, std::span<const Parameter> slots,
                std::span<const Tensor> numbers) const override {
    const Tensor v = o.rho * slots[0] + (1 - o.rho) * square(g);
    slots[0].assign(v);
    Tensor denominator = v + o.epsilon;
    if (o.centered) {
      const Tensor average = o.rho * slots.back() + (1 - o.rho) * g;
      slots.back().assign(average);
      denominator = v - square(average) + o.epsilon;
    }
    const Tensor step = numbers[0] * g / sqrt(denominator);
    if (o.momentum == 0) return w - step;
    const Tensor m = o.momentum * slots[1] + step;
    slots[1].assign(m);
    return w - m;
  }

  RMSpropOptions o;
};

struct AdamRule final : Rule {
  explicit AdamRule(const AdamOptions& options) : o(options) {
    check_part("adam", "beta_1", o.beta_1);
    check_part("adam", "beta_2", o.beta_2);
  }
  Counted* copy() const override { return new AdamRule(*this); }
  std::string_view name() const override { return "adam"; }
  std::vector<std::string_view> slots() const override {
    if (o.amsgrad) return {"m", "v", "largest_v"};
    return {"m", "v"};
  }
  std::vector<double> numbers(double learning_rate, std::int64_t t) const override {
    const double step = static_cast<double>(t);
    return {learning_rate * std::sqrt(1 - std::pow(o.beta_2, step)) / (1 - std::pow(o.beta_1, step))};
  }
  Tensor update(const Tensor& w, const Tensor& g, std::span<const Parameter> slots,
                std::span<const Tensor> numbers) const override {
    const Tensor& alpha = numbers[0];
    const Tensor m = slots[0] + (1 - o.beta_1) * (g - slots[0]);
    Tensor v = slots[1] + (1 - o.beta_2) * (square(g) - slots[1]);
    slots[0].assign(m);
    slots[1].assign(v);
    if (o.amsgrad) {
      v = maximum(slots[2], v);
      slots[2].assign(v);
    }
    return w - alpha * m / (sqrt(v) + o.epsilon);
  }

  AdamOptions o;
};

}  // namespace

SGD::SGD(const SGDOptions& options)
    : Optimizer(Shared<const Rule>(new SGDRule(options)), options.learning_rate, limits_of(options)) {}
SGD::SGD(LearningRate learning_rate) : SGD(SGDOptions{.learning_rate = std::move(learning_rate)}) {}
SGD::SGD(std::span<const Parameter> parameters, const SGDOptions& options) : SGD(options) { build(parameters); }

RMSprop::RMSprop(const RMSpropOptions& options)
    : Optimizer(Shared<const Rule>(new RMSpropRule(options)), options.learning_rate, limits_of(options)) {}
RMSprop::RMSprop(LearningRate learning_rate) : RMSprop(RMSpropOptions{.learning_rate = std::move(learning_rate)}) {}
RMSprop::RMSprop(std::span<const Parameter> parameters, const RMSpropOptions& options) : RMSprop(options) {
  build(parameters);
}

Adam::Adam(const AdamOptions& options)
    : Optimizer(Shared<const Rule>(new AdamRule(options)), options.learning_rate, limits_of(options)) {}
Adam::Adam(LearningRate learning_rate) : Adam(AdamOptions{.learning_rate = std::move(learning_rate)}) {}
Adam::Adam(std::span<const Parameter> parameters, const AdamOptions& options) : Adam(options) { build(parameters); }

}  // namespace xgrad::optimizers
