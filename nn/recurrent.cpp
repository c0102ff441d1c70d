#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/layer_parts.hpp>
#include <xgrad/nn/recurrent.hpp>
#include <xgrad/nn/recurrent_parts.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/shape.hpp>

#include <algorithm>

namespace xgrad {

struct RNN::State : Counted {
  State(std::string_view kind, Cell cell, RNNOptions options)
      : kind(kind), cell(std::move(cell)), options(std::move(options)) {}
  /// A clone begins anew.
  State(const State& other) : Counted(other), kind(other.kind), cell(other.cell), options(other.options) {}
  Counted* copy() const override { return new State(*this); }

  std::string where() const { return label(kind, options.name); }

  std::string kind;
  Cell cell;
  RNNOptions options;
  std::vector<Parameter> states;  ///< of a stateful layer
};

namespace {

/// The cells that are taken through the sequence one after the other.
void collect(const Cell& cell, std::vector<Cell>& out) {
  const std::vector<Cell> parts = cell.cells();
  if (parts.empty()) out.push_back(cell);
  for (const Cell& part : parts) collect(part, out);
}

/// (batch, steps, ...) with the steps first, and back.
Tensor steps_first(const Tensor& x) { return swapaxes(x, 0, 1); }

Shape with_batch(std::int64_t batch, const Shape& shape) {
  Shape out;
  out.append(batch);
  for (const std::int64_t n : shape) out.append(n);
  return out;
}

/// What each step takes over from the one before where a mask says so.
Tensor chosen(const Tensor& mask, const Tensor& now, const Tensor& before) {
  Tensor counts = mask;
  while (counts.rank() < now.rank()) counts = expand_dims(counts, -1);
  return where(counts, now, before);
}

/// The outputs of all steps (steps, batch, ...).
Tensor joined(const std::vector<Tensor>& outputs) {
  const Shape& one = outputs[0].shape();
  Shape shape;
  shape.append(static_cast<std::int64_t>(outputs.size()));
  for (const std::int64_t n : one) shape.append(n);
  // The batch is left open, so that another can be recorded.
  if (one.size() > 0) shape.set(1, -1);
  return reshape(concatenate(outputs, 0), shape);
}

}  // namespace

RNN::RNN(Cell cell, RNNOptions options) : RNN("RNN", std::move(cell), std::move(options)) {}

RNN::RNN(std::string_view kind, Cell cell, RNNOptions options)
    : state_(new State(kind, std::move(cell), std::move(options))) {
  const RNNOptions& o = state_->options;
  if (o.batch_size < 0)
    throw ValueError(state_->where() + "expected a batch_size of 0 or more, got " + std::to_string(o.batch_size));
  if (o.input_shape.rank() == 0) return;
  const NoGrad no_grad;
  Call call{.dry = true};
  const Tensor like = zeros(with_batch(1, o.input_shape));
  (*this)(std::span(&like, 1), call);
}

const std::string& RNN::name() const { return state_->options.name; }
const Shape& RNN::input_shape() const { return state_->options.input_shape; }
const RNNOptions& RNN::options() const { return state_->options; }
const Cell& RNN::cell() const { return state_->cell; }

Tensor RNN::operator()(const Tensor& x, Call& call) const {
  if (state_->options.return_state)
    throw ValueError(state_->where() + "has several results with return_state: call it with a list of inputs, {x}");
  return (*this)(std::span(&x, 1), call)[0];
}

std::vector<Tensor> RNN::operator()(std::span<const Tensor> xs, Call& call) const {
  State& s = *state_;
  const RNNOptions& o = s.options;
  if (xs.empty()) throw ValueError(s.where() + "expected x, got no input");
  const Tensor& x = xs[0];
  if (x.rank() < 3)
    throw ShapeError(s.where() + "expected x (batch, steps, features), got " + to_string(x.shape()));
  const std::int64_t batch = x.dim(0), steps = x.dim(1);
  if (steps == 0) throw ShapeError(s.where() + "expected at least one step, got x " + to_string(x.shape()));
  const Tensor mask = call.mask;
  if (mask.defined() && mask.shape() != Shape{batch, steps})
    throw ShapeError(s.where() + "expected a mask (batch, steps) for x " + to_string(x.shape()) + ", got " +
                     to_string(mask.shape()));
  // Steps in the order in which they are done.
  const auto ordered = [&](const Tensor& t) { return o.go_backwards ? flip(steps_first(t), 0) : steps_first(t); };
  std::vector<Tensor> counts;
  if (mask.defined())
    for (const Tensor& row : split(ordered(cast(mask, bool_)), static_cast<int>(steps), 0))
      counts.push_back(squeeze(row, 0));

  std::vector<Cell> cells;
  collect(s.cell, cells);
  Shape step_shape(std::span(x.shape().begin(), x.shape().end()).subspan(2));
  const std::size_t given = xs.size() - 1, wanted = s.cell.state_shapes(step_shape).size();
  if (given != 0 && given != wanted)
    throw ValueError(s.where() + "expected " + std::to_string(wanted) + " states to begin with, got " +
                     std::to_string(given));
  const std::int64_t kept = o.stateful && o.batch_size > 0 ? o.batch_size : batch;
  if (o.stateful && batch != kept && !call.dry)
    throw ValueError(s.where() + "expected batches of " + std::to_string(kept) +
                     " samples, since the layer is stateful, got x " + to_string(x.shape()));

  Tensor sequence = ordered(x);
  std::vector<Tensor> outputs, last_states;
  std::vector<Parameter> made;
  for (std::size_t c = 0; c < cells.size(); ++c) {
    const CellSequence over = cells[c].over(sequence, call);
    const DType dtype = over.inputs.dtype();
    std::vector<Tensor> states;
    for (const Shape& shape : cells[c].state_shapes(step_shape)) {
      const std::size_t number = last_states.size() + states.size();
      const Shape whole = with_batch(batch, shape);
      if (o.stateful && s.states.size() <= number && (!call.dry || o.batch_size > 0))
        made.emplace_back(zeros(with_batch(kept, shape), {.dtype = dtype}), "state_" + std::to_string(number), false);
      const bool own = o.stateful && batch == kept && (number < s.states.size() || !made.empty());
      if (given > 0) {
        if (xs[number + 1].shape() != whole)
          throw ShapeError(s.where() + "expected state " + std::to_string(number) + " to be " + to_string(whole) +
                           ", got " + to_string(xs[number + 1].shape()));
        states.push_back(cast(xs[number + 1], dtype));
      } else if (own) {
        states.push_back(stop_gradient(number < s.states.size() ? s.states[number] : made.back()));
      } else {
        states.push_back(zeros(whole, {.dtype = dtype}));
      }
    }
    const std::vector<Tensor> inputs = split(over.inputs, static_cast<int>(steps), 0);
    outputs.clear();
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      CellStep now = over.step(inputs[k], states);
      if (now.states.size() != states.size())
        throw ValueError(s.where() + "expected the cell to give " + std::to_string(states.size()) + " states, got " +
                         std::to_string(now.states.size()));
      if (!counts.empty()) {
        const Tensor& step_counts = counts[k];
        const bool hold = !o.zero_output_for_mask || c + 1 < cells.size();
        now.output = chosen(step_counts, now.output, hold ? states[0] : zeros_like(now.output));
        for (std::size_t i = 0; i < states.size(); ++i)
          now.states[i] = chosen(step_counts, now.states[i], states[i]);
      }
      states = std::move(now.states);
      outputs.push_back(std::move(now.output));
    }
    last_states.insert(last_states.end(), states.begin(), states.end());
    const Shape& out = outputs[0].shape();
    step_shape = Shape(std::span(out.begin(), out.end()).subspan(1));
    if (c + 1 < cells.size() || o.return_sequences) sequence = joined(outputs);
  }

