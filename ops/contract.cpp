#include <xgrad/ops/contract.hpp>

#include <xgrad/ops/matrices.hpp>
#include <xgrad/ops/shape.hpp>

#include <algorithm>
#include <map>

namespace xgrad {
namespace {

using Labels = std::vector<int>;

bool has(const Labels& labels, int label) { return std::find(labels.begin(), labels.end(), label) != labels.end(); }

int place_of(const Labels& labels, int label) {
  return static_cast<int>(std::find(labels.begin(), labels.end(), label) - labels.begin());
}

/// Sums of small integers would come out as int64.
Tensor sum_keeping_type(const Tensor& x, int axis) {
  const Tensor total = sum(x, axis);
  return total.dtype() == x.dtype() ? total : cast(total, x.dtype());
}

Labelled without(const Labelled& t, int label) {
  const int axis = place_of(t.labels, label);
  Labelled result{sum_keeping_type(t.x, axis), t.labels};
  result.labels.erase(result.labels.begin() + axis);
  return result;
}

Labelled take_diagonals(Labelled t) {
  for (std::size_t i = 0; i < t.labels.size();) {
    const auto again = std::find(t.labels.begin() + static_cast<std::ptrdiff_t>(i) + 1, t.labels.end(), t.labels[i]);
    if (again == t.labels.end()) {
      ++i;
      continue;
    }
    const int label = t.labels[i], second = static_cast<int>(again - t.labels.begin());
    t.x = diagonal(t.x, 0, static_cast<int>(i), second);
    t.labels.erase(again);
    t.labels.erase(t.labels.begin() + static_cast<std::ptrdiff_t>(i));
    t.labels.push_back(label);
    i = 0;
  }
  return t;
}

/// The axes in this order; nothing is recorded if they stand so already.
Labelled arrange(const Labelled& t, const Labels& order) {
  if (t.labels == order) return t;
  std::vector<int> axes;
  for (const int label : order) axes.push_back(place_of(t.labels, label));
  return {transpose(t.x, std::span<const int>(axes)), order};
}

Labels joined(std::initializer_list<const Labels*> parts) {
  Labels all;
  for (const Labels* part : parts) all.insert(all.end(), part->begin(), part->end());
  return all;
}

/// The batch without its last axis, and that axis.
std::pair<Labels, Labels> outer_and_last(const Labels& batch) {
  const auto cut = batch.empty() ? batch.end() : batch.end() - 1;
  return {Labels(batch.begin(), cut), Labels(cut, batch.end())};
}

/// The form in which the labels stand already, or the plain one.
MatrixForm form_of(const Labels& labels, const Labels& batch, const Labels& rows, const Labels& columns) {
  const auto [outer, last] = outer_and_last(batch);
  if (labels == joined({&batch, &rows, &columns})) return {};
  if (labels == joined({&batch, &columns, &rows})) return {.transposed = true};
  if (labels == joined({&outer, &rows, &last, &columns})) return {.apart = true};
  if (labels == joined({&outer, &columns, &last, &rows})) return {.transposed = true, .apart = true};
  return {};
}

/// An operand as a batch of matrices of this form; axes are exchanged if it stands in no form. The batch becomes one
/// axis, or two if matrices stand apart in one of the operands or the result.
struct Matrices {
  Labelled arranged;
  Tensor merged;
};
Matrices as_matrices(const Labelled& t, MatrixForm form, const Labels& batch, const Labels& rows, const Labels& columns,
                     bool last_alone) {
  const auto [outer, last] = outer_and_last(batch);
  const Labels &first = form.transposed ? columns : rows, &second = form.transposed ? rows : columns;
  Matrices result;
  result.arranged =
      arrange(t, form.apart ? joined({&outer, &first, &last, &second}) : joined({&batch, &first, &second}));
  result.merged = result.arranged.x;
  const Labels& leading = last_alone ? outer : batch;
  if (leading.size() <= 1 && first.size() == 1 && second.size() == 1) return result;
  std::vector<std::int64_t> groups;
  if (!leading.empty()) groups.push_back(static_cast<std::int64_t>(leading.size()));
  if (last_alone && !form.apart) groups.push_back(1);
  groups.push_back(static_cast<std::int64_t>(first.size()));
  if (form.apart) groups.push_back(1);
  groups.push_back(static_cast<std::int64_t>(second.size()));
  result.merged = group_axes(result.arranged.x, groups);
  return result;
}

/// Elementwise: what is fused with its readers is cheaper than a matrix product with one inner step.
Labelled multiply_elements(const Labelled& a, const Labelled& b, const Labels& order) {
  const auto spread = [&](const Labelled& t) {
    Labels own;
    std::uint32_t mask = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (has(t.labels, order[i]))
        own.push_back(order[i]);
      else
        mask |= 1u << (order.size() - 1 - i);
    }
    Tensor x = arrange(t, own).x;
    for (std::size_t i = 0; i < order.size(); ++i)
      if (mask >> (order.size() - 1 - i) & 1) x = expand_dims(x, static_cast<int>(i));
    return x;
  };
  return {spread(a) * spread(b), order};
}

/// The product of two operands, summed over the labels both have and nobody else asks for. Its axes stand as in `order`
/// if that costs nothing.
Labelled multiply_pair(const Labelled& a, const Labelled& b, const Labels& kept, const Labels& order) {
  Labels batch, inner, rows, columns;
  for (const int label : a.labels) (!has(b.labels, label) ? rows : has(kept, label) ? batch : inner).push_back(label);
  for (const int label : b.labels)
    if (!has(a.labels, label)) columns.push_back(label);
  Labels all = joined({&batch, &rows, &columns});
  if (all.size() > max_rank)
    throw ShapeError("a product of these operands would have " + std::to_string(all.size()) +
                     " axes, at most 8 are allowed");
  if (inner.empty()) return multiply_elements(a, b, all);
  if (rows.empty() && columns.empty() && !batch.empty() && batch.size() + inner.size() <= max_rank) {
    Labelled product = multiply_elements(a, b, joined({&batch, &inner}));
    for (const int label : inner) product = without(product, label);
    return product;
  }
  const auto [outer, last] = outer_and_last(batch);
  const Labels turned = joined({&batch, &columns, &rows}), apart_turned = joined({&outer, &columns, &last, &rows});
  Labels apart = joined({&outer, &rows, &last, &columns});
  const Labelled *first = &a, *second = &b;
  if (order != all && order != apart && (order == turned || order == apart_turned)) {
    // The transposed product.
    std::swap(first, second);
    std::swap(rows, columns);
    all = turned;
    apart = apart_turned;
  }
  const bool result_apart = order != all && order == apart;
  if (result_apart) all = apart;
  const MatrixForm form_left = form_of(first->labels, batch, rows, inner);
  const MatrixForm form_right = form_of(second->labels, batch, inner, columns);
  const bool last_alone = form_left.apart || form_right.apart || result_apart;
  const Matrices left = as_matrices(*first, form_left, batch, rows, inner, last_alone);
  const Matrices right = as_matrices(*second, form_right, batch, inner, columns, last_alone);
  Labelled product{multiply_apart(left.merged, form_left, right.merged, form_right, result_apart), all};
  if ((last_alone ? outer : batch).size() <= 1 && rows.size() == 1 && columns.size() == 1) return product;
  std::vector<std::int64_t> from;
  for (const int label : all) {
    const bool of_left = has(left.arranged.labels, label);
    from.push_back(of_left ? place_of(left.arranged.labels, label) : 8 + place_of(right.arranged.labels, label));
  }
  product.x = split_axes(product.x, left.arranged.x, right.arranged.x, from);
  return product;
}

// --- the order -------------------------------------------------------------------------------------------------------

using Lengths = std::map<int, double>;

double size_of_labels(const Labels& labels, const Lengths& lengths) {
  double size = 1;
  for (const int label : labels) size *= lengths.at(label);
  return size;
}

Labels united(const Labels& a, const Labels& b) {
  Labels all = a;
  for (const int label : b)
    if (!has(all, label)) all.push_back(label);
  return all;
}

/// The labels of `own` that the result or one of the others has.
template <class IsOther>
Labels still_asked(const Labels& own, const std::vector<Labelled>& operands, const Labels& result, IsOther&& is_other) {
  Labels asked;
  for (const int label : own) {
    bool wanted = has(result, label);
    for (std::size_t k = 0; k < operands.size() && !wanted; ++k) wanted = is_other(k) && has(operands[k].labels, label);
    if (wanted) asked.push_back(label);
  }
  return asked;
}

/// Every way to multiply n operands, by subsets: the cheapest split of each set follows from those of smaller sets.
Labelled contract_best(const std::vector<Labelled>& operands, const Labels& result, const Lengths& lengths) {
  const std::size_t sets = std::size_t{1} << operands.size();
  std::vector<double> least(sets, 0);
  std::vector<std::size_t> split(sets, 0);
  std::vector<Labels> labels(sets);
  const auto outside = [](std::size_t set) { return [set](std::size_t k) { return !(set >> k & 1); }; };
  for (std::size_t set = 1; set < sets; ++set) {
    if ((set & (set - 1)) == 0) {
      labels[set] = operands[static_cast<std::size_t>(__builtin_ctzll(set))].labels;
      continue;
    }
    for (std::size_t part = (set - 1) & set; part > set / 2; part = (part - 1) & set) {
      const std::size_t rest = set & ~part;
      const double cost = least[part] + least[rest] + size_of_labels(united(labels[part], labels[rest]), lengths);
      if (split[set] != 0 && cost >= least[set]) continue;
      least[set] = cost;
      split[set] = part;
    }
    labels[set] = still_asked(united(labels[split[set]], labels[set & ~split[set]]), operands, result, outside(set));
  }
  std::vector<std::uint8_t> needed(sets, 0);
  needed[sets - 1] = 1;
  for (std::size_t set = sets; set-- > 1;)
    if (needed[set] && split[set]) needed[split[set]] = needed[set & ~split[set]] = 1;
  std::vector<Labelled> found(sets);
  for (std::size_t set = 1; set < sets; ++set) {
    if (!needed[set]) continue;
    if (!split[set]) {
      found[set] = operands[static_cast<std::size_t>(__builtin_ctzll(set))];
      continue;
    }
    // The operand that was named first stands on the left.
    std::size_t left = split[set], right = set & ~left;
    if ((right & (~right + 1)) < (left & (~left + 1))) std::swap(left, right);
    found[set] = multiply_pair(found[left], found[right], labels[set], set + 1 == sets ? result : Labels());
  }
  return found[sets - 1];
}

/// The pair whose product is smallest compared with what it replaces, again and again.
Labelled contract_greedily(std::vector<Labelled> operands, const Labels& result, const Lengths& lengths) {
  while (operands.size() > 1) {
    std::size_t left = 0, right = 1;
    double least = 0;
    Labels kept;
    for (std::size_t i = 0; i < operands.size(); ++i)
      for (std::size_t j = i + 1; j < operands.size(); ++j) {
        const Labels asked = still_asked(united(operands[i].labels, operands[j].labels), operands, result,
                                         [&](std::size_t k) { return k != i && k != j; });
        const double growth = size_of_labels(asked, lengths) - size_of_labels(operands[i].labels, lengths) -
                              size_of_labels(operands[j].labels, lengths);
        if ((i != 0 || j != 1) && growth >= least) continue;
        least = growth;
        left = i;
        right = j;
        kept = asked;
      }
    operands[left] = multiply_pair(operands[left], operands[right], kept, operands.size() == 2 ? result : Labels());
    operands.erase(operands.begin() + static_cast<std::ptrdiff_t>(right));
  }
  return operands[0];
}

constexpr std::size_t most_compared = 8;  // 3^8 splits; a ninth operand would triple them

}  // namespace

