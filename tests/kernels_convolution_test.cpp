#include <xgrad/kernels/convolution.hpp>
#include <xgrad/kernels/pooling.hpp>

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <memory>
#include <random>
#include <sstream>
#include <vector>

using namespace xgrad;
using namespace xgrad::kernels;

namespace {

std::int64_t volume_of(const Three& lengths) { return lengths[0] * lengths[1] * lengths[2]; }

struct Places {
  std::int64_t in_x, in_w, in_y;
};

/// Calls f for every product that the definition adds up.
template <class F>
void for_products(const Convolution& c, F&& f) {
  const std::int64_t from = c.in_channels / c.groups, to = c.out_channels / c.groups;
  for (std::int64_t n = 0; n < c.batch; ++n)
    for (std::int64_t o = 0; o < volume_of(c.out); ++o)
      for (std::int64_t t = 0; t < volume_of(c.taps); ++t) {
        const std::int64_t at[] = {o / (c.out[1] * c.out[2]), o / c.out[2] % c.out[1], o % c.out[2]};
        const std::int64_t tap[] = {t / (c.taps[1] * c.taps[2]), t / c.taps[2] % c.taps[1], t % c.taps[2]};
        std::int64_t place = n;
        bool inside = true;
        for (std::size_t a = 0; a < 3; ++a) {
          const std::int64_t i = at[a] * c.stride[a] + tap[a] * c.dilation[a] - c.before[a];
          inside = inside && i >= 0 && i < c.in[a];
          place = place * c.in[a] + i;
        }
        if (!inside) continue;
        for (std::int64_t j = 0; j < c.out_channels; ++j)
          for (std::int64_t k = 0; k < from; ++k)
            f(Places{place * c.in_channels + j / to * from + k, (t * from + k) * c.out_channels + j,
                     (n * volume_of(c.out) + o) * c.out_channels + j});
      }
}

template <class T>
std::vector<T> drawn(std::int64_t count, std::mt19937& random) {
  std::vector<T> out(static_cast<std::size_t>(count));
  for (T& value : out) value = static_cast<T>(static_cast<int>(random() % 17) - 8) / 8;
  return out;
}

/// Numbers are small multiples of 1/64, so every order of adding them up gives the same: results agree bit for bit.
template <class T>
void check(Convolution c, std::mt19937& random) {
  c.type = sizeof(T) == 4 ? DType::float32 : DType::float64;
  const std::int64_t x_size = c.batch * volume_of(c.in) * c.in_channels;
  const std::int64_t w_size = volume_of(c.taps) * (c.in_channels / c.groups) * c.out_channels;
  const std::int64_t y_size = c.batch * volume_of(c.out) * c.out_channels;
  const std::vector<T> x = drawn<T>(x_size, random), w = drawn<T>(w_size, random), y = drawn<T>(y_size, random);
  for (const ConvolutionOf result : {ConvolutionOf::y, ConvolutionOf::x, ConvolutionOf::w}) {
    const std::vector<T>& a = result == ConvolutionOf::x ? y : x;
    const std::vector<T>& b = result == ConvolutionOf::w ? y : w;
    const std::int64_t size = result == ConvolutionOf::y ? y_size : result == ConvolutionOf::x ? x_size : w_size;
    std::vector<T> expected(static_cast<std::size_t>(size), T{0});
    for_products(c, [&](const Places& p) {
      const auto at = [](std::int64_t i) { return static_cast<std::size_t>(i); };
      switch (result) {
        case ConvolutionOf::y: expected[at(p.in_y)] += x[at(p.in_x)] * w[at(p.in_w)]; break;
        case ConvolutionOf::x: expected[at(p.in_x)] += y[at(p.in_y)] * w[at(p.in_w)]; break;
        case ConvolutionOf::w: expected[at(p.in_w)] += x[at(p.in_x)] * y[at(p.in_y)]; break;
      }
    });
    // Memory of exactly the size that was asked for, in which a sanitizer sees what lies beyond.
    const std::size_t bytes = convolve_scratch(result, c);
    const std::unique_ptr<std::byte[]> scratch(new std::byte[bytes]);
    std::fill_n(scratch.get(), bytes, std::byte{0xFF});
    std::vector<T> out(static_cast<std::size_t>(size), std::numeric_limits<T>::quiet_NaN());
    convolve(result, c, a.data(), b.data(), out.data(), scratch.get());
    INFO("result " << static_cast<int>(result));
    CHECK(out == expected);
  }
}

std::string text_of(const Convolution& c) {
  std::ostringstream out;
  out << "batch " << c.batch << ", groups " << c.groups << ", channels " << c.in_channels << " to " << c.out_channels;
  const std::pair<const char*, const Three*> all[] = {{"in", &c.in},         {"taps", &c.taps},
                                                      {"out", &c.out},       {"stride", &c.stride},
                                                      {"dilation", &c.dilation}, {"before", &c.before}};
  for (const auto& [name, three] : all)
    out << ", " << name << " " << (*three)[0] << " " << (*three)[1] << " " << (*three)[2];
  return out.str();
}

/// Sizes of any kind; windows may lie outside of x altogether.
Convolution random_sizes(std::mt19937& random) {
  const auto below = [&](int n) { return static_cast<std::int64_t>(random() % static_cast<unsigned>(n)); };
  Convolution c;
  c.batch = 1 + below(3);
  c.groups = below(3) == 0 ? 1 + below(4) : 1;
  const std::int64_t few[] = {1, 2, 3, 4, 5, 8, 9, 16, 24, 33, 48, 64};
  c.in_channels = c.groups * few[below(12)];
  c.out_channels = c.groups * few[below(12)];
  if (below(5) == 0) c.groups = c.in_channels, c.out_channels = c.in_channels * (1 + below(2));
  const int axes = static_cast<int>(1 + below(3));
  for (std::size_t a = static_cast<std::size_t>(3 - axes); a < 3; ++a) {
    c.in[a] = 1 + below(axes == 3 ? 5 : 9);
    c.taps[a] = 1 + below(4);
    c.stride[a] = 1 + below(below(2) == 0 ? 3 : 1);
    c.dilation[a] = 1 + below(below(2) == 0 ? 3 : 1);
    c.before[a] = below(6) - 1;
    const std::int64_t reach = (c.taps[a] - 1) * c.dilation[a];
    c.out[a] = std::max<std::int64_t>(1, (c.in[a] + c.before[a] + below(4) - reach - 1) / c.stride[a] + 1);
  }
  return c;
}

}  // namespace

