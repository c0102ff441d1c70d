#include <xgrad/kernels/tile_work.hpp>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

namespace xgrad::kernels {

namespace {

constexpr std::size_t most_dims = 8;
constexpr std::int64_t line = 64;  // bytes
constexpr std::int64_t least_to_fetch = 100000;  // elements
constexpr std::size_t fixed_places = 3;  // in the table of addresses: columns, elements, rows

void require(bool holds, const char* expected, const std::string& came) {
  if (!holds) throw std::logic_error(std::string("tile program: expected ") + expected + ", got " + came);
}

class Planner {
 public:
  explicit Planner(TileProgram& program) : p_(program), count_(program.registers.size()) {}

  void plan() {
    clear();
    check_space();
    check_ports();
    read_code();
    leave_out({p_, work_, extents_, stored_, defined_});
    order();
    form_units();
    find_last_uses();
    plan_reads();
    plan_writes();
    make_steps();
    lay_out();
    estimate();
  }

 private:
  static constexpr int at_start = -1, never = -2;

  void clear() {
    p_.steps.clear();
    p_.reads.clear();
    p_.writes.clear();
    p_.shared.clear();
    p_.draws.clear();
    p_.codes.clear();
    p_.code_bytes = 0;
    p_.first_steps = 0;
    for (Register& reg : p_.registers) reg.offset = -1;
  }

  void check_space() {
    require(p_.dims.size() <= most_dims, "at most 8 outer dimensions", std::to_string(p_.dims.size()));
    std::int64_t rows = 1;
    for (const std::int64_t d : p_.dims) rows *= d;
    require(rows == p_.rows, "rows to be the product of dims", std::to_string(p_.rows));
    require(p_.rows >= 0 && p_.cols >= 0, "rows and columns of at least 0", std::to_string(p_.cols));
    require(p_.piece >= 1 && p_.tile_rows >= 1, "a tile of at least one element", std::to_string(p_.piece));
    require(p_.tile_rows == 1 || p_.piece >= p_.cols, "whole rows in a tile of several", std::to_string(p_.piece));
    const bool divide = fold_rows % p_.tile_rows == 0;
    require(divide || !p_.folds_columns, "tiles that divide a block", std::to_string(p_.tile_rows));
    require(count_ < 60000, "fewer than 60000 registers", std::to_string(count_));
  }

  void check_port(const Port& port) const {
    require(port.reg < count_, "a port on a register of the program", std::to_string(port.reg));
    const Extent extent = extents_[port.reg];
    const bool full = port.access == Access::full || port.access == Access::column;
    const bool fits = full                            ? extent == Extent::full
                      : port.access == Access::row    ? extent == Extent::row
                      : port.access == Access::scalar ? extent == Extent::scalar
                                                      : extent != Extent::scalar;
    require(fits, "a port of the register's extent", "another one on register " + std::to_string(port.reg));
  }

  void check_ports() {
    extents_.resize(count_);
    for (std::size_t r = 0; r < count_; ++r) extents_[r] = p_.registers[r].extent;
    defined_.assign(count_, never);
    stored_.assign(count_, false);
    for (const Port& port : p_.loads) {
      check_port(port);
      require(port.access != Access::column, "columns folded by a store", "a load that does");
      require(defined_[port.reg] == never, "one load for a register", "two of " + std::to_string(port.reg));
      defined_[port.reg] = at_start;
    }
    // A full load whose columns are folded is folded before anything is written, and may stay where it is.
    full_load_.assign(count_, false);
    for (const Port& port : p_.loads) full_load_[port.reg] = port.access == Access::full;
    for (const Port& port : p_.stores) {
      check_port(port);
      require(port.access != Access::column || p_.folds_columns, "a program that folds columns", "another one");
      if (port.access != Access::column || !full_load_[port.reg]) stored_[port.reg] = true;
    }
  }

  DType type(std::uint16_t r) const { return p_.registers[r].type; }

  void read_code() {
    for (const Instruction& instruction : p_.code) {
      Work work;
      work.code = instruction.code;
      work.operands = operand_count(instruction.code);
      work.in = {instruction.a, instruction.b, instruction.c};
      work.out = instruction.out;
      work.draw = instruction.a;
      check_work(work);
      defined_[work.out] = static_cast<int>(work_.size());
      work_.push_back(work);
    }
    for (const Port& port : p_.stores) {
      require(defined_[port.reg] != never, "a value in a stored register", "none in " + std::to_string(port.reg));
    }
  }

