#include <xgrad/nn/functional.hpp>
#include <xgrad/nn/model_state.hpp>
#include <xgrad/nn/stack.hpp>

#include <algorithm>
#include <iomanip>
#include <iostream>
#include <unordered_set>

namespace xgrad {

namespace {

struct Row {
  std::string layer, output;
  std::int64_t parameters = 0;
  std::string connected = {};  ///< what a layer of a graph reads
};

/// One row for each part of the model that `each` names, down to some depth, with all that is below it.
struct Summing final : Visitor {
  explicit Summing(bool expand) : deepest(expand ? 1000 : 0) {}
  void parameter(std::string_view name, Parameter& parameter, const ParameterRules&) override {
    if (open.empty()) rows.push_back({std::string(name) + " (Parameter)", {}, 0});
    if (!parameter.defined()) {
      unbuilt = true;
      return;
    }
    if (open.empty()) rows.back().output = to_string(parameter.shape());
    if (!seen.insert(parameter.slot()).second) return;
    const std::int64_t n = parameter.size();
    if (open.empty()) rows.back().parameters += n;
    for (const std::size_t row : open) rows[row].parameters += n;
    (parameter.trainable() ? trainable : fixed) += n;
    bytes += n * static_cast<std::int64_t>(size_of(parameter.dtype()));
  }
  void enter(std::string_view name, std::string_view kind) override {
    if (depth <= deepest) {
      std::string indent(static_cast<std::size_t>(2 * depth), ' ');
      rows.push_back({indent + std::string(name) + " (" + std::string(kind) + ")", {}, 0});
      if (depth == 0) tops.push_back(rows.size() - 1);
      open.push_back(rows.size() - 1);
    }
    ++depth;
  }
  void leave() override {
    --depth;
    if (depth <= deepest) open.pop_back();
  }

  int deepest, depth = 0;
  std::vector<Row> rows;
  std::vector<std::size_t> open;  ///< rows of the layers entered
  std::vector<std::size_t> tops;  ///< rows of the model's own layers
  std::unordered_set<const Slot*> seen;
  std::int64_t trainable = 0, fixed = 0, bytes = 0;
  bool unbuilt = false;
};

std::string size_text(std::int64_t bytes) {
  const char* units[] = {"B", "KB", "MB", "GB", "TB"};
  double size = static_cast<double>(bytes);
  int unit = 0;
  while (size >= 1024 && unit < 4) size /= 1024, ++unit;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.2f %s", size, units[unit]);
  return text;
}

std::string with_batch(const Shape& shape) {
  std::string text = "(None";
  for (const std::int64_t n : shape) text += ", " + std::to_string(n);
  return text + ")";
}

/// Digits in groups of three.
std::string grouped(std::int64_t n) {
  std::string text = std::to_string(n);
  for (int i = static_cast<int>(text.size()) - 3; i > 0; i -= 3) text.insert(static_cast<std::size_t>(i), ",");
  return text;
}

/// Rows of a graph in the order of its steps, inputs first, each with what it reads.
void describe_graph(const LayerGraph& graph, Summing& summing) {
  const LayerGraph::State& s = *graph.state;
  std::vector<std::string> from(s.slots);
  std::vector<Row> inputs;
  for (std::size_t i = 0; i < s.inputs.size(); ++i) {
    from[i] = s.inputs[i].name;
    inputs.push_back({s.inputs[i].name + " (Input)", with_batch(s.inputs[i].shape), 0, "-"});
  }
  for (const LayerGraph::Step& step : s.steps) {
    Row& row = summing.rows[summing.tops[step.layer]];
    const auto add = [](std::string& list, const std::string& text) {
      if (list != text && !list.ends_with(", " + text) && !list.starts_with(text + ", "))
        list += (list.empty() ? "" : ", ") + text;
    };
    for (const LayerGraph::Source& source : step.inputs) {
      if (source.expression < 0) {
        add(row.connected, from[source.slot]);
        continue;
      }
      std::string read;
      for (const auto& [placeholder, slot] : s.expressions[static_cast<std::size_t>(source.expression)].slots)
        add(read, from[slot]);
      add(row.connected, "operations on " + read);
    }
    for (std::size_t k = 0; k < step.outputs; ++k) {
      from[step.first_slot + k] = s.layers[step.layer].name;
      add(row.output, with_batch(s.shapes[step.first_slot + k]));
    }
  }
  summing.rows.insert(summing.rows.begin(), inputs.begin(), inputs.end());
}

}  // namespace

void Model::summary(std::ostream& out, const SummaryOptions& options) const {
  Summing summing(options.expand_nested);
  state_->network.each(Visit(summing));
  if (const Stack* stack = state_->network.get_if<Stack>()) {
    const std::vector<Stack::Entry>& entries = stack->state->entries;
    for (std::size_t i = 0; i < entries.size(); ++i)
      summing.rows[summing.tops[i]].output = entries[i].known ? with_batch(entries[i].output) : "?";
  }
  const auto* graph = state_->network.get_if<LayerGraph>();
  if (graph) describe_graph(*graph, summing);
  if (!state_->name.empty() || graph)
    out << "Model: " << (state_->name.empty() ? "functional" : state_->name) << "\n";
  std::size_t layer_width = 12, output_width = 12;
  for (const Row& row : summing.rows) {
    layer_width = std::max(layer_width, row.layer.size());
    output_width = std::max(output_width, row.output.size());
  }
  const auto line = [&](std::string_view layer, std::string_view output, std::string_view parameters,
                        std::string_view connected) {
    out << std::left << std::setw(static_cast<int>(layer_width) + 2) << layer
        << std::setw(static_cast<int>(output_width) + 2) << output << std::right << std::setw(12) << parameters;
    if (graph) out << "  " << connected;
    out << "\n";
  };
  const std::string rule(layer_width + output_width + (graph ? 34 : 16), '-');
  line("Layer (type)", "Output Shape", "Param #", "Connected to");
  out << rule << "\n";
  for (const Row& row : summing.rows) line(row.layer, row.output, grouped(row.parameters), row.connected);
  out << rule << "\n";
  out << "Total params: " << grouped(summing.trainable + summing.fixed) << " (" << size_text(summing.bytes) << ")\n";
  out << "Trainable params: " << grouped(summing.trainable) << "\n";
  out << "Non-trainable params: " << grouped(summing.fixed) << "\n";
  if (summing.unbuilt) out << "Some layers are not built yet: give input_shape, or call the model once.\n";
}

void Model::summary() const { summary(std::cout); }

}  // namespace xgrad
