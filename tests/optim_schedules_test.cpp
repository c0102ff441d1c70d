#include <catch2/catch.hpp>
#include <xgrad/graph/error.hpp>
#include <xgrad/optim/names.hpp>
#include <xgrad/optim/schedules.hpp>

#include <string>

using namespace xgrad;
using namespace xgrad::schedules;

namespace {

template <class Schedule>
void check_rates(const Schedule& schedule, std::initializer_list<std::int64_t> steps,
                 std::initializer_list<double> rates) {
  auto rate = rates.begin();
  for (const std::int64_t step : steps) CHECK(schedule(step) == Approx(*rate++).epsilon(1e-11));
}

}  // namespace

TEST_CASE("exponential decay follows its formula, in whole steps as a staircase") {
  check_rates(ExponentialDecay(.1, 10, .5), {0, 1, 5, 10, 15, 20},
              {.1, .0933032991537, .0707106781187, .05, .0353553390593, .025});
  check_rates(ExponentialDecay(.1, 10, .5, {.staircase = true}), {0, 9, 10, 19, 20}, {.1, .1, .05, .05, .025});
  CHECK_THROWS_AS(ExponentialDecay(.1, 0, .5), ValueError);
}

TEST_CASE("piecewise constant decay keeps the earlier value at a boundary") {
  check_rates(PiecewiseConstantDecay({5, 10}, {.1, .05, .01}), {0, 1, 5, 6, 10, 11, 15, 20},
              {.1, .1, .1, .05, .05, .01, .01, .01});
  CHECK_THROWS_AS(PiecewiseConstantDecay({5, 10}, {.1, .05}), ValueError);
  CHECK_THROWS_AS(PiecewiseConstantDecay({10, 5}, {.1, .05, .01}), ValueError);
}

TEST_CASE("cosine decay falls to alpha and stays there, after a warm-up if asked") {
  check_rates(CosineDecay(.1, 10, {.alpha = .1}), {0, 1, 5, 10, 15, 20}, {.1, .0977975432333, .055, .01, .01, .01});
  const CosineDecay warm(0, 10, {.warmup_target = .2, .warmup_steps = 4});
  check_rates(warm, {0, 1, 4, 9, 14, 30}, {0, .05, .2, .1, 0, 0});
  CHECK_THROWS_AS(CosineDecay(.1, 0), ValueError);
  CHECK_THROWS_AS(CosineDecay(.1, 10, {.warmup_steps = -1}), ValueError);
}

TEST_CASE("a learning rate is a number or any callable of the step") {
  CHECK(optimizers::LearningRate(.25)(17) == .25);
  CHECK(optimizers::LearningRate(ExponentialDecay(.1, 10, .5))(10) == Approx(.05));
  const optimizers::LearningRate own = [](std::int64_t step) { return 1.0 / static_cast<double>(step + 1); };
  CHECK(own(3) == .25);
  CHECK(own.scheduled());
}

TEST_CASE("edit distance counts insertions, deletions, replacements and exchanges, whatever the case") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("adam", "") == 4);
  CHECK(edit_distance("adam", "Adam") == 0);
  CHECK(edit_distance("adma", "adam") == 1);
  CHECK(edit_distance("adm", "adam") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("an unknown name lists the near misses and what is known") {
  constexpr std::string_view known[] = {"sgd", "adam", "rmsprop"};
  const std::string near = near_misses("adma", known);
  CHECK(near.find("did you mean 'adam'?") == 0);
  CHECK(near.find("'rmsprop'") != std::string::npos);
  CHECK(near_misses("zzzzzzzz", known).find("known: ") == 0);
  CHECK(near_misses("adam", {}) == "known: nothing");
  CHECK_THROWS_WITH(throw_unknown_name("optimizer", "rmspop", known),
                    Catch::Contains("[optimizer]") && Catch::Contains("'rmspop'") && Catch::Contains("mean 'rmsprop'"));
}
