#pragma once
/// Random numbers: functions of a generator's seed, the draw's number and the element's index.

#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/generator.hpp>

namespace xgrad {

/// Where a draw comes from and its element type (float32 or float64).
struct RandomOptions {
  DType dtype = float32;
  Generator* generator = nullptr;  ///< null: the thread's default generator
};

/// Uniform on [low, high). Throws ValueError unless low <= high and both are finite.
Tensor uniform(const Shape& shape, double low = 0, double high = 1, RandomOptions options = {},
               Location where = Location::current());
/// Normal with this mean and standard deviation (Box and Muller 1958, two uniform draws).
Tensor normal(const Shape& shape, double mean = 0, double stddev = 1, RandomOptions options = {},
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
/// A random order of 0 ... n-1, int64.
Tensor permutation(std::int64_t n, Generator* generator = nullptr, Location where = Location::current());

}  // namespace xgrad