  if (o.stateful) {
    if (!made.empty()) {
      s.states = std::move(made);
      s.options.batch_size = kept;
    }
    if (!call.dry)
      for (std::size_t i = 0; i < last_states.size(); ++i)
        s.states[i].assign(cast(last_states[i], s.states[i].dtype()));
  }
  std::vector<Tensor> results = {o.return_sequences ? steps_first(sequence) : outputs.back()};
  if (o.activity_regularizer) call.penalties.push_back(o.activity_regularizer(results[0]));
  if (o.return_state) results.insert(results.end(), last_states.begin(), last_states.end());
  call.mask = o.return_sequences ? mask : Tensor();
  call.masks.clear();
  if (results.size() > 1) {
    call.masks.resize(results.size());
    call.masks[0] = call.mask;
  }
  return results;
}

void RNN::each(Visit visit) {
  visit.own(state_);
  State& s = *state_;
  if (s.kind == "RNN") visit("cell", s.cell);
  else s.cell.each(visit);
  for (std::size_t i = 0; i < s.states.size(); ++i) visit.state("state_" + std::to_string(i), s.states[i]);
}

std::vector<Tensor> RNN::states() const {
  std::vector<Tensor> out;
  for (const Parameter& state : state_->states) out.push_back(state.value());
  return out;
}

