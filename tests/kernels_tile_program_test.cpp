#include "tile_builder.hpp"

#include <catch2/catch.hpp>

#include <xgrad/kernels/lanes.hpp>
#include <xgrad/kernels/philox.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

using namespace xgrad;
using namespace xgrad::kernels;

namespace {

using RowsCols = std::pair<std::int64_t, std::int64_t>;

float call(Code code, float a, float b = 0) {
  float out;
  lanes().find(code, float32, float32, 0)(&out, &a, &b, nullptr, 1);
  return out;
}

float fold(Code code, const std::vector<float>& row) {
  const auto cols = static_cast<std::int64_t>(row.size());
  float out;
  lanes().find(code, float32, float32, 0)(&out, row.data(), nullptr, &cols, 1);
  return out;
}

void add_softmax(Builder& b) {
  const Reg x = b.load();
  const Reg top = b.op(Code::expand, {b.op(Code::row_max, {x}, Extent::row)});
  const Reg e = b.op(Code::exp, {b.op(Code::subtract, {x, top})});
  const Reg sum = b.op(Code::row_sum, {e}, Extent::row);
  b.store(b.op(Code::divide, {e, b.op(Code::expand, {sum})}));
  b.store(sum, Access::row);
}

}  // namespace

TEST_CASE("an elementwise program gives the same bits as its instructions one by one", "[tile]") {
  for (const std::int64_t n : {0, 1, 2, 7, 511, 512, 513, 1024, 70001}) {
    Builder b({}, n);
    const Reg x = b.load(), w = b.load(), c = b.load(Access::scalar);
    const Reg t = b.op(Code::tanh, {b.op(Code::add, {b.op(Code::multiply, {x, w}), c})});
    const Reg e = b.op(Code::exp, {b.op(Code::negate, {b.op(Code::square, {x})})});
    b.store(b.op(Code::multiply, {t, e}));
    b.store(b.op(Code::subtract, {c, b.op(Code::multiply, {c, x})}));
    b.store(b.op(Code::subtract, {b.op(Code::multiply, {x, w}), w}));
    b.finish();
    auto vx = numbers(n, 1), vw = numbers(n, 2);
    float vc = 0.37f;
    std::vector<float> z(vx.size() + 1, 9), y = z, v = z;
    void* slots[] = {vx.data(), vw.data(), &vc, z.data(), y.data(), v.data()};
    run(b.p, slots, nullptr);
    std::size_t wrong = (z.back() != 9) + (y.back() != 9) + (v.back() != 9);
    for (std::size_t i = 0; i < vx.size(); ++i) {
      const float product = vx[i] * vw[i], scaled = vc * vx[i], square = vx[i] * vx[i];
      wrong += z[i] != call(Code::tanh, product + vc) * call(Code::exp, -square);
      wrong += y[i] != vc - scaled;
      wrong += v[i] != product - vw[i];
    }
    INFO("n = " << n);
    CHECK(wrong == 0);
  }
}

TEST_CASE("a store takes over the memory of a load, also when that is read later or two are swapped", "[tile]") {
  const std::int64_t n = 1500;
  Builder b({}, n);
  const Reg x = b.load(), y = b.load(), z = b.load();
  const Reg sum = b.op(Code::add, {x, y});
  const Reg later = b.op(Code::multiply, {x, sum});
  const Reg last = b.op(Code::subtract, {later, z});
  b.store(sum, Access::full, 0);
  b.store(later, Access::full, 2);
  b.store(last, Access::full, 1);
  b.finish();
  const auto vx = numbers(n, 1), vy = numbers(n, 2), vz = numbers(n, 3);
  auto ax = vx, ay = vy, az = vz;
  void* slots[] = {ax.data(), ay.data(), az.data()};
  run(b.p, slots, nullptr);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < vx.size(); ++i) {
    const float s = vx[i] + vy[i], l = vx[i] * s;
    wrong += ax[i] != s || az[i] != l || ay[i] != l - vz[i];
  }
  CHECK(wrong == 0);

  Builder swap({}, n);
  const Reg left = swap.load(), right = swap.load();
  swap.store(left, Access::full, 1);
  swap.store(right, Access::full, 0);
  swap.store(swap.op(Code::add, {left, right}));
  swap.finish();
  ax = vx, ay = vy;
  std::vector<float> total(vx.size());
  void* two[] = {ax.data(), ay.data(), total.data()};
  run(swap.p, two, nullptr);
  CHECK(ax == vy);
  CHECK(ay == vx);
  CHECK(total[700] == vx[700] + vy[700]);
}

