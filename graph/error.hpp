#pragma once
/// The exceptions xgrad throws. Each message says what was expected, what came, and where.

#include <stdexcept>
#include <string>

namespace xgrad {

/// Base of every exception xgrad throws on purpose.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Shapes do not fit together, or an axis is out of range.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// An operation is not defined for an element type.
class DTypeError : public Error {
 public:
  using Error::Error;
};

/// An argument or a value (an index, a label, a name, an option) is not one of those allowed.
class ValueError : public Error {
 public:
  using Error::Error;
};

/// A gradient was asked for that does not exist, such as through a history that has ended.
class GradientError : public Error {
 public:
  using Error::Error;
};

/// A file could not be read or written, or does not hold what it says.
class IoError : public Error {
 public:
  using Error::Error;
};

/// A computation gave NaN where that is checked, or a matrix is singular.
class NumericError : public Error {
 public:
  using Error::Error;
};

/// A number as messages show it: the fewest digits that give it back.
std::string number_text(double value);

}  // namespace xgrad
