#pragma once
/// An operation's name as a template argument: custom_op<"cube">(...), map<"mish">(f, x).

#include <cstddef>

namespace xgrad {

template <std::size_t N>
struct OpName {
  char text[N] = {};
  consteval OpName(const char (&name)[N]) {
    for (std::size_t i = 0; i < N; ++i) text[i] = name[i];
  }
};

}  // namespace xgrad
