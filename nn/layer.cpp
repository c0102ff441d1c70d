#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/functional.hpp>
#include <xgrad/nn/layer.hpp>

namespace xgrad {

namespace detail {

void throw_inputs(std::string_view kind, std::size_t expected, std::size_t got) {
  throw ValueError("[" + std::string(kind) + "] expected " + std::to_string(expected) +
                   (expected == 1 ? " input" : " inputs") + ", got " + std::to_string(got));
}

void throw_outputs(std::string_view kind, std::size_t got) {
  throw ValueError("[" + std::string(kind) + "] expected a layer with one output, got " + std::to_string(got) +
                   ": call it with a list of inputs");
}

}  // namespace detail

namespace {

/// Finds what copies of a layer share: the first object that is named outside its sublayers.
struct FirstShared final : Visitor {
  void parameter(std::string_view, Parameter&, const ParameterRules&) override {}
  void enter(std::string_view name, std::string_view kind) override {
    Visitor::enter(name, kind);
    ++depth;
  }
  void leave() override {
    Visitor::leave();
    --depth;
  }
  void shared(Shared<Counted>& object) override {
    if (depth == 0) last = object.get();
  }
  int depth = 0;
  const void* last = nullptr;
};

}  // namespace

void Layer::no_config(std::string_view kind) {
  throw ValueError("[" + std::string(kind) + "] expected a layer with get_config, to be saved as part of a whole " +
                   "model: give it one, or save the weights alone (save_weights)");
}

const void* Layer::identity() const {
  FirstShared found;
  Layer copy = *this;
  copy.each(Visit(found));
  return found.last;
}

Tensor Layer::operator()(const Tensor& x) const {
  std::vector<Tensor> all = (*this)(std::span(&x, 1));
  if (all.size() != 1) detail::throw_outputs(kind_name(), all.size());
  return std::move(all[0]);
}

std::vector<Tensor> Layer::operator()(std::span<const Tensor> xs) const {
  if (is_symbolic(xs)) return symbolic_call(*this, xs);
  Call call;
  return (*this)(xs, call);
}

std::vector<Tensor> symbolic_call(const Layer& layer, std::span<const Tensor> xs, const Config& arguments) {
  // Its shapes come from a call that is recorded and never computed.
  const NoGrad no_grad;
  std::vector<Tensor> like;
  for (const Tensor& x : xs) like.push_back(zeros(x.shape(), {.dtype = x.dtype()}));
  Call call{.dry = true};
  if (!arguments.is_nothing()) call.arguments = &arguments;
  const std::vector<Tensor> results = layer(like, call);
  auto* step = new LayerCall(layer, results.size(), arguments);
  return defer(step, xs, results, layer.name().empty() ? std::string(layer.kind_name()) : layer.name());
}

}  // namespace xgrad
