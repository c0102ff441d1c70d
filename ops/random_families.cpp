// Families of continuous distributions: by inversion, and those that come from gamma variables.

#include <xgrad/kernels/draws.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/drawn.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexed.hpp>
#include <xgrad/ops/table.hpp>

#include <cmath>
#include <numbers>

namespace xgrad {
namespace {

// --- by inversion ----------------------------------------------------------------------------------------------------

constexpr const char* loc_and_scale = "a finite location and a scale of 0 or more";

/// Uniform inside (0, 1): what would be 0 is half of the smallest step.
Tensor inside_draw(const Shape& shape, const RandomOptions& options) {
  return maximum(unit_draw(shape, options), options.dtype == float64 ? 0x1p-54 : 0x1p-25);
}

// --- gamma variables -------------------------------------------------------------------------------------------------

/// The first element that is not a number above 0, or -1.
std::int64_t find_not_positive(const View& x) {
  const auto* values = static_cast<const double*>(x.data);
  const std::int64_t count = x.shape.size();
  for (std::int64_t i = 0; i < count; ++i)
    if (!(values[i] > 0) || std::isinf(values[i])) return i;
  return -1;
}

void infer_log_gamma(Recording& call) {
  check_draw_size(call, std::span(call.shape(0).begin(), call.shape(0).end()));
  call.result(call.shape(0), float64);
}

void run_log_gamma(const Launch& launch) {
  const View& alpha = launch.in[0];
  const std::int64_t bad = find_not_positive(alpha);
  if (bad >= 0)
    launch.fail("expected finite shape parameters above 0, got " + written(alpha, bad) + " at position " +
                position(alpha.shape, bad));
  kernels::draw_log_gamma(launch.draw, static_cast<const double*>(alpha.data), static_cast<double*>(launch.out.data),
                          alpha.shape.size());
}

/// Inputs: shape parameters and logarithms of variables. Attribute 0 says which derivative.
Tensor log_gamma_slope(kernels::GammaSlope which, const Tensor& alpha, const Tensor& l);

void run_slope(const Launch& launch) {
  kernels::log_gamma_slope(static_cast<kernels::GammaSlope>(launch.attributes[0]),
                           static_cast<const double*>(launch.in[0].data),
                           static_cast<const double*>(launch.in[1].data), static_cast<double*>(launch.out.data),
                           launch.out.shape.size());
}

Tensor slope_back(const Applied& c, const Tensor& g) {
  using kernels::GammaSlope;
  if (static_cast<GammaSlope>(c.attribute(0)) != GammaSlope::by_alpha)
    throw GradientError("[gamma] expected derivatives of the first or second order by the shape parameter, got a "
                        "third");
  const GammaSlope next = c.argument() == 0 ? GammaSlope::by_alpha_twice : GammaSlope::by_alpha_and_l;
  return g * log_gamma_slope(next, c.in(0), c.in(1));
}

constexpr Op slope_op{.name = "log_gamma_slope",
                      .infer = [](Recording& call) { call.result(call.shape(0), float64); },
                      .rules = {slope_back, slope_back},
                      .run = run_slope,
                      .leading = Leading::batch};

Tensor log_gamma_slope(kernels::GammaSlope which, const Tensor& alpha, const Tensor& l) {
  return record(slope_op, {alpha, l}, {.a = static_cast<std::int64_t>(which)});
}

constexpr Op log_gamma_op{
    .name = "log_gamma_draw",
    .infer = infer_log_gamma,
    .rules = {[](const Applied& c, const Tensor& g) {
      return g * log_gamma_slope(kernels::GammaSlope::by_alpha, c.in(0), c.out());
    }},
    .random = true,
    .fails = true,
    .run = run_log_gamma,
    .leading = Leading::batch};

/// The logarithms of gamma variables of this shape, float64.
Tensor log_gamma(const char* name, const Shape& shape, const Arg& alpha, Generator* generator, const Location& where) {
  const double number = number_or(alpha, 1);
  if (!(number > 0) || std::isinf(number))
    throw ValueError(std::string("[") + name + "] expected a finite shape parameter above 0, got " +
                     std::to_string(number) + place(where));
  const Tensor parameters = as_parameter(alpha, float64);
  return record(log_gamma_op, {parameters.shape() == shape ? parameters : broadcast_to(parameters, shape)}, {},
                next_draw(generator));
}

Tensor finished(const char* name, const Tensor& x, const RandomOptions& options, const Location& where) {
  if (!is_floating(options.dtype))
    throw DTypeError(std::string("[") + name + "] expected float32 or float64, not " + name_of(options.dtype) +
                     place(where));
  return options.dtype == float64 ? x : cast(x, options.dtype);
}

}  // namespace

Tensor exponential(const Shape& shape, const Arg& scale, RandomOptions options, Location where) {
  const Within here("exponential", where);
  check_location_scale("exponential", 0, scale, where, loc_and_scale);
  return scaled(-log1p(-unit_draw(shape, options)), 0, scale);
}

Tensor laplace(const Shape& shape, const Arg& loc, const Arg& scale, RandomOptions options, Location where) {
  const Within here("laplace", where);
  check_location_scale("laplace", loc, scale, where, loc_and_scale);
  const Tensor u = inside_draw(shape, options);
  return scaled(xgrad::where(less(u, 0.5), log(2 * u), -log(2 * (1 - u))), loc, scale);
}

Tensor logistic(const Shape& shape, const Arg& loc, const Arg& scale, RandomOptions options, Location where) {
  const Within here("logistic", where);
  check_location_scale("logistic", loc, scale, where, loc_and_scale);
  const Tensor u = inside_draw(shape, options);
  return scaled(log(u) - log1p(-u), loc, scale);
}

Tensor gumbel(const Shape& shape, const Arg& loc, const Arg& scale, RandomOptions options, Location where) {
  const Within here("gumbel", where);
  check_location_scale("gumbel", loc, scale, where, loc_and_scale);
  return scaled(-log(-log(inside_draw(shape, options))), loc, scale);
}

Tensor cauchy(const Shape& shape, const Arg& loc, const Arg& scale, RandomOptions options, Location where) {
  const Within here("cauchy", where);
  check_location_scale("cauchy", loc, scale, where, loc_and_scale);
  const Tensor turn = std::numbers::pi * inside_draw(shape, options);
  return scaled(-cos(turn) / sin(turn), loc, scale);
}

Tensor gamma(const Shape& shape, const Arg& alpha, const Arg& scale, RandomOptions options, Location where) {
  const Within here("gamma", where);
  check_location_scale("gamma", 0, scale, where, loc_and_scale);
  return scaled(finished("gamma", exp(log_gamma("gamma", shape, alpha, options.generator, where)), options, where), 0,
                scale);
}

Tensor beta(const Shape& shape, const Arg& a, const Arg& b, RandomOptions options, Location where) {
  const Within here("beta", where);
  const Tensor x = log_gamma("beta", shape, a, options.generator, where);
  const Tensor y = log_gamma("beta", shape, b, options.generator, where);
  return finished("beta", sigmoid(x - y), options, where);
}

Tensor dirichlet(const Shape& shape, const Arg& alpha, RandomOptions options, Location where) {
  const Within here("dirichlet", where);
  const Tensor t = alpha.tensor();
  if (t.rank() == 0 || t.shape()[-1] == 0)
    throw ShapeError("[dirichlet] expected rows of shape parameters, got " + to_string(t.shape()) + place(where));
  Shape rows = shape;
  rows.append(t.shape()[-1]);
  return finished("dirichlet", softmax(log_gamma("dirichlet", rows, t, options.generator, where), -1), options, where);
}

Rows family_rows() {
  using In = std::span<const Tensor>;
  static const char* const rows_alone = "the shape is asked for, so parameters cannot be empty";
  static const char* const rejection =
      "its derivative moves along the distribution, not along the draw; tests/ops_random_families_test.cpp has it";
  static const double inf = __builtin_inf();
  static const std::vector<Row> rows = {
      {.name = "exponential",
       .call = [](In in) { return exponential({2, 3}, in[0], seeded()) + 0 * in[1]; },
       .samples = parameters(0.5, 2, 0, 1),
       .special = {{[] { return exponential({2}, 0); }, {0, 0}}},
       .errors = {{[] { return exponential({2}, -1); }, "[exponential] expected a finite location and a scale of 0"},
                  {[] { return exponential({2}, 1, {.dtype = int64}); }, "float32 or float64"}},
       .fewer_samples = rows_alone},
      {.name = "laplace",
       .call = [](In in) { return laplace({2, 3}, in[0], in[1], seeded()); },
       .samples = parameters(-2, 2, 0.5, 2),
       .special = {{[] { return laplace({2}, 3, 0); }, {3, 3}}},
       .errors = {{[] { return laplace({2}, inf); }, "[laplace] expected a finite location"}},
       .fewer_samples = rows_alone},
      {.name = "logistic",
       .call = [](In in) { return logistic({2, 3}, in[0], in[1], seeded()); },
       .samples = parameters(-2, 2, 0.5, 2),
       .special = {{[] { return logistic({2}, 3, 0); }, {3, 3}}},
       .errors = {{[] { return logistic({2}, 0, -1); }, "[logistic]"}},
       .fewer_samples = rows_alone},
      {.name = "gumbel",
       .call = [](In in) { return gumbel({2, 3}, in[0], in[1], seeded()); },
       .samples = parameters(-2, 2, 0.5, 2),
       .special = {{[] { return gumbel({2}, 3, 0); }, {3, 3}}},
       .errors = {{[] { return gumbel({2}, 0, -1); }, "[gumbel]"}},
       .fewer_samples = rows_alone},
      {.name = "cauchy",
       .call = [](In in) { return cauchy({2, 3}, in[0], in[1], seeded()); },
       .samples = parameters(-2, 2, 0.5, 2),
       .special = {{[] { return cauchy({2}, 3, 0); }, {3, 3}}},
       .errors = {{[] { return cauchy({2}, 0, -1); }, "[cauchy]"}},
       .fewer_samples = rows_alone},
      {.name = "gamma",
       .call = [](In in) { return gamma({2, 3}, in[0], in[1], seeded()); },
       .samples = parameters(0.1, 20, 0.5, 2),
       .special = {{[] { return gamma({2}, 3, 0); }, {0, 0}}, {[] { return gamma({0, 2}, 3); }, {}}},
       .errors = {{[] { return gamma({2}, 0); }, "[gamma] expected a finite shape parameter above 0, got 0"},
                  {[] { return gamma({2}, 1, -1); }, "[gamma] expected a finite location and a scale"},
                  {[] { return evaluated(gamma({2}, doubles({1, -3}))); }, "got -3.000000 at position (1,)"},
                  {[] { return gamma({2}, zeros({3})); }, "[gamma"},
                  {[] { return gamma({2}, 1, 1, {.dtype = int32}); }, "[gamma] expected float32 or float64"}},
       .no_derivative = rejection,
       .fewer_samples = rows_alone},
      {.name = "beta",
       .call = [](In in) { return beta({2, 3}, in[0], in[1], seeded()); },
       .samples = parameters(0.1, 20, 0.5, 2),
       .errors = {{[] { return beta({2}, 1, -1); }, "[beta] expected a finite shape parameter above 0, got -1"}},
       .no_derivative = rejection,
       .fewer_samples = rows_alone},
      {.name = "dirichlet",
       .call = [](In in) { return dirichlet({2}, in[0], seeded()); },
       .samples = {{{{.shape = {2, 3}, .low = 0.1, .high = 3}}}, {{{.shape = {3}, .low = 0.1, .high = 3}}}},
       .special = {{[] { return dirichlet({2}, doubles({3})); }, {1, 1}}},
       .errors = {{[] { return dirichlet({2}, 1); }, "[dirichlet] expected rows of shape parameters, got ()"},
                  {[] { return evaluated(dirichlet({2}, doubles({1, 0}))); }, "at position (0, 1)"}},
       .no_derivative = rejection,
       .fewer_samples = rows_alone},
  };
  return rows;
}

}  // namespace xgrad
