/// Instructions that need not be done by themselves.
#include <xgrad/kernels/tile_work.hpp>

#include <algorithm>

namespace xgrad::kernels {
namespace {

class LeavingOut {
 public:
  explicit LeavingOut(const Instructions& all)
      : p_(all.program), works_(all.works), extents_(all.extents), stored_(all.stored), defined_(all.defined) {}

  int full_operands(const Work& work) const {
    int full = 0;
    for (int i = 0; i < work.operands; ++i) full += extents_[work.in[i]] == Extent::full;
    return full;
  }

  // Where a tile holds one row, what is the same over its columns is one value for the instructions that take it beside
  // a full operand; if all its readers are such, it is never written out.
  void avoid_expanding() {
    std::vector<std::vector<std::uint32_t>> readers(extents_.size());
    for (std::size_t w = 0; w < works_.size(); ++w) {
      for (int i = 0; i < works_[w].operands; ++i) readers[works_[w].in[i]].push_back(static_cast<std::uint32_t>(w));
    }
    const auto can = [&](std::uint16_t r) {
      if (stored_[r] || extents_[r] != Extent::full) return false;
      return std::all_of(readers[r].begin(), readers[r].end(), [&](std::uint32_t w) {
        const Work& reader = works_[w];
        int others = full_operands(reader);
        for (int i = 0; i < reader.operands; ++i) others -= reader.in[i] == r;
        return is_elementwise(reader.code) && others > 0;
      });
    };
    for (const Port& port : p_.loads) {
      if (port.access == Access::strided && port.strides[p_.dims.size()] == 0 && can(port.reg)) {
        extents_[port.reg] = Extent::row;
      }
    }
    for (Work& work : works_) {
      if (work.code != Code::expand || extents_[work.out] != Extent::full || !can(work.out)) continue;
      work.dropped = true;
      extents_[work.out] = Extent::row;
      for (const std::uint32_t w : readers[work.out]) {
        for (int i = 0; i < works_[w].operands; ++i) {
          if (works_[w].in[i] == work.out) works_[w].in[i] = work.in[0];
        }
      }
      // The source has these readers now, but only an expand's own result is ever asked about.
      readers[work.out].clear();
    }
  }

  void fuse_pairs() {
    std::vector<int> uses(extents_.size(), 0);
    for (const Work& work : works_) {
      for (int i = 0; i < work.operands && !work.dropped; ++i) ++uses[work.in[i]];
    }
    for (Work& work : works_) {
      if (work.dropped || (work.code != Code::add && work.code != Code::subtract)) continue;
      if (extents_[work.out] != Extent::full || !is_floating(p_.registers[work.out].type)) continue;
      for (const int side : {1, 0}) {
        const std::uint16_t r = work.in[side];
        if (defined_[r] < 0 || uses[r] != 1 || stored_[r] || extents_[r] != Extent::full) continue;
        Work& product = works_[static_cast<std::size_t>(defined_[r])];
        if (product.code != Code::multiply || product.dropped) continue;
        work.pair = work.code == Code::add ? Pair::multiply_add
                    : side == 0            ? Pair::multiply_subtract
                                           : Pair::subtract_multiplied;
        work.in = {product.in[0], product.in[1], work.in[1 - side]};
        work.operands = 3;
        product.dropped = true;
        break;
      }
    }
  }

 private:
  const TileProgram& p_;
  std::vector<Work>& works_;
  std::vector<Extent>& extents_;
  const std::vector<bool>& stored_;
  const std::vector<int>& defined_;
};

}  // namespace

void leave_out(const Instructions& instructions) {
  LeavingOut leaving(instructions);
  if (instructions.program.tile_rows == 1) leaving.avoid_expanding();
  leaving.fuse_pairs();
}

}  // namespace xgrad::kernels
