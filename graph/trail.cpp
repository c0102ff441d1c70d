#include <xgrad/graph/evaluation.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

namespace xgrad {
namespace {

constexpr std::uint32_t first_reader = 1u << 31;
constexpr std::size_t most_trails = 8, most_steps = std::size_t{1} << 17, most_foreign = 64;

/// The bits of a node's arity, dtype, flags and standing that an evaluation does not write itself.
std::uint64_t compared_bits() {
  Standing written;
  written.asked = true;
  return 0xffff'ffff'ffffu | static_cast<std::uint64_t>(0x1f & ~std::bit_cast<std::uint8_t>(written)) << 48;
}

/// What a node is and how it stands, as it was before the evaluation asked for it.
std::uint64_t word_of(const Node* node, std::uint64_t bits) {
  constexpr std::size_t at = offsetof(Node, arity);
  static_assert(offsetof(Node, dtype) == at + 4);
  static_assert(offsetof(Node, flags) == at + 5 && offsetof(Node, standing) == at + 6);
  std::uint64_t word;
  std::memcpy(&word, reinterpret_cast<const char*>(node) + at, sizeof(word));
  return word & bits;
}

std::uint64_t word_of_outside(const Node* node) {
  return static_cast<std::uint64_t>(node->dtype) |
         static_cast<std::uint64_t>(std::bit_cast<std::uint8_t>(node->flags)) << 8;
}

std::uint64_t value_of(const Node* node) {
  std::uint64_t value;
  std::memcpy(&value, &node->value, sizeof(value));
  return value;
}

}  // namespace

std::uint32_t place_among(std::span<Slot* const> slots, const Slot* slot) {
  return static_cast<std::uint32_t>(std::find(slots.begin(), slots.end(), slot) - slots.begin());
}

Trail::Outside Trail::describe(const Node* node, bool leaf, std::uint32_t uses, const ThreadState& state,
                               std::span<Slot* const> slots) {
  Outside out;
  out.shape = node->shape;
  out.word = word_of_outside(node);
  out.exact = node->flags.number && node->flags.exact;
  if (out.exact) out.value = value_of(node);
  out.uses = uses;
  out.leaf = leaf;
  out.computed = node->computed();
  out.own = node->owner == &state;
  if (is_replaced(node)) out.slot = place_among(slots, node->slot);
  if (!leaf) return out;
  out.leads = xgrad::leads(node);
  out.takeable = could_take(node, uses);
  return out;
}

bool Trail::fits(const Outside& outside, Node* node, std::span<Slot* const> slots) const {
  if (word_of_outside(node) != outside.word || !(node->shape == outside.shape)) return false;
  if (outside.exact && value_of(node) != outside.value) return false;
  if (node->computed() != outside.computed) return false;
  const bool replaced = is_replaced(node);
  if (outside.slot == no_index ? replaced : !replaced || slots[outside.slot] != node->slot) return false;
  return !outside.leaf || (xgrad::leads(node) == outside.leads && could_take(node, outside.uses) == outside.takeable);
}

bool Trail::build(ThreadState& state, const Found& found) {
  const Request& request = found.request;
  std::vector<std::uint8_t> bound(request.order.size());
  places_ = request.order.size();
  const auto place_of = [&](const Node* node) {
    if (node->owner == &state) return node->stamp == found.number ? node->index : no_index;
    const auto at = found.foreign.find(node);
    return at == found.foreign.end() ? no_index : at->second;
  };
  const auto add_place = [&](Node* node) {
    if (node->owner != &state) return false;
    node->stamp = found.number;
    node->index = static_cast<std::uint32_t>(places_++);
    bound.push_back(0);
    return true;
  };
  std::size_t needed = 0;
  for (std::size_t at = state.evaluated; at < state.history.size(); ++at) {
    Node* const node = state.history[at];
    if (!node) continue;
    const Kept kept(node);  // what other threads have dropped waits in their list, by its stamp
    if (!kept || node->computed() || carried_by(node)) return false;
    if (place_of(node) == no_index) add_place(node);
    Step step{.op = node->op,
              .counts = node->counts.load(std::memory_order_relaxed) - (node->standing.asked ? 2 : 1) * one_reference,
              .word = word_of(node, compared_bits()),
              .place = node->index};
    if (node->slot) {
      step.slot = place_among(found.slots, node->slot);
      if (step.slot == found.slots.size() || !node->standing.assigned) return false;
    }
    for (Node* input : node->in()) {
      std::uint32_t place = place_of(input);
      if (place == no_index && !add_place(input)) return false;
      place = place_of(input);
      if (bound[place]) {
        inputs_.push_back(place);
        continue;
      }
      const bool in_order = place < request.order.size();
      if (in_order && !request.leaf[place]) return false;  // pending for longer
      bound[place] = 1;
      inputs_.push_back(place | first_reader);
      outside_.push_back(describe(input, in_order, in_order ? found.uses[place] : 0, state, found.slots));
      if (outside_.back().slot == found.slots.size()) return false;
      if (!outside_.back().own) foreign_.push_back(place);
    }
    if (node->flags.attributed) {
      const auto list = list_of(node);
      attributes_.insert(attributes_.end(), {node->attributes[0], node->attributes[1],
                                             static_cast<std::int64_t>(list.size())});
      attributes_.insert(attributes_.end(), list.begin(), list.end());
    }
    bound[step.place] = 1;
    needed += step.place < request.order.size();
    steps_.push_back(step);
  }
  std::size_t nodes = 0;
  for (const std::uint8_t leaf : request.leaf) nodes += !leaf;
  if (nodes != needed || foreign_.size() > most_foreign || places_ >= first_reader) return false;
  // Values computed earlier from what is replaced lose their history: not told from what is compared.
  if (!found.slots.empty() && state.listed != steps_.size()) return false;
  for (const Tensor& root : found.roots.first(found.asked)) roots_.push_back(root.node()->index);
  asked_ = roots_.size();
  for (const Slot* slot : found.slots) {
    const Node* value = slot->value.node();
    if (value->owner != &state || value->stamp != found.number || value->computed()) return false;
    roots_.push_back(value->index);
  }
  slots_ = found.slots.size();
  for (const Tensor& root : found.roots.subspan(found.asked)) roots_.push_back(root.node()->index);
  return true;
}

std::shared_ptr<Trail> Trail::make(ThreadState& state, Found&& found) {
  if (found.request.order.size() > most_steps || state.history.size() - state.evaluated > most_steps) return nullptr;
  auto trail = std::make_shared<Trail>();
  if (!trail->build(state, found)) return nullptr;
  trail->outcomes_ = std::move(found.outcomes);
  trail->plan_ = std::move(found.plan);
  return trail;
}

bool Trail::fits(ThreadState& state, std::span<Node* const> asked, std::span<Slot* const> slots,
                 std::vector<Node*>& order) const {
  if (slots_ != slots.size()) return false;
  if (!slots.empty() && state.listed != steps_.size()) return false;
  const std::uint64_t number = ++state.evaluation;
  order.resize(places_);
  Node** const table = order.data();
  Node* const* at = state.history.data() + state.evaluated;
  Node* const* const end = state.history.data() + state.history.size();
  const std::uint32_t* input = inputs_.data();
  const std::int64_t* attribute = attributes_.data();
  const Outside* outside = outside_.data();
  const std::uint64_t bits = compared_bits();
  std::size_t foreign = 0;
  const auto binds = [&](Node* node) {
    // Other nodes than before, and no two of them the same.
    if (node->owner == &state) {
      if (!outside->own || node->stamp == number) return false;
      node->stamp = number;
    } else {
      if (outside->own) return false;
      for (std::size_t i = 0; i < foreign; ++i)
        if (table[foreign_[i]] == node) return false;
      ++foreign;
    }
    return fits(*outside++, node, slots);
  };
  for (const Step& step : steps_) {
    while (at != end && !*at) ++at;
    if (at == end) return false;
    Node* const node = *at++;
    if (end - at > 8) __builtin_prefetch(at[8]);
    if (node->op != step.op || node->counts.load(std::memory_order_relaxed) != step.counts ||
        word_of(node, bits) != step.word)
      return false;
    for (Node* const in : node->in()) {
      const std::uint32_t place = *input++;
      if (place & first_reader) {
        if (!binds(in)) return false;
        table[place & ~first_reader] = in;
      } else if (table[place] != in) {
        return false;
      }
    }
    if (node->flags.attributed) {
      const auto list = list_of(node);
      if (node->attributes[0] != attribute[0] || node->attributes[1] != attribute[1] ||
          static_cast<std::int64_t>(list.size()) != attribute[2] ||
          !std::equal(list.begin(), list.end(), attribute + 3) || carried_by(node))
        return false;
      attribute += 3 + list.size();
    }
    if (node->standing.assigned && (step.slot == no_index ? node->slot != nullptr : node->slot != slots[step.slot]))
      return false;
    table[step.place] = node;
  }
  for (; at != end; ++at)
    if (*at) return false;
  std::size_t root = 0;
  for (const Node* node : asked) {
    if (node->computed()) continue;
    if (root == asked_ || table[roots_[root++]] != node) return false;
  }
  if (root != asked_) return false;
  for (const Slot* slot : slots)
    if (table[roots_[root++]] != slot->value.node()) return false;
  return true;
}

std::shared_ptr<const Trail> Trails::find(ThreadState& state, std::span<Node* const> asked,
                                          std::span<Slot* const> slots, std::vector<Node*>& order) {
  if (generation != plan_generation()) {
    all.clear();
    last = nullptr;
    generation = plan_generation();
  }
  const Trail* const guess = last ? last->next_ : nullptr;
  std::shared_ptr<Trail> found;
  for (const auto& trail : all)
    if (trail.get() == guess && trail->fits(state, asked, slots, order)) found = trail;
  for (std::size_t i = 0; i < all.size() && !found; ++i)
    if (all[i].get() != guess && all[i]->fits(state, asked, slots, order)) found = all[i];
  if (!found) return nullptr;
  found->used_ = ++time;
  if (last) last->next_ = found.get();
  last = found.get();
  made = wait = 0;
  return found;
}

bool Trails::wanted() {
  if (wait == 0) return true;
  --wait;
  return false;
}

void Trails::add(std::shared_ptr<Trail> trail) {
  if (++made > most_trails) wait = 1u << std::min(made - most_trails, std::size_t{10});
  if (!trail) return;
  all.reserve(most_trails);
  std::size_t steps = trail->size();
  for (const auto& other : all) steps += other->size();
  while (!all.empty() && (all.size() == most_trails || steps > most_steps)) {
    const auto oldest = std::min_element(all.begin(), all.end(),
                                         [](const auto& a, const auto& b) { return a->used_ < b->used_; });
    for (const auto& other : all)
      if (other->next_ == oldest->get()) other->next_ = nullptr;
    if (last == oldest->get()) last = nullptr;
    steps -= (*oldest)->size();
    all.erase(oldest);
  }
  trail->used_ = ++time;
  if (last) last->next_ = trail.get();
  last = trail.get();
  all.push_back(std::move(trail));
}

}  // namespace xgrad
