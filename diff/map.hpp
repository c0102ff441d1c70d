#pragma once
/// A function of numbers as an elementwise operation with derivatives of its own.

#include <xgrad/diff/lane_math.hpp>
#include <xgrad/diff/op_name.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/op.hpp>
#include <xgrad/kernels/pool.hpp>

#include <array>
#include <concepts>
#include <utility>

namespace xgrad {

/// The parts of `map` that do not depend on the function.
struct MapParts {
  static void infer(Recording& call);
  /// Inputs that the operation can read: each of the result's shape or of one element. Undefined for C++ numbers.
  static std::vector<Tensor> fitted(std::span<const Arg> inputs, const char* name);
  static Tensor lead(const Applied& call, std::span<const Tensor> in, std::span<const std::uint8_t> leads,
                     std::int64_t count);
  /// The gradient that reaches input k, from the weighted derivative by it.
  static Tensor summed(const Tensor& gradient, const Tensor& input);
  [[noreturn]] static void no_derivative(const Applied& call, const char* why);
};

/// The function of a map that has captures, carried by the nodes.
template <class F>
struct MapFunction final : Carried {
  explicit MapFunction(F given) : f(std::move(given)) {}
  F f;
};

/// Type of x in a derivative of this order.
template <class T, int order>
struct DualOf {
  using type = Dual<typename DualOf<T, order - 1>::type>;
};
template <class T>
struct DualOf<T, 0> {
  using type = T;
};

template <class F, class T, int arity, int order>
inline constexpr bool runs_on = []<std::size_t... I>(std::index_sequence<I...>) {
  return std::is_invocable_v<const F&, std::conditional_t<true, typename DualOf<T, order>::type, char[I + 1]>...>;
}(std::make_index_sequence<arity>());

/// The derivative of order `order` of F, times a weight if order > 0. The list holds the numbers of the arguments it is
/// taken by; with a weight, that is input 0.
template <OpName name, class F, int arity, int order, int most>
struct Mapped {
  static constexpr bool captureless = std::is_empty_v<F> && std::default_initializable<F>;
  static constexpr int first = order > 0 ? 1 : 0;  ///< where the arguments start

  /// An argument whose slope in the k-th direction is 1 if it is the one that moves.
  template <int depth, class T>
  static auto seeded(T x, int argument, std::span<const std::int64_t> by) {
    if constexpr (depth == 0) {
      return x;
    } else {
      using Inner = typename DualOf<T, depth - 1>::type;
      const bool moves = arity == 1 || by[depth - 1] == argument;
      return Dual<Inner>(seeded<depth - 1>(x, argument, by), moves ? Inner(1) : Inner(0));
    }
  }
  /// The slope in all directions.
  template <int depth, class T>
  static auto deepest(const T& y) {
    if constexpr (depth == 0) return y;
    else return deepest<depth - 1>(y.slope);
  }

  template <class T, std::size_t... I>
  static T value(const F& f, const T* x, std::span<const std::int64_t> by, std::index_sequence<I...>) {
    using Out = typename DualOf<T, order>::type;
    if constexpr (order == 0) return static_cast<T>(f(x[I]...));
    else return deepest<order>(Out(f(seeded<order>(x[I], static_cast<int>(I), by)...)));
  }

  /// Elements begin to end, with Step (a pack or a number) as step.
  template <class Step, class T>
  static void loop(const F& f, const Launch& launch, std::int64_t begin, std::int64_t end) {
    constexpr int inputs = arity + first;
    constexpr std::int64_t width = static_cast<std::int64_t>(sizeof(Step) / sizeof(T));
    const T* from[inputs];
    bool one[inputs], any = false;
    Step x[inputs];
    const auto load = [](const T* source) {
      Step step;
      std::memcpy(static_cast<void*>(&step), source, sizeof step);
      return step;
    };
    const std::int64_t size = launch.out.shape.size();
    for (int k = 0; k < inputs; ++k) {
      const View& view = launch.in[static_cast<std::size_t>(k)];
      from[k] = static_cast<const T*>(view.data);
      one[k] = view.shape.size() == 1 && size != 1;
      x[k] = Step(one[k] ? *from[k] : T(0));
      any |= one[k];
    }
    T* to = static_cast<T*>(launch.out.data);
    const auto compute = [&] {
      Step y = value<Step>(f, x + first, launch.list, std::make_index_sequence<arity>());
      if constexpr (order > 0) y = x[0] * y;
      return y;
    };
    std::int64_t i = begin;
    if (!any) {
      for (; i + width <= end; i += width) {
        for (int k = 0; k < inputs; ++k) x[k] = load(from[k] + i);
        const Step y = compute();
        std::memcpy(static_cast<void*>(to + i), &y, sizeof y);
      }
    }
    for (; i + width <= end; i += width) {
      for (int k = 0; k < inputs; ++k)
        if (!one[k]) x[k] = load(from[k] + i);
      const Step y = compute();
      std::memcpy(static_cast<void*>(to + i), &y, sizeof y);
    }
    if (i == end) return;
    // The rest goes through the same instructions, filled up with its first element.
    T filled[width];
    for (int k = 0; k < inputs; ++k) {
      if (one[k]) continue;
      for (std::int64_t j = 0; j < width; ++j) filled[j] = from[k][i + j < end ? i + j : i];
      x[k] = load(filled);
    }
    const Step y = compute();
    std::memcpy(filled, &y, sizeof y);
    for (std::int64_t j = i; j < end; ++j) to[j] = filled[j - i];
  }

