// Random integers, counts, orders and choices.

#include <xgrad/kernels/draws.hpp>
#include <xgrad/kernels/indexing.hpp>
#include <xgrad/ops/drawn.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexed.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/scan.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/sorting.hpp>
#include <xgrad/ops/table.hpp>

#include <cmath>
#include <limits>

namespace xgrad {
namespace {

// --- integers --------------------------------------------------------------------------------------------------------

/// Attributes: the lowest and the highest integer. The list holds the dtype, then the shape.
void infer_integers(Recording& call) {
  const std::span<const std::int64_t> shape = call.list().subspan(1);
  check_draw_size(call, shape);
  call.result(Shape(shape), static_cast<DType>(call.list()[0]));
}

void run_integers(const Launch& launch) {
  const auto low = launch.attributes[0], high = launch.attributes[1];
  kernels::draw_integers(launch.draw, low, static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low),
                         launch.out.dtype, launch.out.data, launch.out.shape.size());
}

constexpr Op integers_op{.name = "randint", .infer = infer_integers, .random = true, .run = run_integers};

bool holds(DType dtype, std::int64_t low, std::int64_t high) {
  switch (dtype) {
    case DType::bool_: return low >= 0 && high <= 1;
    case DType::uint8: return low >= 0 && high <= 255;
    case DType::int32:
      return low >= std::numeric_limits<std::int32_t>::min() && high <= std::numeric_limits<std::int32_t>::max();
    default: return dtype == int64;
  }
}

// --- counts ----------------------------------------------------------------------------------------------------------

void infer_counts(Recording& call) {
  check_draw_size(call, std::span(call.shape(0).begin(), call.shape(0).end()));
  call.result(call.shape(0), int64);
}

void run_poisson(const Launch& launch) {
  const View& rate = launch.in[0];
  const auto* rates = static_cast<const double*>(rate.data);
  const std::int64_t count = rate.shape.size();
  for (std::int64_t i = 0; i < count; ++i)
    if (!(rates[i] >= 0 && rates[i] <= 0x1p62))
      launch.fail("expected rates from 0 to 2^62, got " + written(rate, i) + " at position " +
                  position(rate.shape, i));
  kernels::draw_poisson(launch.draw, rates, static_cast<std::int64_t*>(launch.out.data), count);
}

constexpr Op poisson_op{
    .name = "poisson", .infer = infer_counts, .random = true, .fails = true, .run = run_poisson,
    .leading = Leading::batch};

void run_binomial(const Launch& launch) {
  const View &trials = launch.in[0], &probability = launch.in[1];
  const auto* n = static_cast<const std::int64_t*>(trials.data);
  const auto* p = static_cast<const double*>(probability.data);
  const std::int64_t count = trials.shape.size();
  for (std::int64_t i = 0; i < count; ++i) {
    if (n[i] < 0)
      launch.fail("expected 0 trials or more, got " + written(trials, i) + " at position " +
                  position(trials.shape, i));
    if (!(p[i] >= 0 && p[i] <= 1))
      launch.fail("expected probabilities from 0 to 1, got " + written(probability, i) + " at position " +
                  position(trials.shape, i));
  }
  kernels::draw_binomial(launch.draw, n, p, static_cast<std::int64_t*>(launch.out.data), count);
}

constexpr Op binomial_op{
    .name = "binomial", .infer = infer_counts, .random = true, .fails = true, .run = run_binomial,
    .leading = Leading::batch};

/// A parameter of each element of a shape.
Tensor spread(const Arg& parameter, DType dtype, const Shape& shape) {
  const Tensor t = parameter.kind() == Arg::Kind::integer ? cast(parameter.tensor(), dtype)
                                                          : as_parameter(parameter, dtype);
  return t.shape() == shape ? t : broadcast_to(t, shape);
}

// --- orders ----------------------------------------------------------------------------------------------------------

/// A random order of the places along an axis (attribute 0, from the end) of the input, which lends its shape.
constexpr Op order_op{
    .name = "random_order",
    .infer = [](Recording& call) { call.result(Shape{call.shape(0)[static_cast<int>(call.attribute(0))]}, int64); },
    .random = true,
    .shape_only = 1,
    .run = [](const Launch& launch) {
      kernels::permutation(launch.draw, static_cast<std::int64_t*>(launch.out.data), launch.out.shape.size());
    }};

/// `count` places among n, the probabilities alike or as given.
Tensor chosen_places(std::int64_t n, const Shape& shape, const ChoiceOptions& options, const Location& where) {
  const std::int64_t count = shape.size();
  const Tensor p = options.p.defined() ? cast(options.p, float64) : Tensor();
  if (p.defined() && p.shape() != Shape{n})
    throw ShapeError("[choice] expected a probability for each of " + std::to_string(n) + " elements, got " +
                     to_string(p.shape()) + place(where));
  if (options.replace ? n == 0 && count > 0 : count > n)
    throw ValueError("[choice] expected at least " + std::to_string(options.replace ? 1 : count) +
                     " elements to choose from, got " + std::to_string(n) + place(where));
  if (count == 0) return zeros(shape, {.dtype = int64});
  const RandomOptions wide{.dtype = float64, .generator = options.generator};
  if (!p.defined() && options.replace) return randint(shape, 0, n, {.generator = options.generator});
  if (!p.defined()) return reshape(slice_axis(permutation(n, options.generator), 0, {0, count}), shape);
  if (!options.replace) return reshape(top_k(log(p) + gumbel({n}, 0, 1, wide), count).indices, shape);
  const Tensor sums = cumsum(p, 0);
  const Tensor u = uniform(shape, 0, 1, wide) * reshape(slice_axis(sums, 0, {-1}), {});
  return minimum(searchsorted(sums, u, Side::right), n - 1);
}

}  // namespace

