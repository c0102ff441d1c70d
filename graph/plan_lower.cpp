/// Lowering: the request's operations as the few forms the planner knows, simplified where no bit can change.

#include <xgrad/graph/identities.hpp>
#include <xgrad/graph/plan.hpp>
#include <xgrad/graph/parts.hpp>
#include <xgrad/graph/plan_ir.hpp>
#include <xgrad/kernels/single.hpp>

#include <bit>
#include <cstring>
#include <unordered_map>

namespace xgrad {
namespace {

using kernels::Code;

/// Zeros have signs.
bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

class Lowering {
 public:
  explicit Lowering(const Request& request) : request_(request) {}
  Lowered run();

 private:
  std::uint32_t leaf(std::uint32_t i);
  std::uint32_t computed(std::uint32_t i);
  std::uint32_t elementwise(std::uint32_t i);
  std::uint32_t fold(std::uint32_t i);
  std::uint32_t launch(std::uint32_t i);
  void note_cut(std::uint32_t id, const Operand& whole, const Region& region);
  Operand operand(std::uint32_t i, std::uint32_t k) const;
  Operand through_broadcast(const Operand& operand) const;
  Operand through_cut(const Operand& operand) const;
  std::uint32_t in_memory(std::uint32_t id, std::uint32_t i);
  std::uint32_t add(Value value, bool mergeable = true);
  bool same(const Value& a, const Value& b) const;
  std::uint32_t simplified(const Value& value) const;
  std::uint32_t known(const Value& value);

