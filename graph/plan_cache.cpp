/// The plan cache: plans by structure, compared whole, limited in bytes.

#include <xgrad/graph/plan.hpp>
#include <xgrad/graph/plan_ir.hpp>

#include <cstring>
#include <atomic>
#include <list>
#include <unordered_map>

namespace xgrad {
namespace {

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
  return hash ^ hash >> 29;
}

std::uint64_t hash_of(const Key& key) {
  // Four chains of two words side by side, since each step of one waits for its last multiplication.
  std::uint64_t chains[4] = {key.size(), 1, 2, 3};
  std::size_t i = 0;
  for (; i + 8 <= key.size(); i += 8) {
    std::uint64_t words[4];
    std::memcpy(words, key.data() + i, sizeof(words));
    for (std::size_t c = 0; c < 4; ++c) chains[c] = mix(chains[c], words[c]);
  }
  for (; i < key.size(); ++i) chains[0] = mix(chains[0], key[i]);
  return mix(mix(mix(chains[0], chains[1]), chains[2]), chains[3]);
}

class Cache {
 public:
  std::shared_ptr<const Plan> find(std::uint64_t hash, const Key& key) {
    const std::lock_guard lock(mutex_);
    const auto [first, last] = index_.equal_range(hash);
    for (auto it = first; it != last; ++it) {
      if (it->second->key != key) continue;
      entries_.splice(entries_.begin(), entries_, it->second);
      ++hits_;
      return it->second->plan;
    }
    ++misses_;
    return nullptr;
  }

  void add(std::uint64_t hash, const Key& key, const std::shared_ptr<const Plan>& plan) {
    const std::lock_guard lock(mutex_);
    const std::size_t bytes = key.size() * sizeof(key[0]) + plan->bytes;
    if (bytes > limit_) return;
    entries_.push_front({hash, key, plan, bytes});
    index_.emplace(hash, entries_.begin());
    bytes_ += bytes;
    trim();
  }

  PlanCacheStats stats() {
    const std::lock_guard lock(mutex_);
    return {hits_ + repeats_.load(), misses_, entries_.size(), bytes_, repeats_.load()};
  }
  void reset_stats() {
    const std::lock_guard lock(mutex_);
    hits_ = misses_ = repeats_ = 0;
  }
  void count_repeat() { repeats_.fetch_add(1, std::memory_order_relaxed); }
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }
  void clear() {
    const std::lock_guard lock(mutex_);
    forgotten();
    index_.clear();
    entries_.clear();
    bytes_ = 0;
  }
  void set_limit(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    limit_ = bytes;
    trim();
  }

 private:
  struct Entry {
    std::uint64_t hash;
    Key key;
    std::shared_ptr<const Plan> plan;
    std::size_t bytes;
  };
  void forgotten() { generation_.fetch_add(1, std::memory_order_acq_rel); }
  void trim() {
    std::size_t again = entries_.size();  // each gets one more chance if it was used
    while (bytes_ > limit_ && !entries_.empty()) {
      const Entry& oldest = entries_.back();
      if (again-- > 1 && oldest.plan->used.exchange(false, std::memory_order_relaxed)) {
        entries_.splice(entries_.begin(), entries_, std::prev(entries_.end()));
        continue;
      }
      forgotten();
      const auto [first, last] = index_.equal_range(oldest.hash);
      for (auto it = first; it != last; ++it) {
        if (&*it->second != &oldest) continue;
        index_.erase(it);
        break;
      }
      bytes_ -= oldest.bytes;
      entries_.pop_back();
    }
  }

  std::mutex mutex_;
  std::list<Entry> entries_;  // newest use first
  std::unordered_multimap<std::uint64_t, std::list<Entry>::iterator> index_;
  std::size_t bytes_ = 0, limit_ = std::size_t{64} << 20;
  std::atomic<std::uint64_t> repeats_{0}, generation_{1};
  std::uint64_t hits_ = 0, misses_ = 0;
};

Cache& cache() {
  static Cache* plans = new Cache;  // threads may still evaluate while the process ends
  return *plans;
}

}  // namespace

std::shared_ptr<const Plan> plan_for(const Request& request, bool* hit) {
  const std::uint64_t hash = hash_of(request.key);
  if (auto plan = cache().find(hash, request.key)) {
    if (hit) *hit = true;
    return plan;
  }
  if (hit) *hit = false;
  auto plan = make_plan(request);
  cache().add(hash, request.key, plan);
  return plan;
}

std::uint64_t plan_generation() { return cache().generation(); }
void count_repeat(const Plan& plan) {
  if (!plan.used.load(std::memory_order_relaxed)) plan.used.store(true, std::memory_order_relaxed);
  cache().count_repeat();
}

PlanCacheStats plan_cache_stats() { return cache().stats(); }
void reset_plan_cache_stats() { cache().reset_stats(); }
void clear_plan_cache() { cache().clear(); }
void set_plan_cache_limit(std::size_t bytes) { cache().set_limit(bytes); }

namespace {
std::atomic<unsigned> optimisations{~0u};
}

void set_optimisation(Optimisation which, bool on) {
  const unsigned bit = 1u << static_cast<unsigned>(which);
  if (on) optimisations.fetch_or(bit);
  else optimisations.fetch_and(~bit);
  clear_plan_cache();
}

bool optimisation(Optimisation which) { return optimisations.load() >> static_cast<unsigned>(which) & 1; }

}  // namespace xgrad
