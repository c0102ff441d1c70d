// Optimizers and schedules: the cases of tests/reference/make_keras_optimizers.py, saved states, and what wrong use
// says.

#include <xgrad/graph/print.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/optim/optimizers.hpp>

#include "planned.hpp"
#include "reference_cases.hpp"

using namespace xgrad;

namespace {

using namespace optimizers;
using reference::Json;
using Values = std::vector<double>;
using Maker = Optimizer (*)();

const std::map<std::string, Maker> makers = {
    {"SGD", [] { return Optimizer("SGD"); }},
    {"RMSprop", [] { return Optimizer("RMSprop"); }},
    {"Adam", [] { return Optimizer("Adam"); }},
    {"AdamW", [] { return Optimizer("AdamW"); }},
    {"Adamax", [] { return Optimizer("Adamax"); }},
    {"Nadam", [] { return Optimizer("nadam"); }},
    {"Adagrad", [] { return Optimizer("adagrad"); }},
    {"Adadelta", [] { return Optimizer("adadelta"); }},
    {"Adafactor", [] { return Optimizer("adafactor"); }},
    {"Ftrl", [] { return Optimizer("ftrl"); }},
    {"Lion", [] { return Optimizer("lion"); }},
    {"Lamb", [] { return Optimizer("lamb"); }},
    {"Muon", [] { return Optimizer("muon"); }},
    {"ScheduleFreeAdamW", [] { return Optimizer("ScheduleFreeAdamW"); }},
    {"SGD momentum", [] { return Optimizer(SGD({.learning_rate = .1, .momentum = .9})); }},
    {"SGD nesterov", [] { return Optimizer(SGD({.learning_rate = .1, .momentum = .9, .nesterov = true})); }},
    {"RMSprop all",
     [] {
       return Optimizer(RMSprop({.learning_rate = .01, .rho = .8, .momentum = .5, .epsilon = 1e-3, .centered = true}));
     }},
    {"Adam amsgrad",
     [] {
       return Optimizer(Adam({.learning_rate = .05, .beta_1 = .8, .beta_2 = .95, .epsilon = 1e-3, .amsgrad = true}));
     }},
    {"Adamax all",
     [] { return Optimizer(Adamax({.learning_rate = .02, .beta_1 = .8, .beta_2 = .9, .epsilon = 1e-2})); }},
    {"Nadam all", [] { return Optimizer(Nadam({.learning_rate = .02, .beta_1 = .8, .beta_2 = .9, .epsilon = 1e-2})); }},
    {"Adagrad all",
     [] { return Optimizer(Adagrad({.learning_rate = .1, .initial_accumulator_value = .3, .epsilon = 1e-2})); }},
    {"Adadelta all", [] { return Optimizer(Adadelta({.learning_rate = 1, .rho = .8, .epsilon = 1e-2})); }},
    {"Adafactor all",
     [] {
       return Optimizer(Adafactor({.learning_rate = .2, .beta_2_decay = -.5, .epsilon_2 = .1, .clip_threshold = .7}));
     }},
    {"Ftrl all",
     [] {
       return Optimizer(Ftrl({.learning_rate = .1,
                              .learning_rate_power = -.7,
                              .initial_accumulator_value = .2,
                              .l1_regularization_strength = .05,
                              .l2_regularization_strength = .1,
                              .l2_shrinkage_regularization_strength = .2,
                              .beta = .3}));
     }},
    {"Lion all", [] { return Optimizer(Lion({.learning_rate = .01, .beta_1 = .8, .beta_2 = .9})); }},
    {"Lamb all", [] { return Optimizer(Lamb({.learning_rate = .02, .beta_1 = .8, .beta_2 = .9, .epsilon = 1e-2})); }},
    {"Muon all",
     [] {
       return Optimizer(Muon({.learning_rate = .02,
                              .adam_beta_1 = .8,
                              .adam_weight_decay = .1,
                              .weight_decay = .05,
                              .exclude_embeddings = false,
                              .adam_lr_ratio = .1,
                              .momentum = .8,
                              .ns_steps = 3,
                              .nesterov = false,
                              .rms_rate = {}}));
     }},
    {"ScheduleFreeAdamW all",
     [] {
       return Optimizer(
           ScheduleFreeAdamW({.learning_rate = .02, .beta_1 = .8, .beta_2 = .9, .epsilon = 1e-2, .warmup_steps = 4}));
     }},
    {"weight_decay", [] { return Optimizer(Adam({.learning_rate = .01, .weight_decay = .1})); }},
    {"excluded",
     [] {
       Optimizer adamw = AdamW({.learning_rate = .01, .weight_decay = .1});
       adamw.exclude_from_weight_decay({"vec"});
       return adamw;
     }},
    {"clipnorm", [] { return Optimizer(SGD({.learning_rate = .1, .clipnorm = .5})); }},
    {"clipvalue", [] { return Optimizer(SGD({.learning_rate = .1, .clipvalue = .3})); }},
    {"global_clipnorm", [] { return Optimizer(SGD({.learning_rate = .1, .global_clipnorm = .5})); }},
    {"loss_scale_factor", [] { return Optimizer(SGD({.learning_rate = .1, .loss_scale_factor = 4})); }},
    {"schedule", [] { return Optimizer(Adam({.learning_rate = schedules::ExponentialDecay(.05, 3, .7)})); }},
    {"constraint", [] { return Optimizer(SGD(.3)); }},
    {"ema", [] { return Optimizer(SGD({.learning_rate = .1, .use_ema = true, .ema_momentum = .8})); }},
    {"ema overwrite",
     [] {
       return Optimizer(Adam({.learning_rate = .1, .use_ema = true, .ema_momentum = .8, .ema_overwrite_frequency = 3}));
     }},
    {"accumulation",
     [] {
       return Optimizer(
           Adam({.learning_rate = .1, .weight_decay = .1, .clipnorm = .5, .gradient_accumulation_steps = 3}));
     }},
    {"accumulation ema",
     [] {
       return Optimizer(SGD({.learning_rate = schedules::ExponentialDecay(.1, 2, .5),
                             .use_ema = true,
                             .ema_momentum = .8,
                             .gradient_accumulation_steps = 2}));
     }},
    {"LossScaleOptimizer",
     [] { return Optimizer(LossScaleOptimizer(Adam(.1), {.initial_scale = 8, .dynamic_growth_steps = 3})); }},
};

Json read(const char* name) {
  std::ifstream stream(std::filesystem::path(XGRAD_TEST_FILES).parent_path() / "reference" / name);
  REQUIRE(stream.good());
  return Json::parse(stream);
}

/// The Parameters of the reference and the gradients of its ten steps.
struct Run {
  explicit Run(const Json& all, DType dtype) : all(all), dtype(dtype) {
    for (std::size_t i = 0; i < all.at("shapes").size(); ++i)
      parameters.emplace_back(numbers(all.at("given").at("start")[i], i),
                              all.at("given").at("names")[i].get<std::string>());
  }
  Tensor numbers(const Json& values, std::size_t i) const {
    return tensor(reference::reals_of(values), reference::shape_of(all.at("shapes")[i]), {.dtype = dtype});
  }
  std::vector<Tensor> gradients(std::size_t step, bool broken = false) const {
    std::vector<Tensor> out;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const Tensor g = numbers(all.at("given").at("gradients")[step][i], i);
      out.push_back(broken ? where(g > .5, __builtin_inf(), g) : g);
    }
    return out;
  }
  void steps(Optimizer& optimizer, std::size_t from, std::size_t to) const {
    for (std::size_t step = from; step < to; ++step) optimizer.apply(parameters, gradients(step));
  }
  Values values() const {
    Values out;
    for (const Parameter& p : parameters)
      for (const double x : p.value().to_vector<double>()) out.push_back(x);
    return out;
  }

