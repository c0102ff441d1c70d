#pragma once
/// Opt-in: the bridge to xtensor's containers (libxtensor-dev).

#include <xgrad/io/xtensor.hpp>
