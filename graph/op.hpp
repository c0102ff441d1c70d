#pragma once
/// What an operation is: a constant description, and how to record it.

#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/kernels/tile.hpp>

#include <atomic>

namespace xgrad {

struct Op;

/// How the planner treats an operation.
enum class Kind : std::uint8_t {
  elementwise,  ///< one instruction of the tile machine; inputs broadcast
  draw,         ///< uniform random numbers of its own shape
  fold,         ///< a reduction over the axes `folded` names: row_sum, row_max or row_min
  alias,        ///< the same elements in the same order under another shape
  broadcast,    ///< the first input's elements repeated to the result's shape
  constant,     ///< one number that follows from shapes alone
  launch,       ///< a step of its own, `run`
  check,        ///< the first input itself, after `run` has looked at the values
};

/// What becomes of the inputs' dtypes before an operation is recorded.
enum class Promotion : std::uint8_t {
  none,      ///< left alone; `infer` decides
  common,    ///< all become the largest of them
  floating,  ///< common, and integers become float32
};

/// What a user's functions bring along: kept alive by the nodes that carry it.
class Carried {
 public:
  Carried() = default;
  virtual ~Carried() = default;
  Carried(const Carried&) = delete;
  Carried& operator=(const Carried&) = delete;
  void retain() const { references_.fetch_add(1, std::memory_order_relaxed); }
  void release() const {
    if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  mutable std::atomic<std::uint32_t> references_{1};
};

/// A recorded operation as its derivative rule sees it.
class Applied {
 public:
  Applied(Node* node, int argument) : node_(node), argument_(argument) {}
  const Tensor& in(int k) const;        ///< the k-th input, after promotion; as long as the node keeps it
  const Tensor& out() const;            ///< the result; as long as this object lives
  int argument() const { return argument_; }  ///< which input the derivative is for
  int arity() const;
  std::int64_t attribute(int i) const;  ///< 0 or 1
  std::span<const std::int64_t> list() const;
  const Carried* carried() const;       ///< null if the operation brings nothing along
  const Op& op() const;
  /// The same operation, with all its attributes, of other inputs.
  Tensor again(std::span<const Tensor> inputs) const;
  Tensor again(std::initializer_list<Tensor> inputs) const { return again(std::span(inputs.begin(), inputs.size())); }

 private:
  Node* node_;
  int argument_;
};

/// The gradient reaching one input, from the gradient g reaching the result. The engine skips inputs that need none,
/// sums over broadcast axes, adds up, casts back promoted dtypes and checks shapes; a rule is only calculus.
using Rule = Tensor (*)(const Applied& call, const Tensor& g);

/// How a new leading axis (`vmap`) passes through a step of its own; the other kinds say it already.
enum class Leading : std::uint8_t {
  apart,      ///< it does not: the operation is recorded once for each place along it
  batch,      ///< attributes count axes from the end, and leading axes are alike: every input gets the new one
  broadcast,  ///< the same, and leading axes of inputs broadcast, so inputs without the new one stay as they are
};
/// Where none of these is true: the operation of `in`, of which those with `leads` have a new leading axis of `count`.
/// The result has one too. An undefined tensor says that it has to be recorded once for each place.
using Lead = Tensor (*)(const Applied& call, std::span<const Tensor> in, std::span<const std::uint8_t> leads,
                        std::int64_t count);

/// What an operation's shape rule sees and sets.
class Recording {
 public:
  int arity() const;
  const Shape& shape(int k) const;
  DType dtype(int k) const;
  std::int64_t attribute(int i) const;
  std::span<const std::int64_t> list() const;
  const Carried* carried() const;
  /// Sets the result; throws ShapeError if it has more elements than can be counted.
  void result(const Shape& shape, DType dtype);
  [[noreturn]] void shape_error(const std::string& what) const;  ///< adds the operation, its input shapes and the place
  [[noreturn]] void dtype_error(const std::string& what) const;
  [[noreturn]] void value_error(const std::string& what) const;
  /// The axis counted from the front; throws ShapeError if it is not one of `rank`.
  int axis(std::int64_t axis, int rank) const;

  Recording(const Op& op, Node* node, Node* const* inputs, int arity) :
      op_(op), node_(node), inputs_(inputs), arity_(arity) {}

 private:
  void check_size(const Shape& shape) const;

