#include <xgrad/diff/checkpoint.hpp>

#include <xgrad/diff/leads.hpp>
#include <xgrad/graph/basic.hpp>

namespace xgrad {
namespace {

constexpr std::string_view no_values = "inside checkpoint it stands for a value that is computed later";

/// The function as a graph over stand-ins.
struct Formula final : Carried {
  std::vector<Tensor> stand_ins;
  Tensor y;

  Tensor of(std::span<const Tensor> inputs) const {
    std::vector<Substitution> substitutions;
    for (std::size_t k = 0; k < inputs.size(); ++k) substitutions.push_back({stand_ins[k], inputs[k]});
    return rerecord(std::span(&y, 1), substitutions).front();
  }
};

const Formula& formula_of(const Applied& call) { return *static_cast<const Formula*>(call.carried()); }

std::vector<Tensor> arguments_of(const Applied& call) {
  std::vector<Tensor> in;
  for (int k = 1; k < call.arity(); ++k) in.push_back(call.in(k));
  return in;
}

void infer_like_first(Recording& call) { call.result(call.shape(0), call.dtype(0)); }

/// The first input, once the second has been computed: what is recorded from it is another value than what was computed
/// before, and comes later.
constexpr Op after_op{.name = "after",
                      .kind = Kind::check,
                      .infer = infer_like_first,
                      .rules = {[](const Applied&, const Tensor& g) { return g; }},
                      .run = [](const Launch&) {},
                      .lead = [](const Applied& c, std::span<const Tensor> in, std::span<const std::uint8_t> leads,
                                 std::int64_t count) {
                        return c.again({leads[0] ? in[0] : repeat_leading(in[0], count), in[1]});
                      }};

/// Input 0 is the value, recorded without history; the others are what it depends on.
void recompute(const Applied& call, const Tensor& g, std::span<Tensor> out) {
  std::vector<Tensor> inputs = arguments_of(call);
  for (Tensor& x : inputs) x = record(after_op, {x, g});
  const Tensor y = formula_of(call).of(inputs);
  std::vector<Tensor> xs;
  for (const Tensor& x : inputs)
    if (is_floating(x.dtype())) xs.push_back(x);
  const std::vector<Tensor> found = vjp(std::span(&y, 1), std::span<const Tensor>(xs), std::span(&g, 1));
  auto next = found.begin();
  for (std::size_t k = 0; k < inputs.size(); ++k)
    if (is_floating(inputs[k].dtype())) out[k + 1] = *next++;
}

Tensor recompute_one(const Applied& call, const Tensor& g) {
  std::vector<Tensor> out(static_cast<std::size_t>(call.arity()));
  if (call.argument() > 0) recompute(call, g, out);
  return out[static_cast<std::size_t>(call.argument())];
}

Tensor push(const Applied& call, std::span<const Tensor> tangents) {
  const std::vector<Tensor> inputs = arguments_of(call);
  std::vector<Tensor> xs, along;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    if (!tangents[k + 1].defined()) continue;
    xs.push_back(inputs[k]);
    along.push_back(tangents[k + 1]);
  }
  const Tensor y = formula_of(call).of(inputs);
  return xs.empty() ? Tensor() : jvp(Arg(y), std::span<const Tensor>(xs), std::span<const Tensor>(along));
}

Tensor lead(const Applied& call, std::span<const Tensor> in, std::span<const std::uint8_t> leads, std::int64_t count);

constexpr Op checkpoint_op{.name = "checkpoint",
                           .kind = Kind::alias,
                           .infer = infer_like_first,
                           .rules = {recompute_one},
                           .variadic = true,
                           .lead = lead,
                           .reverse = recompute,
                           .forward = push};

/// The value and the node that stands for it.
Tensor recorded(Formula* formula, std::span<const Tensor> inputs) {
  try {
    std::vector<Arg> arguments;
    Tensor value;
    {
      const NoGrad no_history;
      value = formula->of(inputs);
    }
    arguments.emplace_back(value);
    for (const Tensor& x : inputs) arguments.emplace_back(x);
    Tensor result = record(checkpoint_op, arguments, {.carried = formula});
    formula->release();
    return result;
  } catch (...) {
    formula->release();
    throw;
  }
}

Tensor lead(const Applied& call, std::span<const Tensor> in, std::span<const std::uint8_t> leads, std::int64_t count) {
  const Formula& one = formula_of(call);
  std::vector<Tensor> inputs;
  for (std::size_t k = 1; k < in.size(); ++k)
    inputs.push_back(leads[k] ? in[k] : repeat_leading(in[k], count));
  Formula* all = new Formula;
  all->stand_ins = stand_ins_for(inputs);
  std::vector<Substitution> substitutions;
  for (std::size_t k = 0; k < inputs.size(); ++k) substitutions.push_back({one.stand_ins[k], all->stand_ins[k]});
  {
    const RecordOnly only;
    all->y = led(std::span(&one.y, 1), substitutions, count).front();
  }
  return recorded(all, inputs);
}

}  // namespace

std::vector<Tensor> stand_ins_for(std::span<const Tensor> inputs) {
  const RecordOnly recorded;
  std::vector<Tensor> result;
  for (const Tensor& x : inputs) result.push_back(placeholder(x.shape(), x.dtype(), no_values));
  return result;
}

Tensor checkpointed(std::span<const Tensor> inputs, std::span<const Tensor> stand_ins, const Tensor& y) {
  std::vector<Tensor> all(inputs.begin(), inputs.end());
  std::vector<Tensor> known = closed_over(y);
  const std::vector<Tensor> more = stand_ins_for(known);
  std::vector<Substitution> substitutions;
  for (std::size_t k = 0; k < known.size(); ++k) substitutions.push_back({known[k], more[k]});
  Formula* formula = new Formula;
  formula->stand_ins.assign(stand_ins.begin(), stand_ins.end());
  formula->stand_ins.insert(formula->stand_ins.end(), more.begin(), more.end());
  {
    const RecordOnly recorded;
    formula->y = rerecord(std::span(&y, 1), substitutions).front();
  }
  all.insert(all.end(), known.begin(), known.end());
  return recorded(formula, all);
}

}  // namespace xgrad
