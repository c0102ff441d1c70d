#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/optim/optimizer_parts.hpp>

#include <algorithm>
#include <cmath>
#include <regex>

namespace xgrad::optimizers {

namespace {

struct FtrlRule final : Rule {
  explicit FtrlRule(const FtrlOptions& options) : o(options) {
    check_not_negative("ftrl", "initial_accumulator_value", o.initial_accumulator_value);
    check_not_negative("ftrl", "l1_regularization_strength", o.l1_regularization_strength);
    check_not_negative("ftrl", "l2_regularization_strength", o.l2_regularization_strength);
    check_not_negative("ftrl", "l2_shrinkage_regularization_strength", o.l2_shrinkage_regularization_strength);
    if (!(o.learning_rate_power <= 0))
      throw ValueError("[ftrl] expected learning_rate_power of 0 or less, got " + number_text(o.learning_rate_power));
  }
  Counted* copy() const override { return new FtrlRule(*this); }
  std::string_view name() const override { return "ftrl"; }
  std::vector<StateSlot> state_of(const Parameter& p) const override {
    return {{"accumulator", p.shape(), o.initial_accumulator_value}, {"linear", p.shape()}};
  }
  void numbers(double learning_rate, std::int64_t, std::vector<double>& out) const override {
    out.insert(out.end(), {learning_rate, 2 * (o.l2_regularization_strength + o.beta / (2 * learning_rate))});
  }
  Tensor update(const Tensor& w, const Tensor& g, std::span<const Parameter> slots,
                std::span<const Tensor> numbers) const override {
    const Tensor &rate = numbers[0], &l2 = numbers[1];
    const double shrinkage = 2 * o.l2_shrinkage_regularization_strength;
    const Tensor used = shrinkage > 0 ? g + shrinkage * w : g;
    const Tensor a = slots[0] + square(g);
    const Tensor before = power(slots[0], -o.learning_rate_power), after = power(a, -o.learning_rate_power);
    const Tensor linear = slots[1] + used - (after - before) / rate * w;
    slots[0].assign(a);
    slots[1].assign(linear);
    const double l1 = o.l1_regularization_strength;
    return (clip(linear, -l1, l1) - linear) / (after / rate + l2);
  }

  FtrlOptions o;
};

struct LionRule final : Rule {
  explicit LionRule(const LionOptions& options) : o(options) {
    check_betas("lion", o);
    if (o.beta_1 == 0) throw ValueError("[lion] expected beta_1 above 0, got 0: only signs of gradients would be left");
  }
  Counted* copy() const override { return new LionRule(*this); }
  std::string_view name() const override { return "lion"; }
  std::vector<std::string_view> slots() const override { return {"momentum"}; }
  Tensor update(const Tensor& w, const Tensor& g, std::span<const Parameter> slots,
                std::span<const Tensor> numbers) const override {
    const Tensor direction = sign(o.beta_1 * slots[0] + (1 - o.beta_1) * g);
    const Tensor m = o.beta_2 * slots[0] + (1 - o.beta_2) * g;
    slots[0].assign(m);
    return w - numbers[0] * direction;
  }

  LionOptions o;
};

struct LambRule final : Rule {
  explicit LambRule(const LambOptions& options) : o(options) { check_betas("lamb", o); }
  Counted* copy() const override { return new LambRule(*this); }
  std::string_view name() const override { return "lamb"; }
  std::vector<std::string_view> slots() const override { return {"momentum", "velocity"}; }
  void numbers(double learning_rate, std::int64_t t, std::vector<double>& out) const override {
    const double step = static_cast<double>(t);
    out.insert(out.end(), {learning_rate, 1 / (1 - std::pow(o.beta_1, step)), 1 / (1 - std::pow(o.beta_2, step))});
  }
  Tensor update(const Tensor& w, const Tensor& g, std::span<const Parameter> slots,
                std::span<const Tensor> numbers) const override {
    const Tensor m = moved(slots[0], 1 - o.beta_1, g);
    const Tensor v = moved(slots[1], 1 - o.beta_2, square(g));
    const Tensor step = m * numbers[1] / (sqrt(v * numbers[2]) + o.epsilon);
    const Tensor of_weights = sqrt(sum(square(w))), of_step = sqrt(sum(square(step)));
    const Tensor both = logical_and(of_weights > 0, of_step > 0);
    const Tensor ratio = where(both, of_weights / where(both, of_step, 1), 1);
    return w - ratio * numbers[0] * step;
  }

