#pragma once
/// Connectionist temporal classification (Graves, Fernandez, Gomez and Schmidhuber 2006): sequences of labels that are
/// not aligned with the steps they are read from.

#include <xgrad/graph/basic.hpp>

namespace xgrad {

/// (batch,): -ln p of each target under the logits `output` (batch, steps, classes), summed over all alignments: each
/// step emits a label or the blank `mask_index`, repeated labels without a blank between them are one. Targets (batch,
/// length) are integers without the blank; of them the first target_length (batch,) count, and of the steps the first
/// output_length (batch,). In logarithms throughout, where Keras's -1e5 stands for never: a target that no alignment
/// gives costs about 1e5. Throws ShapeError where the shapes do not fit and ValueError for a blank that is no class; a
/// label or a length out of range is a ValueError when values are computed.
Tensor ctc_loss(const Arg& target, const Arg& output, const Arg& target_length, const Arg& output_length,
                std::int64_t mask_index = 0);

/// In the order of keras.ops.
struct CTCDecodeOptions {
  std::string_view strategy = "greedy";  ///< or "beam_search"
  std::int64_t beam_width = 100;         ///< paths that are followed from step to step
  std::int64_t top_paths = 1;            ///< of these, how many are given
  bool merge_repeated = true;            ///< greedy: repeated labels are one; a beam search always merges them
  std::int64_t mask_index = 0;           ///< the blank
};

/// `paths`: labels, and -1 behind the end. `scores`: greedy (batch, 1), minus the sum of the chosen logits; beam search
/// (batch, top_paths), ln p of each path.
struct CTCDecoded {
  Tensor paths, scores;
};

/// The labels that logits (batch, steps, classes) stand for, int64 (1, batch, steps) or (top_paths, batch, steps): by
/// the largest logit of each step, or by a search that keeps the beam_width likeliest beginnings, each with all its
/// alignments. The beam search computes `inputs` at this call and needs a label or blank for the first step even of
/// length 0, as Keras does; no derivative. Throws ShapeError where the shapes do not fit, ValueError for another
/// strategy, a blank that is no class, and unless 1 <= top_paths <= beam_width.
CTCDecoded ctc_decode(const Arg& inputs, const Arg& sequence_lengths, const CTCDecodeOptions& options = {});

}  // namespace xgrad
