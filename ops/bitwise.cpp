#include <xgrad/ops/bitwise.hpp>

#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/table.hpp>

namespace xgrad {
namespace {

using kernels::Code;

constexpr Op of_bits(const char* name, Code code, const char* symbol = nullptr) {
  return {.name = name, .kind = Kind::elementwise, .code = code, .symbol = symbol};
}
constexpr Op and_op = of_bits("bitwise_and", Code::bitwise_and, "&");
constexpr Op or_op = of_bits("bitwise_or", Code::bitwise_or, "|");
constexpr Op xor_op = of_bits("bitwise_xor", Code::bitwise_xor, "^");
constexpr Op not_op = of_bits("bitwise_not", Code::invert, "~");
constexpr Op left_shift_op = of_bits("left_shift", Code::left_shift, "<<");
constexpr Op right_shift_op = of_bits("right_shift", Code::right_shift, ">>");
constexpr Op gcd_op = of_bits("gcd", Code::gcd);

}  // namespace

Tensor bitwise_and(const Arg& a, const Arg& b) { return record(and_op, a, b); }
Tensor bitwise_or(const Arg& a, const Arg& b) { return record(or_op, a, b); }
Tensor bitwise_xor(const Arg& a, const Arg& b) { return record(xor_op, a, b); }
Tensor bitwise_not(const Arg& x) { return record(not_op, x); }
Tensor left_shift(const Arg& a, const Arg& b) { return record(left_shift_op, a, b); }
Tensor right_shift(const Arg& a, const Arg& b) { return record(right_shift_op, a, b); }
Tensor gcd(const Arg& a, const Arg& b) { return record(gcd_op, a, b); }

// Divided before multiplying, so that nothing overflows unless the result does; 0 / 0 is 0 among integers.
Tensor lcm(const Arg& a, const Arg& b) {
  const Within here("lcm", a);
  return multiply(floor_divide(abs(a), gcd(a, b)), abs(b));
}

Rows bitwise_rows() {
  const char* const no_slope = "its values are whole";
  static const std::vector<Row> rows = [&] {
    const auto number = [](const Shape& shape, double low, double high, bool strided = false) {
      return SampleInput{.shape = shape, .low = low, .high = high, .dtype = int64, .strided = strided};
    };
    const auto pairs = [&](double low, double high) {
      return std::vector<Sample>{{{number({2, 3}, -90, 90), number({2, 3}, low, high)}},
                                 {{number({2, 1}, -90, 90), number({3}, low, high)}},
                                 {{number({}, -90, 90), number({}, low, high)}},
                                 {{number({0, 3}, -90, 90), number({3}, low, high)}},
                                 {{number({3, 2}, -90, 90, true), number({3, 2}, low, high)}}};
    };
    const std::vector<Sample> any = pairs(-90, 90), few = pairs(0, 9);
    const std::vector<Sample> one = {{{number({2, 3}, -90, 90)}},
                                     {{{.shape = {3, 4}, .low = -90, .high = 90, .dtype = int64, .broadcast = true}}},
                                     {{number({}, -90, 90)}},
                                     {{number({0, 3}, -90, 90)}},
                                     {{number({3, 2}, -90, 90, true)}}};
    return std::vector<Row>{
        {.name = "bitwise_and",
         .call = call_binary<bitwise_and>,
         .samples = any,
         .special = {{[] {
                        return ints({12, -1, -8}) & ints({10, 7, 13});
                      },
                      {8, 7, 8}},
                     {[] {
                        return bitwise_and(cast(ints({0, 1, 1}), bool_), cast(ints({1, 1, 0}), bool_));
                      },
                      {0, 1, 0}}},
         .errors = {{[] {
                       return bitwise_and(zeros({2}), ints({1, 2}));
                     },
                     "[bitwise_and] expected a dtype"},
                    {[] {
                       return bitwise_and(ints({1, 2}), ints({1, 2, 3}));
                     },
                     "[bitwise_and] expected shapes"}},
         .no_derivative = no_slope},
        {.name = "bitwise_or",
         .call = call_binary<bitwise_or>,
         .samples = any,
         .special = {{[] {
                        return ints({12, -1, -8}) | ints({10, 7, 13});
                      },
                      {14, -1, -3}}},
         .errors = {{[] {
                       return bitwise_or(1.5, ints({1, 2}));
                     },
                     "[bitwise_or]"}},
         .no_derivative = no_slope},
        {.name = "bitwise_xor",
         .call = call_binary<bitwise_xor>,
         .samples = any,
         .special = {{[] {
                        return ints({12, -1, -8}) ^ ints({10, 7, 13});
                      },
                      {6, -8, -11}}},
         .errors = {{[] { return bitwise_xor(zeros({2}), zeros({2})); }, "[bitwise_xor]"}},
         .no_derivative = no_slope},
        {.name = "bitwise_not",
         .call = call_unary<bitwise_not>,
         .samples = one,
         .special = {{[] {
                        return ~ints({0, -1, 5});
                      },
                      {-1, 0, -6}},
                     {[] {
                        return invert(tensor({0, 200}, {.dtype = uint8}));
                      },
                      {255, 55}},
                     {[] {
                        return ~cast(ints({0, 1}), bool_);
                      },
                      {1, 0}}},
         .errors = {{[] { return bitwise_not(zeros({2})); }, "[bitwise_not]"}},
         .no_derivative = no_slope},
        {.name = "invert", .call = call_unary<invert>, .samples = one, .no_derivative = no_slope},
        {.name = "left_shift",
         .call = call_binary<left_shift>,
         .samples = few,
         .special = {{[] {
                        return left_shift(ints({3, -3, 1, 1, 1}), ints({2, 2, 62, 64, -1}));
                      },
                      {12, -12, 0x1p62, 0, 0}},
                     {[] {
                        return left_shift(tensor({200, 1}, {.dtype = uint8}), 1);
                      },
                      {144, 2}}},
         .errors = {{[] { return left_shift(zeros({2}), 1); }, "[left_shift]"},
                    {[] { return left_shift(Tensor(true), Tensor(true)); }, "[left_shift]"}},
         .no_derivative = no_slope},
        {.name = "right_shift",
         .call = call_binary<right_shift>,
         .samples = few,
         .special = {{[] {
                        return right_shift(ints({12, -12, -1, 7, -7}), ints({2, 2, 63, 64, -1}));
                      },
                      {3, -3, -1, 0, -1}}},
         .errors = {{[] { return right_shift(zeros({2}), 1); }, "[right_shift]"}},
         .no_derivative = no_slope},
        {.name = "gcd",
         .call = call_binary<gcd>,
         .samples = any,
         .special = {{[] {
                        return gcd(ints({12, -12, 0, 0, 0x1p62}), ints({18, 30, 5, 0, 0x1p40}));
                      },
                      {6, 6, 5, 0, 0x1p40}}},
         .errors = {{[] { return gcd(zeros({2}), 1); }, "[gcd]"}},
         .no_derivative = no_slope},
        {.name = "lcm",
         .call = call_binary<lcm>,
         .samples = any,
         .special = {{[] {
                        return lcm(ints({4, -4, 0, 0x1p40}), ints({6, 6, 0, 0x1p39}));
                      },
                      {12, 12, 0, 0x1p40}}},
         .errors = {{[] { return lcm(zeros({2}), 1); }, "[lcm"}},
         .no_derivative = no_slope},
    };
  }();
  return rows;
}

}  // namespace xgrad
