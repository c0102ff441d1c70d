#pragma once
// Internal to kernels/.
/// Which registers of the processor the values of a stretch are in. Internal linkage: one source includes it.

#include <xgrad/kernels/stretch.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

namespace xgrad::kernels {
namespace {

inline constexpr int fold_lanes = 32;          // of a reduction of rows, see lanes_reduce.hpp
inline constexpr int most_blocks = max_row / fold_block;
static_assert(most_blocks == 8);

bool is_fold(Code code) { return code == Code::row_sum || code == Code::row_max || code == Code::row_min; }
bool folds_row(const StretchPart& part) { return is_fold(part.code) && !part.columns; }
bool folds_rows(const Stretch& s) { return std::any_of(s.parts.begin(), s.parts.end(), folds_row); }
std::size_t folded_columns(const Stretch& s) {
  return static_cast<std::size_t>(
      std::count_if(s.parts.begin(), s.parts.end(), [](const StretchPart& part) { return part.columns; }));
}

/// Elements in a vector, and vectors that are computed one after another: those of the reductions' lanes.
int lanes_of(const Stretch& s, bool wide) { return (wide ? 64 : 32) / (s.type == DType::float32 ? 4 : 8); }
int vectors_of(const Stretch& s, bool wide) { return folds_rows(s) ? fold_lanes / lanes_of(s, wide) : 1; }

/// Numbers of free registers of one kind; the lowest goes first.
class Pool {
 public:
  Pool(int first, int end) {
    for (int r = first; r < end; ++r) free_.push_back(r);
  }
  std::optional<int> take() {
    if (free_.empty()) return std::nullopt;
    const auto lowest = std::min_element(free_.begin(), free_.end());
    const int r = *lowest;
    free_.erase(lowest);
    return r;
  }
  void give(int r) { free_.push_back(r); }

 private:
  std::vector<int> free_;
};

/// Which vector (or mask) register holds what, for all of the loop or until its last use.
struct Assignment {
  std::map<std::uint16_t, int> held;       ///< single operands
  std::map<std::uint16_t, int> place;      ///< full operands and results
  std::vector<std::vector<std::uint16_t>> loads;  ///< full operands to load before each part
  std::map<std::size_t, std::vector<int>> sums;  ///< of the parts that fold a row
  int sign = -1, rest = -1, one = -1, column = -1;
};

/// The processor's registers as loops use them. 512 bits: 31 is for products, masks 5 and 6 for comparisons within an
/// instruction, 7 for the tail. 256 bits: 13 and 14 for those, 15 for the tail. 31 and 15 also serve to fold lanes.
struct Registers {
  explicit Registers(bool wide) : vectors(0, wide ? 31 : 13), masks(1, wide ? 5 : 1) {}
  Pool vectors, masks;
};

/// Null if there are not enough registers.
std::optional<Assignment> assign(const Stretch& s, bool wide) {
  Registers free(wide);
  Assignment a;
  const auto constant = [&](int& r, Code code) {
    const bool wanted = std::any_of(s.parts.begin(), s.parts.end(),
                                    [&](const StretchPart& p) { return p.pair == Pair::none && p.code == code; });
    if (!wanted || r >= 0) return true;
    const std::optional<int> got = free.vectors.take();
    if (got) r = *got;
    return got.has_value();
  };
  if (!constant(a.sign, Code::negate) || !constant(a.rest, Code::absolute) || !constant(a.one, Code::reciprocal))
    return std::nullopt;
  if (!wide && folded_columns(s) > 0) {
    const std::optional<int> got = free.vectors.take();
    if (!got) return std::nullopt;
    a.column = *got;
  }
  for (const std::uint16_t r : s.single) {
    const std::optional<int> got = free.vectors.take();
    if (!got) return std::nullopt;
    a.held[r] = *got;
  }
  for (std::size_t i = 0; i < s.parts.size(); ++i)
    for (int v = 0; folds_row(s.parts[i]) && v < vectors_of(s, wide); ++v) {
      const std::optional<int> got = free.vectors.take();
      if (!got) return std::nullopt;
      a.sums[i].push_back(*got);
    }
  std::map<std::uint16_t, std::size_t> last;
  std::map<std::uint16_t, bool> is_mask;
  for (std::size_t i = 0; i < s.parts.size(); ++i)
    for (int k = 0; k < s.parts[i].operands; ++k) last[s.parts[i].in[k]] = i;
  for (const std::uint16_t r : s.outs) last[r] = s.parts.size();
  a.loads.resize(s.parts.size());
  for (std::size_t i = 0; i < s.parts.size(); ++i) {
    const StretchPart& p = s.parts[i];
    for (int k = 0; k < p.operands; ++k) {
      const std::uint16_t r = p.in[k];
      if (a.held.contains(r) || a.place.contains(r)) continue;
      const std::optional<int> got = free.vectors.take();
      if (!got) return std::nullopt;
      a.place[r] = *got;
      a.loads[i].push_back(r);
    }
    const bool mask = wide && p.pair == Pair::none && is_comparison(p.code);
    std::optional<int> got;
    if (!is_fold(p.code)) {
      is_mask[p.out] = mask;
      // The result gets its register before operands give theirs up: some parts write it before the last read.
      got = mask ? free.masks.take() : free.vectors.take();
      if (!got) return std::nullopt;
      a.place[p.out] = *got;
    }
    for (int k = 0; k < p.operands; ++k) {
      const std::uint16_t r = p.in[k];
      if (a.held.contains(r) || last[r] != i) continue;
      if (std::find(p.in, p.in + k, r) != p.in + k) continue;
      (is_mask[r] ? free.masks : free.vectors).give(a.place[r]);
    }
    if (got && !last.contains(p.out)) (mask ? free.masks : free.vectors).give(*got);
  }
  return a;
}

}  // namespace
}  // namespace xgrad::kernels
