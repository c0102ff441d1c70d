#include <catch2/catch.hpp>

#include <xgrad/kernels/stretch.hpp>
#include <xgrad/kernels/tile.hpp>

#include <algorithm>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

using namespace xgrad;
using namespace xgrad::kernels;

namespace {

/// Makes programs of arithmetic on float32 or float64, with tanh, reductions of rows and folds of columns between; the
/// same seed, the same program.
template <class T>
class RandomProgram {
 public:
  explicit RandomProgram(unsigned seed) : random_(seed), special_(seed % 2 == 0) {
    static constexpr std::int64_t lengths[] = {1, 2, 7, 15, 16, 17, 33, 100, 511, 512, 513, 1000, 1537};
    const bool rows = below(2) == 0;
    p.cols = lengths[below(std::size(lengths))];
    if (rows) p.dims = {1 + static_cast<std::int64_t>(below(below(4) == 0 ? 200 : 9))};
    for (const std::int64_t d : p.dims) p.rows *= d;
    sums_ = rows && p.cols <= max_row;
    for (int i = 0; i < 3; ++i) load(Access::full);
    for (int i = 0; i < 2; ++i) load(Access::scalar);
    const std::size_t steps = 3 + below(25);
    for (std::size_t i = 0; i < steps; ++i) step();
    const std::size_t stores = 1 + below(3);
    for (std::size_t i = 0; i < stores; ++i) store();
    p.folds_columns = rows && below(2) == 0;
    for (std::size_t i = below(4); p.folds_columns && i > 0; --i) fold_columns();
    choose_tile(p, sums_);
    prepare(p);
  }

  /// What the stores hold after a run on numbers of this seed; the first may lie where the first operand does.
  std::vector<std::vector<T>> run(bool in_place) {
    std::mt19937 random(7);
    std::vector<std::vector<T>> memory(slots_);
    for (std::size_t s = 0; s < slots_; ++s) {
      memory[s].resize(static_cast<std::size_t>(p.rows * p.cols) + 1);
      for (T& x : memory[s]) x = number(random, special_);
    }
    std::vector<void*> bases;
    for (std::vector<T>& m : memory) bases.push_back(m.data());
    if (in_place) bases[p.stores[0].slot] = bases[0];
    kernels::run(p, bases.data(), nullptr);
    return memory;
  }

  TileProgram p;

 private:
  std::size_t below(std::size_t n) { return random_() % n; }
  // With NaN and infinities in every row its sum says little.
  static T number(std::mt19937& random, bool special_ones) {
    using L = std::numeric_limits<T>;
    static constexpr T special[] = {0,  T(-0.0), L::infinity(), -L::infinity(), L::quiet_NaN(), L::denorm_min(),
                                    1, L::max(), -L::min()};
    if (random() % 16 == 0 && special_ones) return special[random() % std::size(special)];
    return static_cast<T>(random() % 4001) * T(1e-3) - 2;
  }
  std::uint16_t reg(DType type, Extent extent) {
    p.registers.push_back({type, extent});
    return static_cast<std::uint16_t>(p.registers.size() - 1);
  }
  void load(Access access) {
    Port port;
    port.access = access;
    port.reg = reg(dtype_of<T>, access == Access::scalar ? Extent::scalar : Extent::full);
    port.slot = static_cast<std::uint16_t>(slots_++);
    p.loads.push_back(port);
    (access == Access::scalar ? single_ : full_).push_back(port.reg);
  }
  std::uint16_t any() { return full_[below(full_.size())]; }
  std::uint16_t other() { return below(4) == 0 ? single_[below(single_.size())] : any(); }
  std::uint16_t emit(Code code, DType type, Extent extent, std::uint16_t a, std::uint16_t b = 0, std::uint16_t c = 0) {
    Instruction instruction;
    instruction.code = code;
    instruction.a = a;
    instruction.b = b;
    instruction.c = c;
    instruction.out = reg(type, extent);
    p.code.push_back(instruction);
    return instruction.out;
  }
  void step() {
    static constexpr Code unary[] = {Code::square, Code::reciprocal, Code::sqrt, Code::negate, Code::absolute,
                                     Code::tanh};
    static constexpr Code binary[] = {Code::add,    Code::subtract, Code::multiply, Code::divide, Code::maximum,
                                      Code::minimum, Code::add,      Code::multiply};
    static constexpr Code question[] = {Code::equal, Code::not_equal, Code::less, Code::less_equal};
    const DType type = dtype_of<T>;
    switch (below(6)) {
      case 0: full_.push_back(emit(unary[below(std::size(unary))], type, Extent::full, any())); break;
      case 1: {
        const std::uint16_t mask = emit(question[below(4)], DType::bool_, Extent::full, any(), other());
        full_.push_back(emit(Code::select, type, Extent::full, mask, any(), other()));
        if (below(4) == 0) full_.push_back(emit(Code::select, type, Extent::full, mask, other(), any()));
        break;
      }
      case 2:
        if (sums_ && below(2) == 0) {
          static constexpr Code reductions[] = {Code::row_sum, Code::row_max, Code::row_min};
          const std::uint16_t sum = emit(reductions[below(3)], type, Extent::row, any());
          rows_.push_back(sum);
          full_.push_back(emit(Code::expand, type, Extent::full, sum));
          break;
        }
        [[fallthrough]];
      default: {
        std::uint16_t a = any(), b = other();
        if (below(2) == 0) std::swap(a, b);
        full_.push_back(emit(binary[below(std::size(binary))], type, Extent::full, a, b));
      }
    }
  }
  void store() {
    Port port;
    port.access = Access::full;
    port.reg = full_.back();
    if (!p.stores.empty()) port.reg = p.code[below(p.code.size())].out;
    if (p.registers[port.reg].type != dtype_of<T> || p.registers[port.reg].extent != Extent::full) return;
    port.slot = static_cast<std::uint16_t>(slots_++);
    p.stores.push_back(port);
    if (rows_.empty() || below(2) == 0) return;
    port.access = Access::row;
    port.reg = rows_[below(rows_.size())];
    port.slot = static_cast<std::uint16_t>(slots_++);
    p.stores.push_back(port);
  }

