#pragma once
/// What runs of plans note for a Profile. Internal to graph/.

#include <xgrad/graph/explain.hpp>
#include <xgrad/graph/plan_ir.hpp>

#include <atomic>
#include <mutex>
#include <thread>
#include <unordered_map>

namespace xgrad {

/// The process's only one; it outlives every Profile, since a run may end after the Profile did.
class Profiler {
 public:
  static Profiler& only();

  void start();
  /// Hands over what was measured, and ends.
  void stop(std::vector<std::vector<ProfiledPlanStep>>& plans, std::vector<ProfiledStep>& steps);
  void copy(std::vector<std::vector<ProfiledPlanStep>>* plans, std::vector<ProfiledStep>* steps);

  /// The plan's number in this profile. Later runs only look it up.
  std::uint32_t meet(const Plan& plan, const Request& request);
  std::int64_t now() const;
  void note(std::uint32_t plan, std::uint32_t step, std::int64_t begin) noexcept;

  /// The sums of this plan's steps; empty if it has not run in a profile that is still running.
  std::vector<ProfiledPlanStep> steps_of(const Plan& plan);

 private:
  friend Profiler* running_profiler();
  std::atomic<bool> on_{false};
  std::mutex mutex_;
  std::atomic<std::int64_t> start_{0};
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;  // by the plan's
  std::unordered_map<std::thread::id, std::uint32_t> threads_;
  std::vector<std::vector<ProfiledPlanStep>> plans_;
  std::vector<ProfiledStep> steps_;
};

/// Null unless a Profile is running.
inline Profiler* running_profiler() {
  static Profiler& profiler = Profiler::only();
  return profiler.on_.load(std::memory_order_relaxed) ? &profiler : nullptr;
}

}  // namespace xgrad
