#pragma once
/// Activations with options of their own, as layers: ReLU, LeakyReLU, ELU, PReLU, Softmax.

#include <xgrad/graph/basic.hpp>
#include <xgrad/nn/initializers.hpp>
#include <xgrad/nn/layer.hpp>

#include <optional>

namespace xgrad {

struct ReLUOptions {
  std::optional<double> max_value = {};
  double negative_slope = 0;
  double threshold = 0;
  std::string name = {};
};

/// negative_slope * (x - threshold) below the threshold, x above it, at most max_value.
struct ReLU {
  /// Throws ValueError for negative options.
  explicit ReLU(ReLUOptions options = {});
  Tensor operator()(const Tensor& x) const;
  Config get_config() const;
  static ReLU from_config(const Config& config);

  std::optional<double> max_value;
  double negative_slope, threshold;
  std::string name;
};

struct LeakyReLUOptions {
  double negative_slope = .3;  ///< not that of the function leaky_relu, .2
  std::string name = {};
};

/// x from 0 on, negative_slope * x below.
struct LeakyReLU {
  explicit LeakyReLU(LeakyReLUOptions options = {});
  Tensor operator()(const Tensor& x) const;
  Config get_config() const;
  static LeakyReLU from_config(const Config& config);

  double negative_slope;
  std::string name;
};

struct ELUOptions {
  double alpha = 1;
  std::string name = {};
};

/// x above 0, alpha (e^x - 1) below.
struct ELU {
  explicit ELU(ELUOptions options = {});
  Tensor operator()(const Tensor& x) const;
  Config get_config() const;
  static ELU from_config(const Config& config);

  double alpha;
  std::string name;
};

struct SoftmaxOptions {
  Axes axis = -1;
  std::string name = {};
};

/// e^x / sum(e^x) over one axis or several.
struct Softmax {
  explicit Softmax(SoftmaxOptions options = {});
  Tensor operator()(const Tensor& x) const;
  Config get_config() const;
  static Softmax from_config(const Config& config);
  /// The same among the elements where the mask, which broadcasts to x, is true (numbers: above 0.5); 0 elsewhere.
  Tensor operator()(const Tensor& x, const Tensor& mask) const;

  Axes axis;
  std::string name;
};

struct PReLUOptions {
  initializers::Initializer alpha_initializer = "zeros";
  regularizers::Regularizer alpha_regularizer = {};
  constraints::Constraint alpha_constraint = {};
  std::vector<int> shared_axes = {};  ///< axes of x (the batch is 0) along which there is one slope
  Shape input_shape = {};             ///< of one input, without the batch: builds the layer at once
  std::string name = {};
  std::optional<DType> dtype = {};  ///< of the slopes; by default the input's if it is floating, else float32
};

/// x above 0, alpha * x below, where alpha is learned: one slope for each element of an input, or along shared axes one
/// for all (He, Zhang, Ren and Sun 2015). Copies share the slopes.
class PReLU {
 public:
  /// Throws ValueError for the batch axis or an axis named twice among shared_axes.
  explicit PReLU(PReLUOptions options = {});

  /// Throws ShapeError unless x has the shape the slopes were built for.
  Tensor operator()(const Tensor& x) const;
  Tensor operator()(const Tensor& x, Call& call) const;
  void each(Visit visit);
  Config get_config() const;
  static PReLU from_config(const Config& config);

  void build(const Shape& input, DType dtype, Generator& generator) const;
  const Parameter& alpha() const;  ///< undefined until built
  const std::string& name() const;
  const Shape& input_shape() const;

 private:
  struct State;
  Shared<State> state_;
};

}  // namespace xgrad
