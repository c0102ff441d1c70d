#include <xgrad/nn/pooling_layers.hpp>

#include <xgrad/nn/layer_parts.hpp>
#include <xgrad/ops/reduce.hpp>

namespace xgrad {

namespace {

constexpr std::string_view max_names[] = {"MaxPooling1D", "MaxPooling2D", "MaxPooling3D"};
constexpr std::string_view average_names[] = {"AveragePooling1D", "AveragePooling2D", "AveragePooling3D"};
constexpr std::string_view global_max_names[] = {"GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D"};
constexpr std::string_view global_average_names[] = {"GlobalAveragePooling1D", "GlobalAveragePooling2D",
                                           "GlobalAveragePooling3D"};
constexpr std::string_view adaptive_max_names[] = {"AdaptiveMaxPooling1D", "AdaptiveMaxPooling2D",
                                                   "AdaptiveMaxPooling3D"};
constexpr std::string_view adaptive_average_names[] = {"AdaptiveAveragePooling1D", "AdaptiveAveragePooling2D",
                                             "AdaptiveAveragePooling3D"};

constexpr auto describing = [](Fields& f, auto& layer) {
  if constexpr (requires { layer.pool_size; }) {
    f("pool_size", layer.pool_size);
    f("strides", layer.strides);
    f("padding", layer.padding);
  }
  if constexpr (requires { layer.output_size; }) f("output_size", layer.output_size);
  f("data_format", layer.data_format);
  if constexpr (requires { layer.keepdims; }) f("keepdims", layer.keepdims);
  f("name", layer.name);
};

}  // namespace

template <Pool pool, int N>
std::string_view Pooling<pool, N>::kind_name() {
  return (pool == Pool::max ? max_names : average_names)[N - 1];
}

template <Pool pool, int N>
Pooling<pool, N>::Pooling(EachAxis size, PoolLayerOptions options)
    : pool_size(size.of(N, kind_name(), "pool_size")),
      padding(std::move(options.padding)),
      data_format(std::move(options.data_format)),
      name(std::move(options.name)) {
  if (options.strides.given()) strides = options.strides.of(N, kind_name(), "strides");
  check();
}

template <Pool pool, int N>
void Pooling<pool, N>::check() const {
  static_cast<void>(EachAxis(pool_size).of(N, kind_name(), "pool_size"));
  if (strides) static_cast<void>(EachAxis(*strides).of(N, kind_name(), "strides"));
  constexpr Named<int> words[] = {{"valid", 0}, {"same", 1}};
  find_named(words, "padding", padding);
  static_cast<void>(channels_first(kind_name(), data_format));
}

template <Pool pool, int N>
Tensor Pooling<pool, N>::operator()(const Tensor& x, Call& call) const {
  call.mask = {};
  check_rank(label(kind_name(), name), x, N + 2);
  const PoolOptions options{
      .strides = strides ? EachAxis(*strides) : EachAxis(), .padding = padding, .data_format = data_format};
  return pool == Pool::max ? max_pool(x, EachAxis(pool_size), options) : average_pool(x, EachAxis(pool_size), options);
}

template <Pool pool, int N>
Config Pooling<pool, N>::get_config() const {
  return config_of(*this, describing);
}
template <Pool pool, int N>
Pooling<pool, N> Pooling<pool, N>::from_config(const Config& config) {
  return read_layer(kind_name(), config, Pooling(2), describing);
}

template <Pool pool, int N>
std::string_view GlobalPooling<pool, N>::kind_name() {
  return (pool == Pool::max ? global_max_names : global_average_names)[N - 1];
}

template <Pool pool, int N>
GlobalPooling<pool, N>::GlobalPooling(GlobalPoolOptions options)
    : data_format(std::move(options.data_format)), keepdims(options.keepdims), name(std::move(options.name)) {
  check();
}

template <Pool pool, int N>
void GlobalPooling<pool, N>::check() const {
  static_cast<void>(channels_first(kind_name(), data_format));
}

template <Pool pool, int N>
Tensor GlobalPooling<pool, N>::operator()(const Tensor& given, Call& call) const {
  const Tensor mask = call.mask;
  call.mask = {};
  check_rank(label(kind_name(), name), given, N + 2);
  const Tensor x = floating(given);
  const int first = first_spatial(kind_name(), data_format);
  const Axes axes = N == 1 ? Axes{first} : N == 2 ? Axes{first, first + 1} : Axes{first, first + 1, first + 2};
  if constexpr (pool == Pool::max) {
    return max(x, axes, keepdims);
  } else if constexpr (N == 1) {
    if (!mask.defined()) return mean(x, axes, keepdims);
    const Tensor counts = expand_dims(cast(mask, x.dtype()), first == 1 ? 2 : 1);
    return sum(x * counts, axes, keepdims) / sum(counts, axes, keepdims);
  } else {
    return mean(x, axes, keepdims);
  }
}

template <Pool pool, int N>
Config GlobalPooling<pool, N>::get_config() const {
  return config_of(*this, describing);
}
template <Pool pool, int N>
GlobalPooling<pool, N> GlobalPooling<pool, N>::from_config(const Config& config) {
  return read_layer(kind_name(), config, GlobalPooling(), describing);
}

template <Pool pool, int N>
std::string_view AdaptivePooling<pool, N>::kind_name() {
  return (pool == Pool::max ? adaptive_max_names : adaptive_average_names)[N - 1];
}

template <Pool pool, int N>
AdaptivePooling<pool, N>::AdaptivePooling(EachAxis size, AdaptivePoolOptions options)
    : output_size(size.of(N, kind_name(), "output_size")),
      data_format(std::move(options.data_format)),
      name(std::move(options.name)) {
  check();
}

template <Pool pool, int N>
void AdaptivePooling<pool, N>::check() const {
  static_cast<void>(EachAxis(output_size).of(N, kind_name(), "output_size"));
  static_cast<void>(channels_first(kind_name(), data_format));
}

template <Pool pool, int N>
Tensor AdaptivePooling<pool, N>::operator()(const Tensor& x, Call& call) const {
  call.mask = {};
  check_rank(label(kind_name(), name), x, N + 2);
  return pool == Pool::max ? adaptive_max_pool(x, EachAxis(output_size), data_format)
                           : adaptive_average_pool(x, EachAxis(output_size), data_format);
}

template <Pool pool, int N>
Config AdaptivePooling<pool, N>::get_config() const {
  return config_of(*this, describing);
}
template <Pool pool, int N>
AdaptivePooling<pool, N> AdaptivePooling<pool, N>::from_config(const Config& config) {
  return read_layer(kind_name(), config, AdaptivePooling(1), describing);
}

template struct Pooling<Pool::max, 1>;
template struct Pooling<Pool::max, 2>;
template struct Pooling<Pool::max, 3>;
template struct Pooling<Pool::average, 1>;
template struct Pooling<Pool::average, 2>;
template struct Pooling<Pool::average, 3>;
template struct GlobalPooling<Pool::max, 1>;
template struct GlobalPooling<Pool::max, 2>;
template struct GlobalPooling<Pool::max, 3>;
template struct GlobalPooling<Pool::average, 1>;
template struct GlobalPooling<Pool::average, 2>;
template struct GlobalPooling<Pool::average, 3>;
template struct AdaptivePooling<Pool::max, 1>;
template struct AdaptivePooling<Pool::max, 2>;
template struct AdaptivePooling<Pool::max, 3>;
template struct AdaptivePooling<Pool::average, 1>;
template struct AdaptivePooling<Pool::average, 2>;
template struct AdaptivePooling<Pool::average, 3>;

}  // namespace xgrad
