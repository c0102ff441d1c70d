#include "reference_cases.hpp"

#include <xgrad/graph/rerecord.hpp>
#include <xgrad/kernels/pool.hpp>
#include <xgrad/ops/convolution.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>

#include <catch2/catch.hpp>

using namespace xgrad;
using reference::Json;

namespace {

/// The k-th input of a case: see make_convolution_values.py.
Tensor filled(const Shape& shape, std::int64_t k, DType dtype) {
  std::vector<double> values(static_cast<std::size_t>(shape.size()));
  for (std::size_t at = 0; at < values.size(); ++at) {
    const auto i = static_cast<std::int64_t>(at);
    values[at] = static_cast<double>((37 * i + 11 * k + i / 7) % 101 - 50) / 32;
  }
  return tensor(values, shape, {.dtype = dtype});
}

EachAxis each_of(const Json& options, const char* name) {
  return EachAxis(options.contains(name) ? options.at(name).get<std::vector<std::int64_t>>()
                                         : std::vector<std::int64_t>());
}

ConvPadding padding_of(const Json& options) {
  const Json& padding = options.at("padding");
  if (padding.is_string()) return padding.get<std::string>();
  std::vector<Padding> each;
  for (const Json& sides : padding) each.push_back({sides[0].get<std::int64_t>(), sides[1].get<std::int64_t>()});
  return ConvPadding(each);
}

Tensor called(const std::string& call, const Json& o, std::span<const Tensor> in) {
  if (call.ends_with("_pool")) {
    const EachAxis size = each_of(o, "size");
    if (call == "adaptive_max_pool") return adaptive_max_pool(in[0], size);
    if (call == "adaptive_average_pool") return adaptive_average_pool(in[0], size);
    const PoolOptions options{.strides = each_of(o, "strides"), .padding = padding_of(o)};
    return call == "max_pool" ? max_pool(in[0], size, options) : average_pool(in[0], size, options);
  }
  if (call == "unfold" || call == "fold") {
    const UnfoldOptions options{
        .dilation = each_of(o, "dilation"), .padding = each_of(o, "padding"), .stride = each_of(o, "stride")};
    return call == "unfold" ? unfold(in[0], each_of(o, "size"), options)
                            : fold(in[0], each_of(o, "output_size"), each_of(o, "size"), options);
  }
  if (o.contains("block")) {
    const auto block = o.at("block").get<std::int64_t>();
    const std::string order = o.at("data_format").get<std::string>();
    return call == "space_to_depth" ? space_to_depth(in[0], block, order) : depth_to_space(in[0], block, order);
  }
  if (call == "conv_transpose")
    return conv_transpose(in[0], in[1],
                          {.strides = each_of(o, "strides"),
                           .padding = padding_of(o),
                           .output_padding = each_of(o, "output_padding"),
                           .dilation_rate = each_of(o, "dilation_rate"),
                           .groups = o.at("groups").get<std::int64_t>()});
  const std::string format = o.contains("data_format") ? o.at("data_format").get<std::string>() : "channels_last";
  const ConvOptions options{.strides = each_of(o, "strides"),
                            .padding = padding_of(o),
                            .data_format = format,
                            .dilation_rate = each_of(o, "dilation_rate")};
  if (call == "depthwise_conv") return depthwise_conv(in[0], in[1], options);
  if (call == "separable_conv") return separable_conv(in[0], in[1], in[2], options);
  REQUIRE(call == "conv");
  return conv(in[0], in[1], options);
}

void check_case(const Json& one, DType dtype, double tolerance) {
  std::vector<Tensor> in;
  for (const Json& shape : one.at("shapes"))
    in.push_back(filled(reference::shape_of(shape), static_cast<std::int64_t>(in.size()), dtype));
  const Tensor out = called(one.at("call"), one.at("options"), in);
  REQUIRE(out.shape() == reference::shape_of(one.at("out_shape")));
  CHECK(out.dtype() == dtype);
  const Tensor seed = filled(out.shape(), 5, dtype);
  const std::vector<Tensor> grads = grad(out, std::span<const Tensor>(in), {.seed = seed});
  reference::check_reals("value", out, reference::reals_of(one.at("out")), tolerance);
  for (std::size_t k = 0; k < in.size(); ++k) {
    INFO("gradient of input " << k);
    reference::check_reals("gradient", grads[k], reference::reals_of(one.at("grads")[k]), tolerance);
  }
}

Tensor drawn(const Shape& shape, std::uint64_t seed, DType dtype = float32) {
  Generator generator(seed);
  return normal(shape, 0, 1, {.dtype = dtype, .generator = &generator}).eval();
}

/// Sets the number of threads, and back.
struct Threads {
  explicit Threads(int count) : before(kernels::num_threads()) { kernels::set_num_threads(count); }
  ~Threads() { kernels::set_num_threads(before); }
  int before;
};

}  // namespace

