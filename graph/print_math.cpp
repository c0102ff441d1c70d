/// Formulas as people write them: a small tree of sums, products and calls, and how it is set in text or LaTeX.

#include <xgrad/graph/print.hpp>
#include <xgrad/graph/walk.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <unordered_map>

namespace xgrad {
namespace {

using kernels::Code;

constexpr std::size_t longest_twice = 24;   ///< a longer part that several read gets its own line
constexpr std::size_t longest_once = 160;   ///< and any part longer than this

/// Notation for operations: before and after the arguments in text, and in LaTeX.
struct Notation {
  const char* operation;
  const char *before, *after;
  const char *latex_before, *latex_after;
};
constexpr Notation notations[] = {
    {"sigmoid", "σ(", ")", "\\sigma\\left(", "\\right)"},
    {"abs", "|", "|", "\\left|", "\\right|"},
    {"sqrt", "√(", ")", "\\sqrt{", "}"},
    {"exp", "exp(", ")", "e^{", "}"},
    {"log", "ln(", ")", "\\ln\\left(", "\\right)"},
    {"sin", "sin(", ")", "\\sin\\left(", "\\right)"},
    {"cos", "cos(", ")", "\\cos\\left(", "\\right)"},
    {"tan", "tan(", ")", "\\tan\\left(", "\\right)"},
    {"tanh", "tanh(", ")", "\\tanh\\left(", "\\right)"},
    {"maximum", "max(", ")", "\\max\\left(", "\\right)"},
    {"minimum", "min(", ")", "\\min\\left(", "\\right)"},
    {"max", "max(", ")", "\\max\\left(", "\\right)"},
    {"min", "min(", ")", "\\min\\left(", "\\right)"},
    {"sum", "Σ(", ")", "\\sum\\left(", "\\right)"},
    {"sum_like", "Σ(", ")", "\\sum\\left(", "\\right)"},
    {"floor", "⌊", "⌋", "\\lfloor ", "\\rfloor"},
    {"ceil", "⌈", "⌉", "\\lceil ", "\\rceil"},
};

std::string shortest(double value, DType type) {
  char text[40];
  const auto end = type == float32 ? std::to_chars(text, text + sizeof text, static_cast<float>(value)).ptr
                                   : std::to_chars(text, text + sizeof text, value).ptr;
  return std::string(text, end);
}

/// "w1" is w_{1} and "eta" is \eta; longer names are upright.
std::string latex_name(std::string_view name) {
  static constexpr const char* greek[] = {"alpha", "beta", "gamma", "delta", "epsilon", "zeta",  "eta", "theta",
                                          "kappa", "lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "phi", "chi",
                                          "psi", "omega"};
  std::size_t end = name.size();
  while (end > 0 && name[end - 1] >= '0' && name[end - 1] <= '9') --end;
  std::string_view stem = name.substr(0, end), digits = name.substr(end);
  if (stem.empty()) return std::string(name);
  if (!digits.empty() && stem.size() > 1 && stem.back() == '_') stem.remove_suffix(1);
  std::string text;
  if (std::find(std::begin(greek), std::end(greek), stem) != std::end(greek)) text = "\\" + std::string(stem);
  else if (stem.size() == 1) text = stem;
  else {
    text = "\\mathrm{";
    for (const char c : stem) {
      if (std::strchr("_#$%&{}", c)) text += '\\';
      text += c;
    }
    text += "}";
  }
  return digits.empty() ? text : text + "_{" + std::string(digits) + "}";
}

/// How tightly the outermost operation binds.
enum Binding : int { binds_sum = 1, binds_product = 2, binds_power = 3, binds_call = 4 };

/// A part of a formula. A product is coefficient * over / under; a sum is its terms, each with its coefficient.
struct Part {
  enum class Form : std::uint8_t { text, number, sum, product, power } form = Form::text;
  std::string text = {};      ///< text: as set; power: the exponent
  int binding = binds_call;   ///< of text
  double number = 1;          ///< number, or the coefficient of a product
  DType dtype = float64;
  std::vector<Part> over = {}, under = {};  ///< sum: the terms are in `over`
};

Part text_part(std::string text, int binding = binds_call) {
  Part part;
  part.text = std::move(text);
  part.binding = binding;
  return part;
}
Part number_part(double value, DType dtype) {
  Part part;
  part.form = Part::Form::number;
  part.number = value;
  part.dtype = dtype;
  return part;
}

/// The part as a product, so that factors can be added.
Part as_product(Part part) {
  if (part.form == Part::Form::product) return part;
  Part product;
  product.form = Part::Form::product;
  product.dtype = part.dtype;
  if (part.form == Part::Form::number) product.number = part.number;
  else product.over.push_back(std::move(part));
  return product;
}
/// A product of nothing but a number is one, and of one factor that factor.
Part settled(Part part) {
  if (part.form != Part::Form::product) return part;
  if (part.over.empty() && part.under.empty()) return number_part(part.number, part.dtype);
  if (part.over.size() == 1 && part.under.empty() && part.number == 1) return std::move(part.over[0]);
  return part;
}

Part multiplied(Part a, Part b) {
  if (b.form == Part::Form::number && a.form != Part::Form::number) std::swap(a, b);
  Part product = as_product(std::move(a));
  Part right = as_product(std::move(b));
  product.number *= right.number;
  right.number = 1;
  // A product on the right stays together: a2 (1 - a2).
  if (right.over.size() > 1 && right.under.empty() && !product.over.empty()) {
    product.over.push_back(std::move(right));
  } else {
    for (Part& factor : right.over) product.over.push_back(std::move(factor));
    for (Part& factor : right.under) product.under.push_back(std::move(factor));
  }
  return settled(std::move(product));
}
Part divided(Part a, Part b) {
  Part product = as_product(std::move(a));
  Part right = as_product(std::move(b));
  product.number /= right.number;
  for (Part& factor : right.over) product.under.push_back(std::move(factor));
  for (Part& factor : right.under) product.over.push_back(std::move(factor));
  return settled(std::move(product));
}
Part negated(Part part) {
  Part product = as_product(std::move(part));
  product.number = -product.number;
  return settled(std::move(product));
}
Part added(Part a, Part b) {
  if (a.form == Part::Form::number && a.number == 0) return b;
  if (b.form == Part::Form::number && b.number == 0) return a;
  Part sum;
  sum.form = Part::Form::sum;
  for (Part* part : {&a, &b}) {
    if (part->form == Part::Form::sum)
      for (Part& term : part->over) sum.over.push_back(std::move(term));
    else sum.over.push_back(std::move(*part));
  }
  return sum;
}
Part raised(Part base, std::string exponent) {
  Part power;
  power.form = Part::Form::power;
  power.text = std::move(exponent);
  power.over.push_back(std::move(base));
  return power;
}

class Setter {
 public:
  explicit Setter(bool latex) : latex_(latex) {}

