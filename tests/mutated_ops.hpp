#pragma once
// Operations with a rule made wrong on purpose, and a way to put them into a recorded graph.

#include <xgrad/graph/replace.hpp>
#include <xgrad/ops/elementwise.hpp>

#include <list>

namespace mutated {

using namespace xgrad;

/// What is done to a rule. The last ones leave the first derivative as it is.
enum class Kind { factor, nearly, sign, dropped, unchanged, offset, other_input, detached };
inline constexpr const char* names[] = {"doubled", "times 1.001", "sign turned", "no contribution", "g handed on",
                                        "g added", "the rule of another input", "cut off from the inputs"};
inline constexpr int kinds = 8;

/// The operation whose rules are being replaced, and a copy with one wrong rule; one at a time.
inline const Op* original = nullptr;
inline std::list<Op> made;  ///< plans know an operation by its address
inline Op* wrong = nullptr;
inline int argument = 0;

inline Tensor right_part(const Applied& c, const Tensor& g, int k) {
  if (original->reverse) {
    std::vector<Tensor> parts(static_cast<std::size_t>(c.arity()));
    original->reverse(c, g, parts);
    return parts[static_cast<std::size_t>(k)];
  }
  const Rule rule = original->variadic ? original->rules[0] : original->rules[k];
  return rule ? rule(c, g) : Tensor();
}

template <Kind kind, int k>
Tensor rule_of(const Applied& c, const Tensor& g) {
  const Tensor right = right_part(c, g, original->variadic ? c.argument() : k);
  if (k != argument && !original->variadic) return right;
  if (!right.defined()) return right;
  switch (kind) {
    case Kind::factor: return 2 * right;
    case Kind::nearly: return 1.001 * right;
    case Kind::sign: return -right;
    case Kind::dropped: return zeros_like(right);
    case Kind::unchanged: return right.shape() == g.shape() ? g : 0.5 * right;
    case Kind::offset: return right.shape() == g.shape() ? right + g : right + 0.25;
    case Kind::other_input: {
      for (int other = 0; other < c.arity() && other < 3; ++other) {
        if (other == k || original->variadic || (!original->reverse && !original->rules[other])) continue;
        Tensor part = right_part(c, g, other);
        if (part.defined() && part.shape() == right.shape() && part.dtype() == right.dtype()) return part;
      }
      return 3 * right;
    }
    case Kind::detached: return g * 0 + stop_gradient(right) + 0 * right;
  }
  return right;
}

template <Kind kind>
void put(Op& op) {
  const Rule rules[] = {rule_of<kind, 0>, rule_of<kind, 1>, rule_of<kind, 2>};
  for (int k = 0; k < 3; ++k)
    if (op.rules[k] || op.reverse) op.rules[k] = rules[k];
}

inline void mutate(const Op& op, int k, Kind kind) {
  original = &op;
  argument = k;
  wrong = &made.emplace_back(op);
  switch (kind) {
    case Kind::factor: put<Kind::factor>(*wrong); break;
    case Kind::nearly: put<Kind::nearly>(*wrong); break;
    case Kind::sign: put<Kind::sign>(*wrong); break;
    case Kind::dropped: put<Kind::dropped>(*wrong); break;
    case Kind::unchanged: put<Kind::unchanged>(*wrong); break;
    case Kind::offset: put<Kind::offset>(*wrong); break;
    case Kind::other_input: put<Kind::other_input>(*wrong); break;
    case Kind::detached: put<Kind::detached>(*wrong); break;
  }
  // A copy of an Op alone has no rules about parts behind it.
  if (wrong->kind == xgrad::Kind::launch) wrong->number = nullptr;
  wrong->reverse = nullptr;
  wrong->forward = nullptr;
}

inline Tensor exchange(void*, const Node* node, std::span<const Tensor> inputs) {
  if (node->op != original) return {};
  std::vector<Arg> args;
  for (const Tensor& input : inputs) args.emplace_back(input, node->where);
  return record(*wrong, args, attributes_of(node), node->value.draw);
}

/// The same graph with the wrong operation in place of the right one.
inline Tensor with_wrong_rule(const Tensor& y) {
  return rerecord_with(std::span(&y, 1), {}, {.call = exchange}).front();
}

}  // namespace mutated
