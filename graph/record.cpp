#include <xgrad/graph/node.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace xgrad {
namespace {

/// Work that nobody asked for is computed after this many nodes or bytes of leaves, so that no loop grows for ever.
constexpr std::uint64_t pending_nodes = 20'000;
constexpr std::uint64_t pending_bytes = std::uint64_t{1} << 30;

std::string prefix(const char* operation) {
  const ThreadState& state = this_thread();
  std::string text = "[";
  if (state.within && state.composition && std::strcmp(state.composition, operation) != 0)
    text += std::string(state.composition) + ": ";
  return text + operation + "] ";
}
std::string prefix(const Op& op) { return prefix(op.name); }

std::string suffix(const Node* node, Node* const* inputs, int arity) {
  std::string text;
  for (int k = 0; k < arity; ++k) {
    text += k == 0 ? ", got " : " and ";
    if (!inputs[k]->name().empty()) text += "'" + std::string(inputs[k]->name()) + "' ";
    text += to_string(inputs[k]->shape) + " " + name_of(inputs[k]->dtype);
  }
  if (node->scope && !node->scope->empty()) text += ", in " + *node->scope;
  return text + place(node->where);
}

/// Whether a plan may rely on this number: the key then records it.
bool is_exact(const Op& op, int k, double value) {
  if (value == 0) return !std::signbit(value);
  if (value == 1 || value == -1 || value == 2 || value == 0.5) return true;
  return op.code == kernels::Code::power && k == 1 && value == std::floor(value) && std::fabs(value) <= 64;
}

/// The number an argument is, if it is one: a C++ number, or one that was recorded and is recorded again.
bool weak_number(const Arg& arg, Arg& number) {
  if (!arg.node()) {
    number = arg;
    return true;
  }
  const Node* node = arg.node();
  if (!node->flags.weak) return false;
  number = is_floating(node->dtype) ? Arg(node->value.real, arg.where()) : Arg(node->value.integer, arg.where());
  return true;
}

DType dtype_of_number(const Arg& number) {
  if (number.kind() == Arg::Kind::real) return float32;
  return number.kind() == Arg::Kind::boolean ? bool_ : int64;
}

/// What the tensors among these arguments promote to; numbers only matter if there is no tensor, or for fractions.
DType common_dtype(std::span<const Arg> args, Promotion promotion) {
  bool any = false;
  DType type = bool_;
  Arg number = 0;
  for (const Arg& arg : args) {
    if (weak_number(arg, number)) continue;
    type = any ? std::max(type, arg.node()->dtype) : arg.node()->dtype;
    any = true;
  }
  for (const Arg& arg : args) {
    if (!weak_number(arg, number)) continue;
    if (!any) type = std::max(type, arg.node() ? arg.node()->dtype : dtype_of_number(number));
    else if (number.kind() == Arg::Kind::real && !is_floating(type)) type = float32;
    else if (number.kind() == Arg::Kind::integer && type == bool_) type = int64;
  }
  if (promotion == Promotion::floating && !is_floating(type)) type = float32;
  return type;
}

Shape broadcast_shape(const Recording& call) {
  Shape shape = call.shape(0);
  for (int k = 1; k < call.arity(); ++k) {
    const Shape& other = call.shape(k);
    if (other == shape || other.rank() == 0) continue;
    const int rank = std::max(shape.rank(), other.rank());
    std::int64_t lengths[max_rank];
    for (int i = 1; i <= rank; ++i) {
      const std::int64_t a = i <= shape.rank() ? shape[-i] : 1;
      const std::int64_t b = i <= other.rank() ? other[-i] : 1;
      if (a != b && a != 1 && b != 1) call.shape_error("expected shapes that broadcast together");
      lengths[rank - i] = a == 1 ? b : a;
    }
    shape = Shape(std::span<const std::int64_t>(lengths, static_cast<std::size_t>(rank)));
  }
  return shape;
}

/// kernels::supported for results of the operands' type (bit 0) and of bool (bit 1), looked up with every recording.
struct SupportTable {
  std::uint8_t bits[256][dtype_count] = {};
  SupportTable() {
    for (int code = 0; code <= static_cast<int>(kernels::Code::expand); ++code)
      for (int type = 0; type < dtype_count; ++type) {
        const auto c = static_cast<kernels::Code>(code);
        const auto t = static_cast<DType>(type);
        bits[code][type] =
            static_cast<std::uint8_t>(kernels::supported(c, t, t) | kernels::supported(c, t, bool_) << 1);
      }
  }
};

bool is_supported(const Op& op, DType in) {
  static const SupportTable table;
  return table.bits[static_cast<int>(op.code)][static_cast<int>(in)] >> op.gives_bool & 1;
}

[[gnu::noinline, gnu::cold]] void infer_broadcast(Recording& call, DType dtype) {
  call.result(broadcast_shape(call), dtype);
}

inline void infer_elementwise(const Op& op, Node* node, std::span<Node* const> inputs) {
  const std::size_t arity = inputs.size();
  const DType in = inputs[arity - 1]->dtype;
  if (!is_supported(op, in)) [[unlikely]]
    Recording(op, node, inputs.data(), static_cast<int>(arity)).dtype_error("expected a dtype this is defined for");
  node->dtype = op.gives_bool ? bool_ : in;
  const Shape* shape = &inputs[0]->shape;
  for (std::size_t k = 1; k < arity; ++k) {
    const Shape& other = inputs[k]->shape;
    if (other.rank() == 0 || *shape == other) continue;
    if (shape->rank() == 0) {
      shape = &other;
      continue;
    }
    Recording call(op, node, inputs.data(), static_cast<int>(arity));
    return infer_broadcast(call, node->dtype);
  }
  node->shape = *shape;
}

/// Which of the numbers that nodes share this is, or -1.
int shared_place(double value, DType type) {
  if (value == 1) return 1;
  if (value == 2) return 3;
  if (value == 0) return std::signbit(value) ? -1 : 0;
  if (value == -1) return 2;
  return value == 0.5 && is_floating(type) ? 4 : -1;
}

/// A C++ number as a node. Those that keys record by value are shared: a rule's 1 - y*y needs no new node for its 1.
Tensor weak_node(ThreadState& state, const Arg& number, DType type, const Op& op, int k) {
  const double value = number.kind() == Arg::Kind::real ? number.real() : static_cast<double>(number.integer());
  const int place = shared_place(value, type);
  if (place < 0) {
    Tensor node = make_number(number, type, is_exact(op, k, value));
    node.node()->flags.weak = true;
    return node;
  }
  Tensor& kept = state.exact[place][static_cast<int>(type)];
  if (!kept.defined()) {
    Tensor node = make_number(Arg(value, Location()), type, true);
    node.node()->flags.weak = true;
    kept = std::move(node);
  }
  return kept;
}

/// Inputs as nodes of the dtype the operation computes in; `made` keeps what had to be recorded for that.
void promote_inputs(const Op& op, std::span<const Arg> args, Node** inputs, Tensor* made) {
  const bool promotes = op.kind == Kind::elementwise ? !op.infer : op.promotion != Promotion::none;
  // The condition of a selection is not promoted with the values it chooses from.
  const std::uint32_t first = op.code == kernels::Code::select ? 1 : 0;
  DType common = bool_;
  if (promotes && args.size() > first) common = common_dtype(args.subspan(first), op.promotion);
  for (std::uint32_t k = 0; k < args.size(); ++k) {
    Arg number = 0;
    const bool is_number = weak_number(args[k], number);
    const bool promote = promotes && k >= first;
    if (!is_number && !(promote && args[k].node()->dtype != common)) {
      inputs[k] = args[k].node();
      continue;
    }
    if (is_number) {
      const DType type = promote ? common : (args[k].node() ? args[k].node()->dtype : dtype_of_number(number));
      made[k] = weak_node(this_thread(), number, type, op, static_cast<int>(k));
    } else {
      made[k] = cast(args[k], common);
      made[k].node()->flags.promoted = true;
    }
    inputs[k] = made[k].node();
  }
}

/// Arithmetic between C++ numbers alone stays a C++ number, so that it still takes the dtype of the tensors it meets.
Tensor number_of_numbers(const Op& op, std::span<const Arg> args) {
  if (op.kind != Kind::elementwise || op.infer || args.empty() || args.size() > 2) return Tensor();
  double x[2] = {};
  bool whole = true;
  for (std::size_t k = 0; k < args.size(); ++k) {
    Arg number = 0;
    if (!weak_number(args[k], number) || number.kind() == Arg::Kind::boolean) return Tensor();
    whole &= number.kind() == Arg::Kind::integer;
    x[k] = number.kind() == Arg::Kind::real ? number.real() : static_cast<double>(number.integer());
  }
  if (whole) return Tensor();
  double result;
  switch (op.code) {
    case kernels::Code::add: result = x[0] + x[1]; break;
    case kernels::Code::subtract: result = x[0] - x[1]; break;
    case kernels::Code::multiply: result = x[0] * x[1]; break;
    case kernels::Code::divide: result = x[0] / x[1]; break;
    case kernels::Code::negate: result = -x[0]; break;
    default: return Tensor();
  }
  Tensor number = make_number(Arg(result, args[0].where()), common_dtype(args, op.promotion), false);
  number.node()->flags.weak = true;
  return number;
}

/// Whether these nodes (null: a number) can be inputs as they are, being of the dtype the operation computes in.
[[gnu::always_inline]] inline bool fit(const Op& op, std::span<Node* const> inputs) {
  if (inputs.empty()) return true;
  for (const Node* node : inputs)
    if (!node || node->flags.weak) return false;
  if (op.kind != Kind::elementwise && op.promotion == Promotion::none) return true;
  const DType type = inputs[0]->dtype;
  for (const Node* node : inputs.subspan(1))
    if (node->dtype != type) return false;
  return op.promotion != Promotion::floating || is_floating(type);
}

/// A number takes the dtype of the floating tensor it meets in arithmetic: most of what `promote_inputs` is asked.
bool meet(ThreadState& state, const Op& op, const Arg& x, const Arg& y, Node** inputs, Tensor& made) {
  if (op.kind != Kind::elementwise || op.infer || !inputs[0] == !inputs[1]) return false;
  const int k = inputs[0] ? 1 : 0;
  const Node* tensor = inputs[1 - k];
  const Arg& number = k ? y : x;
  if (number.kind() == Arg::Kind::tensor || tensor->flags.weak || !is_floating(tensor->dtype)) return false;
  made = weak_node(state, number, tensor->dtype, op, k);
  inputs[k] = made.node();
  return true;
}

}  // namespace

