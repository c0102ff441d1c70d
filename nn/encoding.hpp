#pragma once
/// Indices as rows of numbers. Internal to nn/.

#include <xgrad/nn/layer_parts.hpp>

namespace xgrad {

/// Throws ValueError unless the mode is "int", "one_hot", "multi_hot", "count" (or "tf_idf" where `idf`).
void check_output_mode(const std::string& where, const std::string& mode, bool idf = false);

/// Indices 0 ... depth-1 in an output mode; "int" leaves them. Weights count instead of 1 in "count".
Tensor encoded(const std::string& where, const Tensor& indices, const std::string& mode, std::int64_t depth,
               const Tensor& weights = {});

/// The same of indices among which -1 stands for what is left out.
Tensor known_rows(const std::string& where, const Tensor& indices, const std::string& mode, std::int64_t depth);

/// Takes the mask's token and those of the unknown off the front of a vocabulary, if it begins with them, and says so.
/// Throws ValueError if one of them stands elsewhere.
template <class Token>
bool without_special(const std::string& where, const std::optional<Token>& mask, std::int64_t unknown,
                     const Token& oov, std::vector<Token>& vocabulary);

/// Weights of a vocabulary as a row of `depth` numbers, behind `first` places for the unknown with the weights' mean.
Tensor idf_row(const std::vector<double>& weights, std::int64_t first, std::int64_t depth);

/// Tokens by how often they occur, most frequent first; of equally frequent ones the larger first.
template <class Token>
std::vector<Token> by_frequency(std::vector<Token> tokens);

}  // namespace xgrad
