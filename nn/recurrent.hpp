#pragma once
/// Recurrent layers: RNN around any cell, SimpleRNN, LSTM, GRU.

#include <xgrad/nn/recurrent_cells.hpp>

namespace xgrad {

/// Beyond Keras's: `batch_size` of a stateful layer, for which states are made at once (0: that of the first call).
/// There is no `unroll`: steps are recorded one after the other, and planned together.
struct RNNOptions {
  regularizers::Regularizer activity_regularizer = {};
  bool return_sequences = false;  ///< the outputs of all steps (batch, steps, n), not of the last one
  bool return_state = false;      ///< the last states as further results
  bool go_backwards = false;      ///< from the last step to the first; outputs come in this order
  bool stateful = false;          ///< begins where the call before ended: sample i of a batch goes on with sample i
  bool zero_output_for_mask = false;  ///< steps that do not count give 0, not the output before
  Shape input_shape = {};             ///< (steps, features): builds the layer at once
  std::int64_t batch_size = 0;
  std::string name = {};
};

/// A cell taken through the steps of x (batch, steps, ...). Further inputs, if there are any, are the states to begin
/// with (else zeros, or those of the call before). Where a mask rules a step out, states stay as they are and the
/// output is the one before. Gradients of a stateful layer end with the call.
class RNN {
 public:
  explicit RNN(Cell cell, RNNOptions options = {});

  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  /// Throws ValueError with return_state, which has several results: call it with {x}.
  Tensor operator()(const Tensor& x, Call& call) const;
  /// The output, and the states if they are asked for. Throws ShapeError unless x has three axes or more and a step, or
  /// if a state does not fit; ValueError for a wrong number of states, or another batch than a stateful layer's.
  std::vector<Tensor> operator()(std::span<const Tensor> xs, Call& call) const;
  std::vector<Tensor> operator()(std::span<const Tensor> xs) const { return call_all(*this, xs); }
  std::vector<Tensor> operator()(std::initializer_list<Tensor> xs) const {
    return (*this)(std::span<const Tensor>(xs.begin(), xs.size()));
  }
  void each(Visit visit);
  const std::string& name() const;
  const Shape& input_shape() const;
  const RNNOptions& options() const;
  const Cell& cell() const;
  Config get_config() const;
  static RNN from_config(const Config& config, const CustomObjects& custom);

  /// The states that the next call of a stateful layer begins with; nothing before the first.
  std::vector<Tensor> states() const;
  /// Sets them to zeros, or to these.
  void reset_state() const;
  void reset_state(std::span<const Tensor> states) const;

 protected:
  RNN(std::string_view kind, Cell cell, RNNOptions options);

