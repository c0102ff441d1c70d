#include <xgrad/data/preprocess.hpp>

#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>

#include <algorithm>
#include <cmath>

namespace xgrad::data {

namespace {

constexpr double least_deviation = 1e-7;

Tensor mean_over_rows(const Tensor& x) {
  if (x.rank() <= 2) return xgrad::mean(x, 0);
  std::int64_t rows = 1;
  for (int axis = 0; axis + 1 < x.rank(); ++axis) rows *= x.dim(axis);
  return xgrad::mean(reshape(x, Shape{rows, x.dim(-1)}), 0);
}

}  // namespace

Standardizer& Standardizer::fit(const Tensor& x) {
  if (x.rank() == 0) throw ShapeError("[Standardizer] expected rows of numbers, got a scalar");
  const std::int64_t columns = x.rank() == 1 ? 1 : x.dim(-1);
  if (x.size() == 0 && columns != 0)
    throw ValueError("[Standardizer] expected at least one row, got shape " + to_string(x.shape()));
  const DType dtype = is_floating(x.dtype()) ? x.dtype() : float32;
  const Tensor wide = cast(x, float64);
  const Tensor center = mean_over_rows(wide);
  const Tensor spread = sqrt(mean_over_rows(square(wide - center)));
  const Tensor kept_mean = cast(center, dtype);
  const Tensor kept_deviation = cast(spread, dtype);
  const Tensor scale = cast(maximum(spread, least_deviation), dtype);
  eval({kept_mean, kept_deviation, scale});
  mean_ = kept_mean;
  deviation_ = kept_deviation;
  scale_ = scale;
  return *this;
}

void Standardizer::check(const char* what, const Tensor& x) const {
  if (!mean_.defined()) throw ValueError(std::string("[Standardizer] expected fit before ") + what);
  const bool fits = mean_.rank() == 0 ? x.rank() == 1 : x.rank() > 1 && x.dim(-1) == mean_.dim(0);
  if (!fits)
    throw ShapeError(std::string("[Standardizer] ") + what + " expected " +
                     (mean_.rank() == 0 ? "one axis" : std::to_string(mean_.dim(0)) + " columns") +
                     " as in fit, got shape " + to_string(x.shape()));
}

Tensor Standardizer::transform(const Tensor& x) const {
  check("transform", x);
  return (x - mean_) / scale_;
}

Tensor Standardizer::inverse(const Tensor& z) const {
  check("inverse", z);
  return z * scale_ + mean_;
}

Tensor to_categorical(const Tensor& labels, std::int64_t classes, DType dtype) {
  if (classes < 0) throw ValueError("[to_categorical] expected 0 classes or more, got " + std::to_string(classes));
  std::vector<std::int64_t> codes;
  if (is_floating(labels.dtype())) {
    const std::vector<double> values = labels.to_vector<double>();
    codes.reserve(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (!(values[i] == std::floor(values[i])) || !(std::abs(values[i]) < 0x1p53))
        throw ValueError("[to_categorical] expected a whole number, got " + number_text(values[i]) +
                         " at position " + std::to_string(i));
      codes.push_back(static_cast<std::int64_t>(values[i]));
    }
  } else {
    codes = labels.to_vector<std::int64_t>();
  }
  const auto out_of_range = [&](std::int64_t code) { return code < 0 || (classes > 0 && code >= classes); };
  const auto bad = std::find_if(codes.begin(), codes.end(), out_of_range);
  if (bad != codes.end())
    throw ValueError("[to_categorical] expected labels from 0" +
                     (classes > 0 ? " to " + std::to_string(classes - 1) : std::string(" on")) + ", got " +
                     std::to_string(*bad) + " at position " + std::to_string(bad - codes.begin()));
  if (classes == 0 && !codes.empty()) classes = *std::max_element(codes.begin(), codes.end()) + 1;

  Shape shape;
  const int axes = labels.rank() - (labels.rank() > 0 && labels.dim(-1) == 1 ? 1 : 0);
  for (int axis = 0; axis < axes; ++axis) shape.append(labels.dim(axis));
  shape.append(classes);
  if (classes > 0 && codes.size() > (std::size_t{1} << 34) / static_cast<std::size_t>(classes))
    throw ValueError("[to_categorical] " + std::to_string(codes.size()) + " labels of " + std::to_string(classes) +
                     " classes do not fit into memory");
  return with_dtype(dtype, [&](auto element) {
    using T = std::conditional_t<std::is_same_v<decltype(element), bool>, std::uint8_t, decltype(element)>;
    std::vector<T> rows(codes.size() * static_cast<std::size_t>(classes), T(0));
    for (std::size_t i = 0; i < codes.size(); ++i)
      rows[i * static_cast<std::size_t>(classes) + static_cast<std::size_t>(codes[i])] = T(1);
    return tensor(rows, shape, TensorOptions{.dtype = dtype});
  });
}

Tensor normalize(const Tensor& x, int axis, double order) {
  if (!(order > 0)) throw ValueError("[normalize] expected an order above 0, got " + number_text(order));
  // Bytes would wrap when squared.
  if (!is_floating(x.dtype())) return normalize(cast(x, float32), axis, order);
  Tensor norm;
  if (std::isinf(order)) norm = x.dim(axis) == 0 ? xgrad::sum(x, axis, true) : xgrad::max(abs(x), axis, true);
  else if (order == 1) norm = sum(abs(x), axis, true);
  else if (order == 2) norm = sqrt(sum(square(x), axis, true));
  else norm = power(sum(power(abs(x), order), axis, true), 1 / order);
  return x / where(equal(norm, 0), 1, norm);
}

}  // namespace xgrad::data
