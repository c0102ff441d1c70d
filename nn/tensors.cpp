#include <xgrad/nn/tensors.hpp>
#include <xgrad/optim/names.hpp>

#include <algorithm>

namespace xgrad {

Tensors Tensors::ordered(std::string_view where, std::string_view what, const std::vector<std::string>& names) const {
  const auto listed = [&] {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "'" : ", '") + name + "'";
    return text;
  };
  if (size() != names.size())
    throw ValueError("[" + std::string(where) + "] expected " + std::to_string(names.size()) + " " +
                     std::string(what) + (names.size() == 1 ? "" : "s (" + listed() + ")") + ", got " +
                     std::to_string(size()));
  if (names_.empty()) return *this;
  const std::vector<std::string_view> known(names.begin(), names.end());
  for (const std::string& name : names_)
    if (std::find(names.begin(), names.end(), name) == names.end())
      throw_unknown_name(std::string(where) + ": " + std::string(what), name, known);
  std::vector<Tensor> out;
  for (const std::string& name : names) {
    const auto found = std::find(names_.begin(), names_.end(), name);
    if (found == names_.end())
      throw ValueError("[" + std::string(where) + "] expected the " + std::string(what) + " '" + name +
                       "', which is not among those given");
    out.push_back(values_[static_cast<std::size_t>(found - names_.begin())]);
  }
  return out;
}

}  // namespace xgrad
