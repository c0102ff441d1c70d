#pragma once
/// The gradient check of layers, losses and compiled models.

#include <xgrad/diff/gradcheck.hpp>
#include <xgrad/nn/model.hpp>

namespace xgrad {

/// Checks a layer (or a model that is not compiled) on one input: the derivatives of its output, and of the penalties
/// it adds, by x and by every trainable Parameter, in evaluation. float32 weights are checked as float64.
GradcheckReport gradcheck(Layer layer, const Tensor& x, const GradcheckOptions& options = {});

/// Checks a loss: its derivative by y_pred.
GradcheckReport gradcheck(const losses::Loss& loss, const Tensor& y_true, const Tensor& y_pred,
                          const GradcheckOptions& options = {});

/// Checks a whole compiled model on a batch: the derivative of its loss, with all penalties, by every trainable weight.
/// Elements are named by weight ("dense/kernel[3, 1]"), culprits by operation, layer and line.
GradcheckReport gradcheck(Model& model, const Tensors& x, const Tensors& y, const GradcheckOptions& options = {});

}  // namespace xgrad
