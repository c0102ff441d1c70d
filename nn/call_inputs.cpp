#include <xgrad/graph/error.hpp>
#include <xgrad/nn/call_inputs.hpp>

namespace xgrad {

void NamedInputs::add(const char* name, const Tensor& x) {
  if (!x.defined()) return;
  tensors_.push_back(x);
  names_.emplace_back(name);
}

void NamedInputs::flag(const char* name, bool value, bool usual) {
  if (value != usual) flags_.emplace_back(name, value);
}

void NamedInputs::number(const char* name, std::int64_t value) {
  if (value != 0) flags_.emplace_back(name, value);
}

Config NamedInputs::arguments() const {
  Config out = Config::object(flags_);
  out.set("inputs", names_);
  return out;
}

GivenInputs::GivenInputs(const std::string& where, std::span<const Tensor> xs, std::initializer_list<const char*> usual,
                         std::size_t least, Call& call)
    : xs_(xs), masks_(call.masks) {
  if (call.arguments) arguments_ = *call.arguments;
  call.arguments = nullptr;
  if (masks_.empty() && xs.size() == 1) masks_ = {call.mask};
  if (!arguments_.is_nothing() && arguments_.contains("inputs")) {
    for (const Config& name : arguments_.at("inputs").list()) names_.push_back(name.text());
    least = names_.size();
  } else {
    for (const char* name : usual)
      if (names_.size() < xs.size()) names_.emplace_back(name);
  }
  if (xs.size() >= least && xs.size() == names_.size()) return;
  std::string expected;
  for (const char* name : usual) expected += (expected.empty() ? "" : ", ") + std::string(name);
  throw ValueError(where + "expected " + std::to_string(least) +
                   (least < usual.size() ? " to " + std::to_string(usual.size()) : "") + " inputs (" + expected +
                   "), got " + std::to_string(xs.size()));
}

int GivenInputs::place_of(std::string_view name) const {
  for (std::size_t i = 0; i < names_.size(); ++i)
    if (names_[i] == name) return static_cast<int>(i);
  return -1;
}

Tensor GivenInputs::take(std::string_view name) const {
  const int place = place_of(name);
  return place < 0 ? Tensor() : xs_[static_cast<std::size_t>(place)];
}

Tensor GivenInputs::mask_of(std::string_view name) const {
  const int place = place_of(name);
  return place < 0 || static_cast<std::size_t>(place) >= masks_.size() ? Tensor()
                                                                       : masks_[static_cast<std::size_t>(place)];
}

bool GivenInputs::flag(std::string_view name, bool usual) const {
  return arguments_.is_nothing() || !arguments_.contains(name) ? usual : arguments_.at(name).boolean();
}

std::int64_t GivenInputs::number(std::string_view name) const {
  return arguments_.is_nothing() || !arguments_.contains(name) ? 0 : arguments_.at(name).integer();
}

}  // namespace xgrad
