#pragma once
/// What the sources of recurrent layers share. Internal to nn/.

#include <xgrad/nn/fields.hpp>
#include <xgrad/nn/recurrent.hpp>

namespace xgrad {

/// The options of a cell, and of the layer around it if they are there, in Keras's order.
template <class Options>
void describe_cell(Fields& f, std::int64_t& units, Options& o) {
  f("units", units);
  f("activation", o.activation);
  if constexpr (requires { o.recurrent_activation; }) f("recurrent_activation", o.recurrent_activation);
  f("use_bias", o.use_bias);
  f("kernel_initializer", o.kernel_initializer);
  f("recurrent_initializer", o.recurrent_initializer);
  f("bias_initializer", o.bias_initializer);
  if constexpr (requires { o.unit_forget_bias; }) f("unit_forget_bias", o.unit_forget_bias);
  f("kernel_regularizer", o.kernel_regularizer);
  f("recurrent_regularizer", o.recurrent_regularizer);
  f("bias_regularizer", o.bias_regularizer);
  f("kernel_constraint", o.kernel_constraint);
  f("recurrent_constraint", o.recurrent_constraint);
  f("bias_constraint", o.bias_constraint);
  f("dropout", o.dropout);
  f("recurrent_dropout", o.recurrent_dropout);
  if constexpr (requires { o.reset_after; }) f("reset_after", o.reset_after);
  f("seed", o.seed);
  f("name", o.name);
  f("dtype", o.dtype);
}

/// What a layer adds to its cell.
template <class Options>
void describe_sequence(Fields& f, Options& o) {
  f("activity_regularizer", o.activity_regularizer);
  f("return_sequences", o.return_sequences);
  f("return_state", o.return_state);
  f("go_backwards", o.go_backwards);
  f("stateful", o.stateful);
  f("zero_output_for_mask", o.zero_output_for_mask);
  f("input_shape", o.input_shape);
  f("batch_size", o.batch_size);
}

/// The cell's share of a layer's options.
template <class CellOptions, class Options>
CellOptions cell_options(const Options& o) {
  CellOptions out{.activation = o.activation,
                  .use_bias = o.use_bias,
                  .kernel_initializer = o.kernel_initializer,
                  .recurrent_initializer = o.recurrent_initializer,
                  .bias_initializer = o.bias_initializer,
                  .kernel_regularizer = o.kernel_regularizer,
                  .recurrent_regularizer = o.recurrent_regularizer,
                  .bias_regularizer = o.bias_regularizer,
                  .kernel_constraint = o.kernel_constraint,
                  .recurrent_constraint = o.recurrent_constraint,
                  .bias_constraint = o.bias_constraint,
                  .dropout = o.dropout,
                  .recurrent_dropout = o.recurrent_dropout,
                  .seed = o.seed,
                  .name = o.name,
                  .dtype = o.dtype};
  if constexpr (requires { out.recurrent_activation; }) out.recurrent_activation = o.recurrent_activation;
  if constexpr (requires { out.unit_forget_bias; }) out.unit_forget_bias = o.unit_forget_bias;
  if constexpr (requires { out.reset_after; }) out.reset_after = o.reset_after;
  return out;
}

/// The layer's share.
template <class Options>
RNNOptions sequence_options(const Options& o) {
  return {.activity_regularizer = o.activity_regularizer,
          .return_sequences = o.return_sequences,
          .return_state = o.return_state,
          .go_backwards = o.go_backwards,
          .stateful = o.stateful,
          .zero_output_for_mask = o.zero_output_for_mask,
          .input_shape = o.input_shape,
          .batch_size = o.batch_size,
          .name = o.name};
}

}  // namespace xgrad
