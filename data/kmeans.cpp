#include <xgrad/data/kmeans.hpp>

#include <xgrad/graph/grad.hpp>
#include <xgrad/ops/compare.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/scatter.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/sorting.hpp>

#include <algorithm>

namespace xgrad::data {

namespace {

// Distances to all centers are held for so many rows at a time.
constexpr std::int64_t block = 4096;

struct Nearest {
  Tensor labels, distances;  ///< of each row; squared
};

Nearest nearest(const Tensor& x, const Tensor& centers) {
  std::vector<Tensor> labels, distances;
  const Tensor lengths = sum(square(centers), 1);
  for (std::int64_t begin = 0; begin < x.dim(0); begin += block) {
    const Tensor rows = slice(x, {{begin, begin + block}});
    const Tensor relative = lengths - 2 * matmul(rows, transpose(centers));
    const Tensor best = argmin(relative, 1);
    // Once more by differences: exact where the expansion above has lost its digits.
    labels.push_back(best);
    distances.push_back(sum(square(rows - take(centers, best)), 1));
    eval({labels.back(), distances.back()});
  }
  return {concatenate(labels).eval(), concatenate(distances).eval()};
}

/// The place in running sums that a share of their end falls on.
std::int64_t drawn_place(const std::vector<double>& weights, double share) {
  double total = 0;
  for (const double w : weights) total += w;
  double left = share * total;
  std::int64_t last = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] > 0) last = static_cast<std::int64_t>(i);
    left -= weights[i];
    if (left < 0) break;
  }
  return last;
}

Tensor first_centers(const Tensor& x, std::int64_t clusters, const KMeansOptions& o, Generator& generator) {
  const std::int64_t n = x.dim(0);
  if (o.init == "random") return take(x, slice(permutation(n, &generator), {{0, clusters}})).eval();
  const std::vector<double> draws =
      uniform({clusters}, 0, 1, {.dtype = float64, .generator = &generator}).to_vector<double>();
  std::vector<std::int64_t> chosen;
  std::vector<double> distances(static_cast<std::size_t>(n), 1);
  for (const double draw : draws) {
    chosen.push_back(drawn_place(distances, draw));
    const Tensor to_it = sum(square(x - take(x, Tensor(chosen.back()))), 1);
    const std::vector<double> now = to_it.to_vector<double>();
    for (std::size_t i = 0; i < now.size(); ++i)
      distances[i] = chosen.size() == 1 ? now[i] : std::min(distances[i], now[i]);
  }
  return take(x, tensor(chosen, Shape{clusters})).eval();
}

Tensor means(const Tensor& x, const Nearest& found, const Tensor& centers) {
  const std::int64_t clusters = centers.dim(0);
  const Tensor counts = bincount(found.labels, clusters, clusters);
  const Tensor sums = segment_sum(x, found.labels, clusters);
  const Tensor moved = sums / cast(expand_dims(maximum(counts, 1), 1), x.dtype());
  const std::vector<std::int64_t> sizes = counts.to_vector<std::int64_t>();
  if (std::find(sizes.begin(), sizes.end(), 0) == sizes.end()) return moved.eval();
  std::vector<double> distances = found.distances.to_vector<double>();
  std::vector<std::int64_t> empty, rows;
  for (std::int64_t c = 0; c < clusters; ++c) {
    if (sizes[static_cast<std::size_t>(c)] > 0) continue;
    const auto farthest = std::max_element(distances.begin(), distances.end());
    empty.push_back(c);
    rows.push_back(farthest - distances.begin());
    *farthest = -1;
  }
  const auto count = static_cast<std::int64_t>(empty.size());
  return scatter_update(moved, tensor(empty, Shape{count, 1}), take(x, tensor(rows, Shape{count}))).eval();
}

KMeans run(const Tensor& x, std::int64_t clusters, const KMeansOptions& o, Generator& generator, double limit) {
  KMeans result{.centers = first_centers(x, clusters, o, generator), .labels = {}};
  Nearest found = nearest(x, result.centers);
  for (bool moving = true; moving && result.iterations < o.max_iter;) {
    const Tensor centers = means(x, found, result.centers);
    moving = sum(square(cast(centers - result.centers, float64))).item() > limit;
    result.centers = centers;
    found = nearest(x, centers);
    ++result.iterations;
  }
  result.labels = found.labels;
  result.inertia = sum(cast(found.distances, float64)).item();
  return result;
}

}  // namespace

KMeans kmeans(const Tensor& given, std::int64_t clusters, const KMeansOptions& options) {
  const NoGrad no_gradient;
  if (given.rank() != 2)
    throw ShapeError("[kmeans] expected x of shape (n, features), got " + to_string(given.shape()));
  if (clusters < 1 || clusters > given.dim(0))
    throw ValueError("[kmeans] expected 1 to " + std::to_string(given.dim(0)) + " clusters for as many rows, got " +
                     std::to_string(clusters));
  if (options.init != "k-means++" && options.init != "random")
    throw ValueError("[kmeans] expected init 'k-means++' or 'random', got '" + std::string(options.init) + "'");
  if (options.n_init < 1 || options.max_iter < 1 || !(options.tol >= 0))
    throw ValueError("[kmeans] expected n_init and max_iter of at least 1 and tol of at least 0, got " +
                     std::to_string(options.n_init) + ", " + std::to_string(options.max_iter) + " and " +
                     number_text(options.tol));
  const Tensor x = (is_floating(given.dtype()) ? given : cast(given, float32)).eval();
  if (!all(isfinite(x)).item<bool>()) throw ValueError("[kmeans] expected finite numbers in x");
  Generator& generator = options.generator ? *options.generator : default_generator();
  const double limit = options.tol * mean(var(cast(x, float64), 0)).item();
  KMeans best;
  for (int i = 0; i < options.n_init; ++i) {
    KMeans found = run(x, clusters, options, generator, limit);
    if (i == 0 || found.inertia < best.inertia) best = std::move(found);
  }
  return best;
}

}  // namespace xgrad::data
