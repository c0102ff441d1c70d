#pragma once
/// Preprocessing of numbers: Normalization, Discretization, CategoryEncoding, IntegerLookup.

#include <xgrad/nn/layer.hpp>

namespace xgrad {

struct NormalizationOptions {
  std::vector<int> axis = {-1};   ///< axes that keep a mean of their own; empty: one mean of all
  std::vector<double> mean = {};  ///< given, with `variance`, instead of adapting
  std::vector<double> variance = {};
  bool invert = false;  ///< takes it back
  std::string name = {};
};

/// (x - mean) / max(sqrt(variance), 1e-7) with mean and variance that `adapt` finds in data (in double precision).
class Normalization {
 public:
  /// Throws ValueError unless mean and variance are given together.
  explicit Normalization(NormalizationOptions options = {});
  /// Learns mean and variance over all axes but `axis`; starts anew each time. Throws ShapeError for axes x has not.
  void adapt(const Tensor& x);
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  /// Throws ValueError before adapt, ShapeError for other lengths along `axis`.
  Tensor operator()(const Tensor& x, Call& call) const;
  const std::vector<double>& mean() const;
  const std::vector<double>& variance() const;
  const std::string& name() const;
  Config get_config() const;
  static Normalization from_config(const Config& config);

 private:
  struct State;
  Shared<State> state_;
};

struct DiscretizationOptions {
  std::vector<double> bin_boundaries = {};  ///< rising; or
  std::int64_t num_bins = 0;                ///< so many bins that `adapt` finds
  double epsilon = .01;                     ///< how exactly: the share of the data that a quantile may be off
  std::string output_mode = "int";          ///< or "one_hot", "multi_hot", "count"
  std::string name = {};
};

/// The number of the bin of each element (int64): i with boundaries[i-1] <= x < boundaries[i].
class Discretization {
 public:
  explicit Discretization(DiscretizationOptions options);
  /// Finds boundaries at quantiles of the data. Throws ValueError unless num_bins was given.
  void adapt(const Tensor& x);
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  const std::vector<double>& bin_boundaries() const;
  const std::string& name() const;
  Config get_config() const;
  static Discretization from_config(const Config& config);

 private:
  struct State;
  Shared<State> state_;
};

struct CategoryEncodingOptions {
  std::string output_mode = "multi_hot";  ///< or "one_hot", "count"
  std::string name = {};
};

/// Integers 0 ... num_tokens-1 as rows of num_tokens numbers: "one_hot" a row for each, "multi_hot" for the last axis
/// together 1 where a token occurs, "count" how often, or the sum of count_weights. A token out of range is a
/// ValueError when values are computed.
struct CategoryEncoding {
  explicit CategoryEncoding(std::int64_t num_tokens, CategoryEncodingOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Tensor operator()(const Tensor& x, const Tensor& count_weights) const;
  Config get_config() const;
  static CategoryEncoding from_config(const Config& config);
  void check() const;

  std::int64_t num_tokens;
  std::string output_mode, name;
};

struct IntegerLookupOptions {
  std::int64_t max_tokens = 0;  ///< the most frequent so many, with those for the unknown; 0: all
  std::int64_t num_oov_indices = 1;
  std::optional<std::int64_t> mask_token = {};
  std::int64_t oov_token = -1;
  std::vector<std::int64_t> vocabulary = {};
  std::vector<double> idf_weights = {};  ///< of the vocabulary, for "tf_idf"
  bool invert = false;                   ///< indices to tokens
  std::string output_mode = "int";       ///< or "one_hot", "multi_hot", "count", "tf_idf"
  bool pad_to_max_tokens = false;
  std::string name = {};
};

/// Integers as their places in a vocabulary: first the mask token if there is one (0), then num_oov_indices places for
/// unknown ones (several by remainder), then the tokens, most frequent first (of equally frequent ones the larger
/// first, as Keras's).
class IntegerLookup {
 public:
  explicit IntegerLookup(IntegerLookupOptions options = {});
  /// Learns the vocabulary, most frequent first. For "tf_idf" the rows of x are documents, whose inverse frequencies
  /// are log(1 + documents / (1 + those with the token)).
  void adapt(const Tensor& x);
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  /// Throws ValueError without a vocabulary, and for "tf_idf" without weights.
  Tensor operator()(const Tensor& x, Call& call) const;
  /// All tokens in order, with the mask's and the unknown ones'.
  std::vector<std::int64_t> get_vocabulary() const;
  std::int64_t vocabulary_size() const;
  const std::string& name() const;
  Config get_config() const;
  static IntegerLookup from_config(const Config& config);

 private:
  struct State;
  Shared<State> state_;
};

}  // namespace xgrad
