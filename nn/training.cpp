#include <xgrad/data/shuffle.hpp>
#include <xgrad/diff/finite.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/op.hpp>
#include <xgrad/nn/functional.hpp>
#include <xgrad/nn/stack.hpp>
#include <xgrad/nn/training.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <algorithm>
#include <unordered_set>

namespace xgrad {

namespace {

std::string plural(std::size_t n, const char* what) { return std::to_string(n) + " " + what + (n == 1 ? "" : "s"); }

/// Weights as metrics take them, 0 for the steps that the mask rules out.
Tensor masked(const Tensor& weight, const Tensor& mask) {
  if (!mask.defined()) return weight;
  Tensor counted = cast(mask, weight.defined() && is_floating(weight.dtype()) ? weight.dtype() : float32);
  if (!weight.defined()) return counted;
  Tensor w = weight;
  while (w.rank() < counted.rank()) w = expand_dims(w, -1);
  while (counted.rank() < w.rank()) counted = expand_dims(counted, -1);
  return w * counted;
}

}  // namespace

Training::Training(const char* where, Model::State& state)
    : where(std::string("[") + where + "] "), what(where), state(state), compiled(*state.compiled) {}

void Training::check_rows(Dataset& data, bool whole_batch) const {
  const bool own_step = static_cast<bool>(state.train_step);
  if (!data.x.defined() || (!data.y.defined() && !own_step))
    throw ValueError(where + "expected x and y, got an undefined tensor");
  std::int64_t n = -1;
  const Tensor* first = nullptr;
  const auto check = [&](const char* name, const Tensors& list) {
    for (const Tensor& tensor : list) {
      if (!tensor.defined()) throw ValueError(where + "expected " + name + ", got an undefined tensor");
      if (tensor.rank() == 0) throw ShapeError(where + "expected " + name + " with a batch axis, got a scalar");
      if (!first) {
        first = &tensor;
        n = tensor.dim(0);
      } else if (tensor.dim(0) != n && !(whole_batch && &list == &data.x)) {
        throw ShapeError(where + "expected x and " + name + " with equally many rows, got x " +
                         to_string(first->shape()) + " and " + name + " " + to_string(tensor.shape()));
      }
    }
  };
  check("x", data.x);
  if (data.y.defined())
    check("y", data.y);
  else
    data.y = {};
  if (data.sample_weight.defined())
    check("sample_weight", data.sample_weight);
  else
    data.sample_weight = {};
  if (n == 0) throw ValueError(where + "expected at least one row, got x " + to_string(data.x[0].shape()));
}

void Training::prepare(std::size_t outputs) {
  if (compiled.outputs.size() == outputs) return;
  std::vector<std::string> names;
  const auto* graph = state.network.get_if<LayerGraph>();
  if (graph) names = graph->state->output_names;
  if (names.size() != outputs) {
    names.clear();
    for (std::size_t i = 0; i < outputs; ++i) names.push_back("output_" + std::to_string(i + 1));
  }
  const CompileOptions& options = compiled.options;
  const std::vector<losses::Loss> losses = options.loss.ordered(what, names);
  const std::vector<double> weights = options.loss_weights.ordered(what, names);
  const auto plain = options.metrics.ordered(what, names), weighted = options.weighted_metrics.ordered(what, names);
  std::vector<Model::State::Output> made;
  for (std::size_t i = 0; i < outputs; ++i)
    made.push_back({.name = names[i],
                    .loss = losses[i],
                    .weight = weights[i],
                    .metrics = plain[i],
                    .weighted = weighted[i],
                    .mean_loss = metrics::Mean("loss")});
  compiled.outputs = std::move(made);
}

void Training::check_fit(const Dataset& like) {
  const NoGrad no_grad;
  const auto empty = [](const Tensors& list) {
    std::vector<Tensor> out;
    for (const Tensor& t : list) out.push_back(zeros(t.shape(), {.dtype = t.dtype()}));
    return Tensors(std::move(out));
  };
  if (state.train_step) {
    Call call{.dry = true};
    state.network(empty(like.x), call);
  } else {
    const Dataset batch{empty(like.x), empty(like.y), empty(like.sample_weight)};
    Call call{.dry = true};
    forward(batch, call);
  }
  if (!state.network.get_if<LayerGraph>() && !state.network.get_if<Stack>()) {
    state.seen.clear();
    for (const Tensor& x : like.x)
      state.seen.emplace_back(Shape(std::span(x.shape().begin(), x.shape().end()).subspan(1)), x.dtype());
  }
  random = {&default_generator()};
  for (const NamedGenerator& found : generators(state.network)) random.push_back(found.generator);
  random_before.reserve(random.size());
  named = weights(state.network);
  for (const NamedParameter& weight : named) {
    if (weight.parameter.name() != weight.name) weight.parameter.set_name(weight.name);
    if (weight.parameter.trainable()) trained.push_back(weight.parameter);
  }
}

void Training::build_optimizer() {
  compiled.options.optimizer.build(trained);
  constrain(compiled.options.optimizer, state.network);
  if (state.waiting.empty()) return;
  // Another optimizer than the one that was saved begins anew.
  const optimizers::Optimizer& optimizer = compiled.options.optimizer;
  const bool same = state.waiting_for.empty() || state.waiting_for == optimizer.name();
  if (same && optimizer.recorded() == 0) compiled.options.optimizer.load_state(state.waiting);
  state.waiting.clear();
}

void Training::check_named(const Tensor& loss) {
  if (compiled.checked) return;
  std::unordered_set<const Slot*> known;
  for (const NamedParameter& weight : named) known.insert(weight.parameter.slot());
  for (const Parameter& used : parameters_of(loss))
    if (!known.contains(used.slot()))
      throw ValueError(where + "the loss uses the Parameter " +
                       (used.name().empty() ? std::string("without a name") : "'" + std::string(used.name()) + "'") +
                       " " + to_string(used.shape()) + ", which the model's each() does not name: it would not be " +
                       "trained or saved");
  compiled.checked = true;
}

Dataset Training::gather(const Dataset& data, Numbers rows) const {
  const Tensor numbers = tensor(rows, {static_cast<std::int64_t>(rows.size())});
  const auto chosen = [&](const Tensors& list) {
    std::vector<Tensor> out;
    for (const Tensor& t : list) out.push_back(take(t, numbers));
    return Tensors(std::move(out));
  };
  Dataset batch;
  batch.x = chosen(data.x);
  batch.y = chosen(data.y);
  batch.sample_weight = chosen(data.sample_weight);
  return batch;
}

Tensor Training::weight_of(const Dataset& batch, const Forward&, std::size_t output) const {
  const Tensors& weights = batch.sample_weight;
  if (weights.empty()) return {};
  return weights[weights.size() == 1 ? 0 : output];
}

Training::Forward Training::forward(const Dataset& batch, Call& call) {
  const std::int64_t rows = batch.x[0].dim(0);
  Forward out{.outputs = state.network(batch.x, call), .masks = {}, .losses = {}, .total = {}};
  const std::size_t n = out.outputs.size();
  out.masks = call.masks;
  if (n == 1) out.masks = {call.mask};
  out.masks.resize(n);
  for (const Tensor& y_pred : out.outputs)
    if (y_pred.rank() == 0 || y_pred.dim(0) != rows)
      throw ShapeError(where + "expected the model to give one output for each of " + std::to_string(rows) +
                       " rows, got " + to_string(y_pred.shape()) +
                       (batch.x[0].rank() == 1 ? ": x " + to_string(batch.x[0].shape()) +
                                                     " has no axis of features; expand_dims(x, -1) gives it one"
                                               : ""));
  if (!compiled.options.loss.defined()) throw ValueError(where + "expected a loss: compile({.loss = ...})");
  prepare(n);
  if (batch.y.size() != n)
    throw ValueError(where + "expected y for each of the model's " + plural(n, "output") + ", got " +
                     plural(batch.y.size(), "tensor"));
  if (batch.sample_weight.size() > 1 && batch.sample_weight.size() != n)
    throw ValueError(where + "expected one sample_weight, or one for each of the model's " + plural(n, "output") +
                     ", got " + plural(batch.sample_weight.size(), "tensor"));
  for (std::size_t i = 0; i < n; ++i) {
    const Model::State::Output& output = compiled.outputs[i];
    if (!output.loss.defined()) {
      out.losses.emplace_back();
      continue;
    }
    const Tensor loss = output.loss(batch.y[i], out.outputs[i], weight_of(batch, out, i), out.masks[i]);
    out.losses.push_back(loss);
    const Tensor weighed = output.weight == 1 ? loss : loss * output.weight;
    out.total = out.total.defined() ? out.total + weighed : weighed;
  }
  for (const Tensor& penalty : call.penalties) out.total = out.total + penalty;
  for (const Tensor& penalty : penalties(state.network)) out.total = out.total + penalty;
  if (out.total.size() != 1)
    throw ShapeError(where + "expected a loss with one element, got " + to_string(out.total.shape()) +
                     " (with reduction \"none\" a loss cannot be trained on)");
  return out;
}

void Training::update_metrics(const Dataset& batch, const Forward& pass) {
  const NoGrad no_grad;
  const Tensor rows(static_cast<double>(batch.x[0].dim(0)), {.dtype = float64});
  compiled.mean_loss.update_state(cast(pass.total, float64), rows);
  for (std::size_t i = 0; i < pass.outputs.size(); ++i) {
    Model::State::Output& output = compiled.outputs[i];
    if (pass.outputs.size() > 1 && pass.losses[i].defined())
      output.mean_loss.update_state(cast(pass.losses[i], float64), rows);
    const Tensor unweighted = masked({}, pass.masks[i]);
    for (metrics::Metric& metric : output.metrics) metric.update_state(batch.y[i], pass.outputs[i], unweighted);
    if (output.weighted.empty()) continue;
    const Tensor weights = masked(weight_of(batch, pass, i), pass.masks[i]);
    for (metrics::Metric& metric : output.weighted) metric.update_state(batch.y[i], pass.outputs[i], weights);
  }
}

void Training::keep_step_logs(const StepLogs& logs, const Dataset& batch) {
  const NoGrad no_grad;
  const Tensor rows(static_cast<double>(batch.x[0].dim(0)), {.dtype = float64});
  for (const auto& [name, value] : logs) {
    if (value.size() != 1)
      throw ShapeError(where + "expected scalars from the model's own step, got " + to_string(value.shape()) +
                       " for '" + name + "'");
    if (name == "loss") {
      compiled.mean_loss.update_state(cast(value, float64), rows);
      continue;
    }
    auto found = std::find_if(compiled.step_logs.begin(), compiled.step_logs.end(),
                              [&](const metrics::Mean& mean) { return mean.name() == name; });
    if (found == compiled.step_logs.end())
      found = compiled.step_logs.insert(compiled.step_logs.end(), metrics::Mean(name));
    found->update_state(cast(value, float64), rows);
  }
}

void Training::record_step(const Dataset& batch) {
  if (state.train_step) return keep_step_logs(state.train_step(batch), batch);
  Call call{.training = true};
  const Forward pass = forward(batch, call);
  check_named(pass.total);
  if (state.check_numerics) {
    std::vector<Tensor> all = grad(pass.total, trained);
    all.insert(all.begin(), pass.total);
    check_finite(all);
  }
  optimizers::Optimizer& optimizer = compiled.options.optimizer;
  optimizer.record(trained, grad(optimizer.scale_loss(pass.total), trained));
  update_metrics(batch, pass);
}

Tensor Training::loss_of(const Dataset& batch, bool training) {
  Call call{.training = training};
  return forward(batch, call).total;
}

void Training::record_evaluation(const Dataset& batch) {
  const NoGrad no_grad;
  if (state.test_step) return keep_step_logs(state.test_step(batch), batch);
  if (state.train_step && !compiled.options.loss.defined())
    throw ValueError(where + "expected a test step beside the model's own train step: set_test_step, or compile with " +
                     "a loss");
  Call call;
  update_metrics(batch, forward(batch, call));
}

void Training::revert(bool updated) {
  if (updated) compiled.options.optimizer.revert(trained);
  // Moving means and the like.
  for (const NamedParameter& weight : named)
    if (!weight.parameter.trainable()) weight.parameter.revert();
  compiled.mean_loss.revert();
  for (Model::State::Output& output : compiled.outputs) {
    output.mean_loss.revert();
    for (metrics::Metric& metric : output.metrics) metric.revert();
    for (metrics::Metric& metric : output.weighted) metric.revert();
  }
  for (metrics::Mean& mean : compiled.step_logs) mean.revert();
}

template <class Record>
void Training::run(bool updates, Record&& record) {
  const std::int64_t before = compiled.options.optimizer.recorded();
  random_before.clear();
  for (const Generator* generator : random) random_before.push_back(*generator);
  try {
    {
      // The step is computed as a whole, right after it is recorded.
      const Quiet quiet;
      record();
    }
    eval({});
  } catch (...) {
    for (std::size_t i = 0; i < random_before.size(); ++i) *random[i] = random_before[i];
    revert(updates && compiled.options.optimizer.recorded() > before);
    throw;
  }
}

void Training::train_step(const Dataset& batch) {
  run(true, [&] { record_step(batch); });
}

void Training::test_step(const Dataset& batch) {
  run(false, [&] { record_evaluation(batch); });
}

void Training::reset_metrics() {
  compiled.mean_loss.reset_state();
  for (Model::State::Output& output : compiled.outputs) {
    output.mean_loss.reset_state();
    for (metrics::Metric& metric : output.metrics) metric.reset_state();
    for (metrics::Metric& metric : output.weighted) metric.reset_state();
  }
  for (metrics::Mean& mean : compiled.step_logs) mean.reset_state();
}

Logs Training::logs(std::string_view prefix) const {
  const std::string begin(prefix);
  std::vector<std::pair<std::string, double>> all = {{begin + "loss", compiled.mean_loss.result()}};
  const bool several = compiled.outputs.size() > 1;
  for (const Model::State::Output& output : compiled.outputs) {
    const std::string of_output = several ? begin + output.name + "_" : begin;
    if (several && output.loss.defined()) all.emplace_back(of_output + "loss", output.mean_loss.result());
    for (const metrics::Metric& metric : output.metrics) all.emplace_back(of_output + metric.name(), metric.result());
    for (const metrics::Metric& metric : output.weighted) {
      std::string name = of_output + metric.name();
      for (const auto& [known, value] : all)
        if (known == name) name = of_output + "weighted_" + metric.name();
      all.emplace_back(name, metric.result());
    }
  }
  for (const metrics::Mean& mean : compiled.step_logs) all.emplace_back(begin + mean.name(), mean.result());
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  Logs out;
  for (const auto& [name, value] : all) out.add(name, value);
  return out;
}

Training::Numbers RowBatches::batch(std::int64_t step) {
  const std::int64_t pass = step / steps(), begin = step % steps() * batch_size_;
  if (pass != pass_) {
    order_ = shuffle_ ? data::shuffled_order(rows_, seed_, static_cast<std::uint64_t>(pass)) : data::plain_order(rows_);
    pass_ = pass;
  }
  return Training::Numbers(order_).subspan(static_cast<std::size_t>(begin),
                                           static_cast<std::size_t>(std::min(batch_size_, rows_ - begin)));
}

Tensors with_class_weights(const std::string& where, const Dataset& data, const ClassWeight& class_weight) {
  if (class_weight.empty()) return data.sample_weight;
  if (data.y.size() != 1)
    throw ValueError(where + "expected class_weight with one output, got " + std::to_string(data.y.size()) +
                     " targets: give sample_weight for each instead");
  const NoGrad no_grad;
  Tensor labels = data.y[0];
  if (labels.rank() >= 2) labels = labels.dim(-1) > 1 ? argmax(labels) : squeeze(labels, -1);
  labels = cast(labels, int64);
  Tensor weights = ones(labels.shape());
  for (const auto& [label, weight] : class_weight) weights = xgrad::where(equal(labels, label), weight, weights);
  return data.sample_weight.empty() ? weights : data.sample_weight[0] * weights;
}

}  // namespace xgrad
