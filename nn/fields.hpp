#pragma once
/// Options as a Config and back, by one description for both. Internal to nn/.

#include <xgrad/graph/basic.hpp>
#include <xgrad/nn/activations.hpp>
#include <xgrad/nn/config.hpp>
#include <xgrad/nn/initializers.hpp>
#include <xgrad/nn/regularizers.hpp>
#include <xgrad/optim/constraints.hpp>

#include <optional>

namespace xgrad {

/// Hands named options on: into a Config, or out of one.
class Fields {
 public:
  explicit Fields(Config& out) : out_(&out) {}
  Fields(std::string_view where, const Config& in) : in_(&in), where_(where) {}

  template <class T>
  void operator()(std::string_view name, T& value) {
    known_.emplace_back(name);
    if (out_) {
      out_->set(name, write(value));
    } else if (in_->contains(name)) {
      try {
        read(in_->at(name), value);
      } catch (const Error& error) {
        throw ValueError("[" + where_ + "] in the config of '" + std::string(name) + "': " + error.what());
      }
    }
  }
  bool reading() const { return in_ != nullptr; }
  /// Throws ValueError for a name in the Config that nothing asked for.
  void finish() const;

 private:
  template <class T>
  requires std::integral<T> || std::same_as<T, double>
  static Config write(T value) { return value; }
  static Config write(const std::string& value) { return value; }
  static Config write(const Shape& value) { return value; }
  static Config write(DType value) { return value; }
  static Config write(const Config& value) { return value; }
  static Config write(const Axes& value);  ///< nothing: all
  static Config write(const ActivationFunction& value);
  static Config write(const initializers::Initializer& value);
  static Config write(const regularizers::Regularizer& value);
  static Config write(const constraints::Constraint& value);
  template <class T>
  static Config write(const std::optional<T>& value) {
    return value ? write(*value) : Config();
  }
  template <class T>
  static Config write(const std::vector<T>& value) {
    std::vector<Config> out;
    for (const T& item : value) out.push_back(write(item));
    return out;
  }
  template <class A, class B>
  static Config write(const std::pair<A, B>& value) {
    return std::vector<Config>{write(value.first), write(value.second)};
  }

  static void read(const Config& config, bool& value) { value = config.boolean(); }
  template <std::integral T>
  static void read(const Config& config, T& value) {
    value = static_cast<T>(config.integer());
  }
  static void read(const Config& config, double& value) { value = config.real(); }
  static void read(const Config& config, std::string& value) { value = config.text(); }
  static void read(const Config& config, Shape& value) { value = config.shape(); }
  static void read(const Config& config, DType& value) { value = config.dtype(); }
  static void read(const Config& config, Config& value) { value = config; }
  static void read(const Config& config, Axes& value);
  static void read(const Config& config, ActivationFunction& value);
  static void read(const Config& config, initializers::Initializer& value);
  static void read(const Config& config, regularizers::Regularizer& value);
  static void read(const Config& config, constraints::Constraint& value);
  template <class T>
  static void read(const Config& config, std::optional<T>& value) {
    if (config.is_nothing()) {
      value.reset();
    } else {
      T inner{};
      read(config, inner);
      value = std::move(inner);
    }
  }
  template <class T>
  static void read(const Config& config, std::vector<T>& value) {
    value.clear();
    for (const Config& item : config.list()) {
      T inner{};
      read(item, inner);
      value.push_back(std::move(inner));
    }
  }
  template <class A, class B>
  static void read(const Config& config, std::pair<A, B>& value) {
    if (config.list().size() != 2) throw ValueError("expected a pair");
    read(config.list()[0], value.first);
    read(config.list()[1], value.second);
  }

  Config* out_ = nullptr;
  const Config* in_ = nullptr;
  std::string where_;
  std::vector<std::string> known_;
};

/// The Config that `describe(fields)` writes.
template <class Describe>
Config written(Describe&& describe) {
  Config out = Config::object();
  Fields fields(out);
  describe(fields);
  return out;
}

/// Reads a Config by the same description. Throws ValueError for unknown names and values of another kind.
template <class Describe>
void read_config(std::string_view where, const Config& config, Describe&& describe) {
  Fields fields(where, config);
  describe(fields);
  fields.finish();
}

}  // namespace xgrad
