#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/parts.hpp>
#include <xgrad/graph/walk.hpp>

namespace xgrad {
namespace {

[[noreturn]] void throw_ended(const Node* node, const Ending* ending) {
  if (!ending->by)
    throw GradientError("[grad] expected a tensor with history, got a result of a captured function, which keeps " +
                        ("none: " + describe(node)) + "; take gradients inside the function, or use stop_gradient");
  throw GradientError("[grad] expected a tensor whose history is there, got " + describe(node) +
                      ": it was recorded from the value Parameter '" + ending->by->text + "' had before its update " +
                      std::to_string(ending->step + 1) +
                      ", and that history ended with the update; take gradients before updating, or use stop_gradient");
}

void check_history(const Node* node) {
  if (const Ending* ending = ending_of(node)) throw_ended(node, ending);
}

/// Sums and casts a gradient back to what an input of an elementwise operation was before broadcasting.
Tensor fit(Tensor gradient, const Node* input, const Node* node) {
  if (!(gradient.shape() == input->shape)) {
    if (node->op->kind != Kind::elementwise)
      throw ShapeError(std::string("[grad] the rule of ") + node->op->name + " gave a gradient of shape " +
                       to_string(gradient.shape()) + " for an input of shape " + to_string(input->shape) +
                       place(node->where));
    gradient = sum_like(gradient, Tensor::share(const_cast<Node*>(input)));
  }
  if (gradient.dtype() != input->dtype) gradient = cast(gradient, input->dtype);
  return gradient;
}

Tensor seed_for(const Node* y, const Tensor& seed) {
  if (!seed.defined()) {
    if (y->shape.size() != 1)
      throw ShapeError("[grad] expected a tensor with one element or a seed of its shape, got " + describe(y));
    const Tensor like = Tensor::share(const_cast<Node*>(y));
    const Tensor one = one_of(Arg(like, y->where));
    return y->shape.rank() == 0 ? one : broadcast_like(one, like);
  }
  if (!(seed.shape() == y->shape))
    throw ShapeError("[grad] expected a seed of shape " + to_string(y->shape) + ", got " + to_string(seed.shape()));
  return seed.dtype() == y->dtype ? seed : cast(seed, y->dtype);
}

/// What reaches input k of a node by the rule for it alone.
void add_part(Tensor& gradient, Tensor&& part, const Node* input, const Node* node) {
  if (!part.defined()) return;  // the rule says: no contribution
  if (!(part.node()->shape == input->shape) || part.node()->dtype != input->dtype)
    part = fit(std::move(part), input, node);
  gradient = gradient.defined() ? gradient + part : std::move(part);
}

/// A gradient of a call whose operation can treat several readers of one input together.
struct Waiting {
  Node* node;
  int argument;
  Tensor gradient;
  std::uint32_t before;  ///< the one that came before for the same input
};

constexpr std::uint8_t wanted = 1, asked = 2;

}  // namespace

/// The memory of a gradient, which the thread's next one uses again.
struct Sweep {
  std::vector<Node*> xs;
  std::vector<Tensor> seeds, gradients, parts, results, found;
  std::vector<std::uint8_t> roles;  ///< of each node: whether it leads to an x, and whether it is one
  std::vector<std::uint32_t> x_at, y_at;
  std::vector<Waiting> waiting;
  std::vector<Applied> calls;  ///< those that are treated together, and their gradients
  std::vector<Tensor> shared;
  std::vector<std::uint32_t> last;  ///< of each input the last that is waiting; empty while none is

  void clear() {
    seeds.clear();
    gradients.clear();
    parts.clear();
    results.clear();
    found.clear();
    waiting.clear();
    shared.clear();
    last.clear();
  }
};

namespace {

/// The thread's sweep, or another one while a rule asks for gradients itself.
class Sweeping {
 public:
  Sweeping() : state_(this_thread()), sweep_(std::move(state_.sweep)) {
    if (!sweep_) sweep_ = std::make_shared<Sweep>();
    sweep_->xs.clear();
  }
  ~Sweeping() {
    sweep_->clear();
    constexpr std::size_t most_kept = std::size_t{1} << 16;  // nodes; a larger one is rare
    if (sweep_->gradients.capacity() <= most_kept) state_.sweep = std::move(sweep_);
  }
  Sweeping(const Sweeping&) = delete;
  Sweeping& operator=(const Sweeping&) = delete;
  Sweep& operator*() const { return *sweep_; }
  Sweep* operator->() const { return sweep_.get(); }

