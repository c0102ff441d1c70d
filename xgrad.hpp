#pragma once
/// Everything xgrad offers. Programs that want to compile faster include the narrow headers instead.

#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/error.hpp>
#include <xgrad/graph/format.hpp>
#include <xgrad/graph/generator.hpp>
#include <xgrad/graph/capture.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/leading.hpp>
#include <xgrad/graph/op.hpp>
#include <xgrad/graph/parameter.hpp>
#include <xgrad/graph/plan.hpp>
#include <xgrad/graph/print.hpp>
#include <xgrad/graph/rerecord.hpp>
#include <xgrad/graph/shape.hpp>
#include <xgrad/graph/shared.hpp>
#include <xgrad/graph/symbolic.hpp>
#include <xgrad/graph/tensor.hpp>

#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/bitwise.hpp>
#include <xgrad/ops/compare.hpp>
#include <xgrad/ops/creation.hpp>
#include <xgrad/ops/decompositions.hpp>
#include <xgrad/ops/einsum.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/linalg.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/scan.hpp>
#include <xgrad/ops/scatter.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/sorting.hpp>
#include <xgrad/ops/special.hpp>

#include <xgrad/diff/checkpoint.hpp>
#include <xgrad/diff/custom.hpp>
#include <xgrad/diff/gradcheck.hpp>
#include <xgrad/diff/lane.hpp>
#include <xgrad/diff/lane_math.hpp>
#include <xgrad/diff/map.hpp>
#include <xgrad/diff/op_name.hpp>
#include <xgrad/diff/symbolic.hpp>
#include <xgrad/diff/tensors.hpp>
#include <xgrad/diff/trace.hpp>
#include <xgrad/diff/transforms.hpp>
#include <xgrad/diff/vmap.hpp>

#include <xgrad/optim/constraints.hpp>
#include <xgrad/optim/names.hpp>
#include <xgrad/optim/optimizer.hpp>
#include <xgrad/optim/optimizers.hpp>
#include <xgrad/optim/schedules.hpp>
#include <xgrad/optim/shared.hpp>

#include <xgrad/data/batches.hpp>
#include <xgrad/data/csv.hpp>
#include <xgrad/data/idx.hpp>
#include <xgrad/data/mnist.hpp>
#include <xgrad/data/preprocess.hpp>
#include <xgrad/data/shuffle.hpp>
#include <xgrad/data/split.hpp>

#include <xgrad/io/atomic_file.hpp>
#include <xgrad/io/safetensors.hpp>

#include <xgrad/report/confusion.hpp>
#include <xgrad/report/events.hpp>
#include <xgrad/report/progress.hpp>

#include <xgrad/nn/activation_layers.hpp>
#include <xgrad/nn/activations.hpp>
#include <xgrad/nn/call.hpp>
#include <xgrad/nn/callback.hpp>
#include <xgrad/nn/callbacks.hpp>
#include <xgrad/nn/compile.hpp>
#include <xgrad/nn/config.hpp>
#include <xgrad/nn/dense.hpp>
#include <xgrad/nn/dropout.hpp>
#include <xgrad/nn/initializers.hpp>
#include <xgrad/nn/layer.hpp>
#include <xgrad/nn/logs.hpp>
#include <xgrad/nn/losses.hpp>
#include <xgrad/nn/metrics.hpp>
#include <xgrad/nn/metrics_confusion.hpp>
#include <xgrad/nn/model.hpp>
#include <xgrad/nn/regularizers.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/nn/shape_layers.hpp>
#include <xgrad/nn/tensors.hpp>
#include <xgrad/nn/visit.hpp>
