#pragma once
/// Generator: counter-based random numbers (Philox 4x32-10) as a value.

#include <cstdint>

namespace xgrad {

/// A seed and the number of the next draw. A draw's values depend on the seed, its number and each element's index in
/// the draw's own shape (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), never on threads or
/// tiling.
class Generator {
 public:
  explicit Generator(std::uint64_t seed = 0) : seed_(seed) {}
  Generator(std::uint64_t seed, std::uint64_t next) : seed_(seed), next_(next) {}
  Generator(const Generator& other) : seed_(other.seed_), next_(other.next_) {}
  Generator& operator=(const Generator& other) {
    seed_ = other.seed_;
    next_ = other.next_;
    return *this;
  }
  ~Generator() {
    if (watched_) forget();
  }

  std::uint64_t seed() const { return seed_; }
  std::uint64_t next() const { return next_; }
  /// Takes the next draw's number.
  std::uint64_t take();
  /// A generator with a seed of its own, taken from this one.
  Generator split();

  friend bool operator==(const Generator& a, const Generator& b) {
    return a.seed_ == b.seed_ && a.next_ == b.next_;
  }

 private:
  friend struct Tape;
  void forget();

  std::uint64_t seed_ = 0, next_ = 0;
  bool watched_ = false;  ///< a captured function draws from this very object
};

/// The calling thread's generator, which functions use when none is given.
Generator& default_generator();

/// Restarts the calling thread's generator (Keras's set_random_seed).
void set_random_seed(std::uint64_t seed);

}  // namespace xgrad