  const Request& request_;
  Lowered out_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> known_;
  std::unordered_map<std::uint32_t, Operand> repeated_;  ///< broadcast values: what they repeat
  std::unordered_map<std::uint32_t, Operand> cuts_;      ///< values that are parts of others: of which
};

Operand Lowering::operand(std::uint32_t i, std::uint32_t k) const {
  const std::uint32_t input = request_.inputs[request_.first_input[i] + k];
  const Node* node = request_.order[i]->inputs[k];
  return {input == no_index ? none : out_.of[input], node->shape};
}

/// An elementwise reader repeats elements by itself, so it may read what a broadcast repeats.
Operand Lowering::through_broadcast(const Operand& operand) const {
  if (!optimisation(Optimisation::identities)) return operand;
  const auto found = repeated_.find(operand.value);
  if (found == repeated_.end()) return operand;
  // One number repeated is the same under every shape.
  const bool as_it_was = out_.values[operand.value].shape == operand.shape || found->second.shape.size() == 1;
  return as_it_was ? found->second : operand;
}

/// An elementwise reader may also read a part where it is.
Operand Lowering::through_cut(const Operand& operand) const {
  const auto found = cuts_.find(operand.value);
  if (operand.cut || found == cuts_.end()) return operand;
  Shape shape;
  for (const std::int64_t length : operand.shape)
    if (length != 1) shape.append(length);
  if (!(shape == found->second.cut->shape)) return operand;
  return {found->second.value, operand.shape, found->second.cut};
}

bool Lowering::same(const Value& a, const Value& b) const {
  if (a.form != b.form || a.code != b.code || a.dtype != b.dtype || a.arity != b.arity || a.rows != b.rows ||
      a.cols != b.cols || a.inner != b.inner || !(a.shape == b.shape))
    return false;
  if (!same_bits(a.number, b.number)) return false;
  const auto left = a.operands(), right = b.operands();
  for (std::size_t k = 0; k < left.size(); ++k)
    if (left[k].value != right[k].value || left[k].cut != right[k].cut || !(left[k].shape == right[k].shape))
      return false;
  if (a.form != Form::launch && a.form != Form::check) return true;
  const Node* x = request_.order[a.node];
  const Node* y = request_.order[b.node];
  if (x->op != y->op || x->attributes[0] != y->attributes[0] || x->attributes[1] != y->attributes[1]) return false;
  const auto p = list_of(x), q = list_of(y);
  if (p.size() != q.size()) return false;
  for (std::size_t k = 0; k < p.size(); ++k)
    if (p[k] != q[k]) return false;
  return true;
}

std::uint32_t Lowering::add(Value value, bool mergeable) {
  std::uint64_t hash = static_cast<std::uint64_t>(value.form) * 31 + static_cast<std::uint64_t>(value.code);
  for (const Operand& in : value.operands()) hash = hash * 0x9E3779B97F4A7C15u + in.value;
  hash = hash * 0x9E3779B97F4A7C15u + static_cast<std::uint64_t>(value.size);
  if (mergeable && optimisation(Optimisation::subexpressions)) {
    const auto [first, last] = known_.equal_range(hash);
    for (auto it = first; it != last; ++it)
      if (same(out_.values[it->second], value)) return it->second;
  }
  const std::uint32_t id = static_cast<std::uint32_t>(out_.values.size());
  if (mergeable) known_.emplace(hash, id);
  out_.values.push_back(std::move(value));
  return id;
}

std::uint32_t Lowering::leaf(std::uint32_t i) {
  const Node* node = request_.order[i];
  Value value;
  value.form = node->flags.number ? Form::number : Form::leaf;
  value.dtype = node->dtype;
  value.node = i;
  value.shape = node->shape;
  value.size = node->shape.size();
  value.exact = node->flags.number && node->flags.exact;
  if (value.exact)
    value.number = is_floating(node->dtype) ? node->value.real : static_cast<double>(node->value.integer);
  // Two numbers are never one value because they happen to be equal; exact ones are, the key says so.
  return add(std::move(value), value.exact);
}

/// The value an instruction always equals, bit for bit, or none.
std::uint32_t Lowering::simplified(const Value& v) const {
  if (v.form != Form::map || v.arity != 2 || !optimisation(Optimisation::identities)) return none;
  const auto is = [&](int k, double number) {
    const Value& in = out_.values[v.in[k].value];
    return (in.form == Form::constant || in.exact) && same_bits(in.number, number);
  };
  const auto keeps = [&](int k) {
    return v.in[k].shape.size() == v.size && out_.values[v.in[k].value].dtype == v.dtype;
  };
  for (const Identity& identity : identities)
    if (v.code == identity.code && is(identity.operand, identity.number) && keeps(identity.result))
      return v.in[identity.result].value;
  return none;
}

/// What an instruction gives of numbers the plan knows, computed by the kernel that would compute it; or none.
std::uint32_t Lowering::known(const Value& v) {
  if (v.code == Code::copy || v.arity == 0 || !is_floating(v.dtype) || !optimisation(Optimisation::identities))
    return none;
  std::uint64_t numbers[3] = {}, result = 0;
  for (std::uint32_t k = 0; k < v.arity; ++k) {
    const Value& in = out_.values[v.in[k].value];
    if (in.form != Form::constant && !in.exact) return none;
    if (in.dtype != v.dtype) return none;
    with_dtype(v.dtype, [&]<class T>(T) {
      const T number = static_cast<T>(in.number);
      std::memcpy(&numbers[k], &number, sizeof number);
    });
  }
  const kernels::Kernel kernel = kernels::kernel_of(v.code, v.dtype);
  if (!kernel) return none;
  kernel(&result, &numbers[0], &numbers[1], &numbers[2], 1);
  Value constant;
  constant.form = Form::constant;
  constant.dtype = v.dtype;
  constant.node = v.node;
  with_dtype(v.dtype, [&]<class T>(T) {
    T number;
    std::memcpy(&number, &result, sizeof number);
    constant.number = static_cast<double>(number);
  });
  if (constant.number != constant.number) return none;  // a NaN has bits of its own
  return add(std::move(constant));
}

std::uint32_t Lowering::elementwise(std::uint32_t i) {
  const Node* node = request_.order[i];
  Value value;
  value.form = Form::map;
  value.code = node->op->kind == Kind::broadcast ? Code::copy : node->op->code;
  value.dtype = node->dtype;
  value.node = i;
  value.shape = node->shape;
  value.size = node->shape.size();
  value.arity = node->op->kind == Kind::broadcast ? 1 : node->arity;
  for (std::uint32_t k = 0; k < value.arity; ++k) value.in[k] = through_broadcast(operand(i, k));
  if (value.code == Code::power) {
    const Value& exponent = out_.values[value.in[1].value];
    if (exponent.exact && is_floating(value.dtype) && (exponent.number == 2 || exponent.number == -1)) {
      value.code = exponent.number == 2 ? Code::square : Code::reciprocal;
      value.arity = 1;
    }
  }
  const std::uint32_t simple = simplified(value);
  if (simple != none) return simple;
  // A broadcast to the same number of elements repeats nothing.
  if (value.code == Code::copy && value.in[0].shape.size() == value.size &&
      out_.values[value.in[0].value].form != Form::number && out_.values[value.in[0].value].form != Form::constant)
    return value.in[0].value;
  bool repeats = node->op->kind == Kind::broadcast;
  for (std::uint32_t k = 0; k < value.arity; ++k) value.in[k] = through_cut(value.in[k]);
  Operand source = value.in[0];
  if (const std::uint32_t number = known(value); number != none) {
    if (value.size == 1) return number;
    source = {number, Shape()};
    value.code = Code::copy;
    value.arity = 1;
    value.in[0] = source;
    repeats = true;
  }
  const std::uint32_t id = add(std::move(value));
  if (repeats) repeated_.emplace(id, source);
  return id;
}

std::uint32_t Lowering::fold(std::uint32_t i) {
  const Node* node = request_.order[i];
  const std::uint32_t mask = node->op->folded(Applied(request_.order[i], 0));
  Operand current = operand(i, 0);
  // Runs of folded axes from the last to the first; axes of length 1 hold nothing to fold.
  Shape shape = current.shape;
  const auto folded = [&](int axis) { return (mask >> axis & 1) != 0; };
  for (int last = shape.rank() - 1; last >= 0;) {
    if (!folded(last) || shape[last] == 1) {
      --last;
      continue;
    }
    int first = last;
    while (first > 0 && (folded(first - 1) || shape[first - 1] == 1)) --first;
    Value value;
    value.code = node->op->code;
    value.dtype = node->dtype;
    value.node = i;
    value.arity = 1;
    value.in[0] = {current.value, shape};
    for (int axis = 0; axis < first; ++axis) value.rows *= shape[axis];
    for (int axis = first; axis <= last; ++axis) value.cols *= shape[axis];
    for (int axis = last + 1; axis < shape.rank(); ++axis) value.inner *= shape[axis];
    value.form = value.inner == 1 ? Form::fold_last : Form::fold_middle;
    for (int axis = first; axis <= last; ++axis) shape.set(axis, 1);
    value.shape = shape;
    value.size = shape.size();
    current.value = add(std::move(value));
    last = first - 1;
  }
  return current.value;
}

std::uint32_t Lowering::launch(std::uint32_t i) {
  const Node* node = request_.order[i];
  Value value;
  value.form = node->op->kind == Kind::check ? Form::check : Form::launch;
  value.dtype = node->dtype;
  value.node = i;
  value.shape = node->shape;
  value.size = node->shape.size();
  value.arity = node->arity;
  if (node->arity > 3) value.more.reserve(node->arity);
  for (std::uint32_t k = 0; k < node->arity; ++k) {
    if (node->arity > 3) value.more.push_back(operand(i, k));
    else value.in[k] = operand(i, k);
  }
  if (value.form == Form::check) value.in[0].value = in_memory(value.in[0].value, i);
  const Operand whole = value.arity > 0 ? value.operands()[0] : Operand();
  // What nodes carry is not in the key, so a plan may not rely on two of them carrying the same.
  const std::uint32_t id = add(std::move(value), !node->op->random && !node->op->once && !carried_by(node));
  const PartsOp* const op = parts_of(*node->op);
  if (op && op->cut && !cuts_.contains(id)) note_cut(id, whole, op->cut(Applied(request_.order[i], 0)));
  return id;
}

void Lowering::note_cut(std::uint32_t id, const Operand& whole, const Region& region) {
  const Value& of = out_.values[whole.value];
  if (of.form == Form::number || of.form == Form::constant || out_.values[id].size == 0) return;
  const Operand source = through_cut(whole);
  Cut cut = cut_of(region, whole.shape, source.cut, out_.values[id].shape);
  if (!worth_in_place(cut)) return;
  out_.cuts.push_back(std::move(cut));
  cuts_.emplace(id, Operand{source.value, out_.values[id].shape, &out_.cuts.back()});
}

/// The value itself, or a copy of a number: what is stored needs memory of its own.
std::uint32_t Lowering::in_memory(std::uint32_t id, std::uint32_t i) {
  const Value& value = out_.values[id];
  if (value.form != Form::number && value.form != Form::constant) return id;
  Value copy;
  copy.code = Code::copy;
  copy.dtype = value.dtype;
  copy.node = i;
  copy.arity = 1;
  copy.shape = request_.order[i]->shape;
  copy.size = copy.shape.size();
  copy.in[0] = {id, Shape()};
  return add(std::move(copy));
}

std::uint32_t Lowering::computed(std::uint32_t i) {
  const Node* node = request_.order[i];
  switch (node->op->kind) {
    case Kind::elementwise:
    case Kind::broadcast: return elementwise(i);
    case Kind::alias: return operand(i, 0).value;
    case Kind::fold: return fold(i);
    case Kind::launch:
    case Kind::check: return launch(i);
    case Kind::draw: {
      Value value;
      value.form = Form::draw;
      value.code = Code::uniform;
      value.dtype = node->dtype;
      value.node = i;
      value.shape = node->shape;
      value.size = node->shape.size();
      return add(std::move(value), false);
    }
    case Kind::constant: {
      Value value;
      value.form = Form::constant;
      value.dtype = node->dtype;
      value.node = i;
      value.number = node->op->number(Applied(request_.order[i], 0));
      return add(std::move(value));
    }
  }
  return none;
}

Lowered Lowering::run() {
  const std::uint32_t n = static_cast<std::uint32_t>(request_.order.size());
  out_.of.reserve(n);
  out_.values.reserve(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    std::uint32_t id = request_.is_leaf(i) ? leaf(i) : computed(i);
    if (request_.stored[i]) id = in_memory(id, i);
    out_.of.push_back(id);
  }
  out_.stored.assign(out_.values.size(), 0);
  out_.live.assign(out_.values.size(), 0);
  for (std::uint32_t i = 0; i < n; ++i) {
    if (!request_.stored[i]) continue;
    std::uint32_t v = out_.of[i];
    out_.stored[v] = out_.live[v] = 1;
    // What a check lets through is the same memory.
    while (out_.values[v].form == Form::check) out_.stored[v = out_.values[v].in[0].value] = 1;
  }
  for (std::size_t v = out_.values.size(); v-- > 0;) {
    // A check is wanted for what it may say, and is read through by those who wanted the value.
    if (!out_.live[v]) continue;
    for (const Operand& in : out_.values[v].operands())
      if (in.value != none) out_.live[in.value] = 1;
  }
  return std::move(out_);
}

}  // namespace

Lowered lower(const Request& request) { return Lowering(request).run(); }

}  // namespace xgrad