  void check_work(const Work& work) const {
    const std::string place = "instruction " + std::to_string(work_.size());
    require(work.code != Code::none && work.out < count_, "an instruction with a result", place);
    require(defined_[work.out] == never, "a register written once", std::to_string(work.out) + " in " + place);
    bool full = work.code == Code::uniform || work.code == Code::expand, row = is_row_reduction(work.code);
    for (int i = 0; i < work.operands; ++i) {
      const std::uint16_t r = work.in[i];
      require(r < count_ && defined_[r] != never, "operands with a value", place);
      if (is_elementwise(work.code)) {
        full = full || extents_[r] == Extent::full;
        row = row || extents_[r] == Extent::row;
      }
    }
    const Extent extent = full ? Extent::full : row ? Extent::row : Extent::scalar;
    const bool rows_of_one = work.code == Code::expand && extents_[work.out] == Extent::row &&
                             extents_[work.in[0]] == Extent::scalar;
    require(extents_[work.out] == extent || rows_of_one, "a result of its operands' extent", place);
    if (is_row_reduction(work.code)) require(extents_[work.in[0]] == Extent::full, "a full operand", place);
    if (work.code == Code::expand) require(extents_[work.in[0]] != Extent::full, "one value a row", place);
    for (int i = 0; i < work.operands && is_elementwise(work.code); ++i) {
      require(!(full && extents_[work.in[i]] == Extent::row && p_.tile_rows > 1), "an expanded operand", place);
      const DType wanted = work.code == Code::select && i == 0 ? DType::bool_ : in_type(work);
      require(type(work.in[i]) == wanted, name_of(wanted), std::string(name_of(type(work.in[i]))) + " in " + place);
    }
  }

  DType in_type(const Work& work) const {
    if (work.code == Code::uniform) return type(work.out);
    return type(work.in[work.code == Code::select ? 1 : 0]);
  }

  void order() {
    std::erase_if(work_, [](const Work& work) { return work.dropped; });
    const auto middle = std::stable_partition(work_.begin(), work_.end(), [&](const Work& work) {
      return extents_[work.out] == Extent::scalar;
    });
    p_.first_steps = middle - work_.begin();
  }

  // Steps: stretches of instructions as code, if the program is large enough to be worth it, and single instructions.
  void form_units() {
    const bool large = smallest_stretch() >= 0 && p_.rows * p_.cols >= smallest_stretch();
    UnitSource source{work_, p_, extents_, std::vector<bool>(count_, false), {}, {}};
    for (std::size_t i = 0; i < p_.stores.size(); ++i) {
      const Port& port = p_.stores[i];
      if (port.access == Access::column && p_.tile_rows == 1 && is_floating(type(port.reg)))
        source.columns.push_back({static_cast<std::uint16_t>(i), static_cast<std::uint16_t>(first_fold() + i)});
      else source.stored[port.reg] = true;
    }
    if (p_.rows * p_.cols > least_to_fetch) source.fetches = wanted_ahead();
    units_ = find_units(source, large);
    share_fetches();
    widen();
    inside_.assign(p_.stores.size(), 0);
    for (const Unit& unit : units_)
      for (const ColumnStore& column : unit.columns) inside_[column.store] = column.place;
    // What a stretch folds as it computes it is not needed after it.
    for (std::size_t i = 0; i < p_.stores.size(); ++i)
      if (inside_[i] != 0) stored_[p_.stores[i].reg] = source.stored[p_.stores[i].reg];
    for (std::size_t i = 0; i < p_.stores.size(); ++i)
      if (inside_[i] == 0 && !(p_.stores[i].access == Access::column && full_load_[p_.stores[i].reg]))
        stored_[p_.stores[i].reg] = true;
    for (std::size_t u = 0; u < units_.size(); ++u)
      for (std::size_t w = units_[u].first; w < units_[u].last; ++w) defined_[work_[w].out] = static_cast<int>(u);
  }

  // What moves with the tiles; its place in the table is that of what the next tile reads or writes.
  std::vector<StretchFetch> wanted_ahead() const {
    std::vector<StretchFetch> wanted;
    for (std::size_t i = 0; i < p_.loads.size(); ++i)
      if (p_.loads[i].access == Access::full) wanted.push_back({static_cast<std::uint16_t>(next_of_load(i)), false});
    std::vector<bool> seen(count_, false);
    for (std::size_t i = 0; i < p_.stores.size(); ++i) {
      const std::uint16_t r = p_.stores[i].reg;
      if (p_.stores[i].access != Access::full || defined_[r] < 0 || seen[r]) continue;
      seen[r] = true;
      wanted.push_back({static_cast<std::uint16_t>(next_of_store(i)), true});
    }
    return wanted;
  }

