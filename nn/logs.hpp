#pragma once
/// What training and evaluation report.

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xgrad {

/// Named numbers in the order they were added: logs["loss"].
class Logs {
 public:
  using Entry = std::pair<std::string, double>;
  void add(std::string_view name, double value) { entries_.emplace_back(name, value); }
  /// Adds or replaces.
  void set(std::string_view name, double value);
  bool contains(std::string_view name) const;
  /// Throws ValueError, with the near misses, for a name there is not.
  double operator[](std::string_view name) const;
  const std::vector<Entry>& entries() const { return entries_; }
  auto begin() const { return entries_.begin(); }
  auto end() const { return entries_.end(); }

 private:
  std::vector<Entry> entries_;
};

/// "accuracy: 0.8912 - loss: 0.3012"
std::ostream& operator<<(std::ostream& out, const Logs& logs);

/// The logs of each epoch: history["loss"] has one number an epoch.
class History {
 public:
  /// Adds an epoch.
  void add(int epoch, const Logs& logs);
  bool contains(std::string_view name) const;
  /// Throws ValueError, with the near misses, for a name there is not.
  const std::vector<double>& operator[](std::string_view name) const;
  const std::vector<int>& epochs() const { return epochs_; }
  std::vector<std::string> names() const;
  const std::vector<std::pair<std::string, std::vector<double>>>& entries() const { return entries_; }

 private:
  std::vector<int> epochs_;
  std::vector<std::pair<std::string, std::vector<double>>> entries_;
};

}  // namespace xgrad
