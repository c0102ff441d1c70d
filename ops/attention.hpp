#pragma once
/// Attention: averages of values, weighted by how well their keys answer a query.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

/// In the order of keras.ops.
struct DotProductAttentionOptions {
  Tensor bias = {};        ///< added to the logits, over which it broadcasts: (batch, heads, queries, keys)
  Tensor mask = {};        ///< which keys a query attends to (bool); broadcasts likewise
  double scale = 0;        ///< of the logits; 0: 1 / sqrt(features of a head)
  bool is_causal = false;  ///< query t attends to keys 0 ... t alone
};

/// softmax(scale * query . key + bias) . value, head by head (Vaswani et al. 2017): query (B, T, N, H), key (B, S, K,
/// H) and value (B, S, K, V) give (B, T, N, V). K divides N, and N / K heads of the query share one of the keys
/// (Ainslie et al. 2023). A query that attends to nothing gets 0. Throws ShapeError where the shapes do not fit,
/// DTypeError for a mask that is not bool.
Tensor dot_product_attention(const Arg& query, const Arg& key, const Arg& value,
                             const DotProductAttentionOptions& options = {});

/// softmax over `axis` of those elements where the mask (bool, broadcasts over x) holds; 0 where it does not, also
/// where it never does.
Tensor masked_softmax(const Arg& x, const Arg& mask, Axes axis = -1);

}  // namespace xgrad
