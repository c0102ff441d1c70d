#include <xgrad/diff/vmap.hpp>

#include <xgrad/diff/leads.hpp>
#include <xgrad/graph/basic.hpp>
#include <xgrad/ops/shape.hpp>

namespace xgrad {
namespace {

constexpr std::string_view no_values = "inside vmap it stands for every example, so it has no value of its own";

/// The operation of each place by itself.
Tensor one_by_one(const Applied& call, std::span<const Tensor> in, std::span<const std::uint8_t> leads,
                  std::int64_t count) {
  const Tensor out = call.out();
  if (count == 0) return repeat_leading(zeros_like(out), 0);
  std::vector<Tensor> results, inputs(in.begin(), in.end());
  for (std::int64_t i = 0; i < count; ++i) {
    for (std::size_t k = 0; k < in.size(); ++k)
      if (leads[k]) inputs[k] = squeeze(slice_axis(in[k], 0, {i, i + 1}), 0);
    results.push_back(expand_dims(call.again(inputs), 0));
  }
  return concatenate(std::span<const Tensor>(results), 0);
}

}  // namespace

std::vector<Tensor> led(std::span<const Tensor> outputs, std::span<const Substitution> substitutions,
                        std::int64_t count) {
  return with_leading_axis(outputs, substitutions, count, one_by_one);
}

Recorded::Recorded() : held_(new RecordOnly) {}
Recorded::~Recorded() { delete static_cast<RecordOnly*>(held_); }

MappedArguments mapped_arguments(std::span<const Arg> arguments, const VmapOptions& options) {
  const Within here("vmap", arguments.empty() ? Location() : arguments[0].where());
  if (!options.in_axes.empty() && options.in_axes.size() != arguments.size())
    throw ValueError("[vmap] expected an axis for each of " + std::to_string(arguments.size()) + " arguments, got " +
                     std::to_string(options.in_axes.size()));
  MappedArguments result;
  bool any = false;
  for (std::size_t k = 0; k < arguments.size(); ++k) {
    Tensor x = variable(arguments[k]);
    const int axis = options.in_axes.empty() ? 0 : options.in_axes[k];
    if (axis == not_mapped) {
      result.examples.push_back(x);
      result.whole.push_back(std::move(x));
      continue;
    }
    if (x.rank() == 0)
      throw ShapeError("[vmap] expected an axis to map argument " + std::to_string(k) + " over, got a scalar" +
                       place(arguments[k].where()));
    const std::int64_t length = x.dim(axis);
    if (any && length != result.count)
      throw ShapeError("[vmap] expected mapped axes of one length, got " + std::to_string(result.count) + " and " +
                       std::to_string(length) + " for argument " + std::to_string(k) + place(arguments[k].where()));
    any = true;
    result.count = length;
    if (axis != 0 && axis != -x.rank()) x = moveaxis(x, axis, 0);
    Shape example;
    for (int i = 1; i < x.rank(); ++i) example.append(x.shape()[i]);
    const RecordOnly recorded;
    result.examples.push_back(placeholder(example, x.dtype(), no_values));
    result.whole.push_back(std::move(x));
  }
  if (!any) throw ShapeError("[vmap] expected an argument to map over, got none");
  return result;
}

std::vector<Tensor> for_all_examples(std::span<const Tensor> results, const MappedArguments& arguments,
                                     const VmapOptions& options) {
  std::vector<Substitution> substitutions;
  for (std::size_t k = 0; k < arguments.whole.size(); ++k)
    if (arguments.whole[k].node() != arguments.examples[k].node())
      substitutions.push_back({arguments.examples[k], arguments.whole[k]});
  std::vector<Tensor> found = led(results, substitutions, arguments.count);
  if (options.out_axis != 0)
    for (Tensor& x : found) x = moveaxis(x, 0, options.out_axis);
  return found;
}

}  // namespace xgrad
