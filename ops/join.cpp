#include <xgrad/graph/parts.hpp>
#include <xgrad/kernels/moves.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/shape_parts.hpp>
#include <xgrad/ops/table.hpp>

#include <algorithm>
#include <cstring>
#include <string>

namespace xgrad {
namespace {

// --- joining ---------------------------------------------------------------------------------------------------------

/// Copies `length` steps along an axis between a part and a whole that has `whole` of them, from `offset` on.
void copy_part(const Launch& launch, const Sides& sizes, std::int64_t length, std::int64_t whole, std::int64_t offset,
               const void* part_or_whole, bool into_whole) {
  const std::int64_t counts[2] = {sizes.outer, length * sizes.inner};
  if (counts[0] == 0 || counts[1] == 0) return;
  if (into_whole && part_or_whole == static_cast<std::byte*>(launch.out.data) +
                                         static_cast<std::size_t>(offset * sizes.inner) * size_of(launch.out.dtype))
    return;  // it was computed there
  const std::int64_t part_strides[2] = {length * sizes.inner, 1}, whole_strides[2] = {whole * sizes.inner, 1};
  const std::size_t bytes = size_of(launch.out.dtype);
  const std::size_t skip = static_cast<std::size_t>(offset * sizes.inner) * bytes;
  if (into_whole)
    kernels::copy_strided(bytes, counts, part_or_whole, part_strides, static_cast<std::byte*>(launch.out.data) + skip,
                          whole_strides);
  else
    kernels::copy_strided(bytes, counts, static_cast<const std::byte*>(part_or_whole) + skip, whole_strides,
                          launch.out.data, part_strides);
}

/// Attribute 0 is the axis counted from the end.
void infer_concatenate(Recording& call) {
  if (call.arity() == 0) call.value_error("expected at least one tensor");
  Shape result = call.shape(0);
  const int axis = call.axis(call.attribute(0), result.rank());
  for (int k = 1; k < call.arity(); ++k) {
    Shape other = call.shape(k);
    bool same = other.rank() == result.rank();
    const std::int64_t length = same ? other[axis] : 0;
    if (same) other.set(axis, result[axis]);
    if (!same || other != result)
      call.shape_error("expected shapes that differ only along axis " + std::to_string(axis));
    result.set(axis, result[axis] + length);
  }
  call.result(result, call.dtype(0));
}

void run_concatenate(const Launch& launch) {
  const int axis = static_cast<int>(launch.attributes[0]);
  const Sides sizes = sides_of(launch.out.shape, axis);
  std::int64_t offset = 0;
  for (const View& part : launch.in) {
    copy_part(launch, sizes, part.shape[axis], launch.out.shape[axis], offset, part.data, true);
    offset += part.shape[axis];
  }
}

Tensor part_of(const Applied& concatenation, const Tensor& g);

Region whole_region(int rank) {
  Region region;
  for (int axis = 0; axis < rank; ++axis) region.step[axis] = 1;
  return region;
}

Region joined_part(const Applied& call, int k) {
  const int rank = call.out().rank(), axis = static_cast<int>(call.attribute(0)) + rank;
  Region region = whole_region(rank);
  for (int before = 0; before < k; ++before) region.start[axis] += call.in(before).dim(axis);
  return region;
}

constexpr PartsOp concatenate_op{{.name = "concatenate",
                                  .promotion = Promotion::common,
                                  .infer = infer_concatenate,
                                  .rules = {part_of},
                                  .variadic = true,
                                  .linear = true,
                                  .number = parts_mark,
                                  .run = run_concatenate,
                                  .leading = Leading::batch},
                                 nullptr,
                                 nullptr,
                                 joined_part};

// --- a part of a concatenation ---------------------------------------------------------------------------------------

/// Inputs: the whole, and the parts it was joined from, which lend their shapes. Attribute 1 says which part is meant.
void infer_part(Recording& call) {
  const int which = static_cast<int>(call.attribute(1));
  const int axis = call.axis(call.attribute(0), call.shape(0).rank());
  std::int64_t length = 0;
  for (int k = 1; k < call.arity(); ++k) length += call.shape(k)[axis];
  if (which + 1 >= call.arity() || length != call.shape(0)[axis])
    call.shape_error("expected parts that make up the first shape");
  call.result(call.shape(which + 1), call.dtype(0));
}

void run_part(const Launch& launch) {
  const View& whole = launch.in[0];
  const int axis = static_cast<int>(launch.attributes[0]);
  std::int64_t offset = 0;
  for (std::int64_t k = 0; k < launch.attributes[1]; ++k)
    offset += launch.in[static_cast<std::size_t>(k) + 1].shape[axis];
  copy_part(launch, sides_of(whole.shape, axis), launch.out.shape[axis], whole.shape[axis], offset, whole.data, false);
}

/// The whole with zeros wherever other parts were.
Tensor place_part(const Applied& c, const Tensor& g) {
  if (c.argument() != 0) return {};
  std::vector<Tensor> parts;
  for (int k = 1; k < c.arity(); ++k) parts.push_back(k - 1 == c.attribute(1) ? g : zeros_like(c.in(k)));
  std::vector<Arg> args(parts.begin(), parts.end());
  return record(concatenate_op, args, {.a = c.attribute(0)});
}

constexpr Op part_op{.name = "part_of_concatenation",
                     .infer = infer_part,
                     .rules = {place_part},
                     .variadic = true,
                     .linear = true,
                     .shape_only = 1u << 31,
                     .run = run_part,
                     .leading = Leading::batch};

Tensor part_of(const Applied& concatenation, const Tensor& g) {
  std::vector<Tensor> inputs = {g};
  for (int k = 0; k < concatenation.arity(); ++k) inputs.push_back(concatenation.in(k));
  std::vector<Arg> args(inputs.begin(), inputs.end());
  return record(part_op, args, {.a = concatenation.attribute(0), .b = concatenation.argument()});
}

// --- a section of an axis --------------------------------------------------------------------------------------------

/// Which steps of an axis a section is, as NumPy's array_split: the first n % sections of them have one step more.
struct Steps {
  std::int64_t offset = 0, length = 0;
};
Steps section_of(std::int64_t n, std::int64_t which, std::int64_t sections) {
  const std::int64_t length = n / sections, longer = n % sections;
  return {.offset = which * length + std::min(which, longer), .length = length + (which < longer)};
}

/// Attribute 0 is the axis counted from the end; the list holds which section is meant and their number.
void infer_section(Recording& call) {
  Shape result = call.shape(0);
  const int axis = call.axis(call.attribute(0), result.rank());
  result.set(axis, section_of(result[axis], call.list()[0], call.list()[1]).length);
  call.result(result, call.dtype(0));
}

void run_section(const Launch& launch) {
  const Shape& whole = launch.in[0].shape;
  const int axis = static_cast<int>(launch.attributes[0]);
  const Steps steps = section_of(whole[axis], launch.list[0], launch.list[1]);
  copy_part(launch, sides_of(whole, axis), steps.length, whole[axis], steps.offset, launch.in[0].data, false);
}

/// Inputs: a section, and the array it was cut from, which lends its shape. The section in its place, zeros around it.
void run_unsection(const Launch& launch) {
  const Shape& whole = launch.out.shape;
  const int axis = static_cast<int>(launch.attributes[0]);
  const Steps steps = section_of(whole[axis], launch.list[0], launch.list[1]);
  std::memset(launch.out.data, 0, static_cast<std::size_t>(whole.size()) * size_of(launch.out.dtype));
  copy_part(launch, sides_of(whole, axis), steps.length, whole[axis], steps.offset, launch.in[0].data, true);
}

Tensor unsection(const Applied& c, const Tensor& g);
Tensor join_sections(std::span<const Applied> calls, std::span<const Tensor> g);

Region cut_section(const Applied& call) {
  const Shape whole = call.in(0).shape();
  const int axis = static_cast<int>(call.attribute(0)) + whole.rank();
  Region region = whole_region(whole.rank());
  region.start[axis] = section_of(whole[axis], call.list()[0], call.list()[1]).offset;
  return region;
}

constexpr PartsOp section_op{{.name = "section",
                              .infer = infer_section,
                              .rules = {unsection},
                              .linear = true,
                              .number = parts_mark,
                              .run = run_section,
                              .leading = Leading::batch},
                             join_sections,
                             cut_section};
constexpr Op unsection_op{
    .name = "unsection",
    .infer = [](Recording& call) { call.result(call.shape(1), call.dtype(0)); },
    .rules = {[](const Applied& c, const Tensor& g) {
      return record(section_op, {g}, {.a = c.attribute(0), .list = c.list()});
    }},
    .linear = true,
    .shape_only = 2,
    .run = run_unsection,
    .leading = Leading::batch};

Tensor unsection(const Applied& c, const Tensor& g) {
  return record(unsection_op, {g, c.in(0)}, {.a = c.attribute(0), .list = c.list()});
}

/// Sections of one axis side by side, zeros for those that nobody read.
Tensor join_sections(std::span<const Applied> calls, std::span<const Tensor> g) {
  const std::int64_t axis = calls[0].attribute(0), count = calls[0].list()[1];
  // Few of many are cheaper one by one.
  if (2 * static_cast<std::int64_t>(calls.size()) < count) return {};
  std::vector<Tensor> parts(static_cast<std::size_t>(count));
  for (std::size_t k = 0; k < calls.size(); ++k) {
    if (calls[k].attribute(0) != axis || calls[k].list()[1] != count) return {};
    Tensor& part = parts[static_cast<std::size_t>(calls[k].list()[0])];
    part = part.defined() ? part + g[k] : g[k];
  }
  for (std::int64_t which = 0; which < count; ++which)
    if (Tensor& part = parts[static_cast<std::size_t>(which)]; !part.defined())
      part = zeros_like(section(calls[0].in(0), static_cast<int>(axis), which, count));
  const std::vector<Arg> args(parts.begin(), parts.end());
  return record(concatenate_op, args, {.a = axis});
}

Tensor join(std::span<const Arg> tensors, int axis, const char* name, const Location& where) {
  if (tensors.empty())
    throw ValueError(std::string("[") + name + "] expected at least one tensor, got none" + place(where));
  const int rank = tensors[0].tensor().rank();
  const std::uint32_t mask = mask_from_end(axis, rank, name, where);
  return record(concatenate_op, tensors, {.a = -1 - __builtin_ctz(mask)});
}

Tensor join_new(std::span<const Arg> tensors, int axis, const Location& where) {
  const Within here("stack", where);
  if (tensors.empty()) throw ValueError("[stack] expected at least one tensor, got none" + place(where));
  std::vector<Tensor> expanded;
  const Shape shape = tensors[0].tensor().shape();
  mask_from_end(axis, shape.rank() + 1, "stack", where);
  for (const Arg& arg : tensors) {
    if (arg.tensor().shape() != shape)
      throw ShapeError("[stack] expected tensors of one shape, got " + to_string(shape) + " and " +
                       to_string(arg.tensor().shape()) + place(where));
    expanded.push_back(expand_dims(arg, axis));
  }
  const std::vector<Arg> args(expanded.begin(), expanded.end());
  return join(args, axis, "stack", where);
}

std::vector<Arg> args_at(std::span<const Tensor> tensors, const Location& where) {
  std::vector<Arg> args;
  args.reserve(tensors.size());
  for (const Tensor& t : tensors) args.emplace_back(t, where);
  return args;
}

Location place_of(std::initializer_list<Arg> tensors) { return tensors.size() ? tensors.begin()->where() : Location(); }

// --- slicing ---------------------------------------------------------------------------------------------------------

/// A range cut to an axis of n elements.
struct Cut {
  std::int64_t start = 0, count = 0, step = 1;
};

Cut cut(std::int64_t start, std::int64_t stop, std::int64_t step, std::int64_t n) {
  const std::int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
  const auto inside = [&](std::int64_t position) {
    return std::clamp(position < 0 ? position + n : position, low, high);
  };
  const std::int64_t first = inside(start);
  const std::int64_t end = stop == to_end ? (step > 0 ? n : -1) : inside(stop);
  // No step needs to be longer than the axis.
  step = std::clamp(step, -n - 1, n + 1);
  const std::int64_t way = step > 0 ? end - first : first - end, stride = step > 0 ? step : -step;
  return {.start = first, .count = way > 0 ? (way - 1) / stride + 1 : 0, .step = step};
}

/// The list holds (axis counted from the end, start, stop, step) for each axis that is cut.
void cut_axes(std::span<const std::int64_t> list, const Shape& shape, Cut* cuts) {
  for (int i = 0; i < shape.rank(); ++i) cuts[i] = {.start = 0, .count = shape[i], .step = 1};
  for (std::size_t i = 0; i < list.size(); i += 4) {
    const int axis = static_cast<int>(list[i]) + shape.rank();
    cuts[axis] = cut(list[i + 1], list[i + 2], list[i + 3], shape[axis]);
  }
}

void infer_slice(Recording& call) {
  const Shape& shape = call.shape(0);
  for (std::size_t i = 3; i < call.list().size(); i += 4)
    if (call.list()[i] == 0) call.value_error("expected a step that is not 0");
  Cut cuts[max_rank];
  cut_axes(call.list(), shape, cuts);
  Shape result;
  for (int i = 0; i < shape.rank(); ++i) result.append(cuts[i].count);
  call.result(result, call.dtype(0));
}

/// Copies between a whole array and a slice of it.
void copy_slice(const Launch& launch, const Shape& whole, const void* source, bool into_whole) {
  Cut cuts[max_rank];
  cut_axes(launch.list, whole, cuts);
  const int rank = whole.rank();
  std::int64_t counts[max_rank], whole_strides[max_rank], slice_strides[max_rank];
  std::int64_t step = 1, slice_step = 1, first = 0;
  for (int i = rank - 1; i >= 0; --i) {
    counts[i] = cuts[i].count;
    first += cuts[i].start * step;
    whole_strides[i] = cuts[i].step * step;
    slice_strides[i] = slice_step;
    step *= whole[i];
    slice_step *= cuts[i].count;
  }
  if (slice_step == 0) return;
  const auto n = static_cast<std::size_t>(rank);
  const std::size_t bytes = size_of(launch.out.dtype);
  const std::size_t skip = static_cast<std::size_t>(first) * bytes;
  if (into_whole)
    kernels::copy_strided(bytes, {counts, n}, source, {slice_strides, n},
                          static_cast<std::byte*>(launch.out.data) + skip, {whole_strides, n});
  else
    kernels::copy_strided(bytes, {counts, n}, static_cast<const std::byte*>(source) + skip, {whole_strides, n},
                          launch.out.data, {slice_strides, n});
}

void run_slice(const Launch& launch) { copy_slice(launch, launch.in[0].shape, launch.in[0].data, false); }

Tensor unslice(const Applied& c, const Tensor& g);

Region cut_slice(const Applied& call) {
  const Shape whole = call.in(0).shape();
  Cut cuts[max_rank];
  cut_axes(call.list(), whole, cuts);
  Region region;
  for (int axis = 0; axis < whole.rank(); ++axis) {
    region.start[axis] = cuts[axis].start;
    region.step[axis] = cuts[axis].step;
  }
  return region;
}

constexpr PartsOp slice_op{{.name = "slice",
                            .infer = infer_slice,
                            .rules = {unslice},
                            .linear = true,
                            .number = parts_mark,
                            .run = run_slice,
                            .leading = Leading::batch},
                           nullptr,
                           cut_slice};

/// Inputs: a slice, and the array it was cut from, which lends its shape. The slice in its place, zeros around it.
void infer_unslice(Recording& call) { call.result(call.shape(1), call.dtype(0)); }

void run_unslice(const Launch& launch) {
  std::memset(launch.out.data, 0, static_cast<std::size_t>(launch.out.shape.size()) * size_of(launch.out.dtype));
  copy_slice(launch, launch.out.shape, launch.in[0].data, true);
}

constexpr Op unslice_op{
    .name = "unslice",
    .infer = infer_unslice,
    .rules = {[](const Applied& c, const Tensor& g) { return record(slice_op, {g}, {.list = c.list()}); }},
    .linear = true,
    .shape_only = 2,
    .run = run_unslice,
    .leading = Leading::batch};

Tensor unslice(const Applied& c, const Tensor& g) { return record(unslice_op, {g, c.in(0)}, {.list = c.list()}); }

}  // namespace

Tensor section(const Arg& x, int axis, std::int64_t which, std::int64_t sections) {
  const std::int64_t list[2] = {which, sections};
  return record(section_op, {x}, {.a = axis, .list = list});
}

Tensor concatenate(std::initializer_list<Arg> tensors, int axis) {
  return join(std::span(tensors.begin(), tensors.size()), axis, "concatenate", place_of(tensors));
}
Tensor concatenate(std::span<const Tensor> tensors, int axis, Location where) {
  return join(args_at(tensors, where), axis, "concatenate", where);
}
Tensor stack(std::initializer_list<Arg> tensors, int axis) {
  return join_new(std::span(tensors.begin(), tensors.size()), axis, place_of(tensors));
}
Tensor stack(std::span<const Tensor> tensors, int axis, Location where) {
  return join_new(args_at(tensors, where), axis, where);
}

Tensor slice(const Arg& x, std::initializer_list<Range> ranges) {
  return slice(x, std::span(ranges.begin(), ranges.size()));
}

Tensor slice(const Arg& x, std::span<const Range> ranges) {
  const Tensor t = x.tensor();
  const int rank = t.rank(), asked = static_cast<int>(ranges.size());
  if (asked > rank)
    throw ShapeError("[slice] expected at most " + std::to_string(rank) + " ranges for shape " + to_string(t.shape()) +
                     ", got " + std::to_string(asked) + place(x.where()));
  std::int64_t list[4 * max_rank];
  std::size_t used = 0;
  for (int i = 0; i < asked; ++i) {
    const Range& range = ranges[static_cast<std::size_t>(i)];
    if (range.start == 0 && range.stop == to_end && range.step == 1) continue;
    for (const std::int64_t number : {std::int64_t{i - rank}, range.start, range.stop, range.step})
      list[used++] = number;
  }
  return record(slice_op, {Arg(t, x.where())}, {.list = {list, used}});
}

Tensor slice_axis(const Arg& x, int axis, Range range) {
  const Within here("slice_axis", x);
  const Tensor t = x.tensor();
  const std::uint32_t mask = mask_from_end(axis, t.rank(), "slice_axis", x.where());
  const std::int64_t list[4] = {-1 - __builtin_ctz(mask), range.start, range.stop, range.step};
  return record(slice_op, {t}, {.list = list});
}

Rows join_rows() {
  using In = std::span<const Tensor>;
  static const std::vector<Row> rows = {
      {.name = "concatenate",
       .call = [](In in) { return concatenate(in, in[0].rank() == 2 ? 1 : -1); },
       .samples = {{{{.shape = {2, 3}}, {.shape = {2, 1}}, {.shape = {2, 2}}, {.shape = {2, 1}}}},
                   {{{.shape = {3}}}},
                   {{{.shape = {2, 3}, .broadcast = true}, {.shape = {2, 1}}}},
                   {{{.shape = {2, 0}}, {.shape = {2, 2}}}},
                   {{{.shape = {0, 2}}, {.shape = {0, 3}}}},
                   {{{.shape = {2, 2, 2}}, {.shape = {2, 2, 1}}}},
                   {{{.shape = {3, 2}, .strided = true}, {.shape = {3, 1}, .strided = true}}}},
       .special = {{[] { return concatenate({doubles({1}), doubles({2, 3})}); }, {1, 2, 3}},
                   {[] { return concatenate({tensor({1}, {.dtype = uint8}), tensor({-2}, {.dtype = int32})}); },
                    {1, -2}}},
       .errors = {{[] { return concatenate({zeros({2, 3}), zeros({3, 3})}, 1); },
                   "differ only along axis 1, got (2, 3)"},
                  {[] { return concatenate({zeros({2}), zeros({2, 2})}); }, "differ only along axis 0"},
                  {[] { return concatenate({zeros({2})}, 1); }, "[concatenate] expected an axis"},
                  {[] { return concatenate(std::span<const Tensor>()); }, "at least one tensor"}},
       .fewer_samples = "scalars have no axis to be joined along"},
      {.name = "stack",
       .call = [](In in) { return stack(in, -1); },
       .samples = {{{{.shape = {2, 3}}, {.shape = {2, 3}}, {.shape = {2, 3}}}},
                   {{{.shape = {2, 3}, .broadcast = true}, {.shape = {2, 3}}}},
                   {{{.shape = {}}, {.shape = {}}}},
                   {{{.shape = {0, 3}}, {.shape = {0, 3}}}},
                   {{{.shape = {3, 2}, .strided = true}, {.shape = {3, 2}}}}},
       .special = {{[] { return stack({doubles({1, 2}), doubles({3, 4})}, 1); }, {1, 3, 2, 4}},
                   {[] { return stack({1.0, 2.0}); }, {1, 2}}},
       .errors = {{[] { return stack({zeros({2}), zeros({3})}); },
                   "[stack] expected tensors of one shape, got (2,) and (3,)"},
                  {[] { return stack({zeros({2})}, 2); }, "[stack] expected an axis from -2 to 1, got 2"}}},
      {.name = "slice",
       .call = [](In in) { return slice(in[0], {{1, to_end}, {-1, to_end, -2}}); },
       .samples = {{{{.shape = {3, 4}}}},
                   {{{.shape = {2, 3, 2}}}},
                   {{{.shape = {3, 4}, .broadcast = true}}},
                   {{{.shape = {0, 3}}}},
                   {{{.shape = {1, 3}}}},
                   {{{.shape = {4, 3}, .strided = true}}}},
       .special = {{[] { return slice(arange(6), {{-2, to_end}}); }, {4, 5}},
                   {[] { return slice(arange(6), {{-1, to_end, -1}}); }, {5, 4, 3, 2, 1, 0}},
                   {[] { return slice(arange(6), {{4, 0, -2}}); }, {4, 2}},
                   {[] { return slice(arange(6), {{0, 100, 4}}); }, {0, 4}},
                   {[] { return slice(arange(6), {{-100, 2}}); }, {0, 1}},
                   {[] { return slice(arange(6), {{4, 2}}); }, {}},
                   {[] { return slice(arange(6), {{0, to_end, INT64_MAX}}); }, {0}},
                   {[] { return slice(arange(6), {{INT64_MAX, INT64_MIN, INT64_MIN}}); }, {5}},
                   {[] { return slice(arange(6), {}); }, {0, 1, 2, 3, 4, 5}}},
       .errors = {{[] { return slice(zeros({2}), {{0, 1}, {0, 1}}); }, "[slice] expected at most 1 ranges"},
                  {[] { return slice(zeros({2}), {{0, 1, 0}}); }, "step that is not 0"}},
       .fewer_samples = "a scalar has no axis"},
      {.name = "slice_axis",
       .call = [](In in) { return slice_axis(in[0], -1, {1, -1}); },
       .samples = {{{{.shape = {2, 4}}}},
                   {{{.shape = {2, 3}, .broadcast = true}}},
                   {{{.shape = {0, 3}}}},
                   {{{.shape = {3, 4}, .strided = true}}}},
       .special = {{[] { return slice_axis(tensor({{1., 2.}, {3., 4.}}), 0, {1}); }, {3, 4}}},
       .errors = {{[] { return slice_axis(zeros({2}), 1, {}); }, "[slice_axis] expected an axis from -1 to 0, got 1"}},
       .fewer_samples = "a scalar has no axis"},
  };
  return rows;
}

}  // namespace xgrad