 private:
  struct State;
  Shared<State> state_;
};

struct SimpleRNNOptions {
  ActivationFunction activation = "tanh";
  bool use_bias = true;
  initializers::Initializer kernel_initializer = "glorot_uniform";
  initializers::Initializer recurrent_initializer = "orthogonal";
  initializers::Initializer bias_initializer = "zeros";
  regularizers::Regularizer kernel_regularizer = {};
  regularizers::Regularizer recurrent_regularizer = {};
  regularizers::Regularizer bias_regularizer = {};
  regularizers::Regularizer activity_regularizer = {};
  constraints::Constraint kernel_constraint = {};
  constraints::Constraint recurrent_constraint = {};
  constraints::Constraint bias_constraint = {};
  double dropout = 0;
  double recurrent_dropout = 0;
  std::optional<std::uint64_t> seed = {};
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool zero_output_for_mask = false;
  Shape input_shape = {};  ///< (steps, features): builds the layer at once
  std::int64_t batch_size = 0;
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// RNN of a SimpleRNNCell: (batch, steps, in) to (batch, units) or (batch, steps, units).
class SimpleRNN : public RNN {
 public:
  explicit SimpleRNN(std::int64_t units, SimpleRNNOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  std::vector<Tensor> operator()(std::span<const Tensor> xs) const { return call_all(*this, xs); }
  std::vector<Tensor> operator()(std::initializer_list<Tensor> xs) const {
    return (*this)(std::span<const Tensor>(xs.begin(), xs.size()));
  }
  using RNN::operator();
  const SimpleRNNCell& cell() const { return *RNN::cell().get_if<SimpleRNNCell>(); }
  Config get_config() const;
  static SimpleRNN from_config(const Config& config);
};

struct LSTMOptions {
  ActivationFunction activation = "tanh";
  ActivationFunction recurrent_activation = "sigmoid";
  bool use_bias = true;
  initializers::Initializer kernel_initializer = "glorot_uniform";
  initializers::Initializer recurrent_initializer = "orthogonal";
  initializers::Initializer bias_initializer = "zeros";
  bool unit_forget_bias = true;
  regularizers::Regularizer kernel_regularizer = {};
  regularizers::Regularizer recurrent_regularizer = {};
  regularizers::Regularizer bias_regularizer = {};
  regularizers::Regularizer activity_regularizer = {};
  constraints::Constraint kernel_constraint = {};
  constraints::Constraint recurrent_constraint = {};
  constraints::Constraint bias_constraint = {};
  double dropout = 0;
  double recurrent_dropout = 0;
  std::optional<std::uint64_t> seed = {};
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool zero_output_for_mask = false;
  Shape input_shape = {};  ///< (steps, features): builds the layer at once
  std::int64_t batch_size = 0;
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// RNN of an LSTMCell.
class LSTM : public RNN {
 public:
  explicit LSTM(std::int64_t units, LSTMOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  std::vector<Tensor> operator()(std::span<const Tensor> xs) const { return call_all(*this, xs); }
  std::vector<Tensor> operator()(std::initializer_list<Tensor> xs) const {
    return (*this)(std::span<const Tensor>(xs.begin(), xs.size()));
  }
  using RNN::operator();
  const LSTMCell& cell() const { return *RNN::cell().get_if<LSTMCell>(); }
  Config get_config() const;
  static LSTM from_config(const Config& config);
};

struct GRUOptions {
  ActivationFunction activation = "tanh";
  ActivationFunction recurrent_activation = "sigmoid";
  bool use_bias = true;
  initializers::Initializer kernel_initializer = "glorot_uniform";
  initializers::Initializer recurrent_initializer = "orthogonal";
  initializers::Initializer bias_initializer = "zeros";
  regularizers::Regularizer kernel_regularizer = {};
  regularizers::Regularizer recurrent_regularizer = {};
  regularizers::Regularizer bias_regularizer = {};
  regularizers::Regularizer activity_regularizer = {};
  constraints::Constraint kernel_constraint = {};
  constraints::Constraint recurrent_constraint = {};
  constraints::Constraint bias_constraint = {};
  double dropout = 0;
  double recurrent_dropout = 0;
  std::optional<std::uint64_t> seed = {};
  bool return_sequences = false;
  bool return_state = false;
  bool go_backwards = false;
  bool stateful = false;
  bool reset_after = true;
  bool zero_output_for_mask = false;
  Shape input_shape = {};  ///< (steps, features): builds the layer at once
  std::int64_t batch_size = 0;
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// RNN of a GRUCell.
class GRU : public RNN {
 public:
  explicit GRU(std::int64_t units, GRUOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  std::vector<Tensor> operator()(std::span<const Tensor> xs) const { return call_all(*this, xs); }
  std::vector<Tensor> operator()(std::initializer_list<Tensor> xs) const {
    return (*this)(std::span<const Tensor>(xs.begin(), xs.size()));
  }
  using RNN::operator();
  const GRUCell& cell() const { return *RNN::cell().get_if<GRUCell>(); }
  Config get_config() const;
  static GRU from_config(const Config& config);
};

}  // namespace xgrad