int Recording::arity() const { return arity_; }
const Shape& Recording::shape(int k) const { return inputs_[k]->shape; }
DType Recording::dtype(int k) const { return inputs_[k]->dtype; }
std::int64_t Recording::attribute(int i) const { return node_->attributes[i]; }
std::span<const std::int64_t> Recording::list() const { return list_of(node_); }
const Carried* Recording::carried() const { return carried_by(node_); }
void Recording::result(const Shape& shape, DType dtype) {
  check_size(shape);
  node_->shape = shape;
  node_->dtype = dtype;
}
void Recording::check_size(const Shape& shape) const {
  std::int64_t elements = 1;
  for (const std::int64_t length : shape)
    if (__builtin_mul_overflow(elements, length, &elements) || elements > (std::int64_t{1} << 56))
      shape_error("expected a result that memory could hold, not " + to_string(shape));
}
void Recording::shape_error(const std::string& what) const {
  throw ShapeError(prefix(op_) + what + suffix(node_, inputs_, arity_));
}
void Recording::dtype_error(const std::string& what) const {
  throw DTypeError(prefix(op_) + what + suffix(node_, inputs_, arity_));
}
void Recording::value_error(const std::string& what) const {
  throw ValueError(prefix(op_) + what + suffix(node_, inputs_, arity_));
}
int Recording::axis(std::int64_t axis, int rank) const {
  if (axis < -rank || axis >= rank)
    shape_error("expected an axis from " + std::to_string(-rank) + " to " + std::to_string(rank - 1) + ", not " +
                std::to_string(axis));
  return static_cast<int>(axis < 0 ? axis + rank : axis);
}

