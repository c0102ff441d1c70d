#pragma once
/// Whole models in one file: architecture, weights, random generators and the state of training.

#include <xgrad/nn/model.hpp>

namespace xgrad {

class Cell;

/// Layers and functions of one's own, for models that are loaded: given where they are needed, registered nowhere.
///
///     Model model = load_model("net.xgrad", CustomObjects().layer<Residual>());
struct CustomObjects {
 public:
  using Maker = Function<Layer(const Config& config, const CustomObjects& custom)>;
  using CellMaker = Function<Cell(const Config& config, const CustomObjects& custom)>;
  using TensorFunction = Function<Tensor(const Tensor&)>;

  /// A type with `get_config() const` and `static L from_config(const Config&)`, which may also take the CustomObjects.
  template <class L>
  CustomObjects& layer(std::string_view class_name = kind_of<L>()) {
    makers_.emplace_back(std::string(class_name), [](const Config& config, const CustomObjects& custom) {
      if constexpr (requires { L::from_config(config, custom); }) {
        return Layer(L::from_config(config, custom));
      } else {
        static_cast<void>(custom);
        return Layer(L::from_config(config));
      }
    });
    return *this;
  }
  /// The same for a cell of recurrent layers.
  template <class C>
  CustomObjects& cell(std::string_view class_name = kind_of<C>()) {
    cell_makers_.emplace_back(std::string(class_name), [](const Config& config, const CustomObjects& custom) {
      if constexpr (requires { C::from_config(config, custom); }) {
        return Cell(C::from_config(config, custom));
      } else {
        static_cast<void>(custom);
        return Cell(C::from_config(config));
      }
    });
    return *this;
  }
  /// The function of Lambda layers that have this name.
  CustomObjects& function(std::string_view name, TensorFunction function) {
    functions_.emplace_back(std::string(name), std::move(function));
    return *this;
  }

  /// Losses, metrics and optimizers of one's own that have this name. Those with a state are made anew for each model.
  CustomObjects& loss(std::string_view name, losses::Loss loss) {
    losses_.emplace_back(std::string(name), std::move(loss));
    return *this;
  }
  CustomObjects& metric(std::string_view name, Function<metrics::Metric()> maker) {
    metrics_.emplace_back(std::string(name), std::move(maker));
    return *this;
  }
  CustomObjects& optimizer(std::string_view name, Function<optimizers::Optimizer()> maker) {
    optimizers_.emplace_back(std::string(name), std::move(maker));
    return *this;
  }

  const Maker* find_layer(std::string_view class_name) const;
  const CellMaker* find_cell(std::string_view class_name) const;
  /// Throws ValueError, with the near misses, for a name there is not.
  const TensorFunction& find_function(std::string_view name) const;
  const losses::Loss* find_loss(std::string_view name) const { return find(losses_, name); }
  const Function<metrics::Metric()>* find_metric(std::string_view name) const { return find(metrics_, name); }
  const Function<optimizers::Optimizer()>* find_optimizer(std::string_view name) const {
    return find(optimizers_, name);
  }
  const std::vector<std::pair<std::string, Maker>>& makers() const { return makers_; }
  const std::vector<std::pair<std::string, CellMaker>>& cell_makers() const { return cell_makers_; }

 private:
  template <class T>
  using Table = std::vector<std::pair<std::string, T>>;
  template <class T>
  static const T* find(const Table<T>& table, std::string_view name) {
    for (const auto& [key, value] : table)
      if (key == name) return &value;
    return nullptr;
  }

  Table<Maker> makers_;
  Table<CellMaker> cell_makers_;
  Table<TensorFunction> functions_;
  Table<losses::Loss> losses_;
  Table<Function<metrics::Metric()>> metrics_;
  Table<Function<optimizers::Optimizer()>> optimizers_;
};

/// The layers of the library by the names of their types, and how they are made from a config.
const CustomObjects& library_layers();

/// {"class_name": "Dense", "config": {...}}. Throws ValueError for a layer without get_config.
Config layer_config(const Layer& layer);
/// The layer of such a config, not built. Throws ValueError for an unknown class_name or option.
Layer layer_from_config(const Config& config, const CustomObjects& custom = {});

/// The model of a config with its layers built, but with first values of their own.
Model model_from_config(const Config& config, const CustomObjects& custom = {});

/// A model from the file that Model::save wrote: architecture, weights, random generators, what is frozen, what it was
/// compiled with, and the state of training, which goes on bit for bit:
///
///     Model model = load_model("net.xgrad");
///     model.fit(x, y, {.epochs = 4, .initial_epoch = 2});
///
/// Functions of one's own come from `custom`: losses and metrics by their names, and by the name of its rule an
/// optimizer. What could not be saved (a loss without a name, a schedule that is a function, a training step of one's
/// own) leaves the model to be compiled again, and `fit` says why. Throws IoError for a file that is damaged or holds
/// no model, ValueError for what is not known.
Model load_model(const std::string& path, const CustomObjects& custom = {});

}  // namespace xgrad
