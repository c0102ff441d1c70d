#include <xgrad/diff/custom.hpp>

#include <xgrad/diff/vmap.hpp>
#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/leading.hpp>

#include <string>

namespace xgrad {
namespace {

std::vector<Tensor> inputs_of(const Applied& call, int first = 0) {
  std::vector<Tensor> in;
  for (int k = first; k < call.arity(); ++k) in.push_back(call.in(k));
  return in;
}

void infer_like_first(Recording& call) { call.result(call.shape(0), call.dtype(0)); }

void check_number(const char* name, std::size_t found, std::size_t expected) {
  if (found != expected)
    throw ValueError(std::string("[") + name + "] expected its rule to give " + std::to_string(expected) +
                     " gradients, one for each input, got " + std::to_string(found));
}

// --- straight through ------------------------------------------------------------------------------------------------

void infer_straight(Recording& call) {
  if (!(call.shape(0) == call.shape(1))) call.shape_error("expected two tensors of one shape");
  if (call.dtype(0) != call.dtype(1)) call.dtype_error("expected two tensors of one dtype");
  infer_like_first(call);
}

constexpr Op straight_through_op{
    .name = "straight_through",
    .kind = Kind::alias,
    .infer = infer_straight,
    .rules = {nullptr, [](const Applied&, const Tensor& g) { return g; }},
    .lead = [](const Applied& c, std::span<const Tensor> in, std::span<const std::uint8_t> leads, std::int64_t count) {
      const auto repeated = [&](std::size_t k) { return leads[k] ? in[k] : repeat_leading(in[k], count); };
      return c.again({repeated(0), repeated(1)});
    }};

// --- another gradient ------------------------------------------------------------------------------------------------

struct CarriedRule final : Carried {
  explicit CarriedRule(GradientRule given) : rule(std::move(given)) {}
  GradientRule rule;
};

/// Input 0 is the value, the others are what the rule is for.
void custom_gradients(const Applied& call, const Tensor& g, std::span<Tensor> out) {
  const std::vector<Tensor> xs = inputs_of(call, 1);
  const std::vector<Tensor> found = static_cast<const CarriedRule*>(call.carried())->rule(xs, call.in(0), g);
  check_number("custom_gradient", found.size(), xs.size());
  for (std::size_t k = 0; k < found.size(); ++k) out[k + 1] = found[k];
}

Tensor one_custom_gradient(const Applied& call, const Tensor& g) {
  std::vector<Tensor> out(static_cast<std::size_t>(call.arity()));
  if (call.argument() > 0) custom_gradients(call, g, out);
  return out[static_cast<std::size_t>(call.argument())];
}

Tensor lead_custom_gradient(const Applied& call, std::span<const Tensor> in, std::span<const std::uint8_t> leads,
                            std::int64_t count);

constexpr Op custom_gradient_op{.name = "custom_gradient",
                                .kind = Kind::alias,
                                .infer = infer_like_first,
                                .rules = {one_custom_gradient},
                                .variadic = true,
                                .lead = lead_custom_gradient,
                                .reverse = custom_gradients};

Tensor with_rule(std::span<const Arg> inputs, GradientRule rule) {
  const CarriedRule* carried = new CarriedRule(std::move(rule));
  try {
    Tensor result = record(custom_gradient_op, inputs, {.carried = carried});
    carried->release();
    return result;
  } catch (...) {
    carried->release();
    throw;
  }
}

/// The rule is one of single examples: it is mapped as well.
Tensor lead_custom_gradient(const Applied& call, std::span<const Tensor> in, std::span<const std::uint8_t> leads,
                            std::int64_t count) {
  std::vector<Tensor> fitted(in.begin(), in.end());
  std::vector<int> axes;
  for (std::size_t k = 0; k < in.size(); ++k) {
    if (!leads[k]) fitted[k] = repeat_leading(in[k], count);
    axes.push_back(0);
  }
  const GradientRule rule = static_cast<const CarriedRule*>(call.carried())->rule;
  const std::vector<Arg> inputs(fitted.begin(), fitted.end());
  return with_rule(inputs, [rule](std::span<const Tensor> xs, const Tensor& y, const Tensor& g) {
    std::vector<Arg> given(xs.begin(), xs.end());
    given.emplace_back(y);
    given.emplace_back(g);
    const MappedArguments all = mapped_arguments(given, {});
    std::vector<Tensor> found, defined;
    {
      const RecordOnly recorded;
      found = rule(std::span(all.examples).first(xs.size()), all.examples[xs.size()], all.examples[xs.size() + 1]);
    }
    for (const Tensor& x : found)
      if (x.defined()) defined.push_back(x);
    const std::vector<Tensor> mapped = for_all_examples(defined, all, {});
    auto next = mapped.begin();
    for (Tensor& x : found)
      if (x.defined()) x = *next++;
    return found;
  });
}

// --- custom operations -----------------------------------------------------------------------------------------------

struct CarriedFunctions final : Carried {
  explicit CarriedFunctions(CustomOp given) : functions(std::move(given)) {}
  CustomOp functions;
};

const CustomOp& functions_of(const Carried* carried) {
  return static_cast<const CarriedFunctions*>(carried)->functions;
}

}  // namespace

Tensor straight_through(const Arg& value, const Arg& through) { return record(straight_through_op, {value, through}); }

Tensor custom_gradient(const Arg& y, std::span<const Tensor> xs, GradientRule rule) {
  if (!rule) throw ValueError("[custom_gradient] expected a rule, got none" + place(y.where()));
  std::vector<Arg> inputs = {y};
  for (const Tensor& x : xs) inputs.emplace_back(x, y.where());
  return with_rule(inputs, std::move(rule));
}

Tensor custom_gradient(const Arg& y, const Arg& x,
                       Function<Tensor(const Tensor& x, const Tensor& y, const Tensor& g)> rule) {
  if (!rule) throw ValueError("[custom_gradient] expected a rule, got none" + place(y.where()));
  const Tensor by = x.tensor();
  return custom_gradient(y, std::span(&by, 1),
                         [one = std::move(rule)](std::span<const Tensor> xs, const Tensor& out, const Tensor& g) {
                           return std::vector{one(xs[0], out, g)};
                         });
}

const Carried* carry(CustomOp functions) {
  if (!functions.run) throw ValueError("[custom_op] expected a function to run, got none");
  return new CarriedFunctions(std::move(functions));
}

void infer_custom(Recording& call) {
  const CustomOp& functions = functions_of(call.carried());
  if (call.arity() == 0 && !(functions.shape && functions.dtype))
    call.value_error("expected an input, or a shape and a dtype of the result");
  std::vector<Shape> shapes;
  for (int k = 0; k < call.arity(); ++k) shapes.push_back(call.shape(k));
  call.result(functions.shape ? functions.shape(shapes) : call.shape(0),
              functions.dtype ? *functions.dtype : call.dtype(0));
}

void run_custom(const Launch& launch) { functions_of(launch.carried).run(launch.in, launch.out); }

void custom_rules(const Applied& call, const Tensor& g, std::span<Tensor> out) {
  const CustomOp& functions = functions_of(call.carried());
  const char* name = call.op().name;
  if (!functions.reverse)
    throw GradientError(std::string("[") + name + "] expected a reverse rule to find a gradient with, got none");
  const std::vector<Tensor> in = inputs_of(call);
  const std::vector<Tensor> found = functions.reverse(in, call.out(), g);
  check_number(name, found.size(), in.size());
  for (std::size_t k = 0; k < found.size(); ++k) out[k] = found[k];
}

Tensor custom_rule(const Applied& call, const Tensor& g) {
  std::vector<Tensor> out(static_cast<std::size_t>(call.arity()));
  custom_rules(call, g, out);
  return out[static_cast<std::size_t>(call.argument())];
}

Tensor custom_forward(const Applied& call, std::span<const Tensor> tangents) {
  const CustomOp& functions = functions_of(call.carried());
  return functions.forward ? functions.forward(inputs_of(call), call.out(), tangents) : Tensor();
}

}  // namespace xgrad
