// Arithmetic, comparisons, activations and shapes, compared with what PyTorch computed in float64.

#include "reference_cases.hpp"

#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/bitwise.hpp>
#include <xgrad/ops/compare.hpp>
#include <xgrad/ops/creation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/scan.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/sorting.hpp>

using namespace xgrad;

namespace {

using In = std::span<const Tensor>;

template <Tensor (*function)(const Arg&)>
Tensor of_one(In in) {
  return function(in[0]);
}
template <Tensor (*function)(const Arg&, const Arg&)>
Tensor of_two(In in) {
  return function(in[0], in[1]);
}

}  // namespace

TEST_CASE("arithmetic, comparisons and integers agree with PyTorch, twice differentiated") {
  const std::map<std::string, Tensor (*)(In)> calls = {
      {"add", of_two<add>},
      {"subtract", of_two<subtract>},
      {"multiply", of_two<multiply>},
      {"divide", of_two<divide>},
      {"pow", [](In in) { return pow(in[0], in[1]); }},
      {"equal", of_two<equal>},
      {"not_equal", of_two<not_equal>},
      {"less", of_two<less>},
      {"less_equal", of_two<less_equal>},
      {"greater", of_two<greater>},
      {"greater_equal", of_two<greater_equal>},
      {"logical_and", of_two<logical_and>},
      {"logical_or", of_two<logical_or>},
      {"where", [](In in) { return where(in[0], in[1], in[2]); }},
      {"bitwise_and", of_two<bitwise_and>},
      {"bitwise_or", of_two<bitwise_or>},
      {"bitwise_xor", of_two<bitwise_xor>},
      {"bitwise_not", of_one<bitwise_not>},
      {"gcd", of_two<gcd>},
      {"lcm", of_two<lcm>},
      {"left_shift", of_two<left_shift>},
      {"right_shift", of_two<right_shift>},
      {"sum_like", of_two<sum_like>},
      {"broadcast_like", of_two<broadcast_like>},
      {"isclose", [](In in) { return isclose(in[0], in[1]); }},
      {"negative", of_one<negative>},
      {"sin", of_one<xgrad::sin>},
      {"cos", of_one<xgrad::cos>},
      {"sigmoid", of_one<sigmoid>},
      {"softplus", of_one<softplus>},
      {"relu", of_one<relu>},
      {"fix", [](In in) { return fix(in[0]); }},
      {"cast_int64", [](In in) { return cast(in[0], int64); }},
      {"cast_float64", [](In in) { return cast(in[0], float64); }},
      {"cast_bool", [](In in) { return cast(in[0], bool_); }},
      {"zeros_like", of_one<zeros_like>},
      {"ones_like", of_one<ones_like>},
      {"full_like", [](In in) { return full_like(in[0], 2.5); }},
      {"reshape", [](In in) { return in[0].size() > 0 ? reshape(in[0], {-1, 1}) : in[0]; }},
      {"broadcast_to",
       [](In in) {
         Shape shape{3};
         for (const std::int64_t length : in[0].shape()) shape.append(length);
         return broadcast_to(in[0], shape);
       }},
      {"one_hot", [](In in) { return one_hot(in[0], 5, float64); }},
      {"softmax", [](In in) { return softmax(in[0]); }},
      {"log_softmax", [](In in) { return log_softmax(in[0]); }},
      {"variance", [](In in) { return variance(in[0], -1); }},
      {"variance_first", [](In in) { return variance(in[0], 0); }},
      {"amax", [](In in) { return amax(in[0], -1); }},
      {"amax_first", [](In in) { return amax(in[0], 0); }},
      {"amin", [](In in) { return amin(in[0], -1); }},
      {"amin_first", [](In in) { return amin(in[0], 0); }},
      {"percentile_30", [](In in) { return percentile(in[0], 30, -1); }},
      {"percentile_30_first", [](In in) { return percentile(in[0], 30, 0); }},
      {"nancumsum", [](In in) { return nancumsum(in[0], -1); }},
      {"nancumprod", [](In in) { return nancumprod(in[0], -1); }},
      {"flatten", [](In in) { return flatten(in[0]); }},
      {"permute_dims", [](In in) { return transpose(in[0]); }},
      {"top_2", [](In in) { return top_k(in[0], 2).values; }},
      {"slice_axis", [](In in) { return slice_axis(in[0], -1, {.start = 1}); }},
  };
  reference::check_reference("basic_values.json", calls);
}
