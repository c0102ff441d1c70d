#pragma once
/// Cells of recurrent layers, which do one step of a sequence: SimpleRNNCell, LSTMCell, GRUCell, StackedRNNCells; and
/// Cell, any of them or one of the user's own.

#include <xgrad/nn/activations.hpp>
#include <xgrad/nn/initializers.hpp>
#include <xgrad/nn/layer.hpp>

namespace xgrad {

struct CustomObjects;

/// What one step leaves: its output (batch, n) and the states for the next step.
struct CellStep {
  Tensor output;
  std::vector<Tensor> states;
};

/// A sequence as a cell goes through it: what is worked out once for all steps, and how one step goes on from there.
struct CellSequence {
  Tensor inputs;  ///< (steps * batch, ...): what each step reads of its input, one step behind the other
  Function<CellStep(const Tensor& input, std::span<const Tensor> states)> step = {};
};

/// Does a step: (x, states, call) -> CellStep, with `state_size()` telling the lengths of its states (batch, n).
template <class F>
concept RecurrentCell = requires(F& f, const Tensor& x, std::span<const Tensor> states, Call& call) {
  { f(x, states, call) } -> std::convertible_to<CellStep>;
  { f.state_size() } -> std::convertible_to<std::vector<std::int64_t>>;
};

/// Any cell: a struct with a step and `state_size`. Members `over(xs, call)` and `cells()` (see below),
/// `state_shapes(step)`, `each`, `name` and `get_config()` are used where they exist. Copies share the cell.
class Cell {
 public:
  template <class F>
    requires(!std::same_as<std::decay_t<F>, Cell> && RecurrentCell<std::decay_t<F>>)
  Cell(F&& cell) : body_(new Held<std::decay_t<F>>(std::forward<F>(cell))) {}

  CellStep operator()(const Tensor& x, std::span<const Tensor> states, Call& call) const {
    return body_->step(x, states, call);
  }
  /// Begins a sequence of inputs (steps, batch, ...): what does not depend on states, such as products with inputs, is
  /// recorded for all steps at once, and masks of dropout are drawn. The call has to outlive the sequence.
  CellSequence over(const Tensor& xs, Call& call) const { return body_->over(xs, call); }
  /// The shapes of the states without the batch, for a step's input of this shape without the batch.
  std::vector<Shape> state_shapes(const Shape& step) const { return body_->state_shapes(step); }
  /// The cells one upon the other that it consists of; nothing if it is one alone. A layer takes each through the whole
  /// sequence in turn, which comes to the same and lets each work out its products for all steps at once.
  std::vector<Cell> cells() const { return body_->cells(); }
  void each(Visit visit) {
    visit.own(body_);
    body_->each(visit);
  }
  std::string_view kind_name() const { return body_->kind(); }
  std::string name() const { return body_->name(); }
  /// Throws ValueError for a type that has no get_config.
  Config get_config() const { return body_->config(); }

  /// The cell inside, if it is of this type; else null.
  template <class T>
  T* get_if() const {
    auto* held = dynamic_cast<Held<T>*>(body_.get());
    return held ? &held->cell : nullptr;
  }

 private:
  struct Body : Counted {
    virtual CellStep step(const Tensor& x, std::span<const Tensor> states, Call& call) = 0;
    virtual CellSequence over(const Tensor& xs, Call& call) = 0;
    virtual std::vector<Shape> state_shapes(const Shape& step) const = 0;
    virtual std::vector<Cell> cells() const = 0;
    virtual void each(Visit visit) = 0;
    virtual std::string_view kind() const = 0;
    virtual std::string name() const = 0;
    virtual Config config() const = 0;
  };
  [[noreturn]] static void no_config(std::string_view kind);
  /// Steps of a cell that works nothing out beforehand.
  static CellSequence step_by_step(const Cell& cell, const Tensor& xs, Call& call);

  explicit Cell(Shared<Body> body) : body_(std::move(body)) {}