Tensor randint(const Shape& shape, std::int64_t low, std::int64_t high, IntegerOptions options, Location where) {
  const Within here("randint", where);
  if (options.endpoint ? high < low : high <= low)
    throw ValueError("[randint] expected at least one integer, got the range from " + std::to_string(low) + " to " +
                     std::to_string(high) + (options.endpoint ? "" : " without its end") + place(where));
  const std::int64_t most = options.endpoint ? high : high - 1;
  if (!holds(options.dtype, low, most))
    throw DTypeError("[randint] expected an integer dtype that holds " + std::to_string(low) + " to " +
                     std::to_string(most) + ", got " + name_of(options.dtype) + place(where));
  std::int64_t list[1 + max_rank] = {static_cast<std::int64_t>(options.dtype)};
  for (int i = 0; i < shape.rank(); ++i) list[1 + i] = shape[i];
  return record(integers_op, {},
                {.a = low, .b = most, .list = std::span(list).first(static_cast<std::size_t>(1 + shape.rank()))},
                next_draw(options.generator));
}

Tensor poisson(const Shape& shape, const Arg& rate, CountOptions options, Location where) {
  const Within here("poisson", where);
  const Tensor k = record(poisson_op, {spread(rate, float64, shape)}, {}, next_draw(options.generator));
  return options.dtype == int64 ? k : cast(k, options.dtype);
}

Tensor binomial(const Shape& shape, const Arg& n, const Arg& p, CountOptions options, Location where) {
  const Within here("binomial", where);
  const Tensor k =
      record(binomial_op, {spread(n, int64, shape), spread(p, float64, shape)}, {}, next_draw(options.generator));
  return options.dtype == int64 ? k : cast(k, options.dtype);
}

Tensor categorical(const Arg& logits, std::int64_t samples, Generator* generator) {
  const Within here("categorical", logits);
  const Tensor t = cast(logits.tensor(), float64);
  if (t.rank() == 0 || t.shape()[-1] == 0)
    throw ShapeError("[categorical] expected logits of one class or more, got " + to_string(t.shape()) +
                     place(logits.where()));
  if (samples < 0)
    throw ValueError("[categorical] expected 0 samples or more, got " + std::to_string(samples) +
                     place(logits.where()));
  const Tensor sums = cumsum(exp(t - max(t, -1, true)), -1);
  // What is taken lends only its shape.
  const Tensor u = uniform_like(take(t, zeros({samples}, {.dtype = int64}), -1), generator);
  const Tensor found = searchsorted(sums, u * slice_axis(sums, -1, {-1}), Side::right);
  return minimum(found, t.shape()[-1] - 1);
}

Tensor shuffle(const Arg& x, int axis, Generator* generator) {
  const Within here("shuffle", x);
  const Tensor t = x.tensor();
  const std::uint32_t mask = mask_from_end(axis, t.rank(), "shuffle", x.where());
  const Tensor order = record(order_op, {t}, {.a = -1 - __builtin_ctz(mask)}, next_draw(generator));
  return take(t, order, axis);
}

Tensor choice(const Arg& x, const Shape& shape, const ChoiceOptions& options) {
  const Within here("choice", x);
  if (x.kind() == Arg::Kind::integer) {
    if (x.integer() < 0)
      throw ValueError("[choice] expected 0 elements or more, got " + std::to_string(x.integer()) + place(x.where()));
    return chosen_places(x.integer(), shape, options, x.where());
  }
  const Tensor t = x.tensor();
  const std::uint32_t mask = mask_from_end(options.axis, t.rank(), "choice", x.where());
  return take(t, chosen_places(t.dim(-1 - __builtin_ctz(mask)), shape, options, x.where()), options.axis);
}

