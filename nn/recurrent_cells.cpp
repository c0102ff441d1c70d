#include <xgrad/nn/layer_parts.hpp>
#include <xgrad/nn/recurrent_cells.hpp>
#include <xgrad/nn/recurrent_parts.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/shape.hpp>

namespace xgrad {

namespace {

/// What the cells share: weights, and the work that is done once a sequence.
template <class Options>
struct CellState : Counted {
  CellState(std::string_view kind, int gates, std::int64_t units, Options given)
      : kind(kind), gates(gates), units(units), options(std::move(given)) {
    if (units <= 0)
      throw ValueError(label(kind, options.name) + "expected units above 0, got " + std::to_string(units));
    for (const double rate : {options.dropout, options.recurrent_dropout})
      if (!(rate >= 0 && rate < 1))
        throw ValueError(label(kind, options.name) + "expected rates of dropout from 0 up to 1, got " +
                         number_text(rate));
    if (options.seed) generator.emplace(*options.seed);
  }

  void build(std::int64_t inputs, DType dtype, const Shape& bias_shape, Call& call) {
    const bool drops = options.dropout > 0 || options.recurrent_dropout > 0;
    if (!kernel.defined()) {
      if (!is_floating(dtype))
        throw DTypeError(label(kind, options.name) + "expected a floating dtype for the weights, got " +
                         name_of(dtype));
      Generator& random = call.random();
      const std::string prefix = (options.name.empty() ? snake_case(kind) : options.name) + "/";
      const Parameter made(options.kernel_initializer({inputs, gates * units}, dtype, random), prefix + "kernel");
      const Parameter made_too(options.recurrent_initializer({units, gates * units}, dtype, random),
                               prefix + "recurrent_kernel");
      if (options.use_bias) bias = Parameter(first_bias(bias_shape, dtype, random), prefix + "bias");
      recurrent_kernel = made_too;
      kernel = made;
    }
    if (drops && !generator) generator.emplace(call.random().split());
  }

  Tensor first_bias(const Shape& shape, DType dtype, Generator& random) const {
    if constexpr (requires { options.unit_forget_bias; })
      if (options.unit_forget_bias)
        return concatenate({options.bias_initializer({units}, dtype, random), ones({units}, {.dtype = dtype}),
                            options.bias_initializer({2 * units}, dtype, random)});
    return options.bias_initializer(shape, dtype, random);
  }

  /// One mask a gate for dropping steps of this shape (1 / keep where kept), or one for all gates.
  std::vector<Tensor> masks(const Tensor& like, double rate, int count) {
    std::vector<Tensor> out;
    for (int k = 0; k < count; ++k)
      out.push_back(cast(bernoulli_like(like, 1 - rate, &*generator), like.dtype()) * (1 / (1 - rate)));
    return out;
  }

  /// x . kernel for all steps of xs (steps, batch, in), one step behind the other: (steps * batch, gates * units).
  Tensor project(const Tensor& given, const Shape& bias_shape, Call& call) {
    if (given.rank() != 3)
      throw ShapeError(label(kind, options.name) + "expected steps of x with 2 axes (batch, features), got " +
                       to_string(given.shape()));
    const std::int64_t inputs = given.dim(-1);
    build(inputs, options.dtype.value_or(is_floating(given.dtype()) ? given.dtype() : float32), bias_shape, call);
    if (inputs != kernel.shape()[0])
      throw ShapeError(label(kind, options.name) + "expected steps of " + std::to_string(kernel.shape()[0]) +
                       " features (the kernel is " + to_string(kernel.shape()) + "), got " + std::to_string(inputs));
    const Tensor xs = is_floating(given.dtype()) ? given : cast(given, kernel.dtype());
    const auto rows = [&](const Tensor& x) { return reshape(x, {-1, inputs}); };
    if (!call.training || options.dropout == 0) return matmul(rows(xs), kernel);
    const bool each_gate = gates > 1 && options.recurrent_dropout > 0;
    const std::vector<Tensor> kept =
        masks(squeeze(slice_axis(xs, 0, {0, 1}), 0), options.dropout, each_gate ? gates : 1);
    if (!each_gate) return matmul(rows(xs * kept[0]), kernel);
    const std::vector<Tensor> kernels = split(kernel, gates, -1);
    std::vector<Tensor> parts;
    for (std::size_t k = 0; k < kernels.size(); ++k) parts.push_back(matmul(rows(xs * kept[k]), kernels[k]));
    return concatenate(parts, -1);
  }

