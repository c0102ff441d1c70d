#pragma once
/// RadialBasis: units that answer to what is near their center.

#include <xgrad/nn/initializers.hpp>
#include <xgrad/nn/layer.hpp>

namespace xgrad {

struct RadialBasisOptions {
  std::string function = "gaussian";  ///< see RadialBasis
  initializers::Initializer centers_initializer = "random_normal";
  initializers::Initializer gamma_initializer = "ones";
  bool trainable_centers = true;
  bool trainable_gamma = true;
  regularizers::Regularizer centers_regularizer = {};
  regularizers::Regularizer gamma_regularizer = {};
  constraints::Constraint centers_constraint = {};
  constraints::Constraint gamma_constraint = {};
  std::string name = {};
  std::optional<DType> dtype = {};
};

struct RadialBasisAdaptOptions {
  std::int64_t neighbors = 2;      ///< that a unit's width comes from
  double overlap = 1;              ///< what the width is multiplied with
  int max_iter = 100;              ///< of k-means
  Generator* generator = nullptr;  ///< null: the thread's default generator
};

/// phi(gamma_j |x - center_j|^2) for each unit j: (..., features) -> (..., units). With r2 the argument, phi is
/// "gaussian" exp(-r2), "multiquadric" sqrt(1 + r2), "inverse_quadratic" 1 / (1 + r2), "inverse_multiquadric"
/// 1 / sqrt(1 + r2) or "thin_plate_spline" r2 log(r2) / 2. (Broomhead and Lowe 1988.) Centers are (units, features),
/// gamma is (units,). A Dense layer behind it makes a radial-basis network.
class RadialBasis {
 public:
  /// Throws ValueError unless units > 0 and for another function.
  explicit RadialBasis(std::int64_t units, RadialBasisOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  /// Throws ShapeError unless the last axis of x has the length the centers were built for.
  Tensor operator()(const Tensor& x, Call& call) const;
  /// Puts the centers where k-means finds clusters of the rows x (n, features) and gives each unit the width s of the
  /// root mean square distance to its nearest other centers times `overlap`, gamma = 1 / (2 s^2) (Moody and Darken
  /// 1989). Centers that fall together get a gamma of 1e12 at most. Throws ValueError if there are fewer rows than
  /// units or fewer than two units.
  void adapt(const Tensor& x, const RadialBasisAdaptOptions& options = {});
  void each(Visit visit);
  const std::string& name() const;
  const Parameter& centers() const;  ///< undefined until built
  const Parameter& gamma() const;
  Config get_config() const;
  static RadialBasis from_config(const Config& config);

 private:
  struct State;
  Shared<State> state_;
};

}  // namespace xgrad
