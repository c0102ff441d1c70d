#include <xgrad/data/kmeans.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/layer_parts.hpp>
#include <xgrad/nn/radial_basis.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <algorithm>
#include <xgrad/ops/sorting.hpp>
#include <xgrad/ops/statistics.hpp>

namespace xgrad {

namespace {

using Basis = Tensor (*)(const Tensor& r2);
constexpr Named<Basis> bases[] = {
    {"gaussian", [](const Tensor& r2) { return exp(-r2); }},
    {"multiquadric", [](const Tensor& r2) { return sqrt(1 + r2); }},
    {"inverse_quadratic", [](const Tensor& r2) { return 1 / (1 + r2); }},
    {"inverse_multiquadric", [](const Tensor& r2) { return 1 / sqrt(1 + r2); }},
    {"thin_plate_spline", [](const Tensor& r2) { return 0.5 * xlogy(r2, where(equal(r2, 0), 1, r2)); }},
};

void describe(Fields& f, std::int64_t& units, RadialBasisOptions& o) {
  f("units", units);
  f("function", o.function);
  f("centers_initializer", o.centers_initializer);
  f("gamma_initializer", o.gamma_initializer);
  f("trainable_centers", o.trainable_centers);
  f("trainable_gamma", o.trainable_gamma);
  f("centers_regularizer", o.centers_regularizer);
  f("gamma_regularizer", o.gamma_regularizer);
  f("centers_constraint", o.centers_constraint);
  f("gamma_constraint", o.gamma_constraint);
  f("name", o.name);
  f("dtype", o.dtype);
}

}  // namespace

struct RadialBasis::State : Counted {
  State(std::int64_t units, RadialBasisOptions options) : units(units), options(std::move(options)) {}
  Counted* copy() const override { return new State(*this); }
  std::string where() const { return label("RadialBasis", options.name); }
  void build(std::int64_t features, DType dtype, Generator& generator) {
    if (centers.defined()) return;
    const std::string prefix = (options.name.empty() ? "radial_basis" : options.name) + "/";
    gamma = Parameter(options.gamma_initializer({units}, dtype, generator), prefix + "gamma", options.trainable_gamma);
    centers = Parameter(options.centers_initializer({units, features}, dtype, generator), prefix + "centers",
                        options.trainable_centers);
  }
  void check(const Tensor& x) const {
    if (x.dim(-1) != centers.shape()[1])
      throw ShapeError(where() + "expected " + std::to_string(centers.shape()[1]) +
                       " features on the last axis of x, got " + "x of shape " + to_string(x.shape()));
  }
  std::int64_t units;
  RadialBasisOptions options;
  Parameter centers, gamma;
};

RadialBasis::RadialBasis(std::int64_t units, RadialBasisOptions options)
    : state_(new State(units, std::move(options))) {
  if (units <= 0) throw ValueError(state_->where() + "expected units above 0, got " + std::to_string(units));
  find_named(bases, "RadialBasis function", state_->options.function);
}

const std::string& RadialBasis::name() const { return state_->options.name; }
const Parameter& RadialBasis::centers() const { return state_->centers; }
const Parameter& RadialBasis::gamma() const { return state_->gamma; }

Tensor RadialBasis::operator()(const Tensor& given, Call& call) const {
  State& s = *state_;
  const Tensor x = floating(given);
  if (x.rank() == 0) throw ShapeError(s.where() + "expected x with at least one axis, got a scalar");
  s.build(x.dim(-1), s.options.dtype.value_or(x.dtype()), call.random());
  s.check(x);
  const Tensor lengths = sum(square(x), -1, true) + sum(square(s.centers), 1);
  // Rounding may leave less than nothing of a distance.
  const Tensor distances = maximum(lengths - 2 * matmul(x, transpose(s.centers)), 0);
  return find_named(bases, "RadialBasis function", s.options.function)(s.gamma * distances);
}

void RadialBasis::adapt(const Tensor& given, const RadialBasisAdaptOptions& options) {
  State& s = *state_;
  const NoGrad no_gradient;
  const Tensor x = floating(given);
  check_rank(s.where(), x, 2);
  if (s.units < 2) throw ValueError(s.where() + "expected two units or more to find their widths, got 1");
  if (options.neighbors < 1 || !(options.overlap > 0))
    throw ValueError(s.where() + "expected neighbors of at least 1 and an overlap above 0, got " +
                     std::to_string(options.neighbors) + " and " + number_text(options.overlap));
  Generator& generator = options.generator ? *options.generator : default_generator();
  if (s.centers.defined()) s.check(x);
  const Tensor centers = data::kmeans(x, s.units, {.max_iter = options.max_iter, .generator = &generator}).centers;
  const std::int64_t neighbors = std::min(options.neighbors, s.units - 1);
  // The nearest of all is the center itself.
  const Tensor sorted = sort(square(cdist(cast(centers, float64), cast(centers, float64))), 1);
  const Tensor width = options.overlap * options.overlap * mean(slice(sorted, {{}, {1, 1 + neighbors}}), 1);
  s.build(x.dim(1), s.options.dtype.value_or(x.dtype()), generator);
  s.centers.assign(cast(centers, s.centers.dtype()));
  s.gamma.assign(cast(minimum(0.5 / width, 1e12), s.gamma.dtype()));
  eval({s.centers.value(), s.gamma.value()});
}

void RadialBasis::each(Visit visit) {
  visit.own(state_);
  State& s = *state_;
  visit("centers", s.centers, s.options.centers_regularizer, s.options.centers_constraint);
  visit("gamma", s.gamma, s.options.gamma_regularizer, s.options.gamma_constraint);
}

Config RadialBasis::get_config() const {
  State s = *state_;
  return written([&](Fields& f) { describe(f, s.units, s.options); });
}
RadialBasis RadialBasis::from_config(const Config& config) {
  std::int64_t units = 0;
  RadialBasisOptions options;
  read_config("RadialBasis", config, [&](Fields& f) { describe(f, units, options); });
  return RadialBasis(units, std::move(options));
}

}  // namespace xgrad
