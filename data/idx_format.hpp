#pragma once
/// Internal to data/: the IDX file format, without tensors.

#include <xgrad/data/bytes.hpp>
#include <xgrad/kernels/dtype.hpp>

#include <vector>

namespace xgrad::data {

/// An array as an IDX file holds it, its elements in this machine's byte order.
struct IdxArray {
  DType dtype = uint8;
  std::vector<std::int64_t> lengths;
  std::vector<std::byte> bytes;
};

/// Reads one array, which must fill the file. See read_idx for element types and errors.
IdxArray parse_idx(ByteSource& source);

}  // namespace xgrad::data
