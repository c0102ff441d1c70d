#pragma once
/// SelfOrganizingMap: units on a grid that neighbouring units teach (Kohonen).

#include <xgrad/nn/layer.hpp>

#include <optional>

namespace xgrad {

/// What both decay from their first to their last values over a fit: "linear" in equal steps, "exponential" by equal
/// factors, "asymptotic" as first / (1 + 2 t / T) (which leaves the last values alone), "none" not at all.
struct SelfOrganizingMapOptions {
  double sigma = 0;          ///< first radius of the neighbourhood; 0: half of the longer side
  double learning_rate = .5;  ///< first one, of online training
  double sigma_end = .5;
  double learning_rate_end = .01;
  std::string decay = "exponential";
  std::string neighborhood_function = "gaussian";  ///< see SelfOrganizingMap
  std::string topology = "rectangular";            ///< or "hexagonal": odd rows stand half a place to the right
  std::string name = {};
  std::optional<DType> dtype = {};
};

struct SelfOrganizingMapFitOptions {
  int epochs = 10;
  bool batch = true;               ///< or online: a step for each row, in a new random order every epoch
  std::string init = "pca";        ///< first weights: the plane of two principal components; or "random": rows; "none"
  Generator* generator = nullptr;  ///< null: the thread's default generator
};

/// rows x columns units, each with a weight vector. A row of data has a winner: the unit whose weights are nearest.
/// Units at distance d from it on the grid learn with h(d): "gaussian" exp(-d^2 / (2 sigma^2)), "bubble" 1 up to sigma,
/// else 0, "mexican_hat" (1 - d^2 / sigma^2) exp(-d^2 / (2 sigma^2)), "triangle" max(1 - d / sigma, 0).
///
/// Online, w <- w + learning_rate h (x - w) after each row (Kohonen 1982); in batches, w <- sum h x / sum h over all
/// rows once an epoch, where that divisor is not 0 (mexican_hat, which has no such mean, is refused). Units are
/// numbered row by row. Weights are state: no gradient trains them.
class SelfOrganizingMap {
 public:
  /// Throws ValueError for sides below 1, sigmas or rates that are not above 0, and other words.
  SelfOrganizingMap(std::int64_t rows, std::int64_t columns, SelfOrganizingMapOptions options = {});

  /// Learns rows x (n, features); computed at this call. Throws ShapeError for other features than before, ValueError
  /// for no rows, for numbers that are not finite and for options out of range.
  void fit(const Tensor& x, const SelfOrganizingMapFitOptions& options = {});
  /// One step with one row (features,) or rows (n, features) one after another; its winner learns with
  /// `learning_rate`, its neighbours with that times h.
  void update(const Tensor& x, double learning_rate, double sigma);
  /// The squared distances of rows (..., features) from all units: (..., units), recorded, with a gradient by x.
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;

  /// The numbers of the winners of rows (n, features): int64 (n,).
  Tensor winner(const Tensor& x) const;
  /// The mean distance of rows from their winners' weights.
  double quantization_error(const Tensor& x) const;
  /// The share of rows whose winner and second best unit are no neighbours on the grid (rectangular: eight neighbours,
  /// hexagonal: six).
  double topographic_error(const Tensor& x) const;
  /// The U-matrix (Ultsch and Siemon 1990): the mean distance of each unit's weights from those of its neighbours on
  /// the grid, (rows, columns). A single unit has 0.
  Tensor u_matrix() const;
  /// How many rows each unit wins: int64 (rows, columns).
  Tensor hits(const Tensor& x) const;

  void each(Visit visit);
  const std::string& name() const;
  std::int64_t rows() const;
  std::int64_t columns() const;
  const Parameter& weights() const;  ///< (units, features); undefined until built
  Config get_config() const;
  static SelfOrganizingMap from_config(const Config& config);

 private:
  struct State;
  Shared<State> state_;
};

}  // namespace xgrad
