#pragma once
/// The tensors of a call by name, and its flags: how a step of a functional model keeps what a call was given.
/// Internal to nn/.

#include <xgrad/nn/layer.hpp>

namespace xgrad {

/// The names of the tensors of a call and its flags, as a step of a model keeps them, and back.
class NamedInputs {
 public:
  /// Nothing for an undefined tensor.
  void add(const char* name, const Tensor& x);
  void flag(const char* name, bool value, bool usual = false);
  void number(const char* name, std::int64_t value);
  const std::vector<Tensor>& tensors() const { return tensors_; }
  Config arguments() const;

 private:
  std::vector<Tensor> tensors_;
  std::vector<Config> names_;
  std::vector<Config::Entry> flags_;
};

/// What `NamedInputs` wrote, or the `usual` names for inputs without any. Takes the arguments out of the Call.
class GivenInputs {
 public:
  GivenInputs(const std::string& where, std::span<const Tensor> xs, std::initializer_list<const char*> usual,
              std::size_t least, Call& call);
  /// Undefined if it was not given.
  Tensor take(std::string_view name) const;
  /// The mask an input has of its own.
  Tensor mask_of(std::string_view name) const;
  bool flag(std::string_view name, bool usual = false) const;
  std::int64_t number(std::string_view name) const;  ///< 0 if it was not given

 private:
  int place_of(std::string_view name) const;

  std::span<const Tensor> xs_;
  std::vector<std::string> names_;
  std::vector<Tensor> masks_;
  Config arguments_;
};

}  // namespace xgrad