  template <class F>
  struct Held final : Body {
    explicit Held(F cell) : cell(std::move(cell)) {}
    CellStep step(const Tensor& x, std::span<const Tensor> states, Call& call) override {
      return cell(x, states, call);
    }
    CellSequence over(const Tensor& xs, Call& call) override {
      if constexpr (requires { CellSequence(cell.over(xs, call)); }) return cell.over(xs, call);
      else return step_by_step(Cell(Shared<Body>(this)), xs, call);
    }
    std::vector<Shape> state_shapes(const Shape& step) const override {
      if constexpr (requires { std::vector<Shape>(cell.state_shapes(step)); }) {
        return cell.state_shapes(step);
      } else {
        std::vector<Shape> out;
        for (const std::int64_t n : cell.state_size()) out.push_back({n});
        return out;
      }
    }
    std::vector<Cell> cells() const override {
      if constexpr (requires { std::vector<Cell>(cell.cells()); }) return cell.cells();
      else return {};
    }
    void each(Visit visit) override {
      if constexpr (requires { cell.each(visit); }) cell.each(visit);
    }
    std::string_view kind() const override { return kind_of<F>(); }
    std::string name() const override {
      if constexpr (requires { std::string(cell.name()); }) return std::string(cell.name());
      else if constexpr (requires { std::string(cell.name); }) return std::string(cell.name);
      else return {};
    }
    Config config() const override {
      if constexpr (requires { Config(cell.get_config()); }) return cell.get_config();
      else no_config(kind());
    }
    Counted* copy() const override { return new Held(cell); }
    F cell;
  };
  Shared<Body> body_;
};

/// {"class_name": "LSTMCell", "config": {...}} and back; cells of one's own go into CustomObjects.
Config cell_config(const Cell& cell);
Cell cell_from_config(const Config& config, const CustomObjects& custom);

struct SimpleRNNCellOptions {
  ActivationFunction activation = "tanh";
  bool use_bias = true;
  initializers::Initializer kernel_initializer = "glorot_uniform";
  initializers::Initializer recurrent_initializer = "orthogonal";
  initializers::Initializer bias_initializer = "zeros";
  regularizers::Regularizer kernel_regularizer = {};
  regularizers::Regularizer recurrent_regularizer = {};
  regularizers::Regularizer bias_regularizer = {};
  constraints::Constraint kernel_constraint = {};
  constraints::Constraint recurrent_constraint = {};
  constraints::Constraint bias_constraint = {};
  double dropout = 0;            ///< share of the inputs dropped in training, the same for all steps
  double recurrent_dropout = 0;  ///< the same of the states
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
  std::optional<DType> dtype = {};
};

struct LSTMCellOptions {
  ActivationFunction activation = "tanh";
  ActivationFunction recurrent_activation = "sigmoid";
  bool use_bias = true;
  initializers::Initializer kernel_initializer = "glorot_uniform";
  initializers::Initializer recurrent_initializer = "orthogonal";
  initializers::Initializer bias_initializer = "zeros";
  bool unit_forget_bias = true;  ///< the forget gate's bias begins with 1 (Jozefowicz, Zaremba and Sutskever 2015)
  regularizers::Regularizer kernel_regularizer = {};
  regularizers::Regularizer recurrent_regularizer = {};
  regularizers::Regularizer bias_regularizer = {};
  constraints::Constraint kernel_constraint = {};
  constraints::Constraint recurrent_constraint = {};
  constraints::Constraint bias_constraint = {};
  double dropout = 0;
  double recurrent_dropout = 0;
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
  std::optional<DType> dtype = {};
};

struct GRUCellOptions {
  ActivationFunction activation = "tanh";
  ActivationFunction recurrent_activation = "sigmoid";
  bool use_bias = true;
  initializers::Initializer kernel_initializer = "glorot_uniform";
  initializers::Initializer recurrent_initializer = "orthogonal";
  initializers::Initializer bias_initializer = "zeros";
  regularizers::Regularizer kernel_regularizer = {};
  regularizers::Regularizer recurrent_regularizer = {};
  regularizers::Regularizer bias_regularizer = {};
  constraints::Constraint kernel_constraint = {};
  constraints::Constraint recurrent_constraint = {};
  constraints::Constraint bias_constraint = {};
  double dropout = 0;
  double recurrent_dropout = 0;
  bool reset_after = true;  ///< the reset gate acts on the product with the state, which has a bias of its own
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
  std::optional<DType> dtype = {};
};

// The three cells have a kernel (in, gates * units), a recurrent_kernel (units, gates * units) and a bias, built by the
// first step; copies share them. Masks of dropout are drawn once a sequence; with recurrent dropout each gate has its
// own. Constructors throw ValueError unless units > 0 and 0 <= dropout, recurrent_dropout < 1, steps ShapeError for
// inputs (batch, n) of another length than the kernel was built for.

/// h = activation(x . kernel + h . recurrent_kernel + bias), which is output and state.
class SimpleRNNCell {
 public:
  explicit SimpleRNNCell(std::int64_t units, SimpleRNNCellOptions options = {});
  CellStep operator()(const Tensor& x, std::span<const Tensor> states, Call& call) const;
  CellSequence over(const Tensor& xs, Call& call) const;
  std::vector<std::int64_t> state_size() const;
  void each(Visit visit);
  const std::string& name() const;
  Config get_config() const;
  static SimpleRNNCell from_config(const Config& config);
  const Parameter& kernel() const;
  const Parameter& recurrent_kernel() const;
  const Parameter& bias() const;

