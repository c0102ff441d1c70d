#include <xgrad/graph/basic.hpp>

#include <xgrad/graph/fold.hpp>
#include <xgrad/graph/node.hpp>
#include <xgrad/graph/op.hpp>
#include <xgrad/graph/samples.hpp>

#include <string>

namespace xgrad {
namespace {

std::string written(std::span<const std::int64_t> lengths) {
  std::string text = "(";
  for (std::size_t i = 0; i < lengths.size(); ++i) text += (i ? ", " : "") + std::to_string(lengths[i]);
  return text + (lengths.size() == 1 ? ",)" : ")");
}

/// A requested shape; the bytes of its elements must be countable.
Shape requested(const Recording& call, std::span<const std::int64_t> lengths) {
  if (lengths.size() > max_rank) call.shape_error("expected a shape of at most 8 axes, not " + written(lengths));
  std::int64_t bytes = 8;
  for (const std::int64_t length : lengths)
    if (length > 0 && __builtin_mul_overflow(bytes, length, &bytes))
      call.shape_error("expected a shape whose elements can be counted, not " + written(lengths));
  return Shape(lengths);
}

// --- broadcasting ----------------------------------------------------------------------------------------------------

void check_repeats(const Recording& call, const Shape& from, const Shape& to) {
  if (!repeats_to(from, to)) call.shape_error("expected a shape that broadcasts to " + to_string(to));
}

void infer_broadcast_to(Recording& call) {
  const Shape to = requested(call, call.list());
  check_repeats(call, call.shape(0), to);
  call.result(to, call.dtype(0));
}

constexpr Op broadcast_to_op{
    .name = "broadcast_to",
    .kind = Kind::broadcast,
    .infer = infer_broadcast_to,
    .rules = {[](const Applied& c, const Tensor& g) { return sum_like(g, c.in(0)); }},
    .linear = true};

void infer_broadcast_like(Recording& call) {
  check_repeats(call, call.shape(0), call.shape(1));
  call.result(call.shape(1), call.dtype(0));
}

constexpr Op broadcast_like_op{
    .name = "broadcast_like",
    .kind = Kind::broadcast,
    .infer = infer_broadcast_like,
    .rules = {[](const Applied& c, const Tensor& g) { return sum_like(g, c.in(0)); }},
    .linear = true,
    .shape_only = 2};

// --- reshaping -------------------------------------------------------------------------------------------------------

void infer_reshape(Recording& call) {
  const std::span<const std::int64_t> asked = call.list();
  if (asked.size() > max_rank) call.shape_error("expected a shape of at most 8 axes, not " + written(asked));
  const std::int64_t size = call.shape(0).size();
  std::int64_t known = 1;
  int open = -1;
  bool empty = false, fits = true;
  for (std::size_t i = 0; i < asked.size(); ++i) {
    if (asked[i] == -1 && open < 0) open = static_cast<int>(i);
    else if (asked[i] < 0) call.shape_error("expected lengths of 0 or more and at most one -1, not " + written(asked));
    else if (asked[i] == 0) empty = true;
    else if (__builtin_mul_overflow(known, asked[i], &known)) fits = false;
  }
  if (empty) known = 0;
  else if (!fits) known = -1;
  if (open >= 0 ? known <= 0 || size % known != 0 : known != size)
    call.shape_error("expected a shape of " + std::to_string(size) + " elements, not " + written(asked));
  Shape shape;
  for (std::size_t i = 0; i < asked.size(); ++i)
    shape.append(static_cast<int>(i) == open ? size / known : asked[i]);
  call.result(shape, call.dtype(0));
}

constexpr Op reshape_op{
    .name = "reshape",
    .kind = Kind::alias,
    .infer = infer_reshape,
    .rules = {[](const Applied& c, const Tensor& g) { return reshape_like(g, c.in(0)); }},
    .linear = true};

void infer_reshape_like(Recording& call) {
  if (call.shape(0).size() != call.shape(1).size()) call.shape_error("expected shapes with equally many elements");
  call.result(call.shape(1), call.dtype(0));
}

constexpr Op reshape_like_op{
    .name = "reshape_like",
    .kind = Kind::alias,
    .infer = infer_reshape_like,
    .rules = {[](const Applied& c, const Tensor& g) { return reshape_like(g, c.in(0)); }},
    .linear = true,
    .shape_only = 2};

/// Attribute 0 is the mask of new axes, counted from the end of the result.
void infer_expand(Recording& call) {
  const Shape& shape = call.shape(0);
  const std::uint32_t mask = static_cast<std::uint32_t>(call.attribute(0));
  const int rank = shape.rank() + __builtin_popcount(mask);
  if (rank > max_rank) call.shape_error("expected a result of at most 8 axes, not " + std::to_string(rank));
  Shape result;
  for (int i = 0, next = 0; i < rank; ++i) result.append(mask >> (rank - 1 - i) & 1 ? 1 : shape[next++]);
  call.result(result, call.dtype(0));
}

constexpr Op expand_op{
    .name = "expand_dims",
    .kind = Kind::alias,
    .infer = infer_expand,
    .rules = {[](const Applied& c, const Tensor& g) { return reshape_like(g, c.in(0)); }},
    .linear = true};

}  // namespace

bool repeats_to(const Shape& from, const Shape& to) {
  if (from.rank() > to.rank()) return false;
  for (int i = 1; i <= from.rank(); ++i)
    if (from[-i] != to[-i] && from[-i] != 1) return false;
  return true;
}

Tensor broadcast_to(const Arg& x, const Shape& shape) {
  return record(broadcast_to_op, {x}, {.list = std::span(shape.begin(), shape.end())});
}
Tensor broadcast_like(const Arg& x, const Arg& like) { return record(broadcast_like_op, {x, like}); }

Tensor reshape(const Arg& x, std::initializer_list<std::int64_t> lengths) {
  return record(reshape_op, {x}, {.list = std::span(lengths.begin(), lengths.size())});
}
Tensor reshape(const Arg& x, const Shape& shape) {
  return record(reshape_op, {x}, {.list = std::span(shape.begin(), shape.end())});
}
Tensor reshape_like(const Arg& x, const Arg& like) { return record(reshape_like_op, {x, like}); }

Tensor expand_axes(const Arg& x, std::uint32_t mask) { return record(expand_op, {x}, {.a = mask}); }

namespace {

// Zeros and ones are known as such to a plan, so that what they are added to or multiplied with can be simplified. They
// are operations, so that they take a new dtype when the graph is recorded again.
void infer_number(Recording& call) { call.result(Shape{}, call.dtype(0)); }
constexpr Op zero_op{.name = "zero",
                     .kind = Kind::constant,
                     .infer = infer_number,
                     .shape_only = 1,
                     .number = [](const Applied&) { return 0.0; }};
constexpr Op one_op{.name = "one",
                    .kind = Kind::constant,
                    .infer = infer_number,
                    .shape_only = 1,
                    .number = [](const Applied&) { return 1.0; }};

Tensor number_like(const char* name, const Arg& x, const Op& number) {
  const Within here(name, x);
  const Tensor like = x.tensor();
  return broadcast_like(record(number, {like}), like);
}

// A constant is one number repeated, so it is never written to memory unless somebody reads it.
Tensor constant(const char* name, const Shape& shape, const Tensor& value, TensorOptions options) {
  const Within here(name, Location());
  Tensor result = broadcast_to(value, shape);
  if (!options.name.empty()) result.named(options.name);
  return result;
}

}  // namespace

Tensor full(const Shape& shape, double value, TensorOptions options) {
  return constant("full", shape, Tensor(value, {.dtype = options.dtype}), options);
}
Tensor zeros(const Shape& shape, TensorOptions options) {
  return constant("zeros", shape, make_number(Arg(0), options.dtype, true), options);
}
Tensor ones(const Shape& shape, TensorOptions options) {
  return constant("ones", shape, make_number(Arg(1), options.dtype, true), options);
}
Tensor zeros_like(const Arg& x) { return number_like("zeros_like", x, zero_op); }
Tensor one_of(const Arg& x) { return record(one_op, {x}); }
Tensor ones_like(const Arg& x) { return number_like("ones_like", x, one_op); }

Rows reshape_rows() {
  using In = std::span<const Tensor>;
  static const std::vector<Row> rows = {
      {.name = "broadcast_to",
       .call = [](In in) { return broadcast_to(in[0], Shape{2, 2, 3}); },
       .samples = {{{{.shape = {2, 3}}}}, {{{.shape = {3}}}}, {{{.shape = {2, 1, 3}}}}, {{{.shape = {}}}},
                   {{{.shape = {2, 3}, .strided = true}}}, {{{.shape = {2, 3}, .broadcast = true}}}},
       .special = {{[] { return broadcast_to(3, Shape{0, 2}); }, {}},
                   {[] { return broadcast_to(reshape(tensor({1, 2}), {2, 1}), Shape{2, 2}); }, {1, 1, 2, 2}}},
       .errors = {{[] { return broadcast_to(tensor({1, 2}), Shape{3}); }, "broadcasts to (3,), got (2,)"},
                  {[] { return broadcast_to(tensor({1, 2}), Shape{}); }, "broadcasts to ()"},
                  {[] { return broadcast_to(1, Shape{1LL << 40, 1LL << 40}); }, "elements can be counted"}},
       .fewer_samples = "the target shape is part of the call, so an empty result is among the special values"},
      {.name = "broadcast_like",
       .call = [](In in) { return broadcast_like(in[0], in[1]); },
       .samples = {{{{.shape = {2, 3}}, {.shape = {2, 3}}}}, {{{.shape = {3}}, {.shape = {2, 3}}}},
                   {{{.shape = {2, 1}}, {.shape = {4, 2, 3}}}}, {{{.shape = {}}, {.shape = {}}}},
                   {{{.shape = {1, 3}}, {.shape = {0, 3}}}}, {{{.shape = {1, 3}, .strided = true}, {.shape = {2, 3}}}}},
       .errors = {{[] { return broadcast_like(tensor({1, 2}), zeros({3})); }, "broadcasts to (3,)"}}},
      {.name = "reshape",
       .call = [](In in) { return reshape(in[0], {-1, 2}); },
       .samples = {{{{.shape = {2, 3}}}}, {{{.shape = {3, 4}, .broadcast = true}}}, {{{.shape = {0, 3}}}},
                   {{{.shape = {4, 3}, .strided = true}}}},
       .special = {{[] { return reshape(full({1, 1}, 5), Shape{}); }, {5}},
                   {[] { return reshape(tensor({1, 2, 3, 4}), {2, -1}); }, {1, 2, 3, 4}}},
       .errors = {{[] { return reshape(tensor({1, 2, 3}), {2, -1}); }, "shape of 3 elements, not (2, -1)"},
                  {[] { return reshape(tensor({1, 2, 3}), {-1, -1}); }, "at most one -1"},
                  {[] { return reshape(tensor({1, 2, 3}), {4}); }, "shape of 3 elements, not (4,), got (3,)"},
                  {[] { return reshape(zeros({0, 3}), {-1, 0}); }, "shape of 0 elements"},
                  {[] { return reshape(1, {1, 1, 1, 1, 1, 1, 1, 1, 1}); }, "at most 8 axes"}},
       .fewer_samples = "a scalar cannot take the shape of the call"},
      {.name = "reshape_like",
       .call = [](In in) { return reshape_like(in[0], in[1]); },
       .samples = {{{{.shape = {2, 3}}, {.shape = {3, 2}}}}, {{{.shape = {3, 2}, .broadcast = true}, {.shape = {6}}}},
                   {{{.shape = {}}, {.shape = {1, 1}}}}, {{{.shape = {0, 3}}, {.shape = {2, 0}}}},
                   {{{.shape = {2, 3}, .strided = true}, {.shape = {6, 1}}}}},
       .errors = {{[] { return reshape_like(tensor({1, 2}), zeros({3})); }, "equally many elements"}}},
      {.name = "full",
       .call = [](In) { return full({2, 3}, 1.5, {.dtype = float64}); },
       .samples = no_inputs(),
       .special = {{[] { return full({2}, -0.0); }, {-0.0, -0.0}}, {[] { return full({0}, 1); }, {}},
                   {[] { return full({}, 7, {.dtype = int64}); }, {7}}},
       .no_derivative = "it has no input",
       .fewer_samples = "it has no input"},
      {.name = "zeros",
       .call = [](In) { return zeros({2, 3}, {.dtype = float64}); },
       .samples = no_inputs(),
       .special = {{[] { return zeros({2}, {.dtype = bool_}); }, {0, 0}}},
       .no_derivative = "it has no input",
       .fewer_samples = "it has no input"},
      {.name = "ones",
       .call = [](In) { return ones({2, 3}, {.dtype = float64}); },
       .samples = no_inputs(),
       .special = {{[] { return ones({2}, {.dtype = uint8}); }, {1, 1}}},
       .no_derivative = "it has no input",
       .fewer_samples = "it has no input"},
      {.name = "zeros_like",
       .call = [](In in) { return zeros_like(in[0]); },
       .samples = unary_samples(-2, 2),
       .no_derivative = "the input lends only its shape"},
      {.name = "ones_like",
       .call = [](In in) { return ones_like(in[0]); },
       .samples = unary_samples(-2, 2),
       .no_derivative = "the input lends only its shape"},
  };
  return rows;
}

}  // namespace xgrad