void RNN::reset_state() const {
  for (const Parameter& state : state_->states) state.assign(zeros(state.shape(), {.dtype = state.dtype()}));
}

void RNN::reset_state(std::span<const Tensor> states) const {
  const std::vector<Parameter>& own = state_->states;
  if (states.size() != own.size())
    throw ValueError(state_->where() + "expected " + std::to_string(own.size()) + " states" +
                     (own.empty() ? " (the layer is not stateful, or was never called)" : "") + ", got " +
                     std::to_string(states.size()));
  for (std::size_t i = 0; i < own.size(); ++i)
    if (states[i].shape() != own[i].shape())
      throw ShapeError(state_->where() + "expected state " + std::to_string(i) + " to be " +
                       to_string(own[i].shape()) + ", got " + to_string(states[i].shape()));
  for (std::size_t i = 0; i < own.size(); ++i) own[i].assign(cast(states[i], own[i].dtype()));
}

Config RNN::get_config() const {
  RNNOptions options = state_->options;
  const bool plain = state_->kind == "RNN";
  Config out = plain ? Config::object({{"cell", cell_config(state_->cell)}}) : state_->cell.get_config();
  const Config own = written([&](Fields& f) {
    describe_sequence(f, options);
    f("name", options.name);
  });
  for (const auto& [name, value] : own.entries()) out.set(name, value);
  return out;
}

RNN RNN::from_config(const Config& config, const CustomObjects& custom) {
  Config cell;
  RNNOptions options;
  read_config("RNN", config, [&](Fields& f) {
    f("cell", cell);
    describe_sequence(f, options);
    f("name", options.name);
  });
  return RNN(cell_from_config(cell, custom), std::move(options));
}

namespace {

/// A layer around a cell from the options of both.
template <class L, class Options>
L layer_from(const Config& config) {
  std::int64_t units = 0;
  Options options;
  read_config(kind_of<L>(), config, [&](Fields& f) {
    describe_cell(f, units, options);
    describe_sequence(f, options);
  });
  return L(units, std::move(options));
}

}  // namespace

SimpleRNN::SimpleRNN(std::int64_t units, SimpleRNNOptions o)
    : RNN("SimpleRNN", SimpleRNNCell(units, cell_options<SimpleRNNCellOptions>(o)), sequence_options(o)) {}
Config SimpleRNN::get_config() const { return RNN::get_config(); }
SimpleRNN SimpleRNN::from_config(const Config& config) { return layer_from<SimpleRNN, SimpleRNNOptions>(config); }

LSTM::LSTM(std::int64_t units, LSTMOptions o)
    : RNN("LSTM", LSTMCell(units, cell_options<LSTMCellOptions>(o)), sequence_options(o)) {}
Config LSTM::get_config() const { return RNN::get_config(); }
LSTM LSTM::from_config(const Config& config) { return layer_from<LSTM, LSTMOptions>(config); }

GRU::GRU(std::int64_t units, GRUOptions o)
    : RNN("GRU", GRUCell(units, cell_options<GRUCellOptions>(o)), sequence_options(o)) {}
Config GRU::get_config() const { return RNN::get_config(); }
GRU GRU::from_config(const Config& config) { return layer_from<GRU, GRUOptions>(config); }

}  // namespace xgrad
