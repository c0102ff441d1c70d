// compare [workload...] [--seconds s] [--epochs n] [--threads n] [--busy] [--quiet] [--wait s] [--no-jax] [--no-mlx]
// [--out folder]: runs the workloads in xgrad and in the libraries that were found, in turns, prints tables, and writes
// the results of a whole run.
#include "compare.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace {

using namespace bench;

Places read_places() {
  Places places;
  places.programs = fs::read_symlink("/proc/self/exe").parent_path();
  std::ifstream in(places.programs / "places.txt");
  for (std::string line; std::getline(in, line);)
    if (const auto equals = line.find('='); equals != std::string::npos)
      places.of[line.substr(0, equals)] = line.substr(equals + 1);
  places.torch = fs::exists(places.programs / "side_torch");
  return places;
}

Options read_options(int count, char** words) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const auto next = [&]() -> std::string {
      if (++i >= count) throw std::runtime_error(word + ": expected a value after it");
      return words[i];
    };
    if (word == "--seconds") options.seconds = std::stod(next());
    else if (word == "--epochs") options.epochs = std::max(1, std::stoi(next()));
    else if (word == "--threads") options.threads = std::max(1, std::stoi(next()));
    else if (word == "--wait") options.wait = std::stod(next());
    else if (word == "--out") options.out = next();
    else if (word == "--busy") options.busy = true;
    else if (word == "--quiet") options.quiet = true;
    else if (word == "--no-jax") options.jax = false;
    else if (word == "--no-mlx") options.mlx = false;
    else if (word.starts_with("-")) throw std::runtime_error("unknown option " + word);
    else options.names.push_back(word);
  }
  return options;
}

/// W6 and W6-1e3 and W6.1000 all name the same.
bool asked(const Case& what, const std::string& name) {
  return what.name == name || what.workload == name || what.name.starts_with(name + ".") ||
         what.workload.starts_with(name + "-");
}

}  // namespace

int main(int count, char** words) {
  try {
    Options options = read_options(count, words);
    Places places = read_places();
    const auto has = [&](const std::string& side, const std::string& module) {
      return fs::exists(places.get("source") + "/bench/" + side) &&
             !first_line("python3 -c 'import " + module + "; print(1)'").empty();
    };
    places.jax = options.jax && has("side_jax.py", "jax");
    places.mlx = options.mlx && has("side_mlx.py", "mlx.core");
    if (!places.torch)
      std::printf("libtorch was not found when this was built: no ratios against it. Set CMAKE_PREFIX_PATH to libtorch "
                  "(or let python3 have torch) and run scripts/bench again.\n");
    double load = 0;
    if (getloadavg(&load, 1) != 1) load = 0;
    std::printf("%u processors, load %.1f; jemalloc %s; JAX %s; MLX %s\n\n", std::thread::hardware_concurrency(), load,
                places.get("jemalloc").empty() ? "not found" : "found", places.jax ? "found" : "left out",
                places.mlx ? "found" : "left out");

    std::vector<Case> all = cases(options, places);
    for (const std::string& name : options.names)
      if (name != "W10" && std::none_of(all.begin(), all.end(), [&](const Case& what) { return asked(what, name); }))
        throw std::runtime_error("no workload is called '" + name + "'");
    const bool whole = options.names.empty() && !options.busy;
    if (whole) {
      Options busy = options;
      busy.busy = true;
      for (Case& what : cases(busy, places)) all.push_back(std::move(what));
    }
    const auto wanted = [&](const Case& what) {
      return options.names.empty() || std::any_of(options.names.begin(), options.names.end(),
                                                  [&](const std::string& name) { return asked(what, name); });
    };
    Results results;
    if (whole || std::count(options.names.begin(), options.names.end(), "W10") > 0) cost(places, results);
    for (const Case& what : all) {
      if (!wanted(what)) continue;
      Options now = options;
      if (what.busy) now.epochs = std::min(options.epochs, 2);
      measure(what, now, places, results);
    }
    print_summary(results);
    if (!options.out.empty()) write_results(results, places, options.out);
    else if (whole) write_results(results, places, fs::path(places.get("source")) / "bench/results");
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "compare: %s\n", error.what());
    return 1;
  }
}
