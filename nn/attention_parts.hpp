#pragma once
/// What the sources of attention share. Internal to nn/.

#include <xgrad/nn/attention_layers.hpp>
#include <xgrad/nn/call_inputs.hpp>
#include <xgrad/nn/dropout.hpp>
#include <xgrad/nn/layer_parts.hpp>

namespace xgrad {

namespace detail {

struct AttentionState : Counted {
  AttentionState(std::string name, double dropout, std::optional<std::uint64_t> seed)
      : name(std::move(name)), rate(dropout), dropout(dropout, {.seed = seed}) {}

  /// `scores` says whether anybody wants them.
  virtual AttentionResult attend(const Tensor& query, const Tensor& value, const AttentionArguments& arguments,
                                 bool scores, Call& call) = 0;
  virtual void each(Visit visit) = 0;
  virtual std::string_view kind() const = 0;
  virtual Config config() const = 0;

  std::string where() const { return label(kind(), name); }
  /// The weights after dropout, in training.
  Tensor dropped(const Tensor& weights, Call& call) const { return rate == 0 ? weights : dropout(weights, call); }
  void each_dropout(Visit visit) {
    if (rate > 0) visit("dropout", dropout);
  }

  std::string name;
  double rate;
  Dropout dropout;
};

}  // namespace detail

/// Which keys each query attends to: (batch, queries, keys) with axes of length 1 where it is one for all; undefined if
/// every query attends to every key.
Tensor joined_mask(const std::string& where, const AttentionArguments& arguments, std::int64_t queries,
                   std::int64_t keys, std::optional<std::int64_t> sliding_window);

/// softmax over the last `axes` axes of those scores that the mask lets through.
Tensor softmax_of(const Tensor& scores, const Tensor& mask, int axes = 1);

/// The rate, if it is between 0 and 1, else ValueError.
double checked_dropout(const std::string& where, double rate);
void check_above_zero(const std::string& where, const char* what, std::int64_t number);

}  // namespace xgrad
