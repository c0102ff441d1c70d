#include "kernels_reference.hpp"

#include <catch2/catch.hpp>

#include <xgrad/kernels/lanes.hpp>
#include <xgrad/kernels/philox.hpp>
#include <xgrad/kernels/pool.hpp>
#include <xgrad/kernels/tile.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

using namespace xgrad;
using namespace xgrad::kernels;
using namespace kernels_reference;

namespace {

constexpr DType all_types[] = {bool_, uint8, int32, int64, float32, float64};
constexpr double infinity = std::numeric_limits<double>::infinity();
const double nan_value = std::numeric_limits<double>::quiet_NaN();
// Functions of one real number with a vector kernel are all from `exp` to here.
constexpr Code last_checked = Code::erfc, last_vector = Code::erfinv;

std::vector<Lanes> all_lanes() {
  std::vector<Lanes> result{lanes_baseline()};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) result.push_back(lanes_avx2());
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl")) {
    result.push_back(lanes_avx512());
  }
  return result;
}

std::vector<Value> samples(DType type, std::size_t count, std::mt19937_64& random) {
  const double floats[] = {0.0, -0.0, 1, -1, 0.5, -2.5, 3e9, -3e9, 1e19, -1e19, 255.5, 256, -0.5, 2147483520.0,
                           2147483648.0, -2147483648.0, infinity, -infinity, nan_value, 1e-40, -1e-310, 1e30};
  const std::int64_t integers[] = {0, 1, -1, 2, 255, 128, std::numeric_limits<std::int32_t>::max(),
                                   std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int64_t>::max(),
                                   std::numeric_limits<std::int64_t>::min(), (std::int64_t{1} << 53) + 1};
  std::vector<Value> result;
  for (std::size_t i = 0; i < count; ++i) {
    Value v{std::ldexp(static_cast<double>(random() % 2000001) - 1e6, -18), 0};
    v.i = static_cast<std::int64_t>(random() % 200) - 100;
    if (random() % 3 == 0) v = {floats[random() % std::size(floats)], integers[random() % std::size(integers)]};
    if (type == bool_) v.i &= 1;
    result.push_back(round_to(type, v));
  }
  return result;
}

std::vector<std::byte> pack(DType type, const std::vector<Value>& values) {
  std::vector<std::byte> bytes(values.size() * size_of(type) + 8);
  for (std::size_t i = 0; i < values.size(); ++i) write(type, bytes.data() + i * size_of(type), values[i]);
  return bytes;
}

// Runs one kernel in one form, also over its own operand, and compares every element.
void check_kernel(const Lanes& lanes, Code code, DType in, DType out, unsigned form, std::size_t count,
                  std::mt19937_64& random) {
  const Kernel kernel = lanes.find(code, in, out, form);
  const int n = operands(code);
  std::vector<Value> x[3];
  std::vector<std::byte> bytes[3];
  DType types[3] = {code == Code::select ? bool_ : in, in, in};
  for (int k = 0; k < n; ++k) {
    x[k] = samples(types[k], form >> k & 1 ? 1 : count, random);
    bytes[k] = pack(types[k], x[k]);
  }
  std::vector<std::byte> result(count * size_of(out) + 8, std::byte{0x5a});
  const auto at = [&](int k, std::size_t i) { return k < n ? x[k][form >> k & 1 ? 0 : i] : Value{}; };
  const auto check = [&](const std::byte* got) {
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const Value v = read(out, got + i * size_of(out));
      const Value a = at(0, i), b = at(1, i), c = at(2, i);
      if (is_rounded_math(code) && is_floating(in)) {
        wrong += !(ulps(in, v.f, math_reference(code, a.f, b.f)) <= most_ulps(code));
      } else {
        Value wanted = apply(code, in, out, a, b, c);
        const bool zeros = (code == Code::maximum || code == Code::minimum) && a.f == 0 && b.f == 0;
        wrong += !(zeros && is_floating(in) ? v.f == 0 : same(out, v, wanted));
      }
    }
    INFO(lanes.name << " code " << int(code) << " " << name_of(in) << " -> " << name_of(out) << " form " << form
                    << " count " << count);
    CHECK(wrong == 0);
  };
  kernel(result.data(), bytes[0].data(), bytes[1].data(), bytes[2].data(), static_cast<std::int64_t>(count));
  check(result.data());
  for (std::size_t i = count * size_of(out); i < result.size(); ++i) CHECK(result[i] == std::byte{0x5a});
  for (int k = 0; k < n; ++k) {
    if ((form >> k & 1) || size_of(types[k]) != size_of(out)) continue;
    std::vector<std::byte> place = bytes[k];
    const void* operand[3] = {bytes[0].data(), bytes[1].data(), bytes[2].data()};
    operand[k] = place.data();
    kernel(place.data(), operand[0], operand[1], operand[2], static_cast<std::int64_t>(count));
    check(place.data());
  }
}

