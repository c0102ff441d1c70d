#include <xgrad/graph/op.hpp>
#include <xgrad/nn/ctc.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/sorting.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <string>

namespace xgrad {
namespace {

constexpr double never = -1e5;  ///< Keras's logarithm of 0

Tensor floating(const Tensor& x) { return is_floating(x.dtype()) ? x : cast(x, float32); }

void check_logits(const char* name, const Tensor& x, const Tensor& lengths, std::int64_t blank, const Location& where) {
  const std::string begin = std::string("[") + name + "] expected ";
  if (x.rank() != 3)
    throw ShapeError(begin + "logits (batch, steps, classes), got " + to_string(x.shape()) + place(where));
  if (lengths.rank() != 1 || lengths.dim(0) != x.dim(0))
    throw ShapeError(begin + "a length for each of " + std::to_string(x.dim(0)) + " samples, got " +
                     to_string(lengths.shape()) + place(where));
  if (blank < 0 || blank >= x.dim(2))
    throw ValueError(begin + "a mask_index among " + std::to_string(x.dim(2)) + " classes, got " +
                     std::to_string(blank) + place(where));
}

/// The rows of each step of (batch, steps, n).
std::vector<Tensor> steps_of(const Tensor& x) {
  const auto steps = static_cast<int>(x.dim(1));
  if (steps == 0) return {};
  std::vector<Tensor> out;
  for (const Tensor& step : split(swapaxes(x, 0, 1), steps, 0)) out.push_back(squeeze(step, 0));
  return out;
}

}  // namespace

Tensor ctc_loss(const Arg& target, const Arg& output, const Arg& target_length, const Arg& output_length,
                std::int64_t mask_index) {
  const Within here("ctc_loss", output);
  const Tensor logits = floating(output.tensor()), given = target.tensor();
  check_logits("ctc_loss", logits, output_length.tensor(), mask_index, output.where());
  const std::int64_t batch = logits.dim(0), steps = logits.dim(1), classes = logits.dim(2);
  if (given.rank() != 2 || given.dim(0) != batch || target_length.tensor().shape() != Shape{batch})
    throw ShapeError("[ctc_loss] expected labels (batch, length) and a length for each of " + std::to_string(batch) +
                     " samples, got " + to_string(given.shape()) + " and " +
                     to_string(target_length.tensor().shape()) + place(output.where()));
  const std::int64_t length = given.dim(1);
  const DType dtype = logits.dtype();
  const Tensor labels = check_labels(cast(given, int64), classes);
  const Tensor lengths = check_labels(cast(target_length.tensor(), int64), length + 1, "target length");
  const Tensor ends = check_labels(cast(output_length.tensor(), int64), steps + 1, "output length");
  const Tensor log_p = log_softmax(logits);
  // ln p of each label (batch, length) and of the blank (batch, 1), step by step.
  const std::vector<Tensor> of_label = steps_of(matmul(log_p, matrix_transpose(one_hot(labels, classes, dtype))));
  const std::vector<Tensor> of_blank = steps_of(slice_axis(log_p, -1, {mask_index, mask_index + 1}));
  const Tensor repeats = length == 0 ? zeros({batch, 0}, {.dtype = dtype})
                                     : cast(pad(equal(slice_axis(labels, 1, {0, length - 1}),
                                                      slice_axis(labels, 1, {1, length})),
                                                {{0, 0}, {0, 1}}),
                                            dtype);

  // blank[n] and emit[n]: all paths so far that end in a blank after n labels, and in label n.
  Tensor blank = concatenate({zeros({batch, 1}, {.dtype = dtype}), full({batch, length}, never, {.dtype = dtype})}, 1);
  Tensor emit = full({batch, length}, never, {.dtype = dtype});
  const auto joined = [&](const Tensor& to, const Tensor& from) {
    return concatenate({slice_axis(to, 1, {0, 1}), logaddexp(slice_axis(to, 1, {1, length + 1}), from)}, 1);
  };
  for (std::size_t t = 0; t < of_label.size(); ++t) {
    // A label that is repeated needs a blank before it.
    const Tensor before = joined(blank, emit + never * repeats);
    const Tensor next_emit = logaddexp(slice_axis(before, 1, {0, length}), emit) + of_label[t];
    const Tensor next_blank = joined(before + of_blank[t], emit + of_blank[t] + never * (1 - repeats));
    const Tensor counts = expand_dims(ends > static_cast<double>(t), 1);
    blank = where(counts, next_blank, blank);
    emit = where(counts, next_emit, emit);
  }
  return -sum(joined(blank, emit) * one_hot(lengths, length + 1, dtype), 1);
}

namespace {

/// A beginning of a path: the labels up to a node of a tree, and ln p of its alignments so far that end in its last
/// label and in a blank.
struct Beginning {
  std::vector<std::int64_t> labels;  ///< counted from the last class, as ties are broken in Keras
  double emit = -std::numeric_limits<double>::infinity();
  double blank = -std::numeric_limits<double>::infinity();
  double total() const;
};

double log_sum(double a, double b) {
  const double most = std::max(a, b);
  return std::isinf(most) ? most : most + std::log(std::exp(a - most) + std::exp(b - most));
}
double Beginning::total() const { return log_sum(emit, blank); }

/// The likelier first; of equal ones the later labels.
bool likelier(const Beginning& a, const Beginning& b) {
  const double p = a.total(), q = b.total();
  return p != q ? p > q : b.labels < a.labels;
}

/// The likeliest paths of one sample of log-probabilities (steps, classes), `blank` counted like labels.
std::vector<Beginning> search(const double* log_p, std::int64_t steps, std::int64_t classes, std::int64_t blank,
                              std::size_t width) {
  Beginning start;
  start.blank = 0;
  std::vector<Beginning> beam = {start};
  std::map<std::vector<std::int64_t>, Beginning> next;
  for (std::int64_t t = 0; t < steps; ++t) {
    next.clear();
    const auto add = [&](const std::vector<std::int64_t>& labels, double emit, double of_blank) {
      Beginning& at = next[labels];
      at.labels = labels;
      at.emit = log_sum(at.emit, emit);
      at.blank = log_sum(at.blank, of_blank);
    };
    for (const Beginning& now : beam) {
      for (std::int64_t c = 0; c < classes; ++c) {
        const double p = log_p[t * classes + classes - 1 - c];
        if (c == blank) {
          add(now.labels, -std::numeric_limits<double>::infinity(), now.total() + p);
          continue;
        }
        std::vector<std::int64_t> longer = now.labels;
        longer.push_back(c);
        const bool again = !now.labels.empty() && now.labels.back() == c;
        if (again) add(now.labels, now.emit + p, -std::numeric_limits<double>::infinity());
        add(longer, (again ? now.blank : now.total()) + p, -std::numeric_limits<double>::infinity());
      }
    }
    beam.clear();
    for (auto& [labels, beginning] : next)
      if (std::isfinite(beginning.total())) beam.push_back(std::move(beginning));
    const auto kept = beam.begin() + static_cast<std::ptrdiff_t>(std::min(width, beam.size()));
    std::partial_sort(beam.begin(), kept, beam.end(), likelier);
    beam.erase(kept, beam.end());
  }
  return beam;
}

CTCDecoded beam_search(const Tensor& inputs, const Tensor& lengths, const CTCDecodeOptions& o) {
  const std::int64_t batch = inputs.dim(0), steps = inputs.dim(1), classes = inputs.dim(2);
  const std::vector<double> log_p = cast(log_softmax(inputs), float64).to_vector<double>();
  const std::vector<std::int64_t> ends = cast(lengths, int64).to_vector<std::int64_t>();
  std::vector<std::int64_t> paths(static_cast<std::size_t>(o.top_paths * batch * steps), -1);
  std::vector<double> scores(static_cast<std::size_t>(batch * o.top_paths), -std::numeric_limits<double>::infinity());
  for (std::int64_t b = 0; b < batch; ++b) {
    const std::int64_t first = std::min<std::int64_t>(1, steps);
    const std::int64_t end = std::clamp(ends[static_cast<std::size_t>(b)], first, steps);
    const std::vector<Beginning> beam = search(log_p.data() + b * steps * classes, end, classes,
                                               classes - 1 - o.mask_index, static_cast<std::size_t>(o.beam_width));
    for (std::int64_t k = 0; k < std::min(o.top_paths, static_cast<std::int64_t>(beam.size())); ++k) {
      const Beginning& path = beam[static_cast<std::size_t>(k)];
      scores[static_cast<std::size_t>(b * o.top_paths + k)] = path.total();
      for (std::size_t i = 0; i < path.labels.size(); ++i)
        paths[static_cast<std::size_t>((k * batch + b) * steps) + i] = classes - 1 - path.labels[i];
    }
  }
  return {tensor(paths, {o.top_paths, batch, steps}), tensor(scores, {batch, o.top_paths}, {.dtype = inputs.dtype()})};
}

CTCDecoded greedy(const Tensor& inputs, const Tensor& lengths, const CTCDecodeOptions& o) {
  const std::int64_t steps = inputs.dim(1);
  const Tensor order = arange(steps), behind = expand_dims(order, 0) >= expand_dims(cast(lengths, int64), 1);
  Tensor labels = where(behind, o.mask_index, argmax(inputs, -1));
  const Tensor scores = -sum(where(behind, 0, max(inputs, -1)), 1, true);
  if (o.merge_repeated && steps > 0) {
    const Tensor same = equal(slice_axis(labels, 1, {1, steps}), slice_axis(labels, 1, {0, steps - 1}));
    labels = where(pad(same, {{0, 0}, {1, 0}}), o.mask_index, labels);
  }
  const Tensor blank = equal(labels, o.mask_index);
  // Blanks behind all others, which keep their order.
  const Tensor places = argsort(where(blank, steps, order), -1);
  return {expand_dims(take_along_axis(where(blank, -1, labels), places, -1), 0), scores};
}

}  // namespace

CTCDecoded ctc_decode(const Arg& inputs, const Arg& sequence_lengths, const CTCDecodeOptions& o) {
  const Within here("ctc_decode", inputs);
  const Tensor logits = floating(inputs.tensor()), lengths = sequence_lengths.tensor();
  check_logits("ctc_decode", logits, lengths, o.mask_index, inputs.where());
  if (o.strategy == "greedy") return greedy(logits, lengths, o);
  if (o.strategy != "beam_search")
    throw ValueError("[ctc_decode] expected the strategy \"greedy\" or \"beam_search\", got \"" +
                     std::string(o.strategy) + "\"" + place(inputs.where()));
  if (o.top_paths < 1 || o.top_paths > o.beam_width)
    throw ValueError("[ctc_decode] expected 1 <= top_paths <= beam_width, got " + std::to_string(o.top_paths) +
                     " and " + std::to_string(o.beam_width) + place(inputs.where()));
  return beam_search(logits, lengths, o);
}

}  // namespace xgrad
