#include <xgrad/nn/sharing.hpp>

#include <typeinfo>
#include <unordered_map>

namespace xgrad {

namespace {

/// Numbers the places; for each that holds what an earlier one holds, both numbers.
struct Places final : Visitor {
  void parameter(std::string_view, Parameter& parameter, const ParameterRules&) override {
    if (parameter.defined()) note(parameters, parameter.slot(), parameter_count);
    ++parameter_count;
  }
  void shared(Shared<Counted>& object) override {
    if (object) note(objects, object.get(), object_count);
    ++object_count;
  }

  struct Repeats {
    std::unordered_map<const void*, std::size_t> first;
    std::vector<Config> pairs;
  };
  static void note(Repeats& repeats, const void* what, std::size_t place) {
    const auto [found, is_new] = repeats.first.try_emplace(what, place);
    if (!is_new) repeats.pairs.emplace_back(std::vector<Config>{place, found->second});
  }
  Repeats objects, parameters;
  std::size_t object_count = 0, parameter_count = 0;
};

/// Puts into later places what earlier ones hold.
struct Tying final : Visitor {
  explicit Tying(const Config& config) {
    read(config.at("objects"), objects);
    read(config.at("parameters"), parameters);
  }
  static void read(const Config& config, std::unordered_map<std::size_t, std::size_t>& earlier) {
    for (const Config& pair : config.list()) {
      if (pair.list().size() != 2 || pair.list()[1].integer() < 0 ||
          pair.list()[0].integer() <= pair.list()[1].integer())
        throw ValueError("[config] expected a place of the model and an earlier one");
      earlier[static_cast<std::size_t>(pair.list()[0].integer())] = static_cast<std::size_t>(pair.list()[1].integer());
    }
  }
  [[noreturn]] void other() const {
    throw ValueError("[config] expected layers of one kind in the places that share, got another at '" + path("") +
                     "'");
  }

  void parameter(std::string_view, Parameter& parameter, const ParameterRules&) override {
    const std::size_t place = seen_parameters.size();
    if (const auto found = parameters.find(place); found != parameters.end()) {
      const Parameter& earlier = seen_parameters[found->second];
      if (!earlier.defined() || !parameter.defined() || earlier.shape() != parameter.shape() ||
          earlier.dtype() != parameter.dtype())
        other();
      parameter = earlier;
    }
    seen_parameters.push_back(parameter);
  }
  void shared(Shared<Counted>& object) override {
    const std::size_t place = seen_objects.size();
    if (const auto found = objects.find(place); found != objects.end()) {
      const Shared<Counted>& earlier = seen_objects[found->second];
      // What takes the place must be of its very type: the layer goes on as if it were its own.
      if (!earlier || !object || typeid(*earlier) != typeid(*object)) other();
      object = earlier;
    }
    seen_objects.push_back(object);
  }

  std::unordered_map<std::size_t, std::size_t> objects, parameters;
  std::vector<Shared<Counted>> seen_objects;
  std::vector<Parameter> seen_parameters;
};

}  // namespace

Config sharing_of(const Layer& network) {
  Places places;
  Layer(network).each(Visit(places));
  if (places.objects.pairs.empty() && places.parameters.pairs.empty()) return {};
  return Config::object({{"objects", places.objects.pairs}, {"parameters", places.parameters.pairs}});
}

void share(Layer& network, const Config& sharing) {
  if (sharing.is_nothing()) return;
  Tying tying(sharing);
  network.each(Visit(tying));
}

}  // namespace xgrad
