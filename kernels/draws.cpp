#include <xgrad/kernels/draws.hpp>

#include <xgrad/kernels/pool.hpp>
#include <xgrad/kernels/words.hpp>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace xgrad::kernels {
namespace {

constexpr std::int64_t elements_a_chunk = 2048;
/// A try fails with probability 1/2 at most, so nobody sees the end of this.
constexpr int most_tries = 1000;
/// Streams from here on share no block with those that elements are given four at a time.
constexpr std::int64_t own_blocks = std::int64_t{1} << 44;

template <class F>
void for_each_element(std::int64_t count, F&& f) {
  parallel((count + elements_a_chunk - 1) / elements_a_chunk, [&](std::int64_t chunk) {
    for (std::int64_t i = chunk * elements_a_chunk; i < std::min(count, (chunk + 1) * elements_a_chunk); ++i) f(i);
  });
}

// --- gamma variables -------------------------------------------------------------------------------------------------

double normal(WordStream& words) {
  const double u = words.inside(), v = words.inside();
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
}

double log_gamma_variable(WordStream words, double alpha) {
  double boost = 0;
  if (alpha < 1) {
    boost = std::log(words.inside()) / alpha;
    alpha += 1;
  }
  const double d = alpha - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (int tries = 0; tries < most_tries; ++tries) {
    const double x = normal(words), u = words.inside();
    if (1 + c * x <= 0) continue;
    const double log_v = 3 * std::log1p(c * x);
    if (std::log(u) < x * x / 2 + d * (1 - std::exp(log_v) + log_v)) return boost + std::log(d) + log_v;
  }
  return boost + std::log(d);
}

struct Polygamma {
  double digamma, trigamma;
};
/// For x > 0: recurrences up to 12, then the asymptotic series.
Polygamma polygamma(double x) {
  Polygamma result{0, 0};
  for (; x < 12; ++x) {
    result.digamma -= 1 / x;
    result.trigamma += 1 / (x * x);
  }
  const double r = 1 / x, s = r * r;
  result.digamma +=
      std::log(x) - r / 2 -
      s * (1.0 / 12 - s * (1.0 / 120 - s * (1.0 / 252 - s * (1.0 / 240 - s * (1.0 / 132 - s * 691.0 / 32760)))));
  result.trigamma +=
      r * (1 + r / 2 +
           s * (1.0 / 6 - s * (1.0 / 30 - s * (1.0 / 42 - s * (1.0 / 30 - s * (5.0 / 66 - s * 691.0 / 2730))))));
  return result;
}

/// A value with its first two derivatives by alpha.
struct Jet {
  double value, first, second;
};

/// h and its derivative by alpha.
struct Slope {
  double h, by_alpha;
};

/// From P = exp(A) S with A = alpha l - z - lgamma(alpha + 1), S = 1 + z/(alpha+1) + z^2/((alpha+1)(alpha+2)) + ...
template <bool twice>
Slope slope_by_series(double alpha, double l, double z) {
  Jet term{1, 0, 0}, sum{1, 0, 0};
  for (double n = alpha + 1;; ++n) {
    const double r = 1 / n, step = z * r;
    if constexpr (twice) term.second = step * (term.second - 2 * r * term.first + 2 * r * r * term.value);
    term.first = step * (term.first - r * term.value);
    term.value *= step;
    sum.value += term.value;
    sum.first += term.first;
    sum.second += term.second;
    if (n > z && term.value <= 1e-17 * sum.value && std::fabs(term.second) <= 1e-17 * std::fabs(sum.second)) break;
    if (term.value == 0) break;
  }
  const Polygamma at = polygamma(alpha), next{at.digamma + 1 / alpha, at.trigamma - 1 / (alpha * alpha)};
  const double a1 = l - next.digamma, a2 = -next.trigamma;
  const double h = -(a1 * sum.value + sum.first) / alpha;
  const double second = ((a2 + a1 * a1) * sum.value + 2 * a1 * sum.first + sum.second) / alpha;
  return {h, -second - h * (l - at.digamma)};
}

/// From 1 - P = exp(B) C with B = alpha l - z - lgamma(alpha) and Legendre's continued fraction
/// C = 1 / (z + 1 - alpha - 1 (1 - alpha) / (z + 3 - alpha - 2 (2 - alpha) / (z + 5 - alpha - ...))), from its end up.
template <bool twice>
Slope slope_by_fraction(double alpha, double l, double z) {
  // It converges as exp(-4 sqrt(n z)) does, later where z is close to a large alpha.
  const int terms = 12 + static_cast<int>(120 / z + 12 * std::sqrt(alpha));
  Jet f{z + 2 * terms + 1 - alpha, -1, 0};
  for (int n = terms; n > 0; --n) {
    // 1/f and its derivatives, then z + 2n - 1 - alpha - n (n - alpha) / f
    const double r = 1 / f.value, r1 = -f.first * r * r, m = n * (n - alpha);
    if constexpr (twice) f.second = 2 * n * r1 - m * r * r * (2 * f.first * f.first * r - f.second);
    f = {z + 2 * n - 1 - alpha - m * r, -1 - (m * r1 - n * r), f.second};
  }
  const double r = 1 / f.value;
  const Jet c{r, -f.first * r * r, r * r * (2 * f.first * f.first * r - f.second)};
  const Polygamma at = polygamma(alpha);
  const double b1 = l - at.digamma, b2 = -at.trigamma;
  const double h = b1 * c.value + c.first;
  const double second = -((b2 + b1 * b1) * c.value + 2 * b1 * c.first + c.second);
  return {h, -second - h * b1};
}

/// For very large alpha, from the first terms of z = alpha + w sqrt(alpha) + (w^2 - 1) / 3 + ... for a fixed normal w.
Slope slope_by_expansion(double alpha, double z) {
  const double e = (z - alpha) / alpha;
  return {(1 + e / 2 - e * e / 6 + 1 / (6 * alpha)) / z, (-0.5 - e / 6 + e * e / 3 - 1 / (6 * alpha)) / alpha / z};
}

template <bool twice>
Slope slope_of(double alpha, double l) {
  const double z = std::exp(l);
  if (alpha > 1e6) return slope_by_expansion(alpha, z);
  return z > alpha + 1 ? slope_by_fraction<twice>(alpha, l, z) : slope_by_series<twice>(alpha, l, z);
}

// --- counts ----------------------------------------------------------------------------------------------------------

/// log(k!) less (k + 1/2) log k - k + log(2 pi) / 2, for k >= 1.
double stirling_rest(double k) {
  // Below 16 the series is short of digits: log(1 + 1/k) (k + 1/2) - 1 carries it upwards.
  double rest = 0;
  for (; k < 16; ++k) rest += (k + 0.5) * std::log1p(1 / k) - 1;
  const double r = 1 / k, s = r * r;
  return rest + r * (1.0 / 12 - s * (1.0 / 360 - s * (1.0 / 1260 - s / 1680)));
}

/// k log(k / mean) + mean - k
double deviance(double k, double mean) {
  if (k == 0) return mean;
  const double x = (k - mean) / mean;
  return mean * ((1 + x) * std::log1p(x) - x);
}

double log_poisson(double k, double rate) {
  if (k == 0) return -rate;
  return -0.5 * std::log(2 * std::numbers::pi * k) - stirling_rest(k) - deviance(k, rate);
}

double log_binomial(double k, double n, double p) {
  if (k == 0) return n * std::log1p(-p);
  if (k == n) return n * std::log(p);
  return 0.5 * std::log(n / (2 * std::numbers::pi * k * (n - k))) + stirling_rest(n) - stirling_rest(k) -
         stirling_rest(n - k) - deviance(k, n * p) - deviance(n - k, n * (1 - p));
}

/// Counts up from 0 until the probabilities of what was passed exceed a uniform number.
template <class Ratio>
double by_inversion(WordStream& words, double none, double most, Ratio&& ratio) {
  double u = words.inside(), p = none, k = 0;
  while (u > p && k < most) {
    u -= p;
    p *= ratio(k);
    ++k;
  }
  return k;
}

double poisson_variable(WordStream words, double rate) {
  if (rate == 0) return 0;
  if (rate < 10) return by_inversion(words, std::exp(-rate), 200, [&](double k) { return rate / (k + 1); });
  const double b = 0.931 + 2.53 * std::sqrt(rate), a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), surely = 0.9277 - 3.6224 / (b - 2);
  for (int tries = 0; tries < most_tries; ++tries) {
    const double u = words.inside() - 0.5, v = words.inside(), us = 0.5 - std::fabs(u);
    const double k = std::floor((2 * a / us + b) * u + rate + 0.43);
    if (us >= 0.07 && v <= surely) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (std::log(v * inverse_alpha / (a / (us * us) + b)) <= log_poisson(k, rate)) return k;
  }
  return std::floor(rate);
}