TEST_CASE("convolutions and pools are PyTorch's, and so are their gradients") {
  std::ifstream stream(std::filesystem::path(XGRAD_TEST_FILES).parent_path() / "reference" /
                       "convolution_values.json");
  REQUIRE(stream.good());
  const Json all = Json::parse(stream);
  int convolutions = 0;
  for (const Json& one : all.at("cases")) {
    INFO(one.at("call") << " " << one.at("shapes").dump() << " " << one.at("options").dump());
    check_case(one, float64, 1e-12);
    check_case(one, float32, 1e-5);
    convolutions += one.at("call").get<std::string>().find("conv") != std::string::npos;
  }
  CHECK(convolutions >= 200);
}

TEST_CASE("convolutions large enough to be cut give the bits of one thread") {
  struct Sizes {
    Shape x, w;
  };
  for (const Sizes& sizes : {Sizes{{40, 17, 15, 1}, {3, 3, 1, 8}}, Sizes{{24, 12, 12, 16}, {3, 3, 16, 24}},
                             Sizes{{24, 20, 20, 12}, {5, 3, 1, 12}}, Sizes{{9, 12, 12, 32}, {1, 1, 32, 16}},
                             Sizes{{2, 30, 30, 8}, {3, 3, 4, 16}}, Sizes{{16, 33, 24, 3}, {7, 7, 3, 32}},
                             Sizes{{1, 9, 8, 96}, {3, 3, 96, 40}}, Sizes{{1, 9, 8, 96}, {1, 1, 96, 40}},
                             Sizes{{3, 5, 5, 1024}, {3, 3, 1024, 480}}}) {
    std::vector<std::vector<double>> results[2];
    for (const int threads : {1, 3}) {
      const Threads set(threads);
      const Tensor x = drawn(sizes.x, 1), w = drawn(sizes.w, 2);
      const Tensor y = conv(x, w, {.padding = "same"});
      const Tensor pooled = max_pool(y, 3, {.strides = 2});
      const auto [dx, dw] = grad(sum(pooled * drawn(pooled.shape(), 3)), {x, w});
      for (const Tensor& t : {y, pooled, dx, dw}) results[threads == 1 ? 0 : 1].push_back(t.to_vector<double>());
    }
    CHECK(results[0] == results[1]);
  }
}

TEST_CASE("a large convolution and its gradients are the sums they are defined as") {
  // Larger than one block and with edges that no block's size divides, few channels, and few images with many.
  struct Sizes {
    DType dtype;
    Shape x, w;
  };
  for (const auto& [dtype, x_shape, w_shape] :
       {Sizes{float32, {19, 14, 13, 6}, {3, 2, 6, 21}}, Sizes{float64, {19, 14, 13, 6}, {3, 2, 6, 21}},
        Sizes{float32, {19, 14, 13, 3}, {3, 2, 3, 21}}, Sizes{float64, {19, 14, 13, 1}, {3, 2, 1, 40}},
        Sizes{float32, {1, 14, 13, 96}, {3, 2, 96, 21}}, Sizes{float64, {2, 14, 13, 64}, {1, 1, 64, 30}},
        Sizes{float32, {3, 6, 5, 1024}, {3, 2, 1024, 700}}}) {
    INFO(to_string(x_shape) << " " << to_string(w_shape));
    const Tensor x = drawn(x_shape, 1, dtype), w = drawn(w_shape, 2, dtype);
    const std::int64_t stride = w_shape[0] == 1 ? 1 : 2;
    const Tensor y = conv(x, w, {.strides = {stride, 1}});
    Tensor sums = zeros_like(y);
    for (std::int64_t i = 0; i < w_shape[0]; ++i)
      for (std::int64_t j = 0; j < w_shape[1]; ++j)
        sums = sums + matmul(slice(x, {{}, {i, i + (y.dim(1) - 1) * stride + 1, stride}, {j, j + y.dim(2)}}),
                             slice(w, {{i, i + 1}, {j, j + 1}}));
    const Tensor seed = drawn(y.shape(), 3, dtype);
    const auto [dx, dw] = grad(y, {x, w}, {.seed = seed});
    const auto [ex, ew] = grad(sums, {x, w}, {.seed = seed});
    const double tolerance = dtype == float32 ? 2e-5 : 1e-13;
    reference::check_reals("y", y, sums.to_vector<double>(), tolerance);
    reference::check_reals("dx", dx, ex.to_vector<double>(), tolerance);
    reference::check_reals("dw", dw, ew.to_vector<double>(), tolerance);
  }
}

