#include <xgrad/data/sequences.hpp>
#include <xgrad/data/shuffle.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/shape.hpp>

#include <algorithm>

namespace xgrad::data {

namespace {

bool is_post(const char* what, std::string_view word) {
  if (word == "post") return true;
  if (word == "pre") return false;
  throw ValueError("[pad_sequences] expected " + std::string(what) + " of 'pre' or 'post', got '" + std::string(word) +
                   "'");
}

template <class T>
Tensor padded(const std::vector<std::vector<T>>& sequences, const PadOptions& options) {
  const bool behind = is_post("padding", options.padding), cut_behind = is_post("truncating", options.truncating);
  if (options.maxlen < 0)
    throw ValueError("[pad_sequences] expected a maxlen of 0 or more, got " + std::to_string(options.maxlen));
  std::size_t length = static_cast<std::size_t>(options.maxlen);
  if (length == 0)
    for (const auto& sequence : sequences) length = std::max(length, sequence.size());
  std::vector<T> out;
  out.reserve(length * sequences.size());
  for (const auto& sequence : sequences) {
    const std::size_t kept = std::min(length, sequence.size());
    const auto first = sequence.begin() + static_cast<std::ptrdiff_t>(cut_behind ? 0 : sequence.size() - kept);
    if (!behind) out.insert(out.end(), length - kept, static_cast<T>(options.value));
    out.insert(out.end(), first, first + static_cast<std::ptrdiff_t>(kept));
    if (behind) out.insert(out.end(), length - kept, static_cast<T>(options.value));
  }
  return tensor(out, {static_cast<std::int64_t>(sequences.size()), static_cast<std::int64_t>(length)},
                {.dtype = options.dtype});
}

}  // namespace

Tensor pad_sequences(const std::vector<std::vector<double>>& sequences, const PadOptions& options) {
  return padded(sequences, options);
}
Tensor pad_sequences(const std::vector<std::vector<std::int64_t>>& sequences, const PadOptions& options) {
  return padded(sequences, options);
}

Windows timeseries_dataset_from_array(const Tensor& data, const Tensor& targets, std::int64_t sequence_length,
                                      const WindowOptions& o) {
  const std::string where = "[timeseries_dataset_from_array] ";
  if (data.rank() == 0) throw ShapeError(where + "expected data with rows, got a scalar");
  if (sequence_length < 1 || o.sequence_stride < 1 || o.sampling_rate < 1)
    throw ValueError(where + "expected sequence_length, sequence_stride and sampling_rate of 1 or more, got " +
                     std::to_string(sequence_length) + ", " + std::to_string(o.sequence_stride) + " and " +
                     std::to_string(o.sampling_rate));
  const std::int64_t rows = data.dim(0), end = o.end_index < 0 ? rows : o.end_index;
  if (o.start_index < 0 || end > rows || o.start_index >= end)
    throw ValueError(where + "expected indices within " + std::to_string(rows) + " rows, got " +
                     std::to_string(o.start_index) + " to " + std::to_string(end));
  std::int64_t begins = end - o.start_index - (sequence_length - 1) * o.sampling_rate;
  if (targets.defined()) {
    if (targets.rank() == 0) throw ShapeError(where + "expected targets with rows, got a scalar");
    begins = std::min(begins, targets.dim(0) - o.start_index);
  }
  std::vector<std::int64_t> starts, places;
  for (std::int64_t i = 0; i < begins; i += o.sequence_stride) {
    starts.push_back(o.start_index + i);
    for (std::int64_t k = 0; k < sequence_length; ++k) places.push_back(o.start_index + i + k * o.sampling_rate);
  }
  const auto n = static_cast<std::int64_t>(starts.size());
  Windows out{.x = take(data, tensor(places, {n, sequence_length})), .y = {}};
  if (targets.defined()) out.y = take(targets, tensor(starts, {n}));
  return out;
}

std::vector<Fold> k_fold(std::int64_t n, std::int64_t k, std::optional<std::uint64_t> seed) {
  if (k < 2 || k > n)
    throw ValueError("[k_fold] expected k from 2 to " + std::to_string(n) + ", the number of rows, got " +
                     std::to_string(k));
  const std::vector<std::int64_t> order = seed ? shuffled_order(n, *seed) : plain_order(n);
  std::vector<Fold> out(static_cast<std::size_t>(k));
  std::int64_t begin = 0;
  for (std::int64_t f = 0; f < k; ++f) {
    const std::int64_t end = begin + n / k + (f < n % k ? 1 : 0);
    for (std::int64_t i = 0; i < n; ++i) {
      Fold& fold = out[static_cast<std::size_t>(f)];
      (i >= begin && i < end ? fold.test : fold.train).push_back(order[static_cast<std::size_t>(i)]);
    }
    begin = end;
  }
  return out;
}

}  // namespace xgrad::data
