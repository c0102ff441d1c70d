#include <xgrad/diff/blame.hpp>

#include <xgrad/diff/finite.hpp>

#include <xgrad/graph/print.hpp>
#include <xgrad/graph/replace.hpp>
#include <xgrad/graph/walk.hpp>
#include <xgrad/ops/elementwise.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <optional>
#include <unordered_set>

namespace xgrad::checking {
namespace {

std::string shown(double x) {
  char text[40];
  std::snprintf(text, sizeof text, "%.7g", x);
  return text;
}

/// The operation of this node with other inputs.
Tensor again(const Node* node, std::span<const Tensor> inputs) {
  const OnBehalf here(node);
  std::vector<Arg> args;
  for (const Tensor& input : inputs) args.emplace_back(input, node->where);
  return record(*node->op, args, attributes_of(node), node->value.draw);
}

/// A computed copy of the graph: nodes in order, the numbers of each, and which move with xs.
struct Copy {
  std::vector<Tensor> xs, ys, nodes;
  std::vector<std::vector<Tensor>> inputs;  ///< as they were before values were computed
  std::vector<Tensor> untouched_nodes, untouched_xs;  ///< a second copy, which is never computed
  std::vector<std::vector<Tensor>> untouched;  ///< and its inputs
  std::vector<std::uint8_t> moves;
  std::unordered_set<const Node*> moving;  ///< the nodes that do
};

Copy computed_copy(const Subject& subject) {
  Copy copy;
  copy.xs = fresh(subject.xs);
  copy.ys = subject.record(copy.xs);
  Walk walk(Follow::values);
  for (const Tensor& y : copy.ys) walk.add(y.node());
  copy.moves.assign(walk.order().size(), 0);
  for (std::size_t i = 0; i < walk.order().size(); ++i) {
    Node* node = walk.order()[i];
    for (const Tensor& x : copy.xs) copy.moves[i] |= x.node() == node;
    for (const std::uint32_t at : walk.inputs_of(i)) copy.moves[i] |= at != no_index && copy.moves[at];
    copy.nodes.push_back(Tensor::share(node));
    if (copy.moves[i]) copy.moving.insert(node);
    copy.inputs.emplace_back();
    if (walk.inputs_of(i).empty()) continue;
    for (std::uint32_t k = 0; k < node->arity; ++k) copy.inputs.back().push_back(Tensor::share(node->inputs[k]));
  }
  return copy;
}

/// The values of all nodes. What no gradient flows through then forgets its inputs, so another copy remembers them.
void compute(Copy& copy, const Subject& subject) {
  const Copy other = computed_copy(subject);
  const bool alike = other.nodes.size() == copy.nodes.size();
  copy.untouched = alike ? other.inputs : copy.inputs;
  copy.untouched_nodes = alike ? other.nodes : copy.nodes;
  copy.untouched_xs = alike ? other.xs : copy.xs;
  eval(copy.nodes);
}

/// Whether input k of node i is one whose rule can be checked.
bool has_rule_to_check(const Copy& copy, std::size_t i, std::uint32_t k) {
  const Tensor& moved = copy.inputs[i][k];
  return !lends_shape(*copy.nodes[i].node()->op, k) && is_floating(moved.dtype()) && moved.size() > 0 &&
         copy.moving.contains(moved.node());
}
bool to_check(const Copy& copy, std::size_t i) {
  const Node* node = copy.nodes[i].node();
  return copy.moves[i] && !copy.inputs[i].empty() && is_floating(node->dtype) && node->shape.size() > 0 &&
         std::strcmp(node->op->name, "stop_gradient") != 0;
}

/// Whether `node` was recorded from `from`.
bool follows_from(Node* node, const Node* from) {
  const Walk walk(node, Follow::values);
  return walk[from] != no_index;
}

/// An input without a rule that was made from another input, whose rule speaks for both: factors of a matrix beside it.
/// Not from one that this other input follows from as well: a matrix made from the right side of its equations.
bool is_helper(const Copy& copy, std::size_t i, std::uint32_t j, std::uint32_t k) {
  const Op& op = *copy.nodes[i].node()->op;
  if (op.reverse || op.variadic || j == k || rule_of(op, j) || !rule_of(op, k)) return false;
  const auto input = [&](std::uint32_t n) { return copy.untouched[i][n].node(); };
  if (!follows_from(input(j), input(k))) return false;
  for (std::uint32_t other = 0; other < copy.untouched[i].size(); ++other)
    if (other != j && input(other) != input(k) && rule_of(op, other) && follows_from(input(j), input(other)) &&
        follows_from(input(other), input(k)))
      return false;
  return true;
}
bool is_helper(const Copy& copy, std::size_t i, std::uint32_t j) {
  for (std::uint32_t k = 0; k < copy.inputs[i].size(); ++k)
    if (is_helper(copy, i, j, k)) return true;
  return false;
}

/// Whether node i is nothing but a helper of those that read it.
bool helps_only(const Copy& copy, std::size_t i) {
  bool helps = false;
  for (std::size_t reader = 0; reader < copy.untouched.size(); ++reader)
    for (std::uint32_t j = 0; j < copy.untouched[reader].size(); ++j) {
      if (copy.untouched[reader][j].node() != copy.untouched_nodes[i].node()) continue;
      if (!is_helper(copy, reader, j)) return false;
      helps = true;
    }
  return helps;
}

/// One operation as a function of its input k, at the values it had; helpers made from that input move with it.
Subject alone(const Copy& copy, std::size_t i, std::uint32_t k) {
  std::vector<Tensor> inputs, helpers;
  for (std::uint32_t j = 0; j < copy.inputs[i].size(); ++j) {
    const Tensor& input = copy.inputs[i][j];
    const bool kept = input.node()->flags.weak || !is_floating(input.dtype());
    inputs.push_back(kept ? input : copied(input));
    helpers.push_back(is_helper(copy, i, j, k) ? copy.untouched[i][j] : Tensor());
  }
  const Tensor node = copy.nodes[i], moved = copy.untouched[i][k];
  // Elements that are not finite would hide all others in a sum.
  Tensor whole;
  const std::vector<double> values = node.to_vector<double>();
  if (std::any_of(values.begin(), values.end(), [](double v) { return !std::isfinite(v); }))
    whole = isfinite(tensor(values, node.shape())).eval();
  return {{inputs[k]}, {"input " + std::to_string(k + 1)}, [=](std::span<const Tensor> xs) {
            std::vector<Tensor> all = inputs;
            all[k] = xs[0];
            for (std::size_t j = 0; j < all.size(); ++j)
              if (helpers[j].defined()) all[j] = rerecord(helpers[j], {{moved, xs[0]}});
            const Tensor y = again(node.node(), all);
            return std::vector<Tensor>{whole.defined() ? where(whole, y, 0) : y};
          }};
}

/// v' d(u'y)/dx as a function of x and of u: a rule may be wrong in how it follows either.
Subject rule_of_alone(const Subject& local, const std::vector<Tensor>& u, const std::vector<Tensor>& v) {
  return {{local.xs[0], u[0]}, {local.names[0], "the incoming gradient"}, [=](std::span<const Tensor> xs) {
            const std::vector<Tensor> ys = local.record(xs.first(1));
            return std::vector<Tensor>{projected(grad(projected(ys, xs.subspan(1)), xs.first(1)), v)};
          }};
}

Culprit culprit_of(const Node* node, int argument) {
  return {.operation = node->op->name,
          .formula = one_line(node),
          .place = place(node->where),
          .layer = node->scope ? *node->scope : std::string(),
          .argument = argument,
          .reason = {}};
}

}  // namespace

namespace {

/// One operation as a formula whose inputs are called what `call` says.
template <class F>
std::string written(const Node* node, F call) {
  if (node->arity == 0 || !node->op) return node->op ? std::string(node->op->name) + "(...)" : "a leaf";
  const Quiet quiet;
  const NoGrad none;
  std::vector<Tensor> inputs;
  for (const Node* input : node->in()) {
    if (input->flags.number) {
      inputs.push_back(Tensor::share(const_cast<Node*>(input)));
      continue;
    }
    std::string text = call(input);
    if (text.find(' ') != std::string::npos) text = "(" + text + ")";
    inputs.push_back(zeros(input->shape, {.dtype = input->dtype}).eval().named(text));
  }
  return formula(again(node, inputs), FormulaStyle::code);
}

std::string called(const Node* node) {
  if (!node->name().empty()) return std::string(node->name());
  if (node->slot && !node->slot->name.empty()) return node->slot->name;
  return node->arity > 0 && node->op ? "..." : std::string(name_of(node->dtype)) + to_string(node->shape);
}

}  // namespace

std::string one_line(const Node* node) {
  const std::string text = written(node, [](const Node* input) {
    const std::string name = called(input);
    return name == "..." ? written(input, called) : name;
  });
  return node->name().empty() ? text : std::string(node->name()) + " = " + text;
}

namespace {

/// How input k of node i moves when xs move along d, by a difference quotient: jvp would use rules that may be wrong.
std::vector<double> tangent_of(const Subject& subject, std::size_t i, std::uint32_t k,
                               const std::vector<std::vector<double>>& d) {
  constexpr double step = 1e-5;
  std::vector<double> result;
  for (const double side : {1.0, -1.0}) {
    std::vector<Tensor> xs;
    for (std::size_t n = 0; n < subject.xs.size(); ++n) {
      std::vector<double> values = subject.xs[n].to_vector<double>();
      const std::vector<double> sizes = scales(subject.xs[n]);
      for (std::size_t j = 0; j < values.size(); ++j) values[j] += side * step * sizes[j] * d[n][j];
      xs.push_back(tensor(values, subject.xs[n].shape()));
    }
    const std::vector<Tensor> ys = subject.record(xs);
    Walk walk(Follow::values);
    for (const Tensor& y : ys) walk.add(y.node());
    if (i >= walk.order().size() || k >= walk.order()[i]->arity) return {};
    const std::vector<double> values = Tensor::share(walk.order()[i]->inputs[k]).to_vector<double>();
    result.resize(values.size());
    for (std::size_t j = 0; j < values.size(); ++j) result[j] += side * values[j] / (2 * step);
  }
  for (double& t : result)
    if (!std::isfinite(t)) t = 0;
  return result;
}

/// Whether the rule is wrong along directions in which the inputs of the whole graph can move this one: what a
/// factorisation does with a matrix that is not symmetric shows nothing if it never meets one.
bool wrong_where_it_moves(const Subject& subject, const Subject& scalar, std::size_t i, std::uint32_t k, double step,
                          std::uint64_t& state) {
  const Row row = row_of(scalar, {Tensor(1.0, {.dtype = float64})});
  const double noise = 4 * row.noise;
  const Probe at = probe_at(scalar, fresh(scalar.xs));
  for (int n = 0; n < 4; ++n) {
    std::vector<std::vector<double>> d;
    for (const Tensor& x : subject.xs) d.push_back(random_weights(state, x.size()));
    std::vector<std::vector<double>> direction{tangent_of(subject, i, k, d)};
    if (direction[0].size() != row.gradient[0].size()) return true;
    if (scalar.xs.size() > 1) direction.push_back(random_weights(state, scalar.xs[1].size()));
    double analytic = 0, sizes = 0;
    for (std::size_t m = 0; m < direction.size(); ++m)
      for (std::size_t j = 0; j < direction[m].size(); ++j) {
        analytic += direction[m][j] * row.gradient[m][j];
        sizes += std::fabs(direction[m][j] * row.gradient[m][j]);
      }
    const Slopes s = slopes(along(scalar, direction), at, std::span(&noise, 1), step);
    const Estimate& e = s.outputs[0].central;
    if (e.steps == 0 || !(std::fabs(analytic - e.value) <= 4 * e.allowed() + 1e-8 * sizes)) return true;
  }
  return false;
}

/// The worst element of the rule of node i for input k, checked by itself; nothing if the rule is right.
std::optional<CheckedElement> wrong_element(const Subject& subject, const Copy& copy, std::size_t i, std::uint32_t k,
                                            int order, double step, std::uint64_t& state) {
  try {
    const Subject local = alone(copy, i, k);
    const std::vector<Tensor> u = weights_like(local.record(local.xs), state);
    const bool small = local.size() <= 64;
    Subject scalar = projection_of(local, u);
    if (order == 2) scalar = rule_of_alone(local, u, weights_like(local.xs, state));
    Compared result = compare(scalar, {.full = small, .projections = 4, .step = step, .label = {}}, state);
    // Along a random direction many ties break at once; one by one they say what each is worth.
    if (!small && !result.wrong.empty() && local.size() <= 4096)
      result = compare(scalar, {.full = true, .projections = 0, .step = step, .label = {}}, state);
    // Where the operation's own value is infinite its derivative is what it is.
    const std::vector<double> values = copy.nodes[i].to_vector<double>();
    if (!std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); }))
      std::erase_if(result.wrong, [](const CheckedElement& e) { return !std::isfinite(e.analytic); });
    if (result.wrong.empty() || !wrong_where_it_moves(subject, scalar, i, k, step, state)) return {};
    return result.wrong.front();
  } catch (const Error&) {
    return {};  // an operation that takes certain values only, like labels
  }
}

}  // namespace

