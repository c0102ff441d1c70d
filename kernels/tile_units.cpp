/// Which instructions of a tile program become stretches of code.
#include <xgrad/kernels/tile_work.hpp>

#include <algorithm>

namespace xgrad::kernels {
namespace {

template <class T>
bool contains(const std::vector<T>& list, const T& item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

class Finder {
 public:
  Finder(std::span<const Work> works, const TileProgram& program, std::span<const Extent> extents,
         const std::vector<bool>& stored)
      : works_(works), p_(program), extents_(extents), stored_(stored), readers_(extents.size()),
        mask_(extents.size(), false) {
    for (std::size_t w = 0; w < works_.size(); ++w) {
      for (int i = 0; i < works_[w].operands; ++i) readers_[works_[w].in[i]].push_back(w);
      mask_[works_[w].out] = is_comparison(works_[w].code);
    }
  }

  std::vector<Unit> run() {
    // A comparison whose result is wanted elsewhere too ends stretches; finding one may divide others anew.
    while (!divide()) {}
    std::vector<Unit> units;
    for (const Run& run : runs_) {
      Unit unit{run.first, run.last, nullptr, {}};
      if (run.last - run.first > 1) unit = with_code(run);
      if (unit.code) {
        units.push_back(std::move(unit));
        continue;
      }
      for (std::size_t w = run.first; w < run.last; ++w) units.push_back({w, w + 1, nullptr, {}});
    }
    return units;
  }

 private:
  struct Run {
    std::size_t first, last;
  };

  DType type(std::uint16_t r) const { return p_.registers[r].type; }
  DType type_of(const Work& work) const {
    if (work.pair != Pair::none) return type(work.out);
    return type(work.in[work.code == Code::select ? 1 : 0]);
  }
  bool inside(std::uint16_t r, std::size_t first, std::size_t last) const {
    for (std::size_t w = first; w < last; ++w)
      if (works_[w].out == r) return true;
    return false;
  }

  bool fits(std::size_t first, std::size_t w) const {
    const Work& work = works_[w];
    if (work.operands == 0 || !is_elementwise(work.code) || extents_[work.out] != Extent::full) return false;
    if (!fits_stretch(work.pair != Pair::none ? Code::add : work.code, type_of(work))) return false;
    if (first != w && type_of(work) != type_of(works_[first])) return false;
    if (is_comparison(work.code)) return mask_[work.out];
    return work.code != Code::select || (mask_[work.in[0]] && inside(work.in[0], first, w));
  }

  /// The registers a stretch reads and writes.
  Stretch ports(const Run& run) const {
    Stretch stretch{.type = type_of(works_[run.first]), .parts = {}, .full = {}, .single = {}, .outs = {}};
    for (std::size_t w = run.first; w < run.last; ++w) {
      const Work& work = works_[w];
      StretchPart part{.code = work.code, .pair = work.pair, .out = work.out, .in = {}, .operands = work.operands};
      for (int i = 0; i < work.operands; ++i) {
        part.in[i] = work.in[i];
        if (inside(work.in[i], run.first, w)) continue;
        std::vector<std::uint16_t>& list = extents_[work.in[i]] == Extent::full ? stretch.full : stretch.single;
        if (!contains(list, work.in[i])) list.push_back(work.in[i]);
      }
      stretch.parts.push_back(part);
      const bool read_later = std::any_of(readers_[work.out].begin(), readers_[work.out].end(),
                                          [&](std::size_t reader) { return reader >= run.last; });
      if (stored_[work.out] || read_later) stretch.outs.push_back(work.out);
    }
    return stretch;
  }

  bool small_enough(const Run& run) const { return kernels::small_enough(ports(run)); }

  /// False if a comparison turned out to be wanted elsewhere.
  bool divide() {
    runs_.clear();
    for (std::size_t first = 0; first < works_.size();) {
      Run run{first, first + 1};
      if (fits(first, first))
        while (run.last < works_.size() && fits(first, run.last) && small_enough({first, run.last + 1})) ++run.last;
      for (std::size_t w = run.first; w < run.last && run.last - run.first > 1; ++w) {
        const std::uint16_t r = works_[w].out;
        if (!is_comparison(works_[w].code)) continue;
        const bool only_here =
            !stored_[r] && std::all_of(readers_[r].begin(), readers_[r].end(), [&](std::size_t reader) {
              const Work& by = works_[reader];
              return reader < run.last && by.code == Code::select && by.in[0] == r && by.in[1] != r && by.in[2] != r;
            });
        if (only_here) continue;
        mask_[r] = false;
        return false;
      }
      first = run.last;
      runs_.push_back(run);
    }
    return true;
  }

  Unit with_code(const Run& run) const {
    Unit unit{run.first, run.last, nullptr, {}};
    const Stretch stretch = ports(run);
    if (stretch.outs.empty()) return unit;
    unit.code = compile(stretch);
    unit.outs = stretch.outs;
    return unit;
  }

  std::span<const Work> works_;
  const TileProgram& p_;
  std::span<const Extent> extents_;
  const std::vector<bool>& stored_;
  std::vector<std::vector<std::size_t>> readers_;
  std::vector<bool> mask_;  ///< a comparison that only selections of its stretch read
  std::vector<Run> runs_;
};

}  // namespace

std::vector<Unit> find_units(std::span<const Work> works, const TileProgram& program, std::span<const Extent> extents,
                             const std::vector<bool>& stored, bool large) {
  if (large) return Finder(works, program, extents, stored).run();
  std::vector<Unit> units;
  for (std::size_t w = 0; w < works.size(); ++w) units.push_back({w, w + 1, nullptr, {}});
  return units;
}

}  // namespace xgrad::kernels
