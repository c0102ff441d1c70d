#pragma once
/// Figures about the plan cache, for tests and for those who want to see.

#include <cstddef>
#include <cstdint>

namespace xgrad {

/// What the plan cache did since the process started, or since `reset_plan_cache_stats`.
struct PlanCacheStats {
  std::uint64_t hits = 0;    ///< evaluations that found their plan
  std::uint64_t misses = 0;  ///< evaluations that made one
  std::size_t plans = 0;     ///< plans kept
  std::size_t bytes = 0;     ///< what they occupy, keys included
  std::uint64_t repeats = 0;  ///< hits that found what an earlier evaluation of the thread found, and needed no key
};
PlanCacheStats plan_cache_stats();
void reset_plan_cache_stats();
/// Forgets every plan.
void clear_plan_cache();
/// Limits the cache (default 64 MB); plans used longest ago go first. A plan larger than the limit is not kept.
void set_plan_cache_limit(std::size_t bytes);

/// Runs every operation as soon as it is recorded on this thread, through the same planner (also XGRAD_EAGER=1).
void set_eager(bool eager);

/// What the planner does to make a request faster. Each leaves the bits as they are, and can be switched off to see
/// what it brings, or to find a mistake.
enum class Optimisation : unsigned {
  subexpressions,  ///< what is asked for twice is computed once
  identities,      ///< x * 1 and the like, what is known of constants, and broadcasts that are read through
  fusion,          ///< elementwise operations and reductions of rows in one loop
  recomputing,     ///< cheap values computed again instead of stored
  column_folds,    ///< reductions over rows done by the loop that makes the rows
  taking_over,     ///< results written to memory that nobody needs any more
  reuse,           ///< temporaries that share memory one after another
  reading_together,  ///< loops that read the same array and do not need each other are one
};
inline constexpr unsigned optimisation_count = 8;
/// For all threads; forgets every plan. All are on at first.
void set_optimisation(Optimisation which, bool on);
bool optimisation(Optimisation which);

}  // namespace xgrad
