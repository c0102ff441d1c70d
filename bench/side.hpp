#pragma once
/// What a measured program is: named steps, which it runs and times whenever the program `compare` asks for a turn.
///
/// `compare` starts one process a library, since two BLAS libraries in one process would take over each other's
/// symbols, and lets them run in turns. Questions and answers are lines:
///
///     list                      variants|first|second
///     run <variant> <s> <most>  samples <seconds a unit of work> ...   (until s seconds or `most` samples have passed)
///     values                    values|name=number|...

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <iomanip>
#include <iostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace bench {

/// One way of doing a workload. `step` does the whole of it once; `per` says how many units of work that is.
struct Variant {
  std::string name;
  std::function<void()> step;
  double per = 1;
};

/// What a side offers for one workload. `values` are numbers that both libraries should agree on, or costs.
struct Workload {
  std::vector<Variant> variants;
  std::function<std::vector<std::pair<std::string, double>>()> values = {};
};

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// The most memory this process has held, in MB.
inline double peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// Evenly spread numbers in [-scale, scale), the same on every side: number i of stream `seed`.
inline float number(std::uint64_t seed, std::uint64_t i, float scale) {
  std::uint64_t z = (seed << 32) + i + 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return (static_cast<float>(z >> 40) / 8388608.0f - 1.0f) * scale;
}

/// The first `count` numbers of a stream.
inline std::vector<float> numbers(std::uint64_t seed, std::int64_t count, float scale) {
  std::vector<float> out(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = number(seed, i, scale);
  return out;
}

/// `count` labels from 0 to 9.
inline std::vector<std::int64_t> labels(std::uint64_t seed, std::int64_t count) {
  std::vector<std::int64_t> out(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = std::min<std::int64_t>(9, static_cast<std::int64_t>((number(seed, i, 1) + 1) * 5));
  return out;
}

/// Answers questions from standard input until it ends.
inline int serve(const Workload& workload) {
  std::cout << std::setprecision(9);
  std::string line;
  while (std::getline(std::cin, line)) {
    std::istringstream words(line);
    std::string word;
    words >> word;
    if (word == "list") {
      std::cout << "variants";
      for (const Variant& variant : workload.variants) std::cout << '|' << variant.name;
    } else if (word == "run") {
      std::size_t which = 0, most = 0;
      double seconds = 0;
      words >> which >> seconds >> most;
      const Variant& variant = workload.variants.at(which);
      std::vector<double> samples;
      const double begin = now();
      for (double before = begin; samples.size() < most && (samples.empty() || before - begin < seconds);) {
        variant.step();
        const double after = now();
        samples.push_back((after - before) / variant.per);
        before = after;
      }
      std::cout << "samples";
      for (double sample : samples) std::cout << ' ' << sample;
    } else if (word == "values") {
      std::cout << "values";
      if (workload.values)
        for (const auto& [name, value] : workload.values()) std::cout << '|' << name << '=' << value;
    } else {
      std::cout << "unknown question: " << line;
    }
    std::cout << std::endl;
  }
  return 0;
}

/// `main` of a side: opens the workload that the command line names and serves it.
template <class Open>
int side_main(int count, char** words, Open&& open) {
  try {
    if (count != 2) throw std::runtime_error("expected the name of one workload");
    return serve(open(std::string(words[1])));
  } catch (const std::exception& error) {
    std::cerr << words[0] << ": " << error.what() << '\n';
    return 1;
  }
}

}  // namespace bench