  void widen() {
    const bool reduces =
        std::any_of(work_.begin(), work_.end(), [](const Work& work) { return is_row_reduction(work.code); });
    std::int64_t bytes = 0;
    for (const Unit& unit : units_)
      for (const std::uint16_t r : results(unit))
        if (extents_[r] == Extent::full) bytes += static_cast<std::int64_t>(size_of(type(r)));
    if (!reduces && p_.piece == fold_block) p_.piece = wide_piece(p_.rows, p_.cols, bytes);
  }

  void share_fetches() {
    fetched_.assign(p_.loads.size() + p_.stores.size(), false);
    const bool passes = p_.folds_columns || static_cast<std::int64_t>(units_.size()) - p_.first_steps > 1;
    for (const Unit& unit : units_)
      for (const StretchFetch& fetch : unit.fetches) fetched_[fetch.place - next_of_load(0)] = true;
    // A single pass is a set of streams that the processor follows by itself; fetching many of them at once delays it.
    const auto streams = std::count_if(p_.loads.begin(), p_.loads.end(),
                                       [](const Port& load) { return load.access == Access::full; });
    fetches_at_once_ = p_.rows * p_.cols > least_to_fetch && (passes || streams <= 3);
  }

  // Places in the table of addresses: behind everything else, one for each store.
  std::size_t first_fold() const {
    const auto draws = std::count_if(work_.begin(), work_.end(), [](const Work& w) { return w.code == Code::uniform; });
    return count_ + fixed_places + static_cast<std::size_t>(draws);
  }
  std::size_t next_of_load(std::size_t i) const { return first_fold() + p_.stores.size() + i; }
  std::size_t next_of_store(std::size_t i) const { return next_of_load(p_.loads.size()) + i; }

  // The results of a unit that are written: of a stretch not all.
  std::span<const std::uint16_t> results(const Unit& unit) const {
    if (unit.code) return unit.outs;
    return {&work_[unit.first].out, 1};
  }

  void find_last_uses() {
    last_.assign(count_, never);
    for (std::size_t r = 0; r < count_; ++r) last_[r] = defined_[r];
    for (std::size_t u = 0; u < units_.size(); ++u) {
      for (std::size_t w = units_[u].first; w < units_[u].last; ++w)
        for (int i = 0; i < work_[w].operands; ++i) last_[work_[w].in[i]] = static_cast<int>(u);
    }
  }

  // Whether every tile sees the same elements through a strided port.
  bool same_for_all_tiles(const Port& port) const {
    for (std::size_t d = 0; d < p_.dims.size(); ++d) {
      if (port.strides[d] != 0 && p_.dims[d] != 1) return false;
    }
    return p_.piece >= p_.cols;
  }

  void plan_reads() {
    in_scratch_.assign(count_, false);
    forever_.assign(count_, false);
    for (std::size_t i = 0; i < p_.loads.size(); ++i) {
      const Port& port = p_.loads[i];
      TileTransfer read;
      read.port = static_cast<std::uint16_t>(i);
      read.size = static_cast<std::uint8_t>(size_of(type(port.reg)));
      read.row = extents_[port.reg] == Extent::row;
      read.once = port.access == Access::scalar;
      if (fetched_[i]) read.next = static_cast<std::uint16_t>(next_of_load(i));
      read.ahead = port.access == Access::full && (fetched_[i] || fetches_at_once_);
      // What is stored at the end of a tile must not sit in memory that another store may take over.
      read.how = stored_[port.reg] ? TileTransfer::How::copy : TileTransfer::How::address;
      if (port.access == Access::strided) {
        const bool moves = p_.tile_rows == 1 && (read.row || port.strides[p_.dims.size()] == 1);
        if (!moves || stored_[port.reg]) {
          read.how = TileTransfer::How::strided;
          read.once = same_for_all_tiles(port);
        }
      }
      in_scratch_[port.reg] = read.how != TileTransfer::How::address;
      forever_[port.reg] = read.once;
      p_.reads.push_back(read);
    }
  }

