#pragma once
/// Where in a sequence something stands: SinePositionEncoding, PositionEmbedding, TokenAndPositionEmbedding,
/// RotaryEmbedding. Names and definitions are KerasHub's.

#include <xgrad/nn/initializers.hpp>
#include <xgrad/nn/layer.hpp>

namespace xgrad {

/// What a call may be given besides x.
struct PositionArguments {
  std::int64_t start_index = 0;  ///< the position of the first element
  Tensor positions = {};         ///< those of all elements instead: (length,) or (batch, length)
};

namespace detail {
struct PositionState;
}  // namespace detail

/// What the layers of positions share: how they are called. Copies share the weights.
class PositionLayer {
 public:
  /// In evaluation, or a step of a model. Throws ShapeError where shapes do not fit.
  Tensor operator()(const Tensor& x, const PositionArguments& arguments = {}) const;
  Tensor operator()(const Tensor& x, const PositionArguments& arguments, Call& call) const;
  Tensor operator()(const Tensor& x, Call& call) const { return (*this)(x, {}, call); }
  std::vector<Tensor> operator()(std::span<const Tensor> xs, Call& call) const;
  void each(Visit visit);
  std::string_view kind_name() const;
  const std::string& name() const;
  Config get_config() const;

 protected:
  explicit PositionLayer(detail::PositionState* state);

 private:
  Shared<detail::PositionState> state_;
};

struct SinePositionEncodingOptions {
  double max_wavelength = 10000;
  std::string name = {};
};

/// Numbers shaped like x (..., length, n) that say where its elements stand, to be added to it: feature i of position p
/// is sin(p / max_wavelength^(i / n)) for even i and cos(p / max_wavelength^((i - 1) / n)) for odd i (Vaswani et al.
/// 2017).
class SinePositionEncoding : public PositionLayer {
 public:
  explicit SinePositionEncoding(SinePositionEncodingOptions options = {});
  static SinePositionEncoding from_config(const Config& config);
};

struct PositionEmbeddingOptions {
  initializers::Initializer initializer = "glorot_uniform";
  std::string name = {};
  std::optional<DType> dtype = {};
};

/// The same from a trained table of sequence_length rows: row p for position p. Throws ShapeError for longer x.
class PositionEmbedding : public PositionLayer {
 public:
  explicit PositionEmbedding(std::int64_t sequence_length, PositionEmbeddingOptions options = {});
  static PositionEmbedding from_config(const Config& config);
};

struct TokenAndPositionEmbeddingOptions {
  initializers::Initializer embeddings_initializer = "uniform";
  bool mask_zero = false;  ///< 0 stands for no token: it does not count
  std::string name = {};
  DType dtype = float32;
};

/// Integers (batch, length) as an Embedding plus a PositionEmbedding: (batch, length, embedding_dim).
class TokenAndPositionEmbedding : public PositionLayer {
 public:
  TokenAndPositionEmbedding(std::int64_t vocabulary_size, std::int64_t sequence_length, std::int64_t embedding_dim,
                            TokenAndPositionEmbeddingOptions options = {});
  static TokenAndPositionEmbedding from_config(const Config& config);
};

struct RotaryEmbeddingOptions {
  double max_wavelength = 10000;
  double scaling_factor = 1;
  std::string rope_type = "linear";                      ///< "linear", "dynamic" or "yarn": how sequences are stretched
  double beta_fast = 32, beta_slow = 1;                  ///< of "yarn"
  std::int64_t original_max_position_embeddings = 4096;  ///< of "yarn"
  bool truncate = true;                                  ///< of "yarn"
  int sequence_axis = 1;
  int feature_axis = -1;
  std::optional<std::int64_t> denominator_dim = {};  ///< in place of n below; not of "yarn"
  std::string name = {};
};

/// x with its features i and i + n / 2 turned by the angle p f_i, p being the position, so that products of two such
/// depend on the distance of their positions alone (Su et al. 2021): f_i = max_wavelength^(-2 i / n), divided by
/// scaling_factor ("linear") or by its power n / (n - 2) ("dynamic"); "yarn" divides low frequencies alone and scales x
/// by 1 + log(scaling_factor) / 10 (Peng et al. 2023). Throws ShapeError for an odd number of features.
class RotaryEmbedding : public PositionLayer {
 public:
  explicit RotaryEmbedding(RotaryEmbeddingOptions options = {});
  static RotaryEmbedding from_config(const Config& config);
};

}  // namespace xgrad