  LambOptions o;
};

struct AdafactorRule final : Rule {
  explicit AdafactorRule(const AdafactorOptions& options) : o(options) {
    check_not_negative("adafactor", "epsilon_1", o.epsilon_1);
    check_not_negative("adafactor", "epsilon_2", o.epsilon_2);
    if (!(o.clip_threshold > 0))
      throw ValueError("[adafactor] expected clip_threshold above 0, got " + number_text(o.clip_threshold));
  }
  Counted* copy() const override { return new AdafactorRule(*this); }
  std::string_view name() const override { return "adafactor"; }
  std::vector<StateSlot> state_of(const Parameter& p) const override {
    const Shape& shape = p.shape();
    if (shape.rank() < 2) return {{"v", shape}};
    Shape rows, columns;
    for (int i = 0; i < shape.rank(); ++i) {
      if (i != shape.rank() - 1) rows.append(shape[i]);
      if (i != shape.rank() - 2) columns.append(shape[i]);
    }
    return {{"r", rows}, {"c", columns}};
  }
  void numbers(double learning_rate, std::int64_t t, std::vector<double>& out) const override {
    const double step = static_cast<double>(t);
    const double rate = std::min(learning_rate, 1 / std::sqrt(step));
    out.insert(out.end(), {rate, 1 - std::pow(step, o.beta_2_decay)});
  }
  Tensor update(const Tensor& w, const Tensor& g, std::span<const Parameter> slots,
                std::span<const Tensor> numbers) const override {
    const auto rms = [](const Tensor& x) { return sqrt(mean(square(x))); };
    const auto towards = [&](const Parameter& kept, const Tensor& x) {
      const Tensor next = numbers[1] * kept + (1 - numbers[1]) * x;
      kept.assign(next);
      return next;
    };
    const Tensor squares = square(g) + o.epsilon_1;
    Tensor v;
    if (slots.size() == 2) {
      const Tensor r = towards(slots[0], mean(squares, -1)), c = towards(slots[1], mean(squares, -2));
      v = expand_dims(r / mean(r, -1, true), -1) * expand_dims(c, -2);
    } else {
      v = towards(slots[0], squares);
    }
    const Tensor step = g / sqrt(v);
    const Tensor length = maximum(o.epsilon_2, rms(w)) * numbers[0];
    return w - length * (step / maximum(1, rms(step) / o.clip_threshold));
  }

  AdafactorOptions o;
};

struct MuonRule final : Rule {
  explicit MuonRule(const MuonOptions& options) : o(options) {
    check_part("muon", "adam_beta_1", o.adam_beta_1);
    check_part("muon", "adam_beta_2", o.adam_beta_2);
    check_part("muon", "momentum", o.momentum);
    check_not_negative("muon", "adam_weight_decay", o.adam_weight_decay);
    check_not_negative("muon", "epsilon", o.epsilon);
    if (o.ns_steps < 0) throw ValueError("[muon] expected ns_steps of 0 or more, got " + std::to_string(o.ns_steps));
    for (const std::string& name : o.exclude_layers) {
      try {
        excluded.emplace_back(name);
      } catch (const std::regex_error& error) {
        throw ValueError("[muon] expected regular expressions as exclude_layers, got '" + name + "': " + error.what());
      }
    }
  }
  Counted* copy() const override { return new MuonRule(*this); }
  std::string_view name() const override { return "muon"; }
  std::vector<StateSlot> state_of(const Parameter& p) const override {
    if (follows_adam(p)) return {{"momentum", p.shape()}, {"velocity", p.shape()}};
    return {{"momentum", p.shape()}};
  }
  double weight_decay(const Parameter& p, double common) const override {
    return follows_adam(p) ? o.adam_weight_decay : common;
  }
  void numbers(double learning_rate, std::int64_t t, std::vector<double>& out) const override {
    const double step = static_cast<double>(t);
    const double correction = std::sqrt(1 - std::pow(o.adam_beta_2, step)) / (1 - std::pow(o.adam_beta_1, step));
    out.insert(out.end(), {learning_rate, learning_rate * o.adam_lr_ratio * correction});
  }
  Tensor update(const Tensor& w, const Tensor& g, std::span<const Parameter> slots,
                std::span<const Tensor> numbers) const override {
    if (slots.size() == 2) {
      const Tensor m = moved(slots[0], 1 - o.adam_beta_1, g);
      const Tensor v = moved(slots[1], 1 - o.adam_beta_2, square(g));
      return w - numbers[1] * m / (sqrt(v) + o.epsilon);
    }
    const Tensor m = o.momentum * slots[0] + g;
    slots[0].assign(m);
    const Tensor step = numbers[0] * orthogonal(o.nesterov ? g + o.momentum * m : m);
    if (!o.rms_rate) return w - step;
    return w - step * (std::sqrt(static_cast<double>(std::max(w.dim(0), w.dim(1)))) * *o.rms_rate);
  }

