#pragma once
/// First values of weights, with Keras's names, definitions and defaults.

#include <xgrad/graph/generator.hpp>
#include <xgrad/graph/tensor.hpp>
#include <xgrad/optim/shared.hpp>

#include <optional>

namespace xgrad::initializers {

/// Records the first values of a weight of this shape and dtype. From a name ("glorot_uniform", "zeros", ...), one of
/// the objects below, or any callable (shape, dtype, generator). An unknown name is a ValueError that lists the near
/// misses.
class Initializer : public Function<Tensor(const Shape&, DType, Generator&)> {
 public:
  using Function::Function;
  Initializer() = default;
  Initializer(std::string_view name);
  Initializer(const char* name) : Initializer(std::string_view(name)) {}
  Initializer(const std::string& name) : Initializer(std::string_view(name)) {}
};

struct Zeros {
  Tensor operator()(const Shape& shape, DType dtype, Generator& generator) const;
};

struct Ones {
  Tensor operator()(const Shape& shape, DType dtype, Generator& generator) const;
};

/// Every element `value`.
struct Constant {
  double value = 0;
  Tensor operator()(const Shape& shape, DType dtype, Generator& generator) const;
};

/// Where random initializers draw from: a seed of their own gives the same values each time, none follows the model's
/// generator.
using Seed = std::optional<std::uint64_t>;

/// Uniform on [minval, maxval).
struct RandomUniform {
  double minval = -.05;
  double maxval = .05;
  Seed seed = {};
  Tensor operator()(const Shape& shape, DType dtype, Generator& generator) const;
};

struct RandomNormal {
  double mean = 0;
  double stddev = .05;
  Seed seed = {};
  Tensor operator()(const Shape& shape, DType dtype, Generator& generator) const;
};

/// Normal, redrawn to within two standard deviations.
struct TruncatedNormal {
  double mean = 0;
  double stddev = .05;
  Seed seed = {};
  Tensor operator()(const Shape& shape, DType dtype, Generator& generator) const;
};

/// Draws with variance scale / n, where n is fan_in, fan_out or their mean (fan_avg): uniform to sqrt(3 scale / n),
/// normal (untruncated_normal), or truncated_normal widened by 1 / 0.87962566 for what it cuts off. For a kernel (...,
/// in, out) fan_in = in * the product of the leading lengths, fan_out likewise. Throws ValueError for other words.
struct VarianceScaling {
  double scale = 1;
  std::string_view mode = "fan_in";
  std::string_view distribution = "truncated_normal";
  Seed seed = {};
  Tensor operator()(const Shape& shape, DType dtype, Generator& generator) const;
};

/// gain on the diagonal of a matrix, else 0. Throws ShapeError unless the weight is a matrix.
struct Identity {
  double gain = 1;
  Tensor operator()(const Shape& shape, DType dtype, Generator& generator) const;
};

/// gain times a matrix with orthonormal columns, or rows if it has fewer: Q of the QR decomposition of a normal matrix,
/// with the signs that make R's diagonal positive. More axes than two are folded into the rows. (Saxe, McClelland and
/// Ganguli 2014.) Throws ShapeError for fewer than two axes.
struct Orthogonal {
  double gain = 1;
  Seed seed = {};
  Tensor operator()(const Shape& shape, DType dtype, Generator& generator) const;
};

/// The real (cosines) or imaginary part (minus sines) of a windowed short-time Fourier transform, as the kernel (frame
/// length, 1, frequencies) of a convolution over 2 (frequencies - 1) samples. Windows are SciPy's "hann", "hamming",
/// "blackman", "nuttall", "blackmanharris", "flattop", "cosine", "bartlett", "boxcar", or empty for none; scaling is
/// "density", "spectrum" or empty. Throws ValueError for other words and ShapeError for another shape.
struct STFT {
  std::string_view side = "real";
  std::string_view window = "hann";
  std::string_view scaling = "density";
  bool periodic = false;
  Tensor operator()(const Shape& shape, DType dtype, Generator& generator) const;
};

struct SeedOption {
  Seed seed = {};
};

/// Glorot and Bengio 2010: variance 2 / (fan_in + fan_out).
VarianceScaling glorot_uniform(SeedOption option = {});
VarianceScaling glorot_normal(SeedOption option = {});
/// He, Zhang, Ren and Sun 2015: variance 2 / fan_in.
VarianceScaling he_uniform(SeedOption option = {});
VarianceScaling he_normal(SeedOption option = {});
/// LeCun, Bottou, Orr and Müller 1998: variance 1 / fan_in.
VarianceScaling lecun_uniform(SeedOption option = {});
VarianceScaling lecun_normal(SeedOption option = {});

}  // namespace xgrad::initializers
