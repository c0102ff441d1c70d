#include <xgrad/report/progress.hpp>

#include <xgrad/graph/error.hpp>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string_view>

namespace xgrad::report {

namespace {

constexpr int bar_width = 20;
constexpr int default_columns = 80;

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? std::string_view(value) : std::string_view();
}

bool locale_is_utf8() {
  // The order in which the C library looks for the character set.
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string_view value = environment(name);
    if (value.empty()) continue;
    std::string lower(value);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
    return lower.find("utf-8") != std::string::npos || lower.find("utf8") != std::string::npos;
  }
  return false;
}

std::string printed(const char* format, double value) {
  char text[400];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

int characters(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), starts_character));
}

// At most `room` characters, the last one a mark if something is cut off.
std::string cut(const std::string& text, int room, const char* mark) {
  if (characters(text) <= room) return text;
  const int keep = room - characters(mark);
  if (keep <= 0) return {};
  std::size_t at = 0;
  for (int seen = 0; at < text.size(); ++at)
    if (starts_character(text[at]) && seen++ == keep) break;
  return text.substr(0, at) + mark;
}

}  // namespace

std::string format_metrics(std::span<const Metric> metrics) {
  std::string text;
  for (const auto& [name, value] : metrics)
    text += " - " + name + ": " + printed(std::abs(value) > 1e-3 ? "%.4f" : "%.4e", value);
  return text;
}

std::string format_duration(double seconds) {
  const double limit = 1e15;
  const auto whole = static_cast<long long>(std::llround(std::clamp(seconds, 0.0, limit)));
  char text[64];
  if (whole >= 3600) std::snprintf(text, sizeof text, "%lld:%02lld:%02lld", whole / 3600, whole / 60 % 60, whole % 60);
  else if (whole >= 60) std::snprintf(text, sizeof text, "%lld:%02lld", whole / 60, whole % 60);
  else std::snprintf(text, sizeof text, "%llds", whole);
  return text;
}

std::string format_step_time(double seconds) {
  if (!(seconds > 0)) return "0us/step";
  // Rounded first, so that 0.9996 ms does not become 1000 us.
  if (seconds >= 0.9995) return printed("%.0fs/step", seconds);
  if (seconds >= 0.0009995) return printed("%.0fms/step", seconds * 1e3);
  return printed("%.0fus/step", seconds * 1e6);
}

Progress::Progress(std::int64_t epoch, std::int64_t epochs, std::int64_t steps, ProgressOptions options)
    : options_(options), epoch_(epoch), epochs_(epochs), steps_(std::max<std::int64_t>(steps, 0)) {
  if (options_.verbose < 0 || options_.verbose > 2)
    throw ValueError("[Progress] expected verbose 0, 1 or 2, got " + std::to_string(options_.verbose));
  const bool to_standard = options_.out == nullptr || options_.out == &std::cout;
  if (!options_.out) options_.out = &std::cout;
  using Terminal = ProgressOptions::Terminal;
  const bool detect = options_.terminal == Terminal::detect;
  const bool seen = detect && to_standard && isatty(STDOUT_FILENO);
  terminal_ = options_.verbose == 1 && (seen || options_.terminal == Terminal::yes);
  if (detect && !locale_is_utf8()) options_.ascii = true;
  if (!environment("NO_COLOR").empty() || environment("TERM") == "dumb") options_.color = false;
  start_ = now();
  if (epochs_ > 0 && (terminal_ || options_.verbose == 2))
    *options_.out << "Epoch " << epoch_ << '/' << epochs_ << std::endl;
}

Progress::~Progress() {
  if (finished_ || !has_drawn_) return;
  try {
    *options_.out << std::endl;
  } catch (...) {  // a stream that throws has nothing more to show
  }
}

double Progress::now() const { return options_.clock ? options_.clock() : steady_seconds(); }

int Progress::columns() const {
  if (options_.width > 0) return options_.width;
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return default_columns;
}

double Progress::seconds_per_step() const {
  if (step_ <= 0) return 0;
  if (step_ > first_step_) return (now() - after_first_) / static_cast<double>(step_ - first_step_);
  return (now() - start_) / static_cast<double>(step_);
}

std::string Progress::count() const {
  const std::string done = std::to_string(step_);
  if (steps_ == 0) return done + "/Unknown";
  const std::string all = std::to_string(steps_);
  return std::string(all.size() > done.size() ? all.size() - done.size() : 0, ' ') + done + "/" + all;
}

std::string Progress::times(bool done) const {
  const double left = steps_ > step_ ? seconds_per_step() * static_cast<double>(steps_ - step_) : 0;
  const bool elapsed = done || steps_ == 0;
  return format_duration(elapsed ? now() - start_ : left);
}

std::string Progress::bar(int width) const {
  const auto done = static_cast<int>(static_cast<double>(width) * static_cast<double>(std::min(step_, steps_)) /
                                     static_cast<double>(steps_));
  std::string filled, rest;
  const char* rest_sign = options_.ascii ? "." : options_.color ? "━" : "─";
  for (int i = 0; i < done; ++i) filled += options_.ascii ? "=" : "━";
  for (int i = done; i < width; ++i) rest += rest_sign;
  if (!options_.color) return filled + rest;
  if (!filled.empty()) filled = "\x1b[32m" + filled + "\x1b[0m";
  if (!rest.empty()) rest = "\x1b[37m" + rest + "\x1b[0m";
  return filled + rest;
}

bool Progress::due() const {
  if (!terminal_ || finished_) return false;
  return !has_drawn_ || now() - drawn_ >= options_.interval;
}

void Progress::draw(std::span<const Metric> metrics) {
  const std::string head = count();
  const std::string tail = times(finished_) + " " + format_step_time(seconds_per_step()) + format_metrics(metrics);
  // One column stays free: some terminals wrap when the last is filled. The last drawing may wrap.
  const int room = columns() - 1;
  const int gap = 2;
  int width = steps_ > 0 ? bar_width : 0;
  if (!finished_) width = std::clamp(room - characters(head) - gap - characters(tail), 0, width);
  std::string line = options_.color ? "\x1b[1m" + head + "\x1b[0m " : head + " ";
  if (width > 0) line += bar(width) + " ";
  const int used = characters(head) + 1 + (width > 0 ? width + 1 : 0);
  line += finished_ ? tail : cut(tail, std::max(room - used, 0), options_.ascii ? "." : "…");
  *options_.out << '\r' << line << "\x1b[K";
  if (finished_) *options_.out << '\n';
  *options_.out << std::flush;
  has_drawn_ = true;
  drawn_ = now();
}

void Progress::update(std::int64_t step, std::span<const Metric> metrics) {
  if (finished_ || options_.verbose == 0) return;
  step_ = step;
  if (first_step_ == 0 && step > 0) {
    first_step_ = step;
    after_first_ = now();
  }
  if (due()) draw(metrics);
}

void Progress::finish(std::span<const Metric> metrics) {
  if (finished_) return;
  finished_ = true;
  if (options_.verbose == 0) return;
  if (steps_ > 0) step_ = steps_;
  if (terminal_) return draw(metrics);
  std::ostream& out = *options_.out;
  if (options_.verbose == 1 && epochs_ > 0) out << "Epoch " << epoch_ << '/' << epochs_ << " - ";
  out << count() << " - " << times(true) << " - " << format_step_time(seconds_per_step()) << format_metrics(metrics)
      << std::endl;
}

}  // namespace xgrad::report
