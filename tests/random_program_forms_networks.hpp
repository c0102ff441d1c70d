#pragma once
// Steps of random programs: what networks are made of. Convolutions, pools, attention, recurrence over several steps.

#include "random_program_forms.hpp"

#include <xgrad/ops/attention.hpp>
#include <xgrad/ops/convolution.hpp>
#include <xgrad/ops/einsum.hpp>
#include <xgrad/ops/product.hpp>

namespace random_program {

/// The elements of x, again and again, in another shape; x itself if it has that shape.
inline Tensor filled(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  std::vector<std::int64_t> places;
  for (std::int64_t i = 0; i < shape.size(); ++i) places.push_back(i % x.size());
  return take(reshape(x, {-1}), tensor(places, shape));
}
/// A value to fill a shape with, or a new leaf of that shape; -1: too large.
inline int choose_filling(Maker& m, const Shape& shape, DType dtype) {
  const int id = m.any_with([&](int other) {
    return m.floating(other) && m.value(other).size() > 0 && (m.shape(other) == shape || m.random.chance(30));
  });
  return id >= 0 && m.random.chance(50) ? id : m.leaf(shape, dtype);
}
inline DType choose_real(Maker& m) { return m.random.chance(70) ? float32 : float64; }

// --- convolutions and pools ------------------------------------------------------------------------------------------

/// Lengths, channels and options, as numbers of a step: see `Places`.
struct Places {
  enum Kind { convolution, transposed, depthwise, separable, largest, mean, adaptive_largest, adaptive_mean };
  const Integers& n;
  std::int64_t kind() const { return n[0]; }
  int axes() const { return static_cast<int>(n[1]); }
  bool channels_first() const { return n[2] != 0; }
  std::int64_t padding() const { return n[3]; }  ///< valid, same, causal, numbers
  std::int64_t groups() const { return n[4]; }
  std::int64_t batch() const { return n[5]; }
  std::int64_t channels() const { return n[6]; }
  std::int64_t more() const { return n[7]; }     ///< results a group, or kernels a channel
  std::int64_t at(int axis, int field) const { return n[static_cast<std::size_t>(8 + 6 * axis + field)]; }
  /// Field 0: lengths, 1: taps, 2: strides, 3: gaps, 4 and 5: zeros before and behind.
  std::vector<std::int64_t> each(int field) const {
    std::vector<std::int64_t> result;
    for (int i = 0; i < axes(); ++i) result.push_back(at(i, field));
    return result;
  }
  ConvPadding zeros_around() const {
    if (padding() < 3) return padding() == 0 ? "valid" : padding() == 1 ? "same" : "causal";
    std::vector<Padding> around;
    for (int i = 0; i < axes(); ++i) around.push_back({at(i, 4), at(i, 5)});
    return ConvPadding(around);
  }
  std::string_view format() const { return channels_first() ? "channels_first" : "channels_last"; }
  Shape shape() const {
    Shape shape{batch()};
    if (channels_first()) shape.append(channels());
    for (const std::int64_t length : each(0)) shape.append(length);
    if (!channels_first()) shape.append(channels());
    return shape;
  }
  Shape kernel() const {
    Shape shape;
    for (const std::int64_t taps : each(1)) shape.append(taps);
    if (kind() == convolution) shape.append(channels() / groups()), shape.append(groups() * more());
    else if (kind() == transposed) shape.append(more()), shape.append(channels());
    else shape.append(channels()), shape.append(more());
    return shape;
  }
  Shape pointwise() const {
    Shape shape;
    for (int i = 0; i < axes(); ++i) shape.append(1);
    shape.append(channels() * more());
    shape.append(3);
    return shape;
  }
};

inline bool choose_places(Maker& m, Step& s, std::int64_t kind) {
  Random& random = m.random;
  const std::int64_t axes = std::array{1, 1, 2, 2, 2, 3}[static_cast<std::size_t>(random.below(6))];
  const std::int64_t longest = std::array{20, 8, 5}[static_cast<std::size_t>(axes - 1)];
  const bool numbers = kind == Places::transposed || axes > 1;
  const std::int64_t padding = std::array{0, 0, 1, 1, numbers ? 3 : 2, 3}[static_cast<std::size_t>(random.below(6))];
  const std::int64_t groups = random.chance(65) ? 1 : 1 + random.below(3);
  const std::int64_t channels = groups * (1 + random.below(random.chance(20) ? 12 : 4));
  s.n = {kind, axes, random.chance(25), padding, groups, 1 + random.below(3), channels, 1 + random.below(3)};
  for (std::int64_t i = 0; i < axes; ++i) {
    const std::int64_t taps = 1 + random.below(3);
    s.n.insert(s.n.end(), {1 + random.below(longest), taps, random.chance(60) ? 1 : 1 + random.below(3),
                           random.chance(75) ? 1 : 1 + random.below(2), random.below(taps), random.below(taps)});
  }
  const Places places{s.n};
  const int x = choose_filling(m, places.shape(), choose_real(m));
  if (x < 0) return false;
  s.in = {x};
  return true;
}
inline bool choose_convolution(Maker& m, Step& s) {
  if (!choose_places(m, s, m.random.below(4))) return false;
  const Places places{s.n};
  s.in.push_back(choose_filling(m, places.kernel(), m.value(s.in[0]).dtype()));
  if (places.kind() == Places::separable)
    s.in.push_back(choose_filling(m, places.pointwise(), m.value(s.in[0]).dtype()));
  return s.in[1] >= 0 && s.in.back() >= 0;
}
inline void run_convolution(Run& run, const Step& s) {
  const Places p{s.n};
  const Tensor x = filled(run.value(s.in[0]), p.shape()), kernel = filled(run.value(s.in[1]), p.kernel());
  const ConvOptions options{.strides = EachAxis(p.each(2)),
                            .padding = p.zeros_around(),
                            .data_format = p.format(),
                            .dilation_rate = EachAxis(p.each(3))};
  switch (p.kind()) {
    case Places::convolution:
      return put(run, s, conv(x, kernel, options));
    case Places::transposed:
      return put(run, s,
                 conv_transpose(x, kernel,
                                {.strides = options.strides,
                                 .padding = options.padding,
                                 .data_format = options.data_format,
                                 .dilation_rate = options.dilation_rate,
                                 .groups = p.groups()}));
    case Places::depthwise:
      return put(run, s, depthwise_conv(x, kernel, options));
    default:
      return put(run, s, separable_conv(x, kernel, filled(run.value(s.in[2]), p.pointwise()), options));
  }
}
inline bool choose_pool(Maker& m, Step& s) { return choose_places(m, s, Places::largest + m.random.below(4)); }
inline void run_pool(Run& run, const Step& s) {
  const Places p{s.n};
  const Tensor x = filled(run.value(s.in[0]), p.shape());
  const EachAxis size(p.each(1));
  const PoolOptions options{
      .strides = EachAxis(p.each(2)), .padding = p.zeros_around(), .data_format = p.format()};
  switch (p.kind()) {
    case Places::largest:
      return put(run, s, max_pool(x, size, options));
    case Places::mean:
      return put(run, s, average_pool(x, size, options));
    case Places::adaptive_largest:
      return put(run, s, adaptive_max_pool(x, size, p.format()));
    default:
      return put(run, s, adaptive_average_pool(x, size, p.format()));
  }
}

// --- attention -------------------------------------------------------------------------------------------------------

/// n: how it is written, batch, queries, keys, key heads, heads for each, features, of values, what is masked.
inline bool choose_attention(Maker& m, Step& s) {
  const auto few = [&](std::int64_t most) { return 1 + m.random.below(most); };
  s.n = {m.random.below(4), few(2), few(7), few(7), few(2), few(3), few(5), few(5), m.random.below(4)};
  if (s.n[0] > 0) s.n[5] = 1;
  const DType dtype = choose_real(m);
  const Shape shapes[] = {{s.n[1], s.n[2], s.n[4] * s.n[5], s.n[6]},
                          {s.n[1], s.n[3], s.n[4], s.n[6]},
                          {s.n[1], s.n[3], s.n[4], s.n[7]}};
  s.in.clear();
  for (const Shape& shape : shapes) s.in.push_back(choose_filling(m, shape, dtype));
  return s.in[0] >= 0 && s.in[1] >= 0 && s.in[2] >= 0;
}
inline void run_attention(Run& run, const Step& s) {
  const std::int64_t batch = s.n[1], queries = s.n[2], keys = s.n[3], heads = s.n[4] * s.n[5];
  const Tensor q = filled(run.value(s.in[0]), {batch, queries, heads, s.n[6]});
  const Tensor k = filled(run.value(s.in[1]), {batch, keys, s.n[4], s.n[6]});
  const Tensor v = filled(run.value(s.in[2]), {batch, keys, s.n[4], s.n[7]});
  const Tensor bias = 0.1 * reshape(arange(queries * keys), {queries, keys});
  const Tensor mask = not_equal(remainder(reshape(arange(queries * keys), {queries, keys}), 3), 1);
  if (s.n[0] == 0) {
    return put(run, s, dot_product_attention(q, k, v, {.bias = s.n[8] == 1 ? cast(bias, q.dtype()) : Tensor(),
                                                       .mask = s.n[8] == 2 ? mask : Tensor(),
                                                       .is_causal = s.n[8] == 3}));
  }
  const auto weights = [&](Tensor logits) {
    if (s.n[8] == 1) logits = logits + bias;
    if (s.n[8] == 2) logits = where(mask, logits, -1e9);
    return s.n[8] == 3 ? masked_softmax(logits, mask) : softmax(logits);
  };
  if (s.n[0] == 1)
    return put(run, s, einsum("bnts,bsnv->btnv", {weights(einsum("btnh,bsnh->bnts", {q, k}) * 0.5), v}));
  const Tensor qh = transpose(q, {0, 2, 1, 3}), vh = transpose(v, {0, 2, 1, 3});
  const Tensor logits = s.n[0] == 2 ? matmul(qh, transpose(k, {0, 2, 3, 1})) : einsum("bnth,bsnh->bnts", {qh, k});
  put(run, s, reshape(transpose(matmul(weights(logits / 2), vh), {0, 2, 1, 3}), {batch, queries, -1}));
}

// --- recurrence ------------------------------------------------------------------------------------------------------

/// n: cell (simple, GRU, LSTM), batch, steps, features, units, how steps are cut out, what is returned (all joined on
/// axis 1, all joined as rows, the last), masked, backwards.
inline bool choose_steps(Maker& m, Step& s) {
  const auto few = [&](std::int64_t most) { return 1 + m.random.below(most); };
  s.n = {m.random.below(3), few(3), few(5), few(4), few(4), m.random.below(3), m.random.below(3),
         m.random.chance(25), m.random.chance(25)};
  const DType dtype = choose_real(m);
  const std::int64_t gates = std::array{1, 3, 4}[static_cast<std::size_t>(s.n[0])] * s.n[4];
  s.in.clear();
  for (const Shape& shape : {Shape{s.n[1], s.n[2], s.n[3]}, Shape{s.n[3], gates}, Shape{s.n[4], gates}, Shape{gates}})
    s.in.push_back(choose_filling(m, shape, dtype));
  return s.in[0] >= 0 && s.in[1] >= 0 && s.in[2] >= 0 && s.in[3] >= 0;
}
inline void run_steps(Run& run, const Step& s) {
  const std::int64_t batch = s.n[1], steps = s.n[2], units = s.n[4];
  const std::int64_t gates = std::array{1, 3, 4}[static_cast<std::size_t>(s.n[0])] * units;
  const Tensor x = filled(run.value(s.in[0]), {batch, steps, s.n[3]});
  const Tensor kernel = filled(run.value(s.in[1]), {s.n[3], gates});
  const Tensor recurrent = filled(run.value(s.in[2]), {units, gates}), bias = filled(run.value(s.in[3]), {gates});
  const std::vector<Tensor> cut = unstack(x, 1);
  Tensor h = zeros({batch, units}, {.dtype = x.dtype()}), c = h;
  const auto gate = [&](const Tensor& sums, std::int64_t k) {
    return slice_axis(sums, 1, {k * units, (k + 1) * units});
  };
  std::vector<Tensor> outputs(static_cast<std::size_t>(steps));
  for (std::int64_t i = 0; i < steps; ++i) {
    const std::int64_t t = s.n[8] ? steps - 1 - i : i;
    const Tensor at = s.n[5] == 0   ? slice_axis(x, 1, {t, t + 1})
                      : s.n[5] == 1 ? cut[static_cast<std::size_t>(t)]
                                    : take(x, t, 1);
    const Tensor in = matmul(reshape(at, {batch, s.n[3]}), kernel) + bias;
    Tensor next, cell = c;
    if (s.n[0] == 0) {
      next = tanh(in + matmul(h, recurrent));
    } else if (s.n[0] == 1) {
      const Tensor inner = matmul(h, recurrent);
      const Tensor z = sigmoid(gate(in, 0) + gate(inner, 0)), r = sigmoid(gate(in, 1) + gate(inner, 1));
      next = z * h + (1 - z) * tanh(gate(in, 2) + r * gate(inner, 2));
    } else {
      const Tensor sums = in + matmul(h, recurrent);
      cell = sigmoid(gate(sums, 1)) * c + sigmoid(gate(sums, 0)) * tanh(gate(sums, 2));
      next = sigmoid(gate(sums, 3)) * tanh(cell);
    }
    if (s.n[7]) {
      const Tensor goes_on = less(sum(at, Axes({-1})), 0.5);
      const Tensor on = reshape(goes_on, {batch, 1});
      next = where(on, next, h);
      cell = where(on, cell, c);
    }
    h = next;
    c = cell;
    outputs[static_cast<std::size_t>(t)] = h;
  }
  put(run, s, s.n[6] == 0 ? stack(outputs, 1) : s.n[6] == 1 ? concatenate(outputs, 0) : h);
}

}  // namespace random_program
