#pragma once
/// Losses, metrics and optimizers as Configs and back. Internal to nn/.

#include <xgrad/nn/config.hpp>
#include <xgrad/nn/losses.hpp>
#include <xgrad/nn/metrics.hpp>
#include <xgrad/nn/visit.hpp>

namespace xgrad {

struct CustomObjects;

// Each {"class_name": ..., "config": {...}}, or a text: a name of the library, or of what CustomObjects holds. Throw
// ValueError for functions of a user's own that nothing could find again.

Config loss_config(const losses::Loss& loss);
losses::Loss loss_from_config(const Config& config, const CustomObjects& custom);
Config metric_config(const metrics::Metric& metric);
metrics::Metric metric_from_config(const Config& config, const CustomObjects& custom);

/// With what is excluded from weight decay: its names, and Parameters by their places in `weights`.
Config optimizer_config(const optimizers::Optimizer& optimizer, std::span<const NamedParameter> weights);
optimizers::Optimizer optimizer_from_config(const Config& config, const CustomObjects& custom,
                                            std::span<const NamedParameter> weights);

}  // namespace xgrad
