/// Printing of values, as NumPy prints arrays.

#include <xgrad/graph/format.hpp>

#include <xgrad/graph/node.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ostream>

namespace xgrad {
namespace {

/// The decimal digits of a finite number before and after the point, and its exponent of ten if it is written with one.
struct Digits {
  std::string sign, whole, fraction;
  int exponent = 0;
};

/// Splits what to_chars wrote.
Digits split(const std::string& text, bool scientific) {
  Digits d;
  std::size_t at = 0;
  if (text[0] == '-') {
    d.sign = "-";
    at = 1;
  }
  const std::size_t e = scientific ? text.find('e') : text.size();
  const std::size_t point = std::min(text.find('.'), e);
  d.whole = text.substr(at, point - at);
  if (point < e) d.fraction = text.substr(point + 1, e - point - 1);
  if (scientific) d.exponent = std::stoi(text.substr(e + 1));
  return d;
}

/// The fewest digits that tell the number from its neighbours, but at most `limit` behind the point (or exactly so
/// many); zeros at the end go.
template <class T>
Digits digits_of(T x, bool scientific, int limit, bool exactly = false) {
  const std::chars_format format = scientific ? std::chars_format::scientific : std::chars_format::fixed;
  char text[800];
  const auto write = [&](auto... digits) {
    const std::to_chars_result end = std::to_chars(text, text + sizeof text, x, format, digits...);
    return split(std::string(text, end.ptr), scientific);
  };
  if (exactly) return write(limit);
  Digits d = write();
  if (limit >= 0 && d.fraction.size() > static_cast<std::size_t>(limit)) d = write(limit);
  d.fraction.erase(d.fraction.find_last_not_of('0') + 1);
  return d;
}

std::string padded_left(const std::string& text, std::size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

std::string exponent_text(int exponent) {
  const std::string digits = std::to_string(std::abs(exponent));
  return (exponent < 0 ? "e-" : "e+") + (digits.size() < 2 ? "0" + digits : digits);
}

std::string not_finite(double x) { return std::isnan(x) ? "nan" : (x < 0 ? "-inf" : "inf"); }

/// The elements that are printed, as texts of one width.
template <class T>
std::vector<std::string> written_floats(const std::vector<T>& values, const PrintOptions& options) {
  double most = 0, least = 0;
  for (const T v : values) {
    const double size = std::fabs(static_cast<double>(v));
    if (!std::isfinite(size) || size == 0) continue;
    most = std::max(most, size);
    least = least == 0 ? size : std::min(least, size);
  }
  // float32 has six digits that are certain, so exponents start earlier.
  const double largest = sizeof(T) == 4 ? 1e6 : 1e8;
  const bool scientific =
      most != 0 && (most >= largest || (!options.suppress && (least < 1e-4 || most / least > 1000)));

  std::vector<Digits> digits(values.size());
  std::size_t left = 0, right = 0, exponent_size = 0;
  bool finite = true, negative_infinity = false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      finite = false;
      negative_infinity |= values[i] < 0;
      continue;
    }
    digits[i] = digits_of(values[i], scientific, options.precision);
    left = std::max(left, digits[i].sign.size() + digits[i].whole.size());
    right = std::max(right, digits[i].fraction.size());
    if (scientific) exponent_size = std::max(exponent_size, exponent_text(digits[i].exponent).size());
  }
  // The point takes one column.
  const std::size_t behind = right + 1 + exponent_size;
  if (!finite) left = std::max(left, 3 + negative_infinity - std::min<std::size_t>(behind, 3 + negative_infinity));

  std::vector<std::string> texts(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) {
      texts[i] = padded_left(not_finite(values[i]), left + behind);
      continue;
    }
    // With an exponent every number shows as many digits as the longest.
    const Digits d = scientific ? digits_of(values[i], true, static_cast<int>(right), true) : digits[i];
    texts[i] = padded_left(d.sign + d.whole, left) + "." + d.fraction;
    if (scientific) {
      std::string exponent = exponent_text(d.exponent);
      exponent.insert(2, exponent_size - exponent.size(), '0');
      texts[i] += exponent;
    } else {
      texts[i] += std::string(right - d.fraction.size(), ' ');
    }
  }
  return texts;
}

template <class T>
std::vector<std::string> written(const std::vector<T>& values, const PrintOptions& options) {
  std::vector<std::string> texts;
  if constexpr (std::is_floating_point_v<T>) {
    return written_floats(values, options);
  } else if constexpr (std::is_same_v<T, bool>) {
    for (const bool v : values) texts.push_back(v ? " True" : "False");
  } else {
    std::size_t width = 0;
    for (const T v : values) {
      texts.push_back(std::to_string(v));
      width = std::max(width, texts.back().size());
    }
    for (std::string& text : texts) text = padded_left(text, width);
  }
  return texts;
}