  const Json& all;
  DType dtype;
  std::vector<Parameter> parameters;
};

void check_close(const std::vector<Parameter>& found, const Json& expected, double tolerance) {
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Values a = found[i].value().to_vector<double>(), b = reference::reals_of(expected[i]);
    REQUIRE(a.size() == b.size());
    for (std::size_t k = 0; k < a.size(); ++k) CHECK(a[k] == Approx(b[k]).epsilon(tolerance).margin(tolerance * .1));
  }
}

void check_case(const Json& all, const Json& one, DType dtype, double tolerance) {
  const std::string name = one.at("call");
  INFO(name << " in " << name_of(dtype));
  const auto maker = makers.find(name);
  REQUIRE(maker != makers.end());
  Optimizer optimizer = maker->second();
  const Run run(all, dtype);
  if (name == "constraint")
    for (const Parameter& p : run.parameters) optimizer.constrain(p, constraints::MaxNorm{.max_value = .8});
  for (std::size_t step = 0; step < one.at("after").size(); ++step) {
    INFO("step " << step);
    optimizer.apply(run.parameters, run.gradients(step, name == "LossScaleOptimizer" && step == 3));
    check_close(run.parameters, one.at("after")[step], tolerance);
  }
  if (one.contains("averages")) check_close(optimizer.averages(), one.at("averages"), tolerance);
  for (const auto& [key, value] : optimizer.state())
    if (key.find('/') != std::string::npos) CHECK(value.dtype() == dtype);
}

}  // namespace

