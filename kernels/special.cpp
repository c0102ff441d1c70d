#include <xgrad/kernels/lanes.hpp>

#include <math.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

namespace xgrad::kernels {

namespace {

constexpr double pi = 3.141592653589793, inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

template <class Real = double, std::size_t n>
Real polynomial(Real x, const double (&c)[n]) {
  Real sum = c[n - 1];
  for (std::size_t i = n - 1; i-- > 0;) sum = sum * x + c[i];
  return sum;
}

// B(2j) / (2j)!
constexpr double bernoulli[] = {1.0 / 12,
                                -1.0 / 720,
                                1.0 / 30240,
                                -1.0 / 1209600,
                                2.08767569878680989792e-8,
                                -5.28419013868749318484e-10,
                                1.33825365306846788328e-11,
                                -3.38968029632258286683e-13,
                                8.58606205627784456414e-15,
                                -2.17486869855806187304e-16,
                                5.50900282836022951520e-18,
                                -1.39544646858125233407e-19};

// The C library's, without its global sign.
double log_gamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);
}

// --- digamma and its derivatives -------------------------------------------------------------------------------------

// digamma(x) / (x - root) as a polynomial of x - 3/2, for x in [1, 2]; root is the zero there, in two parts.
constexpr double digamma_terms[] = {
    0.951055876031832893,    -0.423627421281460505,    0.240542484240774219,    -0.148404923053908857,
    0.0949887244549412133,   -0.0619221332730645317,   0.040760833812420736,    -0.0269757967561382488,
    0.0179072524394511994,   -0.0119082180015686448,   0.00792694464640379604,  -0.00527996487325740421,
    0.00351900640150227605,  -0.00234526763254076904,  0.00155663174744868393,  -0.00103763740984186047,
    0.000723326627928755416, -0.000482199053056678888, 0.000227233166098737588, -0.000151485868367733659,
    0.000259684821264307466, -0.000173122618027273933};
constexpr double digamma_root = 0x1.762d86356be3fp+0, digamma_root_low = 0x1.b86a722197829p-54;

// Real holds the steps on the way from x to [1, 2], which nearly cancel the value there.
template <class Real>
double digamma_positive(double x) {
  if (x > 10) {
    const double z = 1 / (x * x);
    // B(2j) / (2j)
    constexpr double terms[] = {1.0 / 12,  -1.0 / 120,     1.0 / 252, -1.0 / 240,
                                1.0 / 132, -691.0 / 32760, 1.0 / 12,  -3617.0 / 8160};
    return std::log(x) - 0.5 / x - z * polynomial(z, terms);
  }
  if (x > 2) {
    Real sum = 0;
    while (x > 2) {
      x -= 1;
      sum += 1 / Real(x);
    }
    const Real above = (Real(x) - digamma_root) - digamma_root_low;
    return static_cast<double>(sum + above * polynomial(Real(x) - Real(1.5), digamma_terms));
  }
  double sum = 0;
  if (x < 1) {
    sum -= 1 / x;
    x += 1;
    // x + 1 is rounded; below the smallest normal ratio the pole is all there is.
    if (x == 1) return sum + (-0.57721566490153286);
  }
  return sum + ((x - digamma_root) - digamma_root_low) * polynomial(x - 1.5, digamma_terms);
}

// Between the poles the two sides of the reflection nearly cancel, so it is done with more digits.
double digamma_negative(double x, double part) {
  constexpr long double terms[] = {1 / 12.0L,        -1 / 120.0L,  1 / 252.0L,         -1 / 240.0L,      1 / 132.0L,
                                   -691 / 32760.0L, 1 / 12.0L,    -3617 / 8160.0L, 43867 / 14364.0L};
  constexpr long double pi = 3.14159265358979323846264338327950288L;
  long double y = 1.0L - x, sum = -pi / std::tan(pi * part);
  for (; y < 20; y += 1) sum -= 1 / y;
  const long double z = 1 / (y * y);
  long double series = 0;
  for (int i = 8; i >= 0; --i) series = (series + terms[i]) * z;
  return static_cast<double>(sum + std::log(y) - 0.5L / y - series);
}

template <class T>
double digamma(double x) {
  using Real = std::conditional_t<sizeof(T) == 8, long double, double>;
  if (x == 0) return std::copysign(inf, -x);
  if (x > 0) return x == inf ? x : digamma_positive<Real>(x);
  const double part = x - std::nearbyint(x);
  if (!(part != 0)) return nan;
  return digamma_negative(x, part);
}

// 1 / x^n for n of at least 1.
double inverse_power(double x, int n) {
  double factor = 1 / x, result = 1;
  for (; n != 0; n >>= 1) {
    if (n & 1) result *= factor;
    factor *= factor;
  }
  return result;
}