std::vector<Culprit> wrong_rules(const Subject& subject, int order, double step, std::uint64_t& state) {
  const Quiet quiet;
  Copy copy = computed_copy(subject);
  compute(copy, subject);
  std::vector<std::pair<double, Culprit>> found, without_rule;
  for (std::size_t i = 0; i < copy.nodes.size(); ++i) {
    Node* node = copy.nodes[i].node();
    if (!to_check(copy, i)) continue;
    for (std::uint32_t k = 0; k < copy.inputs[i].size(); ++k) {
      if (!has_rule_to_check(copy, i, k)) continue;
      const std::optional<CheckedElement> found_wrong = wrong_element(subject, copy, i, k, order, step, state);
      if (!found_wrong) continue;
      const CheckedElement& worst = *found_wrong;
      Culprit culprit = culprit_of(copy.untouched_nodes[i].node(), static_cast<int>(k));
      culprit.order = order;
      culprit.analytic = worst.analytic;
      culprit.numeric = worst.numeric;
      culprit.allowed = worst.allowed;
      const bool missing = !node->op->reverse && !rule_of(*node->op, k);
      culprit.reason = missing       ? "it has no rule for input " + std::to_string(k + 1) + ", where the quotient is "
                       : order == 2 ? "its rule's own derivative by input " + std::to_string(k + 1) + " gives " +
                                          shown(worst.analytic) + ", the difference quotient "
                                     : "its rule for input " + std::to_string(k + 1) + " gives " +
                                          shown(worst.analytic) + ", the difference quotient ";
      culprit.reason += shown(worst.numeric);
      if (missing && (is_helper(copy, i, k) || helps_only(copy, i))) continue;
      (missing ? without_rule : found).emplace_back(worst.relative_error, std::move(culprit));
    }
  }
  std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  std::vector<Culprit> result;
  for (auto* list : {&found, &without_rule})
    for (auto& [error, culprit] : *list)
      if (result.size() < 10 && (list == &found || result.empty())) result.push_back(std::move(culprit));
  return result;
}