double binomial_variable(WordStream words, double n, double p) {
  if (p > 0.5) return n - binomial_variable(words, n, 1 - p);
  if (n == 0 || p == 0) return 0;
  const double q = 1 - p;
  if (n * p < 10)
    return by_inversion(words, std::exp(n * std::log1p(-p)), std::min(n, 400.0),
                        [&](double k) { return (n - k) / (k + 1) * (p / q); });
  const double spread = std::sqrt(n * p * q), b = 1.15 + 2.53 * spread, a = -0.0873 + 0.0248 * b + 0.01 * p;
  const double c = n * p + 0.5, surely = 0.92 - 4.2 / b, alpha = (2.83 + 5.1 / b) * spread;
  const double mode = std::floor((n + 1) * p), log_mode = log_binomial(mode, n, p);
  for (int tries = 0; tries < most_tries; ++tries) {
    const double u = words.inside() - 0.5, v = words.inside(), us = 0.5 - std::fabs(u);
    const double k = std::floor((2 * a / us + b) * u + c);
    if (us >= 0.07 && v <= surely) return k;
    if (k < 0 || k > n) continue;
    if (std::log(v * alpha / (a / (us * us) + b)) <= log_binomial(k, n, p) - log_mode) return k;
  }
  return mode;
}

}  // namespace

