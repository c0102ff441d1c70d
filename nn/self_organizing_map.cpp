#include <xgrad/graph/capture.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/initializers.hpp>
#include <xgrad/nn/layer_parts.hpp>
#include <xgrad/nn/self_organizing_map.hpp>
#include <xgrad/ops/compare.hpp>
#include <xgrad/ops/creation.hpp>
#include <xgrad/ops/decompositions.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/scatter.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/sorting.hpp>
#include <xgrad/ops/statistics.hpp>

#include <algorithm>
#include <cmath>

namespace xgrad {

namespace {

constexpr std::int64_t block = 4096;  // rows whose distances to all units are held at a time

using Neighborhood = Tensor (*)(const Tensor& d2, const Tensor& sigma);
constexpr Named<Neighborhood> neighborhoods[] = {
    {"gaussian", [](const Tensor& d2, const Tensor& sigma) { return exp(-d2 / (2 * square(sigma))); }},
    {"bubble", [](const Tensor& d2, const Tensor& sigma) { return cast(d2 <= square(sigma), d2.dtype()); }},
    {"mexican_hat",
     [](const Tensor& d2, const Tensor& sigma) { return (1 - d2 / square(sigma)) * exp(-d2 / (2 * square(sigma))); }},
    {"triangle", [](const Tensor& d2, const Tensor& sigma) { return maximum(1 - sqrt(d2) / sigma, 0); }},
};

/// From first to last at a share t of the way.
using Decay = double (*)(double first, double last, double t);
constexpr Named<Decay> decays[] = {
    {"linear", [](double first, double last, double t) { return first + (last - first) * t; }},
    {"exponential", [](double first, double last, double t) { return first * std::pow(last / first, t); }},
    {"asymptotic", [](double first, double, double t) { return first / (1 + 2 * t); }},
    {"none", [](double first, double, double) { return first; }},
};
constexpr Named<bool> topologies[] = {{"rectangular", false}, {"hexagonal", true}};

void describe(Fields& f, std::int64_t& rows, std::int64_t& columns, SelfOrganizingMapOptions& o) {
  f("rows", rows);
  f("columns", columns);
  f("sigma", o.sigma);
  f("learning_rate", o.learning_rate);
  f("sigma_end", o.sigma_end);
  f("learning_rate_end", o.learning_rate_end);
  f("decay", o.decay);
  f("neighborhood_function", o.neighborhood_function);
  f("topology", o.topology);
  f("name", o.name);
  f("dtype", o.dtype);
}

Tensor squared_distances(const Tensor& x, const Tensor& weights) {
  const Tensor lengths = sum(square(x), -1, true) + sum(square(weights), 1);
  return maximum(lengths - 2 * matmul(x, transpose(weights)), 0);
}

}  // namespace

struct SelfOrganizingMap::State : Counted {
  Counted* copy() const override { return new State(*this); }
  std::string who() const { return label("SelfOrganizingMap", options.name); }
  bool hexagonal() const { return find_named(topologies, "SelfOrganizingMap topology", options.topology); }
  double first_sigma() const {
    return options.sigma > 0 ? options.sigma : std::max(1., static_cast<double>(std::max(rows, columns)) / 2);
  }
  /// Places of units: (units, 2). Rows of hexagons are sqrt(3) / 2 apart.
  Tensor places() const {
    std::vector<double> values;
    const bool hexagons = hexagonal();
    for (std::int64_t i = 0; i < rows; ++i)
      for (std::int64_t j = 0; j < columns; ++j) {
        values.push_back(static_cast<double>(j) + (hexagons && i % 2 ? .5 : 0));
        values.push_back(static_cast<double>(i) * (hexagons ? std::sqrt(.75) : 1));
      }
    return tensor(values, Shape{rows * columns, 2});
  }
  /// Squared distances on the grid: (units, units), float64.
  Tensor grid() const {
    const Tensor p = places();
    return sum(square(expand_dims(p, 0) - expand_dims(p, 1)), -1).eval();
  }
  /// Which units are neighbours: (units, units) bool.
  Tensor adjacent() const {
    const Tensor d2 = grid();
    return logical_and(d2 > 1e-9, d2 < (hexagonal() ? 1.1 : 2.1)).eval();
  }
  Tensor rows_of(const Tensor& x) const {
    check_rank(who(), x, 2);
    if (x.dim(0) == 0) throw ValueError(who() + "expected rows, got none");
    if (weights.defined() && x.dim(1) != weights.shape()[1])
      throw ShapeError(who() + "expected x with " + std::to_string(weights.shape()[1]) + " features, got " +
                       to_string(x.shape()));
    const Tensor rows =
        (weights.defined() ? cast(x, weights.dtype())
                           : cast(x, options.dtype.value_or(is_floating(x.dtype()) ? x.dtype() : float32)))
            .eval();
    if (!all(isfinite(rows)).item<bool>()) throw ValueError(who() + "expected finite numbers in x");
    return rows;
  }
  void need_weights() const {
    if (!weights.defined()) throw ValueError(who() + "has no weights yet: call fit first");
  }
  void set_weights(const Tensor& values) {
    if (weights.defined()) {
      weights.assign(values);
      weights.value().eval();
    } else {
      weights = Parameter(values, (options.name.empty() ? "self_organizing_map" : options.name) + "/weights", false);
    }
  }
  void start(const Tensor& x, const std::string& init, Generator& generator);
  Tensor moved(const Tensor& winner_row, const Tensor& row, const Tensor& rate, const Tensor& sigma) const {
    const Tensor h =
        find_named(neighborhoods, "SelfOrganizingMap neighborhood", options.neighborhood_function)(winner_row, sigma);
    return weights.value() + rate * expand_dims(h, 1) * (row - weights.value());
  }
  /// The two nearest units of each row and their squared distances, block by block.
  template <class F>
  void by_blocks(const Tensor& x, F&& f) const {
    for (std::int64_t begin = 0; begin < x.dim(0); begin += block) {
      const Tensor rows = slice(x, {{begin, begin + block}});
      f(rows, squared_distances(rows, weights.value()));
    }
  }