TEST_CASE("one value may be stored several times, and a chain in place keeps its order", "[tile]") {
  const std::int64_t n = 1000;
  Builder b({}, n);
  const Reg x = b.load();
  const Reg twice = b.op(Code::add, {x, x});
  const Reg negative = b.op(Code::negate, {twice});
  b.store(twice, Access::full, 0);
  b.store(twice);
  b.store(negative);
  b.finish();
  const auto vx = numbers(n, 4);
  auto a = vx;
  std::vector<float> copy(vx.size()), minus(vx.size());
  void* slots[] = {a.data(), copy.data(), minus.data()};
  run(b.p, slots, nullptr);
  CHECK(a == copy);
  CHECK(a[999] == vx[999] * 2);
  CHECK(minus[3] == vx[3] * -2);
}

TEST_CASE("strided ports read any strides over up to five dimensions, and write them", "[tile]") {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    std::vector<std::int64_t> dims(random() % 5);
    for (auto& d : dims) d = 1 + random() % 4;
    const std::int64_t cols_choices[] = {1, 2, 3, 17, 64, 600};
    const std::int64_t cols = cols_choices[random() % 6];
    Builder b(dims, cols);
    const std::int64_t total = b.p.rows * cols;
    std::vector<std::int64_t> order(dims.size() + 1), strides[3], dense(dims.size() + 1);
    for (auto& s : strides) s.assign(dims.size() + 1, 0);
    std::int64_t next = 1;
    for (std::size_t d = 0; d < order.size(); ++d) order[d] = static_cast<std::int64_t>(d);
    std::shuffle(order.begin(), order.end(), random);
    for (const std::int64_t d : order) {
      const auto k = static_cast<std::size_t>(d);
      strides[0][k] = next;
      strides[1][k] = random() % 2 ? next : 0;
      next *= k < dims.size() ? dims[k] : cols;
    }
    strides[2] = strides[0];
    const std::int64_t start = strides[1].back() * (cols - 1);
    strides[1].back() = -strides[1].back();
    const Reg x = b.load(Access::strided, strides[0]), y = b.load(Access::strided, strides[1]), z = b.load();
    b.store(b.op(Code::subtract, {b.op(Code::multiply, {z, x}), y}), Access::strided, -1, strides[2]);
    b.store(b.op(Code::negate, {y}));
    b.finish(round % 2 == 0);
    auto vx = numbers(total, 1), vy = numbers(total, 2), vz = numbers(total, 3);
    std::vector<float> out(vx.size()), minus(vx.size());
    void* slots[] = {vx.data(), vy.data() + start, vz.data(), out.data(), minus.data()};
    run(b.p, slots, nullptr);
    std::size_t wrong = 0;
    for (std::int64_t i = 0; i < total; ++i) {
      std::int64_t left = i / cols, at[3];
      for (int s = 0; s < 3; ++s) at[s] = i % cols * strides[s].back();
      at[1] += start;
      for (std::size_t d = dims.size(); d-- > 0; left /= dims[d]) {
        for (int s = 0; s < 3; ++s) at[s] += left % dims[d] * strides[s][d];
      }
      const float product = vz[static_cast<std::size_t>(i)] * vx[static_cast<std::size_t>(at[0])];
      const float value = vy[static_cast<std::size_t>(at[1])];
      wrong += out[static_cast<std::size_t>(at[2])] != product - value || minus[static_cast<std::size_t>(i)] != -value;
    }
    INFO("round " << round);
    REQUIRE(wrong == 0);
  }
}

