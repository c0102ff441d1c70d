#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/functional.hpp>
#include <xgrad/nn/model_state.hpp>
#include <xgrad/ops/indexing.hpp>

#include <algorithm>
#include <cstring>

namespace xgrad {

namespace {

/// The rows of one output, batch by batch.
class Collected {
 public:
  /// Takes the rows of a batch that begins at row `begin` of `rows`.
  void add(const Tensor& y, std::int64_t begin, std::int64_t count, std::int64_t rows) {
    if (begin == 0) {
      shape_ = y.shape();
      shape_.set(0, rows);
      dtype_ = y.dtype();
      row_bytes_ = static_cast<std::size_t>(y.size() / count) * size_of(dtype_);
      bytes_.resize(row_bytes_ * static_cast<std::size_t>(rows));
    } else if (y.dtype() != dtype_ || y.size() / count != shape_.size() / rows) {
      throw ShapeError("[predict] expected outputs of one shape, got " + to_string(y.shape()) + " after " +
                       to_string(shape_));
    }
    with_dtype(dtype_, [&](auto zero) {
      const auto values = y.data<decltype(zero)>();
      std::memcpy(bytes_.data() + row_bytes_ * static_cast<std::size_t>(begin), values.data(), values.size_bytes());
    });
  }
  Tensor result() const {
    return with_dtype(dtype_, [&](auto zero) {
      using T = decltype(zero);
      const std::span values(reinterpret_cast<const T*>(bytes_.data()), bytes_.size() / sizeof(T));
      return tensor(values, shape_, {.dtype = dtype_});
    });
  }

 private:
  std::vector<std::byte> bytes_;
  Shape shape_;
  DType dtype_ = float32;
  std::size_t row_bytes_ = 0;
};

void check_one_output(const char* where, std::size_t outputs) {
  if (outputs != 1)
    throw ValueError("[" + std::string(where) + "] expected a model with one output, got " + std::to_string(outputs) +
                     ": give the input in braces for a list of all outputs");
}

}  // namespace

std::vector<Tensor> Model::predict(const Tensors& given, const PredictOptions& options) const {
  if (options.batch_size < 1)
    throw ValueError("[predict] expected a batch_size of 1 or more, got " + std::to_string(options.batch_size));
  if (!given.defined()) throw ValueError("[predict] expected x, got an undefined tensor");
  const auto* graph = state_->network.get_if<LayerGraph>();
  const Tensors xs = graph ? given.ordered("predict", "input", input_names()) : given;
  for (const Tensor& x : xs) {
    if (x.rank() == 0) throw ShapeError("[predict] expected x with a batch axis, got a scalar");
    if (x.dim(0) != xs[0].dim(0))
      throw ShapeError("[predict] expected inputs with equally many rows, got " + to_string(xs[0].shape()) + " and " +
                       to_string(x.shape()));
  }
  const NoGrad no_grad;
  const std::int64_t rows = xs[0].dim(0);
  std::vector<std::int64_t> order;
  std::vector<Collected> collected;
  for (std::int64_t begin = 0; begin < rows || begin == 0; begin += options.batch_size) {
    const std::int64_t count = std::min(options.batch_size, rows - begin);
    order.clear();
    for (std::int64_t i = 0; i < count; ++i) order.push_back(begin + i);
    const Tensor numbers = tensor(order, {count});
    std::vector<Tensor> batch;
    for (const Tensor& x : xs) batch.push_back(take(x, numbers));
    Call call;
    std::vector<Tensor> ys = state_->network(batch, call);
    for (const Tensor& y : ys)
      if (y.rank() == 0 || y.dim(0) != count)
        throw ShapeError("[predict] expected one output for each of " + std::to_string(count) + " rows, got " +
                         to_string(y.shape()));
    eval(ys);
    if (rows <= options.batch_size) return ys;
    collected.resize(ys.size());
    for (std::size_t i = 0; i < ys.size(); ++i) collected[i].add(ys[i], begin, count, rows);
  }
  std::vector<Tensor> out;
  for (const Collected& one : collected) out.push_back(one.result());
  return out;
}

Tensor Model::predict(const Tensor& x, const PredictOptions& options) const {
  std::vector<Tensor> all = predict(Tensors(x), options);
  check_one_output("predict", all.size());
  return std::move(all[0]);
}

std::vector<Tensor> Model::predict_on_batch(const Tensors& x) const {
  if (!x.defined()) throw ValueError("[predict_on_batch] expected x, got an undefined tensor");
  const NoGrad no_grad;
  const auto* graph = state_->network.get_if<LayerGraph>();
  const Tensors xs = graph ? x.ordered("predict_on_batch", "input", input_names()) : x;
  Call call;
  std::vector<Tensor> ys = state_->network(xs, call);
  eval(ys);
  return ys;
}

Tensor Model::predict_on_batch(const Tensor& x) const {
  std::vector<Tensor> all = predict_on_batch(Tensors(x));
  check_one_output("predict_on_batch", all.size());
  return std::move(all[0]);
}

}  // namespace xgrad