// The documented order of a fold, element by element.
template <class T, class F>
T fold_reference(std::vector<T> x, T start, F f) {
  do {
    std::vector<T> next;
    for (std::size_t begin = 0; begin == 0 || begin < x.size(); begin += fold_block) {
      std::vector<T> lane(32, start);
      const std::size_t end = std::min(x.size(), begin + fold_block);
      for (std::size_t i = begin; i < end; ++i) lane[(i - begin) % 32] = f(lane[(i - begin) % 32], x[i]);
      for (std::size_t half = 16; half > 0; half /= 2) {
        for (std::size_t i = 0; i < half; ++i) lane[i] = f(lane[i], lane[i + half]);
      }
      next.push_back(lane[0]);
    }
    x = next;
  } while (x.size() > 1);
  return x[0];
}

}  // namespace

TEST_CASE("every kernel agrees with scalar code in every form, at every short length, also in place", "[tile]") {
  std::mt19937_64 random(1);
  for (const Lanes& lanes : all_lanes()) {
    for (int code = int(Code::copy); code <= int(Code::select); ++code) {
      // Those without a reference here are compared with others' numbers where operations are tested.
      if (is_special(Code(code)) || Code(code) == Code::erfinv || Code(code) == Code::log_add_exp) continue;
      for (const DType in : all_types) {
        for (const DType out : all_types) {
          for (unsigned form = 0; form < 7; ++form) {
            if (!lanes.find(Code(code), in, out, form) || form >> operands(Code(code)) != 0) continue;
            for (const std::size_t count : {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 33, 67, 300}) {
              check_kernel(lanes, Code(code), in, out, form, count, random);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("the table of supported instructions is the same for all instruction sets and as documented", "[tile]") {
  for (const Lanes& lanes : all_lanes()) {
    for (int code = 0; code <= int(Code::expand); ++code) {
      for (const DType in : all_types) {
        for (const DType out : all_types) {
          CHECK((lanes.find(Code(code), in, out, 0) != nullptr) == supported(Code(code), in, out));
        }
      }
    }
  }
  for (const DType a : all_types) {
    for (const DType b : all_types) CHECK(supported(Code::cast, a, b));
    for (const Code code : {Code::copy, Code::select, Code::maximum, Code::minimum, Code::row_max, Code::row_min,
                            Code::expand}) {
      CHECK(supported(code, a, a));
    }
    for (const Code code : {Code::equal, Code::not_equal, Code::less, Code::less_equal, Code::logical_and,
                            Code::logical_or, Code::logical_not}) {
      CHECK(supported(code, a, bool_));
      CHECK((a == bool_ || !supported(code, a, a)));
    }
    for (const Code code : {Code::add, Code::multiply, Code::bitwise_and, Code::bitwise_or, Code::bitwise_xor,
                            Code::invert}) {
      CHECK(supported(code, a, a) == (code < Code::bitwise_and && code >= Code::add ? true : !is_floating(a)));
    }
    for (const Code code : {Code::left_shift, Code::right_shift, Code::gcd}) {
      CHECK(supported(code, a, a) == (a != bool_ && !is_floating(a)));
    }
    for (const Code code : {Code::subtract, Code::power, Code::negate, Code::absolute, Code::sign, Code::square,
                            Code::floor_divide, Code::remainder, Code::fmod, Code::row_sum}) {
      CHECK(supported(code, a, a) == (a != bool_));
    }
    for (const Code code : {Code::divide, Code::sqrt, Code::reciprocal, Code::exp, Code::expm1, Code::log, Code::log1p,
                            Code::sin, Code::cos, Code::tanh, Code::sigmoid, Code::softplus, Code::floor, Code::ceil,
                            Code::trunc, Code::rint, Code::tan, Code::arctan2, Code::hypot, Code::copysign,
                            Code::nextafter, Code::erf, Code::log_gamma, Code::polygamma, Code::bessel_ie}) {
      CHECK(supported(code, a, a) == is_floating(a));
    }
    CHECK(supported(Code::uniform, a, a) == is_floating(a));
    CHECK(supported(Code::is_nan, a, bool_) == is_floating(a));
    CHECK_FALSE(supported(Code::none, a, a));
  }
  CHECK_FALSE(supported(Code::add, float32, float64));
}

TEST_CASE("transcendental functions are good to 3 ulp, tan and erfc to 4, over wide arguments", "[tile]") {
  std::mt19937_64 random(2);
  for (const Lanes& lanes : all_lanes()) {
    for (const DType type : {float32, float64}) {
      const double top = type == float32 ? 110 : 750;
      for (int code = int(Code::exp); code <= int(last_checked); ++code) {
        std::vector<Value> x;
        for (int i = 0; i < 40000; ++i) {
          const double unit = static_cast<double>(random() >> 11) * 0x1p-53;
          double v = (unit * 2 - 1) * (i % 2 ? top : 3);
          if (i % 3 == 0) v = std::ldexp(unit + 1, static_cast<int>(random() % 60) - 40) * (i % 2 ? 1 : -1);
          if (Code(code) == Code::log) v = std::fabs(v);
          if (Code(code) == Code::log1p && v < -1) v = -1 / v;
          x.push_back(round_to(type, {v, 0}));
        }
        const auto bytes = pack(type, x);
        auto out = bytes;
        lanes.find(Code(code), type, type, 0)(out.data(), bytes.data(), nullptr, nullptr, 40000);
        double worst = 0, where = 0;
        for (std::size_t i = 0; i < x.size(); ++i) {
          const double got = read(type, out.data() + i * size_of(type)).f;
          const double off = ulps(type, got, math_reference(Code(code), x[i].f));
          if (!(off <= worst)) worst = off, where = x[i].f;
        }
        INFO(lanes.name << " code " << code << " " << name_of(type) << " at " << where);
        CHECK(worst <= most_ulps(Code(code)));
      }
    }
  }
}

TEST_CASE("transcendental functions keep special values and signed zeros", "[tile]") {
  for (const Lanes& lanes : all_lanes()) {
    for (const DType type : {float32, float64}) {
      const double tiny = type == float32 ? 1e-42 : 1e-310, near_top = type == float32 ? 88.7 : 709.7;
      const double inputs[] = {nan_value, infinity,  -infinity, 0.0, -0.0, tiny,   -tiny,
                               near_top,  -near_top, -1,        1e30, -1e30, -103.5, -740};
      for (int code = int(Code::exp); code <= int(last_checked); ++code) {
        for (const double raw : inputs) {
          const Value x = round_to(type, {raw, 0});
          const auto bytes = pack(type, {x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x});
          auto out = bytes;
          const auto kernel = lanes.find(Code(code), type, type, 0);
          for (const std::int64_t count : {1, 5, 17}) {
            kernel(out.data(), bytes.data(), nullptr, nullptr, count);
            const double got = read(type, out.data()).f;
            const long double wanted = math_reference(Code(code), x.f);
            INFO(lanes.name << " code " << code << " " << name_of(type) << " of " << raw << " gave " << got);
            CHECK(ulps(type, got, wanted) <= most_ulps(Code(code)));
            if (wanted == 0) CHECK(std::signbit(got) == std::signbit(wanted));
          }
        }
      }
    }
  }
}

TEST_CASE("a value has the same bits at every position, count and neighbourhood", "[tile]") {
  std::mt19937_64 random(3);
  for (const Lanes& lanes : all_lanes()) {
    for (const DType type : {float32, float64}) {
      for (int code = int(Code::exp); code <= int(last_vector); ++code) {
        const auto kernel = lanes.find(Code(code), type, type, 0);
        const std::size_t size = size_of(type);
        std::size_t wrong = 0;
        for (const double number : {0.1, -0.7, 1.3, 87.5, -95.0, 900.0, 2000.0, 3e6, 1e-41}) {
          const Value x = round_to(type, {number, 0});
          std::byte alone[8], one[8];
          write(type, one, x);
          kernel(alone, one, nullptr, nullptr, 1);
          for (std::int64_t count = 1; count <= 40; ++count) {
            auto bytes = pack(type, samples(type, static_cast<std::size_t>(count), random));
            const std::size_t place = random() % static_cast<std::size_t>(count);
            write(type, bytes.data() + place * size, x);
            kernel(bytes.data(), bytes.data(), nullptr, nullptr, count);
            const std::byte* got = bytes.data() + place * size;
            const bool both_nan = std::isnan(read(type, alone).f) && std::isnan(read(type, got).f);
            wrong += !both_nan && std::memcmp(got, alone, size) != 0;
          }
        }
        INFO(lanes.name << " code " << code << " " << name_of(type));
        CHECK(wrong == 0);
      }
    }
  }
}

TEST_CASE("a fold has the documented order, whatever the alignment", "[tile]") {
  std::mt19937_64 random(4);
  for (const Lanes& lanes : all_lanes()) {
    for (const std::int64_t cols : {0, 1, 2, 7, 10, 15, 16, 17, 31, 512, 513, 1000, 4095, 4096}) {
      const auto n = static_cast<std::size_t>(cols);
      std::vector<float> x(n + 8);
      for (float& v : x) v = static_cast<float>(random() % 1000000) * 1e-3f - 300;
      for (const std::size_t shift : {0, 1, 5}) {
        std::memmove(x.data() + shift, x.data(), n * sizeof(float));
        const std::vector<float> row(x.begin() + static_cast<std::ptrdiff_t>(shift),
                                     x.begin() + static_cast<std::ptrdiff_t>(shift + n));
        float got = -1;
        lanes.find(Code::row_sum, float32, float32, 0)(&got, x.data() + shift, nullptr, &cols, 1);
        INFO(lanes.name << " " << cols << " shifted by " << shift);
        CHECK(got == fold_reference(row, 0.0f, [](float a, float b) { return a + b; }));
        if (cols == 0) continue;
        lanes.find(Code::row_max, float32, float32, 0)(&got, x.data() + shift, nullptr, &cols, 1);
        CHECK(got == *std::max_element(row.begin(), row.end()));
        lanes.find(Code::row_min, float32, float32, 0)(&got, x.data() + shift, nullptr, &cols, 1);
        CHECK(got == *std::min_element(row.begin(), row.end()));
        auto with_nan = row;
        with_nan[random() % n] = std::numeric_limits<float>::quiet_NaN();
        lanes.find(Code::row_max, float32, float32, 0)(&got, with_nan.data(), nullptr, &cols, 1);
        CHECK(std::isnan(got));
        lanes.find(Code::row_min, float32, float32, 0)(&got, with_nan.data(), nullptr, &cols, 1);
        CHECK(std::isnan(got));
      }
      std::vector<std::int64_t> integers(n);
      std::vector<std::uint8_t> bytes(n);
      for (std::size_t i = 0; i < n; ++i) integers[i] = static_cast<std::int64_t>(random()), bytes[i] = random() & 255;
      std::uint64_t sum = 0;
      std::uint8_t small = 0;
      for (const auto v : integers) sum += static_cast<std::uint64_t>(v);
      for (const auto v : bytes) small = static_cast<std::uint8_t>(small + v);
      std::int64_t got = 1;
      lanes.find(Code::row_sum, int64, int64, 0)(&got, integers.data(), nullptr, &cols, 1);
      CHECK(got == static_cast<std::int64_t>(sum));
      std::uint8_t got_small = 1;
      lanes.find(Code::row_sum, uint8, uint8, 0)(&got_small, bytes.data(), nullptr, &cols, 1);
      CHECK(got_small == small);
      if (cols == 0) continue;
      lanes.find(Code::row_max, int64, int64, 0)(&got, integers.data(), nullptr, &cols, 1);
      CHECK(got == *std::max_element(integers.begin(), integers.end()));
      lanes.find(Code::row_min, uint8, uint8, 0)(&got_small, bytes.data(), nullptr, &cols, 1);
      CHECK(got_small == *std::min_element(bytes.begin(), bytes.end()));
    }
  }
}

TEST_CASE("Philox gives the published answers", "[tile]") {
  using Four = std::array<std::uint32_t, 4>;
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Four{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        Four{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Four{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("uniform draws are words of Philox blocks, from any first element", "[tile]") {
  for (const Lanes& lanes : all_lanes()) {
    for (const std::int64_t first : {std::int64_t{0}, std::int64_t{1}, std::int64_t{6}, (std::int64_t{1} << 34) - 9}) {
      for (const std::int64_t count : {0, 1, 3, 16, 31, 64, 100, 517}) {
        const DrawState state{0x123456789abcdef0u, 0xfedcba9876543210u, first};
        std::vector<float> x(static_cast<std::size_t>(count) + 1, 7);
        std::vector<double> y(static_cast<std::size_t>(count) + 1, 7);
        lanes.find(Code::uniform, float32, float32, 0)(x.data(), &state, nullptr, nullptr, count);
        lanes.find(Code::uniform, float64, float64, 0)(y.data(), &state, nullptr, nullptr, count);
        std::size_t wrong = (x.back() != 7) + (y.back() != 7);
        for (std::int64_t i = 0; i < count; ++i) {
          const auto e = static_cast<std::uint64_t>(first + i);
          const auto four = philox_block(state.seed, state.number, e / 4);
          const auto two = philox_block(state.seed, state.number, e / 2);
          const std::uint64_t wide = (std::uint64_t{two[2 * (e % 2) + 1]} << 32) | two[2 * (e % 2)];
          wrong += x[static_cast<std::size_t>(i)] != static_cast<float>(four[e % 4] >> 8) * 0x1p-24f;
          wrong += y[static_cast<std::size_t>(i)] != static_cast<double>(wide >> 11) * 0x1p-53;
        }
        INFO(lanes.name << " first " << first << " count " << count);
        CHECK(wrong == 0);
      }
    }
  }
}
