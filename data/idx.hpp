#pragma once
/// IDX files, the format of MNIST and its relatives.

#include <xgrad/graph/tensor.hpp>

#include <string>

namespace xgrad::data {

/// The array in an IDX file, plain or compressed with gzip (told by its content, not its name), of 1 to 8 axes.
/// Element types: unsigned byte -> uint8; signed byte, short and int -> int32; float -> float32; double -> float64.
/// Throws IoError, naming file, offset, what was expected and found, if the file cannot be read, is no IDX file, is cut
/// off, promises more than it holds, or goes on after the array. Memory is taken for what the file holds, not for what
/// its header says.
Tensor read_idx(const std::string& path);

}  // namespace xgrad::data
