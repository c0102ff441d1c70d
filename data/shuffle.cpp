#include <xgrad/data/shuffle.hpp>

#include <xgrad/graph/error.hpp>

#include <numeric>
#include <string>
#include <utility>

namespace xgrad::data {

namespace {

std::uint64_t mix(std::uint64_t x) {
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
class Bits {
 public:
  explicit Bits(std::uint64_t seed) : state_(seed) {}

  // Uniform on 0 ... bound-1, without bias (Lemire, "Fast random integer generation in an interval", 2019).
  std::uint64_t below(std::uint64_t bound) {
    auto product = static_cast<unsigned __int128>(next()) * bound;
    if (static_cast<std::uint64_t>(product) < bound) {
      const std::uint64_t threshold = -bound % bound;
      while (static_cast<std::uint64_t>(product) < threshold)
        product = static_cast<unsigned __int128>(next()) * bound;
    }
    return static_cast<std::uint64_t>(product >> 64);
  }

 private:
  std::uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15u); }
  std::uint64_t state_;
};

}  // namespace

std::vector<std::int64_t> plain_order(std::int64_t n) {
  if (n < 0) throw ValueError("expected a length of 0 or more, got " + std::to_string(n));
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  return order;
}

std::vector<std::int64_t> shuffled_order(std::int64_t n, std::uint64_t seed, std::uint64_t stream) {
  std::vector<std::int64_t> order = plain_order(n);
  Bits bits(mix(mix(seed + 0x9e3779b97f4a7c15u) + stream));
  for (std::size_t left = order.size(); left > 1; --left)
    std::swap(order[left - 1], order[static_cast<std::size_t>(bits.below(left))]);
  return order;
}

}  // namespace xgrad::data