  void plan_writes() {
    std::vector<bool> placed(count_, false);
    for (std::size_t i = 0; i < p_.stores.size(); ++i) {
      const Port& port = p_.stores[i];
      TileTransfer write;
      write.port = static_cast<std::uint16_t>(i);
      write.size = static_cast<std::uint8_t>(size_of(type(port.reg)));
      write.row = extents_[port.reg] == Extent::row;
      write.once = port.access == Access::scalar;
      write.ahead = fetched_[p_.loads.size() + i];
      if (write.ahead) write.next = static_cast<std::uint16_t>(next_of_store(i));
      write.how = port.access == Access::strided  ? TileTransfer::How::strided
                  : port.access == Access::column ? TileTransfer::How::fold
                                                  : TileTransfer::How::copy;
      if (port.access == Access::column) {
        write.fold = fold_tile_of(port.fold, type(port.reg));
        write.first = defined_[port.reg] == at_start;
        if (inside_[i] != 0) {
          write.how = TileTransfer::How::inside;
          write.place = inside_[i];
          write.start = fold_start_of(port.fold, type(port.reg));
        }
      }
      const bool computed = defined_[port.reg] >= 0;
      if (port.access == Access::full && computed && !placed[port.reg]) {
        write.how = TileTransfer::How::address;
        placed[port.reg] = true;
        write.shared_begin = static_cast<std::uint32_t>(p_.shared.size());
        add_endangered(port.reg);
        write.shared_end = static_cast<std::uint32_t>(p_.shared.size());
      }
      p_.writes.push_back(write);
    }
    for (const Unit& unit : units_)
      for (const std::uint16_t r : results(unit)) in_scratch_[r] = true;
  }

  // The memory of full loads that are read after register r is computed.
  void add_endangered(std::uint16_t r) {
    for (const TileTransfer& read : p_.reads) {
      const Port& load = p_.loads[read.port];
      if (load.access == Access::full && read.how == TileTransfer::How::address && last_[load.reg] > defined_[r]) {
        p_.shared.push_back(load.slot);
      }
    }
  }

  void make_steps() {
    const auto columns = static_cast<std::uint16_t>(count_);
    const auto elements = static_cast<std::uint16_t>(count_ + 1), rows = static_cast<std::uint16_t>(count_ + 2);
    for (const Unit& unit : units_) {
      TileStep step;
      if (unit.code) {
        step.code = unit.code->function;
        p_.code_bytes += unit.code->bytes;
        p_.codes.push_back(unit.code);
        p_.steps.push_back(step);
        continue;
      }
      const Work& work = work_[unit.first];
      step.out = work.out;
      step.a = work.in[0];
      step.b = work.operands > 1 ? work.in[1] : columns;
      step.c = work.operands > 2 ? work.in[2] : columns;
      step.count = extents_[work.out];
      unsigned form = all_vectors;
      if (is_elementwise(work.code)) {
        for (int i = 0; i < work.operands; ++i) {
          if (extents_[work.in[i]] != extents_[work.out]) form |= 1u << i;
        }
      } else if (is_row_reduction(work.code)) {
        step.count = Extent::row;
      } else if (work.code == Code::expand) {
        const bool scalar = extents_[work.in[0]] == Extent::scalar;
        step.c = !scalar ? columns : step.count == Extent::full ? elements : rows;
        step.count = scalar ? Extent::scalar : Extent::row;
      } else {
        step.a = static_cast<std::uint16_t>(count_ + fixed_places + p_.draws.size());
        p_.draws.push_back(work.draw);
      }
      const DType in = work.pair != Pair::none ? type(work.out) : in_type(work);
      step.kernel = work.pair != Pair::none ? lanes().find_pair(work.pair, in, form)
                                            : lanes().find(work.code, in, type(work.out), form);
      require(step.kernel != nullptr, "a supported instruction",
              "code " + std::to_string(static_cast<int>(work.code)) + " from " + name_of(in) + " to " +
                  name_of(type(work.out)));
      p_.steps.push_back(step);
    }
  }

  std::int64_t bytes_of(std::uint16_t r) const {
    std::int64_t elements = 1;
    if (extents_[r] != Extent::scalar) elements = p_.tile_rows;
    if (extents_[r] == Extent::full) elements *= p_.piece;
    const auto bytes = elements * static_cast<std::int64_t>(size_of(type(r)));
    // One line more keeps registers from sharing the low bits of their addresses.
    return (bytes + line - 1) / line * line + (extents_[r] == Extent::full ? line : 0);
  }