std::vector<Culprit> wrong_transposes(const Subject& subject, std::uint64_t& state) {
  const Quiet quiet;
  Copy copy = computed_copy(subject);
  compute(copy, subject);
  std::vector<Culprit> result;
  for (std::size_t i = 0; i < copy.nodes.size(); ++i) {
    if (!to_check(copy, i)) continue;
    for (std::uint32_t k = 0; k < copy.inputs[i].size(); ++k) {
      if (!has_rule_to_check(copy, i, k)) continue;
      const Subject local = alone(copy, i, k);
      const std::vector<Tensor> ys = local.record(local.xs), u = weights_like(ys, state);
      const std::vector<Tensor> d = weights_like(local.xs, state);
      const Tensor forward = projected(std::vector<Tensor>{jvp(ys[0], local.xs, d)}, u);
      const Tensor reverse = projected(grad(projected(ys, u), std::span<const Tensor>(local.xs)), d);
      const double a = forward.item(), b = reverse.item();
      if (std::fabs(a - b) <= 1e-9 * std::max(std::fabs(a), std::fabs(b))) continue;
      Culprit culprit = culprit_of(copy.untouched_nodes[i].node(), static_cast<int>(k));
      culprit.analytic = a;
      culprit.numeric = b;
      culprit.reason = "its forward derivative by input " + std::to_string(k + 1) + " gives " + shown(a) +
                       ", its reverse derivative " + shown(b);
      result.push_back(std::move(culprit));
      if (result.size() == 10) return result;
    }
  }
  return result;
}

