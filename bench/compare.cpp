// compare [workload...] [--seconds s] [--epochs n] [--threads n]: runs the workloads in xgrad and, if it was built, in
// libtorch, both in turns, and prints best and median of each, and libtorch's times divided by those of xgrad's first
// row.
#include "side.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

namespace {

namespace fs = std::filesystem;

/// A row of the table. Each side may answer it from several processes, so that their peak memory is their own.
struct Case {
  std::string name, title, unit;
  double scale;     // from seconds to `unit`
  int threads;
  std::vector<std::string> xgrad, torch;  // the workloads to open on each side
  bool epochs = false;                    // a step is an epoch: count them instead of seconds
};

std::vector<Case> cases() {
  return {
      {"W1", "784-128-10, batch 32, Adam: a training step", "us", 1e6, 1, {"W1"}, {"W1"}},
      {"W2", "784-1024-1024-10, batch 256, Adam: a training step", "ms", 1e3, 2, {"W2"}, {"W2"}},
      {"W7.record", "recording an operation on one number; libtorch: running it", "ns", 1e9, 1, {"W7.record"},
       {"W7.record"}},
      {"W7.chain", "1002 operations on one number, forward and backward: each", "ns", 1e9, 1, {"W7.chain"},
       {"W7.chain"}},
      {"W7.neurons", "two neurons, gradient descent: a training step", "us", 1e6, 1, {"W7.neurons"}, {"W7.neurons"}},
      {"W11", "Fashion-MNIST, 784-128-10 with dropout, batch 128, Adam: an epoch", "s", 1, 2, {"W11"},
       {"W11", "W11.fused"}, true},
      {"W13", "784-128-10, one image, no gradient", "us", 1e6, 1, {"W13"}, {"W13"}},
  };
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

/// A side's process, asked over a pair of pipes.
class Side {
 public:
  Side(const fs::path& program, const std::string& workload, int threads) : name_(program.filename().string()) {
    int question[2], answer[2];
    if (pipe2(question, O_CLOEXEC) != 0 || pipe2(answer, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    process_ = fork();
    if (process_ < 0) throw std::runtime_error("no process");
    if (process_ == 0) {
      dup2(question[0], 0);
      dup2(answer[1], 1);
      const std::string count = std::to_string(threads);
      setenv("OMP_NUM_THREADS", count.c_str(), 1);
      setenv("MKL_NUM_THREADS", count.c_str(), 1);
      setenv("XGRAD_NUM_THREADS", count.c_str(), 1);
      execl(program.c_str(), program.c_str(), workload.c_str(), static_cast<char*>(nullptr));
      _exit(127);
    }
    close(question[0]);
    close(answer[1]);
    question_ = fdopen(question[1], "w");
    answer_ = fdopen(answer[0], "r");
  }
  ~Side() {
    fclose(question_);
    fclose(answer_);
    waitpid(process_, nullptr, 0);
  }
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;

  /// The answer to a question, without its first word, which must be `kind`.
  std::string ask(const std::string& kind, const std::string& question) {
    fprintf(question_, "%s\n", question.c_str());
    fflush(question_);
    char* line = nullptr;
    std::size_t room = 0;
    const ssize_t length = getline(&line, &room, answer_);
    std::string text(line ? line : "", length > 0 ? static_cast<std::size_t>(length) - 1 : 0);
    free(line);
    if (length <= 0 || text.compare(0, kind.size(), kind) != 0)
      throw std::runtime_error(name_ + ": expected " + kind + " for '" + question + "', got '" + text + "'");
    return text.size() > kind.size() ? text.substr(kind.size() + 1) : std::string();
  }

 private:
  std::string name_;
  pid_t process_ = -1;
  FILE *question_ = nullptr, *answer_ = nullptr;
};

/// One variant of one side and what it has measured.
struct Contender {
  Side* side;
  bool is_xgrad;
  std::size_t number;
  std::string name;
  std::vector<double> samples;

  void run(double seconds, std::size_t most, bool keep) {
    std::ostringstream question;
    question << "run " << number << ' ' << seconds << ' ' << most;
    std::istringstream answer(side->ask("samples", question.str()));
    for (double sample; answer >> sample;)
      if (keep) samples.push_back(sample);
  }
  double best() const { return *std::min_element(samples.begin(), samples.end()); }
  double median() const {
    std::vector<double> sorted = samples;
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2), sorted.end());
    return sorted[sorted.size() / 2];
  }
};

struct Options {
  std::vector<std::string> names;
  double seconds = 4;  // a variant
  int epochs = 5;
  std::optional<int> threads;
};

/// Where things are, from the file the build wrote beside this program.
using Places = std::map<std::string, std::string>;

Places read_places(const fs::path& file) {
  Places places;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (const auto equals = line.find('='); equals != std::string::npos)
      places[line.substr(0, equals)] = line.substr(equals + 1);
  return places;
}

std::string spaces_for_lists(std::string text, const std::string& before) {
  std::string out;
  for (const std::string& part : split(text, ';'))
    if (!part.empty()) out += " " + before + "'" + part + "'";
  return out;
}

void measure(const Case& what, const Options& options, const fs::path& folder, bool with_torch) {
  const int threads = options.threads.value_or(what.threads);
  std::vector<std::unique_ptr<Side>> sides;
  std::vector<Contender> contenders;
  const auto enter = [&](const char* program, const std::string& workload, bool is_xgrad) {
    Side* side = sides.emplace_back(std::make_unique<Side>(folder / program, workload, threads)).get();
    const std::vector<std::string> names = split(side->ask("variants", "list"), '|');
    for (std::size_t i = 0; i < names.size(); ++i) contenders.push_back({side, is_xgrad, i, names[i], {}});
  };
  for (const std::string& workload : what.xgrad) enter("side_xgrad", workload, true);
  if (with_torch)
    for (const std::string& workload : what.torch) enter("side_torch", workload, false);

  // Short turns, in an order that changes, so that a busy neighbour slows all of them alike. A pause lets the workers
  // of the last one fall asleep.
  const int rounds = what.epochs ? options.epochs : 40;
  const double turn = what.epochs ? 0 : options.seconds / rounds;
  const auto pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(5)); };
  if (!what.epochs)
    for (Contender& contender : contenders) contender.run(std::max(.2, turn), 2000, false);
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      pause();
      contenders[round % 2 ? contenders.size() - 1 - i : i].run(turn, what.epochs ? 1 : 100000, true);
    }
  }

  std::printf("%s  %s  (%s, %d thread%s)\n", what.name.c_str(), what.title.c_str(), what.unit.c_str(), threads,
              threads == 1 ? "" : "s");
  std::printf("  %-44s %10s %10s %8s %10s %10s\n", "", "best", "median", "samples", "ratio", "of medians");
  const Contender& own = contenders.front();
  for (const Contender& contender : contenders) {
    std::printf("  %-8s %-35s %10.4g %10.4g %8zu", contender.is_xgrad ? "xgrad" : "libtorch", contender.name.c_str(),
                contender.best() * what.scale, contender.median() * what.scale, contender.samples.size());
    if (!contender.is_xgrad)
      std::printf(" %10.2f %10.2f", contender.best() / own.best(), contender.median() / own.median());
    std::printf("\n");
  }
  const Side* asked = nullptr;
  for (const Contender& contender : contenders) {
    if (contender.side == asked) continue;
    asked = contender.side;
    for (const std::string& value : split(contender.side->ask("values", "values"), '|'))
      std::printf("  %-8s %s\n", contender.is_xgrad ? "xgrad" : "libtorch", value.c_str());
  }
  std::printf("\n");
  std::fflush(stdout);
}

