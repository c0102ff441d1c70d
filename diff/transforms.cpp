#include <xgrad/diff/transforms.hpp>

#include <xgrad/diff/leads.hpp>
#include <xgrad/graph/basic.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/shape.hpp>

#include <algorithm>
#include <string>

namespace xgrad {
namespace {

constexpr Op argument_op{.name = "argument",
                         .kind = Kind::alias,
                         .infer = [](Recording& call) { call.result(call.shape(0), call.dtype(0)); },
                         .rules = {[](const Applied&, const Tensor& g) { return g; }},
                         .linear = true};

constexpr std::string_view no_values = "inside a Jacobian it stands for every direction, so it has no value of its own";

Shape joined(std::initializer_list<const Shape*> shapes, const char* name, const Location& where) {
  Shape result;
  int rank = 0;
  for (const Shape* shape : shapes) rank += shape->rank();
  if (rank > max_rank)
    throw ShapeError(std::string("[") + name + "] expected a result of at most 8 axes, not " + std::to_string(rank) +
                     place(where));
  for (const Shape* shape : shapes)
    for (const std::int64_t length : *shape) result.append(length);
  return result;
}

/// Rows first to last of the unit matrix of n rows, as directions in `shape`.
Tensor directions(std::int64_t first, std::int64_t last, const Shape& shape, DType dtype) {
  const std::int64_t n = shape.size();
  const Tensor rows = expand_dims(arange(last - first) + first, 1), columns = expand_dims(arange(n), 0);
  const Shape count{last - first};
  return reshape(cast(equal(rows, columns), dtype), joined({&count, &shape}, "jacobian", Location()));
}

/// A linear map's images of all unit directions of `shape`, which `image` is of the stand-in `direction`: the images,
/// one behind the other along a leading axis.
std::vector<Tensor> images(std::span<const Tensor> image, const Tensor& direction, std::int64_t chunk) {
  const Shape& shape = direction.shape();
  const std::int64_t n = shape.size();
  const std::int64_t step = chunk > 0 ? std::min(chunk, std::max<std::int64_t>(n, 1)) : std::max<std::int64_t>(n, 1);
  std::vector<std::vector<Tensor>> parts(image.size());
  for (std::int64_t first = 0; first == 0 || first < n; first += step) {
    const std::int64_t last = std::min(first + step, n);
    const Substitution substitution{direction, directions(first, last, shape, direction.dtype())};
    const std::vector<Tensor> found = led(image, std::span(&substitution, 1), last - first);
    for (std::size_t k = 0; k < found.size(); ++k) parts[k].push_back(found[k]);
  }
  std::vector<Tensor> result;
  for (const std::vector<Tensor>& list : parts)
    result.push_back(list.size() == 1 ? list[0] : concatenate(std::span<const Tensor>(list), 0));
  return result;
}

std::vector<Tensor> reverse_jacobian(const Tensor& y, std::span<const Tensor> xs, const JacobianOptions& options) {
  Tensor seed;
  std::vector<Tensor> pulled;
  {
    const RecordOnly recorded;
    seed = placeholder(y.shape(), y.dtype(), no_values);
    pulled = vjp(std::span(&y, 1), xs, std::span(&seed, 1), options.unused);
  }
  std::vector<Tensor> found = images(pulled, seed, options.chunk);
  for (std::size_t k = 0; k < xs.size(); ++k)
    found[k] = reshape(found[k], joined({&y.shape(), &xs[k].shape()}, "jacobian", Location()));
  return found;
}

std::vector<Tensor> forward_jacobian(std::span<const Tensor> ys, const Tensor& x, const JacobianOptions& options) {
  Tensor direction;
  std::vector<Tensor> pushed;
  {
    const RecordOnly recorded;
    direction = placeholder(x.shape(), x.dtype(), no_values);
    pushed = jvp(ys, std::span(&x, 1), std::span(&direction, 1));
  }
  std::vector<Tensor> found = images(pushed, direction, options.chunk);
  for (std::size_t k = 0; k < ys.size(); ++k) {
    // The directions' axis goes behind the result's own.
    const Shape flat{found[k].dim(0), ys[k].size()};
    const Shape shape = joined({&ys[k].shape(), &x.shape()}, "jacobian", Location());
    found[k] = reshape(transpose(reshape(found[k], flat)), shape);
  }
  return found;
}

void check_differentiable(const Tensor& y, const char* name, const Location& where) {
  if (!y.defined()) throw ValueError(std::string("[") + name + "] expected a tensor, got none" + place(where));
  if (!is_floating(y.dtype()))
    throw DTypeError(std::string("[") + name + "] expected floating-point tensors, got " + to_string(y.shape()) + " " +
                     name_of(y.dtype()) + place(where));
}

}  // namespace

Tensor variable(const Arg& argument) {
  switch (argument.kind()) {
    case Arg::Kind::real: return Tensor(argument.real());
    case Arg::Kind::integer: return Tensor(argument.integer());
    case Arg::Kind::boolean: return Tensor(argument.integer() != 0);
    case Arg::Kind::tensor: break;
  }
  return argument.tensor();
}

std::vector<Tensor> distinct(std::span<const Arg> arguments) {
  std::vector<Tensor> result;
  // Leaves given once are independent as they are.
  bool independent = true;
  for (const Arg& argument : arguments) {
    Tensor x = variable(argument);
    if (!x.defined())
      throw ValueError("expected a tensor as argument, got one that was never given a value" +
                       place(argument.where()));
    for (const Tensor& other : result) independent &= other.node() != x.node();
    independent &= is_leaf(x);
    result.push_back(std::move(x));
  }
  if (independent || result.size() == 1) return result;
  for (std::size_t k = 0; k < result.size(); ++k)
    result[k] = record(argument_op, {Arg(result[k], arguments[k].where())});
  return result;
}

const Tensor& argument_number(int which, std::span<const Tensor> arguments) {
  if (which < 0 || which >= static_cast<int>(arguments.size()))
    throw ValueError("expected the number of an argument from 0 to " + std::to_string(arguments.size() - 1) +
                     ", got " + std::to_string(which));
  return arguments[static_cast<std::size_t>(which)];
}
std::vector<Tensor> argument_numbers(const std::vector<int>& which, std::span<const Tensor> arguments) {
  std::vector<Tensor> result;
  for (const int k : which) result.push_back(argument_number(k, arguments));
  return result;
}

Tensor directional_derivative(const Arg& y, std::span<const Tensor> xs, std::span<const Tensor> directions) {
  return jvp(y, xs, directions);
}
Tensor directional_derivative(const Arg& y, const Arg& x, const Arg& direction) {
  const Tensor from = x.tensor(), along = variable(direction);
  return jvp(y, std::span(&from, 1), std::span(&along, 1));
}

std::vector<Tensor> jacobian(const Arg& y, std::span<const Tensor> xs, const JacobianOptions& options) {
  const Within here("jacobian", y);
  const Tensor of = y.tensor();
  check_differentiable(of, "jacobian", y.where());
  std::int64_t inputs = 0;
  for (const Tensor& x : xs) {
    check_differentiable(x, "jacobian", y.where());
    joined({&of.shape(), &x.shape()}, "jacobian", y.where());
    inputs += x.size();
  }
  const bool cheaper = options.unused == Unused::zero && inputs < of.size();
  const bool forward = options.mode == JacobianMode::forward || (options.mode == JacobianMode::automatic && cheaper);
  if (!forward) return reverse_jacobian(of, xs, options);
  std::vector<Tensor> result;
  for (const Tensor& x : xs) result.push_back(forward_jacobian(std::span(&of, 1), x, options).front());
  return result;
}

Tensor jacobian(const Arg& y, const Arg& x, const JacobianOptions& options) {
  const Tensor by = x.tensor();
  return jacobian(y, std::span(&by, 1), options).front();
}

std::vector<std::vector<Tensor>> hessian(const Arg& y, std::span<const Tensor> xs, const JacobianOptions& options) {
  const Within here("hessian", y);
  for (const Tensor& x : xs) {
    check_differentiable(x, "hessian", y.where());
    for (const Tensor& other : xs) joined({&x.shape(), &other.shape()}, "hessian", y.where());
  }
  const std::vector<Tensor> slopes = grad(y, xs, {.unused = options.unused});
  std::vector<std::vector<Tensor>> blocks(xs.size());
  if (options.mode == JacobianMode::reverse) {
    for (std::size_t i = 0; i < xs.size(); ++i)
      blocks[i] = reverse_jacobian(slopes[i], xs, {.chunk = options.chunk});
    return blocks;
  }
  for (const Tensor& x : xs) {
    const std::vector<Tensor> columns = forward_jacobian(slopes, x, options);
    for (std::size_t i = 0; i < xs.size(); ++i) blocks[i].push_back(columns[i]);
  }
  return blocks;
}

Tensor hessian(const Arg& y, const Arg& x, const JacobianOptions& options) {
  const Tensor by = x.tensor();
  return hessian(y, std::span(&by, 1), options).front().front();
}

std::vector<Tensor> hvp(const Arg& y, std::span<const Tensor> xs, std::span<const Tensor> vectors) {
  const Within here("hvp", y);
  const std::vector<Tensor> slopes = grad(y, xs);
  return jvp(std::span(slopes), xs, vectors);
}
std::vector<Tensor> hvp(const Arg& y, std::span<const Parameter> xs, std::span<const Tensor> vectors) {
  std::vector<Tensor> values;
  for (const Parameter& x : xs) values.push_back(x.value());
  return hvp(y, std::span<const Tensor>(values), vectors);
}
Tensor hvp(const Arg& y, const Arg& x, const Arg& vector) {
  const Tensor by = x.tensor(), along = variable(vector);
  return hvp(y, std::span(&by, 1), std::span(&along, 1)).front();
}

}  // namespace xgrad
