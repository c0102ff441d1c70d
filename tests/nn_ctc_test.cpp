// Connectionist temporal classification against keras.ops and PyTorch, and against counting every alignment.

#include <xgrad/nn/ctc.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include "reference_cases.hpp"

using namespace xgrad;

namespace {

using In = std::span<const Tensor>;

Tensor loss(In in, std::int64_t blank = 0) { return ctc_loss(in[0], in[1], in[2], in[3], blank); }

CTCDecoded search(In in, std::int64_t width, std::int64_t paths, std::int64_t blank = 0) {
  return ctc_decode(in[0], in[1],
                    {.strategy = "beam_search", .beam_width = width, .top_paths = paths, .mask_index = blank});
}

Tensor drawn(const Shape& shape, std::uint64_t seed) {
  Generator generator(seed);
  return normal(shape, 0, 2, {.dtype = float64, .generator = &generator}).eval();
}

Tensor whole(const std::vector<std::int64_t>& values) {
  return tensor(values, {static_cast<std::int64_t>(values.size())});
}

}  // namespace

TEST_CASE("CTC gives the values and derivatives of keras.ops and PyTorch") {
  reference::check_reference(
      "keras_ctc.json",
      {{"ctc_loss", [](In in) { return loss(in); }},
       {"ctc_loss blank_2", [](In in) { return loss(in, 2); }},
       {"ctc_decode greedy", [](In in) { return ctc_decode(in[0], in[1]).paths; }},
       {"ctc_decode greedy scores", [](In in) { return ctc_decode(in[0], in[1]).scores; }},
       {"ctc_decode unmerged", [](In in) { return ctc_decode(in[0], in[1], {.merge_repeated = false}).paths; }},
       {"ctc_decode unmerged scores", [](In in) { return ctc_decode(in[0], in[1], {.merge_repeated = false}).scores; }},
       {"ctc_decode blank_1", [](In in) { return ctc_decode(in[0], in[1], {.mask_index = 1}).paths; }},
       {"ctc_decode blank_1 scores", [](In in) { return ctc_decode(in[0], in[1], {.mask_index = 1}).scores; }},
       {"ctc_decode beam", [](In in) { return search(in, 20, 3).paths; }},
       {"ctc_decode beam scores", [](In in) { return search(in, 20, 3).scores; }},
       {"ctc_decode narrow", [](In in) { return search(in, 2, 2).paths; }},
       {"ctc_decode narrow scores", [](In in) { return search(in, 2, 2).scores; }},
       {"ctc_decode beam blank_1", [](In in) { return search(in, 8, 2, 1).paths; }},
       {"ctc_decode beam blank_1 scores", [](In in) { return search(in, 8, 2, 1).scores; }},
       {"ctc_decode ties", [](In in) { return search(in, 6, 4).paths; }},
       {"ctc_decode ties scores", [](In in) { return search(in, 6, 4).scores; }}});
}

TEST_CASE("the beam search finds the likeliest labels, and the loss is minus the logarithm of their probability") {
  const std::int64_t steps = 5, classes = 3;
  const Tensor logits = drawn({1, steps, classes}, 3);
  const std::vector<double> p = softmax(logits).to_vector<double>();
  // Every alignment, by the labels it stands for.
  std::map<std::vector<std::int64_t>, double> all;
  for (int code = 0; code < 243; ++code) {
    std::vector<std::int64_t> labels;
    double product = 1;
    std::int64_t before = 0;
    for (std::int64_t t = 0, rest = code; t < steps; ++t, rest /= classes) {
      const std::int64_t c = rest % classes;
      product *= p[static_cast<std::size_t>(t * classes + c)];
      if (c != 0 && c != before) labels.push_back(c);
      before = c;
    }
    all[labels] += product;
  }
  const Tensor end = whole({steps});
  const CTCDecoded found = search(std::vector<Tensor>{logits, end}, 100, 10);
  const std::vector<std::int64_t> paths = found.paths.to_vector<std::int64_t>();
  const std::vector<double> scores = found.scores.to_vector<double>();
  double before = 0, sum = 0;
  for (std::size_t k = 0; k < 10; ++k) {
    std::vector<std::int64_t> labels;
    for (std::size_t i = 0; i < 5; ++i)
      if (paths[5 * k + i] >= 0) labels.push_back(paths[5 * k + i]);
    REQUIRE(all.contains(labels));
    CHECK(scores[k] == Approx(std::log(all[labels])).epsilon(1e-12));
    CHECK((k == 0 || scores[k] <= before));
    before = scores[k];
    const auto n = static_cast<std::int64_t>(labels.size());
    if (n > 0)
      CHECK(ctc_loss(tensor(labels, {1, n}), logits, whole({n}), end).item() ==
            Approx(-scores[k]).epsilon(1e-12));
    all.erase(labels);
    sum += std::exp(scores[k]);
  }
  for (const auto& [labels, probability] : all) CHECK(std::log(probability) <= before);
  CHECK(sum < 1);
}

TEST_CASE("CTC says what does not fit") {
  const Tensor x = zeros({1, 2, 3}), label = expand_dims(whole({1}), 0), one = whole({1}), two = whole({2});
  CHECK_THROWS_WITH(ctc_loss(label, zeros({1, 2}), one, two),
                    Catch::Contains("[ctc_loss]") && Catch::Contains("(1, 2)"));
  CHECK_THROWS_WITH(ctc_loss(label, x, one, two, 3), Catch::Contains("mask_index among 3 classes, got 3"));
  CHECK_THROWS_WITH(ctc_loss(label, x, whole({1, 1}), two), Catch::Contains("(1, 1) and (2,)"));
  CHECK_THROWS_WITH(ctc_loss(label, x, two, two).eval(), Catch::Contains("target length"));
  CHECK_THROWS_WITH(ctc_loss(label, x, one, whole({3})).eval(), Catch::Contains("output length"));
  CHECK_THROWS_WITH(ctc_decode(zeros({2, 3}), one), Catch::Contains("[ctc_decode] expected logits"));
  CHECK_THROWS_WITH(ctc_decode(zeros({2, 3, 4}), one), Catch::Contains("a length for each of 2"));
  CHECK_THROWS_WITH(ctc_decode(x, two, {.strategy = "beam"}), Catch::Contains("got \"beam\""));
  CHECK_THROWS_WITH(ctc_decode(x, two, {.strategy = "beam_search", .beam_width = 2, .top_paths = 3}),
                    Catch::Contains("got 3 and 2"));
  const Tensor none = expand_dims(whole({}), 0);
  CHECK(ctc_loss(none, zeros({1, 0, 2}), whole({0}), whole({0})).item() == 0);
}

TEST_CASE("the loss of a long sequence stays finite, and a target that no alignment gives costs much") {
  const Tensor target = expand_dims(whole({1, 2, 1}), 0), three = whole({3});
  const Tensor far = 300 * drawn({1, 400, 4}, 4);
  const Tensor cost = ctc_loss(target, far, three, whole({400}));
  CHECK(std::isfinite(cost.item()));
  for (const double slope : grad(sum(cost), far).to_vector<double>()) CHECK(std::isfinite(slope));
  CHECK(ctc_loss(target, drawn({1, 2, 4}, 5), three, whole({2})).item() > 9e4);
}
