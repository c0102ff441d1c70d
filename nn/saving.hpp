#pragma once
/// Whole models in one file: architecture, weights, random generators and the state of training.

#include <xgrad/nn/model.hpp>

namespace xgrad {

/// Layers and functions of one's own, for models that are loaded: given where they are needed, registered nowhere.
///
///     Model model = load_model("net.xgrad", CustomObjects().layer<Residual>());
struct CustomObjects {
 public:
  using Maker = Function<Layer(const Config& config, const CustomObjects& custom)>;
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
  /// The function of Lambda layers that have this name.
  CustomObjects& function(std::string_view name, TensorFunction function) {
    functions_.emplace_back(std::string(name), std::move(function));
    return *this;
  }

  const Maker* find_layer(std::string_view class_name) const;
  /// Throws ValueError, with the near misses, for a name there is not.
  const TensorFunction& find_function(std::string_view name) const;
  const std::vector<std::pair<std::string, Maker>>& makers() const { return makers_; }

 private:
  std::vector<std::pair<std::string, Maker>> makers_;
  std::vector<std::pair<std::string, TensorFunction>> functions_;
};

/// The layers of the library by the names of their types, and how they are made from a config.
const CustomObjects& library_layers();

/// {"class_name": "Dense", "config": {...}}. Throws ValueError for a layer without get_config.
Config layer_config(const Layer& layer);
/// The layer of such a config, not built. Throws ValueError for an unknown class_name or option.
Layer layer_from_config(const Config& config, const CustomObjects& custom = {});

/// The model of a config with its layers built, but with first values of their own.
Model model_from_config(const Config& config, const CustomObjects& custom = {});

/// A model from the file that Model::save wrote: architecture, weights, random generators, what is frozen, and the
/// state of training, which goes on bit for bit once it is compiled with the same options:
///
///     Model model = load_model("net.xgrad");
///     model.compile({.optimizer = "adam", .loss = "mse"});
///     model.fit(x, y, {.epochs = 4, .initial_epoch = 2});
///
/// Throws IoError for a file that is damaged or holds no model, ValueError for layers that are not known.
Model load_model(const std::string& path, const CustomObjects& custom = {});

}  // namespace xgrad
