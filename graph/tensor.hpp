#pragma once
/// Tensor: a handle to a recorded operation or a value. Recording computes nothing; values are computed when asked for.

#include <xgrad/graph/error.hpp>
#include <xgrad/graph/shape.hpp>
#include <xgrad/kernels/dtype.hpp>

#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace xgrad {

struct Node;
class Parameter;

/// Where a call stands in the user's source.
using Location = std::source_location;

/// Options of functions that make a tensor from numbers.
struct TensorOptions {
  DType dtype = float32;
  std::string_view name = {};
};

/// A value in the recorded graph: an operation with its inputs, or numbers. Copying a handle copies a pointer; what a
/// node means never changes. Any number of threads may read a computed tensor; a pending one belongs to the thread that
/// recorded it.
class Tensor {
 public:
  /// No tensor: `defined()` is false, and every use throws ValueError.
  Tensor() = default;
  /// A scalar (rank 0): float32 unless told otherwise.
  Tensor(double value, TensorOptions options = {});
  /// A scalar: int64 from integers, bool from bool.
  template <class T>
    requires std::is_integral_v<T>
  Tensor(T value) : Tensor(from_integer(static_cast<std::int64_t>(value), std::is_same_v<T, bool>)) {}
  Tensor(const Parameter& parameter);  ///< its current value

  Tensor(const Tensor& other);
  Tensor(Tensor&& other) noexcept : node_(other.node_) { other.node_ = nullptr; }
  Tensor& operator=(const Tensor& other);
  Tensor& operator=(Tensor&& other) noexcept;
  ~Tensor() {
    if (node_) drop(node_);
  }

  bool defined() const { return node_ != nullptr; }
  const Shape& shape() const;
  DType dtype() const;
  int rank() const { return shape().rank(); }
  std::int64_t size() const { return shape().size(); }
  /// Length of an axis; negative counts from the end. Throws ShapeError if there is no such axis.
  std::int64_t dim(int axis) const;

  /// The name shown in printed graphs and errors; empty if none was given.
  std::string_view name() const;
  /// Names this node and returns the same handle. Naming changes nothing else.
  const Tensor& named(std::string_view name) const;

  /// Whether the value is there, without computing it.
  bool computed() const;
  /// Computes the value now (and everything else that is due; see docs/design.md) and returns the same handle.
  const Tensor& eval() const;

  /// The only element, computed if need be. Throws ShapeError unless size() == 1; converts to double.
  double item() const;
  /// The only element as T (int64 exactly).
  template <class T>
  T item() const;

  /// The elements in row-major order; T must be the dtype's C++ type (DTypeError). Valid as long as a handle to this
  /// tensor lives. The address is given out, so the memory is never taken over.
  template <class T>
  std::span<const T> data() const&;
  template <class T>
  std::span<const T> data() const&& = delete;
  /// A copy of the elements in row-major order, converted to T as static_cast does.
  template <class T>
  std::vector<T> to_vector() const;

  /// Derivatives of this scalar with respect to every trainable Parameter it was recorded from, added to their
  /// `grad()`. Throws ShapeError unless size() == 1.
  void backward(Location where = Location::current()) const;

  Node* node() const { return node_; }
  /// Takes over one reference to a node.
  static Tensor adopt(Node* node) {
    Tensor t;
    t.node_ = node;
    return t;
  }
  /// Adds a reference to a node.
  static Tensor share(Node* node);

 private:
  static void drop(Node* node);
  static Tensor from_integer(std::int64_t value, bool is_bool);
  Node* node_ = nullptr;
};

/// An argument of an operation: a Tensor, a Parameter or a C++ number, with the line it stands on. Numbers are weak:
/// they take the dtype of the tensors they meet (a fraction meeting integers makes the result float32).
class Arg {
 public:
  Arg(const Tensor& tensor, Location where = Location::current()) : value_{.node = tensor.node()}, where_(where) {}
  Arg(const Parameter& parameter, Location where = Location::current());
  template <class T>
    requires std::is_arithmetic_v<T>
  Arg(T number, Location where = Location::current())
      : kind_(std::is_floating_point_v<T> ? Kind::real : (std::is_same_v<T, bool> ? Kind::boolean : Kind::integer)),
        value_(value_of(number)),
        where_(where) {}

  enum class Kind : std::uint8_t { tensor, real, integer, boolean };
  Kind kind() const { return kind_; }
  Node* node() const { return kind_ == Kind::tensor ? value_.node : nullptr; }  ///< null for numbers
  double real() const { return value_.real; }                                   ///< of Kind::real
  std::int64_t integer() const { return value_.integer; }                       ///< of Kind::integer and boolean
  const Location& where() const { return where_; }
  /// A handle; a number becomes a float32 (real), int64 or bool scalar.
  Tensor tensor() const;

 private:
  union Value {
    Node* node;
    double real;
    std::int64_t integer;
  };
  template <class T>
  static constexpr Value value_of(T number) {
    if constexpr (std::is_floating_point_v<T>) return {.real = static_cast<double>(number)};
    else return {.integer = static_cast<std::int64_t>(number)};
  }
  Kind kind_ = Kind::tensor;
  Value value_;
  Location where_;
};

/// A tensor with a copy of these elements, in row-major order, converted to `options.dtype`.
/// Throws ShapeError if their number is not shape.size().
template <class T>
  requires std::is_arithmetic_v<T>
Tensor tensor(std::span<const T> values, const Shape& shape, TensorOptions options = {.dtype = dtype_of<T>});
template <class T>
  requires std::is_arithmetic_v<T>
Tensor tensor(const std::vector<T>& values, const Shape& shape, TensorOptions options = {.dtype = dtype_of<T>}) {
  return tensor(std::span<const T>(values), shape, options);
}
/// Numbers in nested braces: {{1, 2}, {3, 4}}. Lives as long as the expression it stands in.
class Nested {
 public:
  Nested(double number) : number_(number) {}
  Nested(std::initializer_list<Nested> list) : list_(list), is_list_(true) {}
  bool is_list() const { return is_list_; }
  double number() const { return number_; }
  std::span<const Nested> list() const { return {list_.begin(), list_.size()}; }

 private:
  double number_ = 0;
  std::initializer_list<Nested> list_;
  bool is_list_ = false;
};

/// tensor({1, 2, 3}) is a vector, tensor({{1, 2}, {3, 4}}) a matrix, and so on to 8 axes; numbers become
/// `options.dtype`. Throws ShapeError unless the braces on each level hold equally many.
Tensor tensor(const Nested& values, TensorOptions options = {});

/// A tensor over memory that stays the caller's: it must stay alive and unchanged as long as any tensor made from it
/// lives.
Tensor borrow(const void* data, const Shape& shape, DType dtype);

/// Computes these tensors (and everything else that is due) in one plan.
void eval(std::span<const Tensor> tensors);
void eval(std::initializer_list<Tensor> tensors);

/// Prints the values as NumPy does, computing them if need be.
std::ostream& operator<<(std::ostream& out, const Tensor& tensor);
std::string to_string(const Tensor& tensor);

}  // namespace xgrad
