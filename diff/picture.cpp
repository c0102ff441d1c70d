#include <xgrad/diff/picture.hpp>

#include <xgrad/diff/picture_layout.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/rerecord.hpp>
#include <xgrad/graph/walk.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>

namespace xgrad {
namespace {

using picture::at;
using picture::escaped;

/// A drawn node.
struct Drawn {
  Tensor tensor;
  std::string label, name;
  bool leaf = false, number = false, parameter = false;
  bool forward = true;  ///< the first tensor follows from it
  std::string value, gradient;
};

struct Drawing {
  std::vector<Drawn> nodes;
  std::vector<picture::Line> lines;
  std::vector<std::string> back;  ///< what flows back along each line
};

/// Operations whose sign says more than their name.
const char* sign_of(const Node* node) {
  constexpr std::pair<const char*, const char*> signs[] = {
      {"multiply", "×"}, {"matmul", "@"},  {"sigmoid", "σ"},  {"negative", "−"},
      {"subtract", "−"}, {"divide", "÷"},  {"square", "x²"},  {"power", "xⁿ"},
      {"sum", "Σ"},      {"sum_like", "Σ"}, {"sqrt", "√"},    {"add", "+"}};
  for (const auto& [name, sign] : signs)
    if (std::strcmp(name, node->op->name) == 0) return sign;
  return node->op->name;
}

std::string shown(const Tensor& t, int digits) {
  if (t.size() != 1) return to_string(t.shape());
  char text[40];
  std::snprintf(text, sizeof text, "%.*g", digits, t.item());
  return text;
}

bool is_detail(const Node* node) {
  return node->op && (node->op->kind == Kind::broadcast || node->op->kind == Kind::alias ||
                      node->op->code == kernels::Code::cast) &&
         node->name().empty() && std::strcmp(node->op->name, "stop_gradient") != 0;
}

Drawing drawing_of(std::span<const Tensor> ys, const PictureOptions& options, const char* function) {
  const std::string where = std::string("[") + function + "] ";
  if (ys.empty()) throw ValueError(where + "expected at least one tensor");
  for (const Tensor& y : ys)
    if (!y.defined()) throw ValueError(where + "expected tensors, got one that was never given a value");
  if (options.gradients && ys[0].size() != 1)
    throw ShapeError(where + "expected a first tensor with one element to show gradients of, got the shape " +
                     to_string(ys[0].shape()));
  Drawing drawing;
  std::vector<std::size_t> place;
  {
    std::vector<const Node*> forward;
    {
      const Walk walk(ys[0].node(), Follow::values);
      forward.assign(walk.order().begin(), walk.order().end());
    }
    std::sort(forward.begin(), forward.end());
    Walk walk(Follow::values);
    for (const Tensor& y : ys) walk.add(y.node());
    place.assign(walk.order().size(), ~std::size_t{0});
    for (std::size_t i = 0; i < walk.order().size(); ++i) {
      Node* node = walk.order()[i];
      const auto inputs = walk.inputs_of(i);
      const bool result = std::any_of(ys.begin(), ys.end(), [&](const Tensor& y) { return y.node() == node; });
      if (!options.details && !result && is_detail(node) && !inputs.empty() && inputs[0] != no_index) {
        place[i] = place[inputs[0]];
        continue;
      }
      place[i] = drawing.nodes.size();
      Drawn drawn;
      drawn.tensor = Tensor::share(node);
      drawn.forward = std::binary_search(forward.begin(), forward.end(), node);
      drawn.leaf = inputs.empty() && (!node->op || node->computed());
      drawn.parameter = drawn.leaf && node->slot;
      drawn.number = (drawn.leaf && node->flags.number && node->name().empty() && !node->slot) ||
                     (node->op && node->op->kind == Kind::constant);
      drawn.name = !node->name().empty() ? std::string(node->name()) : node->slot ? node->slot->name : std::string();
      if (node->op && node->op->kind == Kind::constant) {
        char text[40];
        std::snprintf(text, sizeof text, "%.*g", options.digits, node->op->number(Applied(node, 0)));
        drawn.label = text;
      } else if (drawn.number) drawn.label = shown(drawn.tensor, options.digits);
      else if (!drawn.leaf) drawn.label = sign_of(node);
      else drawn.label = drawn.name.empty() ? "·" : drawn.name;
      if (drawn.leaf) drawn.name.clear();
      drawing.nodes.push_back(std::move(drawn));
      for (const std::uint32_t input : inputs)
        if (input != no_index) drawing.lines.push_back({.from = place[input], .to = place[i], .bends = {}});
    }
  }
  drawing.back.resize(drawing.lines.size());
  if (!options.values && !options.gradients) return drawing;

  // A gradient for each line: what its reader alone sends back.
  std::vector<Tensor> by, wanted;
  for (const Drawn& d : drawing.nodes)
    if (is_floating(d.tensor.dtype())) by.push_back(d.tensor);
  std::vector<Tensor> parts(drawing.lines.size());
  if (options.gradients) {
    const std::vector<Tensor> gradients = grad(ys[0], std::span<const Tensor>(by));
    const auto gradient_of = [&](const Tensor& t) {
      for (std::size_t k = 0; k < by.size(); ++k)
        if (by[k].node() == t.node()) return gradients[k];
      return Tensor();
    };
    for (std::size_t l = 0; l < drawing.lines.size(); ++l) {
      const Drawn &from = drawing.nodes[drawing.lines[l].from], &to = drawing.nodes[drawing.lines[l].to];
      if (!to.forward || !is_floating(from.tensor.dtype()) || !is_floating(to.tensor.dtype())) continue;
      std::vector<Substitution> leaves;
      Tensor leaf;
      for (const picture::Line& other : drawing.lines) {
        if (other.to != drawing.lines[l].to) continue;
        const Tensor& input = drawing.nodes[other.from].tensor;
        const Tensor copy = zeros(input.shape(), {.dtype = input.dtype()}) + stop_gradient(input);
        leaves.push_back({input, copy});
        if (other.from == drawing.lines[l].from) leaf = copy;
      }
      const Tensor local = rerecord(std::span(&to.tensor, 1), leaves).front();
      const Tensor seed = gradient_of(to.tensor);
      if (local.node() != to.tensor.node() && seed.defined()) parts[l] = grad(local, leaf, {.seed = seed});
    }
  }
  for (const Drawn& d : drawing.nodes) wanted.push_back(d.tensor);
  for (const Tensor& part : parts)
    if (part.defined()) wanted.push_back(part);
  eval(wanted);
  for (Drawn& d : drawing.nodes) d.value = shown(d.tensor, options.digits);
  for (std::size_t l = 0; l < parts.size(); ++l)
    if (parts[l].defined()) drawing.back[l] = shown(parts[l], options.digits);
  return drawing;
}

constexpr const char* blue = "#2563a8";
constexpr const char* orange = "#b45309";
constexpr const char* red = "#b91c1c";

/// Small words that a line may pass behind.
std::string halo(const char* colour) {
  return std::string(" font-size=\"11\" stroke=\"white\" stroke-width=\"3\" paint-order=\"stroke\" fill=\"") + colour +
         "\"";
}

std::string text_at(double x, double y, const std::string& text, const char* more = "") {
  return "<text x=\"" + at(x) + "\" y=\"" + at(y) + "\"" + more + ">" + escaped(text) + "</text>\n";
}

}  // namespace

std::string to_svg(std::span<const Tensor> ys, const PictureOptions& options) {
  Drawing drawing = drawing_of(ys, options, "to_svg");
  std::vector<picture::Box> boxes;
  for (const Drawn& d : drawing.nodes) {
    const double width = std::max(30.0, 8.0 * static_cast<double>(picture::columns(d.label)) + 16);
    boxes.push_back({.width = std::max(width, 8.0 * static_cast<double>(picture::columns(d.name))),
                     .height = 30.0 + (d.name.empty() ? 0 : 28)});
  }
  const bool labels = options.values || options.gradients;
  double gap = 36;
  if (labels)
    for (std::size_t l = 0; l < drawing.lines.size(); ++l)
      for (const std::string* text : {&drawing.nodes[drawing.lines[l].from].value, &drawing.back[l]})
        gap = std::max(gap, 7.0 * static_cast<double>(picture::columns(*text)) + 26);
  auto [width, height] = picture::arrange(boxes, drawing.lines, gap, labels ? 30 : 18);
  constexpr double margin = 20;
  width += 2 * margin + (labels ? 60 : 0);
  height += 2 * margin;

  std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + at(width) + "\" height=\"" + at(height) +
                    "\" viewBox=\"0 0 " + at(width) + " " + at(height) +
                    "\" font-family=\"sans-serif\" font-size=\"13\" text-anchor=\"middle\">\n"
                    "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" "
                    "markerHeight=\"7\" orient=\"auto\"><path d=\"M0,0.5 L8,4 L0,7.5 z\" fill=\"#777\"/></marker>"
                    "</defs>\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n";
  std::string words;
  std::vector<int> readers(boxes.size(), 0);
  for (const picture::Line& line : drawing.lines) ++readers[line.from];
  for (std::size_t l = 0; l < drawing.lines.size(); ++l) {
    const picture::Line& line = drawing.lines[l];
    const picture::Box &from = boxes[line.from], &to = boxes[line.to];
    std::vector<std::pair<double, double>> points{{from.x + from.width / 2 + margin, from.y + margin}};
    // Columns are as wide as their widest box: a line leaves its column straight.
    for (const auto& [x, y] : line.bends) points.emplace_back(x + margin, y + margin);
    points.emplace_back(to.x - to.width / 2 + margin, to.y + margin);
    std::string path = "M" + at(points[0].first) + "," + at(points[0].second);
    for (std::size_t k = 1; k < points.size(); ++k) {
      const double half = (points[k - 1].first + points[k].first) / 2;
      path += " C" + at(half) + "," + at(points[k - 1].second) + " " + at(half) + "," + at(points[k].second) + " " +
              at(points[k].first) + "," + at(points[k].second);
    }
    svg += "<path d=\"" + path + "\" fill=\"none\" stroke=\"#888\" marker-end=\"url(#tip)\"/>\n";
    if (!labels || drawing.nodes[line.from].number) continue;
    // Words stand at the end of a line where it is alone: at its source if that has one reader.
    const bool start = readers[line.from] == 1;
    const std::size_t piece = start ? 0 : points.size() - 2;
    const auto [x0, y0] = points[piece];
    const auto [x1, y1] = points[piece + 1];
    const double near = std::min(gap / 2 - 4, (x1 - x0) / 2);
    const double x = start ? x0 + near : x1 - near - 8;
    const double t = std::clamp((x - x0) / std::max(x1 - x0, 1.0), 0.0, 1.0);
    const double y = y0 + (y1 - y0) * (start ? t * t * t : t * t * (3 - 2 * t));
    if (!drawing.nodes[line.from].value.empty() && options.values)
      words += text_at(x, y - 5, drawing.nodes[line.from].value, halo("#333").c_str());
    if (!drawing.back[l].empty())
      words += text_at(x, y + 13, drawing.back[l], halo(red).c_str());
  }
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    const Drawn& d = drawing.nodes[i];
    const picture::Box& box = boxes[i];
    const double x = box.x + margin, y = box.y + margin;
    const double w = std::max(30.0, 8.0 * static_cast<double>(picture::columns(d.label)) + 16);
    const std::string colour = d.number ? "#777" : d.forward ? blue : orange;
    const std::string fill = d.number ? "none" : d.parameter ? "#dbeafe" : d.leaf ? "#ecfdf5" : "#ffffff";
    if (!d.number)
      svg += "<rect x=\"" + at(x - w / 2) + "\" y=\"" + at(y - 15) + "\" width=\"" + at(w) + "\" height=\"30\" rx=\"" +
             (d.leaf ? "4" : "15") + "\" fill=\"" + fill + "\" stroke=\"" + colour + "\"/>\n";
    svg += text_at(x, y + 4.5, d.label);
    if (!d.name.empty()) svg += text_at(x, y - 20, d.name, " font-style=\"italic\"");
    const bool result = std::any_of(ys.begin(), ys.end(), [&](const Tensor& t) { return t.node() == d.tensor.node(); });
    if (result && options.values)
      words += text_at(x + box.width / 2 + 6, y + 4, "= " + d.value, " font-size=\"11\" text-anchor=\"start\"");
  }
  return svg + words + "</svg>\n";
}

