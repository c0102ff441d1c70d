#include <xgrad/ops/random.hpp>

#include <xgrad/kernels/indexing.hpp>
#include <xgrad/ops/drawn.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/table.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

namespace xgrad {
namespace {

using kernels::Code;

// --- draws -----------------------------------------------------------------------------------------------------------

/// The list is the shape, attribute 0 the dtype.
void infer_uniform(Recording& call) {
  check_draw_size(call, call.list());
  const DType dtype = static_cast<DType>(call.attribute(0));
  if (!is_floating(dtype)) call.dtype_error(std::string("expected float32 or float64, not ") + name_of(dtype));
  call.result(Shape(call.list()), dtype);
}

constexpr Op uniform_op{.name = "uniform", .kind = Kind::draw, .code = Code::uniform, .infer = infer_uniform};

void infer_uniform_like(Recording& call) {
  call.result(call.shape(0), is_floating(call.dtype(0)) ? call.dtype(0) : float32);
}

constexpr Op uniform_like_op{.name = "uniform_like",
                             .kind = Kind::draw,
                             .code = Code::uniform,
                             .infer = infer_uniform_like,
                             .shape_only = 1};

/// Attribute 0 is the length.
void infer_permutation(Recording& call) {
  if (call.attribute(0) < 0)
    call.value_error("expected a length of 0 or more, not " + std::to_string(call.attribute(0)));
  const std::int64_t length[] = {call.attribute(0)};
  check_draw_size(call, length);
  call.result(Shape(length), int64);
}

void run_permutation(const Launch& launch) {
  kernels::permutation(launch.draw, static_cast<std::int64_t*>(launch.out.data), launch.attributes[0]);
}

constexpr Op permutation_op{
    .name = "permutation", .infer = infer_permutation, .random = true, .run = run_permutation};

// --- distributions ---------------------------------------------------------------------------------------------------

/// Two uniform draws as one normal one; 1 - u is never 0.
Tensor box_muller(const Tensor& u, const Tensor& v) {
  return sqrt(-2 * log(1 - u)) * cos(2 * std::numbers::pi * v);
}

/// c[0] + c[1] x + ... by Horner's rule.
Tensor polynomial(std::initializer_list<double> c, const Tensor& x) {
  const double* at = c.end() - 1;
  Tensor result = *at * x;
  while (--at != c.begin()) result = (result + *at) * x;
  return result + *at;
}

/// The x below which a normal variable lies with probability 1/2 + q, for |q| < 1/2 - 1e-11: algorithm AS 241
/// (Wichura 1988) without its branch for the far tails.
Tensor normal_quantile(const Tensor& q) {
  const Tensor near = 0.180625 - square(q);
  const Tensor middle =
      q *
      polynomial({3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
                  4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3},
                 near) /
      polynomial({1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
                  2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3},
                 near);
  const Tensor far = sqrt(-log(0.5 - abs(q))) - 1.6;
  const Tensor tail =
      polynomial({1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
                  3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
                  2.27238449892691845833e-2, 7.74545014278341407640e-4},
                 far) /
      polynomial({1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
                  1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
                  1.05075007164441684324e-9},
                 far);
  return where(less_equal(abs(q), 0.425), middle, where(less(q, 0), -tail, tail));
}

/// The probability of lying within two standard deviations.
constexpr double within_two = 0.95449973610364158560;

void check_probability(const char* name, double p, const Location& where) {
  if (p >= 0 && p <= 1) return;
  throw ValueError(std::string("[") + name + "] expected a probability from 0 to 1, got " + std::to_string(p) +
                   place(where));
}

}  // namespace

kernels::Draw next_draw(Generator* generator) {
  Generator& from = generator ? *generator : default_generator();
  return {from.seed(), from.take()};
}

Tensor unit_draw(const Shape& shape, const RandomOptions& options) {
  return record(uniform_op, {},
                {.a = static_cast<std::int64_t>(options.dtype), .list = std::span(shape.begin(), shape.end())},
                next_draw(options.generator));
}

void check_draw_size(const Recording& call, std::span<const std::int64_t> lengths) {
  std::int64_t bytes = 8;
  for (const std::int64_t length : lengths)
    if (length > 0 && __builtin_mul_overflow(bytes, length, &bytes))
      call.shape_error("expected a shape whose elements can be counted, not " + to_string(Shape(lengths)));
}

Tensor as_parameter(const Arg& parameter, DType dtype) {
  if (parameter.kind() != Arg::Kind::tensor) return Tensor(number_or(parameter, 0), {.dtype = dtype});
  const Tensor t = parameter.tensor();
  return t.dtype() == dtype ? t : cast(t, dtype);
}

Tensor scaled(const Tensor& x, const Arg& loc, const Arg& scale) {
  if (number_or(loc, 1) == 0 && number_or(scale, 0) == 1) return x;
  // C++ numbers stay numbers, which plans do not hold.
  const auto fits = [&](const Arg& p) { return p.kind() != Arg::Kind::tensor || p.tensor().dtype() == x.dtype(); };
  const Tensor wide = fits(scale) ? x * scale : x * cast(scale, x.dtype());
  return fits(loc) ? wide + loc : wide + cast(loc, x.dtype());
}

double number_or(const Arg& parameter, double otherwise) {
  switch (parameter.kind()) {
    case Arg::Kind::tensor: return otherwise;
    case Arg::Kind::real: return parameter.real();
    default: return static_cast<double>(parameter.integer());
  }
}

void check_location_scale(const char* name, const Arg& loc, const Arg& scale, const Location& where,
                          const char* names) {
  const double at = number_or(loc, 0), spread = number_or(scale, 1);
  if (std::isfinite(at) && spread >= 0 && std::isfinite(spread)) return;
  throw ValueError(std::string("[") + name + "] expected " + names + ", got " + std::to_string(at) + " and " +
                   std::to_string(spread) + place(where));
}

RandomOptions seeded() {
  static thread_local Generator generator;
  generator = Generator(7);
  return {.dtype = float64, .generator = &generator};
}

Tensor uniform(const Shape& shape, const Arg& low, const Arg& high, RandomOptions options, Location where) {
  const Within here("uniform", where);
  const double from = number_or(low, 0), to = number_or(high, std::max(from, 1.0));
  const bool numbers = low.kind() != Arg::Kind::tensor && high.kind() != Arg::Kind::tensor;
  if (!std::isfinite(from) || !std::isfinite(to) || (numbers && to < from))
    throw ValueError("[uniform] expected finite bounds, the lower one first, got " + std::to_string(from) + " and " +
                     std::to_string(to) + place(where));
  const Tensor u = unit_draw(shape, options);
  if (numbers && from == 0 && to == 1) return u;
  // Rounding may carry the largest numbers to the upper bound, which does not belong to the range.
  if (numbers) {
    const Tensor x = u * (to - from) + from;
    return xgrad::where(less(x, to), x, from);
  }
  const Tensor a = as_parameter(low, options.dtype), b = as_parameter(high, options.dtype);
  const Tensor x = u * (b - a) + a;
  return xgrad::where(less(x, b), x, a);
}

Tensor normal(const Shape& shape, const Arg& mean, const Arg& stddev, RandomOptions options, Location where) {
  const Within here("normal", where);
  check_location_scale("normal", mean, stddev, where);
  const Tensor u = unit_draw(shape, options), v = unit_draw(shape, options);
  return scaled(box_muller(u, v), mean, stddev);
}

Tensor truncated_normal(const Shape& shape, double mean, double stddev, RandomOptions options, Location where) {
  const Within here("truncated_normal", where);
  check_location_scale("truncated_normal", mean, stddev, where);
  const Tensor q = (unit_draw(shape, options) - 0.5) * within_two;
  return scaled(clip(normal_quantile(q), -2, 2), mean, stddev);
}

Tensor bernoulli(const Shape& shape, double p, RandomOptions options, Location where) {
  const Within here("bernoulli", where);
  check_probability("bernoulli", p, where);
  return cast(less(unit_draw(shape, options), p), options.dtype);
}

Tensor bernoulli_like(const Arg& like, double p, Generator* generator) {
  const Within here("bernoulli_like", like);
  check_probability("bernoulli_like", p, like.where());
  const Tensor t = like.tensor();
  return cast(less(uniform_like(t, generator), p), t.dtype());
}

Tensor uniform_like(const Arg& like, Generator* generator) {
  return record(uniform_like_op, {like}, {}, next_draw(generator));
}

Tensor normal_like(const Arg& like, Generator* generator) {
  const Within here("normal_like", like);
  const Tensor u = uniform_like(like, generator), v = uniform_like(like, generator);
  return box_muller(u, v);
}

Tensor permutation(std::int64_t n, Generator* generator, Location where) {
  const Within here("permutation", where);
  return record(permutation_op, {}, {.a = n}, next_draw(generator));
}

std::vector<Sample> parameters(double low_a, double high_a, double low_b, double high_b) {
  const auto pair = [=](const Shape& a, const Shape& b, bool broadcast = false, bool strided = false) {
    return Sample{{{.shape = a, .low = low_a, .high = high_a, .strided = strided, .broadcast = broadcast},
                   {.shape = b, .low = low_b, .high = high_b}}};
  };
  return {pair({2, 3}, {2, 3}), pair({3}, {}), pair({2, 1}, {3}), pair({2, 3}, {2, 3}, true),
          pair({2, 3}, {1, 3}, false, true)};
}

Rows random_rows() {
  using In = std::span<const Tensor>;
  const char* const why = "it has no input";
  static const char* const rows_alone = "the shape is asked for, so parameters cannot be empty";
  const char* const lends = "the input lends only its shape";
  static const std::vector<Row> rows = {
      {.name = "uniform",
       .call = [](In in) { return uniform({2, 3}, in[0], in[1], seeded()); },
       .samples = parameters(-2, 0, 1, 3),
       .special = {{[] { return uniform({0, 2}); }, {}},
                   {[] { return uniform({2}, 3, 3); }, {3, 3}},
                   {[] { return uniform({2}, tensor({3, 4}), tensor({3, 4})); }, {3, 4}}},
       .errors = {{[] { return uniform({2}, 1, 0); }, "[uniform] expected finite bounds"},
                  {[] { return uniform({2}, zeros({2}), __builtin_inf()); }, "[uniform] expected finite bounds"},
                  {[] { return uniform({1LL << 61}); }, "elements can be counted"},
                  {[] { return uniform({2}, 0, 1, {.dtype = int64}); }, "expected float32 or float64, not int64"}},
       .fewer_samples = rows_alone},
      {.name = "normal",
       .call = [](In in) { return normal({2, 3}, in[0], in[1], seeded()); },
       .samples = parameters(-2, 2, 1, 3),
       .special = {{[] { return normal({2}, 3, 0); }, {3, 3}}},
       .errors = {{[] { return normal({2}, 0, -1); }, "[normal] expected a finite mean and a standard deviation"}},
       .fewer_samples = rows_alone},
      {.name = "truncated_normal",
       .call = [](In) { return truncated_normal({2, 3}, 1, 2, seeded()); },
       .samples = no_inputs(),
       .special = {{[] { return truncated_normal({2}, 3, 0); }, {3, 3}}},
       .errors = {{[] { return truncated_normal({2}, 0, -1); }, "[truncated_normal]"}},
       .no_derivative = why,
       .fewer_samples = why},
      {.name = "bernoulli",
       .call = [](In) { return bernoulli({2, 3}, 0.4, seeded()); },
       .samples = no_inputs(),
       .special = {{[] { return bernoulli({3}, 1); }, {1, 1, 1}}, {[] { return bernoulli({3}, 0); }, {0, 0, 0}}},
       .errors = {{[] { return bernoulli({2}, 1.5); }, "[bernoulli] expected a probability from 0 to 1, got 1.5"}},
       .no_derivative = why,
       .fewer_samples = why},
      {.name = "bernoulli_like",
       .call = [](In in) { return bernoulli_like(in[0], 0.4, seeded().generator); },
       .samples = unary_samples(-2, 2),
       .special = {{[] { return bernoulli_like(zeros({2}, {.dtype = int32}), 1); }, {1, 1}}},
       .errors = {{[] { return bernoulli_like(zeros({2}), -1); }, "[bernoulli_like]"}},
       .no_derivative = lends},
      {.name = "uniform_like",
       .call = [](In in) { return uniform_like(in[0], seeded().generator); },
       .samples = unary_samples(-2, 2),
       .no_derivative = lends},
      {.name = "normal_like",
       .call = [](In in) { return normal_like(in[0], seeded().generator); },
       .samples = unary_samples(-2, 2),
       .no_derivative = lends},
      {.name = "permutation",
       .call = [](In) { return permutation(5, seeded().generator); },
       .samples = no_inputs(),
       .special = {{[] { return permutation(0); }, {}}, {[] { return permutation(1); }, {0}}},
       .errors = {{[] { return permutation(-1); }, "[permutation] expected a length of 0 or more"}},
       .no_derivative = why,
       .fewer_samples = why},
  };
  return rows;
}

}  // namespace xgrad
