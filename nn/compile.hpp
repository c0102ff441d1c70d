#pragma once
/// What `compile` is told about losses and metrics: for one output, or for each of several.

#include <xgrad/nn/losses.hpp>
#include <xgrad/nn/metrics.hpp>

#include <utility>

namespace xgrad {

/// The losses of a model's outputs: one for all of them, a list in their order, or named by them:
/// {{"price", "mse"}, {"kind", "categorical_crossentropy"}}. An empty Loss leaves its output out.
class OutputLosses {
 public:
  OutputLosses() = default;
  template <class T>
    requires std::convertible_to<const T&, losses::Loss>
  OutputLosses(const T& loss) : losses_{losses::Loss(loss)}, for_all_(true) {}
  OutputLosses(std::initializer_list<losses::Loss> losses) : losses_(losses) {}
  OutputLosses(std::vector<losses::Loss> losses) : losses_(std::move(losses)) {}
  OutputLosses(std::initializer_list<std::pair<std::string, losses::Loss>> named) {
    for (const auto& [name, loss] : named) {
      names_.push_back(name);
      losses_.push_back(loss);
    }
  }

  bool defined() const;
  /// One for each output. Throws ValueError for a wrong number or an unknown name.
  std::vector<losses::Loss> ordered(std::string_view where, const std::vector<std::string>& outputs) const;

 private:
  std::vector<losses::Loss> losses_;
  std::vector<std::string> names_;
  friend struct CompileConfig;
  bool for_all_ = false;
};

/// How much each output's loss counts in the sum: a list in their order, or named by them.
class LossWeights {
 public:
  LossWeights() = default;
  LossWeights(std::initializer_list<double> weights) : weights_(weights) {}
  LossWeights(std::vector<double> weights) : weights_(std::move(weights)) {}
  LossWeights(std::initializer_list<std::pair<std::string, double>> named) {
    for (const auto& [name, weight] : named) {
      names_.push_back(name);
      weights_.push_back(weight);
    }
  }
  bool empty() const { return weights_.empty(); }
  /// One for each output, 1 where none is named.
  std::vector<double> ordered(std::string_view where, const std::vector<std::string>& outputs) const;

 private:
  friend struct CompileConfig;
  std::vector<double> weights_;
  std::vector<std::string> names_;
};

/// Metrics: those of the only output, one for each of several, or lists named by outputs:
/// {{"price", {"mae"}}, {"kind", {"accuracy", "auc"}}}.
class OutputMetrics {
 public:
  OutputMetrics() = default;
  OutputMetrics(std::initializer_list<metrics::Metric> metrics) : flat_(metrics) {}
  OutputMetrics(std::vector<metrics::Metric> metrics) : flat_(std::move(metrics)) {}
  OutputMetrics(std::initializer_list<std::pair<std::string, std::vector<metrics::Metric>>> named) {
    for (const auto& [name, list] : named) {
      names_.push_back(name);
      lists_.push_back(list);
    }
  }
  /// The metrics of each output.
  std::vector<std::vector<metrics::Metric>> ordered(std::string_view where,
                                                    const std::vector<std::string>& outputs) const;

 private:
  friend struct CompileConfig;
  std::vector<metrics::Metric> flat_;
  std::vector<std::vector<metrics::Metric>> lists_;
  std::vector<std::string> names_;
};

}  // namespace xgrad