 private:
  struct State;
  Shared<State> state_;
};

/// With z = x . kernel + h . recurrent_kernel + bias in four parts i, f, c, o: c = r(f) c + r(i) a(c), h = r(o) a(c),
/// where a is `activation` and r `recurrent_activation`. States h and c, output h. (Hochreiter and Schmidhuber 1997;
/// Gers, Schmidhuber and Cummins 2000.)
class LSTMCell {
 public:
  explicit LSTMCell(std::int64_t units, LSTMCellOptions options = {});
  CellStep operator()(const Tensor& x, std::span<const Tensor> states, Call& call) const;
  CellSequence over(const Tensor& xs, Call& call) const;
  std::vector<std::int64_t> state_size() const;
  void each(Visit visit);
  const std::string& name() const;
  Config get_config() const;
  static LSTMCell from_config(const Config& config);
  const Parameter& kernel() const;
  const Parameter& recurrent_kernel() const;
  const Parameter& bias() const;

 private:
  struct State;
  Shared<State> state_;
};

/// Parts z, r, h of the kernels: z = r(x_z + h_z), r = r(x_r + h_r), new = a(x_h + r h_h), h = z h + (1 - z) new, where
/// h_z, h_r, h_h are the products of the state with recurrent_kernel (reset_after: with a bias of their own, the second
/// row of `bias` (2, 3 units); else h_h is the product of r h). (Cho et al. 2014.)
class GRUCell {
 public:
  explicit GRUCell(std::int64_t units, GRUCellOptions options = {});
  CellStep operator()(const Tensor& x, std::span<const Tensor> states, Call& call) const;
  CellSequence over(const Tensor& xs, Call& call) const;
  std::vector<std::int64_t> state_size() const;
  void each(Visit visit);
  const std::string& name() const;
  Config get_config() const;
  static GRUCell from_config(const Config& config);
  const Parameter& kernel() const;
  const Parameter& recurrent_kernel() const;
  const Parameter& bias() const;

 private:
  struct State;
  Shared<State> state_;
};

struct StackedRNNCellsOptions {
  std::string name = {};
};

/// Cells one upon the other in each step: the output of one is the input of the next. The states are those of all
/// cells in order.
class StackedRNNCells {
 public:
  /// Throws ValueError for no cell.
  explicit StackedRNNCells(std::vector<Cell> cells, StackedRNNCellsOptions options = {});
  CellStep operator()(const Tensor& x, std::span<const Tensor> states, Call& call) const;
  std::vector<std::int64_t> state_size() const;
  std::vector<Shape> state_shapes(const Shape& step) const;
  const std::vector<Cell>& cells() const { return cells_; }
  void each(Visit visit);
  const std::string& name() const { return name_; }
  Config get_config() const;
  static StackedRNNCells from_config(const Config& config, const CustomObjects& custom);

 private:
  std::vector<Cell> cells_;
  std::string name_;
};

}  // namespace xgrad
