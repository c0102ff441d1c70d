#include <xgrad/kernels/blas.hpp>

#include <cblas.h>
#include <strings.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

extern "C" {
// Only OpenBLAS with DYNAMIC_ARCH has them.
void gotoblas_dynamic_init(void) __attribute__((weak));
void gotoblas_dynamic_quit(void) __attribute__((weak));
}

namespace xgrad::kernels {
namespace {

struct Feature {
  const char* name;
  bool present;
};

/// What kernels of a core type execute; null for a name that is not known here.
const char* missing_feature(std::string_view core) {
  const auto first_missing = [](std::initializer_list<Feature> features) -> const char* {
    for (const Feature& feature : features) {
      if (!feature.present) return feature.name;
    }
    return "";
  };
  const auto is = [&](const char* name) {
    return core.size() == std::strlen(name) && strncasecmp(core.data(), name, core.size()) == 0;
  };
  const Feature sse3{"sse3", __builtin_cpu_supports("sse3") != 0};
  const Feature ssse3{"ssse3", __builtin_cpu_supports("ssse3") != 0};
  const Feature sse41{"sse4.1", __builtin_cpu_supports("sse4.1") != 0};
  const Feature sse42{"sse4.2", __builtin_cpu_supports("sse4.2") != 0};
  const Feature sse4a{"sse4a", __builtin_cpu_supports("sse4a") != 0};
  const Feature avx{"avx", __builtin_cpu_supports("avx") != 0};
  const Feature avx2{"avx2", __builtin_cpu_supports("avx2") != 0};
  const Feature fma{"fma", __builtin_cpu_supports("fma") != 0};
  const Feature f{"avx512f", __builtin_cpu_supports("avx512f") != 0};
  const Feature bw{"avx512bw", __builtin_cpu_supports("avx512bw") != 0};
  const Feature dq{"avx512dq", __builtin_cpu_supports("avx512dq") != 0};
  const Feature vl{"avx512vl", __builtin_cpu_supports("avx512vl") != 0};
  const Feature bf16{"avx512bf16", __builtin_cpu_supports("avx512bf16") != 0};
  if (is("Prescott")) return first_missing({sse3});
  if (is("Core2")) return first_missing({ssse3});
  if (is("Penryn")) return first_missing({sse41});
  if (is("Nehalem")) return first_missing({sse42});
  if (is("Barcelona")) return first_missing({sse3, sse4a});
  if (is("Sandybridge")) return first_missing({avx});
  if (is("Haswell") || is("Zen")) return first_missing({avx2, fma});
  if (is("SkylakeX")) return first_missing({avx2, fma, f, bw, dq, vl});
  if (is("Cooperlake")) return first_missing({avx2, fma, f, bw, dq, vl, bf16});
  return nullptr;
}

bool can_run(std::string_view core) {
  const char* missing = missing_feature(core);
  return missing != nullptr && *missing == '\0';
}

bool same_core(const char* a, const char* b) { return strcasecmp(a, b) == 0; }

/// OpenBLAS knows CPUs by their model number and takes older kernels for models that are newer than itself.
std::string better_core(const char* chosen) {
  const auto chose_one_of = [&](std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(), [&](const char* name) { return same_core(chosen, name); });
  };
  if (!chose_one_of({"Haswell", "Zen", "Sandybridge", "Nehalem", "Core2", "Prescott"})) return chosen;
  if (can_run("SkylakeX")) return "SkylakeX";
  if (!chose_one_of({"Haswell", "Zen"}) && can_run("Haswell")) return "Haswell";
  return chosen;
}

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

/// Makes OpenBLAS choose its kernels again.
void switch_core(const std::string& core) {
  const char* name = "OPENBLAS_CORETYPE";
  const char* old = std::getenv(name);
  const std::string kept = old != nullptr ? old : "";
  setenv(name, core.c_str(), 1);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  if (old != nullptr) {
    setenv(name, kept.c_str(), 1);
  } else {
    unsetenv(name);
  }
}

struct Setup {
  std::string remarks;
  bool keep = false;
};

Setup set_up() {
  Setup setup;
  const char* keep = environment("XGRAD_KEEP_BLAS");
  setup.keep = keep != nullptr && std::strcmp(keep, "1") == 0;
  if (!setup.keep) openblas_set_num_threads(1);
  const std::string found = openblas_get_corename();
  std::string wanted = found;
  if (const char* asked = environment("XGRAD_BLAS_CORE")) {
    const char* missing = missing_feature(asked);
    if (missing == nullptr) {
      setup.remarks = std::string("; XGRAD_BLAS_CORE=") + asked + " refused: not a known core type";
    } else if (*missing != '\0') {
      setup.remarks = std::string("; XGRAD_BLAS_CORE=") + asked + " refused: this CPU has no " + missing;
    } else {
      wanted = asked;
    }
  } else if (!setup.keep && environment("OPENBLAS_CORETYPE") == nullptr) {
    wanted = better_core(found.c_str());
  }
  if (!same_core(wanted.c_str(), found.c_str())) {
    if (gotoblas_dynamic_quit == nullptr || gotoblas_dynamic_init == nullptr) {
      setup.remarks += "; core type " + wanted + " would fit better, but this build of OpenBLAS cannot switch";
    } else {
      switch_core(wanted);
      setup.remarks += "; OpenBLAS had chosen core type " + found;
    }
  }
  return setup;
}

const Setup& ready_blas() {
  static const Setup setup = set_up();
  return setup;
}

}  // namespace

void prepare_blas() { static_cast<void>(ready_blas()); }

std::string blas_description() {
  const Setup& setup = ready_blas();
  const std::string config = openblas_get_config();
  const std::string version = config.substr(0, config.find(' ', config.find(' ') + 1));
  return version + ", core type " + openblas_get_corename() +
         (setup.keep ? ", threads as found (XGRAD_KEEP_BLAS=1)" : ", one thread a call") + setup.remarks;
}

}  // namespace xgrad::kernels
