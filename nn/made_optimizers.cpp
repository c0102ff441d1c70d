#include <xgrad/nn/fields.hpp>
#include <xgrad/nn/made.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/optim/names.hpp>

#include <algorithm>

namespace xgrad {

namespace {

using namespace optimizers;
using namespace schedules;

Config object_of(std::string_view class_name, Config config) {
  return Config::object({{"class_name", class_name}, {"config", std::move(config)}});
}

// --- schedules

/// The numbers that schedules are made of, whichever of them one takes.
struct Numbers {
  double initial_learning_rate = 0, decay_rate = 0;
  std::int64_t decay_steps = 0, first_decay_steps = 0;
  std::vector<std::int64_t> boundaries;
  std::vector<double> values;
};

template <class S>
struct ScheduleOptions {};
template <class S>
requires requires(const S& s) { s.options(); }
struct ScheduleOptions<S> : std::decay_t<decltype(std::declval<S>().options())> {};

template <class S>
void describe_numbers(Fields& f, Numbers& n) {
  if constexpr (requires(const S& s) { s.boundaries(); }) {
    f("boundaries", n.boundaries);
    f("values", n.values);
  } else {
    f("initial_learning_rate", n.initial_learning_rate);
    if constexpr (requires(const S& s) { s.first_decay_steps(); })
      f("first_decay_steps", n.first_decay_steps);
    else
      f("decay_steps", n.decay_steps);
    if constexpr (requires(const S& s) { s.decay_rate(); }) f("decay_rate", n.decay_rate);
  }
}

void describe(Fields& f, CosineDecayOptions& o) {
  f("alpha", o.alpha);
  f("warmup_target", o.warmup_target);
  f("warmup_steps", o.warmup_steps);
}
void describe(Fields& f, ExponentialDecayOptions& o) { f("staircase", o.staircase); }
void describe(Fields& f, InverseTimeDecayOptions& o) { f("staircase", o.staircase); }
void describe(Fields& f, PolynomialDecayOptions& o) {
  f("end_learning_rate", o.end_learning_rate);
  f("power", o.power);
  f("cycle", o.cycle);
}
void describe(Fields& f, CosineDecayRestartsOptions& o) {
  f("t_mul", o.t_mul);
  f("m_mul", o.m_mul);
  f("alpha", o.alpha);
}
void describe(Fields&, ScheduleOptions<PiecewiseConstantDecay>&) {}

template <class S>
Config write_schedule(const S& schedule) {
  Numbers n;
  ScheduleOptions<S> options;
  if constexpr (requires { schedule.boundaries(); }) {
    n.boundaries = schedule.boundaries();
    n.values = schedule.values();
  } else {
    n.initial_learning_rate = schedule.initial_learning_rate();
    if constexpr (requires { schedule.first_decay_steps(); })
      n.first_decay_steps = schedule.first_decay_steps();
    else
      n.decay_steps = schedule.decay_steps();
    if constexpr (requires { schedule.decay_rate(); }) n.decay_rate = schedule.decay_rate();
    options = {schedule.options()};
  }
  return object_of(kind_of<S>(), written([&](Fields& f) {
                     describe_numbers<S>(f, n);
                     describe(f, options);
                   }));
}

template <class S>
S read_schedule(const Config& config) {
  Numbers n;
  ScheduleOptions<S> options;
  read_config(kind_of<S>(), config, [&](Fields& f) {
    describe_numbers<S>(f, n);
    describe(f, options);
  });
  if constexpr (requires(const S& s) { s.boundaries(); })
    return S(n.boundaries, n.values);
  else if constexpr (requires(const S& s) { s.first_decay_steps(); })
    return S(n.initial_learning_rate, n.first_decay_steps, options);
  else if constexpr (requires(const S& s) { s.decay_rate(); })
    return S(n.initial_learning_rate, n.decay_steps, n.decay_rate, options);
  else
    return S(n.initial_learning_rate, n.decay_steps, options);
}

template <class... Schedules>
struct ScheduleList {
  static Config write(const LearningRate& rate) {
    if (!rate.scheduled()) return rate(0);
    Config out;
    const auto attempt = [&]<class S>(const S* schedule) {
      if (schedule) out = write_schedule(*schedule);
      return schedule != nullptr;
    };
    if ((attempt(rate.target<Schedules>()) || ...)) return out;
    throw ValueError(
        "[config] expected a learning rate that is a number or a schedule of the library, to be saved, got " +
        std::string("a function of the user's own"));
  }
  static LearningRate read(const Config& config) {
    if (config.kind() == Config::Kind::integer || config.kind() == Config::Kind::real) return config.real();
    const std::string& name = config.at("class_name").text();
    std::optional<LearningRate> out;
    const auto attempt = [&]<class S>(const S*) {
      if (name == kind_of<S>()) out.emplace(read_schedule<S>(config.at("config")));
      return out.has_value();
    };
    if ((attempt(static_cast<const Schedules*>(nullptr)) || ...)) return *out;
    const std::string_view known[] = {kind_of<Schedules>()...};
    throw_unknown_name("schedule", name, known);
  }
};
using AllSchedules = ScheduleList<CosineDecay, PiecewiseConstantDecay, ExponentialDecay, InverseTimeDecay,
                                  PolynomialDecay, CosineDecayRestarts>;

// --- optimizers

void describe(Fields& f, SGDOptions& o) {
  f("momentum", o.momentum);
  f("nesterov", o.nesterov);
}
void describe(Fields& f, RMSpropOptions& o) {
  f("rho", o.rho);
  f("momentum", o.momentum);
  f("epsilon", o.epsilon);
  f("centered", o.centered);
}
template <class O>
requires requires(O o) {
  o.beta_1;
  o.beta_2;
}
void describe(Fields& f, O& o) {
  f("beta_1", o.beta_1);
  f("beta_2", o.beta_2);
  if constexpr (requires { o.epsilon; }) f("epsilon", o.epsilon);
  if constexpr (requires { o.amsgrad; }) f("amsgrad", o.amsgrad);
  if constexpr (requires { o.warmup_steps; }) f("warmup_steps", o.warmup_steps);
}
void describe(Fields& f, AdagradOptions& o) {
  f("initial_accumulator_value", o.initial_accumulator_value);
  f("epsilon", o.epsilon);
}
void describe(Fields& f, AdadeltaOptions& o) {
  f("rho", o.rho);
  f("epsilon", o.epsilon);
}
void describe(Fields& f, AdafactorOptions& o) {
  f("beta_2_decay", o.beta_2_decay);
  f("epsilon_1", o.epsilon_1);
  f("epsilon_2", o.epsilon_2);
  f("clip_threshold", o.clip_threshold);
  f("relative_step", o.relative_step);
}
void describe(Fields& f, FtrlOptions& o) {
  f("learning_rate_power", o.learning_rate_power);
  f("initial_accumulator_value", o.initial_accumulator_value);
  f("l1_regularization_strength", o.l1_regularization_strength);
  f("l2_regularization_strength", o.l2_regularization_strength);
  f("l2_shrinkage_regularization_strength", o.l2_shrinkage_regularization_strength);
  f("beta", o.beta);
}
void describe(Fields& f, MuonOptions& o) {
  f("adam_beta_1", o.adam_beta_1);
  f("adam_beta_2", o.adam_beta_2);
  f("adam_weight_decay", o.adam_weight_decay);
  f("epsilon", o.epsilon);
  f("exclude_layers", o.exclude_layers);
  f("exclude_embeddings", o.exclude_embeddings);
  f("muon_a", o.muon_a);
  f("muon_b", o.muon_b);
  f("muon_c", o.muon_c);
  f("adam_lr_ratio", o.adam_lr_ratio);
  f("momentum", o.momentum);
  f("ns_steps", o.ns_steps);
  f("nesterov", o.nesterov);
  f("rms_rate", o.rms_rate);
}

template <class O>
void describe_all(Fields& f, O& o, Config& learning_rate) {
  f("learning_rate", learning_rate);
  describe(f, o);
  f("weight_decay", o.weight_decay);
  f("clipnorm", o.clipnorm);
  f("clipvalue", o.clipvalue);
  f("global_clipnorm", o.global_clipnorm);
  f("use_ema", o.use_ema);
  f("ema_momentum", o.ema_momentum);
  f("ema_overwrite_frequency", o.ema_overwrite_frequency);
  f("loss_scale_factor", o.loss_scale_factor);
  f("gradient_accumulation_steps", o.gradient_accumulation_steps);
}

struct OptimizerType {
  std::string_view name;
  Config (*write)(const Optimizer& optimizer);
  Optimizer (*read)(std::string_view name, const Config& config);
};

template <class T, class O>
constexpr OptimizerType optimizer_type{kind_of<T>(),
                                       [](const Optimizer& optimizer) {
                                         O options = *optimizer.made().options<O>();
                                         Config rate = AllSchedules::write(optimizer.schedule());
                                         return written([&](Fields& f) { describe_all(f, options, rate); });
                                       },
                                       [](std::string_view name, const Config& config) -> Optimizer {
                                         O options;
                                         Config rate = AllSchedules::write(options.learning_rate);
                                         read_config(name, config, [&](Fields& f) { describe_all(f, options, rate); });
                                         options.learning_rate = AllSchedules::read(rate);
                                         return T(options);
                                       }};

constexpr OptimizerType optimizer_types[] = {
    optimizer_type<SGD, SGDOptions>,
    optimizer_type<RMSprop, RMSpropOptions>,
    optimizer_type<Adam, AdamOptions>,
    optimizer_type<AdamW, AdamWOptions>,
    optimizer_type<Adamax, AdamaxOptions>,
    optimizer_type<Nadam, NadamOptions>,
    optimizer_type<Adagrad, AdagradOptions>,
    optimizer_type<Adadelta, AdadeltaOptions>,
    optimizer_type<Adafactor, AdafactorOptions>,
    optimizer_type<Ftrl, FtrlOptions>,
    optimizer_type<Lion, LionOptions>,
    optimizer_type<Lamb, LambOptions>,
    optimizer_type<Muon, MuonOptions>,
    optimizer_type<ScheduleFreeAdamW, ScheduleFreeAdamWOptions>,
};

Config inner_config(const Optimizer& optimizer, std::span<const NamedParameter> weights, const Optimizer& outer);

Config options_config(const Optimizer& optimizer, std::span<const NamedParameter> weights) {
  if (const auto* scaled = optimizer.made().options<LossScaled>())
    return Config::object({{"inner_optimizer", inner_config(scaled->inner, weights, optimizer)},
                           {"initial_scale", scaled->options.initial_scale},
                           {"dynamic_growth_steps", scaled->options.dynamic_growth_steps}});
  if (const auto* mapped = optimizer.made().options<Mapped>()) {
    Config map = Config::object();
    for (const auto& [name, part] : mapped->map.entries()) map.set(name, optimizer_config(part, weights));
    return Config::object({{"default_optimizer", optimizer_config(mapped->map.default_optimizer(), weights)},
                           {"optimizer_map", map},
                           {"loss_scale_factor", mapped->options.loss_scale_factor}});
  }
  for (const OptimizerType& type : optimizer_types)
    if (type.name == optimizer.made().type()) return type.write(optimizer);
  throw ValueError("[config] expected an optimizer of the library, to be saved, got a rule of the user's own: '" +
                   std::string(optimizer.name()) + "'");
}

/// The inner optimizer of a loss scale, whose learning rate is the outer one's.
Config inner_config(const Optimizer& optimizer, std::span<const NamedParameter> weights, const Optimizer& outer) {
  Config out = optimizer_config(optimizer, weights);
  Config options = out.at("config");
  options.set("learning_rate", AllSchedules::write(outer.schedule()));
  return out.set("config", options);
}

}  // namespace

Config optimizer_config(const Optimizer& optimizer, std::span<const NamedParameter> weights) {
  Config out;
  if (optimizer.made().type().empty()) {
    // CustomObjects finds it by its name.
    out = Config::object({{"class_name", optimizer.name()}, {"config", Config()}});
    if (optimizer.schedule().scheduled()) AllSchedules::write(optimizer.schedule());
    out.set("learning_rate", AllSchedules::write(optimizer.schedule()));
  } else {
    out = object_of(optimizer.made().type(), options_config(optimizer, weights));
  }
  std::vector<Config> names, places;
  for (const std::string& name : optimizer.undecayed_names()) names.emplace_back(name);
  const std::vector<Parameter> undecayed = optimizer.undecayed();
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (std::find(undecayed.begin(), undecayed.end(), weights[i].parameter) != undecayed.end()) places.emplace_back(i);
  if (!names.empty() || !places.empty())
    out.set("exclude_from_weight_decay", Config::object({{"names", names}, {"weights", places}}));
  return out;
}

Optimizer optimizer_from_config(const Config& config, const CustomObjects& custom,
                                std::span<const NamedParameter> weights) {
  const std::string& name = config.at("class_name").text();
  const Config& options = config.at("config");
  const auto made = [&]() -> Optimizer {
    if (const auto* own = custom.find_optimizer(name)) {
      Optimizer optimizer = (*own)();
      if (config.contains("learning_rate")) optimizer.set_learning_rate(AllSchedules::read(config.at("learning_rate")));
      return optimizer;
    }
    if (name == "LossScaleOptimizer")
      return LossScaleOptimizer(optimizer_from_config(options.at("inner_optimizer"), custom, weights),
                                {.initial_scale = options.at("initial_scale").real(),
                                 .dynamic_growth_steps = options.at("dynamic_growth_steps").integer()});
    if (name == "MultiOptimizer") {
      OptimizerMap map(optimizer_from_config(options.at("default_optimizer"), custom, weights));
      for (const auto& [key, part] : options.at("optimizer_map").entries())
        map.set(key, optimizer_from_config(part, custom, weights));
      return MultiOptimizer(map, {.loss_scale_factor = options.at("loss_scale_factor").real()});
    }
    std::vector<std::string_view> known = {"LossScaleOptimizer", "MultiOptimizer"};
    for (const OptimizerType& type : optimizer_types) {
      if (type.name == name) return type.read(name, options);
      known.push_back(type.name);
    }
    throw_unknown_name("optimizer (one of your own goes into CustomObjects)", name, known);
  };
  Optimizer optimizer = made();
  if (config.contains("exclude_from_weight_decay")) {
    const Config& excluded = config.at("exclude_from_weight_decay");
    std::vector<std::string> names;
    std::vector<Parameter> parameters;
    for (const Config& text : excluded.at("names").list()) names.push_back(text.text());
    for (const Config& place : excluded.at("weights").list()) {
      const std::int64_t i = place.integer();
      if (i < 0 || i >= static_cast<std::int64_t>(weights.size()))
        throw ValueError("[config] expected the place of one of " + std::to_string(weights.size()) + " weights, got " +
                         std::to_string(i));
      parameters.push_back(weights[static_cast<std::size_t>(i)].parameter);
    }
    optimizer.exclude_from_weight_decay(parameters, names);
  }
  return optimizer;
}

}  // namespace xgrad
