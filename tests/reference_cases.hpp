#pragma once
// Runs the cases of a file that a script of tests/reference wrote with NumPy, SciPy or PyTorch: values, gradients and
// second derivatives. A case holds "call" (the name of the function to run), "in" and "out" (tensors as "shape",
// "dtype" and "values"), and, where there are derivatives, "seed", "grads", "dir" and "second":
//   grads[k] = d sum(out * seed) / d in[k],  second[j] = d sum_k sum(grads[k] * dir[k]) / d in[j],
// null for an input without one. Infinities and NaN are the strings "inf", "-inf" and "nan".

#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/grad.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace xgrad::reference {

using Json = nlohmann::json;
using Calls = std::map<std::string, Tensor (*)(std::span<const Tensor>)>;

inline constexpr double close_enough = 1e-12;

inline DType dtype_named(const std::string& name) {
  for (int i = 0; i < dtype_count; ++i)
    if (name == name_of(static_cast<DType>(i))) return static_cast<DType>(i);
  throw ValueError("no element type is called " + name);
}

inline Shape shape_of(const Json& json) {
  Shape shape;
  for (const auto& length : json) shape.append(length.get<std::int64_t>());
  return shape;
}

inline std::vector<double> reals_of(const Json& json) {
  std::vector<double> values;
  for (const auto& value : json) {
    if (value.is_boolean()) values.push_back(value.get<bool>() ? 1 : 0);
    else if (value.is_string()) values.push_back(std::stod(value.get<std::string>()));
    else values.push_back(value.get<double>());
  }
  return values;
}

inline std::vector<std::int64_t> integers_of(const Json& json) {
  std::vector<std::int64_t> values;
  for (const auto& value : json) {
    REQUIRE((value.is_boolean() || value.is_number_integer()));
    values.push_back(value.is_boolean() ? value.get<bool>() : value.get<std::int64_t>());
  }
  return values;
}

inline Tensor tensor_of(const Json& json) {
  const DType dtype = dtype_named(json.at("dtype"));
  const Shape shape = shape_of(json.at("shape"));
  if (is_floating(dtype)) return tensor(reals_of(json.at("values")), shape, {.dtype = dtype});
  return tensor(integers_of(json.at("values")), shape, {.dtype = dtype});
}

/// NaN and infinities in the same places; the other numbers to `tolerance` of the largest of them.
inline void check_reals(const char* what, const Tensor& found, const std::vector<double>& expected,
                        double tolerance = close_enough) {
  INFO(what);
  const std::vector<double> values = found.to_vector<double>();
  REQUIRE(values.size() == expected.size());
  double scale = 0;
  for (const double x : expected)
    if (std::isfinite(x)) scale = std::max(scale, std::fabs(x));
  for (std::size_t i = 0; i < values.size(); ++i) {
    INFO("entry " << i << ": " << values[i] << ", expected " << expected[i]);
    if (std::isnan(expected[i])) CHECK(std::isnan(values[i]));
    else if (std::isinf(expected[i])) CHECK(values[i] == expected[i]);
    else CHECK(std::fabs(values[i] - expected[i]) <= tolerance * scale);
  }
}

inline void check_value(const Json& json, const Tensor& found) {
  const DType dtype = dtype_named(json.at("dtype"));
  CHECK(std::string(name_of(found.dtype())) == name_of(dtype));
  INFO("shape " << to_string(found.shape()));
  REQUIRE(found.shape() == shape_of(json.at("shape")));
  if (is_floating(dtype))
    check_reals("value", found, reals_of(json.at("values")), dtype == float32 ? 1e-5 : close_enough);
  else CHECK(found.to_vector<std::int64_t>() == integers_of(json.at("values")));
}

inline bool has(const Json& one, const char* key) { return one.contains(key) && !one.at(key).is_null(); }

inline void check_derivatives(const Json& one, const std::vector<Tensor>& in, const Tensor& out) {
  const Json& grads = one.at("grads");
  std::vector<Tensor> xs;
  std::vector<std::size_t> which;
  for (std::size_t k = 0; k < grads.size(); ++k)
    if (!grads[k].is_null()) xs.push_back(in[k]), which.push_back(k);
  REQUIRE(!xs.empty());
  const Tensor seed = tensor(reals_of(one.at("seed")), out.shape(), {.dtype = out.dtype()});
  const std::vector<Tensor> found = grad(out, std::span<const Tensor>(xs), {.seed = seed});
  for (std::size_t j = 0; j < xs.size(); ++j) {
    INFO("input " << which[j]);
    CHECK(found[j].shape() == xs[j].shape());
    check_reals("gradient", found[j], reals_of(grads[which[j]]));
  }
  if (!has(one, "second")) return;
  const Json& second = one.at("second");
  Tensor slope = zeros({}, {.dtype = out.dtype()});
  for (std::size_t j = 0; j < xs.size(); ++j) {
    const Json& direction = one.at("dir")[which[j]];
    if (!direction.is_null()) slope = slope + sum(found[j] * tensor(reals_of(direction), xs[j].shape()));
  }
  const std::vector<Tensor> products = grad(slope, std::span<const Tensor>(xs));
  for (std::size_t j = 0; j < xs.size(); ++j) {
    if (second[which[j]].is_null()) continue;
    INFO("input " << which[j]);
    check_reals("second derivative", products[j], reals_of(second[which[j]]));
  }
}

/// Runs every case of tests/reference/<file>. Every case has a call and every call a case.
inline void check_reference(const char* file, const Calls& calls) {
  std::ifstream stream(std::filesystem::path(XGRAD_TEST_FILES).parent_path() / "reference" / file);
  INFO(file);
  REQUIRE(stream.good());
  const Json all = Json::parse(stream);
  std::set<std::string> seen;
  std::size_t number = 0;
  for (const Json& one : all.at("cases")) {
    const std::string name = one.at("call");
    INFO("case " << number++ << ": " << name);
    seen.insert(name);
    const auto call = calls.find(name);
    CHECK(call != calls.end());
    if (call == calls.end()) continue;
    std::vector<Tensor> in;
    for (const Json& input : one.at("in")) in.push_back(tensor_of(input));
    const Tensor out = call->second(in);
    check_value(one.at("out"), out);
    if (has(one, "grads")) check_derivatives(one, in, out);
  }
  for (const auto& [name, call] : calls) {
    INFO("call " << name);
    CHECK(seen.count(name) == 1);
  }
}

}  // namespace xgrad::reference