void draw_integers(Draw draw, std::int64_t low, std::uint64_t last, DType type, void* out, std::int64_t count) {
  const auto narrow = static_cast<std::uint32_t>(last + 1), rejected = narrow == 0 ? 0 : (0U - narrow) % narrow;
  with_dtype(type, [&]<class T>(T) {
    const auto put = [&](std::int64_t i, std::uint64_t above) {
      static_cast<T*>(out)[i] = static_cast<T>(static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + above));
    };
    if (last >= 0xFFFFFFFFU)
      return for_each_element(count, [&](std::int64_t i) {
        WordStream words(draw, i);
        put(i, last == ~std::uint64_t{0} ? words.next_wide() : words.below(last + 1));
      });
    // Four elements share a block; one whose word is rejected goes on with a stream of its own.
    for_each_element((count + 3) / 4, [&](std::int64_t block) {
      const auto words = philox_block(draw.seed, draw.number, static_cast<std::uint64_t>(block));
      for (std::int64_t i = 4 * block; i < std::min(count, 4 * block + 4); ++i) {
        const std::uint64_t product = std::uint64_t{words[static_cast<std::size_t>(i & 3)]} * narrow;
        const bool good = static_cast<std::uint32_t>(product) >= rejected;
        put(i, good ? product >> 32 : WordStream(draw, i + own_blocks).below(last + 1));
      }
    });
  });
}

void draw_log_gamma(Draw draw, const double* alpha, double* out, std::int64_t count) {
  for_each_element(count, [&](std::int64_t i) { out[i] = log_gamma_variable(WordStream(draw, i), alpha[i]); });
}

void draw_poisson(Draw draw, const double* rate, std::int64_t* out, std::int64_t count) {
  for_each_element(count, [&](std::int64_t i) {
    out[i] = static_cast<std::int64_t>(poisson_variable(WordStream(draw, i), rate[i]));
  });
}

void draw_binomial(Draw draw, const std::int64_t* trials, const double* probability, std::int64_t* out,
                   std::int64_t count) {
  for_each_element(count, [&](std::int64_t i) {
    const double found = binomial_variable(WordStream(draw, i), static_cast<double>(trials[i]), probability[i]);
    out[i] = found >= static_cast<double>(trials[i]) ? trials[i] : static_cast<std::int64_t>(found);
  });
}

void log_gamma_slope(GammaSlope which, const double* alpha, const double* l, double* out, std::int64_t count) {
  for_each_element(count, [&](std::int64_t i) {
    if (which == GammaSlope::by_alpha_twice) {
      out[i] = slope_of<true>(alpha[i], l[i]).by_alpha;
      return;
    }
    const double h = slope_of<false>(alpha[i], l[i]).h;
    const bool by_l = which == GammaSlope::by_alpha_and_l;
    out[i] = by_l ? polygamma(alpha[i]).digamma - l[i] - h * (alpha[i] - std::exp(l[i])) : h;
  });
}

}  // namespace xgrad::kernels
