#pragma once
/// Sequences: lists made equally long, windows of series, folds of rows.

#include <xgrad/graph/tensor.hpp>

#include <optional>
#include <utility>

namespace xgrad::data {

struct PadOptions {
  std::int64_t maxlen = 0;  ///< 0: the longest list's length
  DType dtype = int32;
  std::string_view padding = "pre";     ///< where `value` is added: in front, or behind ("post")
  std::string_view truncating = "pre";  ///< where numbers are cut off
  double value = 0;
};

/// Lists of numbers as rows of one length: (lists, maxlen). Throws ValueError for other words than "pre" and "post", or
/// a negative maxlen.
Tensor pad_sequences(const std::vector<std::vector<double>>& sequences, const PadOptions& options = {});
Tensor pad_sequences(const std::vector<std::vector<std::int64_t>>& sequences, const PadOptions& options = {});

struct WindowOptions {
  std::int64_t sequence_stride = 1;  ///< from one window's begin to the next one's
  std::int64_t sampling_rate = 1;    ///< from one step of a window to the next
  std::int64_t start_index = 0;      ///< rows before it are not used
  std::int64_t end_index = -1;       ///< rows from it on neither; -1: all are
};

/// Windows of a series and the target of each.
struct Windows {
  Tensor x;  ///< (windows, sequence_length, ...)
  Tensor y;  ///< targets of the windows' first rows, if targets were given
};

/// Windows of `sequence_length` rows of data (rows, ...), as Keras's timeseries_dataset_from_array; the target of a
/// window that begins at row i is targets[i], so that for a forecast targets are data moved forward. Records only.
/// Throws ValueError for lengths below 1 or indices outside the data.
Windows timeseries_dataset_from_array(const Tensor& data, const Tensor& targets, std::int64_t sequence_length,
                                      const WindowOptions& options = {});

/// Row numbers to train and to test with.
struct Fold {
  std::vector<std::int64_t> train, test;
};

/// k folds of n rows: each row is tested in one of them. In order, or shuffled by a seed. The first n % k folds test
/// one row more. Throws ValueError unless 2 <= k <= n.
std::vector<Fold> k_fold(std::int64_t n, std::int64_t k, std::optional<std::uint64_t> seed = {});

}  // namespace xgrad::data

namespace xgrad {
using data::pad_sequences;
using data::timeseries_dataset_from_array;
}  // namespace xgrad
