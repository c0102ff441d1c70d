#pragma once
/// Around training: splitting a data set, finding a learning rate, cross-validation.

#include <xgrad/nn/model.hpp>

namespace xgrad {

struct SplitOptions {
  std::optional<double> left_size = {};   ///< a share below 1, or a number of rows; by default what right_size leaves
  std::optional<double> right_size = {};  ///< likewise; by default what left_size leaves
  bool shuffle = false;
  std::optional<std::uint64_t> seed = {};
};

/// Two parts of a data set by rows. Throws ValueError unless one size is given, both fit, and neither part is empty.
std::pair<Dataset, Dataset> split_dataset(const Dataset& dataset, const SplitOptions& options);

struct LearningRateFinderOptions {
  double start = 1e-7;
  double end = 10;
  std::int64_t steps = 100;
  std::int64_t batch_size = 32;
  double smoothing = .05;  ///< how much the newest loss counts in the running mean
  double stop_factor = 4;  ///< ends when the smoothed loss is so many times its smallest
  std::uint64_t seed = 0;
};

/// What a learning-rate finder has seen, and the rate it proposes.
struct LearningRates {
  std::vector<double> rates, losses;  ///< losses are smoothed
  double suggestion = 0;              ///< where the loss falls steepest with the logarithm of the rate
};

/// Trains for some steps with a rate that grows by a constant factor from start to end and keeps the losses; then
/// brings weights, random generators and optimizer back. (Smith 2017.) Throws ValueError unless the model is compiled,
/// for rates that do not rise, and for an optimizer with a schedule.
LearningRates find_learning_rate(Model& model, const Tensors& x, const Tensors& y,
                                 const LearningRateFinderOptions& options = {});

struct CrossValidationOptions {
  std::int64_t k = 5;
  std::optional<std::uint64_t> seed = {};  ///< shuffles the rows; in order without it
  FitOptions fit = {.verbose = 0};
};

/// The logs of each fold, and their means and standard deviations (divided by k).
struct CrossValidation {
  std::vector<Logs> folds;
  Logs mean, deviation;
};

/// Trains a new model for each of k folds and evaluates it on the rows left out.
CrossValidation cross_validate(const Function<Model()>& compiled_model, const Tensors& x, const Tensors& y,
                               const CrossValidationOptions& options = {});

}  // namespace xgrad