  std::string set(const Part& part) const {
    switch (part.form) {
      case Part::Form::text: return part.text;
      case Part::Form::number: return shortest(part.number, part.dtype);
      case Part::Form::sum: return set_sum(part);
      case Part::Form::product: return set_product(part);
      case Part::Form::power: return set_power(part);
    }
    return "";
  }
  std::string bracketed(const Part& part, int least) const {
    if (binding_of(part) >= least) return set(part);
    return latex_ ? "\\left(" + set(part) + "\\right)" : "(" + set(part) + ")";
  }

 private:
  static int binding_of(const Part& part) {
    switch (part.form) {
      case Part::Form::text: return part.binding;
      case Part::Form::number: return part.number < 0 ? binds_sum : binds_call;
      case Part::Form::sum: return binds_sum;
      case Part::Form::product: return part.number < 0 ? binds_sum : binds_product;
      case Part::Form::power: return binds_power;
    }
    return binds_call;
  }
  static bool negative(const Part& part) {
    return (part.form == Part::Form::number || part.form == Part::Form::product) && part.number < 0;
  }
  std::string set_sum(const Part& part) const {
    std::string text;
    for (const Part& term : part.over) {
      const bool minus = negative(term);
      if (text.empty()) {
        text = set(term);
        continue;
      }
      text += minus ? " - " : " + ";
      // A sum behind a minus keeps its brackets: it is a factor of a product with coefficient -1.
      text += minus ? bracketed(settled(negated(term)), binds_product) : set(term);
    }
    return text;
  }
  /// Factors of a group stand side by side, groups and the rest with dots between.
  std::string set_factors(const std::vector<Part>& factors, const char* between) const {
    std::string text;
    for (const Part& factor : factors) {
      const bool group = factor.form == Part::Form::product && factor.number == 1 && factor.under.empty();
      if (!text.empty()) text += between;
      text += group ? set_factors(factor.over, " ") : bracketed(factor, factors.size() > 1 ? binds_product + 1 : 2);
    }
    return text;
  }
  std::string set_product(const Part& part) const {
    const char* dot = latex_ ? " \\cdot " : " · ";
    double number = std::fabs(part.number);
    double below = 1;
    // 0.5 x is x / 2.
    if (number < 1 && number > 0 && 1 / number == std::floor(1 / number) && 1 / number <= 64 && !part.over.empty()) {
      below = 1 / number;
      number = 1;
    }
    std::string over;
    if (number != 1 || part.over.empty()) over = shortest(number, part.dtype);
    if (!part.over.empty()) {
      const bool alone = part.over.size() == 1 && number == 1;
      const std::string factors =
          alone ? bracketed(part.over[0], part.number < 0 || below != 1 || !part.under.empty() ? binds_product : 0)
                : part.over.size() == 1 ? bracketed(part.over[0], binds_product + 1) : set_factors(part.over, dot);
      over += (over.empty() ? "" : dot) + factors;
    }
    const std::string sign = part.number < 0 ? "-" : "";
    if (part.under.empty() && below == 1) return sign + over;
    std::string under = below == 1 ? "" : shortest(below, float64);
    if (latex_) {
      if (!part.under.empty()) under += (under.empty() ? "" : dot) + set_factors(part.under, dot);
      return sign + "\\frac{" + over + "}{" + under + "}";
    }
    if (!part.under.empty()) under += (under.empty() ? "" : dot) + set_factors(part.under, dot);
    const bool several = part.under.size() + (below != 1) > 1;
    if (!several && part.under.size() == 1) under = bracketed(part.under[0], binds_power);
    return sign + over + " / " + (several ? "(" + under + ")" : under);
  }
  std::string set_power(const Part& part) const {
    const std::string base = bracketed(part.over[0], binds_call);
    if (latex_) return base + "^{" + part.text + "}";
    if (part.text == "2") return base + "²";
    if (part.text == "3") return base + "³";
    return base + "^" + (part.text.find(' ') == std::string::npos ? part.text : "(" + part.text + ")");
  }

