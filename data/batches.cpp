#include <xgrad/data/batches.hpp>

#include <xgrad/data/shuffle.hpp>
#include <xgrad/ops/indexing.hpp>

#include <algorithm>

namespace xgrad::data {

Tensor Epoch::operator[](std::int64_t i) const {
  if (i < 0 || i >= count_)
    throw ValueError("[Epoch] expected a batch from 0 to " + std::to_string(count_ - 1) + ", got " + std::to_string(i));
  const std::int64_t first = i * batch_size_;
  const std::int64_t length = std::min(batch_size_, static_cast<std::int64_t>(order_.size()) - first);
  return tensor(std::span<const std::int64_t>(order_.data() + first, static_cast<std::size_t>(length)), Shape{length},
                TensorOptions{.dtype = int64});
}

Batches::Batches(std::int64_t n, std::int64_t batch_size, BatchOptions options)
    : n_(n), batch_size_(batch_size), options_(options) {
  if (n < 0) throw ValueError("[Batches] expected 0 rows or more, got " + std::to_string(n));
  if (batch_size < 1)
    throw ValueError("[Batches] expected a batch size of 1 or more, got " + std::to_string(batch_size));
}

std::int64_t Batches::size() const {
  return n_ / batch_size_ + (!options_.drop_remainder && n_ % batch_size_ != 0 ? 1 : 0);
}

Epoch Batches::epoch(std::uint64_t e) const {
  Epoch epoch;
  epoch.order_ = options_.shuffle ? shuffled_order(n_, options_.seed, e) : plain_order(n_);
  epoch.batch_size_ = std::min(batch_size_, std::max<std::int64_t>(n_, 1));
  epoch.count_ = size();
  return epoch;
}

Tensor gather(const Tensor& x, const Tensor& rows) { return take(x, rows, 0); }

Batch gather(const Tensor& x, const Tensor& y, const Tensor& rows) {
  if (x.rank() == 0 || y.rank() == 0 || x.dim(0) != y.dim(0))
    throw ShapeError("[gather] expected x and y with equally many rows, got " + to_string(x.shape()) + " and " +
                     to_string(y.shape()));
  return {take(x, rows, 0), take(y, rows, 0)};
}

}  // namespace xgrad::data
