#include <xgrad/nn/made.hpp>
#include <xgrad/nn/model_state.hpp>
#include <xgrad/nn/saving.hpp>

namespace xgrad {

/// What `compile` is told, in the form it was told: one for all, a list, or by names.
struct CompileConfig {
  template <class T, class Write>
  static Config listed(const std::vector<std::string>& names, const std::vector<T>& values, Write write) {
    if (names.empty()) {
      std::vector<Config> out;
      for (const T& value : values) out.push_back(write(value));
      return out;
    }
    Config out = Config::object();
    for (std::size_t i = 0; i < names.size(); ++i) out.set(names[i], write(values[i]));
    return out;
  }
  template <class T, class Read>
  static void read(const Config& config, std::vector<std::string>& names, std::vector<T>& values, Read read_one) {
    if (config.kind() == Config::Kind::list) {
      for (const Config& item : config.list()) values.push_back(read_one(item));
      return;
    }
    for (const auto& [name, item] : config.entries()) {
      names.push_back(name);
      values.push_back(read_one(item));
    }
  }

  static Config of(const OutputLosses& losses) {
    if (losses.for_all_) return loss_config(losses.losses_[0]);
    return listed(losses.names_, losses.losses_, loss_config);
  }
  static void read(const Config& config, OutputLosses& losses, const CustomObjects& custom) {
    const auto one = [&](const Config& item) { return loss_from_config(item, custom); };
    const bool single =
        config.kind() == Config::Kind::text || (config.kind() == Config::Kind::object && config.contains("class_name"));
    if (single)
      losses = OutputLosses(one(config));
    else if (!config.is_nothing())
      read(config, losses.names_, losses.losses_, one);
  }

  static Config of(const LossWeights& weights) {
    return listed(weights.names_, weights.weights_, [](double weight) { return Config(weight); });
  }
  static void read(const Config& config, LossWeights& weights) {
    read(config, weights.names_, weights.weights_, [](const Config& item) { return item.real(); });
  }

  static Config metric_list(const std::vector<metrics::Metric>& metrics) { return listed({}, metrics, metric_config); }
  static Config of(const OutputMetrics& metrics) {
    if (metrics.names_.empty()) return metric_list(metrics.flat_);
    return listed(metrics.names_, metrics.lists_, metric_list);
  }
  static void read(const Config& config, OutputMetrics& metrics, const CustomObjects& custom) {
    const auto one = [&](const Config& item) { return metric_from_config(item, custom); };
    std::vector<std::string> none;
    if (config.kind() == Config::Kind::list) return read(config, none, metrics.flat_, one);
    read(config, metrics.names_, metrics.lists_, [&](const Config& list) {
      std::vector<metrics::Metric> out;
      read(list, none, out, one);
      return out;
    });
  }
};

Config Model::get_compile_config() const {
  state_->need_compiled("get_compile_config");
  if (state_->train_step || state_->test_step)
    throw ValueError("[get_compile_config] expected the usual steps, got one of the user's own (set_train_step, " +
                     std::string("set_test_step), which is no data"));
  const CompileOptions& o = state_->compiled->options;
  return Config::object({{"optimizer", optimizer_config(o.optimizer, weights(state_->network))},
                         {"loss", CompileConfig::of(o.loss)},
                         {"loss_weights", CompileConfig::of(o.loss_weights)},
                         {"metrics", CompileConfig::of(o.metrics)},
                         {"weighted_metrics", CompileConfig::of(o.weighted_metrics)}});
}

void Model::compile_from_config(const Config& config) { compile_from_config(config, {}); }

void Model::compile_from_config(const Config& config, const CustomObjects& custom) {
  CompileOptions o{.optimizer = optimizer_from_config(config.at("optimizer"), custom, weights(state_->network))};
  CompileConfig::read(config.at("loss"), o.loss, custom);
  CompileConfig::read(config.at("loss_weights"), o.loss_weights);
  CompileConfig::read(config.at("metrics"), o.metrics, custom);
  CompileConfig::read(config.at("weighted_metrics"), o.weighted_metrics, custom);
  compile(std::move(o));
}

}  // namespace xgrad
