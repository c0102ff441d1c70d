#pragma once
/// Setting rows aside to test with.

#include <xgrad/graph/tensor.hpp>

namespace xgrad::data {

/// How many rows are set aside, and which.
struct SplitOptions {
  double test_size = 0.2;  ///< a share between 0 and 1 (rounded up to whole rows), or from 1 on a number of rows
  bool shuffle = true;     ///< else the last rows are set aside
  std::uint64_t seed = 0;
};

/// In the order of scikit-learn: auto [x_train, x_test, y_train, y_test] = train_test_split(x, y);
struct Split {
  Tensor x_train, x_test, y_train, y_test;
};

/// The rows of x and y divided into two parts, each row in one of them, x and y alike; computed at once.
/// Throws ShapeError unless x and y have equally many rows; ValueError if a part would be empty.
Split train_test_split(const Tensor& x, const Tensor& y, SplitOptions options = {});

}  // namespace xgrad::data