TEST_CASE("many channels in groups, with zeros around and gaps between taps, give the sums they are defined as") {
  struct Sizes {
    DType dtype;
    Shape x, w;
    std::int64_t groups;
  };
  for (const auto& [dtype, x_shape, w_shape, groups] :
       {Sizes{float32, {5, 9, 7, 64}, {3, 3, 32, 96}, 2}, Sizes{float64, {5, 9, 7, 64}, {3, 3, 32, 96}, 2},
        Sizes{float32, {2, 5, 30, 64}, {1, 5, 64, 61}, 1}, Sizes{float64, {1, 3, 4, 600}, {3, 3, 600, 64}, 1}}) {
    INFO(to_string(x_shape) << " " << to_string(w_shape));
    const Tensor x = drawn(x_shape, 1, dtype), w = drawn(w_shape, 2, dtype);
    const Tensor y = conv(x, w, {.padding = {{1, 0}, {4, 3}}, .dilation_rate = {1, 2}});
    const Tensor around = pad(x, {{}, {1, 0}, {4, 3}, {}});
    std::vector<Tensor> parts;
    for (std::int64_t group = 0; group < groups; ++group) {
      const std::int64_t from = w_shape[2], to = w_shape[3] / groups;
      Tensor part;
      for (std::int64_t i = 0; i < w_shape[0]; ++i)
        for (std::int64_t j = 0; j < w_shape[1]; ++j) {
          const Tensor window = slice(around, {{}, {i, i + y.dim(1)}, {2 * j, 2 * j + y.dim(2)},
                                               {group * from, (group + 1) * from}});
          const Tensor tap = slice(w, {{i, i + 1}, {j, j + 1}, {}, {group * to, (group + 1) * to}});
          part = part.defined() ? part + matmul(window, tap) : matmul(window, tap);
        }
      parts.push_back(part);
    }
    const Tensor sums = concatenate(parts, -1), seed = drawn(y.shape(), 3, dtype);
    const auto [dx, dw] = grad(y, {x, w}, {.seed = seed});
    const auto [ex, ew] = grad(sums, {x, w}, {.seed = seed});
    const double tolerance = dtype == float32 ? 2e-5 : 1e-13;
    reference::check_reals("y", y, sums.to_vector<double>(), tolerance);
    reference::check_reals("dx", dx, ex.to_vector<double>(), tolerance);
    reference::check_reals("dw", dw, ew.to_vector<double>(), tolerance);
  }
}

TEST_CASE("of equal largest elements the first gets a pool's gradient") {
  const Tensor x = tensor(std::vector<double>{2, 2, 2, 1, 3, 3}, Shape{1, 6, 1});
  CHECK(grad(sum(max_pool(x, 3)), x).to_vector<double>() == std::vector<double>{1, 0, 0, 0, 1, 0});
  const double nan = __builtin_nan("");
  const Tensor y = tensor(std::vector<double>{2, nan, nan}, Shape{1, 3, 1});
  CHECK(grad(sum(max_pool(y, 3)), y).to_vector<double>() == std::vector<double>{0, 1, 0});
  const Tensor low = full({1, 2, 1}, -__builtin_inf());
  CHECK(grad(sum(max_pool(low, 2)), low).to_vector<double>() == std::vector<double>{1, 0});
}

TEST_CASE("a batch of another size can be recorded from a convolution") {
  const Tensor x = drawn({2, 6, 6, 3}, 1, float64), w = drawn({3, 3, 3, 4}, 2, float64);
  const auto f = [&](const Tensor& t) { return max_pool(conv(t, w, {.strides = 2, .padding = "same"}), 2); };
  const Tensor y = f(x), dx = grad(sum(y), x), longer = drawn({5, 6, 6, 3}, 3, float64);
  const std::vector<Tensor> again = rerecord(std::vector{y, dx}, std::vector<Substitution>{{x, longer}});
  const Tensor expected = f(longer);
  CHECK(again[0].to_vector<double>() == expected.to_vector<double>());
  CHECK(again[1].to_vector<double>() == grad(sum(expected), longer).to_vector<double>());
}
