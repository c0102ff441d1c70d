#include <xgrad/graph/leading.hpp>

#include <xgrad/graph/fold.hpp>
#include <xgrad/graph/walk.hpp>

#include <unordered_map>

namespace xgrad {
namespace {

void infer_placeholder(Recording& call) { call.result(Shape(call.list()), static_cast<DType>(call.attribute(0))); }

constexpr Op placeholder_op{
    .name = "placeholder",
    .infer = infer_placeholder,
    .fails = true,
    .run = [](const Launch& launch) { launch.fail("expected no request for this value: " + std::string(launch.text)); },
    .once = true};

Shape with_axis(std::int64_t count, const Shape& shape) {
  if (shape.rank() == max_rank)
    throw ShapeError("[vmap] expected tensors of at most 7 axes to get one more, got " + to_string(shape));
  Shape result{count};
  for (const std::int64_t length : shape) result.append(length);
  return result;
}

/// One run of with_leading_axis.
class Leads {
 public:
  Leads(std::int64_t count, Lead apart) : count_(count), apart_(apart) {}

  /// The node's operation of inputs of which some have the new axis.
  Tensor record(Node* node, std::span<const Tensor> in, std::span<const std::uint8_t> leads) const;
  /// x repeated along the new axis unless it has it.
  Tensor repeated(const Tensor& x, bool leads) const {
    return leads ? x : repeat_leading(x, count_);
  }

 private:
  Tensor elementwise(Node* node, std::span<const Tensor> in, std::span<const std::uint8_t> leads) const;
  Tensor alias(Node* node, const Tensor& x) const;
  Tensor fold(Node* node, std::span<const Tensor> in, std::span<const std::uint8_t> leads) const;
  Tensor launch(Node* node, std::span<const Tensor> in, std::span<const std::uint8_t> leads) const;

