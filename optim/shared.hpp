#pragma once
/// Shared and Function, where optimizers are held by them; and what objects of the library were made with.

#include <xgrad/graph/shared.hpp>

#include <string_view>

namespace xgrad {

/// What an object of the library was made with, to save it: the name of its type and its options. Empty for what users
/// make of functions of their own.
class Made {
 public:
  Made() = default;
  /// `type` is a text that lives for ever.
  template <class Options>
  Made(std::string_view type, Options options) : type_(type), options_(new Held<Options>(std::move(options))) {}

  std::string_view type() const { return type_; }
  /// The options, if they are of this type; else null.
  template <class Options>
  const Options* options() const {
    const auto* held = dynamic_cast<const Held<Options>*>(options_.get());
    return held ? &held->options : nullptr;
  }

 private:
  template <class Options>
  struct Held final : Counted {
    explicit Held(Options options) : options(std::move(options)) {}
    Counted* copy() const override { return new Held(*this); }
    Options options;
  };
  std::string_view type_;
  Shared<Counted> options_;
};

}  // namespace xgrad
