// W10: what a program of ten lines costs.
#include "compare.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace bench {

namespace {

/// Seconds a command of the shell takes; throws if it fails.
double timed(const std::string& command) {
  const double begin = now();
  if (std::system((command + " > /dev/null").c_str()) != 0) throw std::runtime_error("failed: " + command);
  return now() - begin;
}

/// The most memory a stopped process has held since its program began, in MB.
double held_by(pid_t process) {
  std::ifstream in("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("VmHWM:")) return std::stod(line.substr(6)) / 1024;
  return 0;
}

/// The most memory a program holds, in MB. What wait4 says counts this process too, as it was when the program began:
/// so the program is stopped as it ends, and looked at.
double memory_of(const std::string& program) {
  const pid_t process = fork();
  if (process < 0) throw std::runtime_error("no process");
  if (process == 0) {
    dup2(open("/dev/null", O_WRONLY), 1);
    ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    execl(program.c_str(), program.c_str(), static_cast<char*>(nullptr));
    _exit(127);
  }
  int status = 0;
  rusage usage{};
  wait4(process, &status, 0, &usage);
  double most = static_cast<double>(usage.ru_maxrss) / 1024;  // where programs may not be stopped
  if (WIFSTOPPED(status)) {
    ptrace(PTRACE_SETOPTIONS, process, nullptr, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL);
    long signal = 0;
    do {
      ptrace(PTRACE_CONT, process, nullptr, signal);
      waitpid(process, &status, 0);
      const bool ends = WIFSTOPPED(status) && status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8);
      if (ends) most = held_by(process);
      signal = ends || !WIFSTOPPED(status) ? 0 : WSTOPSIG(status);
    } while (WIFSTOPPED(status));
  }
  if (status != 0) throw std::runtime_error("failed: " + program);
  return most;
}

/// Bytes of a program and of the shared libraries that it loads, in MB.
double size_of(const std::string& program) {
  double bytes = static_cast<double>(fs::file_size(program));
  FILE* pipe = popen(("ldd '" + program + "' | awk '/=> \\//{print $3}' | xargs readlink -f | sort -u").c_str(), "r");
  if (!pipe) throw std::runtime_error("no ldd");
  char* line = nullptr;
  std::size_t room = 0;
  for (ssize_t length; (length = getline(&line, &room, pipe)) > 0;)
    bytes += static_cast<double>(fs::file_size(std::string(line, static_cast<std::size_t>(length) - 1)));
  free(line);
  pclose(pipe);
  return bytes / (1 << 20);
}

std::string quoted(const std::string& list, const std::string& before) {
  std::string out;
  for (const std::string& part : split(list, ';'))
    if (!part.empty()) out += " " + before + "'" + part + "'";
  return out;
}

}  // namespace

void cost(const Places& places, Results& results) {
  struct Row {
    const char* name;
    std::string source, flags, libraries;
    std::vector<double> compile, link, run, memory, size;
  };
  std::vector<Row> rows;
  rows.push_back({"xgrad", places.get("xgrad_source"), quoted(places.get("xgrad_include"), "-I"),
                  quoted(places.get("xgrad_libraries"), "") + " -pthread", {}, {}, {}, {}, {}});
  if (places.torch) {
    const std::string lib = places.get("torch_folder");
    rows.push_back({"libtorch", places.get("torch_source"), quoted(places.get("torch_include"), "-I"),
                    " -L'" + lib + "' -Wl,-rpath,'" + lib + "' -Wl,--no-as-needed -ltorch -ltorch_cpu -lc10", {}, {},
                    {}, {}, {}});
  }
  const std::string compiler = places.get("compiler");
  for (int round = 0; round < 3; ++round) {
    for (Row& row : rows) {
      const std::string program = (places.programs / ("cost_" + std::string(row.name))).string();
      row.compile.push_back(timed("'" + compiler + "' -std=c++20 -O2 -c" + row.flags + " '" + row.source + "' -o '" +
                                  program + ".o'"));
      row.link.push_back(timed("'" + compiler + "' '" + program + ".o' -o '" + program + "'" + row.libraries));
      for (int i = 0; i < 7; ++i) row.run.push_back(timed("'" + program + "'"));
      row.memory.push_back(memory_of(program));
      row.size.push_back(size_of(program));
    }
  }
  const auto best = [](const std::vector<double>& all) { return *std::min_element(all.begin(), all.end()); };
  std::printf("W10  a program of ten lines (best of %zu)\n", rows[0].compile.size());
  std::printf("  %-10s %12s %10s %14s %16s %18s\n", "", "compile (s)", "link (s)", "start, run (s)", "memory (MB)",
              "with libraries (MB)");
  for (const Row& row : rows)
    std::printf("  %-10s %12.3f %10.3f %14.4f %16.1f %18.1f\n", row.name, best(row.compile), best(row.link),
                best(row.run), best(row.memory), best(row.size));
  const auto add = [&](const char* part, std::vector<double> Row::*figure) {
    const double own = best(rows[0].*figure), other = best(rows[1].*figure);
    results.rows.push_back({"W10", part, own, "libtorch", other, other / own, "W10 " + std::string(part)});
  };
  if (rows.size() == 2) {
    add("compile a file of ten lines", &Row::compile);
    add("link it", &Row::link);
    add("start and run it", &Row::run);
    add("most memory held (MB)", &Row::memory);
    add("program and shared libraries (MB)", &Row::size);
  }
  std::printf("\n");
}

}  // namespace bench