  std::string kind;
  int gates;
  std::int64_t units;
  Options options;
  Parameter kernel, recurrent_kernel, bias;
  std::optional<Generator> generator;
};

/// The products of the states with the recurrent kernel's parts, each state dropped by the masks of the sequence.
class Recurrence {
 public:
  /// `together`: for how many gates, from the first on, the state itself is multiplied.
  template <class Options>
  Recurrence(CellState<Options>& state, const Tensor& xs, Call& call, int together) : together_(together) {
    const Tensor kernel = state.recurrent_kernel;
    if (call.training && state.options.recurrent_dropout > 0)
      masks_ = state.masks(zeros({xs.dim(1), state.units}, {.dtype = kernel.dtype()}),
                           state.options.recurrent_dropout, state.gates);
    if (masks_.empty()) first_ = together == state.gates ? kernel : slice_axis(kernel, -1, {0, together * state.units});
    if (!masks_.empty() || together < state.gates) kernels_ = split(kernel, state.gates, -1);
  }
  Tensor dropped(const Tensor& h, int gate) const {
    return masks_.empty() ? h : h * masks_[static_cast<std::size_t>(gate)];
  }
  std::vector<Tensor> parts(const Tensor& h) const {
    if (masks_.empty()) return split(matmul(h, first_), together_, -1);
    std::vector<Tensor> out;
    for (int k = 0; k < together_; ++k) out.push_back(product(dropped(h, k), k));
    return out;
  }
  /// x . recurrent_kernel's part for one gate.
  Tensor product(const Tensor& x, int gate) const { return matmul(x, kernels_[static_cast<std::size_t>(gate)]); }

