#pragma once
// For tests about what is recorded and not computed yet, which XGRAD_EAGER=1 would compute at once.

#include <xgrad/graph/plan.hpp>

#include <cstdlib>
#include <cstring>

/// While it lives, values on this thread wait until they are asked for.
struct Planned {
  Planned() { xgrad::set_eager(false); }
  ~Planned() {
    const char* eager = std::getenv("XGRAD_EAGER");
    xgrad::set_eager(eager && *eager && std::strcmp(eager, "0") != 0);
  }
  Planned(const Planned&) = delete;
  Planned& operator=(const Planned&) = delete;
};
