#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/parts.hpp>
#include <xgrad/graph/walk.hpp>

namespace xgrad {
namespace {

void check_history(const Node* node) {
  const Ending* ending = ending_of(node);
  if (!ending) return;
  if (ending->by.empty())
    throw GradientError("[grad] expected a tensor with history, got a result of a captured function, which keeps " +
                        ("none: " + describe(node)) + "; take gradients inside the function, or use stop_gradient");
  throw GradientError("[grad] expected a tensor whose history is there, got " + describe(node) +
                      ": it was recorded from the value Parameter '" + ending->by + "' had before its update " +
                      std::to_string(ending->step + 1) +
                      ", and that history ended with the update; take gradients before updating, or use stop_gradient");
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
void add_part(Tensor& gradient, Tensor part, const Node* input, const Node* node) {
  if (!part.defined()) return;  // the rule says: no contribution
  part = fit(std::move(part), input, node);
  gradient = gradient.defined() ? gradient + part : std::move(part);
}

/// Gradients of calls whose operation can treat several readers of one input together, kept until all have come.
class Readers {
 public:
  explicit Readers(std::size_t nodes) : last_(nodes, no_index) {}
  void add(std::uint32_t input, Node* node, int argument, const Tensor& gradient) {
    waiting_.push_back({node, argument, gradient, last_[input]});
    last_[input] = static_cast<std::uint32_t>(waiting_.size() - 1);
  }
  /// Adds what the readers of this input leave for it.
  void collect(std::uint32_t input, const Node* node, Tensor& gradient) {
    for (std::uint32_t i = last_[input]; i != no_index; i = waiting_[i].before) {
      Waiting& first = waiting_[i];
      if (!first.node) continue;
      // The last to come was recorded first.
      const Op* const op = first.node->op;
      std::vector<Applied> calls;
      std::vector<Tensor> gradients;
      for (std::uint32_t k = i; k != no_index; k = waiting_[k].before) {
        Waiting& other = waiting_[k];
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

 private:
  struct Waiting {
    Node* node;
    int argument;
    Tensor gradient;
    std::uint32_t before;  ///< the one that came before for the same input
  };
  std::vector<Waiting> waiting_;
  std::vector<std::uint32_t> last_;  ///< of each input
};

/// One sweep from the ys, each with its seed, to the xs.
void reverse(std::span<Node* const> ys, std::span<const Tensor> seeds, std::span<Node* const> xs, std::span<Tensor> out,
             Unused unused) {
  const Quiet quiet;
  for (const Node* y : ys)
    if (!is_floating(y->dtype))
      throw DTypeError("[grad] expected a floating-point tensor to differentiate, got " + describe(y));
  for (const Node* x : xs)
    if (!is_floating(x->dtype))
      throw DTypeError("[grad] expected floating-point tensors to differentiate by, got " + describe(x));
  std::vector<Tensor> seed;
  for (std::size_t j = 0; j < ys.size(); ++j) seed.push_back(seed_for(ys[j], seeds[j]));

  Walk walk(Follow::derivatives);
  for (Node* y : ys) walk.add(y);
  const std::span<Node* const> order = walk.order();
  std::vector<std::uint8_t> wanted(order.size(), 0), asked(order.size(), 0);
  std::vector<std::uint32_t> x_at, y_at;
  for (Node* y : ys) y_at.push_back(walk[y]);
  for (Node* x : xs) {
    x_at.push_back(walk[x]);
    if (x_at.back() != no_index) wanted[x_at.back()] = asked[x_at.back()] = 1;
  }
  // Which nodes lead to an x.
  for (std::size_t i = 0; i < order.size(); ++i) {
    check_history(order[i]);
    for (const std::uint32_t at : walk.inputs_of(i))
      if (at != no_index && wanted[at]) wanted[i] = 1;
  }

  std::vector<Tensor> gradients(order.size()), parts;
  for (std::size_t j = 0; j < ys.size(); ++j) {
    Tensor& gradient = gradients[y_at[j]];
    if (wanted[y_at[j]]) gradient = gradient.defined() ? gradient + seed[j] : seed[j];
  }
  Readers readers(order.size());
  for (std::size_t i = order.size(); i-- > 0;) {
    Node* node = order[i];
    readers.collect(static_cast<std::uint32_t>(i), node, gradients[i]);
    if (!gradients[i].defined()) continue;
    const OnBehalf here(node);
    const auto inputs_at = walk.inputs_of(i);
    if (node->op && node->op->reverse && !inputs_at.empty()) {
      parts.assign(inputs_at.size(), Tensor());
      node->op->reverse(Applied(node, 0), gradients[i], parts);
      for (std::size_t k = 0; k < inputs_at.size(); ++k)
        if (const std::uint32_t at = inputs_at[k]; at != no_index && wanted[at])
          add_part(gradients[at], std::move(parts[k]), node->inputs[k], node);
    } else {
      for (std::size_t k = 0; k < inputs_at.size(); ++k) {
        const std::uint32_t at = inputs_at[k];
        if (at == no_index || !wanted[at]) continue;
        if (const PartsOp* const parts = parts_of(*node->op); parts && parts->together) {
          readers.add(at, node, static_cast<int>(k), gradients[i]);
          continue;
        }
        const Rule rule = rule_of(*node->op, static_cast<std::uint32_t>(k));
        add_part(gradients[at], rule(Applied(node, static_cast<int>(k)), gradients[i]), node->inputs[k], node);
      }
    }
    if (!asked[i]) gradients[i] = Tensor();
  }
  const auto what = [&] { return ys.size() == 1 ? describe(ys[0]) : std::string("the outputs"); };
  for (std::size_t j = 0; j < xs.size(); ++j) {
    if (const std::uint32_t at = x_at[j]; at != no_index && gradients[at].defined()) {
      out[j] = gradients[at];
      continue;
    }
    for (const Node* node : order)
      if (xs[j]->slot && node->slot == xs[j]->slot)
        throw GradientError("[grad] expected a tensor recorded from the current value of Parameter '" +
                            xs[j]->slot->name + "', got " + what() +
                            ", recorded from the value before its update; take gradients before updating");
    for (const Node* node : order)
      if (node->owner != &this_thread() && node->op)
        throw GradientError("[grad] expected tensors that " + what() + " was recorded from on this thread, got " +
                            describe(xs[j]) + " behind " + describe(node) +
                            ", which another thread recorded: take its gradient there");
    if (unused == Unused::error)
      throw GradientError("[grad] expected tensors that " + what() + " was recorded from, got " + describe(xs[j]) +
                          ", which it does not depend on");
    out[j] = zeros_like(Tensor::share(xs[j]));
  }
}

void reverse(Node* y, std::span<Node* const> xs, std::span<Tensor> out, const GradOptions& options) {
  reverse(std::span(&y, 1), std::span(&options.seed, 1), xs, out, options.unused);
}

Node* node_of(const Arg& arg) {
  if (!arg.node()) throw ValueError("[grad] expected tensors, got a number" + place(arg.where()));
  return arg.node();
}

template <class T>
std::vector<Tensor> gradients(const Arg& y, std::span<const T> xs, const GradOptions& options) {
  std::vector<Node*> nodes;
  for (const T& x : xs) nodes.push_back(node_of(Arg(x)));
  std::vector<Tensor> out(xs.size());
  reverse(node_of(y), nodes, out, options);
  return out;
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
      Node* at = g.node();
      reverse(back.node(), std::span(&at, 1), std::span(&part, 1), {.seed = tangents[k]});
      add(part);
    }
  }
  if (sum.defined() && sum.dtype() != node->dtype) sum = cast(sum, node->dtype);
  return sum;
}

}  // namespace

void grad_into(const Arg& y, std::span<const Arg> xs, std::span<Tensor> out, const GradOptions& options) {
  std::vector<Node*> nodes;
  nodes.reserve(xs.size());
  for (const Arg& x : xs) nodes.push_back(node_of(x));
  const Within here("grad", y);
  std::vector<Tensor> result(xs.size());
  reverse(node_of(y), nodes, result, options);
  for (std::size_t i = 0; i < result.size(); ++i) out[i] = std::move(result[i]);
}

std::vector<Tensor> grad(const Arg& y, std::span<const Tensor> xs, const GradOptions& options) {
  const Within here("grad", y);
  return gradients(y, xs, options);
}
std::vector<Tensor> grad(const Arg& y, std::span<const Parameter> xs, const GradOptions& options) {
  const Within here("grad", y);
  return gradients(y, xs, options);
}

std::vector<Tensor> vjp(std::span<const Tensor> ys, std::span<const Tensor> xs, std::span<const Tensor> seeds,
                        Unused unused, Location where) {
  const Within here("vjp", where);
  if (ys.size() != seeds.size())
    throw ValueError("[vjp] expected one seed for each of " + std::to_string(ys.size()) + " tensors, got " +
                     std::to_string(seeds.size()));
  std::vector<Node*> from, to;
  for (const Tensor& y : ys) from.push_back(node_of(y));
  for (const Tensor& x : xs) to.push_back(node_of(x));
  std::vector<Tensor> out(xs.size());
  reverse(from, seeds, to, out, unused);
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

namespace {
std::vector<Parameter> parameters_below(Node* y, Follow follow) {
  std::vector<Parameter> found;
  const Walk walk(y, follow);
  for (Node* node : walk.order()) {
    Slot* slot = node->slot;
    if (slot && slot->value.node() == node) found.push_back(Parameter::of(slot));
  }
  return found;
}
}  // namespace

std::vector<Parameter> parameters_of(const Tensor& y) {
  return y.defined() ? parameters_below(y.node(), Follow::values) : std::vector<Parameter>();
}

void Tensor::backward(Location where) const {
  if (!defined()) throw ValueError("[backward] expected a tensor, got one that was never given a value" + place(where));
  const Within here("backward", where);
  const Quiet quiet;
  std::vector<Parameter> parameters;
  std::vector<Tensor> values;
  for (const Parameter& p : parameters_below(node(), Follow::derivatives)) {
    if (!p.trainable()) continue;
    parameters.push_back(p);
    values.push_back(p.value());
  }
  const std::vector<Tensor> found = xgrad::grad(Arg(*this, where), std::span<const Tensor>(values));
  for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].add_grad(found[i]);
}

namespace {
constexpr Op stop_gradient_op{.name = "stop_gradient",
                              .kind = Kind::alias,
                              .infer = [](Recording& call) { call.result(call.shape(0), call.dtype(0)); }};
}

Tensor stop_gradient(const Arg& x) { return record(stop_gradient_op, {x}); }

}  // namespace xgrad
