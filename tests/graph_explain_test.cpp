#include "planned.hpp"

#include <xgrad/graph/explain.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/memory.hpp>
#include <xgrad/graph/plan.hpp>
#include <xgrad/io/chrome_trace.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>

using namespace xgrad;
using Catch::Contains;

namespace {

const Planned planned;

Tensor leaf(const Shape& shape, std::string_view name) {
  return full(shape, .5).eval().named(name);
}

std::uint64_t runs_of(const Profile& profile) {
  std::uint64_t runs = 0;
  for (const auto& plan : profile.plans())
    for (const ProfiledPlanStep& step : plan) runs += step.runs;
  return runs;
}

}  // namespace

TEST_CASE("explain names the steps, the operands, and the bytes of each") {
  const Tensor x = leaf({64, 100}, "x"), w = leaf({100, 30}, "w"), b = leaf({30}, "b");
  const Tensor y = tanh(matmul(x, w) + b);
  const std::string text = explain(y);
  INFO(text);
  CHECK_THAT(text, Contains("3 operations in 2 steps"));
  CHECK_THAT(text, Contains("matmul  [reads 37.6 KB, writes 7680 B]"));
  CHECK_THAT(text, Contains("x (64, 100)") && Contains("w (100, 30)") && Contains("b (30,)"));
  CHECK_THAT(text, Contains("fused add, tanh"));
  // The product and b come in, the result goes out.
  CHECK_THAT(text, Contains("reads " + std::to_string(4 * (64 * 30 + 30)) + " B, writes 7680 B"));
  CHECK_THAT(text, Contains("2 instructions"));
  CHECK_FALSE(y.computed());
}

TEST_CASE("explain says what an evaluation will do: it finds the plan that was explained") {
  const Tensor x = leaf({17, 3}, "x");
  const Tensor y = exp(x) * 3;
  explain(y);
  reset_plan_cache_stats();
  y.eval();
  CHECK(plan_cache_stats().hits == 1);
  CHECK(plan_cache_stats().misses == 0);
  CHECK(explain(y) == "nothing to compute\n");
}

TEST_CASE("explain shows updates that are due and that they are written in place") {
  const Parameter w(full({40, 10}, 1), "w");
  w.assign(w - .5 * w.value());
  const std::string text = explain(std::span<const Tensor>());
  INFO(text);
  CHECK_THAT(text, Contains("1 in place of what they replace") && Contains("in place of w (40, 10)"));
  CHECK_THAT(text, Contains("reads 1604 B, writes 1600 B"));
}

TEST_CASE("a reduction over leading axes is a step with its lengths") {
  const std::string text = explain(sum(leaf({50, 7, 9}, "x"), {0}));
  INFO(text);
  CHECK_THAT(text, Contains("sum of middle axes") && Contains("1 x 50 x 63"));
  CHECK_THAT(text, Contains("reads 12.6 KB, writes 252 B"));
}

TEST_CASE("a profile counts each step of each run, and explain shows their time") {
  const Tensor w = leaf({30, 30}, "w");
  const auto run = [&](double start) { return sum(tanh(matmul(full({30, 30}, start), w))).item(); };
  const double before = run(1);
  {
    Profile profile;
    for (int i = 0; i < 5; ++i) CHECK(run(1) == before);
    const auto plans = profile.plans();
    REQUIRE(plans.size() == 1);
    for (const ProfiledPlanStep& step : plans[0]) {
      CHECK(step.runs == 5);
      CHECK(step.nanoseconds > 0);
    }
    CHECK(profile.steps().size() == 5 * plans[0].size());
    for (const ProfiledStep& step : profile.steps()) CHECK(step.begin <= step.end);
    CHECK_THAT(profile.table(), Contains("1 plan,") && Contains("matmul: (30, 30), (30, 30) to (30, 30)"));
    CHECK_THAT(explain(sum(tanh(matmul(full({30, 30}, 1.), w)))), Contains(" x 5]"));
    profile.stop();
    run(1);
    CHECK(runs_of(profile) == 5 * plans[0].size());
  }
  Profile again;
  CHECK(runs_of(again) == 0);
}

TEST_CASE("a second profile at the same time is an error and leaves the first running") {
  Profile profile;
  CHECK_THROWS_AS(Profile(), ValueError);
  leaf({3}, "x");
  CHECK(runs_of(profile) > 0);
}

TEST_CASE("a trace has an event for each step that ran, with the times and figures of the profile") {
  const std::string path = std::filesystem::temp_directory_path() / "xgrad_trace_test.json";
  Profile profile;
  const Tensor x = leaf({20, 30}, "x \"quoted\" \xff");
  sum(exp(x) * 2, {1}).eval();
  sum(matmul(x, leaf({30, 5}, "w"))).eval();
  profile.stop();
  io::save_chrome_trace(path, profile);
  const auto json = nlohmann::json::parse(std::ifstream(path));
  std::filesystem::remove(path);
  const auto& events = json.at("traceEvents");
  const auto steps = profile.steps();
  REQUIRE(events.size() == steps.size());
  REQUIRE(!steps.empty());
  const auto plans = profile.plans();
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto& event = events[i];
    CHECK(event.at("ph") == "X");
    CHECK(event.at("name") == plans[steps[i].plan][steps[i].step].name);
    CHECK(event.at("ts").get<double>() * 1000 == Approx(static_cast<double>(steps[i].begin)));
    CHECK(event.at("dur").get<double>() * 1000 == Approx(static_cast<double>(steps[i].end - steps[i].begin)));
    CHECK(event.at("args").at("bytes_read") == plans[steps[i].plan][steps[i].step].read);
  }
}
