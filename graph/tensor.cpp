#include <xgrad/graph/tape.hpp>

#include <cstring>

namespace xgrad {
namespace {

Node* checked(Node* node) {
  if (!node) throw ValueError("[tensor] expected a tensor, got one that was never given a value");
  return node;
}

Node* evaluated(Node* node) {
  // What was computed as it was recorded is asked for here: Parameters are replaced now.
  const auto replaces = [] { return this_thread().eager && !this_thread().pending.empty(); };
  if (!checked(node)->computed() || (!node->flags.number && replaces())) evaluate(std::span(&node, 1));
  return node;
}

/// The same for those who read the values.
Node* read(Node* node) {
  if (!evaluated(node)->computed())
    throw ValueError("[capture] expected a function that does not ask for values, but it reads " + describe(node) +
                     ": return it, and read it from the result");
  return node;
}

/// The elements of a computed node; a number's are written to `number`.
const void* elements(const Node* node, std::uint64_t& number) {
  if (!node->flags.number) return node->buffer->data;
  write_number(node, &number);
  return &number;
}

}  // namespace

Shape::Shape(std::span<const std::int64_t> lengths) {
  if (lengths.size() > max_rank)
    throw ShapeError("[shape] expected at most 8 axes, got " + std::to_string(lengths.size()));
  for (const std::int64_t length : lengths) append(length);
}

void Shape::append(std::int64_t length) {
  if (rank_ == max_rank)
    throw ShapeError("[shape] expected at most 8 axes, got 9: " + to_string(*this) + " and one more");
  if (length < 0) throw ShapeError("[shape] expected lengths of 0 or more, got " + std::to_string(length));
  lengths_[rank_++] = length;
}

std::string to_string(const Shape& shape) {
  std::string text = "(";
  for (int i = 0; i < shape.rank(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + (shape.rank() == 1 ? ",)" : ")");
}

Tensor::Tensor(double value, TensorOptions options) : node_(nullptr) {
  *this = make_number(Arg(value, Location()), options.dtype, false);
  if (!options.name.empty()) named(options.name);
}

Tensor Tensor::from_integer(std::int64_t value, bool is_bool) {
  return make_number(Arg(value, Location()), is_bool ? bool_ : int64, false);
}

Tensor::Tensor(const Parameter& parameter) : Tensor(parameter.value()) {}
Tensor::Tensor(const Tensor& other) : node_(other.node_) { retain(node_); }
Tensor& Tensor::operator=(const Tensor& other) {
  retain(other.node_);
  release(node_);
  node_ = other.node_;
  return *this;
}
Tensor& Tensor::operator=(Tensor&& other) noexcept {
  Node* before = node_;
  node_ = other.node_;
  other.node_ = nullptr;
  release(before);
  return *this;
}
void Tensor::drop(Node* node) { release(node); }

Tensor Tensor::share(Node* node) {
  retain(node);
  return adopt(node);
}

const Shape& Tensor::shape() const { return checked(node_)->shape; }
DType Tensor::dtype() const { return checked(node_)->dtype; }
std::int64_t Tensor::dim(int axis) const {
  const Shape& s = shape();
  if (axis < -s.rank() || axis >= s.rank())
    throw ShapeError("[dim] expected an axis of " + to_string(s) + ", got " + std::to_string(axis));
  return s[axis];
}

std::string_view Tensor::name() const { return checked(node_)->name(); }
const Tensor& Tensor::named(std::string_view name) const {
  info_of(checked(node_)).name = name;
  return *this;
}

bool Tensor::computed() const { return checked(node_)->computed(); }
const Tensor& Tensor::eval() const {
  evaluated(node_);
  return *this;
}

void eval(std::span<const Tensor> tensors) {
  std::vector<Node*> nodes;
  nodes.reserve(tensors.size());
  for (const Tensor& t : tensors) nodes.push_back(checked(t.node()));
  evaluate(nodes);
}
void eval(std::initializer_list<Tensor> tensors) { eval(std::span(tensors.begin(), tensors.size())); }

template <class T>
T Tensor::item() const {
  const Node* node = read(node_);
  if (node->shape.size() != 1)
    throw ShapeError("[item] expected a tensor with one element, got " + describe(node));
  std::uint64_t number = 0;
  const void* from = elements(node, number);
  return with_dtype(node->dtype, [&]<class S>(S) { return static_cast<T>(*static_cast<const S*>(from)); });
}
double Tensor::item() const { return item<double>(); }

template <class T>
std::span<const T> Tensor::data() const& {
  Node* node = read(node_);
  if (node->dtype != dtype_of<T>)
    throw DTypeError(std::string("[data] expected elements of ") + name_of(dtype_of<T>) + ", got " + describe(node));
  if (node->flags.number) {
    // A number has no memory of its own until its address is asked for, perhaps by several threads at once.
    const std::atomic_ref<kernels::Buffer*> shared(node->buffer);
    kernels::Buffer* none = nullptr;
    if (!shared.load()) {
      kernels::Buffer* buffer = kernels::allocate(sizeof(T));
      write_number(node, buffer->data);
      if (!shared.compare_exchange_strong(none, buffer)) kernels::release(buffer);
    }
  }
  node->buffer->pinned.store(true, std::memory_order_relaxed);
  return {reinterpret_cast<const T*>(node->buffer->data), static_cast<std::size_t>(node->shape.size())};
}

template <class T>
std::vector<T> Tensor::to_vector() const {
  const Node* node = read(node_);
  std::uint64_t number = 0;
  const void* from = elements(node, number);
  const std::size_t size = static_cast<std::size_t>(node->shape.size());
  std::vector<T> out(size);
  with_dtype(node->dtype, [&]<class S>(S) {
    for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<T>(static_cast<const S*>(from)[i]);
  });
  return out;
}

template <class T>
  requires std::is_arithmetic_v<T>
Tensor tensor(std::span<const T> values, const Shape& shape, TensorOptions options) {
  if (static_cast<std::int64_t>(values.size()) != shape.size())
    throw ShapeError("[tensor] expected " + std::to_string(shape.size()) + " values for shape " + to_string(shape) +
                     ", got " + std::to_string(values.size()));
  Tensor result = make_leaf(shape, options.dtype);
  void* to = result.node()->buffer->data;
  with_dtype(options.dtype, [&]<class S>(S) {
    for (std::size_t i = 0; i < values.size(); ++i) static_cast<S*>(to)[i] = static_cast<S>(values[i]);
  });
  if (!options.name.empty()) result.named(options.name);
  this_thread().recorded_bytes += values.size() * size_of(options.dtype);
  return result;
}

namespace {

/// Appends the numbers below `values`, whose nesting must follow `shape` from `axis` on.
void append_nested(const Nested& values, const Shape& shape, int axis, std::vector<double>& all) {
  if (axis == shape.rank() && !values.is_list()) {
    all.push_back(values.number());
    return;
  }
  const std::int64_t length = values.is_list() ? static_cast<std::int64_t>(values.list().size()) : -1;
  if (axis == shape.rank() || length != shape[axis])
    throw ShapeError("[tensor] expected braces that hold equally many on each level, shape " + to_string(shape) +
                     " by the first ones, got " + (length < 0 ? "a number" : std::to_string(length)) + " at level " +
                     std::to_string(axis + 1));
  for (const Nested& value : values.list()) append_nested(value, shape, axis + 1, all);
}

}  // namespace

Tensor tensor(const Nested& values, TensorOptions options) {
  if (!values.is_list()) return Tensor(values.number(), options);
  Shape shape;
  for (const Nested* level = &values; level->is_list(); level = level->list().data()) {
    shape.append(static_cast<std::int64_t>(level->list().size()));
    if (level->list().empty()) break;
  }
  std::vector<double> all;
  append_nested(values, shape, 0, all);
  return tensor(std::span<const double>(all), shape, options);
}

Tensor borrow(const void* data, const Shape& shape, DType dtype) {
  if (!data && shape.size() > 0)
    throw ValueError("[borrow] expected the address of " + std::to_string(shape.size()) + " elements, got null");
  Node* node = new_leaf(shape, dtype);
  Tensor result = Tensor::adopt(node);
  node->buffer =
      kernels::borrow(const_cast<void*>(data), static_cast<std::size_t>(shape.size()) * size_of(dtype));
  return result;
}

Arg::Arg(const Parameter& parameter, Location where) : value_{.node = parameter.value().node()}, where_(where) {}

Tensor Arg::tensor() const {
  if (kind_ == Kind::tensor) return Tensor::share(checked(value_.node));
  const DType type = kind_ == Kind::real ? float32 : (kind_ == Kind::boolean ? bool_ : int64);
  Tensor number = make_number(*this, type, false);
  number.node()->flags.weak = true;
  return number;
}

template bool Tensor::item<bool>() const;
template std::uint8_t Tensor::item<std::uint8_t>() const;
template std::int32_t Tensor::item<std::int32_t>() const;
template std::int64_t Tensor::item<std::int64_t>() const;
template float Tensor::item<float>() const;
template double Tensor::item<double>() const;
template std::span<const bool> Tensor::data<bool>() const&;
template std::span<const std::uint8_t> Tensor::data<std::uint8_t>() const&;
template std::span<const std::int32_t> Tensor::data<std::int32_t>() const&;
template std::span<const std::int64_t> Tensor::data<std::int64_t>() const&;
template std::span<const float> Tensor::data<float>() const&;
template std::span<const double> Tensor::data<double>() const&;
template std::vector<bool> Tensor::to_vector<bool>() const;
template std::vector<std::uint8_t> Tensor::to_vector<std::uint8_t>() const;
template std::vector<std::int32_t> Tensor::to_vector<std::int32_t>() const;
template std::vector<std::int64_t> Tensor::to_vector<std::int64_t>() const;
template std::vector<float> Tensor::to_vector<float>() const;
template std::vector<double> Tensor::to_vector<double>() const;
template Tensor tensor<bool>(std::span<const bool>, const Shape&, TensorOptions);
template Tensor tensor<std::uint8_t>(std::span<const std::uint8_t>, const Shape&, TensorOptions);
template Tensor tensor<std::int32_t>(std::span<const std::int32_t>, const Shape&, TensorOptions);
template Tensor tensor<std::int64_t>(std::span<const std::int64_t>, const Shape&, TensorOptions);
template Tensor tensor<float>(std::span<const float>, const Shape&, TensorOptions);
template Tensor tensor<double>(std::span<const double>, const Shape&, TensorOptions);

}  // namespace xgrad
