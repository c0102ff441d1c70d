#include <xgrad/graph/basic.hpp>

#include <xgrad/graph/fold.hpp>
#include <xgrad/graph/op.hpp>
#include <xgrad/graph/samples.hpp>

#include <string>

namespace xgrad {
namespace {

using kernels::Code;

// --- arithmetic ------------------------------------------------------------------------------------------------------

constexpr Op add_op{.name = "add",
                    .kind = Kind::elementwise,
                    .code = Code::add,
                    .rules = {[](const Applied&, const Tensor& g) { return g; },
                              [](const Applied&, const Tensor& g) { return g; }},
                    .symbol = "+"};

constexpr Op subtract_op{.name = "subtract",
                         .kind = Kind::elementwise,
                         .code = Code::subtract,
                         .rules = {[](const Applied&, const Tensor& g) { return g; },
                                   [](const Applied&, const Tensor& g) { return -g; }},
                         .symbol = "-"};

constexpr Op multiply_op{.name = "multiply",
                         .kind = Kind::elementwise,
                         .code = Code::multiply,
                         .rules = {[](const Applied& c, const Tensor& g) { return g * c.in(1); },
                                   [](const Applied& c, const Tensor& g) { return g * c.in(0); }},
                         .symbol = "*"};

constexpr Op divide_op{.name = "divide",
                       .kind = Kind::elementwise,
                       .code = Code::divide,
                       .promotion = Promotion::floating,
                       .rules = {[](const Applied& c, const Tensor& g) { return g / c.in(1); },
                                 [](const Applied& c, const Tensor& g) { return -(g * c.out() / c.in(1)); }},
                       .symbol = "/"};

constexpr Op negative_op{.name = "negative",
                         .kind = Kind::elementwise,
                         .code = Code::negate,
                         .rules = {[](const Applied&, const Tensor& g) { return -g; }},
                         .symbol = "-"};

// --- casting ---------------------------------------------------------------------------------------------------------

void infer_cast(Recording& call) { call.result(call.shape(0), static_cast<DType>(call.attribute(0))); }

constexpr Op cast_op{
    .name = "cast",
    .kind = Kind::elementwise,
    .code = Code::cast,
    .infer = infer_cast,
    .rules = {[](const Applied& c, const Tensor& g) { return cast(g, c.in(0).dtype()); }},
    .linear = true};

// --- sums ------------------------------------------------------------------------------------------------------------

constexpr Op sum_op{
    .name = "sum",
    .kind = Kind::fold,
    .code = Code::row_sum,
    .infer = infer_fold,
    .rules = {[](const Applied& c, const Tensor& g) { return broadcast_like(keep_axes(c, g), c.in(0)); }},
    .linear = true,
    .folded = folded_axes};

void infer_sum_like(Recording& call) {
  if (!repeats_to(call.shape(1), call.shape(0))) call.shape_error("expected a shape that broadcasts to the first");
  call.result(call.shape(1), call.dtype(0));
}

std::uint32_t axes_unlike(const Applied& call) {
  const Tensor x = call.in(0), like = call.in(1);
  const Shape& from = x.shape();
  const Shape& to = like.shape();
  const int added = from.rank() - to.rank();
  std::uint32_t mask = 0;
  for (int i = 0; i < from.rank(); ++i)
    if (i < added || (to[i - added] == 1 && from[i] != 1)) mask |= 1u << i;
  return mask;
}

constexpr Op sum_like_op{
    .name = "sum_like",
    .kind = Kind::fold,
    .code = Code::row_sum,
    .infer = infer_sum_like,
    .rules = {[](const Applied& c, const Tensor& g) { return broadcast_like(g, c.in(0)); }},
    .linear = true,
    .shape_only = 2,
    .folded = axes_unlike};

/// bool and uint8 would wrap at once; their sums are counted in int64.
Tensor summand(const Arg& x) {
  Tensor t = x.tensor();
  return t.dtype() <= int32 ? cast(t, int64) : t;
}

void infer_count(Recording& call) {
  call.result(Shape{}, is_floating(call.dtype(0)) ? call.dtype(0) : float32);
}

double folded_count(const Applied& call) {
  const Tensor x = call.in(0);
  const Shape& shape = x.shape();
  double n = 1;
  for (int i = 0; i < shape.rank(); ++i)
    if (call.attribute(0) >> i & 1) n *= static_cast<double>(shape[-1 - i]);
  return n;
}

constexpr Op count_op{
    .name = "count", .kind = Kind::constant, .infer = infer_count, .shape_only = 1, .number = folded_count};

}  // namespace

Tensor add(const Arg& a, const Arg& b) { return record(add_op, a, b); }
Tensor subtract(const Arg& a, const Arg& b) { return record(subtract_op, a, b); }
Tensor multiply(const Arg& a, const Arg& b) { return record(multiply_op, a, b); }
Tensor divide(const Arg& a, const Arg& b) { return record(divide_op, a, b); }
Tensor negative(const Arg& x) { return record(negative_op, x); }

Tensor cast(const Arg& x, DType dtype) {
  if (x.kind() == Arg::Kind::tensor && x.node()) {
    Tensor t = x.tensor();
    if (t.dtype() == dtype) return t;
  }
  return record(cast_op, {x}, {.a = static_cast<std::int64_t>(dtype)});
}

Axes::Axes(std::initializer_list<int> axes) : count_(static_cast<int>(axes.size())) {
  if (axes.size() > max_rank)
    throw ShapeError("[axes] expected at most 8 axes, got " + std::to_string(axes.size()));
  int i = 0;
  for (const int axis : axes) axes_[i++] = axis;
}

Axes Axes::none() {
  Axes axes;
  axes.count_ = 0;
  return axes;
}

Tensor fold(const Op& op, const Arg& x, std::uint32_t mask, bool keepdims) {
  return record(op, {x}, {.a = mask, .b = keepdims});
}

void infer_fold(Recording& call) {
  const Shape& shape = call.shape(0);
  Shape result;
  for (int i = 0; i < shape.rank(); ++i) {
    const bool folded = call.attribute(0) >> (shape.rank() - 1 - i) & 1;
    if (!folded) result.append(shape[i]);
    else if (call.attribute(1)) result.append(1);
  }
  call.result(result, call.dtype(0));
}

std::uint32_t folded_axes(const Applied& call) {
  const int rank = call.in(0).rank();
  std::uint32_t mask = 0;
  for (int i = 0; i < rank; ++i) mask |= static_cast<std::uint32_t>(call.attribute(0) >> (rank - 1 - i) & 1) << i;
  return mask;
}

Tensor keep_axes(const Applied& call, const Tensor& folded) {
  const std::uint32_t mask = static_cast<std::uint32_t>(call.attribute(0));
  return call.attribute(1) || mask == 0 ? folded : expand_axes(folded, mask);
}

Tensor sum_over(const Arg& x, std::uint32_t mask, bool keepdims) { return fold(sum_op, x, mask, keepdims); }

Tensor sum(const Arg& x, Axes axes, bool keepdims) {
  const Within here("sum", x);
  const Tensor t = summand(x);
  return sum_over(t, mask_from_end(axes, t.rank(), "sum", x.where()), keepdims);
}

Tensor sum_like(const Arg& x, const Arg& like) {
  const Within here("sum_like", x);
  return record(sum_like_op, summand(x), like);
}

Tensor count(const Arg& x, Axes axes) {
  const Within here("count", x);
  const Tensor t = x.tensor();
  return record(count_op, {t}, {.a = mask_from_end(axes, t.rank(), "count", x.where())});
}

Rows arithmetic_rows() {
  using In = std::span<const Tensor>;
  static const double inf = __builtin_inf(), nan = __builtin_nan("");
  static const std::vector<Row> rows = {
      {.name = "add",
       .call = call_binary<add>,
       .samples = binary_samples(-2, 2, -2, 2),
       .special = {{[] { return tensor({-0.0, -0.0}) + tensor({-0.0, 0.0}); }, {-0.0, 0.0}},
                   {[] { return tensor({9007199254740992.}, {.dtype = int64}) + 1; }, {9007199254740993.}},
                   {[] { return tensor({inf}) + tensor({-inf}); }, {nan}},
                   {[] { return tensor({255}, {.dtype = uint8}) + tensor({2}, {.dtype = uint8}); }, {1}},
                   {[] { return tensor({0, 1, 1}, {.dtype = bool_}) + tensor({0, 0, 1}, {.dtype = bool_}); },
                    {0, 1, 1}}},
       .errors = {{[] { return zeros({2, 3}) + zeros({4}); }, "[add] expected shapes that broadcast"}}},
      {.name = "subtract",
       .call = call_binary<subtract>,
       .samples = binary_samples(-2, 2, -2, 2),
       .special = {{[] { return tensor({0.0, 0.0}) - tensor({0.0, -0.0}); }, {0.0, 0.0}}},
       .errors = {{[] { return zeros({2, 3}) - zeros({3, 2}); }, "(2, 3)"},
                  {[] { return zeros({2}, {.dtype = bool_}) - zeros({2}, {.dtype = bool_}); }, "dtype"}}},
      {.name = "multiply",
       .call = call_binary<multiply>,
       .samples = binary_samples(-2, 2, -2, 2),
       .special = {{[] { return tensor({0.0, inf}) * tensor({-1.0, 0.0}); }, {-0.0, nan}},
                   {[] { return tensor({0, 1, 1}, {.dtype = bool_}) * tensor({0, 0, 1}, {.dtype = bool_}); },
                    {0, 0, 1}}},
       .errors = {{[] { return zeros({2, 3}) * zeros({2}); }, "[multiply]"}}},
      {.name = "divide",
       .call = call_binary<divide>,
       .samples = binary_samples(-2, 2, 0.5, 3),
       .special = {{[] { return tensor({1.0, -1.0, 0.0}) / tensor({0.0, 0.0, 0.0}); }, {inf, -inf, nan}},
                   {[] { return tensor({3}, {.dtype = int64}) / 2; }, {1.5}}},
       .errors = {{[] { return zeros({2, 3}) / zeros({2}); }, "[divide]"}}},
      {.name = "negative",
       .call = call_unary<negative>,
       .samples = unary_samples(-2, 2),
       .special = {{[] { return -tensor({0.0, -0.0, inf}); }, {-0.0, 0.0, -inf}}},
       .errors = {{[] { return -zeros({2}, {.dtype = bool_}); }, "[negative]"}}},
      {.name = "sum",
       .call = [](In in) { return sum(in[0], in[0].rank() ? Axes{-1} : Axes{}) + sum(in[0] * in[0], {}, true); },
       .samples = unary_samples(-2, 2),
       .special = {{[] { return sum(zeros({0})); }, {0.0}},
                   {[] { return sum(zeros({0, 2}), 0); }, {0.0, 0.0}},
                   {[] { return sum(full({300}, 1, {.dtype = uint8})); }, {300}},
                   {[] { return sum(tensor({9007199254740992., 1}, {.dtype = int64})); }, {9007199254740993.}},
                   {[] { return sum(tensor({{1., 2.}, {3., 4.}}), Axes::none()); }, {1, 2, 3, 4}}},
       .errors = {{[] { return sum(zeros({2, 3}), 2); }, "[sum] expected an axis from -2 to 1, got 2"},
                  {[] { return sum(zeros({2, 3}), {0, -2}); }, "each axis once"}}},
      {.name = "sum_like",
       .call = [](In in) { return sum_like(in[0], in[1]); },
       .samples = {{{{.shape = {2, 3}}, {.shape = {2, 3}}}}, {{{.shape = {2, 3}}, {.shape = {3}}}},
                   {{{.shape = {4, 2, 3}}, {.shape = {2, 1}}}}, {{{.shape = {}}, {.shape = {}}}},
                   {{{.shape = {0, 3}}, {.shape = {1, 3}}}}, {{{.shape = {3, 2}, .strided = true}, {.shape = {2}}}}},
       .errors = {{[] { return sum_like(zeros({3}), zeros({2})); }, "[sum_like] expected a shape"}}},
      {.name = "cast",
       .call = [](In in) { return cast(in[0], float64); },
       .samples = unary_samples(-2, 2),
       .special = {{[] { return cast(tensor({nan, 1e30, -1e30, -1.9}), int32); }, {0, 2147483647., -2147483648., -1}},
                   {[] { return cast(tensor({0.0, 0.5, nan}), bool_); }, {0, 1, 1}}}},
      {.name = "count",
       .call = [](In in) { return count(in[0]); },
       .samples = unary_samples(-2, 2),
       .special = {{[] { return count(zeros({2, 3}), -1); }, {3}}, {[] { return count(zeros({2, 0})); }, {0}}},
       .errors = {{[] { return count(zeros({2}), 1); }, "[count]"}},
       .no_derivative = "the input lends only its shape"},
  };
  return rows;
}

}  // namespace xgrad
