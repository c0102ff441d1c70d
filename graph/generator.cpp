#include <xgrad/graph/generator.hpp>

namespace xgrad {
namespace {

/// SplitMix64's mixing (Steele, Lea and Flood 2014): neighbouring inputs give unrelated seeds.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

}  // namespace

Generator Generator::split() { return Generator(mixed(seed_ ^ mixed(take()))); }

Generator& default_generator() {
  static thread_local Generator generator(0);
  return generator;
}

void set_random_seed(std::uint64_t seed) { default_generator() = Generator(seed); }

}  // namespace xgrad
