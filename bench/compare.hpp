#pragma once
/// What the sources of `compare` share: the workloads, how they are run in turns, and what becomes of the figures.

#include "side.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>

namespace bench {

namespace fs = std::filesystem;

struct Options {
  std::vector<std::string> names;  // all workloads if empty
  double seconds = 2;              // for each way of doing a workload
  int epochs = 5;
  double wait = 10;                // for other programs to leave the processors, before each workload
  std::optional<int> threads;
  bool busy = false;   // W1 and W11 with one processor taken, nothing else
  bool quiet = false;  // stop when other programs take a processor
  bool jax = true, mlx = true;
  fs::path out;  // a folder for the results; by default bench/results, of a whole run
};

/// Where things are, from the file the build wrote beside this program.
struct Places {
  std::map<std::string, std::string> of;
  fs::path programs;
  bool torch = false, jax = false, mlx = false;
  std::string get(const std::string& key) const { return of.count(key) ? of.at(key) : std::string(); }
};

/// One process that takes part in a workload.
struct Entry {
  std::string library;  // xgrad, libtorch, OpenBLAS, JAX, MLX
  std::string workload;
  int threads;
  bool jemalloc = false;
};

/// A row of the table: one workload of the results, or a part of it.
struct Case {
  std::string name;      // on the command line
  std::string workload;  // in the results
  std::string part;      // what distinguishes it from others of the workload; may be empty
  std::string title, unit;
  double scale;  // from seconds to `unit`
  std::vector<Entry> entries;
  bool epochs = false;  // a step is an epoch: count them instead of seconds
  bool busy = false;    // with one processor kept busy
};

std::vector<Case> cases(const Options& options, const Places& places);

/// A line of the results. Times are seconds; a ratio above 1 means that xgrad is better.
struct Result {
  std::string workload, variant;
  double xgrad;
  std::string peer;
  double peer_value, ratio;
  std::string name;  // the case's, for the table and the picture
};

/// How much other programs took while a workload ran, in processors.
struct Disturbance {
  std::string name;
  double processors;
};
inline constexpr double disturbing = .2;

struct Results {
  std::vector<Result> rows;
  std::vector<Disturbance> others;
};

/// Runs a case, prints its table and adds its rows.
void measure(const Case& what, const Options& options, const Places& places, Results& results);
/// W10: compiling, linking, starting and running a program of ten lines, what it loads and what it holds.
void cost(const Places& places, Results& results);

/// The fastest of libtorch's variants (or of another library's) in each row of xgrad.
void print_summary(const Results& results);
/// latest.csv and ratios.svg, each replaced whole.
void write_results(const Results& results, const Places& places, const fs::path& folder);

std::vector<std::string> split(const std::string& text, char separator);
/// The first line a command of the shell prints.
std::string first_line(const std::string& command);

}  // namespace bench