  bool latex_;
};

class Writer {
 public:
  Writer(const Tensor& y, bool latex) : setter_(latex), latex_(latex), root_(y.node()) { order(); }

  std::string write() {
    std::string lines;
    std::vector<Part> part(order_.size());
    int made = 0;
    for (std::size_t i = 0; i < order_.size(); ++i) {
      part[i] = part_of(i, part);
      if (i + 1 == order_.size()) break;
      if (inputs_[i].empty()) continue;
      if (const Kind kind = order_[i]->op->kind; kind == Kind::alias || kind == Kind::broadcast) continue;
      const std::string text = setter_.set(part[i]);
      if (text.size() <= (readers_[i] > 1 ? longest_twice : longest_once)) continue;
      const std::string name = latex_ ? "t_{" + std::to_string(++made) + "}" : "t" + std::to_string(++made);
      lines += name + " = " + text + (latex_ ? " \\\\\n" : "\n");
      part[i] = text_part(name);
    }
    return lines + setter_.set(part.back());
  }

 private:
  /// The nodes down to named ones, inputs first.
  void order() {
    const Walk walk(root_, Follow::values);
    std::vector<std::uint8_t> needed(walk.order().size(), 0);
    needed.back() = 1;
    for (std::size_t i = walk.order().size(); i-- > 0;) {
      const Node* node = walk.order()[i];
      if (!needed[i] || stops(node, walk.inputs_of(i))) continue;
      for (const std::uint32_t at : walk.inputs_of(i))
        if (at != no_index) needed[at] = 1;
    }
    std::vector<std::uint32_t> place(walk.order().size(), no_index);
    for (std::size_t i = 0; i < walk.order().size(); ++i) {
      if (!needed[i]) continue;
      const Node* node = walk.order()[i];
      place[i] = static_cast<std::uint32_t>(order_.size());
      order_.push_back(node);
      inputs_.emplace_back();
      readers_.push_back(0);
      if (stops(node, walk.inputs_of(i))) continue;
      for (const std::uint32_t at : walk.inputs_of(i)) {
        inputs_.back().push_back(at == no_index ? no_index : place[at]);
        if (at != no_index) ++readers_[place[at]];
      }
    }
  }
  bool stops(const Node* node, std::span<const std::uint32_t> inputs) const {
    if (inputs.empty()) return true;
    return node != root_ && !node->name().empty();
  }

  std::string name_of_leaf(const Node* node) const {
    const std::string_view name = !node->name().empty() ? node->name()
                                  : node->slot          ? std::string_view(node->slot->name)
                                                        : std::string_view();
    if (!name.empty()) return latex_ ? latex_name(name) : std::string(name);
    const std::string text = std::string(xgrad::name_of(node->dtype)) + to_string(node->shape);
    return latex_ ? "\\mathrm{" + text + "}" : text;
  }

