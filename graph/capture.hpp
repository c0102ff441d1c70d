#pragma once
/// capture: a function of Tensors that is recorded once and then only run.

#include <xgrad/graph/tensor.hpp>

#include <array>
#include <tuple>
#include <utility>

namespace xgrad {

struct CaptureOptions {
  /// Every so many calls the function is recorded again and compared with what was captured; 0: never. ValueError if it
  /// read something that changed.
  int check_every = 0;
};

namespace detail {

/// A captured function without its type.
class Capture {
 public:
  using Call = void (*)(void* f, std::span<const Tensor> arguments, std::vector<Tensor>& results);
  explicit Capture(const CaptureOptions& options);
  Capture(Capture&& other) noexcept : state_(other.state_) { other.state_ = nullptr; }
  Capture& operator=(Capture&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~Capture();
  /// The results stay the object's until the next call.
  std::span<Tensor> operator()(void* f, Call call, std::span<const Tensor> arguments);

 private:
  struct State;
  State* state_;
};

template <class T>
struct Results;
template <>
struct Results<void> {
  template <class F>
  static void call(F&& f, std::vector<Tensor>&) { f(); }
  static void take(std::span<Tensor>) {}
};
template <>
struct Results<Tensor> {
  template <class F>
  static void call(F&& f, std::vector<Tensor>& out) { out.push_back(f()); }
  static Tensor take(std::span<Tensor> from) { return std::move(from[0]); }
};
template <>
struct Results<std::vector<Tensor>> {
  template <class F>
  static void call(F&& f, std::vector<Tensor>& out) { out = f(); }
  static std::vector<Tensor> take(std::span<Tensor> from) {
    return {std::make_move_iterator(from.begin()), std::make_move_iterator(from.end())};
  }
};
template <std::size_t N>
struct Results<std::array<Tensor, N>> {
  template <class F>
  static void call(F&& f, std::vector<Tensor>& out) {
    for (Tensor& y : f()) out.push_back(std::move(y));
  }
  static std::array<Tensor, N> take(std::span<Tensor> from) {
    std::array<Tensor, N> all;
    for (std::size_t i = 0; i < N; ++i) all[i] = std::move(from[i]);
    return all;
  }
};
template <class... T>
struct Results<std::tuple<T...>> {
  template <class F>
  static void call(F&& f, std::vector<Tensor>& out) {
    std::apply([&](auto&&... y) { (out.push_back(std::move(y)), ...); }, f());
  }
  static std::tuple<T...> take(std::span<Tensor> from) {
    return [&]<std::size_t... i>(std::index_sequence<i...>) {
      return std::tuple<T...>(std::move(from[i])...);
    }(std::index_sequence_for<T...>());
  }
};

}  // namespace detail

/// What `capture` makes. One thread at a time may call it.
template <class F>
class Captured {
 public:
  Captured(F f, const CaptureOptions& options) : f_(std::move(f)), capture_(options) {}

  template <class... A>
  auto operator()(const A&... arguments) {
    return apply(std::array<Tensor, sizeof...(A)>{Tensor(arguments)...}, std::index_sequence_for<A...>());
  }

 private:
  template <std::size_t N, std::size_t... i>
  auto apply(const std::array<Tensor, N>& arguments, std::index_sequence<i...>) {
    using R = decltype(std::declval<F&>()((static_cast<void>(i), std::declval<const Tensor&>())...));
    const auto call = [](void* f, std::span<const Tensor> x, std::vector<Tensor>& out) {
      detail::Results<R>::call([&] { return (*static_cast<F*>(f))(x[i]...); }, out);
    };
    return detail::Results<R>::take(capture_(&f_, call, arguments));
  }

  F f_;
  detail::Capture capture_;
};

/// A function that gives what f gives, computed, without recording it each time. f takes Tensors and returns nothing, a
/// Tensor, or a std::array, std::tuple or std::vector of them.
///
/// The first call with arguments of some shapes and dtypes is an ordinary call of f; the second records what f does,
/// and later ones run that. Parameters are read as they are then, and those that f assigns (by an optimizer, say) are
/// assigned; optimizers count their steps and follow their schedules; draws take the next numbers of their generators.
/// Whatever else f reads is frozen: tensors it holds, C++ numbers, what it branches on; `check_every` finds that. f may
/// not ask for values (ValueError), but may call `eval`.
///
/// Results are leaves: derivatives are taken inside f, and GradientError says so where one would have been lost. The
/// bits are those of calling f, which happens where capturing cannot help: under XGRAD_EAGER, inside another captured
/// function, on another thread than the one that recorded, and while something outside f that was recorded from a
/// Parameter's value waits for that value to be replaced.
template <class F>
Captured<std::decay_t<F>> capture(F&& f, const CaptureOptions& options = {}) {
  return Captured<std::decay_t<F>>(std::forward<F>(f), options);
}

/// For library code whose numbers change from call to call on the caller's side, such as an optimizer's step count.
class Repeated {
 public:
  virtual ~Repeated() = default;
  virtual void next() = 0;           ///< another call is about to run
  virtual void undo() noexcept = 0;  ///< it failed
};
/// Whether this thread is recording a captured function now.
bool capturing();
/// Hands a task over to the captured function being recorded.
void repeat(Repeated* task);
/// Says that what is being recorded differs from call to call, so that f has to be called each time.
void refuse_capture();
/// A scalar that a Repeated sets; plans do not depend on it.
Tensor changing_number(double value, DType dtype);
void set_changing_number(const Tensor& number, double value);

}  // namespace xgrad
