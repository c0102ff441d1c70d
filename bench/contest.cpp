// Runs the processes of a case in turns.
#include "compare.hpp"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <stdexcept>
#include <thread>

namespace bench {

namespace {

/// Seconds of processor time that a process has used, its ended threads included.
double used_by(pid_t process) {
  std::ifstream in("/proc/" + std::to_string(process) + "/stat");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto end = text.rfind(')');
  if (end == std::string::npos) return 0;
  std::istringstream fields(text.substr(end + 1));
  std::string field;
  double user = 0, system = 0;
  for (int i = 0; i < 11; ++i) fields >> field;
  fields >> user >> system;
  return (user + system) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

/// Seconds that all processors together were busy, the share the machine's host took included.
double used_by_all() {
  std::ifstream in("/proc/stat");
  std::string word;
  double user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softirq = 0, steal = 0;
  in >> word >> user >> nice >> system >> idle >> wait >> irq >> softirq >> steal;
  return (user + nice + system + irq + softirq + steal) / static_cast<double>(sysconf(_SC_CLK_TCK));
}

/// A side's process, asked over a pair of pipes.
class Side {
 public:
  Side(const Entry& entry, const Places& places) : name_(entry.library + " " + entry.workload) {
    std::vector<std::string> command;
    if (entry.library == "JAX") command = {"python3", places.get("source") + "/bench/side_jax.py"};
    else if (entry.library == "MLX") command = {"python3", places.get("source") + "/bench/side_mlx.py"};
    else if (entry.library == "OpenBLAS") command = {(places.programs / "side_blas").string()};
    else command = {(places.programs / (entry.library == "xgrad" ? "side_xgrad" : "side_torch")).string()};
    command.push_back(entry.workload);
    int question[2], answer[2];
    if (pipe2(question, O_CLOEXEC) != 0 || pipe2(answer, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
    process_ = fork();
    if (process_ < 0) throw std::runtime_error("no process");
    if (process_ == 0) {
      dup2(question[0], 0);
      dup2(answer[1], 1);
      const std::string count = std::to_string(entry.threads);
      for (const char* name :
           {"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "XGRAD_NUM_THREADS", "NPROC"})
        setenv(name, count.c_str(), 1);
      if (entry.jemalloc) {
        setenv("LD_PRELOAD", places.get("jemalloc").c_str(), 1);
        setenv("MALLOC_CONF",
               "oversize_threshold:1,background_thread:true,metadata_thp:auto,dirty_decay_ms:-1,muzzy_decay_ms:-1", 1);
      }
      std::vector<char*> words;
      for (std::string& word : command) words.push_back(word.data());
      words.push_back(nullptr);
      execvp(words[0], words.data());
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
  double used() const { return used_by(process_); }

 private:
  std::string name_;
  pid_t process_ = -1;
  FILE *question_ = nullptr, *answer_ = nullptr;
};

/// Another program that wants a processor all the time.
class BusyProcessor {
 public:
  BusyProcessor() {
    process_ = fork();
    if (process_ < 0) throw std::runtime_error("no process");
    if (process_ > 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    cpu_set_t allowed, one;
    CPU_ZERO(&one);
    sched_getaffinity(0, sizeof allowed, &allowed);
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++i)
      if (CPU_ISSET(i, &allowed)) CPU_SET(i, &one);
    sched_setaffinity(0, sizeof one, &one);
    std::atomic<std::uint64_t> count = 0;
    while (true) count.fetch_add(1, std::memory_order_relaxed);
  }
  ~BusyProcessor() {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
  BusyProcessor(const BusyProcessor&) = delete;
  BusyProcessor& operator=(const BusyProcessor&) = delete;
  double used() const { return used_by(process_); }

 private:
  pid_t process_;
};

/// One variant of one side and what it has measured.
struct Contender {
  Side* side;
  const Entry* entry;
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
  double mean() const {
    return std::accumulate(samples.begin(), samples.end(), 0.0) / static_cast<double>(samples.size());
  }
  std::string library() const {
    return entry->library + (entry->jemalloc ? "+jemalloc " : " ") + std::to_string(entry->threads) +
           (entry->threads == 1 ? " thread" : " threads");
  }
};

/// Waits until other programs leave the processors; returns how many they took at last.
double wait_for_quiet(double seconds) {
  double taken = 0;
  for (const double begin = now();;) {
    const double at = now(), used = used_by_all();
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    taken = (used_by_all() - used) / (now() - at);
    if (taken < .1 || now() - begin > seconds) return taken;
  }
}

void print(const Case& what, const std::vector<Contender>& contenders, double others) {
  std::printf("%s  %s  (%s)\n", what.name.c_str(), what.title.c_str(), what.unit.c_str());
  std::printf("  other programs took %.2f of %u processors%s\n", others, std::thread::hardware_concurrency(),
              others > disturbing ? ": DISTURBED" : "");
  std::printf("  %-27s %-36s %9s %9s %9s %7s | %s %s\n", "", "", "best", "median", "mean", "samples", "best",
              "median: as multiples of xgrad's");
  const Contender& own = contenders.front();
  for (const Contender& contender : contenders) {
    std::printf("  %-27s %-36s %9.4g %9.4g %9.4g %7zu", contender.library().c_str(), contender.name.c_str(),
                contender.best() * what.scale, contender.median() * what.scale, contender.mean() * what.scale,
                contender.samples.size());
    std::printf(" | %.2f %.2f\n", contender.best() / own.best(), contender.median() / own.median());
  }
}

/// Numbers the sides should agree on, and costs.
void ask_values(const Case& what, const std::vector<Contender>& contenders, Results& results) {
  const Side* asked = nullptr;
  std::vector<std::string> printed;  // by each library once, but for memory
  double memory = 0;
  for (const Contender& contender : contenders) {
    if (contender.side == asked) continue;
    asked = contender.side;
    for (const std::string& value : split(contender.side->ask("values", "values"), '|')) {
      const auto equals = value.find('=');
      const bool is_memory = value.substr(0, equals) == "peak MB";
      const std::string line = contender.entry->library + value.substr(0, equals);
      if (is_memory || std::find(printed.begin(), printed.end(), line) == printed.end())
        std::printf("  %-27s %s\n", contender.library().c_str(), value.c_str());
      printed.push_back(line);
      if (!is_memory || what.busy) continue;
      const double megabytes = std::stod(value.substr(equals + 1));
      if (contender.entry->library == "xgrad") memory = megabytes;
      else
        results.rows.push_back({what.workload, "most memory held (MB)", memory, contender.library(), megabytes,
                                megabytes / memory, what.name + " memory"});
    }
  }
}

}  // namespace

void measure(const Case& what, const Options& options, const Places& places, Results& results) {
  const double before = wait_for_quiet(options.wait);
  if (options.quiet && before > disturbing)
    throw std::runtime_error(what.name + ": other programs take processors; --quiet wants them left alone");
  std::optional<BusyProcessor> busy;
  if (what.busy) busy.emplace();

  std::vector<std::unique_ptr<Side>> sides;
  std::vector<Contender> contenders;
  for (const Entry& entry : what.entries) {
    Side* side = sides.emplace_back(std::make_unique<Side>(entry, places)).get();
    const std::vector<std::string> names = split(side->ask("variants", "list"), '|');
    for (std::size_t i = 0; i < names.size(); ++i) contenders.push_back({side, &entry, i, names[i], {}});
  }

  // Short turns, in an order that changes, so that a busy neighbour slows all of them alike. A pause lets the workers
  // of the last one fall asleep.
  // Long ones beside a busy processor: a process that has just slept is preferred for a while.
  const int most_rounds = what.epochs ? options.epochs : what.busy ? 4 : 40;
  const int least_rounds = what.epochs ? most_rounds : 3;
  const double turn = what.epochs ? 0 : options.seconds / most_rounds;
  const auto pause = [] { std::this_thread::sleep_for(std::chrono::milliseconds(3)); };
  if (!what.epochs)
    for (Contender& contender : contenders) contender.run(std::min(.2, options.seconds / 5), 2000, false);
  const auto own = [&] {
    double used = used_by(getpid()) + (busy ? busy->used() : 0);
    for (const auto& side : sides) used += side->used();
    return used;
  };
  const double begin = now(), used_before = used_by_all() - own();
  for (int round = 0; round < most_rounds; ++round) {
    if (round >= least_rounds && now() - begin > 1.2 * options.seconds * static_cast<double>(contenders.size()) &&
        !what.epochs)
      break;
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      pause();
      contenders[round % 2 ? contenders.size() - 1 - i : i].run(turn, what.epochs ? 1 : 100000, true);
    }
  }
  const double others = std::max(0.0, used_by_all() - own() - used_before) / (now() - begin);
  results.others.push_back({what.name + (what.busy ? " busy" : ""), others});

  print(what, contenders, others);
  const int threads = what.entries.front().threads;
  const auto value = [&](const Contender& c) { return what.busy ? c.mean() : c.median(); };
  for (const Contender& mine : contenders) {
    if (mine.entry->library != "xgrad" || mine.entry->threads != threads) continue;
    for (const Contender& other : contenders) {
      if (other.entry->library == "xgrad" && (other.entry->threads == threads || other.name != mine.name)) continue;
      const std::string variant = what.part.empty() ? mine.name : what.part + ": " + mine.name;
      results.rows.push_back({what.workload, variant, value(mine), other.library() + ": " + other.name, value(other),
                              value(other) / value(mine), what.name});
    }
  }
  ask_values(what, contenders, results);
  std::printf("\n");
  std::fflush(stdout);
  if (options.quiet && others > disturbing)
    throw std::runtime_error(what.name + ": other programs took processors; --quiet wants them left alone");
}

}  // namespace bench
