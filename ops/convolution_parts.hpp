#pragma once
/// What convolutions and pools share. Internal to ops/.

#include <xgrad/graph/op.hpp>
#include <xgrad/kernels/convolution.hpp>
#include <xgrad/ops/convolution.hpp>

namespace xgrad {

/// What a window does along each axis in space, as the list attribute holds it: stride, dilation, zeros before, zeros
/// behind, for each axis.
struct Window {
  static constexpr std::size_t fields = 4;
  std::int64_t stride = 1, dilation = 1, before = 0, behind = 0;
};
/// Attribute b: whether zeros are as many as "same" asks for, whatever the length.
enum class Zeros : std::int64_t { given, same };

Window window_at(std::span<const std::int64_t> list, int axis);
void append_window(std::vector<std::int64_t>& list, const Window& window);

/// The same window with the zeros that "same" asks for along a length.
Window padded(Window window, Zeros zeros, std::int64_t length, std::int64_t taps);
/// How many places a window of so many taps takes along a length; 0 or less if it does not fit, -1 beyond what can be
/// counted.
std::int64_t places_of(const Window& window, std::int64_t length, std::int64_t taps);

/// The windows of a public call for n axes.
struct Windows {
  std::vector<std::int64_t> list;
  Zeros zeros = Zeros::given;
};
Windows windows_of(const char* name, int n, const std::vector<std::int64_t>& taps, const EachAxis& strides,
                   const EachAxis& dilation, const ConvPadding& padding, const Location& where);

/// x with channels last, and back.
bool channels_first(const char* name, std::string_view data_format, const Location& where);
Tensor channels_to_end(const Tensor& x, bool first);
Tensor channels_from_end(const Tensor& x, bool first);

/// How many axes in space x has; throws ShapeError unless it is 1 to 3.
int axes_in_space(const char* name, const Tensor& x, const Location& where);

}  // namespace xgrad
