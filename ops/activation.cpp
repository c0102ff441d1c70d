#include <xgrad/ops/activation.hpp>

#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape_parts.hpp>
#include <xgrad/ops/table.hpp>

namespace xgrad {
namespace {

using kernels::Code;

// An operation of its own: 1 / (1 + exp(-x)) differentiates to infinity / infinity at -1000.
constexpr Op sigmoid_op{.name = "sigmoid",
                        .kind = Kind::elementwise,
                        .code = Code::sigmoid,
                        .promotion = Promotion::floating,
                        .rules = {[](const Applied& c, const Tensor& g) {
                          const Tensor& y = c.out();
                          return g * (y * (1 - y));
                        }}};

// An operation of its own: log1p(exp(-|x|)) + relu(x) has the derivative 0 at 0, where it is 1/2.
constexpr Op softplus_op{
    .name = "softplus",
    .kind = Kind::elementwise,
    .code = Code::softplus,
    .promotion = Promotion::floating,
    .rules = {[](const Applied& c, const Tensor& g) { return g * sigmoid(c.in(0)); }}};

/// x minus its maximum along an axis, which changes no ratio of exponentials and keeps them from overflowing.
Tensor shifted(const Tensor& x, int axis) { return x - stop_gradient(max(x, axis, true)); }

}  // namespace

Tensor sigmoid(const Arg& x) { return record(sigmoid_op, x); }
Tensor softplus(const Arg& x) { return record(softplus_op, x); }

Tensor relu(const Arg& x) {
  const Within here("relu", x);
  return where(less_equal(x, 0), 0, x);
}

Tensor softmax(const Arg& x, int axis) {
  const Within here("softmax", x);
  const Tensor t = real(x);
  mask_from_end(axis, t.rank(), "softmax", x.where());
  const Tensor e = exp(shifted(t, axis));
  return e / sum(e, axis, true);
}

Tensor log_softmax(const Arg& x, int axis) {
  const Within here("log_softmax", x);
  const Tensor t = real(x);
  mask_from_end(axis, t.rank(), "log_softmax", x.where());
  const Tensor s = shifted(t, axis);
  return s - log(sum(exp(s), axis, true));
}

// An infinite maximum shifts nothing: infinity - infinity would be NaN.
Tensor logsumexp(const Arg& x, Axes axes, bool keepdims) {
  const Within here("logsumexp", x);
  const Tensor t = real(x);
  mask_from_end(axes, t.rank(), "logsumexp", x.where());
  const Tensor largest = stop_gradient(max(t, axes, true));
  const Tensor shift = where(isfinite(largest), largest, 0);
  const Tensor total = log(sum(exp(t - shift), axes, keepdims));
  return total + reshape_like(shift, total);
}

Rows activation_rows() {
  using In = std::span<const Tensor>;
  static const double inf = __builtin_inf(), nan = __builtin_nan("");
  // Reductions have no broadcast between arguments; a broadcast source stands for it.
  static const std::vector<Sample> rows_of_numbers = {{{{.shape = {2, 3}}}},
                                                      {{{.shape = {3, 4}, .broadcast = true}}},
                                                      {{{.shape = {0, 3}}}},
                                                      {{{.shape = {3, 2}, .strided = true}}}};
  static const std::vector<Row> rows = {
      {.name = "sigmoid",
       .call = call_unary<sigmoid>,
       .samples = unary_samples(-4, 4),
       .special = {{[] { return sigmoid(doubles({0, inf, -inf, nan, 1000})); }, {0.5, 1, 0, nan, 1}},
                   {[] {
                      const Tensor x = doubles({-1000, 0, 1000});
                      return grad(sum(sigmoid(x)), x);
                    },
                    {0, 0.25, 0}}}},
      {.name = "softplus",
       .call = call_unary<softplus>,
       .samples = unary_samples(-4, 4),
       .special = {{[] { return softplus(doubles({inf, -inf, nan, 1000})); }, {inf, 0, nan, 1000}},
                   {[] {
                      const Tensor x = doubles({-1000, 0, 1000});
                      return grad(sum(softplus(x)), x);
                    },
                    {0, 0.5, 1}}}},
      {.name = "relu",
       .call = call_unary<relu>,
       .samples = {{{{.shape = {2, 3}, .values = {-2, -1, -0.5, 0.5, 1, 2}}}},
                   {{{.shape = {3, 4}, .low = 0.1, .broadcast = true}}},
                   {{{.shape = {}, .low = 0.1}}},
                   {{{.shape = {0, 3}}}},
                   {{{.shape = {3, 2}, .high = -0.1, .strided = true}}}},
       .special = {{[] { return relu(doubles({-1, 0, -0.0, 2, nan, inf})); }, {0, 0, 0, 2, nan, inf}},
                   {[] { return relu(tensor({-3, 3}, {.dtype = int64})); }, {0, 3}},
                   {[] {
                      const Tensor x = doubles({-1, 0, 2});
                      return grad(sum(relu(x)), x);
                    },
                    {0, 0, 1}}}},
      {.name = "softmax",
       .call = [](In in) { return softmax(in[0]); },
       .samples = rows_of_numbers,
       .special = {{[] { return softmax(doubles({1000, 1000})); }, {0.5, 0.5}},
                   {[] { return softmax(doubles({0, -inf})); }, {1, 0}}},
       .errors = {{[] { return softmax(zeros({2, 3}), 2); }, "[softmax] expected an axis from -2 to 1, got 2"},
                  {[] { return softmax(1.0); }, "[softmax]"},
                  {[] { return softmax(zeros({3, 0})); }, "[softmax: max] expected at least one element"}},
       .fewer_samples = "a scalar has no axis"},
      {.name = "log_softmax",
       .call = [](In in) { return log_softmax(in[0], 0); },
       .samples = {{{{.shape = {2, 3}}}}, {{{.shape = {3, 4}, .broadcast = true}}}, {{{.shape = {3, 0}}}},
                   {{{.shape = {3, 2}, .strided = true}}}},
       .special = {{[] { return log_softmax(doubles({0, -inf})); }, {0, -inf}},
                   {[] { return log_softmax(doubles({1000, 0})); }, {0, -1000}}},
       .errors = {{[] { return log_softmax(zeros({2, 3}), 2); }, "[log_softmax]"}},
       .fewer_samples = "a scalar has no axis"},
      {.name = "logsumexp",
       .call = [](In in) { return logsumexp(in[0], in[0].rank() ? Axes{-1} : Axes{}); },
       .samples = unary_samples(-2, 2),
       .special = {{[] { return logsumexp(doubles({-inf, -inf})); }, {-inf}},
                   {[] { return logsumexp(doubles({inf, 1})); }, {inf}},
                   {[] { return logsumexp(doubles({nan, 1})); }, {nan}},
                   {[] { return logsumexp(doubles({1000}), 0, true); }, {1000}}},
       .errors = {{[] { return logsumexp(zeros({2}), 1); }, "[logsumexp]"}}},
  };
  return rows;
}

}  // namespace xgrad
