#pragma once
/// Clusters of rows.

#include <xgrad/graph/generator.hpp>
#include <xgrad/graph/tensor.hpp>

namespace xgrad::data {

/// scikit-learn's names and defaults.
struct KMeansOptions {
  std::string_view init = "k-means++";  ///< or "random": rows, each once
  int n_init = 1;                       ///< of so many runs the one with the smallest inertia counts
  int max_iter = 300;
  double tol = 1e-4;               ///< stop when the centers move less: sum of squares over the mean variance of x
  Generator* generator = nullptr;  ///< null: the thread's default generator
};

struct KMeans {
  Tensor centers;      ///< (clusters, features), x's dtype (float32 for integers)
  Tensor labels;       ///< (n,) int64: the nearest center of each row
  double inertia = 0;  ///< sum of squared distances to them
  int iterations = 0;
};

/// Rows (n, features) in clusters by Lloyd's algorithm (1982): each row belongs to the nearest center, each center is
/// the mean of its rows; one without rows moves to the row farthest from its center. k-means++ (Arthur and
/// Vassilvitskii 2007) draws first centers with a probability that grows with the squared distance to those there are.
/// Computed at this call. Throws ShapeError unless x is a matrix, ValueError unless 1 <= clusters <= n, for numbers
/// that are not finite and for options out of range.
KMeans kmeans(const Tensor& x, std::int64_t clusters, const KMeansOptions& options = {});

}  // namespace xgrad::data