const Tensor& Applied::in(int k) const { return as_tensor(node_->inputs[k]); }
const Tensor& Applied::out() const { return as_tensor(node_); }
int Applied::arity() const { return static_cast<int>(node_->arity); }
std::int64_t Applied::attribute(int i) const { return node_->attributes[i]; }
std::span<const std::int64_t> Applied::list() const { return list_of(node_); }
const Carried* Applied::carried() const { return carried_by(node_); }
const Op& Applied::op() const { return *node_->op; }
Tensor Applied::again(std::span<const Tensor> inputs) const {
  std::vector<Arg> args;
  args.reserve(inputs.size());
  for (const Tensor& input : inputs) args.emplace_back(input, node_->where);
  return record(*node_->op, args, attributes_of(node_), node_->value.draw);
}

void Launch::fail(const std::string& what) const {
  std::string text = std::string("[") + op->name + "] " + what;
  if (scope && *scope) text += std::string(", in ") + scope;
  throw ValueError(text + (where ? place(*where) : ""));
}

std::uint32_t mask_from_end(const Axes& axes, int rank, const char* operation, const Location& where) {
  if (axes.all()) return (1u << rank) - 1;
  const auto refuse = [&](const std::string& what) {
    const ThreadState& state = this_thread();
    throw ShapeError(prefix(operation) + what + place(state.within ? state.where : where));
  };
  std::uint32_t mask = 0;
  for (const int asked : axes) {
    if (asked < -rank || asked >= rank)
      refuse(rank == 0 ? "expected an axis, but a scalar has none, got " + std::to_string(asked)
                       : "expected an axis from " + std::to_string(-rank) + " to " + std::to_string(rank - 1) +
                             ", got " + std::to_string(asked));
    const std::uint32_t bit = 1u << (rank - 1 - (asked < 0 ? asked + rank : asked));
    if (mask & bit) refuse("expected each axis once, got axis " + std::to_string(asked) + " twice");
    mask |= bit;
  }
  return mask;
}

