#include <xgrad/graph/fold.hpp>
#include <xgrad/ops/contract.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/matrices.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/table.hpp>

#include <string>

namespace xgrad {
namespace {

std::string both(const Tensor& a, const Tensor& b) {
  return to_string(a.shape()) + " " + name_of(a.dtype()) + " and " + to_string(b.shape()) + " " + name_of(b.dtype());
}

[[noreturn]] void refuse(const char* name, const char* what, const Tensor& a, const Tensor& b, const Arg& where) {
  throw ShapeError(std::string("[") + name + "] expected " + what + ", got " + both(a, b) + place(where.where()));
}

std::string axis_name(int label) { return "summed axis " + std::to_string(label); }

/// The sum over axes_a[i] of a and axes_b[i] of b, counted from the front; the other axes of a, then those of b.
Tensor sum_over_pairs(const char* name, const Tensor& a, const Tensor& b, std::span<const int> axes_a,
                      std::span<const int> axes_b, const Location& where) {
  std::vector<int> of_a(static_cast<std::size_t>(a.rank()), -1), of_b(static_cast<std::size_t>(b.rank()), -1), result;
  for (std::size_t i = 0; i < axes_a.size(); ++i)
    of_a[static_cast<std::size_t>(axes_a[i])] = of_b[static_cast<std::size_t>(axes_b[i])] = static_cast<int>(i);
  int next = 100;
  for (std::vector<int>* labels : {&of_a, &of_b})
    for (int& label : *labels)
      if (label < 0) result.push_back(label = next++);
  if (result.size() > max_rank)
    throw ShapeError(std::string("[") + name + "] expected a result of at most 8 axes, not " +
                     std::to_string(result.size()) + ", got " + both(a, b) + place(where));
  for (std::size_t i = 0; i < axes_a.size(); ++i)
    if (a.dim(axes_a[i]) != b.dim(axes_b[i]))
      throw ShapeError(std::string("[") + name + "] expected equal lengths along axis " + std::to_string(axes_a[i]) +
                       " of the first and axis " + std::to_string(axes_b[i]) + " of the second, got " + both(a, b) +
                       place(where));
  return contract({{a, of_a}, {b, of_b}}, result, axis_name, name, where);
}

/// The axis counted from the end, where tensors that broadcast agree.
int axis_from_end(const char* name, int axis, const Tensor& a, const Tensor& b, const Arg& where) {
  for (const Tensor& x : {a, b}) mask_from_end(axis, x.rank(), name, where.where());
  if (axis >= 0 && a.rank() != b.rank())
    refuse(name, "a negative axis for tensors with different numbers of axes", a, b, where);
  return axis < 0 ? axis : axis - a.rank();
}

Tensor flat(const Tensor& x) { return x.rank() == 1 ? x : reshape(x, {-1}); }

}  // namespace

Tensor matvec(const Arg& a, const Arg& x) {
  const Within here("matvec", a);
  const Tensor left = a.tensor(), right = x.tensor();
  if (left.rank() < 2 || right.rank() < 1) refuse("matvec", "a matrix and a vector", left, right, a);
  if (left.dim(-1) != right.dim(-1)) refuse("matvec", "equal inner lengths", left, right, a);
  return squeeze(matmul(Arg(left, a.where()), expand_dims(right, -1)), -1);
}

Tensor vecmat(const Arg& x, const Arg& a) {
  const Within here("vecmat", x);
  const Tensor left = x.tensor(), right = a.tensor();
  if (left.rank() < 1 || right.rank() < 2) refuse("vecmat", "a vector and a matrix", left, right, x);
  if (left.dim(-1) != right.dim(-2)) refuse("vecmat", "equal inner lengths", left, right, x);
  return squeeze(matmul(expand_dims(left, -2), Arg(right, x.where())), -2);
}

Tensor vecdot(const Arg& a, const Arg& b, int axis) {
  const Within here("vecdot", a);
  const Tensor left = a.tensor(), right = b.tensor();
  const int at = axis_from_end("vecdot", axis, left, right, a);
  if (left.dim(at) != right.dim(at)) refuse("vecdot", "equal lengths along the axis", left, right, a);
  const Tensor product = left * right, total = sum(product, at);
  return total.dtype() == product.dtype() ? total : cast(total, product.dtype());
}

Tensor dot(const Arg& a, const Arg& b) {
  const Within here("dot", a);
  const Tensor left = a.tensor(), right = b.tensor();
  if (left.rank() == 0 || right.rank() == 0) return multiply(a, b);
  const int axes_a[] = {left.rank() - 1}, axes_b[] = {std::max(right.rank() - 2, 0)};
  return sum_over_pairs("dot", left, right, axes_a, axes_b, a.where());
}

Tensor vdot(const Arg& a, const Arg& b) {
  const Within here("vdot", a);
  const Tensor left = a.tensor(), right = b.tensor();
  if (left.size() != right.size()) refuse("vdot", "equally many elements", left, right, a);
  const int axes[] = {0};
  return sum_over_pairs("vdot", flat(left), flat(right), axes, axes, a.where());
}

Tensor inner(const Arg& a, const Arg& b) {
  const Within here("inner", a);
  const Tensor left = a.tensor(), right = b.tensor();
  if (left.rank() == 0 || right.rank() == 0) return multiply(a, b);
  const int axes_a[] = {left.rank() - 1}, axes_b[] = {right.rank() - 1};
  return sum_over_pairs("inner", left, right, axes_a, axes_b, a.where());
}

Tensor outer(const Arg& a, const Arg& b) {
  const Within here("outer", a);
  const Tensor left = a.tensor(), right = b.tensor();
  return expand_dims(flat(left), 1) * expand_dims(flat(right), 0);
}

Tensor tensordot(const Arg& a, const Arg& b, int axes) {
  const Within here("tensordot", a);
  const Tensor left = a.tensor(), right = b.tensor();
  if (axes < 0 || axes > left.rank() || axes > right.rank())
    refuse("tensordot", ("tensors of at least " + std::to_string(axes) + " axes").c_str(), left, right, a);
  std::vector<int> axes_a, axes_b;
  for (int i = 0; i < axes; ++i) {
    axes_a.push_back(left.rank() - axes + i);
    axes_b.push_back(i);
  }
  return sum_over_pairs("tensordot", left, right, axes_a, axes_b, a.where());
}

Tensor tensordot(const Arg& a, const Arg& b, std::initializer_list<int> axes_a, std::initializer_list<int> axes_b) {
  const Within here("tensordot", a);
  const Tensor left = a.tensor(), right = b.tensor();
  if (axes_a.size() != axes_b.size()) refuse("tensordot", "as many axes of the first as of the second", left, right, a);
  const auto from_front = [&](std::initializer_list<int> axes, int rank) {
    mask_from_end(axes.size() ? Axes(axes) : Axes::none(), rank, "tensordot", a.where());
    std::vector<int> result;
    for (const int axis : axes) result.push_back(axis < 0 ? axis + rank : axis);
    return result;
  };
  return sum_over_pairs("tensordot", left, right, from_front(axes_a, left.rank()), from_front(axes_b, right.rank()),
                        a.where());
}

Tensor kron(const Arg& a, const Arg& b) {
  const Within here("kron", a);
  Tensor left = a.tensor(), right = b.tensor();
  const int rank = std::max(left.rank(), right.rank());
  if (2 * rank > max_rank) refuse("kron", "tensors of at most 4 axes", left, right, a);
  // Axes of a at even places, axes of b at odd ones, then two by two as one.
  std::uint32_t odd = 0;
  for (int i = 0; i < rank; ++i) odd |= 1u << 2 * i;
  const auto spread = [&](const Tensor& x, std::uint32_t mask) {
    std::uint32_t leading = 0;
    for (int i = x.rank(); i < rank; ++i) leading |= 1u << i;
    return expand_axes(leading ? expand_axes(x, leading) : x, mask);
  };
  const std::vector<std::int64_t> pairs(static_cast<std::size_t>(rank), 2);
  return rank == 0 ? left * right : group_axes(spread(left, odd) * spread(right, odd << 1), pairs);
}

Tensor cross(const Arg& a, const Arg& b, int axis) {
  const Within here("cross", a);
  const Tensor left = a.tensor(), right = b.tensor();
  const int at = axis_from_end("cross", axis, left, right, a);
  for (const Tensor& x : {left, right})
    if (x.dim(at) != 2 && x.dim(at) != 3) refuse("cross", "2 or 3 components along the axis", left, right, a);
  const auto part = [at](const Tensor& x, std::int64_t i) {
    return i < x.dim(at) ? slice_axis(x, at, {i, i + 1}) : Tensor();
  };
  const Tensor a0 = part(left, 0), a1 = part(left, 1), a2 = part(left, 2);
  const Tensor b0 = part(right, 0), b1 = part(right, 1), b2 = part(right, 2);
  const Tensor third = a0 * b1 - a1 * b0;
  if (!a2.defined() && !b2.defined()) return squeeze(third, at);
  if (!a2.defined()) return concatenate({a1 * b2, -(a0 * b2), third}, at);
  if (!b2.defined()) return concatenate({-(a2 * b1), a2 * b0, third}, at);
  return concatenate({a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, third}, at);
}

Tensor vander(const Arg& x, std::int64_t n, bool increasing) {
  const Within here("vander", x);
  const Tensor t = x.tensor();
  if (t.rank() == 0) throw ShapeError("[vander] expected a vector, got ()" + place(x.where()));
  if (n < -1) throw ValueError("[vander] expected -1 columns or more, got " + std::to_string(n) + place(x.where()));
  if (n < 0) n = t.dim(-1);
  const Tensor steps = arange(n, {.dtype = t.dtype() < int32 ? int64 : t.dtype()});
  return power(expand_dims(t, -1), increasing ? steps : n - 1 - steps);
}

namespace {

Tensor multiply_chain(std::span<const Arg> args, const Location& where) {
  const Within here("multi_dot", where);
  const auto n = static_cast<int>(args.size());
  if (n < 2) throw ValueError("[multi_dot] expected two matrices or more, got " + std::to_string(n) + place(where));
  std::vector<Tensor> chain;
  for (const Arg& arg : args) chain.push_back(arg.tensor());
  std::vector<double> lengths;  // the first rows, then everybody's columns
  for (int i = 0; i < n; ++i) {
    const Tensor& x = chain[static_cast<std::size_t>(i)];
    const bool end = i == 0 || i == n - 1;
    if (x.rank() != 2 && !(end && x.rank() == 1))
      throw ShapeError("[multi_dot] expected matrices, and vectors only at the ends, got " + to_string(x.shape()) +
                       " as tensor " + std::to_string(i) + place(where));
    const double columns = x.rank() == 1 && i > 0 ? 1 : static_cast<double>(x.dim(-1));
    const double rows = x.rank() == 1 && i == 0 ? 1 : static_cast<double>(x.dim(0));
    if (i == 0)
      lengths.push_back(rows);
    else if (rows != lengths.back())
      throw ShapeError("[multi_dot] expected equal inner lengths, got " +
                       to_string(chain[static_cast<std::size_t>(i) - 1].shape()) + " and " + to_string(x.shape()) +
                       place(where));
    lengths.push_back(columns);
  }
  // least[i][j]: the fewest multiplications for the product of tensors i to j; split[i][j]: the last left factor's end.
  const auto at = [n](int i, int j) { return static_cast<std::size_t>(i * n + j); };
  const auto length = [&](int i) { return lengths[static_cast<std::size_t>(i)]; };
  std::vector<double> least(at(n, 0), 0);
  std::vector<int> split(at(n, 0), 0);
  for (int span = 1; span < n; ++span)
    for (int i = 0; i + span < n; ++i) {
      const int j = i + span;
      for (int k = i; k < j; ++k) {
        const double cost = least[at(i, k)] + least[at(k + 1, j)] + length(i) * length(k + 1) * length(j + 1);
        if (k > i && cost >= least[at(i, j)]) continue;
        least[at(i, j)] = cost;
        split[at(i, j)] = k;
      }
    }
  std::vector<Tensor> products(at(n, 0));
  std::vector<std::uint8_t> needed(at(n, 0), 0);
  needed[at(0, n - 1)] = 1;
  for (int span = n - 1; span > 0; --span)
    for (int i = 0; i + span < n; ++i)
      if (needed[at(i, i + span)]) {
        const int k = split[at(i, i + span)];
        needed[at(i, k)] = needed[at(k + 1, i + span)] = 1;
      }
  for (int span = 0; span < n; ++span)
    for (int i = 0; i + span < n; ++i) {
      if (!needed[at(i, i + span)]) continue;
      const int k = split[at(i, i + span)];
      products[at(i, i + span)] =
          span == 0 ? chain[static_cast<std::size_t>(i)] : matmul(products[at(i, k)], products[at(k + 1, i + span)]);
    }
  return products[at(0, n - 1)];
}

}  // namespace

Tensor multi_dot(std::initializer_list<Arg> tensors) {
  return multiply_chain({tensors.begin(), tensors.size()}, tensors.size() ? tensors.begin()->where() : Location());
}

Tensor multi_dot(std::span<const Tensor> tensors, Location where) {
  std::vector<Arg> args;
  for (const Tensor& t : tensors) args.emplace_back(t, where);
  return multiply_chain(args, where);
}

}  // namespace xgrad
