#include <xgrad/ops/windows.hpp>

#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/special.hpp>
#include <xgrad/ops/table.hpp>

#include <algorithm>
#include <numbers>

namespace xgrad {
namespace {

/// From -1 to 1 in n steps. The numerators are whole, so that both halves have the same bits.
Tensor across(std::int64_t n) {
  return (2 * arange(n, {.dtype = float64}) + static_cast<double>(1 - n)) /
         static_cast<double>(std::max<std::int64_t>(1, n - 1));
}

Tensor finished(const Tensor& window, std::int64_t n, const TensorOptions& options) {
  const Tensor result = cast(n == 1 ? ones_like(window) : window, options.dtype);
  return options.name.empty() ? result : result.named(options.name);
}

constexpr double pi = std::numbers::pi;

}  // namespace

Tensor bartlett(std::int64_t n, TensorOptions options) {
  const Within here("bartlett", Location());
  const Tensor t = across(n);
  return finished(where(less_equal(t, 0), 1 + t, 1 - t), n, options);
}

Tensor blackman(std::int64_t n, TensorOptions options) {
  const Within here("blackman", Location());
  const Tensor t = across(n);
  return finished(0.42 + 0.5 * cos(pi * t) + 0.08 * cos(2 * pi * t), n, options);
}

Tensor hamming(std::int64_t n, TensorOptions options) {
  const Within here("hamming", Location());
  return finished(0.54 + 0.46 * cos(pi * across(n)), n, options);
}

Tensor hanning(std::int64_t n, TensorOptions options) {
  const Within here("hanning", Location());
  return finished(0.5 + 0.5 * cos(pi * across(n)), n, options);
}

Tensor kaiser(std::int64_t n, const Arg& beta, TensorOptions options) {
  const Within here("kaiser", beta);
  const Tensor b = cast(beta.tensor(), float64);
  if (b.rank() != 0)
    throw ShapeError("[kaiser] expected a scalar beta, got " + to_string(b.shape()) + place(beta.where()));
  // The ends are left out of the root, whose slope there is infinite.
  const Tensor rest = 1 - square(across(n)), inside = greater(rest, 0);
  const Tensor height = where(inside, sqrt(where(inside, rest, 1)), 0);
  return finished(i0(b * height) / i0(b), n, options);
}

Rows windows_rows() {
  using In = std::span<const Tensor>;
  static const char* const no_input = "it has no input";
  static const TensorOptions doubles_too = {.dtype = float64};
  static const std::vector<Row> rows = {
      {.name = "bartlett",
       .call = [](In) { return bartlett(7, doubles_too); },
       .samples = no_inputs(),
       .special = {{[] { return bartlett(5); }, {0, 0.5, 1, 0.5, 0}},
                   {[] { return bartlett(1); }, {1}},
                   {[] { return bartlett(0); }, {}},
                   {[] { return bartlett(-3); }, {}}},
       .no_derivative = no_input,
       .fewer_samples = no_input},
      {.name = "blackman",
       .call = [](In) { return blackman(7, doubles_too); },
       .samples = no_inputs(),
       .special = {{[] { return blackman(1); }, {1}}, {[] { return blackman(0); }, {}}},
       .no_derivative = no_input,
       .fewer_samples = no_input},
      {.name = "hamming",
       .call = [](In) { return hamming(7, doubles_too); },
       .samples = no_inputs(),
       .special = {{[] { return hamming(1); }, {1}}, {[] { return hamming(0); }, {}}},
       .no_derivative = no_input,
       .fewer_samples = no_input},
      {.name = "hanning",
       .call = [](In) { return hanning(7, doubles_too); },
       .samples = no_inputs(),
       .special = {{[] { return hanning(3); }, {0, 1, 0}},
                   {[] { return hanning(1); }, {1}},
                   {[] { return hanning(0); }, {}}},
       .no_derivative = no_input,
       .fewer_samples = no_input},
      {.name = "kaiser",
       .call = [](In in) { return kaiser(7, in[0], doubles_too); },
       .samples = {{{{.shape = {}, .low = 1, .high = 5}}}},
       .special = {{[] { return kaiser(3, 0); }, {1, 1, 1}},
                   {[] { return kaiser(1, 5); }, {1}},
                   {[] { return kaiser(0, 5); }, {}}},
       .errors = {{[] { return kaiser(3, zeros({2})); }, "[kaiser] expected a scalar beta, got (2,)"}},
       .fewer_samples = "beta is a scalar"},
  };
  return rows;
}

}  // namespace xgrad
