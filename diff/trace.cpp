#include <xgrad/diff/trace.hpp>

#include <xgrad/diff/symbolic.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/walk.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <ostream>
#include <set>

namespace xgrad {
namespace {

std::string own_name(const Node* node) {
  if (!node->name().empty()) return std::string(node->name());
  return node->slot ? node->slot->name : std::string();
}

/// A value of the trace: where a step may end.
struct Stop {
  Tensor tensor;
  std::string name;
  bool leaf = false;
};

/// The values a step may end at, inputs first; the last is y.
std::vector<Stop> stops_of(const Tensor& y) {
  const Walk walk(y.node(), Follow::values);
  bool names_inside = false;
  for (std::size_t i = 0; i + 1 < walk.order().size(); ++i)
    names_inside = names_inside || (!walk.inputs_of(i).empty() && !walk.order()[i]->name().empty());
  std::vector<Stop> stops;
  std::set<std::string> taken;
  int unnamed = 0;
  for (std::size_t i = 0; i < walk.order().size(); ++i) {
    Node* node = walk.order()[i];
    const bool last = i + 1 == walk.order().size();
    const bool leaf = walk.inputs_of(i).empty() || is_newest_value(node);
    std::string name = own_name(node);
    if (!is_floating(node->dtype)) continue;
    if (name.empty() && !last && (leaf ? node->flags.number || node->flags.weak : names_inside)) continue;
    if (node->op && node->op->kind == Kind::constant) continue;
    if (name.empty()) name = last ? "y" : "v" + std::to_string(++unnamed);
    // Two values of one name would be one in the table.
    for (int n = 2; !taken.insert(name).second; ++n) name = own_name(node) + "'" + std::to_string(n);
    stops.push_back({Tensor::share(node), std::move(name), leaf});
  }
  return stops;
}

/// How a stop follows from the stops before it, with those as named leaves.
struct Local {
  Tensor value;
  std::vector<std::size_t> from;
  std::vector<Tensor> leaves;
};

Local local_of(const std::vector<Stop>& stops, std::size_t i) {
  Local local;
  const Node* self = stops[i].tensor.node();
  // Those that can be reached without passing another one.
  std::map<const Node*, std::size_t> place;
  for (std::size_t k = 0; k < i; ++k) place[stops[k].tensor.node()] = k;
  std::vector<const Node*> waiting{self};
  std::set<const Node*> seen;
  while (!waiting.empty()) {
    const Node* node = waiting.back();
    waiting.pop_back();
    if (!seen.insert(node).second) continue;
    if (node != self)
      if (const auto found = place.find(node); found != place.end()) {
        local.from.push_back(found->second);
        continue;
      }
    for (const Node* input : node->in()) waiting.push_back(input);
  }
  std::sort(local.from.begin(), local.from.end());
  std::vector<Substitution> substitutions;
  for (const std::size_t k : local.from) {
    const Tensor& original = stops[k].tensor;
    local.leaves.push_back(tensor(original.to_vector<double>(), original.shape(), {.dtype = original.dtype()}));
    local.leaves.back().named(stops[k].name);
    substitutions.push_back({original, local.leaves.back()});
  }
  local.value = rerecord(std::span(&stops[i].tensor, 1), substitutions).front();
  if (local.value.name().empty()) local.value.named(stops[i].name);
  return local;
}

std::string in_one_line(std::string text) {
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at)) text.replace(at, 1, "; ");
  return text;
}

std::string shown(const Tensor& t, int digits) {
  if (!t.defined()) return "";
  char text[64];
  if (t.size() == 1) {
    std::snprintf(text, sizeof text, "%.*g", digits, t.item());
    return text;
  }
  double squares = 0;
  for (const double v : t.to_vector<double>()) squares += v * v;
  std::snprintf(text, sizeof text, " norm %.*g", digits, std::sqrt(squares));
  return to_string(t.shape()) + text;
}

using Cells = std::vector<std::vector<std::string>>;

