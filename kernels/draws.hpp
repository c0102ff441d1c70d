#pragma once
/// Random numbers that take a rejection: each element has its own stream of Philox words, so that its value depends on
/// seed, draw and element alone. And the derivatives of gamma variables.

#include <xgrad/kernels/dtype.hpp>
#include <xgrad/kernels/tile.hpp>

#include <cstdint>

namespace xgrad::kernels {

/// Uniform on low, low + 1, ..., low + last without modulo bias, as elements of an integer type or bool that holds
/// them.
void draw_integers(Draw draw, std::int64_t low, std::uint64_t last, DType type, void* out, std::int64_t count);

/// The logarithm of a gamma variable with shape parameter alpha[i] > 0 and scale 1 (Marsaglia and Tsang, "A simple
/// method for generating gamma variables", 2000); below 1 by u^(1/alpha) times one of alpha + 1.
void draw_log_gamma(Draw draw, const double* alpha, double* out, std::int64_t count);

/// Poisson variables with these rates from 0 to 2^62: by inversion below 10, else by transformed rejection (Hoermann,
/// "The transformed rejection method for generating Poisson random variables", 1993).
void draw_poisson(Draw draw, const double* rate, std::int64_t* out, std::int64_t count);

/// Successes among trials[i] >= 0 trials of probability[i]: by inversion for less than 10 expected ones, else by
/// transformed rejection (Hoermann, "The generation of binomial random variates", 1993).
void draw_binomial(Draw draw, const std::int64_t* trials, const double* probability, std::int64_t* out,
                   std::int64_t count);

/// Of l = log z with P(alpha, z) fixed, P the distribution function of a gamma variable: dl/dalpha = h(alpha, l), and
/// h's derivatives by alpha and by l.
enum class GammaSlope : std::uint8_t { by_alpha, by_alpha_twice, by_alpha_and_l };
void log_gamma_slope(GammaSlope which, const double* alpha, const double* l, double* out, std::int64_t count);

}  // namespace xgrad::kernels