  template <class T>
  static void run_as(const Launch& launch) {
    const std::int64_t size = launch.out.shape.size();
    constexpr std::int64_t chunk = 16384;
    const auto apply = [&](const F& f) {
      kernels::parallel((size + chunk - 1) / chunk, [&](std::int64_t c) {
        const std::int64_t begin = c * chunk, end = begin + chunk < size ? begin + chunk : size;
        if constexpr (runs_on<F, Lane<T>, arity, order>) loop<Lane<T>, T>(f, launch, begin, end);
        else if constexpr (runs_on<F, T, arity, order>) loop<T, T>(f, launch, begin, end);
      });
    };
    if constexpr (captureless) apply(F());
    else apply(static_cast<const MapFunction<F>*>(launch.carried)->f);
  }

  static void run(const Launch& launch) {
    if (launch.out.dtype == float64) run_as<double>(launch);
    else run_as<float>(launch);
  }

  static Tensor rule(const Applied& call, const Tensor& g) {
    const int k = call.argument();
    std::array<Arg, arity + 1> inputs = gather(call, g, std::make_index_sequence<arity>());
    if (k < first) return record(op, inputs, {.list = call.list(), .carried = call.carried()});
    if constexpr (order == most) {
      MapParts::no_derivative(call, "derivatives of that order: ask for more with map<name, order>");
    } else if constexpr (!runs_on<F, Lane<double>, arity, order + 1> && !runs_on<F, double, arity, order + 1>) {
      MapParts::no_derivative(call, "a derivative: its function takes plain numbers; make it generic");
    } else {
      std::array<std::int64_t, order + 1> by;
      // Mixed derivatives are equal, so they are recorded as one: in order of the arguments.
      std::size_t place = order;
      for (std::size_t i = order; i-- > 0;) {
        if (call.list()[i] > k - first) place = i;
        by[i + (call.list()[i] > k - first)] = call.list()[i];
      }
      by[place] = k - first;
      const Tensor weight = first ? g * call.in(0) : g;
      inputs[0] = Arg(weight);
      return MapParts::summed(
          record(Mapped<name, F, arity, order + 1, most>::op, inputs, {.list = by, .carried = call.carried()}),
          call.in(k));
    }
  }
  template <std::size_t... I>
  static std::array<Arg, arity + 1> gather(const Applied& call, const Tensor& g, std::index_sequence<I...>) {
    return {Arg(g), Arg(call.in(static_cast<int>(I) + first))...};
  }

  static constexpr Op op{.name = name.text,
                         .promotion = Promotion::floating,
                         .infer = MapParts::infer,
                         .rules = {rule},
                         .variadic = true,
                         .run = run,
                         .lead = MapParts::lead};
};

/// f of each element of tensors that broadcast together, as one operation: map<"mish">([](auto x) { return x *
/// tanh(softplus(x)); }, x). A generic f is given packs of numbers (Lane, see diff/lane.hpp), and duals over packs for
/// its derivatives, which are exact, up to order `most` (GradientError beyond), in both modes; it is written with
/// arithmetic, comparisons, `select` and the functions of diff/lane_math.hpp. An f whose parameters are constrained to
/// numbers, [](xgrad::scalar auto x), may branch with ?: and if, and is called one number at a time; an f of plain
/// doubles may call anything, and has no derivative (GradientError). What f captures is copied along; it must be safe
/// to call from several threads. float32 and float64; integers become float32.
template <OpName name = "map", int most = 4, class F, class... X>
Tensor map(F f, const X&... x) {
  using Operation = Mapped<name, F, sizeof...(X), 0, most>;
  static_assert(sizeof...(X) > 0, "map: expected a tensor");
  static_assert(runs_on<F, Lane<double>, sizeof...(X), 0> || runs_on<F, double, sizeof...(X), 0>,
                "map: expected a function of as many numbers as there are tensors");
  const Arg given[] = {Arg(x)...};
  const Within here(name.text, given[0]);
  const std::vector<Tensor> fitted = MapParts::fitted(given, name.text);
  std::vector<Arg> inputs;
  for (std::size_t k = 0; k < fitted.size(); ++k) inputs.push_back(fitted[k].defined() ? Arg(fitted[k]) : given[k]);
  if constexpr (Operation::captureless) {
    return record(Operation::op, inputs);
  } else {
    const auto* carried = new MapFunction<F>(std::move(f));
    struct Release {
      const Carried* carried;
      ~Release() { carried->release(); }
    } const release{carried};
    return record(Operation::op, inputs, {.carried = carried});
  }
}

}  // namespace xgrad
