/// The plan cache: plans by structure, compared whole, limited in bytes.

#include <xgrad/graph/plan.hpp>
#include <xgrad/graph/plan_ir.hpp>

#include <algorithm>
#include <cstring>
#include <list>
#include <unordered_map>

namespace xgrad {
namespace {

using Key = std::vector<std::uint64_t>;
using KeyView = std::span<const std::uint64_t>;

/// All that a plan may rely on, as words in `room`, which grows as needed.
KeyView write_key(const Request& request, Key& room) {
  const std::size_t n = request.order.size();
  // Words a node may need: head, operation, two attributes, its shape, its list, its inputs and the shapes lent to it.
  constexpr std::size_t fixed = 4 + max_rank;
  std::size_t most = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Node* node = request.order[i];
    most += fixed + list_of(node).size() + (node->computed() ? 0 : node->arity);
    if (!node->computed() && node->op->shape_only) most += node->arity * (1 + max_rank);
  }
  if (room.size() < most) room.resize(most);
  std::uint64_t* out = room.data();
  for (std::size_t i = 0; i < n; ++i) {
    const Node* node = request.order[i];
    const bool leaf = node->computed();
    std::uint64_t head = static_cast<std::uint64_t>(node->dtype) | static_cast<std::uint64_t>(node->shape.rank()) << 8 |
                         static_cast<std::uint64_t>(leaf) << 16;
    if (leaf) {
      head |= static_cast<std::uint64_t>(request.takeable[i]) << 17;
      head |= static_cast<std::uint64_t>(node->flags.number) << 18 | static_cast<std::uint64_t>(node->flags.exact)
                                                                         << 19;
      *out++ = head;
      if (node->flags.number && node->flags.exact) {
        std::uint64_t bits;
        std::memcpy(&bits, &node->value, sizeof(bits));
        *out++ = bits;
      }
      for (const std::int64_t length : node->shape) *out++ = static_cast<std::uint64_t>(length);
      continue;
    }
    head |= static_cast<std::uint64_t>(request.stored[i]) << 17;
    const auto list = list_of(node);
    const bool attributes = node->attributes[0] || node->attributes[1];
    head |= static_cast<std::uint64_t>(attributes) << 19;
    head |= static_cast<std::uint64_t>(node->arity) << 20 | static_cast<std::uint64_t>(list.size()) << 40;
    *out++ = head;
    *out++ = reinterpret_cast<std::uint64_t>(node->op);
    for (const std::int64_t length : node->shape) *out++ = static_cast<std::uint64_t>(length);
    if (attributes) {
      *out++ = static_cast<std::uint64_t>(node->attributes[0]);
      *out++ = static_cast<std::uint64_t>(node->attributes[1]);
    }
    for (const std::int64_t item : list) *out++ = static_cast<std::uint64_t>(item);
    for (std::uint32_t k = 0; k < node->arity; ++k) {
      const std::uint32_t input = request.inputs[request.first_input[i] + k];
      // A reader may see another shape than the input computes only through its own node, so shapes of inputs that
      // are in the order need no words; those that only lend their shape do.
      *out++ = input;
      if (input != no_index) continue;
      const Node* lender = node->inputs[k];
      *out++ = static_cast<std::uint64_t>(lender->shape.rank()) << 8 | static_cast<std::uint64_t>(lender->dtype);
      for (const std::int64_t length : lender->shape) *out++ = static_cast<std::uint64_t>(length);
    }
  }
  return {room.data(), static_cast<std::size_t>(out - room.data())};
}

std::uint64_t mix(std::uint64_t hash, std::uint64_t word) {
  hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
  return hash ^ hash >> 29;
}

std::uint64_t hash_of(KeyView key) {
  // Four chains side by side, since each step of one waits for its last multiplication.
  std::uint64_t chains[4] = {key.size(), 1, 2, 3};
  std::size_t i = 0;
  for (; i + 4 <= key.size(); i += 4)
    for (std::size_t c = 0; c < 4; ++c) chains[c] = mix(chains[c], key[i + c]);
  for (; i < key.size(); ++i) chains[0] = mix(chains[0], key[i]);
  return mix(mix(mix(chains[0], chains[1]), chains[2]), chains[3]);
}

class Cache {
 public:
  std::shared_ptr<const Plan> find(std::uint64_t hash, KeyView key) {
    const std::lock_guard lock(mutex_);
    const auto [first, last] = index_.equal_range(hash);
    for (auto it = first; it != last; ++it) {
      if (!std::equal(it->second->key.begin(), it->second->key.end(), key.begin(), key.end())) continue;
      entries_.splice(entries_.begin(), entries_, it->second);
      ++hits_;
      return it->second->plan;
    }
    ++misses_;
    return nullptr;
  }

  void add(std::uint64_t hash, KeyView key, const std::shared_ptr<const Plan>& plan) {
    const std::lock_guard lock(mutex_);
    const std::size_t bytes = key.size() * sizeof(key[0]) + plan->bytes;
    if (bytes > limit_) return;
    entries_.push_front({hash, Key(key.begin(), key.end()), plan, bytes});
    index_.emplace(hash, entries_.begin());
    bytes_ += bytes;
    trim();
  }

  PlanCacheStats stats() {
    const std::lock_guard lock(mutex_);
    return {hits_, misses_, entries_.size(), bytes_};
  }
  void reset_stats() {
    const std::lock_guard lock(mutex_);
    hits_ = misses_ = 0;
  }
  void clear() {
    const std::lock_guard lock(mutex_);
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
  void trim() {
    while (bytes_ > limit_ && !entries_.empty()) {
      const Entry& oldest = entries_.back();
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
  std::uint64_t hits_ = 0, misses_ = 0;
};

Cache& cache() {
  static Cache* plans = new Cache;  // threads may still evaluate while the process ends
  return *plans;
}

}  // namespace

std::shared_ptr<const Plan> plan_for(const Request& request) {
  // Kept from call to call: the words of a plan that is found are never looked at again.
  static thread_local Key room;
  const KeyView key = write_key(request, room);
  const std::uint64_t hash = hash_of(key);
  if (auto plan = cache().find(hash, key)) return plan;
  auto plan = make_plan(request);
  cache().add(hash, key, plan);
  constexpr std::size_t most_kept = std::size_t{1} << 20;
  if (room.size() > most_kept) Key().swap(room);
  return plan;
}

PlanCacheStats plan_cache_stats() { return cache().stats(); }
void reset_plan_cache_stats() { cache().reset_stats(); }
void clear_plan_cache() { cache().clear(); }
void set_plan_cache_limit(std::size_t bytes) { cache().set_limit(bytes); }

}  // namespace xgrad
