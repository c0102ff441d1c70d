#pragma once
/// A function of single examples mapped over an axis of its arguments.

#include <xgrad/diff/tensors.hpp>

#include <limits>

namespace xgrad {

/// In `in_axes`: this argument is the same for each example.
inline constexpr int not_mapped = std::numeric_limits<int>::min();

struct VmapOptions {
  std::vector<int> in_axes = {};  ///< the mapped axis of each argument, or not_mapped; empty: 0 for all
  int out_axis = 0;               ///< where the axis stands in the results
};

/// vmap(f)(x, y): f of each example x[i], y[i], recorded once for all of them. f is called once, with stand-ins that
/// have an example's shape and whose values nobody may ask for (ValueError); what it closes over is the same for each
/// example. Each operation takes the new axis along by its kind, those that cannot are recorded once an example.
/// Random draws shaped like a mapped tensor differ between examples, others do not. Per-example gradients:
///   vmap([&](const Tensor& x, const Tensor& y) { return grad(loss_of(model(x), y), {w, b}); })(images, labels)
/// Throws ShapeError if mapped axes have different lengths or nothing is mapped.
template <class F>
auto vmap(F f, VmapOptions options = {});

/// What vmap calls: arguments with the mapped axis in front, and stand-ins for one example of each.
struct MappedArguments {
  std::vector<Tensor> examples, whole;  ///< equal where not mapped
  std::int64_t count = 0;
};
MappedArguments mapped_arguments(std::span<const Arg> arguments, const VmapOptions& options);
/// Recorded results of one example, for all of them.
std::vector<Tensor> for_all_examples(std::span<const Tensor> results, const MappedArguments& arguments,
                                     const VmapOptions& options);
/// Records nothing but f's results: see RecordOnly in graph/leading.hpp.
class Recorded {
 public:
  Recorded();
  ~Recorded();
  Recorded(const Recorded&) = delete;
  Recorded& operator=(const Recorded&) = delete;

 private:
  void* held_;
};

template <class F>
auto vmap(F f, VmapOptions options) {
  return [=](const auto&... x) {
    const Arg given[] = {Arg(x)...};
    const MappedArguments arguments = mapped_arguments(given, options);
    const auto result = [&] {
      const Recorded recorded;
      return call_with<sizeof...(x)>(f, arguments.examples);
    }();
    return refilled(result, for_all_examples(flattened(result), arguments, options));
  };
}

}  // namespace xgrad
