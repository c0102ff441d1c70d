#pragma once
/// The thread pool: workers claim chunks, so a busy neighbour costs little.

#include <cstdint>
#include <type_traits>

namespace xgrad::kernels {

/// How many threads `parallel` uses, the caller included: XGRAD_NUM_THREADS, else the number of cores this process may
/// use.
int num_threads();

/// Sets the number of threads (at least 1). Results never depend on it.
void set_num_threads(int count);

using ChunkFunction = void (*)(void* context, std::int64_t chunk);

/// Calls f(context, 0) ... f(context, chunks - 1), each once, in any order, on the caller and the workers that are
/// awake.
/// Returns when all are done; the first exception thrown by a chunk reaches the caller. Calls from inside a chunk,
/// and calls while another thread uses the pool, run on the calling thread.
void parallel(std::int64_t chunks, ChunkFunction f, void* context);

/// The same for any callable taking the chunk's number.
template <class F>
void parallel(std::int64_t chunks, F&& f) {
  parallel(
      chunks, [](void* context, std::int64_t chunk) { (*static_cast<std::remove_reference_t<F>*>(context))(chunk); },
      const_cast<void*>(static_cast<const void*>(&f)));
}

}  // namespace xgrad::kernels