/// Characters as they stand on a screen: UTF-8 continuation bytes take no column.
std::size_t columns(const std::string& text) {
  std::size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

std::string aligned(const Cells& cells, bool markdown) {
  std::vector<std::size_t> width(cells[0].size(), 0);
  for (const auto& row : cells)
    for (std::size_t k = 0; k < row.size(); ++k) width[k] = std::max(width[k], columns(row[k]));
  std::string text;
  for (std::size_t r = 0; r < cells.size(); ++r) {
    std::string line = markdown ? "|" : " ";
    for (std::size_t k = 0; k < cells[r].size(); ++k)
      line += (markdown ? " " : k ? "   " : " ") + cells[r][k] + std::string(width[k] - columns(cells[r][k]), ' ') +
              (markdown ? " |" : "");
    while (line.back() == ' ') line.pop_back();
    text += line + "\n";
    if (r > 0) continue;
    line = markdown ? "|" : "  ";
    for (std::size_t k = 0; k < width.size(); ++k)
      line += markdown ? std::string(width[k] + 2, '-') + "|" : (k ? "   " : "") + std::string(width[k], '-');
    text += line + "\n";
  }
  return text;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

Cells value_cells(const Trace& trace, const std::string& gradient) {
  Cells cells{{"value", "formula", "number", gradient}};
  for (const TraceValue& v : trace.values)
    cells.push_back({v.name, v.formula, shown(v.value, trace.digits), shown(v.gradient, trace.digits)});
  return cells;
}
Cells step_cells(const Trace& trace) {
  Cells cells{{"step back", "local derivative", "its value", "reached so far", "product"}};
  for (const TraceStep& s : trace.steps)
    cells.push_back({s.from + " -> " + s.to, s.local, shown(s.local_value, trace.digits),
                     shown(s.reached, trace.digits), shown(s.product, trace.digits)});
  return cells;
}

std::string tabular(const Cells& cells) {
  std::string text = "\\begin{tabular}{" + std::string(cells[0].size(), 'l') + "}\n\\hline\n";
  for (std::size_t r = 0; r < cells.size(); ++r) {
    for (std::size_t k = 0; k < cells[r].size(); ++k) text += (k ? " & " : "") + cells[r][k];
    text += " \\\\\n";
    if (r == 0) text += "\\hline\n";
  }
  return text + "\\hline\n\\end{tabular}\n";
}

}  // namespace

Trace backprop_trace(const Tensor& y) {
  if (!y.defined()) throw ValueError("[backprop_trace] expected a tensor, got one that was never given a value");
  if (!is_floating(y.dtype()))
    throw DTypeError(std::string("[backprop_trace] expected a floating tensor, got ") + name_of(y.dtype()));
  if (y.size() != 1) throw ShapeError("[backprop_trace] expected one element, got the shape " + to_string(y.shape()));
  // A copy, so that computing values turns no part of y's own graph into leaves.
  const std::vector<Stop> stops = stops_of(y);
  std::vector<Local> locals;
  std::vector<Tensor> by;
  for (const Stop& stop : stops) by.push_back(stop.tensor);
  const std::vector<Tensor> gradients = grad(y, std::span<const Tensor>(by));
  std::vector<Tensor> all = by;
  all.insert(all.end(), gradients.begin(), gradients.end());
  eval(all);

  Trace trace;
  trace.result = stops.back().name;
  for (std::size_t i = 0; i < stops.size(); ++i) {
    locals.push_back(stops[i].leaf ? Local{stops[i].tensor, {}, {}} : local_of(stops, i));
    trace.values.push_back({stops[i].name, stops[i].leaf ? "" : in_one_line(formula(locals[i].value)),
                            stops[i].tensor, gradients[i]});
  }
  for (std::size_t i = stops.size(); i-- > 0;) {
    const Local& local = locals[i];
    for (std::size_t k = 0; k < local.from.size(); ++k) {
      const bool scalar = local.value.size() == 1;
      Tensor g;
      if (!scalar) {
        g = tensor(gradients[i].to_vector<double>(), gradients[i].shape(), {.dtype = gradients[i].dtype()});
        g.named("g");
      }
      const Tensor slope = grad(local.value, local.leaves[k], {.seed = g});
      TraceStep step{.from = stops[i].name, .to = stops[local.from[k]].name, .local = in_one_line(formula(slope)),
                     .local_value = slope, .reached = gradients[i], .product = {}};
      step.product = scalar ? gradients[i] * slope : slope;
      eval({step.local_value, step.product});
      trace.steps.push_back(std::move(step));
    }
  }
  return trace;
}

std::string Trace::text() const {
  return aligned(value_cells(*this, "d" + result + "/d value"), false) + "\n" + aligned(step_cells(*this), false);
}

std::string Trace::markdown() const {
  return aligned(value_cells(*this, "d" + result + "/d value"), true) + "\n" + aligned(step_cells(*this), true);
}

std::string Trace::latex() const {
  // Names and formulas as LaTeX knows them: the printed ones hold signs that it does not.
  const auto math = [](std::string text) {
    const auto replace = [&](const char* from, const char* to) {
      for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + std::string(to).size()))
        text.replace(at, std::string(from).size(), to);
    };
    for (std::size_t i = 1; i < text.size(); ++i) {
      const bool digit = text[i] >= '0' && text[i] <= '9';
      const bool letter = std::isalpha(static_cast<unsigned char>(text[i - 1])) != 0;
      if (digit && letter) text.insert(i, "_");
    }
    replace("·", "\\cdot ");
    replace("²", "^2");
    replace("³", "^3");
    replace("σ", "\\sigma");
    replace("->", "\\to ");
    replace("Σ", "\\sum");
    replace("√", "\\sqrt");
    replace("ᵀ", "^\\top");
    return text.empty() ? text : "$" + text + "$";
  };
  Cells values = value_cells(*this, "derivative"), back = step_cells(*this);
  for (Cells* cells : {&values, &back})
    for (std::size_t r = 1; r < cells->size(); ++r)
      for (std::string& cell : (*cells)[r]) cell = math(cell);
  return tabular(values) + "\n" + tabular(back);
}

std::string Trace::csv() const {
  std::string text = "kind,from,to,expression,value,reached,product\n";
  for (const TraceValue& v : values)
    text += "value," + quoted(v.name) + ",," + quoted(v.formula) + "," + quoted(shown(v.value, 17)) + "," +
            quoted(shown(v.gradient, 17)) + ",\n";
  for (const TraceStep& s : steps)
    text += "step," + quoted(s.from) + "," + quoted(s.to) + "," + quoted(s.local) + "," +
            quoted(shown(s.local_value, 17)) + "," + quoted(shown(s.reached, 17)) + "," +
            quoted(shown(s.product, 17)) + "\n";
  return text;
}

std::ostream& operator<<(std::ostream& out, const Trace& trace) { return out << trace.text(); }

}  // namespace xgrad
