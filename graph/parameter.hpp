#pragma once
/// Parameter: the one thing that changes over time; a handle to a shared, named slot that holds a Tensor.

#include <xgrad/graph/tensor.hpp>

namespace xgrad {

struct Slot;

/// A shared, named slot holding a Tensor, which optimizers replace. Copying a Parameter shares the slot.
class Parameter {
 public:
  /// No slot: `defined()` is false.
  Parameter() = default;
  /// A slot with this first value, computed now.
  explicit Parameter(const Tensor& initial, std::string_view name = {}, bool trainable = true);
  Parameter(const Parameter& other);
  Parameter(Parameter&& other) noexcept : slot_(other.slot_) { other.slot_ = nullptr; }
  Parameter& operator=(Parameter other) noexcept;
  ~Parameter();

  bool defined() const { return slot_ != nullptr; }
  /// The current value: a leaf, or a pending node after `assign`.
  const Tensor& value() const;
  /// Replaces the value. Nothing is computed now; the next evaluation on this thread computes it, and then history
  /// through the old value ends. Throws ShapeError or DTypeError unless shape and dtype stay what they were.
  void assign(const Arg& value) const;

  /// Gives up an assigned value that has not been computed: the value is again what it was at the last evaluation.
  void revert() const;

  /// What `backward` has added up; undefined if nothing yet.
  const Tensor& grad() const;
  void zero_grad() const;
  void add_grad(const Tensor& gradient) const;

  const Shape& shape() const { return value().shape(); }
  DType dtype() const { return value().dtype(); }
  std::int64_t size() const { return value().size(); }
  std::string_view name() const;
  void set_name(std::string_view name) const;
  bool trainable() const;
  void set_trainable(bool trainable) const;

  /// Another handle to a slot.
  static Parameter of(Slot* slot);
  /// The slot's identity: equal for Parameters that share it.
  const Slot* slot() const { return slot_; }
  friend bool operator==(const Parameter& a, const Parameter& b) { return a.slot_ == b.slot_; }

 private:
  friend class Tensor;
  friend struct Slot;
  Slot* slot_ = nullptr;
};

/// The Parameters whose current values `y` was recorded from, in the order first met.
std::vector<Parameter> parameters_of(const Tensor& y);

}  // namespace xgrad