TEST_CASE("optimizers are where Keras's are after each of ten steps, to ten digits") {
  const Json all = read("keras_optimizers.json");
  CHECK(all.at("cases").size() == makers.size());
  for (const Json& one : all.at("cases")) check_case(all, one, float64, 1e-10);
}

TEST_CASE("optimizers in single precision follow those in double precision") {
  const Json all = read("keras_optimizers.json");
  for (const Json& one : all.at("cases")) check_case(all, one, float32, 1e-5);
}

TEST_CASE("a saved state goes on with the same bits, whatever the optimizer") {
  const Json all = read("keras_optimizers.json");
  for (const auto& [name, make] : makers) {
    INFO(name);
    const Run whole(all, float64), first(all, float64);
    Optimizer straight = make(), before = make(), after = make();
    whole.steps(straight, 0, 10);
    first.steps(before, 0, 5);
    NamedTensors state = before.state();
    Run second(all, float64);
    for (std::size_t i = 0; i < second.parameters.size(); ++i) second.parameters[i].assign(first.parameters[i].value());
    eval({});
    after.build(second.parameters);
    after.load_state(state);
    CHECK(after.iterations() == before.iterations());
    second.steps(after, 5, 10);
    CHECK(second.values() == whole.values());
    CHECK(after.iterations() == straight.iterations());
    const NamedTensors a = after.state(), b = straight.state();
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      CHECK(a[i].first == b[i].first);
      CHECK(a[i].second.to_vector<double>() == b[i].second.to_vector<double>());
    }
    state.pop_back();
    CHECK_THROWS_AS(after.load_state(state), ValueError);
  }
}

TEST_CASE("an update that fails or is given up leaves parameters, state and counts as they were") {
  const Json all = read("keras_optimizers.json");
  for (const auto& [name, make] : makers) {
    INFO(name);
    const Run run(all, float64);
    Optimizer optimizer = make();
    run.steps(optimizer, 0, 4);
    const Values before = run.values();
    const NamedTensors state = optimizer.state();
    const std::int64_t iterations = optimizer.iterations(), recorded = optimizer.recorded();
    optimizer.record(run.parameters, run.gradients(4));
    optimizer.revert(run.parameters);
    CHECK(run.values() == before);
    CHECK(optimizer.iterations() == iterations);
    CHECK(optimizer.recorded() == recorded);
    const NamedTensors again = optimizer.state();
    for (std::size_t i = 0; i < state.size(); ++i)
      CHECK(again[i].second.to_vector<double>() == state[i].second.to_vector<double>());
    CHECK_THROWS_AS(optimizer.apply(run.parameters, std::vector(3, zeros({7}))), ShapeError);
    CHECK(run.values() == before);
  }
}