  Part leaf(const Node* node) const {
    if (node->name().empty() && !node->slot) {
      if (node->flags.number)
        return number_part(is_floating(node->dtype) ? node->value.real : static_cast<double>(node->value.integer),
                           node->dtype);
      if (node->buffer && node->shape.size() == 1)
        return number_part(Tensor::share(const_cast<Node*>(node)).item(), node->dtype);
    }
    return text_part(name_of_leaf(node));
  }

  Part part_of(std::size_t i, const std::vector<Part>& parts) const {
    const Node* node = order_[i];
    if (inputs_[i].empty() && (!node->op || node->op->kind != Kind::constant)) return leaf(node);
    const Op& op = *node->op;
    const auto in = [&](std::size_t k) { return parts[inputs_[i][k]]; };
    if (op.kind == Kind::constant) return number_part(op.number(Applied(const_cast<Node*>(node), 0)), node->dtype);
    // What only repeats or rearranges elements is left to the shapes.
    if (op.kind == Kind::broadcast || op.code == Code::cast) return in(0);
    if (op.kind == Kind::alias && inputs_[i][0] != no_index) return in(0);
    switch (op.code) {
      case Code::add: return added(in(0), in(1));
      case Code::subtract: return added(in(0), negated(in(1)));
      case Code::multiply: return multiplied(in(0), in(1));
      case Code::divide: return divided(in(0), in(1));
      case Code::negate: return negated(in(0));
      case Code::reciprocal: return divided(number_part(1, node->dtype), in(0));
      case Code::square: return raised(in(0), "2");
      case Code::power: return raised(in(0), setter_.set(in(1)));
      case Code::row_sum:
        if (order_[inputs_[i][0]]->shape.size() == node->shape.size()) return in(0);
        break;
      default: break;
    }
    return call(i, parts);
  }

  Part call(std::size_t i, const std::vector<Part>& parts) const {
    const Node* node = order_[i];
    const Op& op = *node->op;
    if (op.symbol && inputs_[i].size() == 2 && inputs_[i][0] != no_index && inputs_[i][1] != no_index) {
      const bool product = std::strcmp(op.symbol, "@") == 0;
      const int own = product ? binds_product : 0;
      const std::string symbol = !latex_ ? std::string(" ") + op.symbol + " " : product ? " \\, " : latex_symbol(op);
      return text_part(setter_.bracketed(parts[inputs_[i][0]], own ? own : binds_sum) + symbol +
                           setter_.bracketed(parts[inputs_[i][1]], own + 1),
                       own);
    }
    std::string arguments;
    bool first = true;
    for (std::uint32_t k = 0; k < inputs_[i].size(); ++k) {
      if (lends_shape(op, k) || inputs_[i][k] == no_index) continue;
      arguments += (first ? "" : ", ") + setter_.set(parts[inputs_[i][k]]);
      first = false;
    }
    if (std::strstr(op.name, "transpose"))
      return text_part(setter_.bracketed(parts[inputs_[i][0]], binds_call) + (latex_ ? "^\\top" : "ᵀ"), binds_power);
    for (const Notation& n : notations)
      if (std::strcmp(n.operation, op.name) == 0)
        return text_part((latex_ ? n.latex_before : n.before) + arguments + (latex_ ? n.latex_after : n.after));
    if (!latex_) return text_part(std::string(op.name) + "(" + arguments + ")");
    return text_part(latex_name(op.name) + "\\left(" + arguments + "\\right)");
  }

  static std::string latex_symbol(const Op& op) {
    const std::string_view s = op.symbol;
    return s == "<=" ? " \\le " : s == "!=" ? " \\ne " : s == "==" ? " = " : s == "&&" ? " \\land "
           : s == "||" ? " \\lor " : " " + std::string(s) + " ";
  }

  Setter setter_;
  bool latex_;
  Node* root_;
  std::vector<const Node*> order_;
  std::vector<std::vector<std::uint32_t>> inputs_;
  std::vector<std::uint32_t> readers_;
};

std::string written(const Tensor& y, const char* function, bool latex) {
  if (!y.defined())
    throw ValueError(std::string("[") + function + "] expected a tensor, got one that was never given a value");
  return Writer(y, latex).write();
}

}  // namespace

std::string formula(const Tensor& y, FormulaStyle style) {
  return style == FormulaStyle::code ? code_formula(y) : written(y, "formula", false);
}
std::string latex(const Tensor& y) { return written(y, "latex", true); }

}  // namespace xgrad