 private:
  ThreadState& state_;
  std::shared_ptr<Sweep> sweep_;
};

void wait(Sweep& s, std::uint32_t input, Node* node, int argument, const Tensor& gradient) {
  if (s.last.empty()) s.last.assign(s.gradients.size(), no_index);
  s.waiting.push_back({node, argument, gradient, s.last[input]});
  s.last[input] = static_cast<std::uint32_t>(s.waiting.size() - 1);
}

/// Adds what the waiting readers of this input leave for it.
void collect(Sweep& s, std::uint32_t input, const Node* node, Tensor& gradient) {
  for (std::uint32_t i = s.last[input]; i != no_index; i = s.waiting[i].before) {
    Waiting& first = s.waiting[i];
    if (!first.node) continue;
    // The last to come was recorded first.
    const Op* const op = first.node->op;
    std::vector<Applied>& calls = s.calls;
    std::vector<Tensor>& gradients = s.shared;
    calls.clear();
    gradients.clear();
    for (std::uint32_t k = i; k != no_index; k = s.waiting[k].before) {
      Waiting& other = s.waiting[k];
      if (!other.node || other.node->op != op) continue;
      calls.emplace_back(other.node, other.argument);
      gradients.push_back(std::move(other.gradient));
      if (k != i) other.node = nullptr;
    }
    const OnBehalf here(first.node);
    Tensor sum = calls.size() > 1 ? parts_of(*op)->together(calls, gradients) : Tensor();
    if (sum.defined()) {
      add_part(gradient, std::move(sum), node, first.node);
      continue;
    }
    for (std::size_t k = 0; k < calls.size(); ++k) {
      const Rule rule = rule_of(*op, static_cast<std::uint32_t>(calls[k].argument()));
      add_part(gradient, rule(calls[k], gradients[k]), node, first.node);
    }
  }
}

/// What reaches the inputs of a node.
void pass_on(Sweep& s, Node* node, std::size_t i, std::span<const std::uint32_t> inputs_at) {
  const Op& op = *node->op;
  const auto wants = [&](std::size_t k) { return inputs_at[k] != no_index && s.roles[inputs_at[k]]; };
  if (op.reverse) {
    s.parts.assign(inputs_at.size(), Tensor());
    op.reverse(Applied(node, 0), s.gradients[i], s.parts);
    for (std::size_t k = 0; k < inputs_at.size(); ++k)
      if (wants(k)) add_part(s.gradients[inputs_at[k]], std::move(s.parts[k]), node->inputs[k], node);
    return;
  }
  const PartsOp* const parts = parts_of(op);
  for (std::size_t k = 0; k < inputs_at.size(); ++k) {
    if (!wants(k)) continue;
    if (parts && parts->together) {
      wait(s, inputs_at[k], node, static_cast<int>(k), s.gradients[i]);
      continue;
    }
    const Rule rule = rule_of(op, static_cast<std::uint32_t>(k));
    add_part(s.gradients[inputs_at[k]], rule(Applied(node, static_cast<int>(k)), s.gradients[i]), node->inputs[k],
             node);
  }
}

/// Why there is no gradient by x, if that is an error.
void explain_unused(std::span<Node* const> ys, const Node* x, std::span<Node* const> order, Unused unused) {
  const auto what = [&] { return ys.size() == 1 ? describe(ys[0]) : std::string("the outputs"); };
  for (const Node* node : order)
    if (x->slot && node->slot == x->slot)
      throw GradientError("[grad] expected a tensor recorded from the current value of Parameter '" + x->slot->name +
                          "', got " + what() +
                          ", recorded from the value before its update; take gradients before updating");
  for (const Node* node : order)
    if (node->owner != &this_thread() && node->op)
      throw GradientError("[grad] expected tensors that " + what() + " was recorded from on this thread, got " +
                          describe(x) + " behind " + describe(node) +
                          ", which another thread recorded: take its gradient there");
  if (unused == Unused::error)
    throw GradientError("[grad] expected tensors that " + what() + " was recorded from, got " + describe(x) +
                        ", which it does not depend on");
}

/// One sweep from the ys, each with its seed, to `s.xs`; `out` is written at the end.
void reverse(Sweep& s, std::span<Node* const> ys, std::span<const Tensor> seeds, std::span<Tensor> out,
             Unused unused) {
  const Quiet quiet;
  for (const Node* y : ys)
    if (!is_floating(y->dtype))
      throw DTypeError("[grad] expected a floating-point tensor to differentiate, got " + describe(y));
  for (const Node* x : s.xs)
    if (!is_floating(x->dtype))
      throw DTypeError("[grad] expected floating-point tensors to differentiate by, got " + describe(x));
  for (std::size_t j = 0; j < ys.size(); ++j) s.seeds.push_back(seed_for(ys[j], seeds[j]));

  Walk walk(Follow::derivatives);
  for (Node* y : ys) walk.add(y);
  const std::span<Node* const> order = walk.order();
  s.roles.assign(order.size(), 0);
  s.x_at.clear();
  s.y_at.clear();
  for (const Node* y : ys) s.y_at.push_back(walk[y]);
  for (const Node* x : s.xs) {
    s.x_at.push_back(walk[x]);
    if (s.x_at.back() != no_index) s.roles[s.x_at.back()] = wanted | asked;
  }
  // Which nodes lead to an x.
  for (std::size_t i = 0; i < order.size(); ++i) {
    check_history(order[i]);
    for (const std::uint32_t at : walk.inputs_of(i))
      if (at != no_index && s.roles[at]) s.roles[i] |= wanted;
  }

  s.gradients.resize(order.size());
  for (std::size_t j = 0; j < ys.size(); ++j) {
    Tensor& gradient = s.gradients[s.y_at[j]];
    if (s.roles[s.y_at[j]]) gradient = gradient.defined() ? gradient + s.seeds[j] : s.seeds[j];
  }
  {
    OnBehalf here;
    for (std::size_t i = order.size(); i-- > 0;) {
      Node* node = order[i];
      if (!s.last.empty()) collect(s, static_cast<std::uint32_t>(i), node, s.gradients[i]);
      if (!s.gradients[i].defined()) continue;
      const auto inputs_at = walk.inputs_of(i);
      if (!inputs_at.empty()) {
        here.of(node);
        pass_on(s, node, i, inputs_at);
      }
      if (!(s.roles[i] & asked)) s.gradients[i] = Tensor();
    }
  }
  for (std::size_t j = 0; j < s.xs.size(); ++j) {
    if (const std::uint32_t at = s.x_at[j]; at != no_index && s.gradients[at].defined()) {
      s.results.push_back(s.gradients[at]);
      continue;
    }
    explain_unused(ys, s.xs[j], order, unused);
    s.results.push_back(zeros_like(Tensor::share(s.xs[j])));
  }
  for (std::size_t j = 0; j < out.size(); ++j) out[j] = std::move(s.results[j]);
}

void reverse(Sweep& s, Node* y, std::span<Tensor> out, const GradOptions& options) {
  reverse(s, std::span(&y, 1), std::span(&options.seed, 1), out, options.unused);
}

Node* node_of(const Arg& arg) {
  if (!arg.node()) throw ValueError("[grad] expected tensors, got a number" + place(arg.where()));
  return arg.node();
}

template <class T>
void gradients(const Arg& y, std::span<const T> xs, std::span<Tensor> out, const GradOptions& options) {
  const Within here("grad", y);
  const Sweeping sweep;
  for (const T& x : xs) sweep->xs.push_back(node_of(Arg(x)));
  reverse(*sweep, node_of(y), out, options);
}

/// The tangent of one node from its inputs' tangents (undefined: no tangent).
Tensor forward(Node* node, std::span<const Tensor> tangents) {
  const OnBehalf here(node);
  const Op& op = *node->op;
  if (op.forward) {
    Tensor moved = op.forward(Applied(node, 0), tangents);
    if (moved.defined() && !(moved.shape() == node->shape))
      throw ShapeError(std::string("[jvp] the forward rule of ") + op.name + " gave a tangent of shape " +
                       to_string(moved.shape()) + " for a result of shape " + to_string(node->shape) +
                       place(node->where));
    if (moved.defined()) return moved.dtype() == node->dtype ? moved : cast(moved, node->dtype);
  }
  Tensor sum;
  const auto add = [&](Tensor part) { sum = sum.defined() ? sum + part : std::move(part); };
  for (std::uint32_t k = 0; k < node->arity; ++k) {
    if (!tangents[k].defined()) continue;
    const Applied call(node, static_cast<int>(k));
    if (op.linear) {
      std::vector<Arg> inputs;
      inputs.reserve(node->arity);
      for (std::uint32_t j = 0; j < node->arity; ++j)
        inputs.push_back(j == k ? Arg(tangents[k]) : Arg(Tensor::share(node->inputs[j])));
      if (op.variadic) {
        // One operation of all inputs: those without a tangent do not move.
        std::vector<Tensor> moving;
        for (std::uint32_t j = 0; j < node->arity; ++j)
          moving.push_back(lends_shape(op, j) ? Tensor::share(node->inputs[j])
                           : tangents[j].defined() ? tangents[j]
                                                   : zeros_like(Tensor::share(node->inputs[j])));
        inputs.assign(moving.begin(), moving.end());
        return record(op, inputs, attributes_of(node));
      }
      add(record(op, inputs, attributes_of(node)));
    } else if (op.kind == Kind::elementwise) {
      // An elementwise derivative is diagonal: the reverse rule applied to the tangent is the forward rule.
      add(op.rules[k](call, broadcast_like(tangents[k], call.out())));
    } else {
      // The reverse rule is linear in g: its derivative by g, applied to the tangent, is the forward rule.
      const Tensor g = zeros_like(call.out());
      const Tensor back = rule_of(op, k)(call, g);
      if (!back.defined()) continue;  // the rule says: it does not move with this input
      Tensor part;
      const Sweeping sweep;
      sweep->xs.push_back(g.node());
      reverse(*sweep, back.node(), std::span(&part, 1), {.seed = tangents[k]});
      add(part);
    }
  }
  if (sum.defined() && sum.dtype() != node->dtype) sum = cast(sum, node->dtype);
  return sum;
}

}  // namespace

void grad_into(const Arg& y, std::span<const Arg> xs, std::span<Tensor> out, const GradOptions& options) {
  gradients(y, xs, out, options);
}
void grad_into(const Arg& y, std::span<const Parameter> xs, std::span<Tensor> out, const GradOptions& options) {
  gradients(y, xs, out, options);
}

std::vector<Tensor> grad(const Arg& y, std::span<const Tensor> xs, const GradOptions& options) {
  std::vector<Tensor> out(xs.size());
  gradients(y, xs, out, options);
  return out;
}
std::vector<Tensor> grad(const Arg& y, std::span<const Parameter> xs, const GradOptions& options) {
  std::vector<Tensor> out(xs.size());
  gradients(y, xs, out, options);
  return out;
}

std::vector<Tensor> vjp(std::span<const Tensor> ys, std::span<const Tensor> xs, std::span<const Tensor> seeds,
                        Unused unused, Location where) {
  const Within here("vjp", where);
  if (ys.size() != seeds.size())
    throw ValueError("[vjp] expected one seed for each of " + std::to_string(ys.size()) + " tensors, got " +
                     std::to_string(seeds.size()));
  const Sweeping sweep;
  std::vector<Node*> from;
  for (const Tensor& y : ys) from.push_back(node_of(y));
  for (const Tensor& x : xs) sweep->xs.push_back(node_of(x));
  std::vector<Tensor> out(xs.size());
  reverse(*sweep, from, seeds, out, unused);
  return out;
}

std::vector<Tensor> jvp(std::span<const Tensor> ys, std::span<const Tensor> xs, std::span<const Tensor> tangents,
                        Location where) {
  const Quiet quiet;
  const Within here("jvp", where);
  if (xs.size() != tangents.size())
    throw ValueError("[jvp] expected one tangent for each of " + std::to_string(xs.size()) + " tensors, got " +
                     std::to_string(tangents.size()));
  Walk walk(Follow::derivatives);
  for (const Tensor& y : ys) {
    if (!is_floating(node_of(y)->dtype))
      throw DTypeError("[jvp] expected a floating-point tensor to differentiate, got " + describe(y.node()));
    walk.add(y.node());
  }
  const std::span<Node* const> order = walk.order();
  std::vector<Tensor> moving(order.size());
  std::vector<std::uint32_t> y_at;
  for (const Tensor& y : ys) y_at.push_back(walk[y.node()]);
  for (std::size_t j = 0; j < xs.size(); ++j) {
    const Node* x = node_of(xs[j]);
    if (!is_floating(x->dtype))
      throw DTypeError("[jvp] expected floating-point tensors to differentiate by, got " + describe(x));
    const Node* tangent = node_of(tangents[j]);
    if (!(x->shape == tangent->shape) || x->dtype != tangent->dtype)
      throw ShapeError("[jvp] expected a tangent like " + describe(x) + ", got " + describe(tangent));
    if (const std::uint32_t at = walk[x]; at != no_index) moving[at] = tangents[j];
  }
  std::vector<Tensor> inputs;
  for (std::size_t i = 0; i < order.size(); ++i) {
    Node* node = order[i];
    check_history(node);
    if (moving[i].defined()) continue;
    const auto inputs_at = walk.inputs_of(i);
    inputs.assign(inputs_at.size(), Tensor());
    bool any = false;
    for (std::size_t k = 0; k < inputs_at.size(); ++k) {
      if (inputs_at[k] == no_index) continue;
      inputs[k] = moving[inputs_at[k]];
      any |= inputs[k].defined();
    }
    if (any) moving[i] = forward(node, inputs);
  }
  std::vector<Tensor> result;
  for (std::size_t j = 0; j < ys.size(); ++j)
    result.push_back(moving[y_at[j]].defined() ? moving[y_at[j]] : zeros_like(ys[j]));
  return result;
}

Tensor jvp(const Arg& y, std::span<const Tensor> xs, std::span<const Tensor> tangents) {
  node_of(y);
  const Tensor one = y.tensor();
  return jvp(std::span(&one, 1), xs, tangents, y.where()).front();
}

std::vector<Parameter> parameters_of(const Tensor& y) {
  std::vector<Parameter> found;
  if (!y.defined()) return found;
  const Walk walk(y.node(), Follow::values);
  for (const Node* node : walk.order())
    if (is_newest_value(node)) found.push_back(Parameter::of(node->slot));
  return found;
}

void Tensor::backward(Location where) const {
  if (!defined()) throw ValueError("[backward] expected a tensor, got one that was never given a value" + place(where));
  const Within here("backward", where);
  const Quiet quiet;
  const Sweeping sweep;
  {
    const Walk walk(node(), Follow::derivatives);
    for (Node* node : walk.order())
      if (is_newest_value(node) && node->slot->trainable) sweep->xs.push_back(node);
  }
  sweep->found.resize(sweep->xs.size());
  reverse(*sweep, node(), sweep->found, {});
  for (std::size_t i = 0; i < sweep->xs.size(); ++i) Parameter::of(sweep->xs[i]->slot).add_grad(sweep->found[i]);
}

namespace {
constexpr Op stop_gradient_op{.name = "stop_gradient",
                              .kind = Kind::alias,
                              .infer = [](Recording& call) { call.result(call.shape(0), call.dtype(0)); }};
}

Tensor stop_gradient(const Arg& x) { return record(stop_gradient_op, {x}); }

}  // namespace xgrad
