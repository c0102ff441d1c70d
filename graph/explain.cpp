#include <xgrad/graph/plan_text.hpp>
#include <xgrad/graph/profiler.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <new>

namespace xgrad {
namespace {

constexpr std::size_t most_steps = 1000000;

std::int64_t clock_now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::string counted(std::size_t n, const char* what) { return std::to_string(n) + " " + what + (n == 1 ? "" : "s"); }

std::string time_text(double nanoseconds) {
  char text[32];
  if (nanoseconds < 1e4) std::snprintf(text, sizeof text, "%.0f ns", nanoseconds);
  else if (nanoseconds < 1e7) std::snprintf(text, sizeof text, "%.1f us", nanoseconds / 1e3);
  else std::snprintf(text, sizeof text, "%.1f ms", nanoseconds / 1e6);
  return text;
}

std::string padded(const std::string& text, int width) {
  const auto missing = static_cast<std::size_t>(std::abs(width)) - std::min<std::size_t>(std::abs(width), text.size());
  return width < 0 ? std::string(missing, ' ') + text : text + std::string(missing, ' ');
}

}  // namespace

// --- the profiler ----------------------------------------------------------------------------------------------------

Profiler& Profiler::only() {
  static auto* profiler = new Profiler;
  return *profiler;
}

void Profiler::start() {
  const std::lock_guard lock(mutex_);
  if (on_) throw ValueError("[Profile] expected no other Profile to be running, got a second one");
  start_ = clock_now();
  on_ = true;
}

void Profiler::stop(std::vector<std::vector<ProfiledPlanStep>>& plans, std::vector<ProfiledStep>& steps) {
  const std::lock_guard lock(mutex_);
  on_ = false;
  plans.swap(plans_);
  steps.swap(steps_);
  numbers_.clear();
  threads_.clear();
  plans_.clear();
  steps_.clear();
}

void Profiler::copy(std::vector<std::vector<ProfiledPlanStep>>* plans, std::vector<ProfiledStep>* steps) {
  const std::lock_guard lock(mutex_);
  if (plans) *plans = plans_;
  if (steps) *steps = steps_;
}

std::uint32_t Profiler::meet(const Plan& plan, const Request& request) {
  const std::lock_guard lock(mutex_);
  if (const auto found = numbers_.find(plan.number); found != numbers_.end()) return found->second;
  std::vector<ProfiledPlanStep> steps;
  for (StepText& text : text_of(plan, request))
    steps.push_back({std::move(text.name), std::move(text.detail), text.instructions, text.read, text.written, 0, 0});
  const auto number = static_cast<std::uint32_t>(plans_.size());
  plans_.push_back(std::move(steps));
  numbers_.emplace(plan.number, number);
  return number;
}

std::int64_t Profiler::now() const { return clock_now() - start_; }

// Values may have been replaced by now, so a lack of memory costs a line of the profile and nothing else.
void Profiler::note(std::uint32_t plan, std::uint32_t step, std::int64_t begin) noexcept {
  const std::int64_t end = now();
  const std::lock_guard lock(mutex_);
  if (!on_ || plan >= plans_.size() || step >= plans_[plan].size()) return;
  plans_[plan][step].nanoseconds += end - begin;
  ++plans_[plan][step].runs;
  if (steps_.size() >= most_steps) return;
  try {
    const std::uint32_t thread =
        threads_.emplace(std::this_thread::get_id(), static_cast<std::uint32_t>(threads_.size())).first->second;
    steps_.push_back({plan, step, thread, begin, end});
  } catch (const std::bad_alloc&) {
  }
}

std::vector<ProfiledPlanStep> Profiler::steps_of(const Plan& plan) {
  const std::lock_guard lock(mutex_);
  const auto found = numbers_.find(plan.number);
  return found == numbers_.end() ? std::vector<ProfiledPlanStep>() : plans_[found->second];
}

// --- profiles --------------------------------------------------------------------------------------------------------

Profile::Profile() { Profiler::only().start(); }
Profile::~Profile() { stop(); }

void Profile::stop() {
  if (!running_) return;
  running_ = false;
  Profiler::only().stop(plans_, steps_);
}

std::vector<std::vector<ProfiledPlanStep>> Profile::plans() const {
  std::vector<std::vector<ProfiledPlanStep>> plans = plans_;
  if (running_) Profiler::only().copy(&plans, nullptr);
  return plans;
}

std::vector<ProfiledStep> Profile::steps() const {
  std::vector<ProfiledStep> steps = steps_;
  if (running_) Profiler::only().copy(nullptr, &steps);
  return steps;
}

std::string Profile::table(std::size_t most) const {
  struct Row {
    std::size_t plan, step;
    ProfiledPlanStep sums;
  };
  std::vector<Row> rows;
  double total = 0;
  const auto all = plans();
  for (std::size_t plan = 0; plan < all.size(); ++plan) {
    for (std::size_t step = 0; step < all[plan].size(); ++step) {
      if (all[plan][step].runs == 0) continue;
      rows.push_back({plan, step, all[plan][step]});
      total += static_cast<double>(all[plan][step].nanoseconds);
    }
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const Row& a, const Row& b) { return a.sums.nanoseconds > b.sums.nanoseconds; });
  std::string text = counted(all.size(), "plan") + ", " + time_text(total) + " in " + counted(rows.size(), "step") +
                     "\n" + "   runs       mean  share    GB/s  plan.step  what\n";
  for (std::size_t i = 0; i < rows.size() && i < most; ++i) {
    const ProfiledPlanStep& s = rows[i].sums;
    const double mean = static_cast<double>(s.nanoseconds) / static_cast<double>(s.runs);
    char numbers[96];
    std::snprintf(numbers, sizeof numbers, "%7llu %10s %5.1f%% %7.1f  %9s  ", static_cast<unsigned long long>(s.runs),
                  time_text(mean).c_str(), 100 * static_cast<double>(s.nanoseconds) / std::max(total, 1.0),
                  static_cast<double>(s.read + s.written) / std::max(mean, 1.0),
                  (std::to_string(rows[i].plan + 1) + "." + std::to_string(rows[i].step + 1)).c_str());
    text += numbers + s.name + ": " + s.detail + "\n";
  }
  if (rows.size() > most) text += "   and " + counted(rows.size() - most, "step") + " more\n";
  return text;
}

