#include <xgrad/nn/fields.hpp>
#include <xgrad/optim/names.hpp>

namespace xgrad {

namespace {

Config named_object(const char* name, Config config) {
  return Config::object({{"class_name", name}, {"config", std::move(config)}});
}

/// A word of a fixed list, which outlives what it is read from.
void read_word(const Config& config, const char* name, std::string_view& value,
               std::initializer_list<std::string_view> words) {
  if (!config.contains(name)) return;
  for (const std::string_view word : words)
    if (config.at(name).text() == word) {
      value = word;
      return;
    }
  throw_unknown_name(name, config.at(name).text(), std::span(words.begin(), words.size()));
}

using namespace initializers;

void describe(Fields&, Zeros&) {}
void describe(Fields&, Ones&) {}
void describe(Fields& f, Constant& o) { f("value", o.value); }
void describe(Fields& f, RandomUniform& o) {
  f("minval", o.minval);
  f("maxval", o.maxval);
  f("seed", o.seed);
}
template <class Normal>
requires std::same_as<Normal, RandomNormal> || std::same_as<Normal, TruncatedNormal>
void describe(Fields& f, Normal& o) {
  f("mean", o.mean);
  f("stddev", o.stddev);
  f("seed", o.seed);
}
void describe(Fields& f, VarianceScaling& o) {
  std::string mode(o.mode), distribution(o.distribution);
  f("scale", o.scale);
  f("mode", mode);
  f("distribution", distribution);
  f("seed", o.seed);
  if (!f.reading()) return;
  const Config words = Config::object({{"mode", mode}, {"distribution", distribution}});
  read_word(words, "mode", o.mode, {"fan_in", "fan_out", "fan_avg"});
  read_word(words, "distribution", o.distribution, {"uniform", "truncated_normal", "untruncated_normal", "normal"});
}

void describe(Fields& f, Identity& o) { f("gain", o.gain); }
void describe(Fields& f, Orthogonal& o) {
  f("gain", o.gain);
  f("seed", o.seed);
}
void describe(Fields& f, STFT& o) {
  std::string side(o.side), window(o.window), scaling(o.scaling);
  f("side", side);
  f("window", window);
  f("scaling", scaling);
  f("periodic", o.periodic);
  if (!f.reading()) return;
  const Config words = Config::object({{"side", side}, {"window", window}, {"scaling", scaling}});
  read_word(words, "side", o.side, {"real", "imag"});
  read_word(
      words, "window", o.window,
      {"hann", "hamming", "blackman", "nuttall", "blackmanharris", "flattop", "cosine", "bartlett", "boxcar", ""});
  read_word(words, "scaling", o.scaling, {"density", "spectrum", ""});
}

using namespace regularizers;

void describe(Fields& f, L1& o) { f("l1", o.l1); }
void describe(Fields& f, L2& o) { f("l2", o.l2); }
void describe(Fields& f, L1L2& o) {
  f("l1", o.l1);
  f("l2", o.l2);
}

void describe(Fields& f, OrthogonalRegularizer& o) {
  std::string mode(o.mode);
  f("factor", o.factor);
  f("mode", mode);
  if (f.reading()) read_word(Config::object({{"mode", mode}}), "mode", o.mode, {"rows", "columns"});
}

using namespace constraints;

void describe(Fields& f, MaxNorm& o) {
  f("max_value", o.max_value);
  f("axis", o.axis);
}
void describe(Fields& f, MinMaxNorm& o) {
  f("min_value", o.min_value);
  f("max_value", o.max_value);
  f("rate", o.rate);
  f("axis", o.axis);
}
void describe(Fields&, NonNeg&) {}
void describe(Fields& f, UnitNorm& o) { f("axis", o.axis); }

/// Writes the object in a Function, if it is one of these types.
template <class... Ts, class F>
Config write_one_of(const char* what, const F& function) {
  if (!function) return {};
  Config out;
  const auto attempt = [&]<class T>(const T* found) {
    if (!found) return false;
    T copy = *found;
    out = named_object(std::string(kind_of<T>()).c_str(), written([&](Fields& f) { describe(f, copy); }));
    return true;
  };
  if ((attempt(function.template target<Ts>()) || ...)) return out;
  throw ValueError(std::string("[config] expected ") + what + " of the library, to be saved with the model, got one " +
                   "of another type");
}

/// Reads it back: a name, or the type with its options.
template <class... Ts, class F>
void read_one_of(const char* what, const Config& config, F& function) {
  if (config.is_nothing()) {
    function = {};
    return;
  }
  if (config.kind() == Config::Kind::text) {
    function = F(config.text());
    return;
  }
  const std::string& name = config.at("class_name").text();
  const auto attempt = [&]<class T>(T object) {
    if (name != kind_of<T>()) return false;
    read_config(name, config.at("config"), [&](Fields& f) { describe(f, object); });
    function = F(std::move(object));
    return true;
  };
  if ((attempt(Ts()) || ...)) return;
  const std::string_view known[] = {kind_of<Ts>()...};
  throw_unknown_name(what, name, known);
}

}  // namespace

void Fields::finish() const {
  for (const auto& [name, value] : in_->entries()) {
    bool found = false;
    for (const std::string& known : known_) found = found || known == name;
    if (found) continue;
    const std::vector<std::string_view> known(known_.begin(), known_.end());
    throw_unknown_name(where_ + " config", name, known);
  }
}

Config Fields::write(const Axes& value) {
  if (value.all()) return {};
  std::vector<Config> list;
  for (const int axis : value) list.emplace_back(axis);
  return list;
}

void Fields::read(const Config& config, Axes& value) {
  value = Axes();
  if (config.is_nothing()) return;
  if (config.kind() == Config::Kind::integer) {
    value = Axes(static_cast<int>(config.integer()));
    return;
  }
  std::vector<int> axes;
  for (const Config& item : config.list()) axes.push_back(static_cast<int>(item.integer()));
  switch (axes.size()) {
    case 0: value = Axes::none(); break;
    case 1: value = Axes(axes[0]); break;
    case 2: value = {axes[0], axes[1]}; break;
    case 3: value = {axes[0], axes[1], axes[2]}; break;
    case 4: value = {axes[0], axes[1], axes[2], axes[3]}; break;
    default: throw ValueError("expected at most 4 axes");
  }
}

Config Fields::write(const ActivationFunction& value) {
  if (!value) return {};
  if (value.name().empty())
    throw ValueError("[config] expected an activation with a name, to be saved with the model, got a function");
  return value.name();
}

void Fields::read(const Config& config, ActivationFunction& value) {
  value = config.is_nothing() ? ActivationFunction() : ActivationFunction(config.text());
}

Config Fields::write(const initializers::Initializer& value) {
  return write_one_of<Zeros, Ones, Constant, RandomUniform, RandomNormal, TruncatedNormal, VarianceScaling,
                      initializers::Identity, Orthogonal, STFT>("an initializer", value);
}

void Fields::read(const Config& config, initializers::Initializer& value) {
  read_one_of<Zeros, Ones, Constant, RandomUniform, RandomNormal, TruncatedNormal, VarianceScaling,
              initializers::Identity, Orthogonal, STFT>("initializer", config, value);
}

Config Fields::write(const regularizers::Regularizer& value) {
  return write_one_of<L1, L2, L1L2, OrthogonalRegularizer>("a regularizer", value);
}

void Fields::read(const Config& config, regularizers::Regularizer& value) {
  read_one_of<L1, L2, L1L2, OrthogonalRegularizer>("regularizer", config, value);
}

Config Fields::write(const constraints::Constraint& value) {
  return write_one_of<MaxNorm, MinMaxNorm, NonNeg, UnitNorm>("a constraint", value);
}

void Fields::read(const Config& config, constraints::Constraint& value) {
  read_one_of<MaxNorm, MinMaxNorm, NonNeg, UnitNorm>("constraint", config, value);
}

}  // namespace xgrad