TEST_CASE("options that are off record nothing: a step of Adam keeps its size") {
  const Planned planned;
  const Parameter w(ones({4, 3}), "w");
  const Tensor g = ones({4, 3});
  const auto recorded = [&](Optimizer adam) {
    adam.build(std::span(&w, 1));
    adam.record(std::span(&w, 1), std::span(&g, 1));
    const std::size_t size = dump(w.value()).size();
    adam.revert(std::span(&w, 1));
    return size;
  };
  const std::size_t plain = recorded(Adam());
  CHECK(plain == recorded(Adam({.weight_decay = 0, .use_ema = false, .ema_momentum = .5})));
  CHECK(plain < recorded(AdamW()));
  CHECK(plain < recorded(Adam({.clipvalue = 1})));
}

TEST_CASE("averages take the Parameters' place when training ends") {
  Optimizer sgd = SGD({.learning_rate = 1, .use_ema = true, .ema_momentum = .5});
  const Parameter w(tensor({0}, {.dtype = float64}), "w");
  const Tensor g = tensor({-1}, {.dtype = float64});
  for (int i = 0; i < 3; ++i) sgd.apply(std::span(&w, 1), std::span(&g, 1));
  CHECK(w.value().item() == 3);
  CHECK(sgd.averages()[0].value().item() == 2.25);
  sgd.finalize_variable_values();
  CHECK(w.value().item() == 2.25);
  CHECK(SGD().averages().empty());
}

TEST_CASE("a scaled loss gives the update of the loss itself") {
  for (const bool dynamic : {false, true}) {
    Optimizer scaled =
        dynamic ? Optimizer(LossScaleOptimizer(SGD(.5))) : SGD({.learning_rate = .5, .loss_scale_factor = 1024});
    const Parameter w(tensor({3, -4}, {.dtype = float64}), "w");
    CHECK(scaled.scale_loss(Tensor(1.0)).item() == (dynamic ? 32768 : 1024));
    scaled.minimize(sum(square(w)) / 2, std::span(&w, 1));
    CHECK(w.value().to_vector<double>() == Values{1.5, -2});
  }
  const Optimizer plain = "sgd";
  const Tensor loss(1.0);
  CHECK(plain.scale_loss(loss).node() == loss.node());
}

TEST_CASE("a loss scale halves where gradients overflow, and nothing else happens") {
  LossScaleOptimizer adam(Adam(.1), {.initial_scale = 16, .dynamic_growth_steps = 2});
  const Parameter w(tensor({1, 2}), "w");
  const Tensor good = tensor({1, 1}), bad = tensor({1, __builtin_inf()});
  adam.apply(std::span(&w, 1), std::span(&bad, 1));
  CHECK(adam.dynamic_scale() == 8);
  CHECK(adam.iterations() == 0);
  CHECK(w.value().to_vector<double>() == Values{1, 2});
  adam.apply(std::span(&w, 1), std::span(&good, 1));
  adam.apply(std::span(&w, 1), std::span(&good, 1));
  CHECK(adam.dynamic_scale() == 16);
  CHECK(adam.iterations() == 2);
}