  /// Only matrices that are not named otherwise follow Muon itself.
  bool follows_adam(const Parameter& p) const {
    if (p.shape().rank() != 2) return true;
    std::string lower(p.name());
    for (char& c : lower)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (o.exclude_embeddings && lower.find("embedding") != std::string::npos) return true;
    for (const std::regex& name : excluded)
      if (std::regex_search(p.name().begin(), p.name().end(), name)) return true;
    return false;
  }

  /// The nearest matrix with orthonormal rows or columns, roughly.
  Tensor orthogonal(const Tensor& given) const {
    const bool tall = given.dim(0) > given.dim(1);
    Tensor x = tall ? transpose(given) : given;
    x = x / (sqrt(sum(square(x))) + 1e-7);
    for (std::int64_t i = 0; i < o.ns_steps; ++i) {
      const Tensor square_of = matmul(x, transpose(x));
      x = o.muon_a * x + matmul(o.muon_b * square_of + o.muon_c * matmul(square_of, square_of), x);
    }
    return tall ? transpose(x) : x;
  }

  MuonOptions o;
  std::vector<std::regex> excluded;
};

struct ScheduleFreeAdamWRule final : Rule {
  explicit ScheduleFreeAdamWRule(const ScheduleFreeAdamWOptions& options) : o(options) {
    check_betas("schedulefreeadamw", o);
    if (o.beta_1 == 0) throw ValueError("[schedulefreeadamw] expected beta_1 above 0, got 0");
    if (o.warmup_steps < 0)
      throw ValueError("[schedulefreeadamw] expected warmup_steps of 0 or more, got " + std::to_string(o.warmup_steps));
  }
  Counted* copy() const override { return new ScheduleFreeAdamWRule(*this); }
  std::string_view name() const override { return "schedulefreeadamw"; }
  std::vector<StateSlot> state_of(const Parameter& p) const override {
    return {{"momentum", p.shape(), 0, true}, {"velocity", p.shape()}};
  }
  void numbers(double learning_rate, std::int64_t t, std::vector<double>& out) const override {
    const double step = static_cast<double>(t);
    const double warm = o.warmup_steps > 0 ? std::min(step / static_cast<double>(o.warmup_steps), 1.0) : 1;
    out.insert(out.end(), {learning_rate * warm, 1 / (1 - std::pow(o.beta_2, step)), 1 / step});
  }
  Tensor update(const Tensor& w, const Tensor& g, std::span<const Parameter> slots,
                std::span<const Tensor> numbers) const override {
    const Tensor v = moved(slots[1], 1 - o.beta_2, square(g));
    const Tensor before = slots[0].value();
    const Tensor z = before - numbers[0] * g / (sqrt(v * numbers[1]) + o.epsilon);
    slots[0].assign(z);
    const Tensor x_before = (w - (1 - o.beta_1) * before) / o.beta_1;
    const Tensor x = (1 - numbers[2]) * x_before + numbers[2] * z;
    return (1 - o.beta_1) * z + o.beta_1 * x;
  }

