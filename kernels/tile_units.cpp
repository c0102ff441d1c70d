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
  explicit Finder(const UnitSource& source)
      : works_(source.works), p_(source.program), extents_(source.extents), stored_(source.stored),
        columns_(source.columns), fetches_(source.fetches), readers_(extents_.size()), mask_(extents_.size(), false) {
    for (std::size_t w = 0; w < works_.size(); ++w) {
      for (int i = 0; i < works_[w].operands; ++i) readers_[works_[w].in[i]].push_back(w);
      mask_[works_[w].out] = is_comparison(works_[w].code);
    }
  }

  std::vector<Unit> run() {
    // A comparison whose result is wanted elsewhere too ends stretches; finding one may divide others anew.
    while (!divide()) {}
    std::vector<Unit> units;
    std::vector<std::size_t> stretches;
    std::vector<Stretch> found;
    for (const Run& run : runs_) {
      Unit unit(run.first, run.last);
      if (!plan_code(run, unit)) {
        for (std::size_t w = run.first; w < run.last; ++w) units.emplace_back(w, w + 1);
        continue;
      }
      found.push_back(ports(run));
      stretches.push_back(units.size());
      for (const ColumnStore& done : unit.columns)
        std::erase_if(columns_, [&](const ColumnStore& column) { return column.store == done.store; });
      units.push_back(std::move(unit));
    }
    share_out(found, units);
    for (std::size_t i = found.size(); i-- > 0;) {
      Unit& unit = units[stretches[i]];
      unit.code = compile(found[i]);
      unit.fetches = found[i].fetches;
      if (!unit.code) divide_unit(units, stretches[i]);
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
    if (is_row_reduction(work.code)) {
      if (p_.tile_rows != 1 || mask_[work.in[0]]) return false;
    } else if (work.operands == 0 || !is_elementwise(work.code) || extents_[work.out] != Extent::full) {
      return false;
    }
    // What the row is reduced to is known after the stretch.
    for (int i = 0; i < work.operands; ++i)
      if (extents_[work.in[i]] != Extent::full && inside(work.in[i], first, w)) return false;
    if (!fits_stretch(work.pair != Pair::none ? Code::add : work.code, type_of(work))) return false;
    if (first != w && type_of(work) != type_of(works_[first])) return false;
    if (is_comparison(work.code)) return mask_[work.out];
    return work.code != Code::select || (mask_[work.in[0]] && inside(work.in[0], first, w));
  }

  /// The registers a stretch reads and writes.
  Stretch ports(const Run& run) const {
    Stretch stretch{.type = type_of(works_[run.first]), .parts = {}, .full = {}, .single = {}, .outs = {},
                    .fetches = {}};
    for (std::size_t w = run.first; w < run.last; ++w) {
      const Work& work = works_[w];
      StretchPart part{.code = work.code, .pair = work.pair, .columns = false, .out = work.out, .in = {},
                       .operands = work.operands};
      for (int i = 0; i < work.operands; ++i) {
        part.in[i] = work.in[i];
        if (inside(work.in[i], run.first, w)) continue;
        std::vector<std::uint16_t>& list = extents_[work.in[i]] == Extent::full ? stretch.full : stretch.single;
        if (!contains(list, work.in[i])) list.push_back(work.in[i]);
      }
      stretch.parts.push_back(part);
      const bool read_later = std::any_of(readers_[work.out].begin(), readers_[work.out].end(),
                                          [&](std::size_t reader) { return reader >= run.last; });
      const bool row = extents_[work.out] != Extent::full;
      if (!row && (stored_[work.out] || read_later)) stretch.outs.push_back(work.out);
    }
    for (const ColumnStore& column : columns_of(run)) stretch.parts.push_back(fold_of(column));
    return stretch;
  }

  /// The folds of columns that can be done where a stretch has the elements.
  std::vector<ColumnStore> columns_of(const Run& run) const {
    std::vector<ColumnStore> columns;
    if (p_.tile_rows != 1) return columns;
    for (const ColumnStore& column : columns_) {
      const std::uint16_t r = p_.stores[column.store].reg;
      bool seen = false;
      for (std::size_t w = run.first; w < run.last; ++w)
        seen = seen || works_[w].out == r ||
               std::count(works_[w].in.begin(), works_[w].in.begin() + works_[w].operands, r) > 0;
      if (seen && !mask_[r] && type(r) == type_of(works_[run.first])) columns.push_back(column);
    }
    return columns;
  }

  StretchPart fold_of(const ColumnStore& column) const {
    const Port& port = p_.stores[column.store];
    const Code code = port.fold == Fold::sum   ? Code::row_sum
                      : port.fold == Fold::max ? Code::row_max
                                               : Code::row_min;
    return {.code = code, .pair = Pair::none, .columns = true, .out = column.place, .in = {port.reg}, .operands = 1};
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

  /// Memory is asked for evenly over the time that the stretches take; what is read, only if that is most of the time.
  void share_out(std::vector<Stretch>& stretches, const std::vector<Unit>& units) const {
    constexpr double every_loop = 4;  // loads and stores, in arithmetic instructions
    int calls = 0, parts = 0;
    for (const Unit& unit : units) {
      if (unit.last - unit.first == 1 && extents_[works_[unit.first].out] == Extent::full)
        calls += work_of(works_[unit.first].code);
    }
    for (const Stretch& stretch : stretches) parts += static_cast<int>(stretch.parts.size());
    for (const StretchFetch& fetch : fetches_) {
      if (!fetch.writes && calls > parts) continue;
      Stretch* best = nullptr;
      double least = 0;
      for (Stretch& stretch : stretches) {
        const double share = static_cast<double>(stretch.fetches.size() + 1) /
                             (static_cast<double>(stretch.parts.size()) + every_loop);
        if (best && share >= least) continue;
        best = &stretch;
        least = share;
      }
      if (best) best->fetches.push_back(fetch);
    }
  }

  /// No code after all: an instruction is a unit.
  void divide_unit(std::vector<Unit>& units, std::size_t place) const {
    const Unit whole = units[place];
    units.erase(units.begin() + static_cast<std::ptrdiff_t>(place));
    for (std::size_t w = whole.last; w-- > whole.first;)
      units.insert(units.begin() + static_cast<std::ptrdiff_t>(place), Unit(w, w + 1));
  }

  /// Whether a run is to be a stretch, which then is `unit`, but for its code.
  bool plan_code(const Run& run, Unit& unit) const {
    const bool alone = run.last - run.first == 1;
    if (!fits(run.first, run.first) || (alone && is_comparison(works_[run.first].code))) return false;
    const Stretch stretch = ports(run);
    if (stretch.parts.size() < 2 || !kernels::small_enough(stretch)) return false;
    unit.outs = stretch.outs;
    unit.columns = columns_of(run);
    for (std::size_t w = run.first; w < run.last; ++w)
      if (is_row_reduction(works_[w].code)) unit.outs.push_back(works_[w].out);
    return !unit.outs.empty() || !unit.columns.empty();
  }

  std::span<const Work> works_;
  const TileProgram& p_;
  std::span<const Extent> extents_;
  const std::vector<bool>& stored_;
  std::vector<ColumnStore> columns_;  ///< that no stretch does yet
  const std::vector<StretchFetch>& fetches_;
  std::vector<std::vector<std::size_t>> readers_;
  std::vector<bool> mask_;  ///< a comparison that only selections of its stretch read
  std::vector<Run> runs_;
};

}  // namespace

std::vector<Unit> find_units(const UnitSource& source, bool large) {
  if (large) return Finder(source).run();
  std::vector<Unit> units;
  for (std::size_t w = 0; w < source.works.size(); ++w) units.emplace_back(w, w + 1);
  return units;
}

}  // namespace xgrad::kernels
