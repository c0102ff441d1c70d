#include <xgrad/graph/tape.hpp>

#include <unordered_map>

namespace xgrad {
namespace {

/// SplitMix64's mixing (Steele, Lea and Flood 2014): neighbouring inputs give unrelated seeds.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15u;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
  return x ^ (x >> 31);
}

/// The generators that captured functions draw from.
struct Watched {
  std::mutex mutex;
  std::unordered_map<const Generator*, std::shared_ptr<Generator*>> cells;
};
Watched& watched() {
  static Watched* all = new Watched;  // threads may still end while the process ends
  return *all;
}

}  // namespace

void Generator::forget() {
  const std::lock_guard lock(watched().mutex);
  const auto found = watched().cells.find(this);
  if (found == watched().cells.end()) return;
  *found->second = nullptr;
  watched().cells.erase(found);
}

void Tape::took(Generator& from, std::uint64_t number) {
  const std::lock_guard lock(watched().mutex);
  std::shared_ptr<Generator*>& cell = watched().cells[&from];
  if (!cell) cell = std::make_shared<Generator*>(&from);
  from.watched_ = true;
  takes.push_back({cell, from.seed(), number});
}

std::uint64_t Generator::take() {
  const std::uint64_t number = next_++;
  if (Tape* tape = this_thread().tape) tape->took(*this, number);
  return number;
}

Generator Generator::split() {
  if (capturing()) refuse_capture();  // what the new one draws depends on the number taken here
  return Generator(mixed(seed_ ^ mixed(take())));
}

Generator& default_generator() {
  static thread_local Generator generator(0);
  return generator;
}

void set_random_seed(std::uint64_t seed) { default_generator() = Generator(seed); }

}  // namespace xgrad
