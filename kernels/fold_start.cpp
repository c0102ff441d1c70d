/// What folding starts from where no first row is copied.
#include <xgrad/kernels/moves.hpp>

#include <algorithm>
#include <limits>

namespace xgrad::kernels {
namespace {

template <Fold fold, class T>
void fold_start(std::int64_t width, void* out) {
  constexpr T infinity = std::numeric_limits<T>::infinity();
  // 0 would turn -0 into 0.
  std::fill_n(static_cast<T*>(out), width, fold == Fold::sum ? T(-0.0) : fold == Fold::max ? -infinity : infinity);
}

}  // namespace

FoldStart fold_start_of(Fold fold, DType type) {
  const auto pick = [&]<class T>(T) -> FoldStart {
    if (fold == Fold::sum) return fold_start<Fold::sum, T>;
    return fold == Fold::max ? fold_start<Fold::max, T> : fold_start<Fold::min, T>;
  };
  return type == DType::float64 ? pick(double{}) : pick(float{});
}

}  // namespace xgrad::kernels
