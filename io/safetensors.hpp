#pragma once
/// Named tensors in a safetensors file.

#include <xgrad/graph/tensor.hpp>

#include <map>
#include <utility>

namespace xgrad::io {

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;
using Metadata = std::map<std::string, std::string>;

/// The contents of a safetensors file, tensors in the order of its header.
struct TensorFile {
  NamedTensors tensors;
  Metadata metadata;

  /// The tensor of this name. Throws ValueError, listing the names there are, if there is none.
  const Tensor& at(std::string_view name) const;
};

/// Computes the tensors and writes them to a safetensors file, replacing an old one in one step (see AtomicFile).
/// Every dtype is kept: BOOL, U8, I32, I64, F32, F64. Each tensor lies on a multiple of its element's size.
/// Throws ValueError for an empty or repeated name, "__metadata__", text that is not UTF-8 or an undefined tensor;
/// IoError if the file cannot be written, which leaves an old one as it was.
void save_safetensors(const std::string& path, const NamedTensors& tensors, const Metadata& metadata = {});

/// Reads a safetensors file. Throws IoError, saying what was expected and found, if it cannot be read, is cut off, has
/// a damaged header, offsets outside the file, with gaps or overlaps, or sizes that do not match, or holds a dtype that
/// is none of the six (naming it). Memory is taken for what the file holds, not for what its header says.
TensorFile load_safetensors(const std::string& path);

}  // namespace xgrad::io