TEST_CASE("softmax rows agree with scalar code for every length, on one thread and on two", "[tile]") {
  for (const std::int64_t cols : {1, 2, 7, 10, 512, 513, 1000, 4096}) {
    const std::int64_t rows = cols < 100 ? 5003 : 203;
    Builder b({rows}, cols);
    add_softmax(b);
    b.finish(true);
    auto x = numbers(rows * cols, 6);
    std::vector<float> y(x.size()), sums(static_cast<std::size_t>(rows)), first;
    void* slots[] = {x.data(), y.data(), sums.data()};
    for (const int threads : {1, 2, 3}) {
      const Threads limit(threads);
      std::fill(y.begin(), y.end(), -1.0f);
      run(b.p, slots, nullptr);
      if (threads == 1) first = y;
      CHECK(std::memcmp(first.data(), y.data(), y.size() * sizeof(float)) == 0);
    }
    std::size_t wrong = 0;
    for (std::int64_t r = 0; r < rows; ++r) {
      std::vector<float> row(x.begin() + r * cols, x.begin() + (r + 1) * cols);
      const float top = fold(Code::row_max, row);
      for (float& v : row) v = call(Code::exp, v - top);
      const float sum = fold(Code::row_sum, row);
      wrong += sums[static_cast<std::size_t>(r)] != sum;
      for (std::size_t c = 0; c < row.size(); ++c) wrong += y[static_cast<std::size_t>(r * cols) + c] != row[c] / sum;
    }
    INFO("cols = " << cols);
    CHECK(wrong == 0);
  }
}

TEST_CASE("folding pieces and then their results gives the bits of a whole-row fold", "[tile]") {
  for (const Code code : {Code::row_sum, Code::row_max, Code::row_min}) {
    for (const std::int64_t cols : {1, 512, 513, 1024, 1500, 4096}) {
      const std::int64_t rows = 37, parts = (cols + fold_block - 1) / fold_block;
      auto x = numbers(rows * cols, 7);
      std::vector<float> whole(static_cast<std::size_t>(rows)), again = whole;
      std::vector<float> pieces(static_cast<std::size_t>(rows * parts));
      for (const bool whole_rows : {true, false}) {
        Builder b({rows}, cols);
        b.store(b.op(code, {b.load()}, Extent::row), Access::row);
        b.finish(whole_rows);
        void* slots[] = {x.data(), whole_rows ? whole.data() : pieces.data()};
        run(b.p, slots, nullptr);
      }
      Builder second({rows}, parts);
      second.store(second.op(code, {second.load()}, Extent::row), Access::row);
      second.finish();
      void* slots[] = {pieces.data(), again.data()};
      run(second.p, slots, nullptr);
      CHECK(whole == again);
    }
  }
}

TEST_CASE("spaces without elements do nothing, and sums of empty rows are zero", "[tile]") {
  for (const auto& [rows, cols] : std::vector<RowsCols>{{0, 5}, {0, 0}, {3, 0}, {2000, 0}}) {
    Builder b({rows}, cols);
    const Reg x = b.load();
    const Reg sum = b.op(Code::row_sum, {x}, Extent::row);
    b.store(b.op(Code::multiply, {x, b.op(Code::expand, {sum})}));
    b.store(sum, Access::row);
    b.finish(true);
    std::vector<float> sums(static_cast<std::size_t>(rows) + 1, 5);
    void* slots[] = {nullptr, nullptr, sums.data()};
    run(b.p, slots, nullptr);
    CHECK(std::count(sums.begin(), sums.end() - 1, 0.0f) == rows);
    CHECK(sums.back() == 5);
  }
}