  void fold_columns() {
    Port port;
    port.access = Access::column;
    port.fold = static_cast<Fold>(below(3));
    port.reg = any();
    port.slot = static_cast<std::uint16_t>(slots_++);
    p.stores.push_back(port);
  }

  std::mt19937 random_;
  const bool special_;
  std::vector<std::uint16_t> full_, single_, rows_;
  std::size_t slots_ = 0;
  bool sums_ = false;
};

struct Smallest {
  explicit Smallest(std::int64_t elements) : before(smallest_stretch()) { set_smallest_stretch(elements); }
  ~Smallest() { set_smallest_stretch(before); }
  std::int64_t before;
};

template <class T>
bool same_bits(const std::vector<std::vector<T>>& a, const std::vector<std::vector<T>>& b) {
  for (std::size_t s = 0; s < a.size(); ++s)
    for (std::size_t i = 0; i < a[s].size(); ++i) {
      // Which NaN comes out is not said.
      const bool both = a[s][i] != a[s][i] && b[s][i] != b[s][i];
      if (!both && std::memcmp(&a[s][i], &b[s][i], sizeof(T)) != 0) return false;
    }
  return true;
}

template <class T>
void compare(unsigned count) {
  std::size_t with_code = 0;
  for (unsigned seed = 0; seed < count; ++seed) {
    const auto run = [&](std::int64_t smallest, bool in_place) {
      const Smallest set(smallest);
      RandomProgram<T> program(seed);
      with_code += !program.p.codes.empty();
      return program.run(in_place);
    };
    INFO("seed " << seed << " of " << sizeof(T) << " bytes");
    REQUIRE(same_bits(run(-1, false), run(0, false)));
    REQUIRE(same_bits(run(-1, true), run(0, true)));
  }
  if (instruction_set() != std::string("baseline") && smallest_stretch() >= 0) CHECK(with_code > count);
}

}  // namespace

TEST_CASE("stretches of code give the bits of their instructions one by one, special values and places included") {
  compare<float>(1500);
  compare<double>(1500);
}

TEST_CASE("code is made for large programs only, and never where it is switched off") {
  const auto codes = [](std::int64_t elements, std::int64_t smallest) {
    const Smallest set(smallest);
    TileProgram p;
    p.cols = elements;
    p.registers = {{DType::float32, Extent::full}, {DType::float32, Extent::full}, {DType::float32, Extent::full}};
    p.loads.resize(1);
    p.stores.resize(1);
    p.stores[0].reg = 2;
    p.stores[0].slot = 1;
    p.code = {{Code::square, 1, 0, 0, 0}, {Code::sqrt, 2, 1, 0, 0}};
    choose_tile(p, false);
    prepare(p);
    return p.codes.size();
  };
  CHECK(codes(1000, -1) == 0);
  CHECK(codes(99, 100) == 0);
  if (instruction_set() != std::string("baseline")) CHECK(codes(100, 100) == 1);
}
