#include "tile_builder.hpp"

#include <catch2/catch.hpp>

#include <cstring>
#include <limits>
#include <stdexcept>
#include <string>

using namespace xgrad;
using namespace xgrad::kernels;

namespace {

Port column_port(Builder& b, Reg r, Fold fold) {
  Port port;
  port.reg = r;
  port.access = Access::column;
  port.fold = fold;
  port.slot = static_cast<std::uint16_t>(b.slots++);
  return port;
}

/// The rows of an array in memory folded into one.
void fold_rows_of(Fold fold, DType type, const void* in, void* out, std::int64_t rows, std::int64_t cols) {
  std::vector<std::byte> scratch(fold_scratch(type, 1, rows, cols));
  fold_middle(fold, type, in, out, 1, rows, cols, scratch.data());
}

/// y = x * x - w by tiles, its columns folded on the way; the result must be that of folding y in memory.
void check_columns(std::int64_t rows, std::int64_t cols, Fold fold, bool row_sums) {
  Builder b({rows}, cols);
  b.p.folds_columns = true;
  const Reg x = b.load(), w = b.load();
  const Reg y = b.op(Code::subtract, {b.op(Code::multiply, {x, x}), w});
  b.store(y);
  b.p.stores.push_back(column_port(b, y, fold));
  b.p.stores.push_back(column_port(b, x, Fold::sum));
  if (row_sums) b.store(b.op(Code::row_sum, {y}, Extent::row), Access::row);
  b.finish(row_sums);
  auto vx = numbers(rows * cols, 1);
  const auto vw = numbers(rows * cols, 2);
  if (vx.size() > 40) vx[vx.size() / 3] = std::numeric_limits<float>::quiet_NaN();
  const auto kept = vx;
  const std::int64_t blocks = fold_blocks(rows);
  const auto width = static_cast<std::size_t>(cols);
  std::vector<float> folded(static_cast<std::size_t>(blocks) * width + 1, 9), of_x = folded;
  std::vector<float> sums(static_cast<std::size_t>(rows));
  // y goes where x was.
  void* slots[] = {vx.data(), const_cast<float*>(vw.data()), vx.data(), folded.data(), of_x.data(), sums.data()};
  run(b.p, slots, nullptr);
  CHECK(folded.back() == 9);
  std::vector<float> result(width), expected(width);
  join_blocks(fold, float32, folded.data(), result.data(), blocks, cols);
  fold_rows_of(fold, float32, vx.data(), expected.data(), rows, cols);
  CHECK(std::memcmp(result.data(), expected.data(), width * sizeof(float)) == 0);
  join_blocks(Fold::sum, float32, of_x.data(), result.data(), blocks, cols);
  fold_rows_of(Fold::sum, float32, kept.data(), expected.data(), rows, cols);
  CHECK(std::memcmp(result.data(), expected.data(), width * sizeof(float)) == 0);
}

}  // namespace

TEST_CASE("folding columns tile by tile gives the bits of folding them in memory", "[tile]") {
  for (const int threads : {1, 2}) {
    const Threads set(threads);
    for (const std::int64_t rows : {1, 2, 63, 64, 65, 128, 450, 1000, 2113})
      for (const std::int64_t cols : {1, 2, 3, 7, 8, 10, 16, 17, 31, 100, 511, 512, 513, 1000, 1300})
        for (const Fold fold : {Fold::sum, Fold::max, Fold::min}) {
          INFO(rows << " x " << cols << ", fold " << static_cast<int>(fold) << ", threads " << threads);
          check_columns(rows, cols, fold, false);
          check_columns(rows, cols, fold, true);
        }
  }
}

TEST_CASE("every type's columns fold as they do in memory", "[tile]") {
  const auto check = []<class T>(T, DType type, Fold fold) {
    const std::int64_t rows = 333, cols = 21;
    Builder b({rows}, cols);
    b.p.folds_columns = true;
    const Reg x = b.load(Access::full, {}, type);
    b.p.stores.push_back(column_port(b, x, fold));
    b.finish();
    std::mt19937 random(7);
    const auto count = static_cast<std::size_t>(rows * cols);
    const std::unique_ptr<T[]> in(new T[count]);
    for (std::size_t i = 0; i < count; ++i) in[i] = static_cast<T>(random() % 1000);
    const std::unique_ptr<T[]> blocks(new T[6 * cols]), result(new T[cols]), expected(new T[cols]);
    void* slots[] = {in.get(), blocks.get()};
    run(b.p, slots, nullptr);
    join_blocks(fold, type, blocks.get(), result.get(), 6, cols);
    fold_rows_of(fold, type, in.get(), expected.get(), rows, cols);
    CHECK(std::memcmp(result.get(), expected.get(), cols * sizeof(T)) == 0);
  };
  for (const Fold fold : {Fold::sum, Fold::max, Fold::min}) {
    check(float{}, float32, fold);
    check(double{}, float64, fold);
    check(std::int32_t{}, int32, fold);
    check(std::int64_t{}, int64, fold);
    if (fold != Fold::sum) check(bool{}, bool_, fold);
  }
}

TEST_CASE("columns are folded by stores of programs that say so", "[tile]") {
  Builder silent({4}, 4);
  silent.p.stores.push_back(column_port(silent, silent.load(), Fold::sum));
  CHECK_THROWS_AS(silent.finish(), std::logic_error);
  Builder loads({4}, 4);
  loads.p.folds_columns = true;
  const Reg r = loads.reg(float32, Extent::full);
  loads.p.loads.push_back(column_port(loads, r, Fold::sum));
  CHECK_THROWS_AS(loads.finish(), std::logic_error);
}
