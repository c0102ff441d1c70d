#pragma once
/// Watching one number of the logs. Internal to nn/.

#include <xgrad/nn/callback.hpp>

#include <ostream>

namespace xgrad::callbacks {

/// A monitored number, which way is better, and the best so far.
struct Monitor {
  Monitor(std::string_view callback, std::string name, std::string mode, double min_delta);

  /// The number, or nothing with a warning.
  std::optional<double> value(const Run& run, const Logs& logs) const;
  /// Whether `value` is better than `reference` by more than min_delta; true if there is no reference. Throws
  /// ValueError if the way is not known.
  bool improves(const Run& run, double value, std::optional<double> reference);

  std::string callback, name, mode;
  double min_delta;
  std::optional<double> best;

 private:
  std::optional<bool> larger_;
};

}  // namespace xgrad::callbacks
