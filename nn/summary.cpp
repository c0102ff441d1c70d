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
};

/// One row for each part of the model that `each` names directly, with all that is below it.
struct Summing final : Visitor {
  void parameter(std::string_view name, Parameter& parameter, const ParameterRules&) override {
    if (depth == 0) rows.push_back({std::string(name) + " (Parameter)", {}, 0});
    if (!parameter.defined()) {
      unbuilt = true;
      return;
    }
    if (depth == 0) rows.back().output = to_string(parameter.shape());
    if (!seen.insert(parameter.slot()).second) return;
    const std::int64_t n = parameter.size();
    rows.back().parameters += n;
    (parameter.trainable() ? trainable : fixed) += n;
    bytes += n * static_cast<std::int64_t>(size_of(parameter.dtype()));
  }
  void enter(std::string_view name, std::string_view kind) override {
    if (depth++ == 0) rows.push_back({std::string(name) + " (" + std::string(kind) + ")", {}, 0});
  }
  void leave() override { --depth; }

  int depth = 0;
  std::vector<Row> rows;
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

}  // namespace

void Model::summary(std::ostream& out) const {
  Summing summing;
  state_->network.each(Visit(summing));
  if (const Stack* stack = state_->network.get_if<Stack>()) {
    const std::vector<Stack::Entry>& entries = stack->state->entries;
    for (std::size_t i = 0; i < entries.size(); ++i)
      summing.rows[i].output = entries[i].known ? with_batch(entries[i].output) : "?";
  }
  std::size_t layer_width = 12, output_width = 12;
  for (const Row& row : summing.rows) {
    layer_width = std::max(layer_width, row.layer.size());
    output_width = std::max(output_width, row.output.size());
  }
  const auto line = [&](std::string_view layer, std::string_view output, std::string_view parameters) {
    out << std::left << std::setw(static_cast<int>(layer_width) + 2) << layer
        << std::setw(static_cast<int>(output_width) + 2) << output << std::right << std::setw(12) << parameters << "\n";
  };
  const std::string rule(layer_width + output_width + 16, '-');
  line("Layer (type)", "Output Shape", "Param #");
  out << rule << "\n";
  for (const Row& row : summing.rows) line(row.layer, row.output, grouped(row.parameters));
  out << rule << "\n";
  out << "Total params: " << grouped(summing.trainable + summing.fixed) << " (" << size_text(summing.bytes) << ")\n";
  out << "Trainable params: " << grouped(summing.trainable) << "\n";
  out << "Non-trainable params: " << grouped(summing.fixed) << "\n";
  if (summing.unbuilt) out << "Some layers are not built yet: give input_shape, or call the model once.\n";
}

void Model::summary() const { summary(std::cout); }

}  // namespace xgrad
