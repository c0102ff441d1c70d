#include <xgrad/ops/elementwise.hpp>
#include <xgrad/optim/optimizer_parts.hpp>

#include <cmath>

namespace xgrad::optimizers {

namespace {

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
  explicit AdamRule(const AdamOptions& options, const char* label = "adam") : o(options), label(label) {
    check_betas(label, o);
  }
  Counted* copy() const override { return new AdamRule(*this); }
  std::string_view name() const override { return label; }
  std::vector<std::string_view> slots() const override {
    if (o.amsgrad) return {"m", "v", "largest_v"};
    return {"m", "v"};
  }
  void numbers(double learning_rate, std::int64_t t, std::vector<double>& out) const override {
    const double step = static_cast<double>(t);
    out.insert(out.end(), {learning_rate * std::sqrt(1 - std::pow(o.beta_2, step)) / (1 - std::pow(o.beta_1, step))});
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
  const char* label;
};

AdamOptions adam_options(const AdamWOptions& o) {
  return {.beta_1 = o.beta_1, .beta_2 = o.beta_2, .epsilon = o.epsilon, .amsgrad = o.amsgrad};
}

struct AdamaxRule final : Rule {
  explicit AdamaxRule(const AdamaxOptions& options) : o(options) { check_betas("adamax", o); }
  Counted* copy() const override { return new AdamaxRule(*this); }
  std::string_view name() const override { return "adamax"; }
  std::vector<std::string_view> slots() const override { return {"m", "u"}; }
  void numbers(double learning_rate, std::int64_t t, std::vector<double>& out) const override {
    const double step = static_cast<double>(t);
    out.insert(out.end(), {learning_rate / (1 - std::pow(o.beta_1, step))});
  }
  Tensor update(const Tensor& w, const Tensor& g, std::span<const Parameter> slots,
                std::span<const Tensor> numbers) const override {
    const Tensor m = moved(slots[0], 1 - o.beta_1, g);
    const Tensor u = maximum(o.beta_2 * slots[1], abs(g));
    slots[1].assign(u);
    return w - numbers[0] * m / (u + o.epsilon);
  }

  AdamaxOptions o;
};

struct NadamRule final : Rule {
  explicit NadamRule(const NadamOptions& options) : o(options) { check_betas("nadam", o); }
  Counted* copy() const override { return new NadamRule(*this); }
  std::string_view name() const override { return "nadam"; }
  std::vector<std::string_view> slots() const override { return {"momentum", "velocity"}; }
  void numbers(double learning_rate, std::int64_t t, std::vector<double>& out) const override {
    const double step = static_cast<double>(t);
    const auto part = [&](double k) { return o.beta_1 * (1 - 0.5 * std::pow(.96, k)); };
    // Once the product of the parts is 0 it stays that.
    double product = 1;
    for (std::int64_t k = 1; k <= t && product > 0; ++k) product *= part(static_cast<double>(k));
    const double now = part(step), next = part(step + 1);
    out.insert(out.end(), {learning_rate * next / (1 - product * next), learning_rate * (1 - now) / (1 - product),
            1 / (1 - std::pow(o.beta_2, step))});
  }
  Tensor update(const Tensor& w, const Tensor& g, std::span<const Parameter> slots,
                std::span<const Tensor> numbers) const override {
    const Tensor m = moved(slots[0], 1 - o.beta_1, g);
    const Tensor v = moved(slots[1], 1 - o.beta_2, square(g));
    return w - (numbers[0] * m + numbers[1] * g) / (sqrt(v * numbers[2]) + o.epsilon);
  }

  NadamOptions o;
};

struct AdagradRule final : Rule {
  explicit AdagradRule(const AdagradOptions& options) : o(options) {
    check_not_negative("adagrad", "initial_accumulator_value", o.initial_accumulator_value);
    check_not_negative("adagrad", "epsilon", o.epsilon);
  }
  Counted* copy() const override { return new AdagradRule(*this); }
  std::string_view name() const override { return "adagrad"; }
  std::vector<StateSlot> state_of(const Parameter& p) const override {
    return {{"accumulator", p.shape(), o.initial_accumulator_value}};
  }
  Tensor update(const Tensor& w, const Tensor& g, std::span<const Parameter> slots,
                std::span<const Tensor> numbers) const override {
    const Tensor a = slots[0] + square(g);
    slots[0].assign(a);
    return w - numbers[0] * g / sqrt(a + o.epsilon);
  }

