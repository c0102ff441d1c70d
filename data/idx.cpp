#include <xgrad/data/idx.hpp>

#include <xgrad/data/idx_format.hpp>

namespace xgrad::data {

Tensor read_idx(const std::string& path) {
  ByteSource source(path);
  const IdxArray array = parse_idx(source);
  const Shape shape{std::span<const std::int64_t>(array.lengths)};
  return with_dtype(array.dtype, [&](auto element) {
    using T = decltype(element);
    const std::span<const T> values(reinterpret_cast<const T*>(array.bytes.data()), array.bytes.size() / sizeof(T));
    return tensor(values, shape, TensorOptions{.dtype = array.dtype});
  });
}

}  // namespace xgrad::data
