#pragma once
// Internal to ops/.
/// What families of random numbers share.

#include <xgrad/graph/op.hpp>
#include <xgrad/ops/random.hpp>

namespace xgrad {

/// The next draw of a generator, or of the thread's own.
kernels::Draw next_draw(Generator* generator);

/// Uniform on [0, 1), without a name in messages.
[[nodiscard]] Tensor unit_draw(const Shape& shape, const RandomOptions& options);

/// Throws ShapeError if the elements cannot be counted.
void check_draw_size(const Recording& call, std::span<const std::int64_t> lengths);

/// A parameter as a number of this dtype; tensors keep their derivatives.
[[nodiscard]] Tensor as_parameter(const Arg& parameter, DType dtype);

/// x * scale + loc in x's dtype.
[[nodiscard]] Tensor scaled(const Tensor& x, const Arg& loc, const Arg& scale);

/// The number that a C++ argument is, or `otherwise` for tensors.
double number_or(const Arg& parameter, double otherwise);

/// Throws ValueError unless loc is finite and scale is finite and not negative, where they are C++ numbers.
void check_location_scale(const char* name, const Arg& loc, const Arg& scale, const Location& where,
                          const char* names = "a finite mean and a standard deviation of 0 or more");

/// Options of samples, whose draws are the same whenever they are called.
RandomOptions seeded();

/// Samples of two parameters within these bounds that broadcast to (2, 3).
std::vector<Sample> parameters(double low_a, double high_a, double low_b, double high_b);

}  // namespace xgrad
