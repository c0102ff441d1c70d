#pragma once
/// Reference-counted blocks of memory from size-class free lists.

#include <atomic>
#include <cstddef>
#include <cstdint>

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

/// A buffer of `bytes` bytes with unspecified contents. Throws std::bad_alloc, leaving the pool as it was.
/// Blocks of 2 MB and more are 2 MB aligned and advised as huge pages. Zero bytes give a valid, non-null address.
Buffer* allocate(std::size_t bytes);

/// A buffer over memory that somebody else owns and keeps alive and unchanged; it is pinned.
Buffer* borrow(void* data, std::size_t bytes);

void retain(Buffer* buffer);   ///< counts one more owner; null does nothing
void release(Buffer* buffer);  ///< counts one owner less; null does nothing

/// Bytes in the hands of users (capacities, without borrowed memory), the most there ever were, and bytes kept for
/// reuse. No more is kept than the larger of `peak` and 256 MB, apart from a few MB a thread.
struct MemoryStats {
  std::size_t live = 0, peak = 0, cached = 0;
};
MemoryStats memory_stats();

/// Gives cached blocks back to the system, except the small ones in other running threads' hands.
void release_cached();

/// Fills blocks with NaN bytes (0xFF) when they are given up, so that a read after that shows. Off by default;
/// XGRAD_CHECK_MEMORY=1 turns it on.
void set_poison(bool on);

}  // namespace xgrad::kernels