  ScheduleFreeAdamWOptions o;
};

}  // namespace

Adafactor::Adafactor(const AdafactorOptions& options)
    : Optimizer(Shared<const Rule>(new AdafactorRule(options)), options.learning_rate, common_of(options)) {
  made_with({"Adafactor", options});
}
Adafactor::Adafactor(LearningRate learning_rate)
    : Adafactor(AdafactorOptions{.learning_rate = std::move(learning_rate)}) {}
Adafactor::Adafactor(std::span<const Parameter> parameters, const AdafactorOptions& options) : Adafactor(options) {
  build(parameters);
}

Ftrl::Ftrl(const FtrlOptions& options)
    : Optimizer(Shared<const Rule>(new FtrlRule(options)), options.learning_rate, common_of(options)) {
  made_with({"Ftrl", options});
}
Ftrl::Ftrl(LearningRate learning_rate) : Ftrl(FtrlOptions{.learning_rate = std::move(learning_rate)}) {}
Ftrl::Ftrl(std::span<const Parameter> parameters, const FtrlOptions& options) : Ftrl(options) { build(parameters); }

Lion::Lion(const LionOptions& options)
    : Optimizer(Shared<const Rule>(new LionRule(options)), options.learning_rate, common_of(options)) {
  made_with({"Lion", options});
}
Lion::Lion(LearningRate learning_rate) : Lion(LionOptions{.learning_rate = std::move(learning_rate)}) {}
Lion::Lion(std::span<const Parameter> parameters, const LionOptions& options) : Lion(options) { build(parameters); }

Lamb::Lamb(const LambOptions& options)
    : Optimizer(Shared<const Rule>(new LambRule(options)), options.learning_rate, common_of(options)) {
  made_with({"Lamb", options});
}
Lamb::Lamb(LearningRate learning_rate) : Lamb(LambOptions{.learning_rate = std::move(learning_rate)}) {}
Lamb::Lamb(std::span<const Parameter> parameters, const LambOptions& options) : Lamb(options) { build(parameters); }

Muon::Muon(const MuonOptions& options)
    : Optimizer(Shared<const Rule>(new MuonRule(options)), options.learning_rate, common_of(options)) {
  made_with({"Muon", options});
}
Muon::Muon(LearningRate learning_rate) : Muon(MuonOptions{.learning_rate = std::move(learning_rate)}) {}
Muon::Muon(std::span<const Parameter> parameters, const MuonOptions& options) : Muon(options) { build(parameters); }

ScheduleFreeAdamW::ScheduleFreeAdamW(const ScheduleFreeAdamWOptions& options)
    : Optimizer(Shared<const Rule>(new ScheduleFreeAdamWRule(options)), options.learning_rate, common_of(options)) {
  made_with({"ScheduleFreeAdamW", options});
}
ScheduleFreeAdamW::ScheduleFreeAdamW(LearningRate learning_rate)
    : ScheduleFreeAdamW(ScheduleFreeAdamWOptions{.learning_rate = std::move(learning_rate)}) {}
ScheduleFreeAdamW::ScheduleFreeAdamW(std::span<const Parameter> parameters, const ScheduleFreeAdamWOptions& options)
    : ScheduleFreeAdamW(options) {
  build(parameters);
}

LossScaleOptimizer::LossScaleOptimizer(const Optimizer& inner_optimizer, const LossScaleOptions& options)
    : Optimizer(inner_optimizer, Scaling{options.initial_scale, options.dynamic_growth_steps}) {
  made_with({"LossScaleOptimizer", LossScaled{inner_optimizer, options}});
  if (!(options.initial_scale > 0))
    throw ValueError("[loss_scale] expected initial_scale above 0, got " + number_text(options.initial_scale));
  if (options.dynamic_growth_steps < 1)
    throw ValueError("[loss_scale] expected dynamic_growth_steps of 1 or more, got " +
                     std::to_string(options.dynamic_growth_steps));
}

}  // namespace xgrad::optimizers
