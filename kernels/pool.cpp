#include <xgrad/kernels/pool.hpp>

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace xgrad::kernels {
namespace {

constexpr int worker_spins = 3000;   // some tens of microseconds: the gap between two kernels of one step
constexpr int caller_spins = 20000;
constexpr std::int64_t largest_job = std::int64_t{1} << 30;
constexpr int most_threads = 1024;

thread_local bool inside = false;  // this thread runs a chunk

void pause_briefly() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

/// A stretch of a job's chunks. Its ticket is the job's number and how many of them nobody has claimed.
struct alignas(64) Share {
  std::atomic<std::uint64_t> ticket{0};
};

/// The state of the one job there can be at a time.
///
/// Each thread has a share of the chunks, which is the same in every job of so many chunks, so that it finds in its
/// own cache what it wrote in the job before; when it is done with it, it claims chunks of the others' shares. Since a
/// job's number and what is left of a share change together, a late worker can never claim a chunk of another job than
/// the one it looked at; and the job's other fields stay as they are while a claimed chunk is unfinished.
class Pool {
 public:
  void run(std::int64_t chunks, ChunkFunction function, void* context);
  bool enter() { return !busy_.load(std::memory_order_relaxed) && !busy_.exchange(true, std::memory_order_acquire); }
  void leave() { busy_.store(false, std::memory_order_release); }
  void resize(int count);
  void forget_workers();

 private:
  void worker(int number, std::uint32_t seen);
  void work(int number, std::uint32_t job);
  bool claim(Share& share, std::uint32_t job, std::uint32_t& left);
  void cancel(std::uint32_t job);
  void finish(std::uint32_t count);
  /// The first chunk behind a thread's share.
  std::uint32_t share_end(int number) const {
    const auto threads = static_cast<std::uint64_t>(sized_for_);
    return static_cast<std::uint32_t>(chunks_.load(std::memory_order_relaxed) *
                                      static_cast<std::uint64_t>(number + 1) / threads);
  }
  void wait_for_chunks();

  std::unique_ptr<Share[]> shares_ = std::make_unique<Share[]>(1);
  alignas(64) std::atomic<std::uint32_t> job_{0};
  alignas(64) std::atomic<std::uint32_t> unfinished_{0};
  std::atomic<bool> caller_sleeps_{false};
  alignas(64) std::atomic<int> asleep_{0};
  std::atomic<bool> busy_{false};
  std::atomic<bool> stop_{false};
  std::atomic<ChunkFunction> function_{nullptr};
  std::atomic<void*> context_{nullptr};
  std::atomic<std::uint32_t> chunks_{0};
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
  std::vector<std::thread>* workers_ = nullptr;
  int sized_for_ = 1;
};

bool Pool::claim(Share& share, std::uint32_t job, std::uint32_t& left) {
  std::uint64_t ticket = share.ticket.load(std::memory_order_acquire);
  for (;;) {
    left = static_cast<std::uint32_t>(ticket);
    if (static_cast<std::uint32_t>(ticket >> 32) != job || left == 0) return false;
    if (share.ticket.compare_exchange_weak(ticket, ticket - 1, std::memory_order_acq_rel)) return true;
  }
}

void Pool::finish(std::uint32_t count) {
  if (unfinished_.fetch_sub(count) == count && caller_sleeps_.load()) unfinished_.notify_one();
}

void Pool::cancel(std::uint32_t job) {
  for (int i = 0; i < sized_for_; ++i) {
    std::atomic<std::uint64_t>& of_share = shares_[static_cast<std::size_t>(i)].ticket;
    std::uint64_t ticket = of_share.load(std::memory_order_acquire);
    std::uint32_t left = 0;
    do {
      left = static_cast<std::uint32_t>(ticket);
      if (static_cast<std::uint32_t>(ticket >> 32) != job) left = 0;
    } while (left != 0 && !of_share.compare_exchange_weak(ticket, ticket - left, std::memory_order_acq_rel));
    if (left != 0) finish(left);
  }
}

void Pool::work(int number, std::uint32_t job) {
  for (int i = 0; i < sized_for_; ++i) {
    const int owner = (number + i) % sized_for_;
    Share& share = shares_[static_cast<std::size_t>(owner)];
    std::uint32_t left = 0;
    while (claim(share, job, left)) {
      const std::uint32_t chunk = share_end(owner) - left;
      try {
        function_.load(std::memory_order_relaxed)(context_.load(std::memory_order_relaxed), chunk);
      } catch (...) {
        if (!failed_.exchange(true)) error_ = std::current_exception();
        cancel(job);
      }
      finish(1);
    }
  }
}

void Pool::worker(int number, std::uint32_t seen) {
  inside = true;
  for (;;) {
    std::uint32_t job = job_.load(std::memory_order_acquire);
    for (int spin = 0; job == seen && spin < worker_spins; ++spin) {
      pause_briefly();
      job = job_.load(std::memory_order_acquire);
    }
    if (job == seen) {
      asleep_.fetch_add(1);
      job_.wait(seen);
      asleep_.fetch_sub(1);
      continue;
    }
    seen = job;
    if (stop_.load(std::memory_order_acquire)) return;
    work(number, job);
  }
}

void Pool::wait_for_chunks() {
  for (int spin = 0; spin < caller_spins; ++spin) {
    if (unfinished_.load(std::memory_order_acquire) == 0) return;
    pause_briefly();
  }
  caller_sleeps_.store(true);
  for (std::uint32_t left = unfinished_.load(); left != 0; left = unfinished_.load()) unfinished_.wait(left);
  caller_sleeps_.store(false);
}

void Pool::run(std::int64_t chunks, ChunkFunction function, void* context) {
  const auto count = static_cast<std::uint32_t>(chunks);
  const std::uint32_t job = job_.load(std::memory_order_relaxed) + 1;
  function_.store(function, std::memory_order_relaxed);
  context_.store(context, std::memory_order_relaxed);
  chunks_.store(count, std::memory_order_relaxed);
  unfinished_.store(count, std::memory_order_relaxed);
  for (int i = 0; i < sized_for_; ++i) {
    const std::uint32_t size = share_end(i) - share_end(i - 1);
    shares_[static_cast<std::size_t>(i)].ticket.store((std::uint64_t{job} << 32) | size, std::memory_order_release);
  }
  job_.store(job);
  if (const int sleepers = asleep_.load(); sleepers > 0) {
    if (sleepers < chunks) {
      job_.notify_all();
    } else {
      for (std::int64_t i = 1; i < chunks; ++i) job_.notify_one();
    }
  }
  inside = true;
  work(0, job);
  inside = false;
  wait_for_chunks();
  if (failed_.load(std::memory_order_acquire)) {
    failed_.store(false, std::memory_order_relaxed);
    std::rethrow_exception(std::exchange(error_, nullptr));
  }
}

void Pool::resize(int count) {
  if (sized_for_ == count) return;
  if (workers_ == nullptr) workers_ = new std::vector<std::thread>;
  stop_.store(true, std::memory_order_relaxed);
  job_.fetch_add(1);
  job_.notify_all();
  for (std::thread& thread : *workers_) thread.join();
  workers_->clear();
  stop_.store(false, std::memory_order_relaxed);
  sized_for_ = 1;
  shares_ = std::make_unique<Share[]>(static_cast<std::size_t>(count));
  sized_for_ = count;
  try {
    const std::uint32_t job = job_.load(std::memory_order_relaxed);
    while (static_cast<int>(workers_->size()) < count - 1) {
      const int number = static_cast<int>(workers_->size()) + 1;
      workers_->emplace_back([this, number, job] { worker(number, job); });
    }
  } catch (const std::system_error&) {
    // The system gives no more threads: the work is done by those there are.
  }
}

void Pool::forget_workers() {
  workers_ = nullptr;  // their handles stay where they are: a std::thread that has no thread cannot be destroyed
  sized_for_ = 1;
  shares_[0].ticket.store(0);
  asleep_.store(0);
  stop_.store(false);
  caller_sleeps_.store(false);
  failed_.store(false);
  leave();
}

/// Never destroyed, so that destructors running at exit may still compute.
Pool& the_pool() {
  static Pool* const pool = [] {
    auto* made = new Pool;
    pthread_atfork(nullptr, nullptr, [] { the_pool().forget_workers(); });
    return made;
  }();
  return *pool;
}

std::atomic<bool> exiting{false};

/// Ends the workers at exit, unless a thread still computes.
struct AtExit {
  Pool* pool = nullptr;
  ~AtExit() {
    exiting.store(true);
    if (pool == nullptr || inside || !pool->enter()) return;
    pool->resize(1);
    pool->leave();
  }
};

int default_threads() {
  if (const char* text = std::getenv("XGRAD_NUM_THREADS"); text != nullptr && *text != '\0') {
    int count = 0;
    const char* end = text + std::strlen(text);
    const auto [rest, error] = std::from_chars(text, end, count);
    if (error != std::errc{} || rest != end || count < 1 || count > most_threads) {
      throw std::invalid_argument("XGRAD_NUM_THREADS: expected a number from 1 to " + std::to_string(most_threads) +
                                  ", got '" + text + "'");
    }
    return count;
  }
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  int count = 0;
  if (sched_getaffinity(0, sizeof cpus, &cpus) == 0) count = CPU_COUNT(&cpus);
  if (count == 0) count = static_cast<int>(std::thread::hardware_concurrency());
  return std::clamp(count, 1, most_threads);
}

std::atomic<int>& wanted_threads() {
  static std::atomic<int> wanted{default_threads()};
  return wanted;
}

}  // namespace

int num_threads() { return wanted_threads().load(std::memory_order_relaxed); }

void set_num_threads(int count) {
  if (count < 1 || count > most_threads) {
    throw std::invalid_argument("set_num_threads: expected a number from 1 to " + std::to_string(most_threads) +
                                ", got " + std::to_string(count));
  }
  wanted_threads().store(count, std::memory_order_relaxed);
}

void parallel(std::int64_t chunks, ChunkFunction f, void* context) {
  if (chunks <= 0) return;
  const auto run_here = [&] {
    for (std::int64_t chunk = 0; chunk < chunks; ++chunk) f(context, chunk);
  };
  const int threads = chunks == 1 ? 1 : num_threads();
  if (threads == 1 || inside || chunks > largest_job || exiting.load(std::memory_order_relaxed)) return run_here();
  Pool& pool = the_pool();
  if (!pool.enter()) return run_here();
  struct Leave {
    Pool& pool;
    ~Leave() { pool.leave(); }
  } const leave{pool};
  static AtExit at_exit;
  at_exit.pool = &pool;
  pool.resize(threads);
  pool.run(chunks, f, context);
}

}  // namespace xgrad::kernels