TEST_CASE("row and scalar registers compute once a row and once a run", "[tile]") {
  for (const std::int64_t cols : {3, 700}) {
    const std::int64_t rows = 1100;
    Builder b({rows}, cols);
    const Reg x = b.load(), r = b.load(Access::row), s = b.load(Access::scalar);
    const Reg scaled = b.op(Code::multiply, {r, s}, Extent::row);
    const Reg twice = b.op(Code::add, {s, s}, Extent::scalar);
    const Reg filled = b.op(Code::expand, {twice});
    b.store(b.op(Code::add, {x, b.op(Code::expand, {scaled})}));
    b.store(filled);
    b.store(twice, Access::scalar);
    b.store(b.op(Code::expand, {twice}, Extent::row), Access::row);
    b.store(b.op(Code::row_sum, {b.op(Code::multiply, {x, twice})}, Extent::row), Access::row);
    b.finish(true);
    auto vx = numbers(rows * cols, 1), vr = numbers(rows, 2);
    float vs = 1.25f, doubled = 0;
    std::vector<float> y(vx.size()), fill(vx.size()), sums(vr.size()), same(vr.size());
    void* slots[] = {vx.data(), vr.data(), &vs, y.data(), fill.data(), &doubled, same.data(), sums.data()};
    run(b.p, slots, nullptr);
    CHECK(doubled == 2.5f);
    CHECK(std::count(same.begin(), same.end(), 2.5f) == rows);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < vx.size(); ++i) {
      const float row = vr[i / static_cast<std::size_t>(cols)] * vs;
      wrong += y[i] != vx[i] + row || fill[i] != 2.5f;
    }
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const auto begin = vx.begin() + static_cast<std::ptrdiff_t>(i) * cols;
      std::vector<float> row(begin, begin + cols);
      for (float& v : row) v *= 2.5f;
      wrong += sums[i] != fold(Code::row_sum, row);
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("draws depend on the element's place alone, whatever the tiles and threads", "[tile]") {
  const Draw draws[] = {{11, 3}, {0x100000000u, 0xffffffffffu}};
  for (const auto& [rows, cols] : std::vector<RowsCols>{{1, 90001}, {3001, 7}, {41, 1001}}) {
    for (const int threads : {1, 2}) {
      const Threads limit(threads);
      Builder b({rows}, cols);
      b.store(b.op(Code::uniform, {1}));
      b.store(b.op(Code::uniform, {0}, Extent::full, float64));
      b.finish(cols == 1001);
      std::vector<float> x(static_cast<std::size_t>(rows * cols));
      std::vector<double> y(x.size());
      void* slots[] = {x.data(), y.data()};
      run(b.p, slots, draws);
      std::size_t wrong = 0;
      double mean = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        const auto word = philox_block(draws[1].seed, draws[1].number, i / 4)[i % 4];
        const auto pair = philox_block(draws[0].seed, draws[0].number, i / 2);
        wrong += x[i] != uniform_float(word) || y[i] != uniform_double(pair[2 * (i % 2)], pair[2 * (i % 2) + 1]);
        mean += y[i] / static_cast<double>(x.size());
      }
      CHECK(wrong == 0);
      CHECK(std::fabs(mean - 0.5) < 0.01);
    }
  }
}

TEST_CASE("types mix in one program: compare, select, cast", "[tile]") {
  const std::int64_t n = GENERATE(1, 5, 8, 13, 3000);
  Builder b({}, n);
  const Reg x = b.load(), k = b.load(Access::full, {}, int64), zero = b.load(Access::scalar);
  const Reg positive = b.op(Code::less, {zero, x}, Extent::full, bool_);
  const Reg wide = b.op(Code::cast, {x}, Extent::full, float64);
  const Reg relu = b.op(Code::select, {positive, x, zero});
  b.store(relu);
  const Reg one = b.op(Code::cast, {positive}, Extent::full, int64);
  b.store(b.op(Code::add, {one, k}, Extent::full, int64), Access::full, 1);
  b.store(b.op(Code::multiply, {wide, wide}, Extent::full, float64));
  b.finish();
  auto vx = numbers(n, 1);
  std::vector<std::int64_t> vk(vx.size(), (std::int64_t{1} << 60) + 1);
  float none = 0;
  std::vector<float> out(vx.size());
  std::vector<double> squares(vx.size());
  void* slots[] = {vx.data(), vk.data(), &none, out.data(), squares.data()};
  run(b.p, slots, nullptr);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < vx.size(); ++i) {
    wrong += out[i] != (vx[i] > 0 ? vx[i] : 0) || vk[i] != (std::int64_t{1} << 60) + 1 + (vx[i] > 0);
    wrong += squares[i] != double(vx[i]) * double(vx[i]);
  }
  CHECK(wrong == 0);
}

