// The programs of tests/reference/make_torch_values.py, compared with what PyTorch computed for them in float64.

#include <xgrad/graph/grad.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>

using namespace xgrad;

namespace {

using In = std::span<const Tensor>;
using Values = std::vector<double>;

Tensor labels() { return tensor({2, 0, 1, 2}, {.dtype = int64}); }

Tensor cross_entropy(const Tensor& logits) {
  return -mean(sum(one_hot(labels(), 3, float64) * log_softmax(logits, 1), 1));
}

const std::map<std::string, Tensor (*)(In)>& programs() {
  static const std::map<std::string, Tensor (*)(In)> all = {
      {"arithmetic", [](In x) { return sum((x[0] + x[1]) * x[2] - x[0] / x[2]); }},
      {"negative_square", [](In x) { return sum(square(-x[0]) * x[0]); }},
      {"exp_log", [](In x) { return sum(exp(x[0] * 0.5) * log(x[0])); }},
      {"expm1_log1p", [](In x) { return sum(expm1(x[0]) * log1p(x[0])); }},
      {"sqrt_reciprocal", [](In x) { return sum(sqrt(x[0]) * reciprocal(x[0] + 1)); }},
      {"sin_cos", [](In x) { return sum(sin(x[0]) * cos(2 * x[0])); }},
      {"tanh_sigmoid", [](In x) { return sum(tanh(x[0]) * sigmoid(3 * x[0])); }},
      {"softplus", [](In x) { return sum(softplus(4 * x[0]) * x[0]); }},
      {"abs_sign", [](In x) { return sum(pow(abs(x[0]), 3) * sign(x[0])); }},
      {"floor", [](In x) { return sum(square(x[0] - floor(x[0]))); }},
      {"power", [](In x) { return sum(power(x[0], x[1])); }},
      {"power_number", [](In x) { return sum(pow(x[0], 3) + pow(x[0], -2) + pow(x[0], 0.5) + pow(x[0], 2.7)); }},
      {"maximum_minimum", [](In x) { return sum(square(maximum(x[0], x[1])) * minimum(x[0], x[1])); }},
      {"clip", [](In x) { return sum(clip(x[0], -0.7, 0.9) * x[0] * x[0]); }},
      {"where", [](In x) { return sum(where(x[0] > x[1], x[0] * x[1], pow(x[1], 3))); }},
      {"comparisons",
       [](In x) {
         const Tensor chosen =
             logical_and(logical_or(x[0] < x[1], logical_not(x[0] >= 0.5)), not_equal(x[0], x[1]));
         return sum(cast(chosen, float64) * pow(x[0], 3));
       }},
      {"relu", [](In x) { return sum(square(relu(matmul(x[0], x[1])))); }},
      {"sum_axes", [](In x) { return sum(square(sum(x[0], {0, 2}))) + sum(pow(sum(x[0], 1, true), 3)); }},
      {"mean_var", [](In x) { return sum(mean(x[0], 0) * variance(x[0], 0)) + var(x[0], {}, false, 1); }},
      {"std", [](In x) { return sum(xgrad::std(x[0], 1, false, 1) * mean(x[0], 1)); }},
      {"max_min", [](In x) { return sum(square(max(x[0], 1)) * min(x[0], 1)) + pow(max(x[0]), 3); }},
      {"arg_take", [](In x) { return sum(square(take(x[0], argmax(x[0], 0)) * argmin(x[0], 0))); }},
      {"softmax", [](In x) { return sum(softmax(x[0]) * x[1]); }},
      {"softmax_large", [](In x) { return sum(softmax(500 * x[0], 0) * x[0]); }},
      {"log_softmax", [](In x) { return sum(log_softmax(x[0], 0) * sin(x[0])); }},
      {"logsumexp", [](In x) { return sum(square(logsumexp(x[0], 1))) + logsumexp(x[0]); }},
      {"matmul", [](In x) { return sum(square(matmul(x[0], x[1]))); }},
      {"matmul_vectors", [](In x) { return matmul(x[0], x[1]) * sum(tanh(matmul(x[2], x[0]))); }},
      {"matmul_batches", [](In x) { return sum(tanh(matmul(x[0], x[1]))); }},
      {"matmul_shared", [](In x) { return sum(sin(matmul(x[0], x[1]))); }},
      {"transpose", [](In x) { return sum(exp(0.1 * matmul(transpose(x[0]), swapaxes(x[1], 0, 1)))); }},
      {"permute", [](In x) { return sum(pow(transpose(x[0], {2, 0, 1}) * arange(3), 3)); }},
      {"reshape_broadcast",
       [](In x) { return sum(square(reshape(x[0], {3, 2}) * broadcast_to(reshape(x[0], {-1, 1, 1}), {6, 3, 2}))); }},
      {"squeeze_expand",
       [](In x) {
         return sum(pow(squeeze(expand_dims(x[0], 1) - 0.5 * expand_dims(x[0], 0)), 3) * take(x[0], 0));
       }},
      {"concatenate", [](In x) { return sum(pow(concatenate({x[0], x[1] * x[1], x[0]}, 1), 3)); }},
      {"stack",
       [](In x) { return sum(square(sum(stack({x[0], sin(x[1]), x[0] * x[1]}, 1), 1))); }},
      {"slices",
       [](In x) {
         const Tensor a = slice(x[0], {{1}, {0, to_end, 2}}), b = slice(x[0], {{0, -1}, {1, to_end, 2}});
         const Tensor back = slice_axis(x[0], 1, {-1, to_end, -1});
         return sum(square(a * b)) + sum(take(back, 0) * take(x[0], 1));
       }},
      {"take",
       [](In x) {
         const Tensor rows = tensor({{3, 0}, {1, 3}}, {.dtype = int32});
         return sum(square(take(x[0], rows)) * tanh(take(x[0], 0)));
       }},
      {"take_columns", [](In x) { return square(sum(exp(take(x[0], tensor({1, 1, 0}, {.dtype = uint8}), 1)))); }},
      {"one_hot", [](In x) { return cross_entropy(x[0]); }},
      {"mlp_cross_entropy",
       [](In x) {
         const Tensor hidden = tanh(matmul(x[0], x[1]) + x[2]);
         return cross_entropy(matmul(hidden, x[3]) + x[4]) + 0.01 * (sum(square(x[1])) + sum(square(x[3])));
       }},
      {"mlp_mse",
       [](In x) { return mean(square(matmul(softplus(matmul(x[0], x[1]) + x[2]), x[3]) - x[4])); }},
      {"binary_cross_entropy",
       [](In x) {
         const Tensor target = sigmoid(x[1]);
         return mean(softplus(x[0]) - target * x[0]);
       }},
      {"layer_norm",
       [](In x) {
         const Tensor centred = x[0] - mean(x[0], -1, true);
         return sum(pow(centred / sqrt(var(x[0], -1, true) + 1e-5) * x[1] + x[2], 3));
       }},
      {"attention",
       [](In x) { return sum(square(matmul(softmax(matmul(x[0], swapaxes(x[1], -1, -2)) / 2), x[2]))); }},
      {"recurrence",
       [](In x) {
         Tensor h = x[0], total = 0.0;
         for (int step = 0; step < 4; ++step) {
           h = tanh(matmul(h, x[1]) + x[2]);
           total = total + sum(square(h));
         }
         return total;
       }},
      {"neuron", [](In x) { return 0.5 * square(1 - sigmoid(matmul(x[0], x[1]) + x[2])); }},
  };
  return all;
}

nlohmann::json reference() {
  std::ifstream file(std::filesystem::path(XGRAD_TEST_FILES).parent_path() / "reference" / "torch_values.json");
  REQUIRE(file.good());
  return nlohmann::json::parse(file);
}

void check_close(const Values& found, const Values& expected) {
  REQUIRE(found.size() == expected.size());
  double scale = 1e-3;
  for (const double x : expected) scale = std::max(scale, std::fabs(x));
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO("entry " << i << ": " << found[i] << ", expected " << expected[i]);
    CHECK(std::fabs(found[i] - expected[i]) <= 1e-12 * scale);
  }
}

}  // namespace

