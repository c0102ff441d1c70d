#pragma once
/// Tensors: one tensor or several, where a model may have several inputs or outputs.

#include <xgrad/graph/tensor.hpp>

#include <utility>

namespace xgrad {

/// A tensor, a list {a, b}, or a list with names {{"title", a}, {"body", b}}: what is given for each input or output.
class Tensors {
 public:
  Tensors() = default;
  template <class T>
    requires std::convertible_to<const T&, Tensor>
  Tensors(const T& tensor) : values_{Tensor(tensor)} {}
  Tensors(std::initializer_list<Tensor> values) : values_(values) {}
  Tensors(std::vector<Tensor> values) : values_(std::move(values)) {}
  Tensors(std::initializer_list<std::pair<std::string, Tensor>> named) {
    for (const auto& [name, value] : named) {
      names_.push_back(name);
      values_.push_back(value);
    }
  }

  std::size_t size() const { return values_.size(); }
  bool empty() const { return values_.empty(); }
  /// Whether something was given: at least one tensor, and not one that is undefined.
  bool defined() const { return !values_.empty() && !(values_.size() == 1 && !values_[0].defined()); }
  const Tensor& operator[](std::size_t i) const { return values_[i]; }
  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }
  const std::vector<Tensor>& values() const { return values_; }
  operator std::span<const Tensor>() const { return values_; }
  /// The names, or nothing if none were given.
  const std::vector<std::string>& names() const { return names_; }
  /// As many as `names`, in their order. `what` and `where` begin the message of the ValueError for a wrong number, a
  /// name there is not, or one that is missing.
  Tensors ordered(std::string_view where, std::string_view what, const std::vector<std::string>& names) const;

 private:
  std::vector<Tensor> values_;
  std::vector<std::string> names_;
};

}  // namespace xgrad
