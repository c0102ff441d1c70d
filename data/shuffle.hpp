#pragma once
/// Random orders on the host.

#include <cstdint>
#include <vector>

namespace xgrad::data {

/// 0 ... n-1 in an order that depends on `seed` and `stream` only: the same on every machine (Fisher and Yates'
/// shuffle, drawn without bias). Different streams of one seed, such as epochs, give unrelated orders.
/// Throws ValueError for a negative n.
std::vector<std::int64_t> shuffled_order(std::int64_t n, std::uint64_t seed, std::uint64_t stream = 0);

/// 0 ... n-1 in order.
std::vector<std::int64_t> plain_order(std::int64_t n);

}  // namespace xgrad::data
