#pragma once
/// Visit: what a layer's `each` names its parameters and sublayers to; and what is done with them.

#include <xgrad/graph/generator.hpp>
#include <xgrad/graph/parameter.hpp>
#include <xgrad/nn/regularizers.hpp>
#include <xgrad/optim/optimizer.hpp>

#include <utility>

namespace xgrad {

class Visit;

/// Has `each(visit)`.
template <class T>
concept Layered = requires(T& t, Visit visit) { t.each(visit); };

/// What belongs to a Parameter besides its value: a penalty for the loss, and what updates bring it back to.
struct ParameterRules {
  const regularizers::Regularizer& regularizer = {};
  const constraints::Constraint& constraint = {};
};

/// What walks a model: knows where it is by the names of the layers it has entered.
class Visitor {
 public:
  virtual ~Visitor() = default;
  virtual void parameter(std::string_view name, Parameter& parameter, const ParameterRules& rules) = 0;
  virtual void generator(std::string_view name, Generator& generator);
  /// State that training changes, but not by gradients: moving means, counts.
  virtual void state(std::string_view name, Parameter& parameter);
  /// Whether a layer is trained, where it behaves differently if not (batch normalization).
  virtual void trainable(bool& flag);
  /// A layer begins; `kind` is the name of its type.
  virtual void enter(std::string_view name, std::string_view kind);
  virtual void leave();
  /// What copies of a layer share; a visitor that clones puts a copy there.
  virtual void shared(Shared<Counted>& object);

  /// "dense/kernel": the names entered and this one.
  std::string path(std::string_view name) const;

 private:
  std::vector<std::string> names_;
};

/// The name of a type without its namespaces: "Dense".
template <class T>
constexpr std::string_view kind_of() {
  constexpr std::string_view text = __PRETTY_FUNCTION__;
  constexpr std::string_view full = text.substr(text.find("T = ") + 4);
  constexpr std::string_view whole = full.substr(0, full.find_first_of(";]"));
  // From the end: template arguments, then the name; lambdas and function pointers have none.
  std::size_t end = whole.size();
  int depth = 0;
  while (end > 0) {
    const char c = whole[end - 1];
    depth += (c == '>') - (c == '<');
    if (depth == 0 && c != '<') break;
    --end;
  }
  std::size_t begin = end;
  while (begin > 0) {
    const char c = whole[begin - 1];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    if (!letter) break;
    --begin;
  }
  return begin == end ? std::string_view("Function") : whole.substr(begin, end - begin);
}

/// A light reference to a Visitor, for a layer's `each`:
///
///     void each(Visit visit) { visit("kernel", kernel); visit("hidden", hidden); }
class Visit {
 public:
  explicit Visit(Visitor& visitor) : visitor_(&visitor) {}

  /// A Parameter, with a penalty that belongs into the loss and a constraint for after each update, if it has any.
  void operator()(std::string_view name, Parameter& parameter, const regularizers::Regularizer& regularizer = {},
                  const constraints::Constraint& constraint = {}) const {
    visitor_->parameter(name, parameter, {regularizer, constraint});
  }
  /// Random state, which is saved with the model.
  void operator()(std::string_view name, Generator& generator) const { visitor_->generator(name, generator); }
  /// State that is saved with the model and not trained.
  void state(std::string_view name, Parameter& parameter) const { visitor_->state(name, parameter); }
  void trainable(bool& flag) const { visitor_->trainable(flag); }
  template <Layered L>
  void operator()(std::string_view name, L& layer) const {
    std::string_view kind = kind_of<L>();
    if constexpr (requires { layer.kind_name(); }) kind = layer.kind_name();
    inside(name, kind, [&] { layer.each(*this); });
  }
  /// A list of layers or Parameters: their names are their numbers.
  template <class L>
  void operator()(std::string_view name, std::vector<L>& layers) const {
    inside(name, "List", [&] {
      for (std::size_t i = 0; i < layers.size(); ++i) (*this)(std::to_string(i), layers[i]);
    });
  }
  /// What copies of this layer share, before its contents are named.
  template <class T>
  void own(Shared<T>& object) const {
    Shared<Counted> erased(object.get());
    visitor_->shared(erased);
    if (erased.get() != object.get()) object = Shared<T>(static_cast<T*>(erased.get()));
  }
  template <class F>
  void inside(std::string_view name, std::string_view kind, F&& contents) const {
    visitor_->enter(name, kind);
    contents();
    visitor_->leave();
  }

 private:
  Visitor* visitor_;
};

/// A Parameter and its place in the model.
struct NamedParameter {
  std::string name;
  Parameter parameter;
};

/// A Generator in a model and its place.
struct NamedGenerator {
  std::string name;
  Generator* generator;
};

namespace detail {
using EachOf = Function<void(Visit)>;
std::vector<NamedParameter> weights(const EachOf& each);
std::vector<NamedGenerator> generators(const EachOf& each);
std::vector<Tensor> penalties(const EachOf& each);
void constrain(optimizers::Optimizer& optimizer, const EachOf& each);
void clone(const EachOf& each);
void set_trainable(const EachOf& each, bool trainable);
}  // namespace detail

/// Every Parameter that the model's `each` names, once, with its path ("hidden/kernel"). Layers that are not built yet
/// have none.
template <Layered M>
std::vector<NamedParameter> weights(M& model) {
  return detail::weights([&model](Visit visit) { model.each(visit); });
}
template <Layered M>
std::vector<NamedGenerator> generators(M& model) {
  return detail::generators([&model](Visit visit) { model.each(visit); });
}

/// The trainable Parameters of a model: what an optimizer works on.
template <Layered M>
std::vector<Parameter> parameters(M& model) {
  std::vector<Parameter> out;
  for (NamedParameter& weight : weights(model))
    if (weight.parameter.trainable()) out.push_back(std::move(weight.parameter));
  return out;
}

/// How many numbers the Parameters of a model hold.
template <Layered M>
std::int64_t count_params(M& model) {
  std::int64_t n = 0;
  for (const NamedParameter& weight : weights(model)) n += weight.parameter.size();
  return n;
}

/// The penalties of the model's regularizers, one scalar each, to be added to the loss.
template <Layered M>
std::vector<Tensor> penalties(M& model) {
  return detail::penalties([&model](Visit visit) { model.each(visit); });
}

/// Tells the optimizer the constraints of the model's Parameters. `fit` does so itself; a loop of one's own calls it
/// once the model is built.
template <Layered M>
void constrain(optimizers::Optimizer& optimizer, M& model) {
  detail::constrain(optimizer, [&model](Visit visit) { model.each(visit); });
}

/// Freezes a layer or model, or thaws it: whether its weights are trained. State that is never trained stays as it is.
/// Throws ValueError, before anything changes, for a layer that has no weights yet because it is not built.
template <Layered M>
void set_trainable(M& model, bool trainable) {
  detail::set_trainable([&model](Visit visit) { model.each(visit); }, trainable);
}

/// A copy with Parameters and random state of its own (plain copies share them). What is shared inside the model stays
/// shared inside the clone.
template <Layered M>
M clone(const M& model) {
  M copy = model;
  detail::clone([&copy](Visit visit) { copy.each(visit); });
  return copy;
}

}  // namespace xgrad
