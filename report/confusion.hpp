#pragma once
/// Confusion matrices: which classes are taken for which.

#include <xgrad/graph/tensor.hpp>

namespace xgrad::report {

/// counts[i, j]: how many elements of class i were predicted as class j; int64 (classes, classes). Labels and
/// predictions are class numbers of shape (n,) or (n, 1), or scores (n, classes), of which the largest counts.
/// `classes` = 0 stands for the largest class number + 1, or the number of scores.
/// Throws ShapeError unless there is one prediction a label; ValueError for a class that is no whole number or not in
/// 0 ... classes-1, naming its position.
Tensor confusion_matrix(const Tensor& labels, const Tensor& predictions, std::int64_t classes = 0);

/// A confusion matrix as a table for people: one row a true class with its counts, recall (the share of the class that
/// was found) and precision (the share of its predictions that are right), and the accuracy below. Shares of nothing
/// are "-". `class_names` may be empty. Throws ShapeError unless the matrix is square, ValueError for another number of
/// names than classes.
std::string confusion_table(const Tensor& matrix, const std::vector<std::string>& class_names = {});

}  // namespace xgrad::report