TEST_CASE("values, gradients and Hessian-vector products agree with PyTorch's doubles") {
  const nlohmann::json all = reference();
  CHECK(all.size() >= 30);
  std::set<std::string> seen;
  for (const auto& one : all) {
    const std::string name = one["name"];
    INFO("program " << name);
    seen.insert(name);
    REQUIRE(programs().count(name) == 1);
    std::vector<Tensor> inputs, directions;
    for (std::size_t k = 0; k < one["inputs"].size(); ++k) {
      const auto& input = one["inputs"][k];
      Shape shape;
      for (const auto& length : input["shape"]) shape.append(length.get<std::int64_t>());
      inputs.push_back(tensor(input["values"].get<Values>(), shape));
      directions.push_back(tensor(one["directions"][k].get<Values>(), shape));
    }
    const Tensor value = programs().at(name)(inputs);
    CHECK(value.dtype() == float64);
    const std::vector<Tensor> grads = grad(value, std::span<const Tensor>(inputs));
    Tensor slope = zeros({}, {.dtype = float64});
    for (std::size_t k = 0; k < grads.size(); ++k) slope = slope + sum(grads[k] * directions[k]);
    const std::vector<Tensor> products = grad(slope, std::span<const Tensor>(inputs));
    const Tensor forward = jvp(value, inputs, directions);

    check_close({value.item()}, {one["value"].get<double>()});
    double expected_slope = 0;
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      INFO("input " << k);
      const Values expected = one["grads"][k].get<Values>();
      check_close(grads[k].to_vector<double>(), expected);
      check_close(products[k].to_vector<double>(), one["products"][k].get<Values>());
      const Values direction = one["directions"][k].get<Values>();
      for (std::size_t i = 0; i < expected.size(); ++i) expected_slope += expected[i] * direction[i];
    }
    CHECK(std::fabs(forward.item() - expected_slope) <= 1e-11 * std::max(1.0, std::fabs(expected_slope)));
  }
  for (const auto& [name, program] : programs()) {
    INFO("program " << name);
    CHECK(seen.count(name) == 1);
  }
}
