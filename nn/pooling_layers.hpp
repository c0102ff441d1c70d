#pragma once
/// Pooling layers over 1, 2 and 3 axes in space: windows, whole axes, and so many windows.

#include <xgrad/nn/layer.hpp>
#include <xgrad/ops/convolution.hpp>

#include <optional>

namespace xgrad {

enum class Pool : std::uint8_t { max, average };

/// In Keras's argument order, which is the order C++ asks for.
struct PoolLayerOptions {
  EachAxis strides = {};                      ///< by default the pool's size
  std::string padding = "valid";              ///< or "same"; what is added never counts
  std::string data_format = "channels_last";  ///< or "channels_first"
  std::string name = {};
};

/// The largest element or the mean of each window: (batch, ...space, channels) -> (batch, ...places, channels). See
/// max_pool and average_pool.
template <Pool pool, int N>
struct Pooling {
  /// Throws ValueError for sizes or strides below 1, and for other words.
  explicit Pooling(EachAxis pool_size, PoolLayerOptions options = {});
  Pooling()
    requires(pool == Pool::max)
      : Pooling(2) {}
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  static std::string_view kind_name();
  Config get_config() const;
  static Pooling from_config(const Config& config);
  void check() const;

  std::vector<std::int64_t> pool_size;
  std::optional<std::vector<std::int64_t>> strides;
  std::string padding, data_format, name;
};
using MaxPooling1D = Pooling<Pool::max, 1>;
using MaxPooling2D = Pooling<Pool::max, 2>;
using MaxPooling3D = Pooling<Pool::max, 3>;
using AveragePooling1D = Pooling<Pool::average, 1>;
using AveragePooling2D = Pooling<Pool::average, 2>;
using AveragePooling3D = Pooling<Pool::average, 3>;

struct GlobalPoolOptions {
  std::string data_format = "channels_last";
  bool keepdims = false;  ///< keep the axes in space with length 1
  std::string name = {};
};

/// The largest element or the mean of each channel: (batch, ...space, channels) -> (batch, channels). The mean over one
/// axis leaves out masked steps.
template <Pool pool, int N>
struct GlobalPooling {
  explicit GlobalPooling(GlobalPoolOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  static std::string_view kind_name();
  Config get_config() const;
  static GlobalPooling from_config(const Config& config);
  void check() const;

  std::string data_format;
  bool keepdims;
  std::string name;
};
using GlobalMaxPooling1D = GlobalPooling<Pool::max, 1>;
using GlobalMaxPooling2D = GlobalPooling<Pool::max, 2>;
using GlobalMaxPooling3D = GlobalPooling<Pool::max, 3>;
using GlobalAveragePooling1D = GlobalPooling<Pool::average, 1>;
using GlobalAveragePooling2D = GlobalPooling<Pool::average, 2>;
using GlobalAveragePooling3D = GlobalPooling<Pool::average, 3>;

struct AdaptivePoolOptions {
  std::string data_format = "channels_last";
  std::string name = {};
};

/// Windows that make each axis in space output_size long. See adaptive_max_pool.
template <Pool pool, int N>
struct AdaptivePooling {
  explicit AdaptivePooling(EachAxis output_size, AdaptivePoolOptions options = {});
  Tensor operator()(const Tensor& x) const { return call_alone(*this, x); }
  Tensor operator()(const Tensor& x, Call& call) const;
  static std::string_view kind_name();
  Config get_config() const;
  static AdaptivePooling from_config(const Config& config);
  void check() const;

  std::vector<std::int64_t> output_size;
  std::string data_format, name;
};
using AdaptiveMaxPooling1D = AdaptivePooling<Pool::max, 1>;
using AdaptiveMaxPooling2D = AdaptivePooling<Pool::max, 2>;
using AdaptiveMaxPooling3D = AdaptivePooling<Pool::max, 3>;
using AdaptiveAveragePooling1D = AdaptivePooling<Pool::average, 1>;
using AdaptiveAveragePooling2D = AdaptivePooling<Pool::average, 2>;
using AdaptiveAveragePooling3D = AdaptivePooling<Pool::average, 3>;

// Keras's other names.
using MaxPool1D = MaxPooling1D;
using MaxPool2D = MaxPooling2D;
using MaxPool3D = MaxPooling3D;
using AvgPool1D = AveragePooling1D;
using AvgPool2D = AveragePooling2D;
using AvgPool3D = AveragePooling3D;
using GlobalMaxPool1D = GlobalMaxPooling1D;
using GlobalMaxPool2D = GlobalMaxPooling2D;
using GlobalMaxPool3D = GlobalMaxPooling3D;
using GlobalAvgPool1D = GlobalAveragePooling1D;
using GlobalAvgPool2D = GlobalAveragePooling2D;
using GlobalAvgPool3D = GlobalAveragePooling3D;

}  // namespace xgrad
