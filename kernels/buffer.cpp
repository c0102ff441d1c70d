#include <xgrad/kernels/buffer.hpp>

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <new>

namespace xgrad::kernels {
namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr bool pooled = false;
#else
constexpr bool pooled = true;
#endif

constexpr std::size_t alignment = 64;
constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr std::size_t kept_at_least = std::size_t{256} << 20;
constexpr std::size_t largest_request = std::size_t{1} << 60;
constexpr int class_count = 4 + 4 * 52;         // 64 bytes to 2^60
constexpr int thread_class_count = 4 + 4 * 8;   // a thread keeps blocks up to 64 KB for itself
constexpr std::size_t thread_bytes_a_class = 128 << 10;

/// A header, kept with its memory for good: in front of it, or apart for blocks of huge pages.
struct alignas(alignment) Block : Buffer {
  Block* next = nullptr;
  int size_class = 0;
};
static_assert(sizeof(Block) == alignment, "the data behind a header must stay aligned");

/// Four classes for each power of two: at most a quarter more than what was asked, above 256 bytes.
int class_of(std::size_t bytes) {
  if (bytes <= 256) return bytes == 0 ? 0 : static_cast<int>((bytes - 1) / 64);
  const int power = static_cast<int>(std::bit_width(bytes - 1)) - 1;
  const auto quarter = static_cast<int>(((bytes - 1) >> (power - 2)) & 3);
  return 4 + 4 * (power - 8) + quarter;
}

std::size_t capacity_of(int size_class) {
  if (size_class < 4) return 64 * (static_cast<std::size_t>(size_class) + 1);
  const int power = 8 + (size_class - 4) / 4;
  const auto quarters = static_cast<std::size_t>((size_class - 4) % 4) + 5;
  return quarters << (power - 2);
}

int thread_limit(int size_class) {
  return static_cast<int>(std::clamp<std::size_t>(thread_bytes_a_class / capacity_of(size_class), 2, 32));
}

/// `held` is all the memory taken from the system, so what is cached is held - live.
struct Counts {
  alignas(64) std::atomic<std::size_t> live{0};
  alignas(64) std::atomic<std::size_t> peak{0};
  std::atomic<std::size_t> most{0};  // the peak that is never reset
  std::atomic<std::size_t> held{0};
};

/// What an allocation has to ask before it takes memory; mostly nothing.
struct Rules {
  std::atomic<bool> any{false};
  std::atomic<std::size_t> limit{0};
  std::atomic<std::int64_t> until_failure{0};
  std::atomic<std::size_t> cache_limit{unlimited_cache};
};

/// Never destroyed: buffers may be released by destructors that run at exit.
struct Shared {
  std::mutex mutex;
  std::array<Block*, class_count> lists{};
};

constinit Counts counts;
constinit Rules rules;
constinit Shared shared;
std::atomic<bool> poison{[] {
  const char* set = std::getenv("XGRAD_CHECK_MEMORY");
  return set != nullptr && std::strcmp(set, "1") == 0;
}()};

struct ThreadCache {
  std::array<Block*, thread_class_count> lists{};
  std::array<std::uint8_t, thread_class_count> lengths{};
  bool registered = false;  // its end will be noticed
  bool ended = false;
};
constinit thread_local ThreadCache cache;

void raise(std::atomic<std::size_t>& peak, std::size_t live) {
  std::size_t before = peak.load(std::memory_order_relaxed);
  while (live > before && !peak.compare_exchange_weak(before, live, std::memory_order_relaxed)) {}
}

void count_live(std::size_t bytes) {
  const std::size_t live = counts.live.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (live <= counts.peak.load(std::memory_order_relaxed)) return;
  raise(counts.peak, live);
  raise(counts.most, live);
}

std::byte* map_huge(std::size_t bytes) {
  void* mapped = mmap(nullptr, bytes + huge_page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) return nullptr;
  auto* begin = static_cast<std::byte*>(mapped);
  const std::size_t head = (huge_page - reinterpret_cast<std::uintptr_t>(begin) % huge_page) % huge_page;
  if (head != 0) munmap(begin, head);
  munmap(begin + head + bytes, huge_page - head);
  madvise(begin + head, bytes, MADV_HUGEPAGE);
  return begin + head;
}

/// A new block, or null.
Block* from_system(int size_class) {
  const std::size_t capacity = capacity_of(size_class);
  Block* block = nullptr;
  if (capacity >= huge_page) {
    block = new (std::nothrow) Block;
    if (block == nullptr) return nullptr;
    block->data = map_huge(capacity);
    if (block->data == nullptr) {
      delete block;
      return nullptr;
    }
  } else {
    void* memory = std::aligned_alloc(alignment, sizeof(Block) + capacity);
    if (memory == nullptr) return nullptr;
    block = new (memory) Block;
    block->data = static_cast<std::byte*>(memory) + sizeof(Block);
  }
  block->capacity = capacity;
  block->size_class = size_class;
  counts.held.fetch_add(capacity, std::memory_order_relaxed);
  return block;
}

void to_system(Block* list) {
  while (list != nullptr) {
    Block* block = list;
    list = block->next;
    counts.held.fetch_sub(block->capacity, std::memory_order_relaxed);
    if (block->capacity >= huge_page) {
      munmap(block->data, block->capacity);
      delete block;
    } else {
      std::free(block);
    }
  }
}

std::size_t cached_bytes() {
  const std::size_t live = counts.live.load(std::memory_order_relaxed);
  const std::size_t held = counts.held.load(std::memory_order_relaxed);
  return held > live ? held - live : 0;
}

/// Frees shared blocks, the largest first, until no more than `bytes` are cached.
void trim(std::size_t bytes) {
  Block* doomed = nullptr;
  {
    const std::lock_guard lock(shared.mutex);
    std::size_t cached = cached_bytes();
    for (int size_class = class_count - 1; size_class >= 0 && cached > bytes; --size_class) {
      Block*& list = shared.lists[size_class];
      while (list != nullptr && cached > bytes) {
        Block* block = list;
        list = block->next;
        block->next = doomed;
        doomed = block;
        cached -= std::min(cached, block->capacity);
      }
    }
  }
  to_system(doomed);
}

void trim_if_large() {
  const std::size_t limit = std::min(std::max(counts.most.load(std::memory_order_relaxed), kept_at_least),
                                     rules.cache_limit.load(std::memory_order_relaxed));
  if (cached_bytes() > limit) trim(limit);
}

/// Moves the first `count` blocks of this thread's list to the shared one.
void give_back(int size_class, int count) {
  Block* first = cache.lists[size_class];
  Block* last = first;
  for (int i = 1; i < count; ++i) last = last->next;
  cache.lists[size_class] = last->next;
  cache.lengths[size_class] = static_cast<std::uint8_t>(cache.lengths[size_class] - count);
  const std::lock_guard lock(shared.mutex);
  last->next = shared.lists[size_class];
  shared.lists[size_class] = first;
}

void give_back_all() {
  for (int size_class = 0; size_class < thread_class_count; ++size_class) {
    if (cache.lengths[size_class] > 0) give_back(size_class, cache.lengths[size_class]);
  }
}

struct ThreadEnd {
  bool noticed = false;
  ~ThreadEnd() {
    give_back_all();
    cache.ended = true;
  }
};
thread_local ThreadEnd thread_end;

void register_thread() {
  thread_end.noticed = true;
  cache.registered = true;
  // A child of fork must not inherit a lock that another thread held.
  static const int handlers = pthread_atfork([] { shared.mutex.lock(); }, [] { shared.mutex.unlock(); },
                                             [] { shared.mutex.unlock(); });
  static_cast<void>(handlers);
}

/// One block from the shared lists, with some more for this thread's cache if the class is small; or null.
Block* from_shared(int size_class) {
  const bool keep_more = size_class < thread_class_count && !cache.ended;
  if (keep_more && !cache.registered) register_thread();
  const std::lock_guard lock(shared.mutex);
  Block*& list = shared.lists[size_class];
  Block* block = list;
  if (block == nullptr) return nullptr;
  list = block->next;
  if (!keep_more) return block;
  for (int more = thread_limit(size_class) / 2 - 1; more > 0 && list != nullptr; --more) {
    Block* next = list->next;
    list->next = cache.lists[size_class];
    cache.lists[size_class] = list;
    ++cache.lengths[size_class];
    list = next;
  }
  return block;
}

Block* find_block(int size_class) {
  Block* block = from_shared(size_class);
  if (block == nullptr) block = from_system(size_class);
  if (block == nullptr) {
    release_cached();
    block = from_system(size_class);
  }
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void recycle(Block* block) {
  const int size_class = block->size_class;
  if (size_class < thread_class_count && !cache.ended) {
    if (!cache.registered) register_thread();
    block->next = cache.lists[size_class];
    cache.lists[size_class] = block;
    if (++cache.lengths[size_class] <= thread_limit(size_class)) return;
    give_back(size_class, cache.lengths[size_class] / 2);
  } else {
    const std::lock_guard lock(shared.mutex);
    block->next = shared.lists[size_class];
    shared.lists[size_class] = block;
  }
  trim_if_large();
}

/// Throws if this allocation may not be; may give cached blocks back first.
void ask_rules(std::size_t bytes) {
  if (rules.until_failure.load(std::memory_order_relaxed) > 0 &&
      rules.until_failure.fetch_sub(1, std::memory_order_relaxed) == 1)
    throw std::bad_alloc();
  const std::size_t limit = rules.limit.load(std::memory_order_relaxed);
  if (limit == 0) return;
  const std::size_t wanted = pooled ? capacity_of(class_of(bytes)) : bytes;
  const std::size_t live = counts.live.load(std::memory_order_relaxed);
  if (wanted > limit || live > limit - wanted) throw MemoryLimitReached(wanted, live, limit);
  if (live + cached_bytes() > limit - wanted) release_cached();
}

/// Without the pool: the memory's bounds are what was asked, so that a checker sees every access outside of them.
Block* allocate_apart(std::size_t bytes) {
  const std::size_t capacity = std::max<std::size_t>(bytes, 1);
  auto* data = static_cast<std::byte*>(::operator new(capacity, std::align_val_t{alignment}));
  auto* block = new (std::nothrow) Block;
  if (block == nullptr) {
    ::operator delete(data, std::align_val_t{alignment});
    throw std::bad_alloc();
  }
  block->data = data;
  block->capacity = capacity;
  counts.held.fetch_add(capacity, std::memory_order_relaxed);
  return block;
}

void release_apart(Block* block) {
  counts.held.fetch_sub(block->capacity, std::memory_order_relaxed);
  ::operator delete(block->data, std::align_val_t{alignment});
  delete block;
}

void give_up(Buffer* buffer) {
  auto* block = static_cast<Block*>(buffer);
  if (block->capacity == 0) {
    delete block;
    return;
  }
  if (poison.load(std::memory_order_relaxed)) std::memset(block->data, 0xFF, block->capacity);
  counts.live.fetch_sub(block->capacity, std::memory_order_relaxed);
  if constexpr (pooled) {
    recycle(block);
  } else {
    release_apart(block);
  }
}

}  // namespace

MemoryLimitReached::MemoryLimitReached(std::size_t wanted, std::size_t live, std::size_t limit) noexcept {
  std::snprintf(text_, sizeof text_,
                "expected at most %.1f MB of tensors (set_memory_limit), got %.1f MB more than %.1f",
                static_cast<double>(limit) / 1048576, static_cast<double>(wanted) / 1048576,
                static_cast<double>(live) / 1048576);
}

Buffer* allocate(std::size_t bytes) {
  if (bytes > largest_request) throw std::bad_alloc();
  if (rules.any.load(std::memory_order_relaxed)) ask_rules(bytes);
  Block* block = nullptr;
  if constexpr (pooled) {
    const int size_class = class_of(bytes);
    if (size_class < thread_class_count && cache.lists[size_class] != nullptr) {
      block = cache.lists[size_class];
      cache.lists[size_class] = block->next;
      --cache.lengths[size_class];
    } else {
      block = find_block(size_class);
    }
  } else {
    block = allocate_apart(bytes);
  }
  block->refs.store(1, std::memory_order_relaxed);
  block->pinned.store(false, std::memory_order_relaxed);
  block->bytes = bytes;
  count_live(block->capacity);
  return block;
}

Buffer* borrow(void* data, std::size_t bytes) {
  auto* block = new Block;
  block->pinned.store(true, std::memory_order_relaxed);
  block->bytes = bytes;
  block->data = static_cast<std::byte*>(data);
  return block;
}

void retain(Buffer* buffer) {
  if (buffer != nullptr) buffer->refs.fetch_add(1, std::memory_order_relaxed);
}

void release(Buffer* buffer) {
  if (buffer == nullptr) return;
  // A sole owner cannot be joined by another, so the common case needs no read-modify-write.
  if (buffer->refs.load(std::memory_order_acquire) == 1 ||
      buffer->refs.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    give_up(buffer);
  }
}

MemoryStats memory_stats() {
  MemoryStats stats;
  stats.live = counts.live.load(std::memory_order_relaxed);
  stats.peak = counts.peak.load(std::memory_order_relaxed);
  stats.cached = cached_bytes();
  return stats;
}

void reset_peak() {
  counts.peak.store(counts.live.load(std::memory_order_relaxed), std::memory_order_relaxed);
}

namespace {
void look_at_rules() {
  rules.any.store(rules.limit.load() > 0 || rules.until_failure.load() > 0, std::memory_order_relaxed);
}
}  // namespace

void set_memory_limit(std::size_t bytes) {
  rules.limit.store(bytes);
  look_at_rules();
}
std::size_t memory_limit() { return rules.limit.load(std::memory_order_relaxed); }

void set_cache_limit(std::size_t bytes) {
  rules.cache_limit.store(bytes);
  trim_if_large();
}

void fail_allocation(std::int64_t n) {
  rules.until_failure.store(n);
  look_at_rules();
}

void release_cached() {
  give_back_all();
  trim(0);
}

void set_poison(bool on) { poison.store(on, std::memory_order_relaxed); }

}  // namespace xgrad::kernels
