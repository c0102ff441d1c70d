#pragma once
/// Shared and Function, where optimizers are held by them.

#include <xgrad/graph/shared.hpp>
