// k-means.
#include <xgrad/data/kmeans.hpp>

#include <xgrad/ops/compare.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/statistics.hpp>

#include <catch2/catch.hpp>

#include <set>

using namespace xgrad;
using Catch::Matchers::Contains;

namespace {

// 50 rows around each of four corners.
Tensor corners(DType dtype = float64) {
  Generator generator(3);
  const Tensor centres = tensor({{0, 0}, {10, 0}, {0, 10}, {10, 10}}, {.dtype = dtype});
  return (repeat(centres, 50, 0) + normal({200, 2}, 0, .5, {.dtype = dtype, .generator = &generator})).eval();
}

}  // namespace

TEST_CASE("k-means finds clusters that lie apart", "[kmeans]") {
  for (const DType dtype : {float32, float64}) {
    const Tensor x = corners(dtype);
    Generator generator(1);
    const data::KMeans found = data::kmeans(x, 4, {.generator = &generator});
    CHECK(found.centers.dtype() == dtype);
    const std::vector<std::int64_t> labels = found.labels.to_vector<std::int64_t>();
    std::set<std::int64_t> seen;
    for (std::size_t corner = 0; corner < 4; ++corner) {
      for (std::size_t i = 0; i < 50; ++i) CHECK(labels[50 * corner + i] == labels[50 * corner]);
      seen.insert(labels[50 * corner]);
      const auto begin = static_cast<std::int64_t>(50 * corner);
      const Tensor rows = slice(x, {{begin, begin + 50}});
      CHECK(allclose(take(found.centers, Tensor(labels[50 * corner])), mean(rows, 0)).item<bool>());
    }
    CHECK(seen.size() == 4);
  }
}

TEST_CASE("k-means ends where rows are with the nearest center and centers are means", "[kmeans]") {
  Generator generator(5);
  const Tensor x = normal({5000, 6}, 0, 1, {.dtype = float64, .generator = &generator}).eval();
  for (const char* init : {"k-means++", "random"}) {
    const data::KMeans found = data::kmeans(x, 12, {.init = init, .max_iter = 1000, .tol = 0, .generator = &generator});
    CHECK(found.iterations > 2);
    const Tensor distances = square(cdist(x, found.centers));
    CHECK(array_equal(argmin(distances, 1), found.labels).item<bool>());
    CHECK(found.inertia == Approx(sum(min(distances, 1)).item()).epsilon(1e-9));
    for (std::int64_t c = 0; c < 12; ++c)
      CHECK(allclose(mean(boolean_mask(x, equal(found.labels, c)), 0), take(found.centers, Tensor(c))).item<bool>());
  }
}

TEST_CASE("k-means keeps the best of several runs and repeats itself from one seed", "[kmeans]") {
  const Tensor x = corners();
  std::vector<double> inertias;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    Generator one(seed), again(seed);
    inertias.push_back(data::kmeans(x, 7, {.init = "random", .max_iter = 3, .generator = &one}).inertia);
    CHECK(data::kmeans(x, 7, {.init = "random", .max_iter = 3, .generator = &again}).inertia == inertias.back());
  }
  CHECK(*std::max_element(inertias.begin(), inertias.end()) > *std::min_element(inertias.begin(), inertias.end()));
  Generator generator(0);
  const double first = inertias[0];
  const data::KMeans best =
      data::kmeans(x, 7, {.init = "random", .n_init = 10, .max_iter = 3, .generator = &generator});
  CHECK(best.inertia < first);
}

TEST_CASE("k-means gives a center without rows the row farthest from its own", "[kmeans]") {
  // Twice the same row: of two centers there one stays empty.
  const Tensor x = tensor({{0, 0}, {0, 0}, {0, 0}, {9, 9}, {9, 8}}, {.dtype = float64});
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Generator generator(seed);
    const data::KMeans found = data::kmeans(x, 3, {.init = "random", .generator = &generator});
    CHECK(found.inertia == 0);
  }
}

TEST_CASE("k-means says what it does not like", "[kmeans]") {
  const Tensor x = corners();
  CHECK_THROWS_WITH(data::kmeans(ravel(x), 2), Contains("got (400,)"));
  CHECK_THROWS_WITH(data::kmeans(x, 201), Contains("1 to 200 clusters") && Contains("got 201"));
  CHECK_THROWS_WITH(data::kmeans(x, 0), Contains("got 0"));
  CHECK_THROWS_WITH(data::kmeans(x, 2, {.init = "pca"}), Contains("'pca'"));
  CHECK_THROWS_WITH(data::kmeans(x, 2, {.n_init = 0}), Contains("n_init"));
  CHECK_THROWS_WITH(data::kmeans(x / 0, 2), Contains("finite"));
}