/// A scalar: the fewest digits, with an exponent below 1e-4 and from 1e16 on (float32: 1e6).
template <class T>
std::string written_scalar(T x) {
  if constexpr (std::is_same_v<T, bool>)
    return x ? "True" : "False";
  else if constexpr (!std::is_floating_point_v<T>)
    return std::to_string(x);
  else {
    if (!std::isfinite(x)) return not_finite(x);
    const double size = std::fabs(static_cast<double>(x));
    const bool scientific = size != 0 && (size < 1e-4 || size >= (sizeof(T) == 4 ? 1e6 : 1e16));
    const Digits d = digits_of(x, scientific, -1);
    if (scientific) return d.sign + d.whole + (d.fraction.empty() ? "" : "." + d.fraction) + exponent_text(d.exponent);
    return d.sign + d.whole + "." + (d.fraction.empty() ? "0" : d.fraction);
  }
}

/// The places along one axis that are printed; -1 stands for "...".
std::vector<std::int64_t> printed(std::int64_t length, bool summarise, std::int64_t edge_items) {
  std::vector<std::int64_t> places;
  for (std::int64_t i = 0; i < length; ++i) {
    if (summarise && length > 2 * edge_items && i == edge_items) {
      places.push_back(-1);
      i = length - edge_items;
    }
    places.push_back(i);
  }
  return places;
}

/// One row of texts between brackets, broken where a line is full.
std::string row_of(const std::vector<std::string>& texts, int rank, int line_width) {
  const std::string indent(static_cast<std::size_t>(rank), ' ');
  const auto width = static_cast<std::size_t>(std::max(line_width - rank, 0));
  std::string result, line = indent;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (line.size() + texts[i].size() > width && line.size() > indent.size()) {
      line.erase(line.find_last_not_of(' ') + 1);
      result += line + "\n";
      line = indent;
    }
    line += texts[i];
    if (i + 1 < texts.size()) line += ' ';
  }
  return "[" + (result + line).substr(indent.size()) + "]";
}

template <class T>
std::string array_text(const Tensor& tensor, const PrintOptions& options) {
  const Shape& shape = tensor.shape();
  const int rank = shape.rank();
  const std::vector<T> all = tensor.to_vector<T>();
  if (shape.size() == 0) return "[]";
  const bool summarise = shape.size() > options.threshold;
  std::vector<std::int64_t> places[max_rank];
  for (int axis = 0; axis < rank; ++axis) places[axis] = printed(shape[axis], summarise, options.edgeitems);

  // Walks the printed rows twice: to collect the numbers, which share a width, and to write them.
  std::vector<T> shown;
  std::vector<std::string> texts;
  std::string result;
  for (const bool writing : {false, true}) {
    std::size_t at[max_rank] = {}, next = 0;
    if (writing) texts = written(shown, options);
    for (int axis = 0; writing && axis + 1 < rank; ++axis) result += '[';
    while (true) {
      // The first axis that stands at "..." hides the row below it.
      int hidden = 0;
      while (hidden < rank - 1 && places[hidden][at[hidden]] >= 0) ++hidden;
      if (hidden == rank - 1) {
        std::int64_t start = 0;
        for (int axis = 0; axis < rank - 1; ++axis) start = (start + places[axis][at[axis]]) * shape[axis + 1];
        std::vector<std::string> row;
        for (const std::int64_t place : places[rank - 1]) {
          if (!writing && place >= 0) shown.push_back(all[static_cast<std::size_t>(start + place)]);
          if (writing) row.push_back(place >= 0 ? texts[next++] : "...");
        }
        if (writing) result += row_of(row, rank, options.linewidth);
      } else if (writing) {
        // The brackets opened for the axes below belong to rows.
        result.erase(result.size() - static_cast<std::size_t>(rank - 1 - hidden - 1));
        result += "...";
      }
      int axis = hidden == rank - 1 ? rank - 2 : hidden;
      const int from = axis;
      while (axis >= 0 && ++at[axis] == places[axis].size()) at[axis--] = 0;
      if (writing) result += std::string(static_cast<std::size_t>(from - axis), ']');
      if (axis < 0) break;
      if (writing) {
        result += std::string(static_cast<std::size_t>(rank - 1 - axis), '\n');
        result += std::string(static_cast<std::size_t>(axis) + 1, ' ');
        result += std::string(static_cast<std::size_t>(rank - 2 - axis), '[');
      }
    }
  }
  return result;
}

}  // namespace

std::string to_string(const Tensor& tensor) {
  return with_dtype(tensor.dtype(), [&]<class T>(T) {
    return tensor.rank() == 0 ? written_scalar<T>(tensor.item<T>()) : array_text<T>(tensor, {});
  });
}

std::string to_string(const Tensor& tensor, const PrintOptions& options) {
  if (options.precision < 0 || options.threshold < 0 || options.linewidth < 0 || options.edgeitems < 1)
    throw ValueError("[to_string] expected printing options of at least 0 and edgeitems of at least 1, got precision " +
                     std::to_string(options.precision) + ", threshold " + std::to_string(options.threshold) +
                     ", linewidth " + std::to_string(options.linewidth) + " and edgeitems " +
                     std::to_string(options.edgeitems));
  return with_dtype(tensor.dtype(), [&]<class T>(T) {
    if (tensor.rank() > 0) return array_text<T>(tensor, options);
    const std::string text = written(std::vector<T>{tensor.item<T>()}, options)[0];
    return text.substr(text.find_first_not_of(' '));
  });
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) { return out << to_string(tensor); }

}  // namespace xgrad
