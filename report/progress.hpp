#pragma once
/// The progress of an epoch, as Keras shows it.

#include <cstdint>
#include <iosfwd>
#include <span>
#include <string>
#include <utility>

namespace xgrad::report {

/// A name with its number: "loss", 0.3012.
using Metric = std::pair<std::string, double>;

/// What stands where, and how often it is drawn.
struct ProgressOptions {
  int verbose = 1;               ///< 0 nothing, 1 a bar on a terminal (a line elsewhere), 2 lines without a bar
  std::ostream* out = nullptr;   ///< null: standard output
  enum class Terminal : std::uint8_t { detect, no, yes };
  Terminal terminal = Terminal::detect;  ///< `detect`: yes if `out` is standard output and that is a terminal
  int width = 0;                 ///< columns; 0 asks the terminal before each drawing (80 if it does not know)
  bool color = true;             ///< the environment's NO_COLOR and TERM=dumb switch it off too
  bool ascii = false;            ///< a bar of '=' and '.'; also where the locale is not UTF-8
  double interval = 0.1;         ///< seconds between drawings
  double (*clock)() = nullptr;   ///< seconds from any origin; null: a steady clock
};

/// Shows one epoch. On a terminal with verbose = 1
///     Epoch 1/5
///     1875/1875 ━━━━━━━━━━━━━━━━━━━━ 2s 1ms/step - accuracy: 0.8912 - loss: 0.3012
/// redrawn in place; in a file or pipe one line when the epoch is over, without control characters:
///     Epoch 1/5 - 1875/1875 - 2s - 1ms/step - accuracy: 0.8912 - loss: 0.3012
/// With verbose = 2 Keras's two lines, "Epoch 1/5" and the rest. Numbers above 0.001 have four decimals, others four
/// digits and an exponent. The time per step leaves the first step out, in which the plan is made.
class Progress {
 public:
  /// `epoch` counts from 1; `epochs` = 0 leaves out "Epoch ..." (evaluate, predict); `steps` = 0: their number is
  /// unknown.
  /// Throws ValueError for a verbosity other than 0, 1 and 2.
  Progress(std::int64_t epoch, std::int64_t epochs, std::int64_t steps, ProgressOptions options = {});
  /// Ends the line that stands on the terminal if the epoch was not finished.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Whether `update` would draw now. Reading metrics is work: ask this first.
  bool due() const;
  /// `step` steps are done; redraws if due.
  void update(std::int64_t step, std::span<const Metric> metrics = {});
  /// The epoch is over: draws the last state with the time it took.
  void finish(std::span<const Metric> metrics = {});

 private:
  double now() const;
  int columns() const;
  double seconds_per_step() const;
  std::string times(bool done) const;
  std::string count() const;
  std::string bar(int width) const;
  void draw(std::span<const Metric> metrics);

  ProgressOptions options_;
  std::int64_t epoch_, epochs_, steps_, step_ = 0, first_step_ = 0;
  double start_ = 0, after_first_ = 0, drawn_ = 0;
  bool terminal_ = false, has_drawn_ = false, finished_ = false;
};

/// " - accuracy: 0.8912 - loss: 0.3012"
std::string format_metrics(std::span<const Metric> metrics);
/// "2s" and more: "59s", "1:05", "1:02:03".
std::string format_duration(double seconds);
/// "12s/step", "3ms/step", "40us/step"
std::string format_step_time(double seconds);

}  // namespace xgrad::report
