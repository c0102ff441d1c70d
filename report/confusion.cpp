#include <xgrad/report/confusion.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace xgrad::report {

namespace {

constexpr std::int64_t most_classes = 1 << 14;

struct Classes {
  std::vector<std::int64_t> numbers;
  std::int64_t scores = 0;  // how many a row; 0 for class numbers
};

// The first largest score of each row; NaN wins, as in argmax.
std::vector<std::int64_t> largest(const std::vector<double>& scores, std::int64_t rows, std::int64_t width) {
  std::vector<std::int64_t> result;
  for (std::int64_t row = 0; row < rows; ++row) {
    const double* at = scores.data() + row * width;
    std::int64_t best = 0;
    for (std::int64_t i = 1; i < width && !std::isnan(at[best]); ++i)
      if (at[i] > at[best] || std::isnan(at[i])) best = i;
    result.push_back(best);
  }
  return result;
}

Classes classes_of(const Tensor& t, const char* what) {
  const bool column = t.rank() == 2 && t.dim(1) == 1;
  if (t.rank() != 1 && t.rank() != 2)
    throw ShapeError(std::string("[confusion_matrix] expected ") + what +
                     " of shape (n,), (n, 1) or (n, classes), got " + to_string(t.shape()));
  if (t.rank() == 2 && !column) {
    if (t.dim(1) == 0) throw ShapeError(std::string("[confusion_matrix] expected ") + what + " with scores, got none");
    return {largest(t.to_vector<double>(), t.dim(0), t.dim(1)), t.dim(1)};
  }
  if (!is_floating(t.dtype())) return {t.to_vector<std::int64_t>(), 0};
  Classes result;
  for (double value : t.to_vector<double>()) {
    if (!(value == std::floor(value)) || !(std::abs(value) < 0x1p53))
      throw ValueError(std::string("[confusion_matrix] expected whole class numbers as ") + what + ", got " +
                       number_text(value) + " at position " + std::to_string(result.numbers.size()));
    result.numbers.push_back(static_cast<std::int64_t>(value));
  }
  return result;
}

void check_range(const std::vector<std::int64_t>& numbers, std::int64_t classes, const char* what) {
  for (std::size_t i = 0; i < numbers.size(); ++i)
    if (numbers[i] < 0 || numbers[i] >= classes)
      throw ValueError(std::string("[confusion_matrix] expected ") + what + " from 0 to " +
                       std::to_string(classes - 1) + ", got " + std::to_string(numbers[i]) + " at position " +
                       std::to_string(i));
}

std::int64_t characters(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

std::string padded_left(const std::string& text, std::int64_t width) {
  return std::string(static_cast<std::size_t>(std::max<std::int64_t>(width - characters(text), 0)), ' ') + text;
}

std::string padded_right(const std::string& text, std::int64_t width) {
  return text + std::string(static_cast<std::size_t>(std::max<std::int64_t>(width - characters(text), 0)), ' ');
}

std::string share(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.4f", static_cast<double>(part) / static_cast<double>(whole));
  return text;
}

}  // namespace

Tensor confusion_matrix(const Tensor& labels, const Tensor& predictions, std::int64_t classes) {
  const Classes truth = classes_of(labels, "labels");
  const Classes guess = classes_of(predictions, "predictions");
  if (truth.numbers.size() != guess.numbers.size())
    throw ShapeError("[confusion_matrix] expected one prediction for each label, got labels " +
                     to_string(labels.shape()) + " and predictions " + to_string(predictions.shape()));
  if (classes == 0) {
    classes = std::max(truth.scores, guess.scores);
    for (const auto* numbers : {&truth.numbers, &guess.numbers})
      for (std::int64_t number : *numbers)
        if (number < most_classes) classes = std::max(classes, number + 1);
  }
  if (classes < 0 || classes > most_classes)
    throw ValueError("[confusion_matrix] expected 0 to " + std::to_string(most_classes) + " classes, got " +
                     std::to_string(classes));
  check_range(truth.numbers, classes, "labels");
  check_range(guess.numbers, classes, "predictions");
  std::vector<std::int64_t> counts(static_cast<std::size_t>(classes * classes));
  for (std::size_t i = 0; i < truth.numbers.size(); ++i)
    ++counts[static_cast<std::size_t>(truth.numbers[i] * classes + guess.numbers[i])];
  return tensor(counts, Shape{classes, classes});
}

std::string confusion_table(const Tensor& matrix, const std::vector<std::string>& class_names) {
  if (matrix.rank() != 2 || matrix.dim(0) != matrix.dim(1))
    throw ShapeError("[confusion_table] expected a square matrix, got " + to_string(matrix.shape()));
  const std::int64_t classes = matrix.dim(0);
  if (!class_names.empty() && static_cast<std::int64_t>(class_names.size()) != classes)
    throw ValueError("[confusion_table] expected " + std::to_string(classes) + " class names, got " +
                     std::to_string(class_names.size()));
  const std::vector<std::int64_t> counts = matrix.to_vector<std::int64_t>();
  const auto at = [&](std::int64_t i, std::int64_t j) { return counts[static_cast<std::size_t>(i * classes + j)]; };

  // Columns carry class numbers: ten names side by side would not fit on a screen.
  const std::string corner = "true \\ predicted";
  std::vector<std::string> labels;
  const auto number_width = static_cast<std::int64_t>(std::to_string(std::max<std::int64_t>(classes - 1, 0)).size());
  std::int64_t label_width = characters(corner), cell_width = number_width, total = 0, right = 0;
  for (std::int64_t i = 0; i < classes; ++i) {
    const std::string number = padded_left(std::to_string(i), number_width);
    labels.push_back(class_names.empty() ? number : number + " " + class_names[static_cast<std::size_t>(i)]);
    label_width = std::max(label_width, characters(labels.back()));
  }
  for (std::int64_t count : counts)
    cell_width = std::max(cell_width, static_cast<std::int64_t>(std::to_string(count).size()));

  std::string text = padded_right(corner, label_width);
  for (std::int64_t j = 0; j < classes; ++j) text += "  " + padded_left(std::to_string(j), cell_width);
  text += "   recall  precision\n";
  for (std::int64_t i = 0; i < classes; ++i) {
    std::int64_t in_class = 0, predicted = 0;
    text += padded_right(labels[static_cast<std::size_t>(i)], label_width);
    for (std::int64_t j = 0; j < classes; ++j) {
      text += "  " + padded_left(std::to_string(at(i, j)), cell_width);
      in_class += at(i, j);
      predicted += at(j, i);
    }
    text += "   " + padded_left(share(at(i, i), in_class), 6);
    text += "  " + padded_left(share(at(i, i), predicted), 9) + "\n";
    total += in_class;
    right += at(i, i);
  }
  text += "accuracy " + share(right, total);
  return text + " (" + std::to_string(right) + " of " + std::to_string(total) + ")\n";
}

}  // namespace xgrad::report
