#pragma once
/// The rest of a side's workloads: formulas without a model (W6, W8, W9, W12), a recurrent layer (W4), the
/// transformer (W5).

#include "side.hpp"

namespace bench {

inline constexpr std::int64_t adam_tensors = 10, adam_rows = 1000;  // a million numbers each
inline constexpr std::int64_t table_rows = 4096, table_columns = 1000;

/// What follows `prefix` in `name` as a number, or -1.
inline std::int64_t number_after(const std::string& name, const std::string& prefix) {
  return name.starts_with(prefix) ? std::stoll(name.substr(prefix.size())) : -1;
}

/// How many inputs a step goes through in turn: few of large ones.
inline std::uint64_t turns(std::int64_t numbers) { return numbers > 1000000 ? 3 : 16; }

/// The workload, or one without variants if it is not among them.
Workload open_formula(const std::string& name);

/// The sizes of W3.
namespace images {
inline constexpr std::int64_t rows = 128;
inline constexpr std::uint64_t batches = 16;
inline constexpr float scale = .1f;
}  // namespace images
/// W3, a convolutional network; or a workload without variants.
Workload open_images(const std::string& name);

/// The sizes of W5.
namespace transformer {
inline constexpr std::int64_t rows = 32, positions = 64, width = 128, heads = 4, inner = 512, classes = 10;
inline constexpr std::uint64_t batches = 16;
inline constexpr double dropout = .1;
}  // namespace transformer
Workload open_transformer();

// W4: a recurrent layer over 28 steps of 28 features.
inline constexpr std::int64_t recurrent_rows = 128, recurrent_steps = 28, recurrent_features = 28;
inline constexpr std::int64_t recurrent_units = 128;
inline constexpr std::uint64_t recurrent_batches = 16;
inline constexpr float recurrent_scale = .1f;

/// W4, or a workload without variants.
Workload open_recurrent(const std::string& name);

}  // namespace bench