// The sum of (x + k)^-s over k = 0, 1, ... by Euler and Maclaurin; s is at least 2.
double zeta(int s, double x) {
  if (x == inf) return 0;
  double sum = 0;
  // A pole far to the right of x: only the terms around it count when the power is high.
  if (x < -100) x += std::floor(-x) - 100;
  const double far = 12 + 0.5 * s;
  while (x < far) {
    if (x == 0) return inf;
    sum += inverse_power(x, s);
    x += 1;
  }
  const double last = inverse_power(x, s), inverse = 1 / x, z = inverse * inverse;
  double term = last * inverse * s, total = inverse_power(x, s - 1) / (s - 1) + 0.5 * last;
  for (int j = 0; j < 12; ++j) {
    total += bernoulli[j] * term;
    term *= (s + 2.0 * j + 1) * (s + 2.0 * j + 2) * z;
  }
  return sum + total;
}

// The n-th derivative of pi cot(pi x) as a polynomial of the cotangent: each derivative multiplies by -pi (1 + c^2).
double cotangent_derivative(int n, double x) {
  constexpr int most = 64;
  double terms[most + 2] = {0, pi};
  for (int k = 0; k < n; ++k) {
    double next[most + 2] = {};
    for (int i = 1; i <= k + 1; ++i) {
      next[i - 1] += -pi * i * terms[i];
      next[i + 1] += -pi * i * terms[i];
    }
    std::copy_n(next, most + 2, terms);
  }
  const double c = 1 / std::tan(pi * x);
  double sum = 0;
  for (int i = n + 1; i >= 0; --i) sum = sum * c + terms[i];
  return sum;
}

// Up to 18 every product on the way is exact, and cheaper than the gamma function, which costs as much as the series.
double factorial(double n) {
  if (n > 18) return std::tgamma(n + 1);
  double product = 1;
  for (double k = 2; k <= n; ++k) product *= k;
  return product;
}

double polygamma(double order, double x) {
  if (order == 0) return digamma<double>(x);
  if (!(order > 0 && order < 1000) || order != std::floor(order) || x != x) return nan;
  const double sign = std::fmod(order, 2) == 0 ? -1 : 1;
  if (x < -30 && order <= 60) {
    const double part = x - std::nearbyint(x);
    if (part == 0) return sign * inf;
    return -sign * polygamma(order, 1 - x) - cotangent_derivative(static_cast<int>(order), part);
  }
  return sign * factorial(order) * zeta(static_cast<int>(order) + 1, x);
}

// --- Bessel functions ------------------------------------------------------------------------------------------------

// I0(x) and I1(x) / x as polynomials of (x / 8)^2 up to x = 8; sqrt(x) exp(-x) times both as polynomials of
// 16 / x - 1 beyond.
constexpr double small_0[] = {
    0.99999999999999997,    16.0000000000000156,     63.9999999999986741,    113.777777777822284,
    113.777777776993676,    72.8177777861251792,     32.3634567318427946,    10.5676596408890045,
    2.64191387530491823,    0.52186212894054082,     0.0834931540734142027,  0.0110468827213908319,
    0.00122110584935426038, 0.000119967645188780108, 7.78623284815500822e-6, 1.1073655018443918e-6};
constexpr double small_1[] = {
    0.499999999999999999,     4.00000000000000045,    10.6666666666666286,   14.2222222222235002,
    11.3777777777552615,      6.06814814838787664,    2.31167548333483406,   0.660478718070696305,
    0.146773018947041456,     0.0260930552713665007,  0.003795216871640217,  0.000460210897306406636,
    0.0000470204577650810532, 4.25821830869769817e-6, 2.6708907583888233e-7, 3.3628710362055297e-8};
constexpr double large_0[] = {
    0.402176509445008086,     0.00336055198366789398,  0.000136216074389544928, 0.0000111430337881903838,
    1.48384767681889072e-6,   2.97359927987825704e-7,  8.87201667246420228e-8,  3.93250333122995723e-8,
    2.15676315623620109e-8,   7.55999181031053843e-9,  -6.8556276219305255e-9,  -1.34301848016227865e-8,
    -5.02020316945837112e-9,  7.60755453269221978e-9,  6.52735907024345617e-9,  -3.59933038958222926e-9,
    -4.53695091698879549e-9,  1.62366987454861353e-9,  2.16863543209089074e-9,  -6.43867648733507295e-10,
    -6.51630152753708676e-10, 1.81581696299292268e-10, 9.15579081029471971e-11, -2.52518614702320768e-11};
constexpr double large_1[] = {
    0.38939845902587232,     -0.00974957719323576719,  -0.000219235763831408509, -0.0000150385471979506573,
    -1.83491024810662345e-6, -3.48385642037596997e-7,  -1.00010771640395404e-7,  -4.31284050627130689e-8,
    -2.33939451692225512e-8, -8.43281734141486089e-9,  6.84670875142451596e-9,   1.40545053233400753e-8,
    5.5746658547169931e-9,   -7.6947766401417422e-9,   -6.94958747595962566e-9,  3.51520357150830134e-9,
    4.77025318841029237e-9,  -1.53744631294543245e-9,  -2.2674665594845959e-9,   5.98459031577226387e-10,
    6.7947745704866283e-10,  -1.67561759473180939e-10, -9.53351801327573733e-11, 2.32743098303224936e-11};

