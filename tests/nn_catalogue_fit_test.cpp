// The catalogue inside fit: optimizers, losses and metrics by their names, together with what models do around them.

#include <xgrad/graph/basic.hpp>
#include <xgrad/nn/dense.hpp>
#include <xgrad/nn/metrics_confusion.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <catch2/catch.hpp>

using namespace xgrad;

namespace {

struct Data {
  Tensor x, labels, hot, values;
};

/// Three classes that a small network can tell apart, and numbers it can find.
Data data() {
  Generator generator(4);
  const Tensor x = normal({96, 4}, 0, 1, {.dtype = float64, .generator = &generator}).eval();
  const Tensor labels = argmax(slice_axis(x, 1, {0, 3}), -1).eval();
  return {x, labels, one_hot(labels, 3, float64).eval(), (sum(x, 1, true) * .5 + 1).eval()};
}

Sequential network(std::int64_t units, const char* activation) {
  set_random_seed(2);
  return Sequential{Dense(8, {.activation = "tanh", .input_shape = {4}, .dtype = float64}),
                    Dense(units, {.activation = activation, .dtype = float64})};
}

}  // namespace

TEST_CASE("every optimizer trains a network by its name, with averages and accumulated gradients too") {
  const Data d = data();
  for (const char* name : {"sgd", "rmsprop", "adam", "adamw", "adamax", "nadam", "adagrad", "adadelta", "adafactor",
                           "ftrl", "lion", "lamb", "muon", "schedulefreeadamw"}) {
    INFO(name);
    Sequential model = network(1, "linear");
    optimizers::Optimizer optimizer = name;
    // Adadelta's own steps are small; its rate of 0.001 in Keras is that of the old Keras for other optimizers.
    optimizer.set_learning_rate(std::string_view(name) == "adadelta" ? 5.0 : .01);
    model.compile({.optimizer = optimizer, .loss = "mse"});
    const History history = model.fit(d.x, d.values, {.batch_size = 16, .epochs = 6, .verbose = 0, .seed = 1});
    CHECK(history["loss"].back() < .8 * history["loss"].front());
  }
  for (const bool ema : {false, true}) {
    Sequential model = network(1, "linear");
    model.compile({.optimizer = optimizers::Adam({.learning_rate = .02,
                                                  .clipnorm = 1,
                                                  .use_ema = ema,
                                                  .ema_momentum = .9,
                                                  .ema_overwrite_frequency = ema ? 4 : 0,
                                                  .gradient_accumulation_steps = ema ? 0 : 2}),
                   .loss = "mse"});
    const History history = model.fit(d.x, d.values, {.batch_size = 16, .epochs = 8, .verbose = 0, .seed = 1});
    CHECK(history["loss"].back() < .5 * history["loss"].front());
    CHECK(model.optimizer().iterations() == (ema ? 48 : 24));
  }
  Sequential model = network(1, "linear");
  model.compile({.optimizer = optimizers::LossScaleOptimizer(optimizers::Adam(.02)), .loss = "mse"});
  const History history = model.fit(d.x, d.values, {.batch_size = 16, .epochs = 6, .verbose = 0, .seed = 1});
  CHECK(history["loss"].back() < .6 * history["loss"].front());
}

TEST_CASE("a scaled loss trains the same weights") {
  const Data d = data();
  std::vector<std::vector<double>> found;
  for (const double factor : {0.0, 64.0}) {
    Sequential model = network(1, "linear");
    model.compile({.optimizer = optimizers::SGD({.learning_rate = .05, .loss_scale_factor = factor}), .loss = "mse"});
    const History history = model.fit(d.x, d.values, {.batch_size = 16, .epochs = 2, .verbose = 0, .seed = 1});
    found.push_back(model.get_weights()[0].to_vector<double>());
    found.back().push_back(history["loss"].back());
  }
  CHECK(found[0].size() == found[1].size());
  for (std::size_t i = 0; i < found[0].size(); ++i) CHECK(found[0][i] == Approx(found[1][i]).epsilon(1e-12));
}

TEST_CASE("losses train networks by their names") {
  const Data d = data();
  const auto falls = [&](const char* loss, std::int64_t units, const char* activation, const Tensor& y) {
    INFO(loss);
    Sequential model = network(units, activation);
    model.compile({.optimizer = optimizers::Adam(.02), .loss = loss});
    const History history = model.fit(d.x, y, {.batch_size = 16, .epochs = 8, .verbose = 0, .seed = 1});
    CHECK(history["loss"].back() < history["loss"].front());
  };
  for (const char* loss : {"mse", "mae", "mape", "huber", "log_cosh", "half_squared_error"})
    falls(loss, 1, "linear", d.values);
  for (const char* loss : {"msle", "poisson"}) falls(loss, 1, "softplus", abs(d.values).eval());
  for (const char* loss : {"categorical_crossentropy", "categorical_focal_crossentropy", "kl_divergence", "dice",
                           "tversky", "categorical_hinge", "cosine_similarity"})
    falls(loss, 3, "softmax", d.hot);
  for (const char* loss : {"sparse_categorical_crossentropy", "categorical_generalized_cross_entropy"})
    falls(loss, 3, "softmax", d.labels);
  for (const char* loss : {"binary_crossentropy", "binary_focal_crossentropy"}) falls(loss, 3, "sigmoid", d.hot);
  for (const char* loss : {"hinge", "squared_hinge"}) falls(loss, 3, "tanh", d.hot);
}

TEST_CASE("metrics in fit and evaluate are those of the predictions") {
  const Data d = data();
  Sequential model = network(3, "softmax");
  const std::vector<const char*> names = {"auc",
                                          "precision",
                                          "recall",
                                          "f1_score",
                                          "accuracy",
                                          "kld",
                                          "cosine_similarity",
                                          "r2_score",
                                          "top_k_categorical_accuracy",
                                          "root_mean_squared_error"};
  std::vector<metrics::Metric> wanted(names.begin(), names.end());
  wanted.push_back(metrics::OneHotMeanIoU(3));
  wanted.push_back(metrics::PrecisionAtRecall(.5));
  model.compile({.optimizer = "adam", .loss = "categorical_crossentropy", .metrics = wanted});
  const History history = model.fit(d.x, d.hot, {.batch_size = 20, .epochs = 2, .verbose = 0});
  const Logs logs = model.evaluate(d.x, d.hot, {.batch_size = 20});
  const Tensor predicted = model.predict(d.x);
  for (metrics::Metric& metric : wanted) {
    INFO(metric.name());
    CHECK(history[metric.name()].size() == 2);
    metric.reset_state();
    metric.update_state(d.hot, predicted);
    CHECK(logs[metric.name()] == Approx(metric.result()).epsilon(1e-10));
  }
}
