#pragma once
/// Shape: the lengths of a tensor's axes, at most 8 of them, inline.

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace xgrad {

inline constexpr int max_rank = 8;

/// The lengths of a tensor's axes. Rank 0 is a scalar.
class Shape {
 public:
  Shape() {}  // lengths beyond the rank stay unset
  /// Throws ShapeError for more than 8 axes or a negative length.
  Shape(std::initializer_list<std::int64_t> lengths) : Shape(std::span(lengths.begin(), lengths.size())) {}
  explicit Shape(std::span<const std::int64_t> lengths);

  int rank() const { return rank_; }
  /// Number of elements; 1 for rank 0.
  std::int64_t size() const {
    std::int64_t n = 1;
    for (int i = 0; i < rank_; ++i) n *= lengths_[i];
    return n;
  }
  /// Length of an axis; negative counts from the end. The axis must be in range.
  std::int64_t operator[](int axis) const { return lengths_[axis < 0 ? axis + rank_ : axis]; }
  void set(int axis, std::int64_t length) { lengths_[axis < 0 ? axis + rank_ : axis] = length; }
  /// Adds an axis at the end; throws ShapeError at the ninth.
  void append(std::int64_t length);

  Shape(const Shape& other) { *this = other; }
  /// Copies the lengths there are: shapes are copied with every recording.
  Shape& operator=(const Shape& other) {
    rank_ = other.rank_;
    for (int i = 0; i < rank_; ++i) lengths_[i] = other.lengths_[i];
    return *this;
  }

  const std::int64_t* begin() const { return lengths_; }
  const std::int64_t* end() const { return lengths_ + rank_; }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i)
      if (a.lengths_[i] != b.lengths_[i]) return false;
    return true;
  }

 private:
  std::int32_t rank_ = 0;
  std::int64_t lengths_[max_rank];
};

/// "(2, 3)", "(5,)", "()": as NumPy prints shapes.
std::string to_string(const Shape& shape);

}  // namespace xgrad