  std::int64_t rows = 0, columns = 0;
  SelfOrganizingMapOptions options;
  Parameter weights;
};

SelfOrganizingMap::SelfOrganizingMap(std::int64_t rows, std::int64_t columns, SelfOrganizingMapOptions options)
    : state_(new State) {
  State& s = *state_;
  s.rows = rows;
  s.columns = columns;
  s.options = std::move(options);
  const SelfOrganizingMapOptions& o = s.options;
  constexpr std::int64_t most = 1 << 13;  // their distances on the grid are held
  if (rows < 1 || columns < 1 || rows > most || columns > most || rows * columns > most)
    throw ValueError(s.who() + "expected sides of at least 1 and at most " + std::to_string(most) + " units, got " +
                     std::to_string(rows) + " x " + std::to_string(columns));
  if (!(o.sigma >= 0) || !(o.sigma_end > 0) || !(o.learning_rate > 0) || !(o.learning_rate_end > 0))
    throw ValueError(s.who() + "expected sigmas and learning rates above 0, got " + number_text(o.sigma) + ", " +
                     number_text(o.sigma_end) + ", " + number_text(o.learning_rate) + " and " +
                     number_text(o.learning_rate_end));
  find_named(neighborhoods, "SelfOrganizingMap neighborhood", o.neighborhood_function);
  find_named(decays, "SelfOrganizingMap decay", o.decay);
  s.hexagonal();
}

void SelfOrganizingMap::State::start(const Tensor& x, const std::string& init, Generator& generator) {
  const std::int64_t units = rows * columns, n = x.dim(0), features = x.dim(1);
  if (init == "none") return need_weights();
  if (init == "random") return set_weights(take(x, randint({units}, 0, n, {.generator = &generator})));
  if (init != "pca") throw ValueError(who() + "expected init 'pca', 'random' or 'none', got '" + init + "'");
  const Tensor centre = mean(x, 0), centred = x - centre;
  const auto [values, vectors] = eigh(matmul(transpose(centred), centred) / static_cast<double>(n));
  // Both sides of the map along the two longest axes of the data, one standard deviation either way.
  Tensor start = broadcast_to(expand_dims(centre, 0), {units, features});
  const Tensor p = places();
  for (int axis = 0; axis < 2 && axis < features; ++axis) {
    const Tensor along = slice_axis(p, 1, {axis, axis + 1});
    const Tensor span = ptp(along);
    const Tensor scaled = cast((along - min(along)) * 2 / where(equal(span, 0), 1, span) - 1, x.dtype());
    const std::int64_t last = features - 1 - (columns >= rows ? axis : features > 1 ? 1 - axis : 0);
    const Tensor length = sqrt(maximum(take(values, Tensor(last)), 0));
    start = start + scaled * where(equal(span, 0), 0, 1) * length * take(vectors, Tensor(last), 1);
  }
  set_weights(start);
}

void SelfOrganizingMap::fit(const Tensor& given, const SelfOrganizingMapFitOptions& options) {
  State& s = *state_;
  const NoGrad no_gradient;
  const Tensor x = s.rows_of(given);
  if (options.epochs < 1)
    throw ValueError(s.who() + "expected epochs of at least 1, got " + std::to_string(options.epochs));
  if (options.batch && s.options.neighborhood_function == "mexican_hat")
    throw ValueError(s.who() + "expected another neighborhood_function than 'mexican_hat' in batches");
  Generator& generator = options.generator ? *options.generator : default_generator();
  s.start(x, options.init, generator);
  const SelfOrganizingMapOptions& o = s.options;
  const Decay decay = find_named(decays, "SelfOrganizingMap decay", o.decay);
  const Neighborhood near = find_named(neighborhoods, "SelfOrganizingMap neighborhood", o.neighborhood_function);
  const DType dtype = s.weights.dtype();
  const Tensor grid = cast(s.grid(), dtype).eval();
  const std::int64_t units = s.rows * s.columns, n = x.dim(0);
  if (options.batch) {
    for (int epoch = 0; epoch < options.epochs; ++epoch) {
      const double t = options.epochs > 1 ? static_cast<double>(epoch) / (options.epochs - 1) : 1;
      const Tensor winners = winner(x);
      const Tensor h = near(grid, full({}, decay(s.first_sigma(), o.sigma_end, t), {.dtype = dtype}));
      const Tensor counts = cast(bincount(winners, units, units), dtype);
      const Tensor divisor = expand_dims(matmul(h, counts), 1);
      const Tensor sums = matmul(h, segment_sum(x, winners, units));
      s.set_weights(where(divisor > 0, sums / where(divisor > 0, divisor, 1), s.weights.value()));
    }
    return;
  }
  auto step = capture([&](const Tensor& row_number, const Tensor& rate, const Tensor& sigma) {
    const Tensor row = take(x, row_number);
    const Tensor best = argmin(sum(square(s.weights.value() - row), 1), 0);
    s.weights.assign(s.moved(take(grid, best), row, rate, sigma));
  });
  const auto steps = static_cast<double>(n) * options.epochs;
  double done = 0;
  for (int epoch = 0; epoch < options.epochs; ++epoch) {
    for (const std::int64_t row : permutation(n, &generator).to_vector<std::int64_t>()) {
      const double t = done++ / std::max(1., steps - 1);
      step(Tensor(row), full({}, decay(o.learning_rate, o.learning_rate_end, t), {.dtype = dtype}),
           full({}, decay(s.first_sigma(), o.sigma_end, t), {.dtype = dtype}));
    }
  }
}

void SelfOrganizingMap::update(const Tensor& given, double learning_rate, double sigma) {
  State& s = *state_;
  s.need_weights();
  const NoGrad no_gradient;
  const Tensor x = s.rows_of(given.rank() == 1 ? expand_dims(given, 0) : given);
  if (!(learning_rate > 0) || !(sigma > 0))
    throw ValueError(s.who() + "expected a learning rate and a sigma above 0, got " + number_text(learning_rate) +
                     " and " + number_text(sigma));
  const DType dtype = s.weights.dtype();
  const Tensor grid = cast(s.grid(), dtype);
  for (std::int64_t i = 0; i < x.dim(0); ++i) {
    const Tensor row = take(x, Tensor(i));
    const Tensor best = argmin(sum(square(s.weights.value() - row), 1), 0);
    s.weights.assign(
        s.moved(take(grid, best), row, full({}, learning_rate, {.dtype = dtype}), full({}, sigma, {.dtype = dtype})));
  }
  s.weights.value().eval();
}

Tensor SelfOrganizingMap::operator()(const Tensor& given, Call& call) const {
  State& s = *state_;
  const Tensor x = floating(given);
  if (x.rank() == 0) throw ShapeError(s.who() + "expected x with at least one axis, got a scalar");
  if (!s.weights.defined()) {
    const DType dtype = s.options.dtype.value_or(x.dtype());
    s.set_weights(initializers::RandomNormal{}({s.rows * s.columns, x.dim(-1)}, dtype, call.random()));
  }
  if (x.dim(-1) != s.weights.shape()[1])
    throw ShapeError(s.who() + "expected x with " + std::to_string(s.weights.shape()[1]) + " features, got " +
                     to_string(x.shape()));
  return squared_distances(x, s.weights.value());
}

Tensor SelfOrganizingMap::winner(const Tensor& given) const {
  const State& s = *state_;
  s.need_weights();
  const NoGrad no_gradient;
  std::vector<Tensor> found;
  s.by_blocks(s.rows_of(given), [&](const Tensor&, const Tensor& d2) { found.push_back(argmin(d2, 1).eval()); });
  return concatenate(found).eval();
}

double SelfOrganizingMap::quantization_error(const Tensor& given) const {
  const State& s = *state_;
  s.need_weights();
  const NoGrad no_gradient;
  const Tensor x = s.rows_of(given);
  double total = 0;
  s.by_blocks(x, [&](const Tensor& rows, const Tensor& d2) {
    const Tensor nearest = take(s.weights, argmin(d2, 1));
    total += sum(cast(sqrt(sum(square(rows - nearest), 1)), float64)).item();
  });
  return total / static_cast<double>(x.dim(0));
}

double SelfOrganizingMap::topographic_error(const Tensor& given) const {
  const State& s = *state_;
  s.need_weights();
  if (s.rows * s.columns < 2) return 0;
  const NoGrad no_gradient;
  const Tensor x = s.rows_of(given), adjacent = ravel(s.adjacent());
  const std::int64_t units = s.rows * s.columns;
  double apart = 0;
  s.by_blocks(x, [&](const Tensor&, const Tensor& d2) {
    const Tensor order = slice(argsort(d2, 1), {{}, {0, 2}});
    const Tensor pair = slice_axis(order, 1, {0, 1}) * units + slice_axis(order, 1, {1, 2});
    apart += sum(cast(logical_not(take(adjacent, pair)), float64)).item();
  });
  return apart / static_cast<double>(x.dim(0));
}

Tensor SelfOrganizingMap::u_matrix() const {
  const State& s = *state_;
  s.need_weights();
  const NoGrad no_gradient;
  const Tensor w = cast(s.weights.value(), float64);
  const Tensor near = cast(s.adjacent(), float64), count = sum(near, 1);
  const Tensor means = sum(near * cdist(w, w), 1) / maximum(count, 1);
  return cast(reshape(means, {s.rows, s.columns}), s.weights.dtype()).eval();
}

Tensor SelfOrganizingMap::hits(const Tensor& x) const {
  const std::int64_t units = state_->rows * state_->columns;
  return reshape(bincount(winner(x), units, units), {state_->rows, state_->columns}).eval();
}

void SelfOrganizingMap::each(Visit visit) {
  visit.own(state_);
  visit.state("weights", state_->weights);
}
const std::string& SelfOrganizingMap::name() const { return state_->options.name; }
std::int64_t SelfOrganizingMap::rows() const { return state_->rows; }
std::int64_t SelfOrganizingMap::columns() const { return state_->columns; }
const Parameter& SelfOrganizingMap::weights() const { return state_->weights; }

Config SelfOrganizingMap::get_config() const {
  State s = *state_;
  return written([&](Fields& f) { describe(f, s.rows, s.columns, s.options); });
}
SelfOrganizingMap SelfOrganizingMap::from_config(const Config& config) {
  std::int64_t rows = 0, columns = 0;
  SelfOrganizingMapOptions options;
  read_config("SelfOrganizingMap", config, [&](Fields& f) { describe(f, rows, columns, options); });
  return SelfOrganizingMap(rows, columns, std::move(options));
}

}  // namespace xgrad
