#pragma once
/// Internal to diff/: which operation's rule is wrong.

#include <xgrad/diff/compare.hpp>

namespace xgrad::checking {

/// Checks the rule of every operation between xs and the outputs by itself, at the values it has there; the likeliest
/// culprit first. With `order` 2 the rules' own derivatives.
std::vector<Culprit> wrong_rules(const Subject& subject, int order, double step, std::uint64_t& state);

/// Operations whose forward derivative is not the transpose of their reverse one.
std::vector<Culprit> wrong_transposes(const Subject& subject, std::uint64_t& state);

/// Places where gradients were cut and without which the worst element would be right.
std::vector<Culprit> cuts(const Subject& subject, const std::vector<Tensor>& weights, const CheckedElement& worst);

/// The operation that first made a value that is not finite from finite ones, among what `ys` were recorded from.
std::vector<Culprit> first_not_finite(std::span<const Tensor> ys);

/// "h = exp(x * w)": one operation, with its inputs by name, or as formulas if they are short.
std::string one_line(const Node* node);

}  // namespace xgrad::checking