  const Op& op_;
  Node* node_;
  Node* const* inputs_;
  int arity_;
};

/// An array as a launched step sees it: contiguous, row-major.
struct View {
  void* data = nullptr;
  Shape shape;
  DType dtype = float32;
};

/// What `run` is given: arrays, attributes, and scratch memory of the size `scratch` asked for.
struct Launch {
  std::span<const View> in;
  View out;
  std::int64_t attributes[2] = {};
  std::span<const std::int64_t> list;
  kernels::Draw draw;
  void* scratch = nullptr;
  const Op* op = nullptr;
  const Location* where = nullptr;  ///< where the user recorded it
  const char* scope = "";           ///< the layer it was recorded in
  std::string_view text;            ///< the text attribute
  const Carried* carried = nullptr;
  /// Throws ValueError: what, the operation, and the place it was recorded.
  [[noreturn]] void fail(const std::string& what) const;
};

using Run = void (*)(const Launch& launch);

/// The description of an operation: constant data, one object for each operation.
struct Op {
  const char* name = "";
  Kind kind = Kind::launch;
  kernels::Code code = kernels::Code::none;       ///< elementwise, draw and fold
  Promotion promotion = Promotion::none;          ///< elementwise: common unless `floating`
  bool gives_bool = false;                        ///< elementwise: comparisons
  void (*infer)(Recording& call) = nullptr;       ///< the shape rule; null for elementwise (broadcast)
  Rule rules[3] = {};                             ///< one for each input; null: no derivative
  bool variadic = false;                          ///< any number of inputs; rules[0] serves them all
  bool linear = false;                            ///< linear in each differentiable input: its own forward rule
  bool random = false;                            ///< launch: takes a draw, so it is never merged with its like
  bool fails = false;                             ///< `run` may throw: for the values it finds, or as it allocates
  std::uint32_t shape_only = 0;  ///< bit k: input k lends its shape, not its values; bit 31: all but the first
  /// fold: bit i set if axis i of the input is folded (counted from the front).
  std::uint32_t (*folded)(const Applied& call) = nullptr;
  double (*number)(const Applied& call) = nullptr;  ///< constant
  Run run = nullptr;                                ///< launch and check
  bool once = false;                                ///< launch: a user's own, so it is never merged with its like
  Leading leading = Leading::apart;                 ///< launch and check
  Lead lead = nullptr;                              ///< in place of `leading`, for any kind
  /// All rules at once, for rules that share work: sets out[k] for every input with a derivative.
  void (*reverse)(const Applied& call, const Tensor& g, std::span<Tensor> out) = nullptr;
  /// The tangent of the result from those of the inputs (undefined: it does not move), instead of what follows from
  /// the rules; an undefined result says that it follows from them.
  Tensor (*forward)(const Applied& call, std::span<const Tensor> tangents) = nullptr;
  std::size_t (*scratch)(const Applied& call) = nullptr;  ///< bytes `run` wants; null: none
  const char* symbol = nullptr;                           ///< infix symbol for formulas: "+"
};

/// Attributes are part of a plan's key and say what was asked ("axis -1"), not what followed. Axis masks and axis
/// numbers count from the end where that is possible, so that a new leading axis changes nothing.
struct Attributes {
  std::int64_t a = 0, b = 0;
  std::span<const std::int64_t> list = {};
  std::string_view text = {};  ///< shown in messages; not part of the key
  const Carried* carried = nullptr;  ///< the node keeps it alive, and is never merged with its like
};

/// Records an operation: promotes, infers shape and dtype (errors name the operation, the shapes and the user's line),
/// and returns the new node. `draw` is for kinds that take random numbers.
Tensor record(const Op& op, std::span<const Arg> inputs, const Attributes& attributes = {}, kernels::Draw draw = {});
inline Tensor record(const Op& op, std::initializer_list<Arg> inputs, const Attributes& attributes = {},
                     kernels::Draw draw = {}) {
  return record(op, std::span(inputs.begin(), inputs.size()), attributes, draw);
}

/// The same for one or two inputs without attributes, which are not copied.
Tensor record(const Op& op, const Arg& x);
Tensor record(const Op& op, const Arg& x, const Arg& y);

/// While it lives, what this thread records carries the user's line instead of the line inside a composition, and
/// errors name the composition. The outermost one counts.
class Within {
 public:
  Within(const char* name, const Location& where);
  Within(const char* name, const Arg& argument) : Within(name, argument.where()) {}
  ~Within();
  Within(const Within&) = delete;
  Within& operator=(const Within&) = delete;

 private:
  bool outermost_;
};

/// Pending work is limited: a loop that never asks for values is computed now and then. While an object of this type
/// lives, that does not happen on this thread, so that a rule, a gradient or an optimizer's step is planned as a whole.
class Quiet {
 public:
  Quiet();
  ~Quiet();
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
};

/// While it lives, what this thread records belongs to the layer (or part) of this name; nested names join with '/'.
class NameScope {
 public:
  explicit NameScope(std::string_view name);
  ~NameScope();
  NameScope(const NameScope&) = delete;
  NameScope& operator=(const NameScope&) = delete;

 private:
  const void* before_;
};

/// " (file:line)" of a place, or "" if unknown.
std::string place(const Location& where);

/// Axes as a bit mask counted from the end (bit 0 is the last axis); throws ShapeError for an axis out of range or
/// twice. `all` axes give the mask of every axis of this rank.
std::uint32_t mask_from_end(const Axes& axes, int rank, const char* operation, const Location& where);

// --- the table of samples
// ------------------------------------------------------------------------------------------------

/// How one input of a sample is made.
struct SampleInput {
  Shape shape = {};
  double low = -2, high = 2;          ///< values are spread over [low, high], no two alike
  DType dtype = float64;
  std::vector<double> values = {};    ///< given values instead, in row-major order
  bool differentiable = true;         ///< for floats
  bool strided = false;               ///< made by slicing and transposing a larger tensor
  bool broadcast = false;             ///< made by broadcasting along the first axis
};

/// A sample: inputs for one call of a function. No two of a tensor's values are alike (ties and kinks are tested as
/// special values).
struct Sample {
  std::vector<SampleInput> inputs;
};

/// A call that must throw, and words its message must contain.
struct ErrorSample {
  Tensor (*call)();
  const char* words;
};

/// A special value: a call and what must come out, bit for bit (NaN equals NaN).
struct SpecialValue {
  Tensor (*call)();
  std::vector<double> expected;
};

/// One row of the table: a public function of `ops/*.hpp` (or graph/basic.hpp), with its samples. Tests walk it.
struct Row {
  const char* name;
  Tensor (*call)(std::span<const Tensor> inputs);
  std::vector<Sample> samples;                  ///< at least plain, broadcast, 0-d, empty and strided where they apply
  std::vector<SpecialValue> special = {};
  std::vector<ErrorSample> errors = {};
  const char* no_derivative = nullptr;          ///< the reason, if there is none
  const char* fewer_samples = nullptr;          ///< the reason, if a kind of sample does not apply
};

/// A family's rows; each family's source defines one such function.
using Rows = std::span<const Row>;

}  // namespace xgrad
