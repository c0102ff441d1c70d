#pragma once
/// Makes tile programs for tests.

#include <xgrad/kernels/pool.hpp>
#include <xgrad/kernels/tile.hpp>

#include <algorithm>
#include <random>
#include <vector>

namespace xgrad::kernels {

using Reg = std::uint16_t;

// Builds a program with float32 registers unless told otherwise; every port has its own slot unless told otherwise.
struct Builder {
  TileProgram p;
  int slots = 0;

  Builder(std::vector<std::int64_t> dims, std::int64_t cols) {
    p.dims = std::move(dims);
    p.cols = cols;
    p.rows = 1;
    for (const std::int64_t d : p.dims) p.rows *= d;
  }
  Reg reg(DType type, Extent extent) {
    p.registers.push_back({type, extent});
    return static_cast<Reg>(p.registers.size() - 1);
  }
  Reg load(Access access = Access::full, const std::vector<std::int64_t>& strides = {}, DType type = float32) {
    const Extent narrow = access == Access::scalar ? Extent::scalar : Extent::full;
    const Reg r = reg(type, access == Access::row ? Extent::row : narrow);
    p.loads.push_back(port(r, access, slots++, strides));
    return r;
  }
  Reg op(Code code, const std::vector<Reg>& in, Extent extent = Extent::full, DType type = float32) {
    Instruction instruction;
    instruction.code = code;
    instruction.out = reg(type, extent);
    if (in.size() > 0) instruction.a = in[0];
    if (in.size() > 1) instruction.b = in[1];
    if (in.size() > 2) instruction.c = in[2];
    p.code.push_back(instruction);
    return instruction.out;
  }
  void store(Reg r, Access access = Access::full, int slot = -1, const std::vector<std::int64_t>& strides = {}) {
    p.stores.push_back(port(r, access, slot < 0 ? slots++ : slot, strides));
  }
  void finish(bool whole_rows = false) {
    choose_tile(p, whole_rows);
    prepare(p);
  }

 private:
  static Port port(Reg r, Access access, int slot, const std::vector<std::int64_t>& strides) {
    Port result;
    result.reg = r;
    result.access = access;
    result.slot = static_cast<std::uint16_t>(slot);
    std::copy(strides.begin(), strides.end(), result.strides);
    return result;
  }
};

inline std::vector<float> numbers(std::int64_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> result(static_cast<std::size_t>(count));
  for (float& v : result) v = static_cast<float>(random() % 20001) * 2e-4f - 2;
  return result;
}

struct Threads {
  explicit Threads(int count) : before(num_threads()) { set_num_threads(count); }
  ~Threads() { set_num_threads(before); }
  int before;
};

}  // namespace xgrad::kernels
