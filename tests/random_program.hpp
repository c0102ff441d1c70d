#pragma once
// A program over Tensors as data: a list of steps that can be run in several ways, printed and made smaller.

#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/generator.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/parameter.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <cstring>
#include <limits>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace random_program {

using namespace xgrad;
using Integers = std::vector<std::int64_t>;

/// splitmix64: a new number at each call, the same ones on every machine.
struct Random {
  std::uint64_t state;
  std::uint64_t next() {
    std::uint64_t x = state += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
  }
  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(n)); }
  bool chance(int percent) { return below(100) < percent; }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }
};

struct Form;

/// One line of a program. Values are known by numbers that stay theirs when other lines go.
struct Step {
  const Form* form = nullptr;
  std::vector<int> in;    ///< values
  Integers n;             ///< whatever else the form wants
  std::vector<int> out;   ///< values
  bool no_grad = false;
  Shape shape;            ///< of the first result
  DType dtype = float32;
};

struct ParameterStep {
  Shape shape;
  DType dtype = float32;
  std::int64_t seed = 0;
};

struct Program {
  std::uint64_t seed = 0;
  std::vector<ParameterStep> parameters;
  std::vector<Step> steps;
};

/// A program being run.
struct Run {
  int set = 0;              ///< which leaf values
  bool hold = false;        ///< dropped handles go to `dropped`
  bool only_record = false;
  std::span<const Tensor> leaves;  ///< if not empty: what the leaf steps give, in their order
  std::size_t next_leaf = 0;
  std::map<int, Tensor> values;
  std::map<int, Tensor> dropped;
  std::vector<Parameter> parameters, first_moments, second_moments;
  Generator generator{77};
  int updates = 0;

  const Tensor& value(int id) const { return values.at(id); }
};

struct Maker;

/// A kind of line: how it runs, and how a random one is chosen (false: not now).
struct Form {
  const char* name;
  int weight;
  void (*run)(Run& run, const Step& step);
  bool (*choose)(Maker& maker, Step& step);
};

// --- numbers and leaves ---------------------------------------------------------------------------------------------

/// The C++ number k of a set of values: the first ones are the same in every set, some others meet in one set only.
inline double number_of(int set, std::int64_t k) {
  static constexpr double fixed[] = {0.0, 1.0, -1.0, 2.0, 0.5, -0.0, 3.0, -2.0};
  static constexpr double varied[][2] = {{0.3, 0.3}, {0.3, 0.7}, {1.0, 0.25}, {0.25, 0.0}, {-1.5, 2.0}, {0.9, 1.0}};
  if (k < 8) return fixed[k];
  if (k < 14) return varied[k - 8][set];
  return 0.1 * static_cast<double>(k) + 0.01 * set;
}
inline constexpr std::int64_t number_count = 20;

/// kind 0: around zero; 1: positive; 2: with zeros of both signs, infinities and NaN; integers: small, or (2) all bits.
inline Tensor leaf_of(int set, const Shape& shape, DType dtype, std::int64_t seed, std::int64_t kind) {
  Random random{static_cast<std::uint64_t>(seed) * 1000003u + static_cast<std::uint64_t>(set)};
  constexpr double infinity = std::numeric_limits<double>::infinity();
  constexpr double specials[] = {0.0, -0.0, infinity, -infinity, std::numeric_limits<double>::quiet_NaN(), 1.0};
  const std::size_t size = static_cast<std::size_t>(shape.size());
  if (is_floating(dtype)) {
    std::vector<double> numbers(size);
    for (double& x : numbers) {
      x = random.unit() * 4 - 2;
      if (kind == 1) x = x < 0 ? 0.1 - x : 0.1 + x;
      if (kind == 2 && random.chance(10)) x = specials[random.below(6)];
      if (kind == 3) x = static_cast<double>(random.below(3)) - 1;
    }
    return tensor(numbers, shape, {.dtype = dtype});
  }
  std::vector<std::int64_t> numbers(size);
  for (std::int64_t& x : numbers) x = kind == 2 ? static_cast<std::int64_t>(random.next()) : random.below(12) - 4;
  if (dtype == bool_ || dtype == uint8)
    for (std::int64_t& x : numbers) x &= dtype == bool_ ? 1 : 255;
  return tensor(numbers, shape, {.dtype = dtype});
}

