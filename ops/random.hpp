#pragma once
/// Random numbers: functions of a generator's seed, the draw's number and the element's index. Parameters that are
/// tensors broadcast to the shape asked for and get derivatives where the doc says so; C++ numbers are checked at once,
/// those tensors of which it is said when values are computed.

#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/generator.hpp>

namespace xgrad {

/// Where a draw comes from and its element type (float32 or float64).
struct RandomOptions {
  DType dtype = float32;
  Generator* generator = nullptr;  ///< null: the thread's default generator
};

/// Uniform on [low, high). Throws ValueError unless low <= high and both are finite. Derivatives by low and high.
Tensor uniform(const Shape& shape, const Arg& low = 0, const Arg& high = 1, RandomOptions options = {},
               Location where = Location::current());
/// Normal with this mean and standard deviation (Box and Muller 1958, two uniform draws), with derivatives by both.
Tensor normal(const Shape& shape, const Arg& mean = 0, const Arg& stddev = 1, RandomOptions options = {},
              Location where = Location::current());
/// Normal, redrawn to within two standard deviations of the mean (by inversion of the distribution function, Wichura
/// 1988).
Tensor truncated_normal(const Shape& shape, double mean = 0, double stddev = 1, RandomOptions options = {},
                        Location where = Location::current());
/// 1 with probability p, else 0.
Tensor bernoulli(const Shape& shape, double p, RandomOptions options = {}, Location where = Location::current());
/// bernoulli with the shape and dtype of a tensor, whatever they are when the graph is recorded again.
Tensor bernoulli_like(const Arg& like, double p, Generator* generator = nullptr);
/// uniform on [0, 1) with the shape and dtype of a tensor (float32 for integers).
Tensor uniform_like(const Arg& like, Generator* generator = nullptr);
/// normal(0, 1) with the shape and dtype of a tensor (float32 for integers).
Tensor normal_like(const Arg& like, Generator* generator = nullptr);

// The families below are found from uniform numbers by inversion, so they have derivatives by their parameters. Their
// numbers are finite; float32 has uniform numbers of 24 bits, which ends the tails at about 17 scales.

/// Density exp(-x / scale) / scale for x >= 0.
Tensor exponential(const Shape& shape, const Arg& scale = 1, RandomOptions options = {},
                   Location where = Location::current());
/// Density exp(-|x - loc| / scale) / (2 scale).
Tensor laplace(const Shape& shape, const Arg& loc = 0, const Arg& scale = 1, RandomOptions options = {},
               Location where = Location::current());
/// Distribution function 1 / (1 + exp(-(x - loc) / scale)).
Tensor logistic(const Shape& shape, const Arg& loc = 0, const Arg& scale = 1, RandomOptions options = {},
                Location where = Location::current());
/// Distribution function exp(-exp(-(x - loc) / scale)): the largest of many.
Tensor gumbel(const Shape& shape, const Arg& loc = 0, const Arg& scale = 1, RandomOptions options = {},
              Location where = Location::current());
/// Density 1 / (pi scale (1 + ((x - loc) / scale)^2)); SciPy's cauchy.
Tensor cauchy(const Shape& shape, const Arg& loc = 0, const Arg& scale = 1, RandomOptions options = {},
              Location where = Location::current());

/// Density x^(alpha-1) exp(-x / scale) / (scale^alpha Gamma(alpha)) (Marsaglia and Tsang 2000, in float64). The
/// derivative by alpha is that of x with its place in the distribution fixed (Figurnov, Mohamed and Mnih, "Implicit
/// reparameterization gradients", 2018), first and second order; a third throws GradientError. Throws ValueError unless
/// alpha > 0 (tensors: when values are computed) and scale >= 0.
Tensor gamma(const Shape& shape, const Arg& alpha, const Arg& scale = 1, RandomOptions options = {},
             Location where = Location::current());
/// Density proportional to x^(a-1) (1-x)^(b-1) on [0, 1], from two gamma variables, whose logarithms do not underflow;
/// derivatives and errors as gamma.
Tensor beta(const Shape& shape, const Arg& a, const Arg& b, RandomOptions options = {},
            Location where = Location::current());
/// Rows on the simplex with density proportional to the product of x_i^(alpha_i-1): shape + (n,) for alpha (..., n),
/// whose other axes broadcast to the shape. Derivatives and errors as gamma.
Tensor dirichlet(const Shape& shape, const Arg& alpha, RandomOptions options = {},
                 Location where = Location::current());

/// How draws of counts are made; counts may be of any dtype.
struct CountOptions {
  DType dtype = int64;
  Generator* generator = nullptr;  ///< null: the thread's default generator
};
/// Counts k with probability rate^k exp(-rate) / k!. A rate outside 0 ... 2^62 is a ValueError when values are
/// computed. No derivative.
Tensor poisson(const Shape& shape, const Arg& rate, CountOptions options = {}, Location where = Location::current());
/// Successes among n trials that succeed with probability p. An n below 0 or a p outside [0, 1] is a ValueError when
/// values are computed. No derivative.
Tensor binomial(const Shape& shape, const Arg& n, const Arg& p, CountOptions options = {},
                Location where = Location::current());

/// How integers are drawn: an integer dtype or bool that holds the range, and whether `high` belongs to it.
struct IntegerOptions {
  DType dtype = int64;
  Generator* generator = nullptr;  ///< null: the thread's default generator
  bool endpoint = false;
};
/// Integers from low to high - 1 (or high), each as likely as the others, over any range of int64. Throws ValueError if
/// there are none or the dtype does not hold them.
Tensor randint(const Shape& shape, std::int64_t low, std::int64_t high, IntegerOptions options = {},
               Location where = Location::current());
/// Classes drawn with probability softmax(logits): logits (..., classes) give int64 (..., samples). -inf is never
/// drawn. No derivative.
Tensor categorical(const Arg& logits, std::int64_t samples = 1, Generator* generator = nullptr);

/// A random order of 0 ... n-1, int64.
Tensor permutation(std::int64_t n, Generator* generator = nullptr, Location where = Location::current());
/// x with its slices along an axis in random order. Gradients go where the slices came from.
Tensor shuffle(const Arg& x, int axis = 0, Generator* generator = nullptr);

struct ChoiceOptions {
  bool replace = true;             ///< whether an element may be chosen again
  Tensor p = {};                   ///< probabilities up to a factor, one an element; all alike if undefined
  int axis = 0;                    ///< of x
  Generator* generator = nullptr;  ///< null: the thread's default generator
};
/// Slices of x along an axis, chosen at random: the axis is replaced by `shape`. An integer n stands for arange(n).
/// Without replacement and with probabilities, each next one is chosen among those that are left (Gumbel keys), and
/// those of probability 0 come last. Throws ValueError if there are not enough to choose from.
Tensor choice(const Arg& x, const Shape& shape, const ChoiceOptions& options = {});

}  // namespace xgrad
