#pragma once
/// The functions whose accuracy is measured, by name: for bench/accuracy and the test of its worst arguments.

#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/special.hpp>

#include <map>
#include <string>
#include <vector>

namespace accuracy {

using namespace xgrad;
using One = Tensor (*)(const Arg&);
using Two = Tensor (*)(const Arg&, const Arg&);

inline const std::map<std::string, One> ones_of = {
    {"exp", exp}, {"exp2", exp2}, {"expm1", expm1}, {"log", log}, {"log2", log2}, {"log10", log10}, {"log1p", log1p},
    {"sqrt", sqrt}, {"cbrt", cbrt}, {"reciprocal", reciprocal}, {"sin", sin}, {"cos", cos}, {"tan", tan},
    {"arcsin", arcsin}, {"arccos", arccos}, {"arctan", arctan}, {"sinh", sinh}, {"cosh", cosh}, {"tanh", tanh},
    {"arcsinh", arcsinh}, {"arccosh", arccosh}, {"arctanh", arctanh}, {"sigmoid", sigmoid}, {"softplus", softplus},
    {"sinc", sinc}, {"erf", erf}, {"erfc", erfc}, {"erfinv", erfinv}, {"lgamma", lgamma}, {"digamma", digamma},
    {"trigamma", [](const Arg& x) { return polygamma(1, x); }},
    {"polygamma 2", [](const Arg& x) { return polygamma(2, x); }},
    {"polygamma 3", [](const Arg& x) { return polygamma(3, x); }},
    {"i0", i0}, {"i0e", i0e}, {"i1", i1}, {"i1e", i1e}, {"digamma below 0", digamma}};
inline const std::map<std::string, Two> twos_of = {{"arctan2", arctan2}, {"hypot", hypot}, {"logaddexp", logaddexp},
                                            {"logaddexp2", logaddexp2}, {"power", power}, {"xlogy", xlogy}};

/// The function's values at a (and b, if it takes two arguments).
template <class T>
std::vector<T> evaluate(const std::string& name, const std::vector<T>& a, const std::vector<T>& b) {
  const Shape shape{static_cast<std::int64_t>(a.size())};
  const NoGrad no_grad;
  const auto one = ones_of.find(name);
  if (one != ones_of.end()) return one->second(tensor(a, shape)).template to_vector<T>();
  return twos_of.at(name)(tensor(a, shape), tensor(b, shape)).template to_vector<T>();
}

}  // namespace accuracy