/// Seconds a command of the shell takes; throws if it fails.
double timed(const std::string& command) {
  const double begin = bench::now();
  if (std::system((command + " > /dev/null").c_str()) != 0) throw std::runtime_error("failed: " + command);
  return bench::now() - begin;
}

void cost(const Places& places, const fs::path& folder, bool with_torch) {
  struct Row {
    const char* name;
    std::string source, flags, libraries;
    std::vector<double> compile, link, run;
  };
  const auto at = [&](const char* key) { return places.count(key) ? places.at(key) : std::string(); };
  std::vector<Row> rows;
  rows.push_back({"xgrad", at("xgrad_source"), spaces_for_lists(at("xgrad_include"), "-I"),
                  spaces_for_lists(at("xgrad_libraries"), "") + " -pthread", {}, {}, {}});
  if (with_torch) {
    const std::string lib = at("torch_folder");
    rows.push_back({"libtorch", at("torch_source"), spaces_for_lists(at("torch_include"), "-I"),
                    " -L'" + lib + "' -Wl,-rpath,'" + lib + "' -Wl,--no-as-needed -ltorch -ltorch_cpu -lc10", {}, {},
                    {}});
  }
  const std::string compiler = at("compiler");
  for (int round = 0; round < 3; ++round) {
    for (Row& row : rows) {
      const std::string program = (folder / ("cost_" + std::string(row.name))).string();
      row.compile.push_back(timed("'" + compiler + "' -std=c++20 -O2 -c" + row.flags + " '" + row.source + "' -o '" +
                                  program + ".o'"));
      row.link.push_back(timed("'" + compiler + "' '" + program + ".o' -o '" + program + "'" + row.libraries));
      for (int i = 0; i < 7; ++i) row.run.push_back(timed("'" + program + "'"));
    }
  }
  const auto best = [](const std::vector<double>& all) { return *std::min_element(all.begin(), all.end()); };
  std::printf("W10  a program of ten lines (s, best of %zu)\n", rows[0].compile.size());
  std::printf("  %-8s %10s %10s %14s\n", "", "compile", "link", "start and run");
  for (const Row& row : rows)
    std::printf("  %-8s %10.3f %10.3f %14.4f\n", row.name, best(row.compile), best(row.link), best(row.run));
  if (rows.size() == 2)
    std::printf("  ratio    %8.1f x %8.1f x %12.1f x\n", best(rows[1].compile) / best(rows[0].compile),
                best(rows[1].link) / best(rows[0].link), best(rows[1].run) / best(rows[0].run));
  std::printf("\n");
}

