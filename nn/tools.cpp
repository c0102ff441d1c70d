#include <xgrad/data/sequences.hpp>
#include <xgrad/data/shuffle.hpp>
#include <xgrad/nn/functional.hpp>
#include <xgrad/nn/tools.hpp>
#include <xgrad/ops/indexing.hpp>

#include <algorithm>
#include <cmath>

namespace xgrad {

namespace {

Tensors rows_of(const Tensors& list, const std::vector<std::int64_t>& rows) {
  const Tensor numbers = tensor(rows, {static_cast<std::int64_t>(rows.size())});
  std::vector<Tensor> out;
  for (const Tensor& t : list) out.push_back(take(t, numbers));
  return Tensors(std::move(out));
}

Dataset rows_of(const Dataset& data, const std::vector<std::int64_t>& rows) {
  return {rows_of(data.x, rows), rows_of(data.y, rows), rows_of(data.sample_weight, rows)};
}

std::int64_t rows_in(const char* where, const Tensors& x) {
  if (!x.defined() || x[0].rank() == 0)
    throw ValueError(std::string("[") + where + "] expected data with rows, got none");
  return x[0].dim(0);
}

}  // namespace

std::pair<Dataset, Dataset> split_dataset(const Dataset& dataset, const SplitOptions& o) {
  const std::int64_t n = rows_in("split_dataset", dataset.x);
  const auto count = [&](const char* what, double size) {
    const bool share = size > 0 && size < 1;
    if (!share && (size < 1 || size != std::floor(size) || size > static_cast<double>(n)))
      throw ValueError(std::string("[split_dataset] expected a ") + what + " between 0 and 1, or a number of the " +
                       std::to_string(n) + " rows, got " + number_text(size));
    return share ? static_cast<std::int64_t>(std::round(size * static_cast<double>(n)))
                 : static_cast<std::int64_t>(size);
  };
  if (!o.left_size && !o.right_size)
    throw ValueError("[split_dataset] expected a left_size or a right_size, got neither");
  std::int64_t left = o.left_size ? count("left_size", *o.left_size) : 0;
  std::int64_t right = o.right_size ? count("right_size", *o.right_size) : n - left;
  if (!o.left_size) left = n - right;
  if (left + right > n || left < 1 || right < 1)
    throw ValueError("[split_dataset] expected parts of 1 row or more that " + std::to_string(n) + " rows hold, got " +
                     std::to_string(left) + " and " + std::to_string(right));
  const std::uint64_t seed = o.seed ? *o.seed : o.shuffle ? default_generator().split().seed() : 0;
  const std::vector<std::int64_t> order = o.shuffle ? data::shuffled_order(n, seed) : data::plain_order(n);
  return {rows_of(dataset, {order.begin(), order.begin() + left}),
          rows_of(dataset, {order.begin() + left, order.begin() + left + right})};
}

LearningRates find_learning_rate(Model& model, const Tensors& x, const Tensors& y, const LearningRateFinderOptions& o) {
  if (!model.compiled()) throw ValueError("[find_learning_rate] the model is not compiled: call compile first");
  if (!(o.start > 0 && o.end > o.start) || o.steps < 2 || o.batch_size < 1)
    throw ValueError("[find_learning_rate] expected 0 < start < end, two steps or more and a batch_size above 0, got " +
                     number_text(o.start) + ", " + number_text(o.end) + ", " + std::to_string(o.steps) + " and " +
                     std::to_string(o.batch_size));
  optimizers::Optimizer& optimizer = model.optimizer();
  if (optimizer.scheduled())
    throw ValueError("[find_learning_rate] expected an optimizer whose learning rate is a number, got a schedule");
  const std::int64_t n = rows_in("find_learning_rate", x);
  model.evaluate(rows_of(x, {0}), rows_of(y, {0}));  // builds, and finds what does not fit
  optimizer.build(parameters(model));
  const std::vector<Tensor> weights_before = model.get_weights();
  const optimizers::NamedTensors state_before = optimizer.state();
  std::vector<std::pair<Generator*, Generator>> random_before;
  for (const NamedGenerator& g : generators(model)) random_before.emplace_back(g.generator, *g.generator);
  const double rate_before = optimizer.learning_rate();
  const auto bring_back = [&] {
    model.set_weights(weights_before);
    optimizer.load_state(state_before);
    for (const auto& [generator, before] : random_before) *generator = before;
    optimizer.set_learning_rate(rate_before);
    model.reset_metrics();
  };
  LearningRates out;
  try {
    const double factor = std::pow(o.end / o.start, 1 / static_cast<double>(o.steps - 1));
    const std::int64_t a_pass = (n + o.batch_size - 1) / o.batch_size;
    double rate = o.start, mean = 0, least = 0;
    std::vector<std::int64_t> order;
    for (std::int64_t step = 0; step < o.steps; ++step, rate *= factor) {
      if (step % a_pass == 0) order = data::shuffled_order(n, o.seed, static_cast<std::uint64_t>(step / a_pass));
      const std::int64_t begin = step % a_pass * o.batch_size, end = std::min(begin + o.batch_size, n);
      const std::vector<std::int64_t> rows(order.begin() + begin, order.begin() + end);
      optimizer.set_learning_rate(rate);
      model.reset_metrics();
      const double loss = model.train_on_batch(rows_of(x, rows), rows_of(y, rows))["loss"];
      if (!std::isfinite(loss)) break;
      mean += o.smoothing * (loss - mean);
      const double smooth = mean / (1 - std::pow(1 - o.smoothing, static_cast<double>(step + 1)));
      out.rates.push_back(rate);
      out.losses.push_back(smooth);
      least = step == 0 ? smooth : std::min(least, smooth);
      if (smooth > o.stop_factor * least) break;
    }
  } catch (...) {
    bring_back();
    throw;
  }
  bring_back();
  double steepest = 0;
  // The first losses are means of few, and differences of neighbours are noise.
  constexpr std::size_t reach = 3;
  for (std::size_t i = std::max(reach, out.losses.size() / 10); i + reach < out.losses.size(); ++i) {
    const double slope = out.losses[i + reach] - out.losses[i - reach];
    if (slope < steepest) {
      steepest = slope;
      out.suggestion = out.rates[i];
    }
  }
  return out;
}

CrossValidation cross_validate(const Function<Model()>& compiled_model, const Tensors& x, const Tensors& y,
                               const CrossValidationOptions& o) {
  if (!compiled_model) throw ValueError("[cross_validate] expected a function that makes a compiled model, got none");
  CrossValidation out;
  for (const data::Fold& fold : data::k_fold(rows_in("cross_validate", x), o.k, o.seed)) {
    Model model = compiled_model();
    model.fit(rows_of(x, fold.train), rows_of(y, fold.train), o.fit);
    out.folds.push_back(model.evaluate(rows_of(x, fold.test), rows_of(y, fold.test), {.batch_size = o.fit.batch_size}));
  }
  const auto k = static_cast<double>(out.folds.size());
  for (const auto& [name, first] : out.folds[0]) {
    double sum = 0, squares = 0;
    for (const Logs& logs : out.folds) sum += logs[name];
    for (const Logs& logs : out.folds) squares += (logs[name] - sum / k) * (logs[name] - sum / k);
    out.mean.add(name, sum / k);
    out.deviation.add(name, std::sqrt(squares / k));
  }
  return out;
}

}  // namespace xgrad