  void give_place(std::uint16_t r) {
    const std::int64_t bytes = bytes_of(r);
    for (std::size_t i = free_.size(); i-- > 0;) {
      if (free_[i].second != bytes) continue;
      p_.registers[r].offset = free_[i].first;
      free_.erase(free_.begin() + static_cast<std::ptrdiff_t>(i));
      return;
    }
    p_.registers[r].offset = p_.scratch_bytes;
    p_.scratch_bytes += bytes;
  }

  void lay_out() {
    p_.table_places = next_of_store(p_.stores.size());
    const auto table = static_cast<std::int64_t>(p_.table_places * sizeof(void*) +
                                                 p_.draws.size() * sizeof(DrawState));
    p_.scratch_bytes = (table + line - 1) / line * line;
    for (const TileTransfer& read : p_.reads) {
      const std::uint16_t r = p_.loads[read.port].reg;
      if (in_scratch_[r]) give_place(r);
    }
    for (std::size_t u = 0; u < units_.size(); ++u) {
      const Unit& unit = units_[u];
      const Work& work = work_[unit.first];
      const std::span<const std::uint16_t> outs = results(unit);
      // Operands read for the last time; a result may take their place if the two walk in step.
      std::vector<std::uint16_t> dying;
      for (std::size_t w = unit.first; w < unit.last; ++w)
        for (int i = 0; i < work_[w].operands; ++i) {
          const std::uint16_t r = work_[w].in[i];
          const bool stays = !in_scratch_[r] || stored_[r] || forever_[r] || extents_[r] == Extent::scalar;
          if (stays || last_[r] != static_cast<int>(u) || defined_[r] == static_cast<int>(u)) continue;
          if (std::find(dying.begin(), dying.end(), r) == dying.end()) dying.push_back(r);
        }
      const auto in_step = [&](std::uint16_t r) {
        return !outs.empty() && is_elementwise(work.code) && extents_[r] == extents_[outs[0]] &&
               size_of(type(r)) == size_of(type(outs[0]));
      };
      for (const std::uint16_t r : dying) {
        if (in_step(r)) free_.emplace_back(p_.registers[r].offset, bytes_of(r));
      }
      for (const std::uint16_t r : outs) give_place(r);
      for (const std::uint16_t r : dying) {
        if (!in_step(r)) free_.emplace_back(p_.registers[r].offset, bytes_of(r));
      }
      for (const std::uint16_t r : outs) {
        const bool unread = last_[r] == static_cast<int>(u) && !stored_[r];
        if (unread) free_.emplace_back(p_.registers[r].offset, bytes_of(r));
      }
    }
    p_.scratch_bytes = (p_.scratch_bytes + line - 1) / line * line;
  }

  void estimate() {
    const auto elements = static_cast<double>(p_.tile_rows * std::min(p_.piece, std::max<std::int64_t>(p_.cols, 1)));
    double cost = 20;
    for (const Unit& unit : units_) {
      cost += 3;
      for (std::size_t w = unit.first; w < unit.last; ++w) {
        const Work& work = work_[w];
        const bool full = extents_[work.out] == Extent::full || is_row_reduction(work.code);
        const double one = cost_of(work.code, in_type(work)) * (unit.code ? 0.4 : 1.0);
        cost += one * (full ? elements : static_cast<double>(p_.tile_rows));
      }
    }
    for (const TileTransfer& read : p_.reads) {
      if (!read.once) cost += (read.how == TileTransfer::How::strided ? 0.5 : 0.03 * read.size) * elements;
    }
    for (const TileTransfer& write : p_.writes) cost += write.row ? 2.0 : 0.05 * write.size * elements;
    p_.tile_cost = cost;
  }

  TileProgram& p_;
  std::size_t count_;
  std::vector<Work> work_;
  std::vector<Unit> units_;
  std::vector<Extent> extents_;  // as run: what a tile of one row need not expand is a row value
  std::vector<int> defined_, last_;  // the unit that writes a register, and the last that reads it
  std::vector<bool> stored_, in_scratch_, forever_, full_load_;
  bool fetches_at_once_ = false;       // what no unit fetches is asked for before the first one
  std::vector<bool> fetched_;          // of each load, then each store: by the code of a unit
  std::vector<std::uint16_t> inside_;  // of each store: where a stretch that does it finds its elements, or 0
  std::vector<std::pair<std::int64_t, std::int64_t>> free_;  // offset, bytes
};

}  // namespace

void prepare(TileProgram& program) { Planner(program).plan(); }

}  // namespace xgrad::kernels
