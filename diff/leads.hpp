#pragma once
/// Internal to diff/: graphs recorded again with a leading axis.

#include <xgrad/graph/leading.hpp>

namespace xgrad {

/// with_leading_axis, where operations through which no axis passes are recorded once for each place.
std::vector<Tensor> led(std::span<const Tensor> outputs, std::span<const Substitution> substitutions,
                        std::int64_t count);

}  // namespace xgrad
