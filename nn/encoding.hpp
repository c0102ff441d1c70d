#pragma once
/// Indices as rows of numbers. Internal to nn/.

#include <xgrad/nn/layer_parts.hpp>

namespace xgrad {

/// Throws ValueError unless the mode is "int", "one_hot", "multi_hot", "count" (or "tf_idf" where `idf`).
void check_output_mode(const std::string& where, const std::string& mode, bool idf = false);

/// Indices 0 ... depth-1 in an output mode; "int" leaves them. Weights count instead of 1 in "count".
Tensor encoded(const std::string& where, const Tensor& indices, const std::string& mode, std::int64_t depth,
               const Tensor& weights = {});

/// Tokens by how often they occur, most frequent first; of equally frequent ones the larger first.
template <class Token>
std::vector<Token> by_frequency(std::vector<Token> tokens);

}  // namespace xgrad
