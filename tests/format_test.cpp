#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/format.hpp>
#include <xgrad/graph/tensor.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace xgrad;

namespace {

DType dtype_named(const std::string& name) {
  for (int i = 0; i < dtype_count; ++i)
    if (name == name_of(static_cast<DType>(i))) return static_cast<DType>(i);
  throw std::runtime_error("unknown dtype " + name);
}

Tensor tensor_of(const nlohmann::json& one) {
  Shape shape;
  for (const auto& length : one["shape"]) shape.append(length.get<std::int64_t>());
  const DType dtype = dtype_named(one["dtype"]);
  if (dtype == int64 && one["values"].is_array()) {
    std::vector<std::int64_t> whole;
    for (const auto& v : one["values"]) whole.push_back(v.get<std::int64_t>());
    return tensor(whole, shape);
  }
  std::vector<double> values;
  if (one["values"].is_string())
    for (std::int64_t i = 0; i < shape.size(); ++i) values.push_back(static_cast<double>(i));
  else
    for (const auto& v : one["values"])
      values.push_back(v.is_string() ? std::stod(v.get<std::string>()) : v.get<double>());
  return tensor(values, shape, {.dtype = dtype});
}

}  // namespace

TEST_CASE("tensors are printed as NumPy prints arrays") {
  const std::filesystem::path folder = std::filesystem::path(XGRAD_TEST_FILES).parent_path() / "reference";
  std::ifstream file(folder / "numpy_prints.json");
  REQUIRE(file.good());
  const nlohmann::json cases = nlohmann::json::parse(file);
  CHECK(cases.size() >= 70);
  for (const auto& one : cases) {
    INFO(one["dtype"] << " " << one["shape"] << "\nexpected\n" << one["text"].get<std::string>());
    CHECK(to_string(tensor_of(one)) == one["text"].get<std::string>());
  }
}

TEST_CASE("printing options mean what they mean in NumPy") {
  const std::filesystem::path folder = std::filesystem::path(XGRAD_TEST_FILES).parent_path() / "reference";
  std::ifstream file(folder / "numpy_print_options.json");
  REQUIRE(file.good());
  const nlohmann::json cases = nlohmann::json::parse(file);
  CHECK(cases.size() >= 200);
  for (const auto& one : cases) {
    const auto& asked = one["options"];
    const PrintOptions standard, options{.precision = asked.value("precision", standard.precision),
                                         .threshold = asked.value("threshold", standard.threshold),
                                         .edgeitems = asked.value("edgeitems", standard.edgeitems),
                                         .linewidth = asked.value("linewidth", standard.linewidth),
                                         .suppress = asked.value("suppress", standard.suppress)};
    INFO(one["dtype"] << " " << one["shape"] << " " << asked << "\nexpected\n" << one["text"].get<std::string>());
    CHECK(to_string(tensor_of(one), options) == one["text"].get<std::string>());
  }
}

TEST_CASE("printing options that mean nothing are refused") {
  for (const PrintOptions& options : {PrintOptions{.precision = -1}, PrintOptions{.threshold = -1},
                                      PrintOptions{.edgeitems = 0}, PrintOptions{.linewidth = -5}})
    CHECK_THROWS_AS(to_string(tensor({1, 2}), options), ValueError);
}

TEST_CASE("printing computes a pending tensor") {
  const Tensor x = tensor({1, 2}) * 2;
  CHECK(!x.computed());
  std::ostringstream out;
  out << x;
  CHECK(out.str() == "[2. 4.]");
  CHECK(x.computed());
}
