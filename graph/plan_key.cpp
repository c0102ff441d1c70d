/// The words of a plan's key. Each entry says itself how long it is, so that no two structures give the same words.

#include <xgrad/graph/request.hpp>

#include <cstring>

namespace xgrad {
namespace {

// The first word of an entry: dtype (3 bits), rank (4), arity up to 3 (2), and these.
constexpr std::uint32_t rank_bits = 3, arity_bits = 7;
constexpr std::uint32_t is_leaf = 1u << 9, is_number = 1u << 10, is_exact = 1u << 11, has_attributes = 1u << 12,
                        has_list = 1u << 13, many_inputs = 1u << 14, is_long = 1u << 15;

/// Writes words behind a key's end, where room was made for them.
class Words {
 public:
  Words(Key& key, std::size_t count) {
    const std::size_t before = key.size();
    key.resize(before + count);
    out_ = key.data() + before;
  }
  void word(std::uint32_t value) { *out_++ = value; }
  void pair(const void* eight_bytes) {
    std::memcpy(out_, eight_bytes, 8);
    out_ += 2;
  }
  void lengths(const Shape& shape, bool is_long) {
    for (const std::int64_t length : shape) {
      if (is_long) pair(&length);
      else word(static_cast<std::uint32_t>(length));
    }
  }

 private:
  std::uint32_t* out_;
};

bool long_lengths(const Shape& shape) {
  for (const std::int64_t length : shape)
    if (length >> 32) return true;
  return false;
}

/// What every entry starts with: element type, rank, and how lengths are written.
std::uint32_t head_of(const Node* node) {
  return static_cast<std::uint32_t>(node->dtype) | static_cast<std::uint32_t>(node->shape.rank()) << rank_bits |
         (long_lengths(node->shape) ? is_long : 0);
}

std::size_t length_words(const Node* node, std::uint32_t head) {
  return static_cast<std::size_t>(node->shape.rank()) * (head & is_long ? 2 : 1);
}

}  // namespace

void write_leaf(Key& key, const Node* node) {
  const bool exact = node->flags.number && node->flags.exact;
  const std::uint32_t head =
      head_of(node) | is_leaf | (node->flags.number ? is_number : 0) | (exact ? is_exact : 0);
  Words words(key, 1 + length_words(node, head) + (exact ? 2 : 0));
  words.word(head);
  words.lengths(node->shape, head & is_long);
  if (exact) words.pair(&node->value);
}

void write_node(Key& key, const Node* node, std::span<const std::uint32_t> inputs) {
  const auto list = list_of(node);
  const bool many = inputs.size() > 3;
  std::uint32_t head = head_of(node);
  std::size_t count = 3 + length_words(node, head) + inputs.size();
  if (node->attributes[0] || node->attributes[1]) head |= has_attributes, count += 4;
  if (!list.empty()) head |= has_list, count += 1 + 2 * list.size();
  if (many) head |= many_inputs, count += 1;
  else head |= static_cast<std::uint32_t>(inputs.size()) << arity_bits;

  {
    Words words(key, count);
    words.word(head);
    words.pair(&node->op);
    words.lengths(node->shape, head & is_long);
    if (head & has_attributes) {
      words.pair(&node->attributes[0]);
      words.pair(&node->attributes[1]);
    }
    if (head & has_list) {
      words.word(static_cast<std::uint32_t>(list.size()));
      for (const std::int64_t item : list) words.pair(&item);
    }
    if (many) words.word(static_cast<std::uint32_t>(inputs.size()));
    for (const std::uint32_t input : inputs) words.word(input);
  }
  if (!node->op->shape_only) return;
  // Shapes of inputs in the order stand there; those of inputs that only lend theirs do not.
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    if (inputs[k] != no_index) continue;
    const Node* lender = node->inputs[k];
    const std::uint32_t lent = head_of(lender);
    Words words(key, 1 + length_words(lender, lent));
    words.word(lent);
    words.lengths(lender->shape, lent & is_long);
  }
}

void write_end(Key& key, const Request& request) {
  const std::size_t n = request.order.size();
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const bool bit = request.leaf[i] ? request.takeable[i] : request.stored[i];
    word |= static_cast<std::uint32_t>(bit) << (i & 31);
    if ((i & 31) != 31 && i + 1 < n) continue;
    key.push_back(word);
    word = 0;
  }
  key.push_back(static_cast<std::uint32_t>(n));
}

}  // namespace xgrad
