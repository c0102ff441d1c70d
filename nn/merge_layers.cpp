#include <xgrad/nn/layer_parts.hpp>
#include <xgrad/nn/merge_layers.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <algorithm>

namespace xgrad {

namespace {

void describe(Fields& f, Concatenate& o) {
  f("axis", o.axis);
  f("name", o.name);
}
void describe(Fields& f, Dot& o) {
  f("axes", o.axes);
  f("normalize", o.normalize);
  f("name", o.name);
}

constexpr auto describing = [](Fields& f, auto& o) { describe(f, o); };

std::string shapes_of(std::span<const Tensor> xs) {
  std::string text;
  for (const Tensor& x : xs) text += (text.empty() ? "" : ", ") + to_string(x.shape());
  return text;
}

/// Steps that count in all inputs.
Tensor common_mask(const std::vector<Tensor>& masks) {
  Tensor out;
  for (const Tensor& mask : masks) {
    if (!mask.defined()) return {};  // as in Keras: one input without a mask leaves none
    out = out.defined() ? logical_and(out, mask) : mask;
  }
  return out;
}

template <class M>
M read_merge(std::string_view kind, const Config& config) {
  MergeOptions options;
  read_config(kind, config, [&](Fields& f) { f("name", options.name); });
  return M(std::move(options));
}

}  // namespace

std::string_view Merge::kind_name() const {
  constexpr std::string_view names[] = {"Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"};
  return names[static_cast<int>(kind)];
}

Tensor Merge::operator()(std::span<const Tensor> xs) const {
  if (is_symbolic(xs)) return symbolic_call(Layer(*this), xs)[0];
  Call call;
  return (*this)(xs, call);
}

Tensor Merge::operator()(std::span<const Tensor> xs, Call& call) const {
  const std::string where = label(kind_name(), name);
  if (kind == Kind::subtract ? xs.size() != 2 : xs.size() < 2)
    throw ValueError(where + "expected " + (kind == Kind::subtract ? "two inputs" : "two inputs or more") + ", got " +
                     std::to_string(xs.size()));
  int rank = 0;
  for (const Tensor& x : xs) {
    if (x.rank() == 0) throw ShapeError(where + "expected inputs with a batch axis, got " + shapes_of(xs));
    rank = std::max(rank, x.rank());
  }
  std::vector<Tensor> all;
  for (const Tensor& x : xs) {
    Tensor y = x;
    while (y.rank() < rank) y = expand_dims(y, 1);
    for (int i = 0; i < rank && !all.empty(); ++i)
      if (y.dim(i) != all[0].dim(i) && y.dim(i) != 1 && all[0].dim(i) != 1)
        throw ShapeError(where + "expected inputs whose shapes fit together, got " + shapes_of(xs));
    all.push_back(std::move(y));
  }
  Tensor out = all[0];
  for (std::size_t i = 1; i < all.size(); ++i) switch (kind) {
      case Kind::subtract:
        out = out - all[i];
        break;
      case Kind::multiply:
        out = out * all[i];
        break;
      case Kind::maximum:
        out = maximum(out, all[i]);
        break;
      case Kind::minimum:
        out = minimum(out, all[i]);
        break;
      default:
        out = out + all[i];
    }
  if (kind == Kind::average) out = out / static_cast<double>(all.size());
  call.mask = common_mask(call.masks);
  return out;
}

Config Merge::get_config() const { return Config::object({{"name", name}}); }
Add Add::from_config(const Config& config) { return read_merge<Add>("Add", config); }
Subtract Subtract::from_config(const Config& config) { return read_merge<Subtract>("Subtract", config); }
Multiply Multiply::from_config(const Config& config) { return read_merge<Multiply>("Multiply", config); }
Average Average::from_config(const Config& config) { return read_merge<Average>("Average", config); }
Maximum Maximum::from_config(const Config& config) { return read_merge<Maximum>("Maximum", config); }
Minimum Minimum::from_config(const Config& config) { return read_merge<Minimum>("Minimum", config); }

Concatenate::Concatenate(ConcatenateOptions options) : axis(options.axis), name(std::move(options.name)) {}

Tensor Concatenate::operator()(std::span<const Tensor> xs, Call& call) const {
  const std::string where = label("Concatenate", name);
  if (xs.empty()) throw ValueError(where + "expected at least one input, got none");
  const int rank = xs[0].rank(), at = axis < 0 ? axis + rank : axis;
  bool fits = at > 0 && at < rank;
  for (const Tensor& x : xs) {
    fits = fits && x.rank() == rank;
    for (int i = 0; fits && i < rank; ++i) fits = i == at || x.dim(i) == xs[0].dim(i);
  }
  if (!fits)
    throw ShapeError(where + "expected inputs of one shape but for axis " + std::to_string(axis) +
                     ", to concatenate along it, got " + shapes_of(xs));
  std::vector<Tensor> masks;
  bool masked = false;
  for (std::size_t i = 0; i < call.masks.size(); ++i) masked = masked || call.masks[i].defined();
  call.mask = {};
  if (masked) {
    for (std::size_t i = 0; i < xs.size(); ++i) {
      // Broadcast over the input's own axes, then joined like it.
      Tensor mask = call.masks[i];
      if (!mask.defined()) mask = cast(ones_like(xs[i]), bool_);
      while (mask.rank() < rank) mask = expand_dims(mask, -1);
      masks.push_back(broadcast_like(mask, xs[i]));
    }
    call.mask = concatenate(masks, at);
    // A mask over all axes counts a step where every number does.
    while (call.mask.rank() > 2) call.mask = all(call.mask, -1);
    if (rank == 2) call.mask = {};
  }
  return concatenate(xs, axis);
}

Config Concatenate::get_config() const { return config_of(*this, describing); }
Concatenate Concatenate::from_config(const Config& config) {
  return read_layer("Concatenate", config, Concatenate(), describing);
}

Dot::Dot(std::pair<int, int> axes, DotOptions options)
    : axes(axes), normalize(options.normalize), name(std::move(options.name)) {}

Tensor Dot::operator()(std::span<const Tensor> xs, Call& call) const {
  call.mask = {};
  const std::string where = label("Dot", name);
  if (xs.size() != 2) throw ValueError(where + "expected two inputs, got " + std::to_string(xs.size()));
  Tensor a = xs[0], b = xs[1];
  const int i = axes.first < 0 ? axes.first + a.rank() : axes.first;
  const int k = axes.second < 0 ? axes.second + b.rank() : axes.second;
  if (a.rank() < 2 || b.rank() < 2 || i < 1 || k < 1 || i >= a.rank() || k >= b.rank() || a.dim(i) != b.dim(k))
    throw ShapeError(where + "expected axes " + std::to_string(axes.first) + " and " + std::to_string(axes.second) +
                     " to be of one length and not the batch, got " + shapes_of(xs));
  if (normalize) {
    const auto unit = [](const Tensor& x, int axis) {
      return x * minimum(1 / sqrt(maximum(sum(square(x), axis, true), 1e-12)), 1e6);
    };
    a = unit(floating(a), i);
    b = unit(floating(b), k);
  }
  // (batch, rows..., n) times (batch, n, columns...): the other axes are folded into one each.
  a = moveaxis(a, i, -1);
  b = moveaxis(b, k, 1);
  Shape out;
  out.append(a.dim(0));
  for (int axis = 1; axis + 1 < a.rank(); ++axis) out.append(a.dim(axis));
  for (int axis = 2; axis < b.rank(); ++axis) out.append(b.dim(axis));
  const std::int64_t n = b.dim(1);
  const std::int64_t rows = a.dim(0) * n == 0 ? 0 : a.size() / (a.dim(0) * n);
  const std::int64_t columns = b.dim(0) * n == 0 ? 0 : b.size() / (b.dim(0) * n);
  const std::int64_t batch = a.size() == 0 ? a.dim(0) : -1;
  Tensor y = matmul(reshape(a, {batch, rows, n}), reshape(b, {batch, n, columns}));
  if (out.rank() == 1) return reshape(y, {batch, 1});
  out.set(0, batch);
  return reshape(y, out);
}

Config Dot::get_config() const { return config_of(*this, describing); }
Dot Dot::from_config(const Config& config) { return read_layer("Dot", config, Dot(1), describing); }

}  // namespace xgrad