namespace {

struct Bypass {
  std::size_t which, seen = 0;
};

bool is_cut(const Node* node) { return std::strcmp(node->op->name, "stop_gradient") == 0 || node->flags.no_grad; }

/// Records the cut number `which` so that the gradient goes through.
Tensor bypassed(void* self, const Node* node, std::span<const Tensor> inputs) {
  Bypass& bypass = *static_cast<Bypass*>(self);
  if (!is_cut(node) || bypass.seen++ != bypass.which) return {};
  return std::strcmp(node->op->name, "stop_gradient") == 0 ? inputs[0] : again(node, inputs);
}

}  // namespace

std::vector<Culprit> cuts(const Subject& subject, const std::vector<Tensor>& weights, const CheckedElement& worst) {
  const Quiet quiet;
  std::vector<Culprit> explained, candidates;
  for (std::size_t which = 0; which < 20; ++which) {
    const Copy copy = computed_copy(subject);
    const Node* cut = nullptr;
    std::size_t n = 0;
    for (std::size_t i = 0; i < copy.nodes.size(); ++i) {
      const Node* node = copy.nodes[i].node();
      if (copy.inputs[i].empty() || !is_cut(node)) continue;
      if (n++ == which && copy.moves[i]) cut = node;
    }
    if (which >= n) break;
    if (!cut) continue;
    Culprit culprit = culprit_of(cut, 0);
    culprit.reason = std::strcmp(cut->op->name, "stop_gradient") == 0 ? "the gradient ends here"
                                                                      : "recorded under NoGrad: the gradient ends here";
    candidates.push_back(culprit);
    if (worst.projection || weights.empty()) continue;
    Bypass bypass{which};
    const std::vector<Tensor> open = rerecord_with(copy.ys, {}, {.call = bypassed, .self = &bypass});
    const std::vector<Tensor> gradients = grad(projected(open, weights), std::span<const Tensor>(copy.xs));
    for (std::size_t k = 0; k < copy.xs.size(); ++k) {
      if (subject.names[k] != worst.input) continue;
      std::int64_t at = 0;
      for (std::size_t axis = 0; axis < worst.index.size(); ++axis)
        at = at * copy.xs[k].shape()[static_cast<int>(axis)] + worst.index[axis];
      const double now = gradients[k].to_vector<double>()[static_cast<std::size_t>(at)];
      if (std::fabs(now - worst.numeric) > 10 * worst.allowed) continue;
      culprit.reason += "; without that the derivative would be " + shown(now) + ", as the difference quotient has it";
      culprit.analytic = worst.analytic;
      culprit.numeric = worst.numeric;
      culprit.allowed = worst.allowed;
      explained.push_back(culprit);
    }
  }
  return explained.empty() ? candidates : explained;
}