std::string to_svg(std::initializer_list<Tensor> ys, const PictureOptions& options) {
  return to_svg(std::span(ys.begin(), ys.size()), options);
}
std::string to_svg(const Tensor& y, const PictureOptions& options) { return to_svg(std::span(&y, 1), options); }

std::string to_dot(std::span<const Tensor> ys, const PictureOptions& options) {
  const Drawing drawing = drawing_of(ys, options, "to_dot");
  const auto quoted = [](const std::string& text) {
    std::string out = "\"";
    for (const char c : text) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    return out + "\"";
  };
  std::string text = "digraph {\n  rankdir = LR;\n";
  for (std::size_t i = 0; i < drawing.nodes.size(); ++i) {
    const Drawn& d = drawing.nodes[i];
    text += "  n" + std::to_string(i) + " [label = " + quoted(d.name.empty() ? d.label : d.name + ": " + d.label) +
            ", shape = " + (d.number ? "plaintext" : d.leaf ? "box" : "ellipse") +
            ", color = " + quoted(d.forward ? blue : orange) + "];\n";
  }
  for (std::size_t l = 0; l < drawing.lines.size(); ++l) {
    std::string label = options.values ? drawing.nodes[drawing.lines[l].from].value : std::string();
    if (!drawing.back[l].empty()) label += (label.empty() ? "" : "\n") + drawing.back[l];
    text += "  n" + std::to_string(drawing.lines[l].from) + " -> n" + std::to_string(drawing.lines[l].to) +
            (label.empty() ? "" : " [label = " + quoted(label) + "]") + ";\n";
  }
  return text + "}\n";
}
std::string to_dot(const Tensor& y, const PictureOptions& options) { return to_dot(std::span(&y, 1), options); }

}  // namespace xgrad
