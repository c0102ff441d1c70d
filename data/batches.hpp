#pragma once
/// Dividing rows into batches, in a reproducible order.

#include <xgrad/graph/tensor.hpp>

namespace xgrad::data {

/// How batches are drawn from the rows.
struct BatchOptions {
  bool shuffle = true;          ///< a new order every epoch
  std::uint64_t seed = 0;       ///< the order depends on the seed and the epoch's number only
  bool drop_remainder = false;  ///< leave out a last batch that is not full
};

/// The batches of one epoch: the rows' numbers, int64, batch by batch.
class Epoch {
 public:
  std::int64_t size() const { return count_; }
  /// The row numbers of batch i, int64 (batch size,), the last one possibly shorter. Throws ValueError out of range.
  Tensor operator[](std::int64_t i) const;
  /// All row numbers in the order of this epoch, those of a dropped remainder too.
  const std::vector<std::int64_t>& order() const { return order_; }

  class Iterator {
   public:
    Iterator(const Epoch* epoch, std::int64_t at) : epoch_(epoch), at_(at) {}
    Tensor operator*() const { return (*epoch_)[at_]; }
    Iterator& operator++() { return ++at_, *this; }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    const Epoch* epoch_;
    std::int64_t at_;
  };
  Iterator begin() const { return {this, 0}; }
  Iterator end() const { return {this, count_}; }

 private:
  friend class Batches;
  std::vector<std::int64_t> order_;
  std::int64_t batch_size_ = 1, count_ = 0;
};

/// `n` rows in batches of `batch_size`:
///     for (Tensor rows : batches.epoch(e)) { auto [x, y] = gather(images, labels, rows); ... }
class Batches {
 public:
  /// Throws ValueError for a negative n or a batch size below 1.
  Batches(std::int64_t n, std::int64_t batch_size, BatchOptions options = {});

  /// Batches in an epoch.
  std::int64_t size() const;
  std::int64_t rows() const { return n_; }
  std::int64_t batch_size() const { return batch_size_; }
  /// The batches of epoch number e.
  Epoch epoch(std::uint64_t e = 0) const;

 private:
  std::int64_t n_, batch_size_;
  BatchOptions options_;
};

/// The rows of x and y that make up a batch.
struct Batch {
  Tensor x, y;
};

/// x[rows], as a recorded take: part of whatever plan uses it, so bytes stay bytes until then.
Tensor gather(const Tensor& x, const Tensor& rows);
/// x[rows] and y[rows]. Throws ShapeError unless x and y have equally many rows.
Batch gather(const Tensor& x, const Tensor& y, const Tensor& rows);

}  // namespace xgrad::data