TEST_CASE("long random programs give the bits of their instructions one by one", "[tile]") {
  std::mt19937 random(8);
  for (int round = 0; round < 200; ++round) {
    const std::int64_t rows_of[] = {1, 3, 60}, cols_of[] = {1, 5, 40, 530, 1300};
    const std::int64_t rows = rows_of[random() % 3], cols = cols_of[random() % 5], total = rows * cols;
    Builder b({rows}, cols);
    std::vector<Reg> full;
    std::vector<std::vector<float>> values, memory;
    for (int i = 0; i < 4; ++i) {
      full.push_back(b.load());
      values.push_back(numbers(total, random()));
    }
    memory = values;
    for (int i = 0; i < 30; ++i) {
      const Code codes[] = {Code::add, Code::subtract, Code::multiply, Code::maximum, Code::tanh, Code::row_sum};
      const Code code = codes[random() % 6];
      const std::size_t x = random() % full.size(), y = random() % full.size();
      std::vector<float> next(static_cast<std::size_t>(total));
      if (code == Code::row_sum) {
        // Squashed, so that the numbers stay small.
        const Reg sum = b.op(Code::tanh, {b.op(Code::row_sum, {full[x]}, Extent::row)}, Extent::row);
        full.push_back(b.op(Code::expand, {sum}));
        for (std::int64_t r = 0; r < rows; ++r) {
          const auto begin = values[x].begin() + r * cols;
          std::fill_n(next.begin() + r * cols, cols, call(Code::tanh, fold(code, {begin, begin + cols})));
        }
      } else {
        full.push_back(b.op(code, code == Code::tanh ? std::vector<Reg>{full[x]} : std::vector<Reg>{full[x], full[y]}));
        for (std::size_t k = 0; k < next.size(); ++k) next[k] = call(code, values[x][k], values[y][k]);
      }
      values.push_back(next);
    }
    // Stores take over the loads' memory, as many as there are, or go to their own.
    std::vector<std::size_t> stored;
    for (std::size_t k = 0; k < full.size() && stored.size() < 6; ++k) {
      if (random() % 4 != 0) continue;
      const bool takes_over = stored.size() < 4 && random() % 4 != 0;
      b.store(full[k], Access::full, takes_over ? static_cast<int>(stored.size()) : -1);
      stored.push_back(k);
    }
    b.finish(true);
    memory.resize(static_cast<std::size_t>(b.slots), std::vector<float>(static_cast<std::size_t>(total)));
    std::vector<void*> slots;
    for (auto& m : memory) slots.push_back(m.data());
    run(b.p, slots.data(), nullptr);
    for (std::size_t k = 0; k < stored.size(); ++k) {
      const auto& got = memory[b.p.stores[k].slot];
      INFO("round " << round << " store " << k);
      REQUIRE(std::equal(got.begin(), got.end(), values[stored[k]].begin(), [](float u, float v) {
        return u == v || (std::isnan(u) && std::isnan(v));
      }));
    }
  }
}

TEST_CASE("a wrong program is refused with what was expected", "[tile]") {
  Builder types({}, 8);
  types.op(Code::add, {types.load(), types.load(Access::full, {}, float64)});
  CHECK_THROWS_WITH(types.finish(), Catch::Contains("expected float32, got float64"));
  Builder twice({}, 8);
  const Reg x = twice.load();
  twice.op(Code::negate, {x});
  twice.p.code.back().out = x;
  CHECK_THROWS_AS(twice.finish(), std::logic_error);
  Builder unknown({}, 8);
  unknown.op(Code::sqrt, {unknown.load(Access::full, {}, int32)}, Extent::full, int32);
  CHECK_THROWS_WITH(unknown.finish(), Catch::Contains("supported"));
  Builder wide({4}, 5000);
  CHECK_THROWS_AS(wide.finish(true), std::logic_error);
  Builder row({4}, 8);
  row.store(row.load(Access::row));
  CHECK_THROWS_AS(row.finish(), std::logic_error);
}
