#include <xgrad/data/split.hpp>

#include <xgrad/data/shuffle.hpp>
#include <xgrad/ops/indexing.hpp>

#include <cmath>

namespace xgrad::data {

namespace {

std::int64_t test_rows(std::int64_t n, double size) {
  // A share such as 0.07 of 100 is a hair above 7 in binary and still means 7.
  const double count = size < 1 ? std::ceil(size * static_cast<double>(n) - 1e-9) : size;
  if (!(size > 0) || !std::isfinite(size) || count != std::floor(count))
    throw ValueError("[train_test_split] expected test_size between 0 and 1, or a whole number of rows, got " +
                     number_text(size));
  if (!(count < static_cast<double>(n)))
    throw ValueError("[train_test_split] expected rows for both parts, got test_size " + number_text(size) + " of " +
                     std::to_string(n) + " rows");
  return static_cast<std::int64_t>(count);
}

}  // namespace

Split train_test_split(const Tensor& x, const Tensor& y, SplitOptions options) {
  if (x.rank() == 0 || y.rank() == 0 || x.dim(0) != y.dim(0))
    throw ShapeError("[train_test_split] expected x and y with equally many rows, got " + to_string(x.shape()) +
                     " and " + to_string(y.shape()));
  const std::int64_t n = x.dim(0);
  const std::int64_t last = test_rows(n, options.test_size);
  const std::int64_t first = n - last;
  const std::vector<std::int64_t> order = options.shuffle ? shuffled_order(n, options.seed) : plain_order(n);
  const std::span<const std::int64_t> rows(order);
  const Tensor train = tensor(rows.first(static_cast<std::size_t>(first)), Shape{first}, {.dtype = int64});
  const Tensor test = tensor(rows.last(static_cast<std::size_t>(last)), Shape{last}, {.dtype = int64});
  Split split{take(x, train, 0), take(x, test, 0), take(y, train, 0), take(y, test, 0)};
  eval({split.x_train, split.x_test, split.y_train, split.y_test});
  return split;
}

}  // namespace xgrad::data