Rows choices_rows() {
  using In = std::span<const Tensor>;
  static const double inf = __builtin_inf(), nan = __builtin_nan("");
  static const char* const why = "it has no input";
  static const char* const counts = "its result is whole numbers";
  static const char* const rows_alone = "the shape is asked for, so parameters cannot be empty";
  static const std::vector<Row> rows = {
      {.name = "randint",
       .call = [](In) { return randint({2, 3}, -5, 5, {.generator = seeded().generator}); },
       .samples = no_inputs(),
       .special = {{[] { return randint({2}, 7, 8); }, {7, 7}},
                   {[] { return randint({2}, 255, 255, {.dtype = uint8, .endpoint = true}); }, {255, 255}},
                   {[] { return randint({0, 2}, 0, 1); }, {}}},
       .errors = {{[] { return randint({2}, 3, 3); }, "[randint] expected at least one integer, got the range from 3"},
                  {[] { return randint({2}, 4, 3, {.endpoint = true}); }, "from 4 to 3"},
                  {[] { return randint({2}, 0, 257, {.dtype = uint8}); }, "holds 0 to 256, got uint8"},
                  {[] { return randint({2}, 0, 5, {.dtype = float32}); }, "got float32"},
                  {[] { return randint({1LL << 61}, 0, 5); }, "elements can be counted"}},
       .no_derivative = why,
       .fewer_samples = why},
      {.name = "poisson",
       .call = [](In in) { return poisson({2, 3}, in[0] * in[1], {.generator = seeded().generator}); },
       .samples = parameters(0.1, 20, 0, 2),
       .special = {{[] { return poisson({2}, 0); }, {0, 0}}},
       .errors = {{[] { return evaluated(poisson({2}, doubles({1, -3}))); },
                   "[poisson] expected rates from 0 to 2^62, got -3.000000 at position (1,)"},
                  {[] { return evaluated(poisson({2}, nan)); }, "got nan"}},
       .no_derivative = counts,
       .fewer_samples = rows_alone},
      {.name = "binomial",
       .call = [](In in) { return binomial({2, 3}, in[0], in[1], {.generator = seeded().generator}); },
       .samples = parameters(1, 200, 0, 1),
       .special = {{[] { return binomial({2}, 5, 1); }, {5, 5}},
                   {[] { return binomial({2}, 5, 0); }, {0, 0}},
                   {[] { return binomial({2}, INT64_MAX, 1); }, {0x1p63, 0x1p63}}},
       .errors = {{[] { return evaluated(binomial({2}, -1, 0.5)); }, "[binomial] expected 0 trials or more, got -1"},
                  {[] { return evaluated(binomial({2}, 1, 1.5)); }, "probabilities from 0 to 1, got 1.5"}},
       .no_derivative = counts,
       .fewer_samples = rows_alone},
      {.name = "categorical",
       .call = [](In in) { return categorical(in[0], 4, seeded().generator); },
       .samples = {{{{.shape = {2, 3}}}},
                   {{{.shape = {3, 3}, .broadcast = true}}},
                   {{{.shape = {0, 3}}}},
                   {{{.shape = {3, 2}, .strided = true}}}},
       .special = {{[] { return categorical(doubles({-inf, 0, -inf}), 3); }, {1, 1, 1}},
                   {[] { return categorical(tensor({{1000., 0.}, {0., 1000.}}), 2); }, {0, 0, 1, 1}},
                   {[] { return categorical(doubles({1, 2}), 0); }, {}}},
       .errors = {{[] { return categorical(1.0); }, "[categorical] expected logits of one class or more, got ()"},
                  {[] { return categorical(zeros({2, 0})); }, "got (2, 0)"},
                  {[] { return categorical(zeros({2}), -1); }, "0 samples or more, got -1"}},
       .no_derivative = counts,
       .fewer_samples = "a scalar has no classes"},
      {.name = "shuffle",
       .call = [](In in) { return shuffle(in[0], -1, seeded().generator); },
       .samples = {{{{.shape = {2, 3}}}},
                   {{{.shape = {3, 3}, .broadcast = true}}},
                   {{{.shape = {2, 0}}}},
                   {{{.shape = {3, 2}, .strided = true}}}},
       .errors = {{[] { return shuffle(1.0); }, "[shuffle] expected an axis"}},
       .fewer_samples = "a scalar has no axis"},
      {.name = "choice",
       .call = [](In in) { return choice(in[0], {4}, {.axis = -1, .generator = seeded().generator}); },
       .samples = {{{{.shape = {2, 3}}}},
                   {{{.shape = {3, 3}, .broadcast = true}}},
                   {{{.shape = {0, 2}}}},
                   {{{.shape = {3, 2}, .strided = true}}}},
       .special = {{[] { return choice(3, {2, 2}, {.p = doubles({0, 5, 0})}); }, {1, 1, 1, 1}},
                   {[] { return choice(1, {1}, {.replace = false}); }, {0}},
                   {[] { return choice(0, {0}); }, {}}},
       .errors = {{[] { return choice(3, {4}, {.replace = false}); }, "[choice] expected at least 4 elements"},
                  {[] { return choice(0, {1}); }, "at least 1 elements to choose from, got 0"},
                  {[] { return choice(-1, {1}); }, "[choice] expected 0 elements or more, got -1"},
                  {[] { return choice(3, {1}, {.p = doubles({1, 1})}); }, "a probability for each of 3 elements"}},
       .fewer_samples = "a scalar has no axis"},
  };
  return rows;
}

}  // namespace xgrad