// exp(a / 2) twice, since exp(a) may overflow where the product does not.
double times_exp(double value, double a) {
  if (a < 700) return value * std::exp(a);
  const double half = std::exp(0.5 * a);
  return (value * half) * half;
}

// exp(-a) I_n(a) for a > 0 from the power series; every term is positive.
double bessel_series(int n, double a) {
  const double z = 0.25 * a * a;
  double term = 1, sum = 1;
  for (int k = 1; term > 1e-17 * sum; ++k) {
    term *= z / (static_cast<double>(k) * (k + n));
    sum += term;
    if (sum > 1e280) break;
  }
  if (a < 500) {
    double power = 1;
    for (int k = 1; k <= n; ++k) power *= 0.5 * a / k;
    return power * std::exp(-a) * sum;
  }
  return std::exp(n * std::log(0.5 * a) - log_gamma(n + 1.0) - a + std::log(sum));
}

// The same for a large argument, by Hankel's expansion.
double bessel_far(int n, double a) {
  const double m = 4.0 * n * n;
  double term = 1, sum = 1;
  for (int k = 1; k < 60; ++k) {
    const double odd = 2 * k - 1, next = -term * (m - odd * odd) / (8 * k * a);
    if (std::fabs(next) > std::fabs(term) && k > n) break;
    term = next;
    sum += term;
    if (std::fabs(term) < 1e-17) break;
  }
  return sum / std::sqrt(2 * pi * a);
}

double bessel(double order, double x, bool scaled) {
  const double n = std::fabs(order);
  if (order != std::floor(order) || n > 1000 || x != x) return nan;
  const double a = std::fabs(x), sign = x < 0 && std::fmod(n, 2) == 1 ? -1 : 1;
  if (a == inf) return scaled ? sign * 0.0 : sign * inf;
  if (n <= 1 && a <= 8) {
    const double z = a * a / 64;
    const double value = n == 0 ? polynomial(z, small_0) : x * polynomial(z, small_1);
    return scaled ? value * std::exp(-a) : value;
  }
  double value;
  if (n == 0)
    value = polynomial(16 / a - 1, large_0) / std::sqrt(a);
  else if (n == 1)
    value = polynomial(16 / a - 1, large_1) / std::sqrt(a);
  else if (a == 0)
    value = 0;
  else if (a > 30 && a > n * n)
    value = bessel_far(static_cast<int>(n), a);
  else
    value = bessel_series(static_cast<int>(n), a);
  return sign * (scaled ? value : times_exp(value, a));
}

// --- kernels ---------------------------------------------------------------------------------------------------------

template <double (*f)(double), class T>
void loop(void* out, const void* a, const void*, const void*, std::int64_t count) {
  auto* result = static_cast<T*>(out);
  const auto* x = static_cast<const T*>(a);
  for (std::int64_t i = 0; i < count; ++i) result[i] = static_cast<T>(f(static_cast<double>(x[i])));
}

template <double (*f)(double, double), class T, unsigned form>
void pair_loop(void* out, const void* a, const void* b, const void*, std::int64_t count) {
  auto* result = static_cast<T*>(out);
  const auto* x = static_cast<const T*>(a);
  const auto* y = static_cast<const T*>(b);
  // Kept, since the result may be written over them.
  const T first = form & scalar_a ? *x : T(0), second = form & scalar_b ? *y : T(0);
  for (std::int64_t i = 0; i < count; ++i) {
    const double p = static_cast<double>(form & scalar_a ? first : x[i]);
    result[i] = static_cast<T>(f(p, static_cast<double>(form & scalar_b ? second : y[i])));
  }
}

double bessel_i(double n, double x) { return bessel(n, x, false); }
double bessel_ie(double n, double x) { return bessel(n, x, true); }

template <double (*f)(double, double), class T>
Kernel pair(unsigned form) {
  switch (form) {
    case all_vectors:
      return pair_loop<f, T, all_vectors>;
    case scalar_a:
      return pair_loop<f, T, scalar_a>;
    case scalar_b:
      return pair_loop<f, T, scalar_b>;
    default:
      return nullptr;
  }
}

template <class T>
Kernel find(Code code, unsigned form) {
  switch (code) {
    case Code::log_gamma:
      return form == all_vectors ? loop<log_gamma, T> : nullptr;
    case Code::digamma:
      return form == all_vectors ? loop<digamma<T>, T> : nullptr;
    case Code::polygamma:
      return pair<polygamma, T>(form);
    case Code::bessel_i:
      return pair<bessel_i, T>(form);
    case Code::bessel_ie:
      return pair<bessel_ie, T>(form);
    default:
      return nullptr;
  }
}

}  // namespace

Kernel find_special(Code code, DType type, unsigned form) {
  if (type == DType::float32) return find<float>(code, form);
  if (type == DType::float64) return find<double>(code, form);
  return nullptr;
}

}  // namespace xgrad::kernels
