#pragma once
/// Noise that is drawn in training alone: SpatialDropout1D to 3D, GaussianDropout, GaussianNoise, AlphaDropout.

#include <xgrad/nn/dropout.hpp>

namespace xgrad {

struct SpatialDropoutOptions {
  std::string data_format = "channels_last";
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
};

/// Dropout of whole channels: all places of a channel go together. (Tompson et al. 2015.)
template <int N>
class SpatialDropout {
 public:
  explicit SpatialDropout(double rate, SpatialDropoutOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  void each(Visit visit) { dropout_.each(visit); }
  static std::string_view kind_name();
  const std::string& name() const { return options_.name; }
  Config get_config() const;
  static SpatialDropout from_config(const Config& config);

 private:
  SpatialDropoutOptions options_;
  Dropout dropout_;
};
using SpatialDropout1D = SpatialDropout<1>;
using SpatialDropout2D = SpatialDropout<2>;
using SpatialDropout3D = SpatialDropout<3>;

struct NoiseOptions {
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
};

/// What noise layers share: a number, and a generator that is split off the model's when the layer is first called.
class Noise {
 public:
  void each(Visit visit);
  const std::string& name() const;

 protected:
  Noise(double amount, NoiseOptions options);
  double amount() const;
  const NoiseOptions& options() const;
  /// The layer's generator, for draws in training.
  Generator& random(Call& call) const;

 private:
  struct State;
  Shared<State> state_;
};

/// x times normal numbers of mean 1 and standard deviation sqrt(rate / (1 - rate)). (Srivastava et al. 2014.)
class GaussianDropout : public Noise {
 public:
  /// Throws ValueError unless 0 <= rate < 1.
  explicit GaussianDropout(double rate, NoiseOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static GaussianDropout from_config(const Config& config);
};

/// x plus normal numbers of mean 0 and this standard deviation.
class GaussianNoise : public Noise {
 public:
  /// Throws ValueError unless stddev >= 0.
  explicit GaussianNoise(double stddev, NoiseOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static GaussianNoise from_config(const Config& config);
};

struct AlphaDropoutOptions {
  std::vector<std::int64_t> noise_shape = {};  ///< as Dropout's
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
};

/// Elements become -alpha * scale of selu with probability `rate`; then all are scaled and moved so that mean and
/// variance stay. (Klambauer et al. 2017.)
class AlphaDropout : public Noise {
 public:
  /// Throws ValueError unless 0 <= rate < 1.
  explicit AlphaDropout(double rate, AlphaDropoutOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  Config get_config() const;
  static AlphaDropout from_config(const Config& config);

 private:
  std::vector<std::int64_t> noise_shape_;
};

}  // namespace xgrad
