#include <catch2/catch.hpp>
#include <xgrad/diff/map.hpp>
#include <xgrad/nn/core_layers.hpp>
#include <xgrad/nn/merge_layers.hpp>
#include <xgrad/nn/metrics_confusion.hpp>
#include <xgrad/nn/normalization.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace xgrad;
namespace fs = std::filesystem;

namespace {

std::vector<double> values(const Tensor& t) { return t.to_vector<double>(); }

std::vector<double> all_values(const Model& model) {
  std::vector<double> out;
  for (const Tensor& w : model.get_weights())
    for (const double v : values(w)) out.push_back(v);
  return out;
}

Tensor drawn(const Shape& shape, std::uint64_t seed) {
  Generator generator(seed);
  return normal(shape, 0, 1, {.generator = &generator});
}

struct Folder {
  fs::path path = fs::temp_directory_path() / ("xgrad_whole_" + std::to_string(getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  std::string file(const char* name) const { return (path / name).string(); }
};

const Tensor& inputs() {
  static const Tensor x = drawn({40, 4}, 1);
  return x;
}
Tensor labels() { return cast(sum(inputs(), -1) > 0, int64); }
Tensor targets() { return sum(inputs(), -1, true); }

/// Two outputs; a layer inside two models, operations between layers, one of which reads a weight.
Model twins() {
  const Tensor x = Input({4}, {.name = "x"});
  Dense shared(3, {.activation = "tanh"});
  Sequential left{shared, Dropout(.2), Dense(3)}, right{Dense(4, {.activation = "relu"}), shared};
  const Tensor a = left(x), b = right(x * 2 - 1);
  const Parameter scale(ones({3}), "scale");
  const Tensor mixed = maximum(a, b) * scale + slice_axis(reshape(stack({a, b}, 1), {-1, 6}), 1, {0, 3});
  return Model({x}, {{"kind", Dense(2, {.name = "kind"})(mixed)}, {"size", Dense(1, {.name = "size"})(mixed + a)}});
}

CompileOptions told() {
  return {.optimizer = optimizers::AdamW({.learning_rate = schedules::CosineDecay(.02, 30, {.alpha = .1}),
                                          .weight_decay = .01,
                                          .clipnorm = 1,
                                          .use_ema = true}),
          .loss = {{"kind", losses::SparseCategoricalCrossentropy({.from_logits = true})},
                   {"size", losses::Huber({.delta = .7})}},
          .loss_weights = {{"size", .5}},
          .metrics = {{"kind", {"accuracy"}}, {"size", {"mae", metrics::MeanSquaredError({.name = "errors"})}}}};
}

void train(Model& model, int from, int to) {
  model.fit({inputs()}, {labels(), targets()}, {.batch_size = 8, .epochs = to, .verbose = 0, .initial_epoch = from});
}

Model small(CompileOptions options) {
  set_random_seed(4);
  Sequential model{Dense(5, {.activation = "tanh", .input_shape = {4}}), Dense(1)};
  model.compile(std::move(options));
  return model;
}

}  // namespace

// Hidden: goes on in a process of its own, without a word about losses or optimizers.
TEST_CASE("child: go on", "[.]") {
  const std::string path = std::getenv("XGRAD_TEST_ARGUMENT");
  Model model = load_model(path + "/half.xgrad");
  train(model, 2, 4);
  model.save(path + "/whole.xgrad");
}

TEST_CASE("a loaded model trains on to the same bits without being compiled, in another process") {
  const Folder folder;
  const auto made = [](int epochs) {
    set_random_seed(7);
    Model model = twins();
    model.compile(told());
    train(model, 0, epochs);
    return model;
  };
  const Model whole = made(4);
  made(2).save(folder.file("half.xgrad"));
  const pid_t child = fork();
  if (child == 0) {
    setenv("XGRAD_TEST_ARGUMENT", folder.path.c_str(), 1);
    dup2(::open("/dev/null", O_WRONLY), 1);
    execl("/proc/self/exe", "child", "child: go on", static_cast<char*>(nullptr));
    _exit(127);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) > 0);
  REQUIRE(status == 0);
  Model resumed = load_model(folder.file("whole.xgrad"));
  CHECK(all_values(resumed) == all_values(whole));
  CHECK(all_values(made(2)) != all_values(whole));
  CHECK(resumed.optimizer().iterations() == whole.optimizer().iterations());
  CHECK(resumed.get_compile_config() == whole.get_compile_config());
  CHECK(resumed.output_names() == whole.output_names());
  const Logs logs = resumed.evaluate({inputs()}, {labels(), targets()});
  for (const char* name : {"kind_accuracy", "kind_loss", "loss", "size_errors", "size_mae"}) CHECK(logs.contains(name));
}

TEST_CASE("layers in several places of a model are one layer again when it is loaded") {
  const Folder folder;
  Dense dense(3);
  Sequential twice{dense, Activation("relu"), dense};
  twice(ones({2, 3}));
  twice.save(folder.file("t.xgrad"));
  Model loaded = load_model(folder.file("t.xgrad"));
  CHECK(loaded.get_weights().size() == 2);
  const Tensor x = drawn({5, 3}, 2);
  CHECK(values(loaded.predict(x)) == values(twice.predict(x)));

  // A Dropout in two places draws from one generator, and a frozen normalization is frozen in both.
  Dropout dropout(.5);
  BatchNormalization norm;
  Sequential inner{dropout, norm}, outer{Dense(3, {.input_shape = {3}}), dropout, inner, norm};
  set_trainable(norm, false);
  outer.compile({.optimizer = "sgd", .loss = "mse"});
  outer.fit(x, x, {.verbose = 0, .seed = 1});
  outer.save(folder.file("d.xgrad"));
  Model again = load_model(folder.file("d.xgrad"));
  CHECK(again.get_weights().size() == outer.get_weights().size());
  for (Model* model : {static_cast<Model*>(&outer), &again}) model->fit(x, x, {.epochs = 2, .verbose = 0, .seed = 2});
  CHECK(all_values(again) == all_values(outer));

  // Another architecture's file cannot put one kind of layer into the place of another.
  Config config = Config::object({{"class_name", "Sequential"}, {"config", twice.get_config()}});
  Config shared = config.at("config").at("shared");
  std::vector<Config> wrong = {std::vector<Config>{2, 0}};
  Config options = config.at("config");
  options.set("shared", shared.set("objects", wrong));
  CHECK_THROWS_WITH(model_from_config(config.set("config", options)), Catch::Contains("layers of one kind"));
}

namespace {

/// A network of one's own, whose two ways may share a layer.
struct Ways {
  Layer left, right;
  Tensor operator()(const Tensor& x, Call& call) const { return left(x, call) - 2 * right(x, call); }
  void each(Visit visit) {
    visit("left", left);
    visit("right", right);
  }
  Config get_config() const { return Config::object({{"left", layer_config(left)}, {"right", layer_config(right)}}); }
  static Ways from_config(const Config& config, const CustomObjects& custom) {
    return {layer_from_config(config.at("left"), custom), layer_from_config(config.at("right"), custom)};
  }
};

}  // namespace

TEST_CASE("a network of one's own comes back compiled, with what its ways share") {
  const Folder folder;
  const Dense shared(3, {.activation = "tanh"});
  Model model(Ways{Sequential{shared, Dropout(.3)}, Sequential{Dense(4), shared}});
  model.compile({.optimizer = optimizers::Adam(.02), .loss = "mse", .metrics = {"mae"}});
  const Tensor x = drawn({16, 4}, 3), y = drawn({16, 3}, 4);
  model.fit(x, y, {.epochs = 2, .verbose = 0});
  model.save(folder.file("w.xgrad"));
  Model loaded = load_model(folder.file("w.xgrad"), CustomObjects().layer<Ways>());
  CHECK(loaded.get_weights().size() == model.get_weights().size());
  CHECK(loaded.get_weights().size() == 4);
  for (Model* m : {&model, &loaded}) m->fit(x, y, {.epochs = 2, .verbose = 0, .seed = 5});
  CHECK(all_values(loaded) == all_values(model));
}

TEST_CASE("operations between layers come back with their numbers, weights and shapes") {
  const Folder folder;
  set_random_seed(3);
  const Tensor x = Input({2, 6});
  const Parameter kernel(drawn({6, 3}, 5), "mix");
  const Tensor table = drawn({3}, 6);
  Tensor y = softmax(matmul(x, kernel), -1) * 3 + table;
  y = concatenate({y, flip(y, -1)}, -1) / sqrt(sum(square(y), -1, true) + 1e-3);
  Model model({x}, {Dense(2)(reshape(transpose(y, {0, 2, 1}), {-1, 12}))});
  const Tensor batch = drawn({7, 2, 6}, 7);
  model.save(folder.file("o.xgrad"));
  Model loaded = load_model(folder.file("o.xgrad"));
  CHECK(values(loaded.predict(batch)) == values(model.predict(batch)));
  CHECK(loaded.get_weights().size() == 3);
  CHECK(loaded.get_config() == model.get_config());
  // Its gradient reaches the weight that the operations read.
  for (Model* m : {&model, &loaded}) {
    m->compile({.optimizer = "sgd", .loss = "mse"});
    m->fit(batch, ones({7, 2}), {.epochs = 2, .verbose = 0, .seed = 1});
  }
  CHECK(all_values(loaded) == all_values(model));

  const Tensor own = map([](auto v) { return v * v; }, x);
  Model functions({x}, {Dense(2)(own)});
  CHECK_THROWS_WITH(functions.save(folder.file("f.xgrad")),
                    Catch::Contains("operations between layers") && Catch::Contains("got map"));
}

TEST_CASE("a file of operations that lies is an error") {
  const Tensor x = Input({3});
  Model model({x}, {Dense(2)(x * 2)});
  const std::string json = Config::object({{"class_name", "Functional"}, {"config", model.get_config()}}).to_json();
  const auto loaded_with = [&](const std::string& from, const std::string& to) {
    std::string text = json;
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    model_from_config(Config::parse(text.replace(at, from.size(), to)));
  };
  CHECK_NOTHROW(model_from_config(Config::parse(json)));
  CHECK_THROWS_AS(loaded_with("\"multiply\"", "\"multiple\""), ValueError);
  CHECK_THROWS_AS(loaded_with("\"slot\":0", "\"slot\":9"), ValueError);
  CHECK_THROWS_AS(loaded_with("{\"input\":0}", "{\"input\":4}"), ValueError);
  CHECK_THROWS_AS(loaded_with("\"inputs\":[0,1]", "\"inputs\":[0,2]"), ValueError);
  CHECK_THROWS_AS(loaded_with("\"inputs\":[0,1]", "\"inputs\":[0]"), ValueError);
}

TEST_CASE("every optimizer goes on from its file to the same bits") {
  using namespace optimizers;
  using namespace schedules;
  const Folder folder;
  const std::pair<const char*, Function<Optimizer()>> all[] = {
      {"sgd", [] { return SGD({.learning_rate = .05, .momentum = .9, .nesterov = true, .clipvalue = .5}); }},
      {"rmsprop", [] { return RMSprop({.learning_rate = .01, .rho = .8, .momentum = .5, .centered = true}); }},
      {"adam",
       [] { return Adam({.learning_rate = ExponentialDecay(.1, 5, .5, {.staircase = true}), .amsgrad = true}); }},
      {"adamw", [] { return AdamW({.learning_rate = InverseTimeDecay(.1, 5, .5), .weight_decay = .1}); }},
      {"adamax", [] { return Adamax({.learning_rate = PolynomialDecay(.1, 9, {.power = 2, .cycle = true})}); }},
      {"nadam",
       [] {
         return Nadam({.learning_rate = PiecewiseConstantDecay({5, 9}, {.1, .01, .001})});
       }},
      {"adagrad",
       [] { return Adagrad({.learning_rate = CosineDecayRestarts(.1, 4), .initial_accumulator_value = .3}); }},
      {"adadelta", [] { return Adadelta({.learning_rate = 1, .rho = .9}); }},
      {"adafactor", [] { return Adafactor({.learning_rate = .1, .clip_threshold = .9}); }},
      {"ftrl", [] { return Ftrl({.learning_rate = .1, .l1_regularization_strength = .01}); }},
      {"lion", [] { return Lion({.learning_rate = .01, .beta_2 = .98}); }},
      {"lamb", [] { return Lamb({.learning_rate = .01, .use_ema = true, .ema_overwrite_frequency = 3}); }},
      {"muon", [] { return Muon({.learning_rate = .02, .exclude_layers = {"dense_1"}, .rms_rate = {}}); }},
      {"schedule free", [] { return ScheduleFreeAdamW({.warmup_steps = 4}); }},
      {"accumulating", [] { return Adam({.learning_rate = .1, .gradient_accumulation_steps = 3}); }},
      {"scaled", [] { return LossScaleOptimizer(SGD({.learning_rate = .05}), {.dynamic_growth_steps = 4}); }},
      {"several",
       [] {
         return MultiOptimizer(OptimizerMap(Adam(.05), {{"dense/.*", SGD({.momentum = .5})}}));
       }},
      {"excluding",
       [] {
         Optimizer optimizer = AdamW({.learning_rate = .05, .weight_decay = .5});
         optimizer.exclude_from_weight_decay({"bias"});
         return optimizer;
       }},
  };
  for (const auto& [name, make] : all) {
    INFO(name);
    const auto trained = [&](int epochs) {
      Model model = small({.optimizer = make(), .loss = "mse"});
      model.fit(inputs(), targets(), {.batch_size = 8, .epochs = epochs, .verbose = 0, .seed = 3});
      return model;
    };
    const Model whole = trained(4);
    trained(2).save(folder.file("m.xgrad"));
    Model loaded = load_model(folder.file("m.xgrad"));
    CHECK(loaded.get_compile_config().to_json(1) == trained(2).get_compile_config().to_json(1));
    loaded.fit(inputs(), targets(), {.batch_size = 8, .epochs = 4, .verbose = 0, .initial_epoch = 2, .seed = 3});
    CHECK(all_values(loaded) == all_values(whole));
  }
}

TEST_CASE("every loss and metric comes back with its options") {
  const auto loss = [](const losses::Loss& l) {
    const Model model = small({.loss = l});
    const Config config = model.get_compile_config();
    Model again = small({});
    again.compile_from_config(Config::parse(config.to_json()));
    INFO(config.at("loss").to_json());
    CHECK(again.get_compile_config().at("loss") == config.at("loss"));
    CHECK(config.at("loss").contains("class_name"));
    return config.at("loss").at("config");
  };
  for (const char* name : {"mse",
                           "mae",
                           "mape",
                           "msle",
                           "half_squared_error",
                           "huber",
                           "log_cosh",
                           "cosine_similarity",
                           "hinge",
                           "squared_hinge",
                           "categorical_hinge",
                           "kld",
                           "poisson",
                           "bce",
                           "binary_focal_crossentropy",
                           "categorical_crossentropy",
                           "categorical_focal_crossentropy",
                           "categorical_generalized_cross_entropy",
                           "sparse_categorical_crossentropy",
                           "dice",
                           "tversky",
                           "circle",
                           "ctc"})
    loss(name);
  CHECK(loss(losses::Huber({.delta = 3, .reduction = "sum", .name = "h"})).to_json() ==
        R"({"delta":3.0,"reduction":"sum","name":"h"})");
  CHECK(loss(losses::Tversky({.alpha = .2, .axis = {1, 2}})).at("axis") == Config(std::vector<Config>{1, 2}));
  CHECK(loss(losses::SparseCategoricalCrossentropy({.ignore_class = 3})).at("ignore_class") == Config(3));

  using namespace metrics;
  const std::vector<Metric> all = {
      "accuracy",
      "acc",
      "binary_accuracy",
      "categorical_accuracy",
      "sparse_categorical_accuracy",
      "top_k_categorical_accuracy",
      "sparse_top_k_categorical_accuracy",
      "mse",
      "mae",
      "mape",
      "msle",
      "root_mean_squared_error",
      "log_cosh",
      "cosine_similarity",
      "hinge",
      "squared_hinge",
      "categorical_hinge",
      "kld",
      "poisson",
      "bce",
      "categorical_crossentropy",
      "sparse_categorical_crossentropy",
      "r2_score",
      "pearson_correlation",
      "concordance_correlation",
      "true_positives",
      "true_negatives",
      "false_positives",
      "false_negatives",
      "precision",
      "recall",
      "auc",
      "f1_score",
      "fbeta_score",
      "binary_iou",
      "huber",
      "binary_focal_crossentropy",
      "categorical_focal_crossentropy",
      Accuracy({.name = "a"}),
      BinaryAccuracy({.threshold = .3}),
      TopKCategoricalAccuracy({.k = 2}),
      SparseTopKCategoricalAccuracy({.k = 2, .from_sorted_ids = true}),
      metrics::CategoricalCrossentropy({.label_smoothing = .1, .axis = 0}),
      R2Score({.class_aggregation = "", .num_regressors = 2}),
      Precision({.thresholds = {.2, .4}, .class_id = 1}),
      Recall({.top_k = 3}),
      SensitivityAtSpecificity(.7, {.num_thresholds = 9}),
      SpecificityAtSensitivity(.7),
      PrecisionAtRecall(.7),
      RecallAtPrecision(.7, {.class_id = 0, .name = "r"}),
      AUC({.num_thresholds = 7, .curve = "PR", .summation_method = "minoring", .from_logits = true}),
      AUC({.thresholds = {.2, .6}}),
      FBetaScore({.average = "micro", .beta = 2, .threshold = .3}),
      F1Score({.average = "macro"}),
      IoU(3, {0, 2}, {.ignore_class = 1}),
      MeanIoU(4),
      BinaryIoU({.threshold = .2}),
      OneHotIoU(3, {1}),
      OneHotMeanIoU(3, {.sparse_y_pred = true})};
  const Model model = small({.loss = "mse", .metrics = all});
  const Config config = model.get_compile_config();
  Model again = small({});
  again.compile_from_config(Config::parse(config.to_json()));
  CHECK(again.get_compile_config().to_json(1) == config.to_json(1));
  CHECK(config.at("metrics").list().size() == all.size());
}

namespace {

Tensor cubes(const Tensor& y_true, const Tensor& y_pred) { return mean(power(abs(y_true - y_pred), 3), -1); }

}  // namespace

TEST_CASE("functions of one's own come back by their names, and what has none says so when it is missed") {
  const Folder folder;
  const std::string path = folder.file("m.xgrad");
  const auto saved = [&](CompileOptions options) {
    Model model = small(std::move(options));
    model.fit(inputs(), targets(), {.epochs = 2, .verbose = 0});
    model.save(path);
    return model;
  };
  Model model = saved({.optimizer = "adam",
                       .loss = losses::Loss(cubes, {.name = "cubes"}),
                       .metrics = {"mae", metrics::Metric("cubic", cubes)}});
  CHECK_THROWS_WITH(load_model(path), Catch::Contains("cubes"));
  Model loaded =
      load_model(path, CustomObjects().loss("cubes", losses::Loss(cubes, {.name = "cubes"})).metric("cubic", [] {
        return metrics::Metric("cubic", cubes);
      }));
  for (Model* m : {&model, &loaded}) m->fit(inputs(), targets(), {.epochs = 2, .verbose = 0, .seed = 9});
  CHECK(all_values(loaded) == all_values(model));

  saved({.optimizer = "adam", .loss = cubes});
  Model without = load_model(path);
  CHECK_FALSE(without.compiled());
  CHECK_THROWS_WITH(without.fit(inputs(), targets()),
                    Catch::Contains("not compiled") && Catch::Contains("loss") && Catch::Contains("without a name"));
  saved({.optimizer = optimizers::SGD([](std::int64_t step) { return .1 / double(step + 1); }), .loss = "mse"});
  without = load_model(path);
  CHECK_THROWS_WITH(without.fit(inputs(), targets()), Catch::Contains("learning rate that is a number or a schedule"));
  Model steps = saved({.optimizer = "adam", .loss = "mse"});
  steps.set_train_step([](const Dataset&) { return StepLogs{{"loss", Tensor(0.0)}}; });
  steps.save(path);
  CHECK_THROWS_WITH(load_model(path).fit(inputs(), targets()), Catch::Contains("set_train_step"));
}

TEST_CASE("a loaded model may be compiled again: the same kind of optimizer goes on, another begins anew") {
  const Folder folder;
  Model model = small({.optimizer = optimizers::Adam(.01), .loss = "mse"});
  model.fit(inputs(), targets(), {.epochs = 2, .verbose = 0});
  model.save(folder.file("m.xgrad"));
  Model same = load_model(folder.file("m.xgrad")), other = load_model(folder.file("m.xgrad"));
  same.compile({.optimizer = optimizers::Adam(.01), .loss = "mse"});
  other.compile({.optimizer = "sgd", .loss = "mae"});
  for (Model* m : {&model, &same, &other}) m->fit(inputs(), targets(), {.epochs = 1, .verbose = 0, .seed = 2});
  CHECK(all_values(same) == all_values(model));
  CHECK(same.optimizer().iterations() == model.optimizer().iterations());
  CHECK(other.optimizer().iterations() == 2);
}

TEST_CASE("layers frozen after a training leave the optimizer's state readable") {
  const Folder folder;
  Model model = small({.optimizer = optimizers::Adam(.01), .loss = "mse"});
  model.fit(inputs(), targets(), {.epochs = 2, .verbose = 0});
  set_trainable(model.get_layer(0), false);
  model.save(folder.file("m.xgrad"));
  Model loaded = load_model(folder.file("m.xgrad"));
  for (Model* m : {&model, &loaded}) m->fit(inputs(), targets(), {.epochs = 1, .verbose = 0, .seed = 2});
  CHECK(all_values(loaded) == all_values(model));
  CHECK(parameters(loaded).size() == 2);
}