 private:
  int together_;
  Tensor first_;
  std::vector<Tensor> masks_, kernels_;
};

/// One step of a cell that can go through sequences.
template <class C>
CellStep one_step(const C& cell, const Tensor& x, std::span<const Tensor> states, Call& call) {
  const std::size_t wanted = cell.state_size().size();
  if (states.size() != wanted)
    throw ValueError(label(kind_of<C>(), cell.name()) + "expected " + std::to_string(wanted) +
                     (wanted == 1 ? " state" : " states") + ", got " + std::to_string(states.size()));
  const CellSequence sequence = cell.over(expand_dims(x, 0), call);
  return sequence.step(sequence.inputs, states);
}

template <class C, class State>
void visit_cell(const Visit& visit, Shared<State>& state) {
  visit.own(state);
  auto& o = state->options;
  visit("kernel", state->kernel, o.kernel_regularizer, o.kernel_constraint);
  visit("recurrent_kernel", state->recurrent_kernel, o.recurrent_regularizer, o.recurrent_constraint);
  if (o.use_bias) visit("bias", state->bias, o.bias_regularizer, o.bias_constraint);
  if (state->generator) visit("generator", *state->generator);
}

template <class State>
Config config_of_cell(const Shared<State>& state) {
  std::int64_t units = state->units;
  auto options = state->options;
  return written([&](Fields& f) { describe_cell(f, units, options); });
}

template <class C, class Options>
C cell_from(const Config& config) {
  std::int64_t units = 0;
  Options options;
  read_config(kind_of<C>(), config, [&](Fields& f) { describe_cell(f, units, options); });
  return C(units, std::move(options));
}

}  // namespace

// --- SimpleRNNCell

struct SimpleRNNCell::State final : CellState<SimpleRNNCellOptions> {
  using CellState::CellState;
  Counted* copy() const override { return new State(*this); }
};

SimpleRNNCell::SimpleRNNCell(std::int64_t units, SimpleRNNCellOptions options)
    : state_(new State("SimpleRNNCell", 1, units, std::move(options))) {}

CellSequence SimpleRNNCell::over(const Tensor& xs, Call& call) const {
  State& s = *state_;
  Tensor inputs = s.project(xs, {s.units}, call);
  if (s.options.use_bias) inputs = inputs + s.bias;
  auto step = [recurrence = Recurrence(s, xs, call, 1), activation = s.options.activation](
                  const Tensor& input, std::span<const Tensor> states) {
    const Tensor h = activation.apply(input + recurrence.parts(states[0])[0]);
    return CellStep{h, {h}};
  };
  return {inputs, std::move(step)};
}

CellStep SimpleRNNCell::operator()(const Tensor& x, std::span<const Tensor> states, Call& call) const {
  return one_step(*this, x, states, call);
}
std::vector<std::int64_t> SimpleRNNCell::state_size() const { return {state_->units}; }
void SimpleRNNCell::each(Visit visit) { visit_cell<SimpleRNNCell>(visit, state_); }
const std::string& SimpleRNNCell::name() const { return state_->options.name; }
const Parameter& SimpleRNNCell::kernel() const { return state_->kernel; }
const Parameter& SimpleRNNCell::recurrent_kernel() const { return state_->recurrent_kernel; }
const Parameter& SimpleRNNCell::bias() const { return state_->bias; }
Config SimpleRNNCell::get_config() const { return config_of_cell(state_); }
SimpleRNNCell SimpleRNNCell::from_config(const Config& config) {
  return cell_from<SimpleRNNCell, SimpleRNNCellOptions>(config);
}

// --- LSTMCell

struct LSTMCell::State final : CellState<LSTMCellOptions> {
  using CellState::CellState;
  Counted* copy() const override { return new State(*this); }
};

LSTMCell::LSTMCell(std::int64_t units, LSTMCellOptions options)
    : state_(new State("LSTMCell", 4, units, std::move(options))) {}

CellSequence LSTMCell::over(const Tensor& xs, Call& call) const {
  State& s = *state_;
  Tensor inputs = s.project(xs, {4 * s.units}, call);
  if (s.options.use_bias) inputs = inputs + s.bias;
  auto step = [recurrence = Recurrence(s, xs, call, 4), a = s.options.activation, r = s.options.recurrent_activation](
                  const Tensor& input, std::span<const Tensor> states) {
    const std::vector<Tensor> x = split(input, 4, -1), h = recurrence.parts(states[0]);
    const Tensor i = r.apply(x[0] + h[0]), f = r.apply(x[1] + h[1]), o = r.apply(x[3] + h[3]);
    const Tensor c = f * states[1] + i * a.apply(x[2] + h[2]);
    const Tensor out = o * a.apply(c);
    return CellStep{out, {out, c}};
  };
  return {inputs, std::move(step)};
}

CellStep LSTMCell::operator()(const Tensor& x, std::span<const Tensor> states, Call& call) const {
  return one_step(*this, x, states, call);
}
std::vector<std::int64_t> LSTMCell::state_size() const { return {state_->units, state_->units}; }
void LSTMCell::each(Visit visit) { visit_cell<LSTMCell>(visit, state_); }
const std::string& LSTMCell::name() const { return state_->options.name; }
const Parameter& LSTMCell::kernel() const { return state_->kernel; }
const Parameter& LSTMCell::recurrent_kernel() const { return state_->recurrent_kernel; }
const Parameter& LSTMCell::bias() const { return state_->bias; }
Config LSTMCell::get_config() const { return config_of_cell(state_); }
LSTMCell LSTMCell::from_config(const Config& config) { return cell_from<LSTMCell, LSTMCellOptions>(config); }

// --- GRUCell

struct GRUCell::State final : CellState<GRUCellOptions> {
  using CellState::CellState;
  Counted* copy() const override { return new State(*this); }
};

GRUCell::GRUCell(std::int64_t units, GRUCellOptions options)
    : state_(new State("GRUCell", 3, units, std::move(options))) {}

CellSequence GRUCell::over(const Tensor& xs, Call& call) const {
  State& s = *state_;
  const bool after = s.options.reset_after;
  Tensor inputs = s.project(xs, after ? Shape{2, 3 * s.units} : Shape{3 * s.units}, call);
  std::vector<Tensor> bias;  // of the state's products
  if (s.options.use_bias && !after) inputs = inputs + s.bias;
  if (s.options.use_bias && after) {
    const std::vector<Tensor> rows = split(s.bias, 2, 0);
    inputs = inputs + squeeze(rows[0], 0);
    bias = split(squeeze(rows[1], 0), 3, -1);
  }
  auto step = [recurrence = Recurrence(s, xs, call, after ? 3 : 2), bias, after, a = s.options.activation,
               r = s.options.recurrent_activation](const Tensor& input, std::span<const Tensor> states) {
    const Tensor& before = states[0];
    const std::vector<Tensor> x = split(input, 3, -1);
    std::vector<Tensor> h = recurrence.parts(before);
    for (std::size_t k = 0; k < bias.size(); ++k) h[k] = h[k] + bias[k];
    const Tensor z = r.apply(x[0] + h[0]), reset = r.apply(x[1] + h[1]);
    const Tensor of_state = after ? reset * h[2] : recurrence.product(reset * recurrence.dropped(before, 2), 2);
    const Tensor out = z * before + (1 - z) * a.apply(x[2] + of_state);
    return CellStep{out, {out}};
  };
  return {inputs, std::move(step)};
}

CellStep GRUCell::operator()(const Tensor& x, std::span<const Tensor> states, Call& call) const {
  return one_step(*this, x, states, call);
}
std::vector<std::int64_t> GRUCell::state_size() const { return {state_->units}; }
void GRUCell::each(Visit visit) { visit_cell<GRUCell>(visit, state_); }
const std::string& GRUCell::name() const { return state_->options.name; }
const Parameter& GRUCell::kernel() const { return state_->kernel; }
const Parameter& GRUCell::recurrent_kernel() const { return state_->recurrent_kernel; }
const Parameter& GRUCell::bias() const { return state_->bias; }
Config GRUCell::get_config() const { return config_of_cell(state_); }
GRUCell GRUCell::from_config(const Config& config) { return cell_from<GRUCell, GRUCellOptions>(config); }

// --- any cell

void Cell::no_config(std::string_view kind) {
  throw ValueError("[" + std::string(kind) + "] expected a cell with get_config, to be saved as part of a whole " +
                   "model: give it one, or save the weights alone (save_weights)");
}

CellSequence Cell::step_by_step(const Cell& cell, const Tensor& xs, Call& call) {
  Shape rows;
  rows.append(xs.dim(0) * xs.dim(1));
  for (int axis = 2; axis < xs.rank(); ++axis) rows.append(xs.dim(axis));
  // Steps and batch are left open, so that others can be recorded.
  if (xs.size() > 0) rows.set(0, -1);
  Call* const told = &call;
  return {reshape(xs, rows),
          [cell, told](const Tensor& input, std::span<const Tensor> states) { return cell(input, states, *told); }};
}

Config cell_config(const Cell& cell) {
  return Config::object({{"class_name", cell.kind_name()}, {"config", cell.get_config()}});
}

Cell cell_from_config(const Config& config, const CustomObjects& custom) {
  const std::string& name = config.at("class_name").text();
  const Config& options = config.at("config");
  if (const auto* maker = custom.find_cell(name)) return (*maker)(options, custom);
  if (const auto* maker = library_layers().find_cell(name)) return (*maker)(options, custom);
  std::vector<std::string_view> known;
  for (const auto* table : {&custom, &library_layers()})
    for (const auto& [key, maker] : table->cell_makers()) known.push_back(key);
  throw_unknown_name("cell (one of your own goes into CustomObjects)", name, known);
}

StackedRNNCells::StackedRNNCells(std::vector<Cell> cells, StackedRNNCellsOptions options)
    : cells_(std::move(cells)), name_(std::move(options.name)) {
  if (cells_.empty()) throw ValueError(label("StackedRNNCells", name_) + "expected at least one cell, got none");
}

CellStep StackedRNNCells::operator()(const Tensor& x, std::span<const Tensor> states, Call& call) const {
  CellStep out{x, {}};
  for (const Cell& cell : cells_) {
    const std::size_t count = cell.state_shapes({}).size(), done = out.states.size();
    if (states.size() < done + count)
      throw ValueError(label("StackedRNNCells", name_) + "expected the states of all cells, got " +
                       std::to_string(states.size()));
    CellStep step = cell(out.output, states.subspan(done, count), call);
    out.output = step.output;
    out.states.insert(out.states.end(), step.states.begin(), step.states.end());
  }
  return out;
}

std::vector<Shape> StackedRNNCells::state_shapes(const Shape& step) const {
  std::vector<Shape> out;
  for (const Cell& cell : cells_)
    for (const Shape& shape : cell.state_shapes(step)) out.push_back(shape);
  return out;
}
std::vector<std::int64_t> StackedRNNCells::state_size() const {
  std::vector<std::int64_t> out;
  for (const Shape& shape : state_shapes({})) out.push_back(shape.rank() > 0 ? shape[-1] : 1);
  return out;
}
void StackedRNNCells::each(Visit visit) { visit("cells", cells_); }

Config StackedRNNCells::get_config() const {
  std::vector<Config> cells;
  for (const Cell& cell : cells_) cells.push_back(cell_config(cell));
  return Config::object({{"cells", cells}, {"name", name_}});
}
StackedRNNCells StackedRNNCells::from_config(const Config& config, const CustomObjects& custom) {
  std::vector<Config> given;
  StackedRNNCellsOptions options;
  read_config("StackedRNNCells", config, [&](Fields& f) {
    f("cells", given);
    f("name", options.name);
  });
  std::vector<Cell> cells;
  for (const Config& cell : given) cells.push_back(cell_from_config(cell, custom));
  return StackedRNNCells(std::move(cells), std::move(options));
}

}  // namespace xgrad
