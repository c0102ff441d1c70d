/// The printed plan in docs/performance.md is what its program prints. With XGRAD_WRITE_DOCS=1 in the environment the
/// test writes it into the page instead.

#include <xgrad/graph/explain.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

namespace {

using namespace xgrad;

std::string printed() {
  const Tensor x = ones({256, 100}).eval().named("x"), y = zeros({256, 10}).eval().named("y");
  const Parameter w(full({100, 10}, .01), "w"), b(zeros({10}), "b");
  const Tensor loss = mean(square(tanh(matmul(x, w) + b) - y));
  const auto [dw, db] = grad(loss, {w, b});
  w.assign(w - .1 * dw);
  b.assign(b - .1 * db);
  return explain(loss);
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("the plan printed in docs/performance.md is the one its program prints") {
  const std::filesystem::path file = XGRAD_TEST_FILES "/../../docs/performance.md";
  std::string page = text_of(file);
  const std::string begin = "explain prints:\n\n```\n", end = "```\n";
  const std::size_t from = page.find(begin);
  REQUIRE(from != std::string::npos);
  const std::size_t to = page.find(end, from + begin.size());
  REQUIRE(to != std::string::npos);
  const std::string expected = printed();
  if (const char* write = std::getenv("XGRAD_WRITE_DOCS"); write && std::string_view(write) == "1") {
    page.replace(from + begin.size(), to - from - begin.size(), expected);
    std::ofstream(file) << page;
    return;
  }
  INFO("run this test with XGRAD_WRITE_DOCS=1 to write it anew");
  CHECK(page.substr(from + begin.size(), to - from - begin.size()) == expected);
}
