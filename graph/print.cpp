#include <xgrad/graph/print.hpp>
#include <xgrad/graph/walk.hpp>

#include <charconv>

namespace xgrad {
namespace {

constexpr std::size_t longest_part = 160;  ///< a longer part gets its own line

std::string shortest(double value, DType type) {
  char text[40];
  const auto end = type == float32 ? std::to_chars(text, text + sizeof(text), static_cast<float>(value)).ptr
                                   : std::to_chars(text, text + sizeof(text), value).ptr;
  return std::string(text, end);
}

/// How tightly an expression's outermost operator binds.
enum Binding : int { binds_sum = 1, binds_product = 2, binds_sign = 3, binds_call = 4 };

struct Part {
  std::string text;
  int binding = binds_call;
};

std::string bracketed(const Part& part, int least) {
  return part.binding < least ? "(" + part.text + ")" : part.text;
}

/// Whether a node is numbers, and no more how they came about, to the walk that found no inputs of it.
bool is_leaf(const Node* node, std::span<const std::uint32_t> inputs_at) {
  return inputs_at.empty() && (!node->op || node->computed());
}

std::string leaf_text(const Node* node) {
  if (!node->name().empty()) return std::string(node->name());
  if (node->slot && !node->slot->name.empty()) return node->slot->name;
  if (node->flags.number) {
    return is_floating(node->dtype) ? shortest(node->value.real, node->dtype) : std::to_string(node->value.integer);
  }
  if (node->buffer && node->shape.size() == 1)
    return shortest(Tensor::share(const_cast<Node*>(node)).item(), node->dtype);
  return std::string(name_of(node->dtype)) + to_string(node->shape);
}

Part expression(const Node* node, std::span<const Part> in) {
  const Op& op = *node->op;
  if (op.symbol && in.size() == 1) return {op.symbol + bracketed(in[0], binds_call), binds_sign};
  if (op.symbol && in.size() == 2) {
    const std::string_view symbol = op.symbol;
    const bool sum = symbol == "+" || symbol == "-";
    const bool product = symbol == "*" || symbol == "/";
    const int own = sum ? binds_sum : (product ? binds_product : 0);
    // Only sums and products may be read in either order: a - (b - c), a @ (b @ c).
    const int right = symbol == "+" || symbol == "*" ? own : own + 1;
    return {bracketed(in[0], own) + " " + op.symbol + " " + bracketed(in[1], right), own};
  }
  std::string text = std::string(op.name) + "(";
  bool first = true;
  for (std::uint32_t k = 0; k < in.size(); ++k) {
    if (lends_shape(op, k)) continue;
    text += (first ? "" : ", ") + in[k].text;
    first = false;
  }
  if (op.kind == Kind::alias || op.kind == Kind::broadcast) text += (first ? "" : ", ") + to_string(node->shape);
  if (op.code == kernels::Code::cast) text += std::string(", ") + name_of(node->dtype);
  return {text + ")", binds_call};
}

}  // namespace

std::string number_text(double value) { return shortest(value, float64); }

std::string code_formula(const Tensor& y) {
  if (!y.defined()) throw ValueError("[formula] expected a tensor, got one that was never given a value");
  const Walk walk(y.node(), Follow::values);
  const std::span<Node* const> order = walk.order();
  std::vector<std::uint32_t> readers(order.size(), 0);
  for (std::size_t i = 0; i < order.size(); ++i)
    for (const std::uint32_t at : walk.inputs_of(i))
      if (at != no_index) ++readers[at];

  std::string lines;
  int parts = 0;
  std::vector<Part> part(order.size()), in;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Node* node = order[i];
    const auto inputs_at = walk.inputs_of(i);
    if (is_leaf(node, inputs_at)) {
      part[i] = {leaf_text(node), binds_call};
      continue;
    }
    in.clear();
    for (const std::uint32_t at : inputs_at) in.push_back(at == no_index ? Part{} : part[at]);
    part[i] = expression(node, in);
    const bool last = i + 1 == order.size();
    if (last || (readers[i] < 2 && part[i].text.size() <= longest_part && node->name().empty())) continue;
    const std::string name = node->name().empty() ? "t" + std::to_string(++parts) : std::string(node->name());
    lines += name + " = " + part[i].text + "\n";
    part[i] = {name, binds_call};
  }
  return lines + part.back().text;
}

std::string dump(const Tensor& y) {
  if (!y.defined()) throw ValueError("[dump] expected a tensor, got one that was never given a value");
  const Walk walk(y.node(), Follow::everything);
  const std::span<Node* const> order = walk.order();
  std::string text;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Node* node = order[i];
    const auto inputs_at = walk.inputs_of(i);
    const bool leaf = is_leaf(node, inputs_at);
    text += "%" + std::to_string(i) + " = " + (!leaf ? node->op->name : node->flags.number ? "number" : "leaf");
    if (leaf && (node->flags.number || !node->name().empty() || node->slot)) text += " " + leaf_text(node);
    for (std::uint32_t k = 0; k < inputs_at.size(); ++k) {
      text += (k ? ", %" : " %") + std::to_string(inputs_at[k]);
      if (lends_shape(*node->op, k)) text += "'s shape";
    }
    text += " : " + to_string(node->shape) + " " + name_of(node->dtype);
    if (!leaf && !node->name().empty()) text += " '" + std::string(node->name()) + "'";
    if (node->scope && !node->scope->empty()) text += " in " + *node->scope;
    text += place(node->where) + "\n";
  }
  return text;
}

std::string to_dot(const Tensor& y) {
  if (!y.defined()) throw ValueError("[to_dot] expected a tensor, got one that was never given a value");
  const Walk walk(y.node(), Follow::values);
  const std::span<Node* const> order = walk.order();
  const auto quoted = [](const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + "\"";
  };
  std::string text = "digraph {\n  rankdir = BT;\n";
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Node* node = order[i];
    const bool leaf = is_leaf(node, walk.inputs_of(i));
    std::string label = leaf ? leaf_text(node) : node->op->name;
    if (!leaf && !node->name().empty()) label = std::string(node->name()) + ": " + label;
    text += "  n" + std::to_string(i) + " [label = " + quoted(label + " " + to_string(node->shape)) +
            (leaf ? ", shape = box" : "") + "];\n";
    for (const std::uint32_t at : walk.inputs_of(i))
      if (at != no_index) text += "  n" + std::to_string(at) + " -> n" + std::to_string(i) + ";\n";
  }
  return text + "}\n";
}

}  // namespace xgrad