TEST_CASE("several optimizers each update the Parameters of their names") {
  const Json all = read("keras_optimizers.json");
  const auto mixed = [] {
    return Optimizer(MultiOptimizer(OptimizerMap("sgd", {{"vector", "adam"}, {".*table", Lion()}})));
  };
  const Run run(all, float64), adam_run(all, float64), sgd_run(all, float64), lion_run(all, float64);
  Optimizer multi = mixed(), adam = "adam", sgd = "sgd", lion = "lion";
  run.steps(multi, 0, 6);
  adam_run.steps(adam, 0, 6);
  sgd_run.steps(sgd, 0, 6);
  lion_run.steps(lion, 0, 6);
  const auto same = [](const Parameter& a, const Parameter& b) {
    return a.value().to_vector<double>() == b.value().to_vector<double>();
  };
  CHECK(same(run.parameters[0], adam_run.parameters[0]));
  CHECK(same(run.parameters[1], sgd_run.parameters[1]));
  CHECK(same(run.parameters[2], lion_run.parameters[2]));
  CHECK(multi.iterations() == 6);
  CHECK(multi.learning_rate() == .01);

  // Given up, saved and loaded.
  const Values before = run.values();
  multi.record(run.parameters, run.gradients(6));
  multi.revert(run.parameters);
  CHECK(run.values() == before);
  CHECK(multi.iterations() == 6);
  Optimizer next = mixed();
  Run copy(all, float64);
  for (std::size_t i = 0; i < 3; ++i) copy.parameters[i].assign(run.parameters[i].value());
  eval({});
  next.build(copy.parameters);
  next.load_state(multi.state());
  run.steps(multi, 6, 9);
  copy.steps(next, 6, 9);
  CHECK(copy.values() == run.values());

  Optimizer torn = MultiOptimizer(OptimizerMap("sgd", {{"v.*", "adam"}, {".*r", "lion"}}));
  CHECK_THROWS_WITH(torn.build(run.parameters), Catch::Contains("'vector'") && Catch::Contains("both match"));
  CHECK_THROWS_WITH(MultiOptimizer(OptimizerMap("sgd", {{"(", "adam"}})), Catch::Contains("'('"));
  CHECK_THROWS_WITH(OptimizerMap("sgd", {{"a", "adam"}, {"a", "sgd"}}), Catch::Contains("'a' twice"));
  CHECK_THROWS_WITH(MultiOptimizer(OptimizerMap(LossScaleOptimizer(SGD()))), Catch::Contains("loss scale"));
}

TEST_CASE("schedules give Keras's rates") {
  using namespace schedules;
  const std::map<std::string, LearningRate> ours = {
      {"ExponentialDecay", ExponentialDecay(.1, 10, .5)},
      {"ExponentialDecay staircase", ExponentialDecay(.1, 4, .5, {.staircase = true})},
      {"InverseTimeDecay", InverseTimeDecay(.1, 10, .5)},
      {"InverseTimeDecay staircase", InverseTimeDecay(.1, 4, .5, {.staircase = true})},
      {"PolynomialDecay", PolynomialDecay(.1, 10)},
      {"PolynomialDecay 2", PolynomialDecay(.1, 10, {.end_learning_rate = .01, .power = 2})},
      {"PolynomialDecay cycle", PolynomialDecay(.1, 10, {.end_learning_rate = .01, .cycle = true})},
      {"PiecewiseConstantDecay", PiecewiseConstantDecay({5, 10}, {.1, .05, .01})},
      {"CosineDecay", CosineDecay(.1, 10, {.alpha = .1})},
      {"CosineDecay warm", CosineDecay(.01, 10, {.alpha = .2, .warmup_target = .1, .warmup_steps = 5})},
      {"CosineDecayRestarts", CosineDecayRestarts(.1, 5)},
      {"CosineDecayRestarts all", CosineDecayRestarts(.1, 4, {.t_mul = 1.5, .m_mul = .8, .alpha = .1})},
      {"CosineDecayRestarts even", CosineDecayRestarts(.1, 4, {.t_mul = 1, .m_mul = .8})},
  };
  const Json all = read("keras_schedules.json");
  CHECK(all.at("rates").size() == ours.size());
  for (const auto& [name, rates] : all.at("rates").items())
    for (std::size_t i = 0; i < rates.size(); ++i) {
      INFO(name << ", step " << all.at("steps")[i]);
      REQUIRE(ours.contains(name));
      CHECK(ours.at(name)(all.at("steps")[i].get<std::int64_t>()) == Approx(rates[i].get<double>()).epsilon(1e-12));
    }
}

