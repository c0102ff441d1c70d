#include <xgrad/graph/op.hpp>
#include <xgrad/kernels/convolve.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/shape.hpp>

#include <string>

namespace xgrad {
namespace {

// Each of the two is the derivative of the other. As products of windows they would need memory for all windows.

void infer_full(Recording& call) { call.result(Shape{call.shape(0)[0] + call.shape(1)[0] - 1}, call.dtype(0)); }
void infer_valid(Recording& call) { call.result(Shape{call.shape(0)[0] - call.shape(1)[0] + 1}, call.dtype(0)); }

void run_full(const Launch& launch) {
  const View &a = launch.in[0], &v = launch.in[1];
  kernels::convolve_full(a.dtype, a.data, a.shape[0], v.data, v.shape[0], launch.out.data);
}
void run_valid(const Launch& launch) {
  const View &a = launch.in[0], &v = launch.in[1];
  kernels::correlate_valid(a.dtype, a.data, a.shape[0], v.data, v.shape[0], launch.out.data);
}

Tensor full(const Tensor& a, const Tensor& v);
Tensor valid(const Tensor& a, const Tensor& v);

constexpr Op full_op{.name = "convolve_full",
                     .promotion = Promotion::common,
                     .infer = infer_full,
                     .rules = {[](const Applied& c, const Tensor& g) { return valid(g, c.in(1)); },
                               [](const Applied& c, const Tensor& g) { return valid(g, c.in(0)); }},
                     .linear = true,
                     .run = run_full};
constexpr Op valid_op{.name = "correlate_valid",
                      .promotion = Promotion::common,
                      .infer = infer_valid,
                      .rules = {[](const Applied& c, const Tensor& g) { return full(g, c.in(1)); },
                                [](const Applied& c, const Tensor& g) { return valid(c.in(0), g); }},
                      .linear = true,
                      .run = run_valid};

Tensor full(const Tensor& a, const Tensor& v) { return record(full_op, {a, v}); }
Tensor valid(const Tensor& a, const Tensor& v) { return record(valid_op, {a, v}); }

Tensor flipped(const Tensor& x) { return slice_axis(x, 0, {.start = to_end - 1, .step = -1}); }

void check_vectors(const char* name, const Tensor& a, const Tensor& v, const Arg& where) {
  if (a.rank() == 1 && v.rank() == 1 && a.size() > 0 && v.size() > 0) return;
  throw ShapeError(std::string("[") + name + "] expected vectors that are not empty, got " + to_string(a.shape()) +
                   " and " + to_string(v.shape()) + place(where.where()));
}

}  // namespace

Tensor convolve(const Arg& a, const Arg& v, Overlap mode) {
  const Within here("convolve", a);
  Tensor longer = a.tensor(), shorter = v.tensor();
  check_vectors("convolve", longer, shorter, a);
  if (longer.size() < shorter.size()) std::swap(longer, shorter);
  if (mode == Overlap::valid) return valid(longer, flipped(shorter));
  const Tensor all = full(longer, shorter);
  if (mode == Overlap::full) return all;
  const std::int64_t start = (shorter.size() - 1) / 2;
  return slice_axis(all, 0, {start, start + longer.size()});
}

Tensor correlate(const Arg& a, const Arg& v, Overlap mode) {
  const Within here("correlate", a);
  const Tensor left = a.tensor(), right = v.tensor();
  check_vectors("correlate", left, right, a);
  const bool is_longer = left.size() >= right.size();
  if (mode == Overlap::valid) return is_longer ? valid(left, right) : flipped(valid(right, left));
  const Tensor all = full(left, flipped(right));
  if (mode == Overlap::full) return all;
  const std::int64_t length = std::max(left.size(), right.size()), shorter = std::min(left.size(), right.size());
  const std::int64_t start = is_longer ? (shorter - 1) / 2 : shorter / 2;
  return slice_axis(all, 0, {start, start + length});
}

}  // namespace xgrad