TEST_CASE("a convolution and its two transposes are the sums of their definition, whatever the sizes") {
  std::mt19937 random(5);
  for (int i = 0; i < 600; ++i) {
    const Convolution c = random_sizes(random);
    INFO(i << ": " << text_of(c));
    if (i % 2)
      check<float>(c, random);
    else
      check<double>(c, random);
  }
}

TEST_CASE("nothing to add up gives zeros") {
  for (const bool channels : {false, true}) {
    Convolution c{.type = DType::float64, .batch = channels ? 2 : 0, 
                  .in_channels = channels ? 0 : 3, .out_channels = 2};
    c.in = {1, 4, 4};
    c.taps = {1, 2, 2};
    c.out = {1, 3, 3};
    std::vector<double> x(static_cast<std::size_t>(c.batch * 16 * c.in_channels)), w(4 * 3 * 2),
        y(static_cast<std::size_t>(c.batch * 18), 1);
    CHECK(convolve_scratch(ConvolutionOf::y, c) == 0);
    std::vector<double> out(w.size(), 7);
    if (channels) {
      convolve(ConvolutionOf::y, c, x.data(), w.data(), y.data(), nullptr);
      CHECK(y == std::vector<double>(y.size(), 0));
    } else {
      convolve(ConvolutionOf::w, c, x.data(), y.data(), out.data(), nullptr);
      CHECK(out == std::vector<double>(w.size(), 0));
    }
  }
}

TEST_CASE("the largest elements of windows and what is put and picked there are those of the definition") {
  std::mt19937 random(9);
  for (int i = 0; i < 300; ++i) {
    Convolution c = random_sizes(random);
    c.type = DType::float32;
    INFO(i << ": " << text_of(c));
    const auto count = [](std::int64_t n) { return static_cast<std::size_t>(n); };
    const std::int64_t channels = c.in_channels, x_size = c.batch * volume_of(c.in) * channels;
    const std::int64_t y_size = c.batch * volume_of(c.out) * channels;
    const std::vector<float> x = drawn<float>(x_size, random), g = drawn<float>(y_size, random);
    const std::vector<float> other = drawn<float>(x_size, random);
    std::vector<float> largest(count(y_size), -std::numeric_limits<float>::infinity());
    std::vector<std::int64_t> where(count(y_size), -1);
    Convolution each = c;
    each.groups = each.out_channels = channels;
    for_products(each, [&](const Places& p) {
      if (where[count(p.in_y)] >= 0 && !(x[count(p.in_x)] > largest[count(p.in_y)])) return;
      largest[count(p.in_y)] = x[count(p.in_x)];
      where[count(p.in_y)] = p.in_x;
    });
    std::vector<float> put(count(x_size), 0), picked(count(y_size), 0);
    for (std::size_t k = 0; k < where.size(); ++k) {
      if (where[k] < 0) continue;
      put[count(where[k])] += g[k];
      picked[k] = other[count(where[k])];
    }
    std::vector<float> out(count(y_size)), back(count(x_size));
    max_pool(MaxPool::values, c, x.data(), nullptr, out.data());
    CHECK(out == largest);
    max_pool(MaxPool::put, c, x.data(), g.data(), back.data());
    CHECK(back == put);
    max_pool(MaxPool::pick, c, x.data(), other.data(), out.data());
    CHECK(out == picked);
  }
}
