#pragma once
/// Reference-counted blocks of memory from size-class free lists.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace xgrad::kernels {

/// A block of at least `bytes` bytes, 64-byte aligned. Counted by `retain` and `release`; the last release returns it
/// to the pool; borrowed memory stays with its owner.
struct Buffer {
  std::atomic<std::uint32_t> refs{1};
  std::atomic<bool> pinned{false};  ///< its address was given out: never taken over
  std::size_t bytes = 0;            ///< what was asked for
  std::size_t capacity = 0;         ///< what the block holds; 0 for borrowed memory
  std::byte* data = nullptr;
};

/// A buffer of `bytes` bytes with unspecified contents. Throws std::bad_alloc, or MemoryLimitReached, leaving the pool
/// as it was.
/// Blocks of 2 MB and more are 2 MB aligned and advised as huge pages. Zero bytes give a valid, non-null address.
Buffer* allocate(std::size_t bytes);

/// A buffer over memory that somebody else owns and keeps alive and unchanged; it is pinned.
Buffer* borrow(void* data, std::size_t bytes);

void retain(Buffer* buffer);   ///< counts one more owner; null does nothing
void release(Buffer* buffer);  ///< counts one owner less; null does nothing

/// Bytes in the hands of users (capacities, without borrowed memory), the most since the last `reset_peak`, and bytes
/// kept for reuse. No more is kept than the larger of the most there ever were and 256 MB (or than `set_cache_limit`
/// says), apart from a few MB a thread.
struct MemoryStats {
  std::size_t live = 0, peak = 0, cached = 0;
};
MemoryStats memory_stats();
/// The peak becomes what is live now.
void reset_peak();

/// No more than this may be live at a time; 0 for no limit. Blocks kept for reuse go back to the system before live and
/// kept ones together exceed it.
void set_memory_limit(std::size_t bytes);
std::size_t memory_limit();
/// No more than this is kept for reuse; `unlimited_cache` goes back to what MemoryStats says.
inline constexpr std::size_t unlimited_cache = static_cast<std::size_t>(-1);
void set_cache_limit(std::size_t bytes);

/// What `allocate` throws at the limit; it says how much was wanted and how much is live.
class MemoryLimitReached : public std::bad_alloc {
 public:
  MemoryLimitReached(std::size_t wanted, std::size_t live, std::size_t limit) noexcept;
  const char* what() const noexcept override { return text_; }

 private:
  char text_[160];
};

/// For tests: the n-th allocation from now, by any thread, throws std::bad_alloc; 0 takes that back.
void fail_allocation(std::int64_t n);

/// Gives cached blocks back to the system, except the small ones in other running threads' hands.
void release_cached();

/// Fills blocks with NaN bytes (0xFF) when they are given up, so that a read after that shows. Off by default;
/// XGRAD_CHECK_MEMORY=1 turns it on.
void set_poison(bool on);

}  // namespace xgrad::kernels