Options read_options(int count, char** words) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    const auto next = [&] {
      if (++i >= count) throw std::runtime_error(word + ": expected a number after it");
      return std::stod(words[i]);
    };
    if (word == "--seconds") options.seconds = next();
    else if (word == "--epochs") options.epochs = std::max(1, static_cast<int>(next()));
    else if (word == "--threads") options.threads = std::max(1, static_cast<int>(next()));
    else if (word.starts_with("-")) throw std::runtime_error("unknown option " + word);
    else options.names.push_back(word);
  }
  return options;
}

}  // namespace

int main(int count, char** words) {
  try {
    const Options options = read_options(count, words);
    const fs::path folder = fs::read_symlink("/proc/self/exe").parent_path();
    const Places places = read_places(folder / "places.txt");
    const bool with_torch = fs::exists(folder / "side_torch");
    if (!with_torch) std::printf("libtorch was not found when this was built: xgrad alone, no ratios.\n");
    double load = 0;
    if (getloadavg(&load, 1) == 1)
      std::printf("%u cores, load %.1f%s\n\n", std::thread::hardware_concurrency(), load,
                  load > .5 ? ": other programs are running, trust the best more than the median" : "");
    const auto wanted = [&](const std::string& name) {
      if (options.names.empty()) return true;
      for (const std::string& asked : options.names)
        if (name == asked || name.starts_with(asked + ".")) return true;
      return false;
    };
    for (const std::string& asked : options.names) {
      bool found = asked == "W10";
      for (const Case& what : cases()) found = found || what.name == asked || what.name.starts_with(asked + ".");
      if (!found) throw std::runtime_error("no workload is called '" + asked + "'");
    }
    for (const Case& what : cases())
      if (wanted(what.name)) measure(what, options, folder, with_torch);
    if (wanted("W10")) cost(places, folder, with_torch);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "compare: %s\n", error.what());
    return 1;
  }
}