  AdagradOptions o;
};

struct AdadeltaRule final : Rule {
  explicit AdadeltaRule(const AdadeltaOptions& options) : o(options) {
    check_part("adadelta", "rho", o.rho);
    check_not_negative("adadelta", "epsilon", o.epsilon);
  }
  Counted* copy() const override { return new AdadeltaRule(*this); }
  std::string_view name() const override { return "adadelta"; }
  std::vector<std::string_view> slots() const override { return {"accumulated_grad", "accumulated_delta_var"}; }
  Tensor update(const Tensor& w, const Tensor& g, std::span<const Parameter> slots,
                std::span<const Tensor> numbers) const override {
    const Tensor a = o.rho * slots[0] + (1 - o.rho) * square(g);
    const Tensor delta = sqrt(slots[1] + o.epsilon) * g / sqrt(a + o.epsilon);
    const Tensor s = o.rho * slots[1] + (1 - o.rho) * square(delta);
    slots[0].assign(a);
    slots[1].assign(s);
    return w - numbers[0] * delta;
  }

  AdadeltaOptions o;
};

}  // namespace

SGD::SGD(const SGDOptions& options)
    : Optimizer(Shared<const Rule>(new SGDRule(options)), options.learning_rate, common_of(options)) {
  made_with({"SGD", options});
}
SGD::SGD(LearningRate learning_rate) : SGD(SGDOptions{.learning_rate = std::move(learning_rate)}) {}
SGD::SGD(std::span<const Parameter> parameters, const SGDOptions& options) : SGD(options) { build(parameters); }

RMSprop::RMSprop(const RMSpropOptions& options)
    : Optimizer(Shared<const Rule>(new RMSpropRule(options)), options.learning_rate, common_of(options)) {
  made_with({"RMSprop", options});
}
RMSprop::RMSprop(LearningRate learning_rate) : RMSprop(RMSpropOptions{.learning_rate = std::move(learning_rate)}) {}
RMSprop::RMSprop(std::span<const Parameter> parameters, const RMSpropOptions& options) : RMSprop(options) {
  build(parameters);
}

Adam::Adam(const AdamOptions& options)
    : Optimizer(Shared<const Rule>(new AdamRule(options)), options.learning_rate, common_of(options)) {
  made_with({"Adam", options});
}
Adam::Adam(LearningRate learning_rate) : Adam(AdamOptions{.learning_rate = std::move(learning_rate)}) {}
Adam::Adam(std::span<const Parameter> parameters, const AdamOptions& options) : Adam(options) { build(parameters); }

AdamW::AdamW(const AdamWOptions& options)
    : Optimizer(Shared<const Rule>(new AdamRule(adam_options(options), "adamw")), options.learning_rate,
                common_of(options)) { made_with({"AdamW", options}); }
AdamW::AdamW(LearningRate learning_rate) : AdamW(AdamWOptions{.learning_rate = std::move(learning_rate)}) {}
AdamW::AdamW(std::span<const Parameter> parameters, const AdamWOptions& options) : AdamW(options) { build(parameters); }

Adamax::Adamax(const AdamaxOptions& options)
    : Optimizer(Shared<const Rule>(new AdamaxRule(options)), options.learning_rate, common_of(options)) {
  made_with({"Adamax", options});
}
Adamax::Adamax(LearningRate learning_rate) : Adamax(AdamaxOptions{.learning_rate = std::move(learning_rate)}) {}
Adamax::Adamax(std::span<const Parameter> parameters, const AdamaxOptions& options) : Adamax(options) {
  build(parameters);
}

Nadam::Nadam(const NadamOptions& options)
    : Optimizer(Shared<const Rule>(new NadamRule(options)), options.learning_rate, common_of(options)) {
  made_with({"Nadam", options});
}
Nadam::Nadam(LearningRate learning_rate) : Nadam(NadamOptions{.learning_rate = std::move(learning_rate)}) {}
Nadam::Nadam(std::span<const Parameter> parameters, const NadamOptions& options) : Nadam(options) { build(parameters); }

Adagrad::Adagrad(const AdagradOptions& options)
    : Optimizer(Shared<const Rule>(new AdagradRule(options)), options.learning_rate, common_of(options)) {
  made_with({"Adagrad", options});
}
Adagrad::Adagrad(LearningRate learning_rate) : Adagrad(AdagradOptions{.learning_rate = std::move(learning_rate)}) {}
Adagrad::Adagrad(std::span<const Parameter> parameters, const AdagradOptions& options) : Adagrad(options) {
  build(parameters);
}

Adadelta::Adadelta(const AdadeltaOptions& options)
    : Optimizer(Shared<const Rule>(new AdadeltaRule(options)), options.learning_rate, common_of(options)) {
  made_with({"Adadelta", options});
}
Adadelta::Adadelta(LearningRate learning_rate) : Adadelta(AdadeltaOptions{.learning_rate = std::move(learning_rate)}) {}
Adadelta::Adadelta(std::span<const Parameter> parameters, const AdadeltaOptions& options) : Adadelta(options) {
  build(parameters);
}

}  // namespace xgrad::optimizers
