#include <xgrad/nn/compile.hpp>
#include <xgrad/optim/names.hpp>

#include <algorithm>

namespace xgrad {

namespace {

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "'" : ", '") + name + "'";
  return text;
}

std::string begin_of(std::string_view where, std::string_view what) {
  return "[" + std::string(where) + "] expected " + std::string(what) + " ";
}

std::size_t place_of(std::string_view where, std::string_view what, const std::string& name,
                     const std::vector<std::string>& outputs) {
  const auto found = std::find(outputs.begin(), outputs.end(), name);
  if (found != outputs.end()) return static_cast<std::size_t>(found - outputs.begin());
  const std::vector<std::string_view> known(outputs.begin(), outputs.end());
  throw_unknown_name(std::string(where) + ": " + std::string(what) + " for an output", name, known);
}

void check_number(std::string_view where, std::string_view what, std::size_t got,
                  const std::vector<std::string>& outputs) {
  if (got == outputs.size()) return;
  throw ValueError(begin_of(where, what) + "for each of " + std::to_string(outputs.size()) + " outputs (" +
                   listed(outputs) + "), got " + std::to_string(got));
}

}  // namespace

bool OutputLosses::defined() const {
  return std::any_of(losses_.begin(), losses_.end(), [](const losses::Loss& loss) { return loss.defined(); });
}

std::vector<losses::Loss> OutputLosses::ordered(std::string_view where, const std::vector<std::string>& outputs) const {
  if (for_all_) return std::vector<losses::Loss>(outputs.size(), losses_[0]);
  if (names_.empty()) {
    check_number(where, "a loss", losses_.size(), outputs);
    return losses_;
  }
  std::vector<losses::Loss> out(outputs.size());
  for (std::size_t i = 0; i < names_.size(); ++i) out[place_of(where, "a loss", names_[i], outputs)] = losses_[i];
  return out;
}

std::vector<double> LossWeights::ordered(std::string_view where, const std::vector<std::string>& outputs) const {
  std::vector<double> out(outputs.size(), 1.0);
  if (weights_.empty()) return out;
  if (names_.empty()) {
    check_number(where, "a loss weight", weights_.size(), outputs);
    return weights_;
  }
  for (std::size_t i = 0; i < names_.size(); ++i)
    out[place_of(where, "a loss weight", names_[i], outputs)] = weights_[i];
  return out;
}

std::vector<std::vector<metrics::Metric>> OutputMetrics::ordered(std::string_view where,
                                                                 const std::vector<std::string>& outputs) const {
  std::vector<std::vector<metrics::Metric>> out(outputs.size());
  if (names_.empty()) {
    if (outputs.size() == 1 || flat_.empty()) {
      out[0] = flat_;
      return out;
    }
    check_number(where, "a metric", flat_.size(), outputs);
    for (std::size_t i = 0; i < outputs.size(); ++i) out[i] = {flat_[i]};
    return out;
  }
  for (std::size_t i = 0; i < names_.size(); ++i) out[place_of(where, "metrics", names_[i], outputs)] = lists_[i];
  return out;
}

}  // namespace xgrad