inline Shape shape_from(const Integers& n, std::size_t first) {
  return Shape(std::span<const std::int64_t>(n).subspan(first));
}
/// The value of a step whose form is "leaf".
inline Tensor leaf_of(int set, const Step& step) {
  return leaf_of(set, shape_from(step.n, 3), static_cast<DType>(step.n[0]), step.n[1], step.n[2]);
}
/// n[first]: how many axes (-1: all), then the axes.
inline Axes axes_from(const Integers& n, std::size_t first) {
  const auto axis = [&](std::size_t k) { return static_cast<int>(n[first + 1 + k]); };
  switch (n[first]) {
    case 0: return Axes::none();
    case 1: return Axes(axis(0));
    case 2: return Axes({axis(0), axis(1)});
    case 3: return Axes({axis(0), axis(1), axis(2)});
    default: return Axes();
  }
}

// --- running --------------------------------------------------------------------------------------------------------

inline void put(Run& run, const Step& step, Tensor value) { run.values[step.out[0]] = std::move(value); }

inline void declare(Run& run, const Program& program) {
  for (std::size_t i = 0; i < program.parameters.size(); ++i) {
    const ParameterStep& p = program.parameters[i];
    run.parameters.emplace_back(leaf_of(run.set, p.shape, p.dtype, p.seed, 0), "p" + std::to_string(i));
    run.first_moments.emplace_back(zeros(p.shape, {.dtype = p.dtype}), "m" + std::to_string(i), false);
    run.second_moments.emplace_back(zeros(p.shape, {.dtype = p.dtype}), "v" + std::to_string(i), false);
  }
}

inline void execute(Run& run, const Step& step) {
  if (!step.no_grad) return step.form->run(run, step);
  const NoGrad scope;
  step.form->run(run, step);
}

/// The elements of a tensor as bytes.
struct Snapshot {
  DType dtype = float32;
  Shape shape;
  std::vector<std::byte> bytes;
};

inline Snapshot snapshot(const Tensor& tensor) {
  Snapshot result{tensor.dtype(), tensor.shape(), {}};
  with_dtype(tensor.dtype(), [&]<class T>(T) {
    if constexpr (std::is_same_v<T, bool>) {
      for (const auto x : tensor.to_vector<std::uint8_t>()) result.bytes.push_back(std::byte{x});
    } else {
      const std::vector<T> elements = tensor.to_vector<T>();
      result.bytes.resize(elements.size() * sizeof(T));
      if (!elements.empty()) std::memcpy(result.bytes.data(), elements.data(), result.bytes.size());
    }
  });
  return result;
}

/// Where two snapshots differ, as text; empty if nowhere. One NaN is as good as another.
inline std::string difference(const Snapshot& a, const Snapshot& b) {
  if (a.dtype != b.dtype || !(a.shape == b.shape))
    return std::string(name_of(a.dtype)) + to_string(a.shape) + " against " + name_of(b.dtype) + to_string(b.shape);
  std::ostringstream text;
  text.precision(17);
  with_dtype(a.dtype, [&]<class T>(T) {
    for (std::size_t at = 0; at * sizeof(T) < a.bytes.size(); ++at) {
      T x, y;
      std::memcpy(&x, a.bytes.data() + at * sizeof(T), sizeof(T));
      std::memcpy(&y, b.bytes.data() + at * sizeof(T), sizeof(T));
      if (std::memcmp(&x, &y, sizeof(T)) == 0 || (x != x && y != y)) continue;
      text << "element " << at << " is " << +x << " against " << +y;
      return;
    }
  });
  return text.str();
}

// --- printing -------------------------------------------------------------------------------------------------------

inline std::string to_code(const Program& program) {
  std::ostringstream out;
  out << "// seed " << program.seed << "\n";
  for (std::size_t i = 0; i < program.parameters.size(); ++i) {
    const ParameterStep& p = program.parameters[i];
    out << "Parameter p" << i << "(leaf({" << p.seed << "}), " << name_of(p.dtype) << to_string(p.shape) << ");\n";
  }
  for (const Step& step : program.steps) {
    if (step.no_grad) out << "{ NoGrad scope; ";
    const char* separator = "auto [";
    if (step.out.size() == 1) separator = "Tensor ";
    for (const int id : step.out) {
      out << separator << "v" << id;
      separator = ", ";
    }
    if (!step.out.empty()) out << (step.out.size() > 1 ? "] = " : " = ");
    out << step.form->name << "(";
    separator = "";
    for (const int id : step.in) {
      out << separator << "v" << id;
      separator = ", ";
    }
    if (!step.n.empty()) {
      out << separator << "{";
      for (std::size_t k = 0; k < step.n.size(); ++k) out << (k ? ", " : "") << step.n[k];
      out << "}";
    }
    out << ");" << (step.no_grad ? " }" : "");
    if (!step.out.empty()) out << "  // " << name_of(step.dtype) << to_string(step.shape);
    out << "\n";
  }
  return out.str();
}

}  // namespace random_program
