#pragma once
/// Figures about the memory of tensors, and limits to it. All of it is of the whole process.

#include <cstddef>

namespace xgrad {

/// Bytes of tensors' memory. What a computation needs on its way is live while it runs; recorded operations themselves,
/// numbers that stay the caller's (`borrow`) and plans (`plan_cache_stats`) are not counted.
struct MemoryStats {
  std::size_t live = 0;    ///< in use, rounded up to the sizes of blocks (at most a quarter more than was asked)
  std::size_t peak = 0;    ///< the most that was live since the process started, or since `reset_peak_memory`
  std::size_t cached = 0;  ///< taken from the system and kept for the next tensors
  std::size_t limit = 0;   ///< what `set_memory_limit` said; 0 for none
};
MemoryStats memory_stats();

/// The peak becomes what is live now, to measure the part of a program that follows.
void reset_peak_memory();

/// No more than this may be live at a time: an evaluation that needs more throws std::bad_alloc, whose `what()` says
/// how much it wanted, and leaves everything as it was. 0 takes the limit away.
void set_memory_limit(std::size_t bytes);

/// No more than this is kept for reuse, apart from a few MB a thread; 0 keeps nothing else, so every large tensor is
/// paid for with fresh pages. By default the larger of 256 MB and the most that ever was live.
void set_memory_cache_limit(std::size_t bytes);

/// Gives what is kept back to the system, except small blocks of other running threads.
void release_cached_memory();

}  // namespace xgrad
