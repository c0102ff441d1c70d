#include <xgrad/graph/memory.hpp>
#include <xgrad/kernels/buffer.hpp>

namespace xgrad {

MemoryStats memory_stats() {
  const kernels::MemoryStats now = kernels::memory_stats();
  return {now.live, now.peak, now.cached, kernels::memory_limit()};
}

void reset_peak_memory() { kernels::reset_peak(); }
void set_memory_limit(std::size_t bytes) { kernels::set_memory_limit(bytes); }
void set_memory_cache_limit(std::size_t bytes) { kernels::set_cache_limit(bytes); }
void release_cached_memory() { kernels::release_cached(); }

}  // namespace xgrad