  std::int64_t count_;
  Lead apart_;
};

Tensor again(Node* node, std::span<const Tensor> in) { return Applied(node, 0).again(in); }

Tensor Leads::elementwise(Node* node, std::span<const Tensor> in, std::span<const std::uint8_t> leads) const {
  std::vector<Tensor> fitted(in.begin(), in.end());
  for (std::size_t k = 0; k < in.size(); ++k)
    if (leads[k]) fitted[k] = behind_leading(in[k], node->shape.rank());
  return again(node, fitted);
}

/// The same elements in the same order, for each place.
Tensor Leads::alias(Node* node, const Tensor& x) const {
  return rule_of(*node->op, 0) ? reshape(x, with_axis(count_, node->shape)) : again(node, std::span(&x, 1));
}

/// Masks of folded axes count from the end; folding to another tensor's shape counts from there too.
Tensor Leads::fold(Node* node, std::span<const Tensor> in, std::span<const std::uint8_t> leads) const {
  if (in.size() == 1) return again(node, in);
  const Tensor like = repeated(in[1], leads[1]);
  const Tensor folded = again(node, std::vector{in[0], behind_leading(like, node->inputs[0]->shape.rank())});
  return folded.rank() == like.rank() ? folded : reshape_like(folded, like);
}

Tensor Leads::launch(Node* node, std::span<const Tensor> in, std::span<const std::uint8_t> leads) const {
  const Op& op = *node->op;
  if (op.leading == Leading::apart) return apart_(Applied(node, 0), in, leads, count_);
  std::vector<Tensor> fitted(in.begin(), in.end());
  int rank = 0;
  for (std::uint32_t k = 0; k < node->arity; ++k) rank = std::max(rank, node->inputs[k]->shape.rank());
  for (std::uint32_t k = 0; k < node->arity; ++k) {
    if (op.leading == Leading::broadcast && !lends_shape(op, k)) {
      if (leads[k]) fitted[k] = behind_leading(in[k], rank);
    } else {
      fitted[k] = repeated(in[k], leads[k]);
    }
  }
  return again(node, fitted);
}

Tensor Leads::record(Node* node, std::span<const Tensor> in, std::span<const std::uint8_t> leads) const {
  if (node->op->lead) {
    Tensor result = node->op->lead(Applied(node, 0), in, leads, count_);
    return result.defined() ? result : apart_(Applied(node, 0), in, leads, count_);
  }
  switch (node->op->kind) {
    case Kind::elementwise: return elementwise(node, in, leads);
    case Kind::alias: return alias(node, in[0]);
    case Kind::broadcast:
      return broadcast_to(behind_leading(in[0], node->shape.rank()), with_axis(count_, node->shape));
    case Kind::fold: return fold(node, in, leads);
    case Kind::draw:
    case Kind::check: return again(node, in);
    case Kind::constant: return Tensor::share(node);
    case Kind::launch: return launch(node, in, leads);
  }
  return {};
}

}  // namespace

Tensor placeholder(const Shape& shape, DType dtype, std::string_view why) {
  return record(placeholder_op, std::span<const Arg>(),
                {.a = static_cast<std::int64_t>(dtype), .list = std::span(shape.begin(), shape.end()), .text = why});
}

Later::Later() : eager_(this_thread().eager) { this_thread().eager = false; }
Later::~Later() { this_thread().eager = eager_; }

RecordOnly::RecordOnly() : eager_(this_thread().eager) {
  this_thread().eager = false;
  ++this_thread().quiet;
  ++this_thread().only_recording;
}
RecordOnly::~RecordOnly() {
  this_thread().eager = eager_;
  --this_thread().quiet;
  --this_thread().only_recording;
}

bool is_leaf(const Tensor& x) { return x.node()->arity == 0; }

std::vector<Tensor> closed_over(const Tensor& y) {
  std::vector<Tensor> found;
  const Walk walk(y.node(), Follow::values);
  std::vector<std::uint8_t> inside(walk.order().size(), 0);
  if (!inside.empty()) inside.back() = 1;
  for (std::size_t i = inside.size(); i-- > 0;) {
    Node* node = walk.order()[i];
    if (!inside[i]) continue;
    if (!node->flags.only_recorded) {
      if (is_floating(node->dtype) && !node->flags.number) found.push_back(Tensor::share(node));
      continue;
    }
    for (const std::uint32_t at : walk.inputs_of(i))
      if (at != no_index) inside[at] = 1;
  }
  return found;
}

Tensor behind_leading(const Tensor& x, int rank) {
  const int missing = rank + 1 - x.rank();
  return missing <= 0 ? x : expand_axes(x, ((1u << missing) - 1) << (x.rank() - 1));
}

Tensor repeat_leading(const Tensor& x, std::int64_t count) { return broadcast_to(x, with_axis(count, x.shape())); }

std::vector<Tensor> with_leading_axis(std::span<const Tensor> outputs, std::span<const Substitution> substitutions,
                                      std::int64_t count, Lead apart) {
  const Quiet quiet;
  const Later later;
  const Leads made(count, apart);
  std::unordered_map<const Node*, const Tensor*> replaced;
  for (const Substitution& s : substitutions) {
    if (!(s.to.shape() == with_axis(count, s.from.shape())))
      throw ShapeError("[vmap] expected shape " + to_string(with_axis(count, s.from.shape())) + ", got " +
                       to_string(s.to.shape()));
    replaced[s.from.node()] = &s.to;
  }
  Walk walk(Follow::everything);
  for (const Tensor& output : outputs) walk.add(output.node());
  const std::span<Node* const> order = walk.order();
  std::vector<std::uint32_t> outputs_at;
  for (const Tensor& output : outputs) outputs_at.push_back(walk[output.node()]);

  // Undefined: nothing here has the new axis, and the node stays what it is.
  std::vector<Tensor> now(order.size()), in;
  std::vector<std::uint8_t> leads;
  for (std::size_t i = 0; i < order.size(); ++i) {
    Node* node = order[i];
    if (const auto found = replaced.find(node); found != replaced.end()) {
      now[i] = *found->second;
      continue;
    }
    if (const Ending* ending = ending_of(node))
      throw GradientError("[vmap] expected a graph whose history is there, got " + describe(node) +
                          (ending->by ? ": its history ended when Parameter '" + ending->by->text + "' was updated"
                                      : std::string(", a result of a captured function, which keeps none")));
    const auto inputs_at = walk.inputs_of(i);
    in.clear();
    leads.clear();
    bool any = false;
    for (std::uint32_t k = 0; k < inputs_at.size(); ++k) {
      const Tensor& input = now[inputs_at[k]];
      leads.push_back(input.defined());
      in.push_back(input.defined() ? input : Tensor::share(node->inputs[k]));
      // A shape lent has no values to differ by, except that a draw of that shape differs.
      any |= input.defined() && (!lends_shape(*node->op, k) || node->op->kind == Kind::draw);
    }
    if (!any) continue;
    const OnBehalf here(node);
    now[i] = made.record(node, in, leads);
    if (!node->name().empty()) now[i].named(node->name());
  }
  std::vector<Tensor> result;
  for (const std::uint32_t at : outputs_at)
    result.push_back(made.repeated(now[at].defined() ? now[at] : Tensor::share(order[at]), now[at].defined()));
  return result;
}

}  // namespace xgrad
