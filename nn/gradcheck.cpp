#include <xgrad/nn/gradcheck.hpp>

#include <xgrad/graph/leading.hpp>

namespace xgrad {
namespace {

/// The weights' values and names, behind what is there already.
void add_weights(const std::vector<NamedParameter>& weights, std::vector<Tensor>& xs, GradcheckOptions& options) {
  for (const NamedParameter& weight : weights) {
    if (!weight.parameter.trainable()) continue;
    xs.push_back(weight.parameter.value());
    options.names.push_back(weight.name);
  }
}

}  // namespace

GradcheckReport gradcheck(Layer layer, const Tensor& x, const GradcheckOptions& options) {
  if (!x.defined()) throw ValueError("[gradcheck] expected an input, got one that was never given a value");
  const Later later;
  GradcheckOptions named = options;
  named.names.clear();
  std::vector<Tensor> xs;
  Tensor input = x;
  if (is_floating(x.dtype())) {
    // A leaf of its own: what x was recorded from is not the layer's business.
    input = tensor(x.to_vector<double>(), x.shape(), {.dtype = x.dtype()});
    xs.push_back(input);
    named.names.push_back(x.name().empty() ? std::string("x") : std::string(x.name()));
  }
  Call call;
  std::vector<Tensor> ys{layer(input, call)};
  for (const Tensor& penalty : call.penalties) ys.push_back(penalty);
  for (const Tensor& penalty : penalties(layer)) ys.push_back(penalty);
  add_weights(weights(layer), xs, named);
  return gradcheck_recorded(std::span<const Tensor>(ys), xs, named);
}

GradcheckReport gradcheck(const losses::Loss& loss, const Tensor& y_true, const Tensor& y_pred,
                          const GradcheckOptions& options) {
  GradcheckOptions named = options;
  named.names = {"y_pred"};
  const auto f = [&](const Tensor& predicted) { return loss(y_true, predicted); };
  return gradcheck(f, {y_pred}, named);
}

GradcheckReport gradcheck(Model& model, const Tensors& x, const Tensors& y, const GradcheckOptions& options) {
  const Later later;
  GradcheckOptions named = options;
  named.names.clear();
  const Tensor loss = model.compute_loss(x, y);
  std::vector<Tensor> xs;
  add_weights(weights(model), xs, named);
  return gradcheck_recorded(loss, xs, named);
}

}  // namespace xgrad