TEST_CASE("wrong options of optimizers and schedules name them and what was expected") {
  CHECK_THROWS_WITH(Optimizer("adamm"), Catch::Contains("[optimizer]") && Catch::Contains("'adam'"));
  CHECK_THROWS_WITH(Adam({.beta_1 = 1.5}), Catch::Contains("[adam]") && Catch::Contains("beta_1"));
  CHECK_THROWS_WITH(AdamW({.beta_2 = -1}), Catch::Contains("[adamw]") && Catch::Contains("beta_2"));
  CHECK_THROWS_WITH(Adam({.epsilon = -1}), Catch::Contains("epsilon"));
  CHECK_THROWS_WITH(AdamW({.weight_decay = -1}), Catch::Contains("weight_decay of 0 or more, got -1"));
  CHECK_THROWS_WITH(Lion({.beta_1 = 0}), Catch::Contains("[lion]") && Catch::Contains("beta_1 above 0"));
  CHECK_THROWS_WITH(Ftrl({.learning_rate_power = 1}), Catch::Contains("learning_rate_power"));
  CHECK_THROWS_WITH(Ftrl({.l1_regularization_strength = -1}), Catch::Contains("l1_regularization_strength"));
  CHECK_THROWS_WITH(Adafactor({.clip_threshold = 0}), Catch::Contains("clip_threshold"));
  CHECK_THROWS_WITH(Adagrad({.initial_accumulator_value = -1}), Catch::Contains("initial_accumulator_value"));
  CHECK_THROWS_WITH(Adadelta({.rho = 2}), Catch::Contains("[adadelta]") && Catch::Contains("rho"));
  CHECK_THROWS_WITH(Muon({.exclude_layers = {"("}}), Catch::Contains("[muon]") && Catch::Contains("'('"));
  CHECK_THROWS_WITH(Muon({.ns_steps = -1}), Catch::Contains("ns_steps"));
  CHECK_THROWS_WITH(ScheduleFreeAdamW({.warmup_steps = -1}), Catch::Contains("warmup_steps"));
  CHECK_THROWS_WITH(SGD({.ema_momentum = 2}), Catch::Contains("ema_momentum"));
  CHECK_THROWS_WITH(SGD({.ema_overwrite_frequency = -1}), Catch::Contains("ema_overwrite_frequency"));
  CHECK_THROWS_WITH(SGD({.loss_scale_factor = -1}), Catch::Contains("loss_scale_factor"));
  CHECK_THROWS_WITH(SGD({.gradient_accumulation_steps = 1}), Catch::Contains("gradient_accumulation_steps of 2"));
  CHECK_THROWS_WITH(LossScaleOptimizer(SGD(), {.initial_scale = 0}), Catch::Contains("initial_scale"));
  CHECK_THROWS_WITH(LossScaleOptimizer(SGD(), {.dynamic_growth_steps = 0}), Catch::Contains("dynamic_growth_steps"));
  Optimizer sgd = "sgd";
  CHECK_THROWS_WITH(sgd.exclude_from_weight_decay({"["}), Catch::Contains("'['"));
  using namespace schedules;
  CHECK_THROWS_WITH(PolynomialDecay(.1, 0), Catch::Contains("[PolynomialDecay]") && Catch::Contains("decay_steps"));
  CHECK_THROWS_WITH(InverseTimeDecay(.1, -1, .5), Catch::Contains("[InverseTimeDecay]"));
  CHECK_THROWS_WITH(CosineDecayRestarts(.1, 0), Catch::Contains("first_decay_steps"));
  CHECK_THROWS_WITH(CosineDecayRestarts(.1, 1, {.t_mul = .5}), Catch::Contains("t_mul"));
}