// --- explain ---------------------------------------------------------------------------------------------------------

std::string explain(std::span<const Tensor> tensors) {
  const Request request = request_of(tensors);
  const auto computed = [](std::uint8_t leaf) { return leaf != 0; };
  if (std::all_of(request.leaf.begin(), request.leaf.end(), computed)) return "nothing to compute\n";
  const std::shared_ptr<const Plan> plan = plan_for(request);
  const std::vector<StepText> steps = text_of(*plan, request);
  std::vector<ProfiledPlanStep> times;
  if (Profiler* profiler = running_profiler()) times = profiler->steps_of(*plan);

  std::size_t read = 0, written = 0, instructions = 0, nodes = 0, taken = 0, results = 0;
  for (const StepText& step : steps) {
    read += step.read;
    written += step.written;
    instructions += step.instructions;
  }
  for (std::size_t i = 0; i < request.order.size(); ++i) nodes += !request.leaf[i];
  for (const Result& result : plan->results) {
    taken += result.takes != none;
    results += result.bytes;
  }
  std::string text = counted(nodes, "operation") + " in " + counted(steps.size(), "step") + " (" +
                     counted(instructions, "fused instruction") + "); reads " + bytes_text(read) + ", writes " +
                     bytes_text(written) + "\n" + counted(plan->results.size(), "result") + ", " +
                     bytes_text(results) +
                     (taken ? ", " + std::to_string(taken) + " in place of what they replace" : "") +
                     "; temporaries share " + bytes_text(plan->arena_bytes) + "\n";
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const StepText& step = steps[i];
    text += padded(std::to_string(i + 1), -4) + "  " + step.name + "  [reads " + bytes_text(step.read) + ", writes " +
            bytes_text(step.written);
    if (step.instructions) text += ", " + counted(step.instructions, "instruction");
    if (i < times.size() && times[i].runs > 0)
      text += ", " + time_text(static_cast<double>(times[i].nanoseconds) / static_cast<double>(times[i].runs)) + " x " +
              std::to_string(times[i].runs);
    text += "]\n      " + step.detail + "\n";
  }
  return text;
}

std::string explain(const Tensor& y) { return explain(std::span(&y, 1)); }

}  // namespace xgrad