namespace {

// Inlined into each way to record: the attributes of plain operations then cost nothing.
[[gnu::always_inline]] inline Tensor record_node(ThreadState& state, const Op& op, std::span<Node* const> inputs,
                                                 const Location& where, const Attributes& attributes,
                                                 kernels::Draw draw) {
  Node* node = new_node(state);
  Tensor result = Tensor::adopt(node);
  node->where = state.within ? state.where : where;
  node->scope = state.scope;
  node->attributes[0] = attributes.a;
  node->attributes[1] = attributes.b;
  if (!attributes.list.empty()) set_list(node, attributes.list);
  if (!attributes.text.empty()) info_of(node).text = attributes.text;
  if (attributes.carried) {
    Info& info = info_of(node);
    attributes.carried->retain();
    info.carried = attributes.carried;
  }
  if (op.kind == Kind::draw || op.random) node->value.draw = draw;

  const std::uint32_t arity = static_cast<std::uint32_t>(inputs.size());
  if (op.infer) {
    Recording call(op, node, inputs.data(), static_cast<int>(arity));
    op.infer(call);
  } else {
    infer_elementwise(op, node, inputs);
  }

  if (arity > few_inputs) node->inputs = new Node*[arity];
  Node** const places = node->inputs;
  Flags flags;
  flags.no_grad = state.no_grad;
  flags.only_recorded = state.only_recording > 0;
  flags.attributed = (attributes.a | attributes.b) != 0 || !attributes.list.empty() || attributes.carried;
  bool symbolic = false;
  for (std::uint32_t k = 0; k < arity; ++k) {
    places[k] = inputs[k];
    symbolic |= inputs[k]->flags.symbolic;
    retain(inputs[k], one_consumer);
  }
  flags.symbolic = symbolic;
  node->arity = arity;
  node->op = &op;
  node->flags = flags;
  // What never has a value is no part of any evaluation.
  if (symbolic) return result;
  if (state.history.size() == state.history.capacity()) make_room(state);
  node->place = static_cast<std::uint32_t>(state.history.size());
  state.history.push_back(node);
  node->standing.listed = true;
  ++state.listed;

  ++state.recorded;
  if (state.eager) {
    evaluate_at_once(node);
  } else if (state.quiet == 0 && (state.recorded > pending_nodes || state.recorded_bytes > pending_bytes)) {
    evaluate_held();
  }
  return result;
}

/// Any number of arguments of any kind: numbers become nodes, dtypes are made one.
[[gnu::noinline]] Tensor record_any(ThreadState& state, const Op& op, std::span<const Arg> args,
                                    const Attributes& attributes, kernels::Draw draw) {
  for (const Arg& arg : args)
    if (arg.kind() == Arg::Kind::tensor && !arg.node())
      throw ValueError(prefix(op) + "expected a tensor, got one that was never given a value" + place(arg.where()));
  const std::size_t arity = args.size();
  Node* few[few_inputs];
  Tensor few_made[few_inputs];
  std::vector<Node*> many(arity > few_inputs ? arity : 0);
  std::vector<Tensor> many_made(many.size());
  const std::span<Node*> inputs(many.empty() ? few : many.data(), arity);
  for (std::size_t k = 0; k < arity; ++k) inputs[k] = args[k].node();
  if (!fit(op, inputs)) {
    if (Tensor number = number_of_numbers(op, args); number.defined()) return number;
    promote_inputs(op, args, inputs.data(), many.empty() ? few_made : many_made.data());
  }
  return record_node(state, op, inputs, arity ? args[0].where() : Location(), attributes, draw);
}

ThreadState& recording_thread() {
  ThreadState& state = this_thread();
  if (state.foreign.load(std::memory_order_relaxed)) free_foreign(state);
  return state;
}

}  // namespace

Tensor record(const Op& op, const Arg& x) {
  ThreadState& state = recording_thread();
  Node* const inputs[] = {x.node()};
  if (fit(op, inputs)) return record_node(state, op, inputs, x.where(), {}, {});
  return record_any(state, op, std::span(&x, 1), {}, {});
}

Tensor record(const Op& op, const Arg& x, const Arg& y) {
  ThreadState& state = recording_thread();
  Node* inputs[] = {x.node(), y.node()};
  Tensor made;
  if (fit(op, inputs) || meet(state, op, x, y, inputs, made)) return record_node(state, op, inputs, x.where(), {}, {});
  const Arg args[] = {x, y};
  return record_any(state, op, args, {}, {});
}

Tensor record(const Op& op, std::span<const Arg> args, const Attributes& attributes, kernels::Draw draw) {
  return record_any(recording_thread(), op, args, attributes, draw);
}

}  // namespace xgrad
