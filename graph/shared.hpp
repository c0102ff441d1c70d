#pragma once
/// Shared<T>, a counted handle, and Function, a callable whose type is forgotten: what rules, optimizers and layers are
/// held by.

#include <atomic>
#include <concepts>
#include <type_traits>
#include <utility>

namespace xgrad {

/// Base of what a Shared handle counts. Counting is atomic; the object itself is the user's to protect.
class Counted {
 public:
  Counted() = default;
  Counted(const Counted&) : count_(0) {}
  Counted& operator=(const Counted&) { return *this; }
  virtual ~Counted() = default;
  /// A new object with the same contents, counted from zero.
  virtual Counted* copy() const = 0;

  void retain() const { count_.fetch_add(1, std::memory_order_relaxed); }
  void release() const {
    if (count_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

 private:
  mutable std::atomic<int> count_{0};
};

/// A handle to a Counted object. Copies share the object, which goes with the last of them. Copying and destroying a
/// handle does not need T's definition.
template <class T>
class Shared {
 public:
  Shared() = default;
  explicit Shared(T* object) : object_(object) {
    if (object_) object_->retain();
  }
  template <std::derived_from<T> U>
  Shared(const Shared<U>& other) : Shared(other.get()) {}
  Shared(const Shared& other) : object_(other.object_) {
    if (object_) object_->retain();
  }
  Shared(Shared&& other) noexcept : object_(other.object_) { other.object_ = nullptr; }
  Shared& operator=(Shared other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Shared() {
    if (object_) object_->release();
  }

  T* get() const { return const_cast<T*>(static_cast<const T*>(object_)); }
  T& operator*() const { return *get(); }
  T* operator->() const { return get(); }
  explicit operator bool() const { return object_ != nullptr; }
  friend bool operator==(const Shared& a, const Shared& b) { return a.object_ == b.object_; }

 private:
  const Counted* object_ = nullptr;
};

template <class T, class... Args>
Shared<T> make_shared(Args&&... args) {
  return Shared<T>(new T(std::forward<Args>(args)...));
}

template <class Signature>
class Function;

/// Any callable with this signature, or nothing. Copies share the callable.
template <class R, class... Args>
class Function<R(Args...)> {
 public:
  Function() = default;
  template <class F>
    requires(!std::same_as<std::decay_t<F>, Function> && std::is_invocable_r_v<R, const std::decay_t<F>&, Args...>)
  Function(F&& f) : body_(new Held<std::decay_t<F>>(std::forward<F>(f))) {}

  explicit operator bool() const { return static_cast<bool>(body_); }
  R operator()(Args... args) const { return body_->call(std::forward<Args>(args)...); }
  /// The callable, if it is of this type; else null.
  template <class F>
  const F* target() const {
    const auto* held = dynamic_cast<const Held<F>*>(body_.get());
    return held ? &held->f : nullptr;
  }

 private:
  struct Body : Counted {
    virtual R call(Args... args) const = 0;
  };
  template <class F>
  struct Held final : Body {
    explicit Held(F f) : f(std::move(f)) {}
    R call(Args... args) const override { return f(std::forward<Args>(args)...); }
    Counted* copy() const override { return new Held(f); }
    F f;
  };
  Shared<Body> body_;
};

}  // namespace xgrad
