// accuracy list                          names of the functions
// accuracy hunt NAME TYPE COUNT SEED     looks at COUNT arguments and prints the 40 worst: "a b result" in hexadecimal
// accuracy at NAME TYPE                  reads "a b" from standard input, prints "a b result"
// TYPE is float32 or float64; functions of one argument ignore b. XGRAD_ARCH chooses the kernels.
#include "accuracy_functions.hpp"
#include "accuracy_reference.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>

namespace {

using accuracy::Domain;
using accuracy::Quad;

using accuracy::evaluate;

template <class T>
struct Found {
  T a, b, result;
  double off;
};

/// |got - wanted| in units of the last place of `wanted`; -1 where the result is not a normal number.
template <class T>
double ulps(T got, Quad wanted) {
  const Quad size = fabsq(wanted);
  if (!(size >= std::numeric_limits<T>::min()) || !(size <= std::numeric_limits<T>::max())) return -1;
  if (!std::isfinite(got)) return 1e30;
  const Quad unit = ldexpq(1, ilogbq(size) - std::numeric_limits<T>::digits + 1);
  return static_cast<double>(fabsq(Quad(got) - wanted) / unit);
}

template <class T>
class Source {
 public:
  explicit Source(std::uint64_t seed) : random_(seed) {}
  T draw(const Domain& d) {
    using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    const T low = static_cast<T>(std::max(d.low, -static_cast<double>(std::numeric_limits<T>::max())));
    const T high = static_cast<T>(std::min(d.high, static_cast<double>(std::numeric_limits<T>::max())));
    for (;;) {
      T x;
      const unsigned kind = random_() % 8;
      if (kind < 3) {
        x = __builtin_bit_cast(T, static_cast<Bits>(random_()));
      } else if (kind < 6 || d.special.empty()) {
        x = static_cast<T>(d.near_low + (d.near_high - d.near_low) * unit());
      } else {
        const double offset = std::ldexp(unit() - .5, -static_cast<int>(random_() % 30));
        x = static_cast<T>(d.special[random_() % d.special.size()] + offset);
      }
      if (std::isfinite(x) && x >= low && x <= high) return x;
    }
  }
  double unit() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

 private:
  std::mt19937_64 random_;
};

template <class T>
void hunt(const accuracy::Function& f, std::size_t count, std::uint64_t seed) {
  Source<T> source(seed);
  std::vector<Found<T>> worst;
  const auto worse = [](const Found<T>& p, const Found<T>& q) { return p.off > q.off; };
  for (std::size_t done = 0; done < count;) {
    std::vector<T> a, b;
    for (int i = 0; i < 4096; ++i) {
      a.push_back(source.draw(f.a));
      if (!f.two) continue;
      b.push_back(source.draw(f.b));
      // Half of the powers with results over the whole range.
      const double log_a = std::log2(static_cast<double>(a.back()));
      if (f.name == "power" && i % 2 && log_a != 0)
        b.back() = static_cast<T>((source.unit() * 2 - 1) * std::numeric_limits<T>::max_exponent / log_a);
      if (f.name != "power" && f.name != "xlogy" && i % 2) b.back() = static_cast<T>(a.back() * (source.unit() * 4));
      if (!std::isfinite(b.back())) b.back() = 1;
    }
    const std::vector<T> results = evaluate(f.name, a, b);
    for (std::size_t i = 0; i < a.size(); ++i) {
      const double off = ulps(results[i], f.two ? f.two(Quad(a[i]), Quad(b[i])) : f.one(Quad(a[i])));
      if (worst.size() < 40 || off > worst.front().off) {
        worst.push_back({a[i], f.two ? b[i] : T(0), results[i], off});
        std::push_heap(worst.begin(), worst.end(), worse);
        if (worst.size() > 40) {
          std::pop_heap(worst.begin(), worst.end(), worse);
          worst.pop_back();
        }
      }
    }
    done += a.size();
  }
  std::sort(worst.begin(), worst.end(), worse);
  for (const Found<T>& w : worst) std::printf("%a %a %a %.3f\n", w.a, w.b, w.result, w.off);
}

template <class T>
void at(const accuracy::Function& f) {
  std::vector<T> a, b;
  for (double p, q; std::scanf("%lf %lf", &p, &q) == 2;) {
    a.push_back(static_cast<T>(p));
    b.push_back(static_cast<T>(q));
  }
  const std::vector<T> results = evaluate(f.name, a, b);
  for (std::size_t i = 0; i < a.size(); ++i) std::printf("%a %a %a\n", a[i], b[i], results[i]);
}

int run(const std::vector<std::string>& words) {
  if (words.size() == 1 && words[0] == "list") {
    for (const accuracy::Function& f : accuracy::functions()) std::printf("%s\n", f.name.c_str());
    return 0;
  }
  if (words.size() < 3) throw std::runtime_error("expected list, hunt NAME TYPE COUNT SEED or at NAME TYPE");
  for (const accuracy::Function& f : accuracy::functions()) {
    if (f.name != words[1]) continue;
    const bool single = words[2] == "float32";
    if (words[0] == "hunt" && words.size() == 5) {
      const std::size_t count = std::stoull(words[3]);
      single ? hunt<float>(f, count, std::stoull(words[4])) : hunt<double>(f, count, std::stoull(words[4]));
    } else {
      single ? at<float>(f) : at<double>(f);
    }
    return 0;
  }
  throw std::runtime_error("no function is called '" + words[1] + "'");
}

}  // namespace

int main(int count, char** words) {
  try {
    return run({words + 1, words + count});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "accuracy: %s\n", error.what());
    return 1;
  }
}