Tensor contract(std::vector<Labelled> operands, const std::vector<int>& result, std::string (*letter)(int label),
                const char* name, const Location& where) {
  const auto fail = [&](const std::string& what) {
    std::string shapes;
    for (const Labelled& t : operands) shapes += (shapes.empty() ? "" : " and ") + to_string(t.x.shape());
    throw ShapeError(std::string("[") + name + "] " + what + ", got " + shapes + place(where));
  };
  Lengths lengths;
  DType type = bool_;
  for (const Labelled& t : operands) {
    type = std::max(type, t.x.dtype());
    for (std::size_t i = 0; i < t.labels.size(); ++i) {
      const auto length = static_cast<double>(t.x.dim(static_cast<int>(i)));
      const auto [at, is_new] = lengths.emplace(t.labels[i], length);
      if (is_new || at->second == length) continue;
      if (at->second != 1 && length != 1) fail("expected axes of one length for " + letter(t.labels[i]));
      if (at->second == 1) at->second = length;
    }
  }
  for (Labelled& t : operands) {
    for (std::size_t i = 0; i < t.labels.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (t.labels[i] == t.labels[j] && t.x.dim(static_cast<int>(i)) != t.x.dim(static_cast<int>(j)))
          fail("expected axes of one length for " + letter(t.labels[i]));
  }
  for (Labelled& t : operands) {
    if (t.x.dtype() != type) t.x = cast(t.x, type);
    t = take_diagonals(t);
    // What repeats along an axis is multiplied without it.
    for (const int label : Labels(t.labels)) {
      const int axis = place_of(t.labels, label);
      if (t.x.dim(axis) != 1 || lengths.at(label) == 1) continue;
      t.x = squeeze(t.x, axis);
      t.labels.erase(t.labels.begin() + axis);
    }
  }
  for (std::size_t k = 0; k < operands.size(); ++k) {
    const auto others = [&](std::size_t j) { return j != k; };
    const Labels asked = still_asked(operands[k].labels, operands, result, others);
    for (const int label : Labels(operands[k].labels))
      if (!has(asked, label)) operands[k] = without(operands[k], label);
  }
  try {
    const Labelled product = operands.size() <= most_compared ? contract_best(operands, result, lengths)
                                                              : contract_greedily(operands, result, lengths);
    return arrange(product, result).x;
  } catch (const ShapeError& error) {
    if (error.what()[0] == '[') throw;
    fail(error.what());
  }
  return {};
}

}  // namespace xgrad