std::vector<Culprit> first_not_finite(std::span<const Tensor> ys) {
  const Quiet quiet;
  Walk walk(Follow::values);
  for (const Tensor& y : ys) walk.add(y.node());
  std::vector<Tensor> nodes;
  std::vector<std::vector<std::uint32_t>> inputs;
  for (std::size_t i = 0; i < walk.order().size(); ++i) {
    nodes.push_back(Tensor::share(walk.order()[i]));
    inputs.emplace_back(walk.inputs_of(i).begin(), walk.inputs_of(i).end());
  }
  // A formula needs the graph as it is before its values are computed.
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < nodes.size(); ++i)
    lines.push_back(inputs[i].empty() ? "" : one_line(nodes[i].node()));
  eval(nodes);
  std::vector<std::uint8_t> bad(nodes.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (!is_floating(nodes[i].dtype())) continue;
    const std::vector<double> values = nodes[i].to_vector<double>();
    const auto at = std::find_if(values.begin(), values.end(), [](double v) { return !std::isfinite(v); });
    bad[i] = at != values.end();
    if (!bad[i] || inputs[i].empty()) continue;
    bool from_bad = false;
    for (const std::uint32_t k : inputs[i]) from_bad = from_bad || (k != no_index && bad[k]);
    if (from_bad) continue;
    const Node* node = nodes[i].node();
    Culprit culprit{.operation = node->op->name,
                    .formula = lines[i],
                    .place = place(node->where),
                    .layer = node->scope ? *node->scope : std::string(),
                    .reason = "it made " + shown(*at) + " from finite numbers"};
    return {culprit};
  }
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (bad[i] && inputs[i].empty())
      return {{.operation = "leaf", .formula = one_line(nodes[i].node()) + " '" + called(nodes[i].node()) + "'",
               .reason = "it is not finite from the start"}};
  return {};
}

}  // namespace xgrad::checking

namespace xgrad {

void check_finite(std::span<const Tensor> ys) {
  const std::vector<Culprit> found = checking::first_not_finite(ys);
  if (found.empty()) return;
  const Culprit& c = found.front();
  throw NumericError("[check_finite] expected finite numbers; the first that is not came from " + c.operation +
                     c.place + (c.layer.empty() ? "" : " in " + c.layer) + ": " + c.formula + ": " + c.reason);
}
void check_finite(std::initializer_list<Tensor> ys) { check_finite(std::span(ys.begin(), ys.size())); }

}  // namespace xgrad
