#pragma once
/// Internal to io/: the JSON header of a safetensors file, without tensors.

#include <xgrad/kernels/dtype.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace xgrad::io {

/// One tensor as the header describes it; `begin` and `end` are offsets behind the header.
struct TensorEntry {
  std::string name;
  DType dtype = float32;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;
};

/// What the header of a safetensors file says, in its order.
struct SafetensorsHeader {
  std::vector<TensorEntry> tensors;
  std::map<std::string, std::string> metadata;
};

/// Reads and checks a header whose tensors must fill `data_bytes` bytes without gaps or overlaps.
/// Throws IoError naming `path` and what is wrong.
SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_bytes, const std::string& path);

/// The header as JSON, padded with spaces to a multiple of 8 bytes. Throws ValueError for text that is not UTF-8.
std::string format_safetensors_header(const SafetensorsHeader& header);

}  // namespace xgrad::io
