#pragma once
/// Preprocessing of words, which live outside Tensors: StringLookup, TextVectorization, Hashing, HashedCrossing.

#include <xgrad/nn/config.hpp>
#include <xgrad/nn/layer.hpp>

namespace xgrad {

struct StringLookupOptions {
  std::int64_t max_tokens = 0;  ///< the most frequent so many, with those for the unknown; 0: all
  std::int64_t num_oov_indices = 1;
  std::optional<std::string> mask_token = {};
  std::string oov_token = "[UNK]";
  std::vector<std::string> vocabulary = {};
  std::vector<double> idf_weights = {};  ///< of the vocabulary, for "tf_idf"
  std::string output_mode = "int";       ///< or "one_hot", "multi_hot", "count", "tf_idf"
  bool pad_to_max_tokens = false;
  std::string name = {};
};

/// Words as their places in a vocabulary: first the mask token if there is one (0), then num_oov_indices places for
/// unknown words (several by FarmHash), then the words, most frequent first (of equally frequent ones the last in the
/// alphabet first), as in Keras.
class StringLookup {
 public:
  using Words = std::vector<std::string>;
  explicit StringLookup(StringLookupOptions options = {});
  /// Learns the vocabulary from words or from documents, which also give the inverse document frequencies
  /// log(1 + documents / (1 + those with the word)).
  void adapt(const Words& words);
  void adapt(const std::vector<Words>& documents);
  /// A number for each word (int64), or with another output mode one row for all of them. Throws ValueError without a
  /// vocabulary, and for an unknown word if num_oov_indices is 0.
  Tensor operator()(const Words& words) const;
  /// Rows of equally many words; with modes other than "int" and "one_hot", of any numbers of words.
  Tensor operator()(const std::vector<Words>& rows) const;
  /// The words of indices; those out of range are the oov_token.
  Words invert(const Tensor& indices) const;
  Words get_vocabulary() const;
  std::int64_t vocabulary_size() const;
  Config get_config() const;
  static StringLookup from_config(const Config& config);

 private:
  struct State;
  Shared<State> state_;
};

/// Which runs of words count as words: of up to n, or of these lengths.
struct NGrams {
  NGrams() = default;
  /// Throws ValueError for a number below 1.
  NGrams(int longest);
  NGrams(std::initializer_list<std::int64_t> lengths) : NGrams(std::vector<std::int64_t>(lengths)) {}
  NGrams(std::vector<std::int64_t> lengths);

  std::vector<std::int64_t> lengths;  ///< none: words as they are
};

struct TextVectorizationOptions {
  std::int64_t max_tokens = 0;
  std::string standardize = "lower_and_strip_punctuation";  ///< or "lower", "strip_punctuation", "" for nothing
  std::string split = "whitespace";                         ///< or "character", "" for nothing
  NGrams ngrams = {};                       ///< n: of up to n words; {n, m}: of these lengths; joined with a space
  std::string output_mode = "int";          ///< or "multi_hot", "count", "tf_idf"
  std::int64_t output_sequence_length = 0;  ///< rows are cut or filled up with 0; 0: the longest row's
  bool pad_to_max_tokens = false;
  std::vector<std::string> vocabulary = {};
  std::vector<double> idf_weights = {};
};

/// Texts as rows of numbers: standardized, split into words, looked up. 0 fills up and 1 is an unknown word; the other
/// modes have no place for filling. Without a split all texts are the words of one row.
class TextVectorization {
 public:
  using Words = std::vector<std::string>;
  explicit TextVectorization(TextVectorizationOptions options = {});
  void adapt(const std::vector<std::string>& texts);
  Tensor operator()(const std::vector<std::string>& texts) const;
  /// A row of its own length for each text (Keras's `ragged`). Throws ValueError for other modes than "int".
  std::vector<Tensor> ragged(const std::vector<std::string>& texts) const;
  Words get_vocabulary() const;
  std::int64_t vocabulary_size() const;
  /// The words a text becomes.
  Words words_of(std::string_view text) const;
  Config get_config() const;
  static TextVectorization from_config(const Config& config);

 private:
  StringLookup lookup() const;
  struct State;
  Shared<State> state_;
};

struct HashingOptions {
  std::optional<std::string> mask_value = {};  ///< becomes 0 (of integers their digits)
  /// None: FarmHash's Fingerprint64. One number or two: SipHash-2-4 with these as its key, one number twice.
  std::vector<std::int64_t> salt = {};
  std::string output_mode = "int";  ///< or "one_hot", "multi_hot", "count"
  std::string name = {};
};

/// Words or integers as numbers 0 ... num_bins-1 by a hash, Keras's to the bit: integers are hashed as their digits.
class Hashing {
 public:
  /// Throws ValueError unless num_bins > 0 and the salt has at most two numbers.
  explicit Hashing(std::int64_t num_bins, HashingOptions options = {});
  Tensor operator()(const std::vector<std::string>& words) const;
  /// Computes x at this call. Throws DTypeError unless it holds integers.
  Tensor operator()(const Tensor& x) const;
  std::int64_t bin_of(std::string_view word) const;
  Config get_config() const;
  static Hashing from_config(const Config& config);

  std::int64_t num_bins;
  HashingOptions options;
};

struct HashedCrossingOptions {
  std::string output_mode = "int";  ///< or "one_hot", "multi_hot", "count"
  std::string name = {};
};

/// Two or more columns as one: the hash of each row's features together, Keras's to the bit.
class HashedCrossing {
 public:
  /// A column: words, or integers.
  class Column {
   public:
    Column(const std::vector<std::string>& words);
    Column(std::initializer_list<std::string> words) : Column(std::vector<std::string>(words)) {}
    /// Computes x at this call. Throws DTypeError unless it holds integers, ShapeError for other than one axis.
    Column(const Tensor& x);
    const std::vector<std::uint64_t>& features() const { return features_; }

   private:
    std::vector<std::uint64_t> features_;
  };

  /// Throws ValueError unless num_bins > 0.
  explicit HashedCrossing(std::int64_t num_bins, HashedCrossingOptions options = {});
  /// Throws ValueError unless there are two columns or more of equal length.
  Tensor operator()(const std::vector<Column>& columns) const;
  Config get_config() const;
  static HashedCrossing from_config(const Config& config);

  std::int64_t num_bins;
  HashedCrossingOptions options;
};

}  // namespace xgrad
