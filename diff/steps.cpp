#include <xgrad/diff/steps.hpp>
#include <xgrad/graph/generator.hpp>
#include <xgrad/graph/leading.hpp>
#include <xgrad/graph/node.hpp>
#include <xgrad/graph/walk.hpp>
#include <xgrad/ops/table.hpp>

#include <algorithm>
#include <bit>
#include <unordered_map>

namespace xgrad {

namespace {

/// A leaf for a sample: given values, or ones in the middle of the range.
Tensor leaf_of(const SampleInput& asked) {
  std::vector<double> values = asked.values;
  if (values.empty()) values.assign(static_cast<std::size_t>(asked.shape.size()), (asked.low + asked.high) / 2);
  return tensor(values, asked.shape, {.dtype = asked.dtype});
}

/// An operation, and the numbers of inputs and of list items it was seen with.
struct Known {
  const Op* op = nullptr;
  std::uint64_t arities = 0, lists = 0;  ///< bit k: k of them
};
using Operations = std::unordered_map<std::string, Known>;

/// What steps call an operation: its name. The two halves of clip have one.
std::string key_of(const Op& op) {
  const bool upper = op.kind == Kind::elementwise && op.code == kernels::Code::minimum;
  return upper && std::string_view(op.name) == "clip" ? "clip/high" : op.name;
}

/// The operations by name: those that the samples of the table record, so that there is no second list to keep.
Operations found_operations() {
  Operations out;
  // Samples draw, which must not show in the user's own numbers.
  Generator& generator = default_generator();
  const Generator before = generator;
  const NoGrad no_grad;
  const Quiet quiet;
  const Later later;
  for (const Rows& rows : all_rows())
    for (const Row& row : rows)
      for (const Sample& sample : row.samples) {
        std::vector<Tensor> inputs;
        for (const SampleInput& input : sample.inputs) inputs.push_back(leaf_of(input));
        try {
          const Tensor y = row.call(inputs);
          Walk walk(Follow::everything);
          walk.add(y.node());
          for (const Node* node : walk.order())
            if (node->op && node->arity < 64 && !carried_by(node)) {
              Known& known = out.try_emplace(key_of(*node->op), Known{.op = node->op}).first->second;
              known.arities |= std::uint64_t{1} << node->arity;
              known.lists |= std::uint64_t{1} << std::min<std::size_t>(list_of(node).size(), 63);
            }
        } catch (const Error&) {
          // Made-up values may not suit an operation that looks at them; other samples record it.
        }
      }
  generator = before;
  return out;
}

const Operations& operations() {
  static const Operations all = found_operations();
  return all;
}

GraphStep leaf_step(Node* node) {
  GraphStep step{.kind = GraphStep::Kind::value};
  step.value = Tensor::share(node);
  if (node->flags.number) {
    step.kind = GraphStep::Kind::number;
    step.weak = node->flags.weak;
    // Shared numbers belong to their thread.
    step.value = is_floating(node->dtype) ? make_number(Arg(node->value.real, Location()), node->dtype, false)
                                          : make_number(Arg(node->value.integer, Location()), node->dtype, false);
  } else {
    step.value.eval();
  }
  return step;
}

/// What rules of recording take for granted, because the functions that record have looked at it; a file may lie.
void check_attributes(const GraphStep& step, const Known& known, std::span<const Arg> inputs) {
  const auto refuse = [&](const char* what) {
    throw ValueError("[record_steps] expected " + std::string(what) + " of '" + step.operation + "'");
  };
  const int rank = inputs.empty() ? 0 : inputs[0].node()->shape.rank();
  if (step.operation == "cast" && (step.attributes[0] < 0 || step.attributes[0] >= dtype_count))
    refuse("the number of a dtype");
  if (step.operation == "transpose") {
    const auto n = static_cast<std::int64_t>(step.list.size());
    std::uint32_t seen = 0;
    for (const std::int64_t axis : step.list) {
      if (axis < -n || axis >= 0 || n > rank || (seen >> -axis & 1) != 0) refuse("a permutation of the last axes");
      seen |= 1u << -axis;
    }
  } else if (step.operation == "slice") {
    if (step.list.size() % 4 != 0) refuse("four numbers for each axis");
    for (std::size_t k = 0; k < step.list.size(); k += 4)
      if (step.list[k] < -rank || step.list[k] >= 0) refuse("axes of x");
  } else if (step.operation == "section") {
    if (step.list.size() != 2 || step.list[0] < 0 || step.list[0] >= step.list[1] || step.attributes[0] < -rank ||
        step.attributes[0] >= 0)
      refuse("an axis, and one of so many sections");
  } else if (step.operation == "group_axes") {
    std::int64_t all = 0;
    for (const std::int64_t n : step.list) {
      if (n < 0 || n > rank) refuse("numbers of axes");
      all += n;
    }
    if (all != rank) refuse("numbers of axes that are all of x");
  } else if (step.operation == "split_axes") {
    // Each number is a lender and one of its axes.
    for (const std::int64_t from : step.list) {
      const std::size_t lender = from < 0 ? inputs.size() : static_cast<std::size_t>(from / 8) + 1;
      if (lender >= inputs.size() || from % 8 >= inputs[lender].node()->shape.rank()) refuse("axes of other inputs");
    }
  } else if (step.operation.starts_with("conv")) {
    for (const std::int64_t n : {step.attributes[0], step.attributes[1]})
      if (n < 0 || n > 1 << 24) refuse("numbers from 0 to 2^24");
    for (const std::int64_t n : step.list)
      if (n < -(1 << 24) || n > 1 << 24) refuse("numbers up to 2^24");
    if (step.list.size() >= 64 || (known.lists >> step.list.size() & 1) == 0) refuse("a list of another length");
  } else if (std::popcount(known.lists) < 3 && (step.list.size() >= 64 || (known.lists >> step.list.size() & 1) == 0)) {
    // Lists that are not as long as a shape have a length of their own.
    refuse("a list of another length");
  }
}

std::string where_of(const Node* node) { return std::string(node->op->name) + place(node->where); }

}  // namespace

std::vector<GraphStep> steps_of(const Tensor& output, std::span<const Tensor> holes) {
  if (!output.defined()) throw ValueError("[steps_of] expected a tensor, got one that was never given a value");
  std::unordered_map<const Node*, std::size_t> hole_of;
  for (std::size_t i = 0; i < holes.size(); ++i) hole_of.try_emplace(holes[i].node(), i);
  Walk walk(Follow::everything);
  walk.add(output.node());
  const std::size_t n = walk.order().size();
  // What is above a hole, and of that what leads to the output without passing one.
  std::vector<bool> depends(n), wanted(n);
  for (std::size_t i = 0; i < n; ++i) {
    depends[i] = hole_of.contains(walk.order()[i]);
    for (const std::uint32_t at : walk.inputs_of(i)) depends[i] = depends[i] || depends[at];
  }
  wanted[n - 1] = true;
  for (std::size_t i = n; i-- > 0;)
    if (wanted[i] && depends[i] && !hole_of.contains(walk.order()[i]))
      for (const std::uint32_t at : walk.inputs_of(i)) wanted[at] = true;
  std::vector<Tensor> nodes;  // asked for values later, when the walk's places are gone
  std::vector<std::vector<std::uint32_t>> inputs(n);
  for (std::size_t i = 0; i < n; ++i) {
    nodes.push_back(Tensor::share(walk.order()[i]));
    inputs[i].assign(walk.inputs_of(i).begin(), walk.inputs_of(i).end());
  }

  std::vector<GraphStep> out;
  std::vector<std::size_t> places(n);
  for (std::size_t i = 0; i < n; ++i) {
    if (!wanted[i]) continue;
    Node* node = nodes[i].node();
    places[i] = out.size();
    if (const auto found = hole_of.find(node); found != hole_of.end()) {
      GraphStep step{.kind = GraphStep::Kind::hole};
      step.hole = found->second;
      out.push_back(std::move(step));
      continue;
    }
    if (!depends[i]) {
      if (node->flags.symbolic)
        throw ValueError("[steps_of] expected a graph of the given tensors alone, got " + where_of(node));
      out.push_back(leaf_step(node));
      continue;
    }
    // A cast that promotion recorded is decided anew by the operation that wanted it.
    if (node->flags.promoted) {
      places[i] = places[inputs[i][0]];
      continue;
    }
    GraphStep step{.operation = key_of(*node->op)};
    const auto known = operations().find(step.operation);
    if (carried_by(node) || known == operations().end() || known->second.op != node->op)
      throw ValueError("[steps_of] expected operations of the library, got " + where_of(node) +
                       ": functions of a user's own are no data");
    for (const std::uint32_t at : inputs[i]) step.inputs.push_back(places[at]);
    step.attributes[0] = node->attributes[0];
    step.attributes[1] = node->attributes[1];
    step.list.assign(list_of(node).begin(), list_of(node).end());
    if (node->op->kind == Kind::draw || node->op->random) {
      step.seed = node->value.draw.seed;
      step.draw = node->value.draw.number;
    }
    out.push_back(std::move(step));
  }
  // A promoted cast may stand last; then the step it reads is repeated.
  if (places[n - 1] + 1 != out.size()) {
    GraphStep last = out[places[n - 1]];
    out.push_back(std::move(last));
  }
  return out;
}

Tensor record_steps(std::span<const GraphStep> steps, std::span<const Tensor> holes) {
  if (steps.empty()) throw ValueError("[record_steps] expected at least one step, got none");
  const Quiet quiet;
  std::vector<Tensor> now;
  for (const GraphStep& step : steps) {
    if (step.kind == GraphStep::Kind::hole) {
      if (step.hole >= holes.size())
        throw ValueError("[record_steps] expected one of " + std::to_string(holes.size()) + " tensors, got number " +
                         std::to_string(step.hole));
      now.push_back(holes[step.hole]);
      continue;
    }
    if (step.kind != GraphStep::Kind::operation) {
      if (!step.value.defined()) throw ValueError("[record_steps] expected a value for each leaf, got none");
      now.push_back(step.value);
      if (step.weak) {
        if (!step.value.node()->flags.number || step.value.rank() != 0)
          throw ValueError("[record_steps] expected a number, got a tensor of shape " + to_string(step.value.shape()));
        now.back().node()->flags.weak = true;
      }
      continue;
    }
    const auto found = operations().find(step.operation);
    if (found == operations().end())
      throw ValueError("[record_steps] expected an operation of the library, got '" + step.operation + "'");
    const Op& op = *found->second.op;
    const std::size_t n = step.inputs.size();
    if (!op.variadic && (n >= 64 || (found->second.arities >> n & 1) == 0))
      throw ValueError("[record_steps] '" + step.operation + "' does not take " + std::to_string(n) + " inputs");
    std::vector<Arg> inputs;
    for (const std::size_t place : step.inputs) {
      if (place >= now.size())
        throw ValueError("[record_steps] expected inputs among the " + std::to_string(now.size()) +
                         " steps before, got number " + std::to_string(place));
      inputs.push_back(Arg(now[place], Location()));
    }
    check_attributes(step, found->second, inputs);
    now.push_back(record(op, inputs, {.a = step.attributes[0], .b = step.attributes[1], .list = step.list},
                         {.seed = step.seed, .number = step.draw}));
  }
  return now.back();
}

}  // namespace xgrad
