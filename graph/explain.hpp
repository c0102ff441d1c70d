#pragma once
/// What an evaluation would do, and how long its steps take.

#include <xgrad/graph/tensor.hpp>

namespace xgrad {

/// The plan that an evaluation of these tensors would run now, with everything else that is due: a line a step, with
/// instructions, bytes read and written, the shape of the loop and its tiles, where operands are and results go, and
/// which results are written over the memory of what they replace. Nothing is computed; a plan that is not known yet is
/// made and kept. With a Profile alive, steps that ran have their mean time.
std::string explain(const Tensor& y);
std::string explain(std::span<const Tensor> tensors);

/// One step of one run, in nanoseconds since the profile started.
struct ProfiledStep {
  std::uint32_t plan = 0, step = 0;  ///< the plan's number in the profile, and the step's in it
  std::uint32_t thread = 0;          ///< of those that evaluated: 0, 1, ...
  std::int64_t begin = 0, end = 0;
};

/// A step of a plan, with its sums over all runs.
struct ProfiledPlanStep {
  std::string name, detail;
  std::size_t instructions = 0, read = 0, written = 0;  ///< of one run, as `explain` has them
  std::int64_t nanoseconds = 0;
  std::uint64_t runs = 0;
};

/// While it lives, every evaluation of the process is measured step by step. Measuring costs two readings of the clock
/// a step. There is one at a time.
///
///     Profile profile;
///     for (int i = 0; i < 100; ++i) step();
///     std::cout << profile.table();
///     io::save_chrome_trace("trace.json", profile);  // xgrad/io/chrome_trace.hpp
class Profile {
 public:
  /// Starts. Throws ValueError if another Profile is running.
  Profile();
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  /// Ends measuring; what was measured stays.
  void stop();

  /// The plans that ran so far, in the order they were first met, each with its steps.
  std::vector<std::vector<ProfiledPlanStep>> plans() const;
  /// The runs of single steps so far in the order they ended, at most the first million; the sums go on.
  std::vector<ProfiledStep> steps() const;
  /// Steps of all plans, the dearest first: runs, mean time, share of the time, bytes a second, name and detail.
  std::string table(std::size_t most = 20) const;

 private:
  std::vector<std::vector<ProfiledPlanStep>> plans_;
  std::vector<ProfiledStep> steps_;
  bool running_ = true;
};

}  // namespace xgrad
