#include <xgrad/ops/convolution_parts.hpp>

#include <xgrad/ops/shape_parts.hpp>

#include <climits>

namespace xgrad {

std::vector<std::int64_t> EachAxis::of(int n, std::string_view where, std::string_view what, std::int64_t least,
                                       const Location& place) const {
  const auto label = [&] { return "[" + std::string(where) + "] "; };
  std::vector<std::int64_t> result = each_;
  if (each_.empty()) result.assign(static_cast<std::size_t>(n), all_);
  if (result.size() != static_cast<std::size_t>(n))
    throw ValueError(label() + "expected one number for " + std::string(what) + ", or one for each of " +
                     std::to_string(n) + " axes in space, got " + std::to_string(result.size()) + xgrad::place(place));
  for (const std::int64_t number : result)
    if (number < least || number > INT_MAX)
      throw ValueError(label() + "expected " + std::string(what) + " from " + std::to_string(least) + " to " +
                       std::to_string(INT_MAX) + ", got " + std::to_string(number) + xgrad::place(place));
  return result;
}

Window window_at(std::span<const std::int64_t> list, int axis) {
  const std::int64_t* at = list.data() + Window::fields * static_cast<std::size_t>(axis);
  return {.stride = at[0], .dilation = at[1], .before = at[2], .behind = at[3]};
}

void append_window(std::vector<std::int64_t>& list, const Window& window) {
  list.insert(list.end(), {window.stride, window.dilation, window.before, window.behind});
}

Window padded(Window window, Zeros zeros, std::int64_t length, std::int64_t taps) {
  if (zeros == Zeros::given) return window;
  const std::int64_t places = (length + window.stride - 1) / window.stride;
  std::int64_t reach = 0, all = 0;
  if (__builtin_mul_overflow(taps - 1, window.dilation, &reach) ||
      __builtin_add_overflow((places - 1) * window.stride + 1 - length, reach, &all))
    return window;
  all = std::max<std::int64_t>(0, all);
  window.before = all / 2;
  window.behind = all - all / 2;
  return window;
}

std::int64_t places_of(const Window& window, std::int64_t length, std::int64_t taps) {
  std::int64_t reach = 0, room = 0;
  if (__builtin_mul_overflow(taps - 1, window.dilation, &reach) ||
      __builtin_add_overflow(length, window.before, &room) || __builtin_add_overflow(room, window.behind, &room) ||
      __builtin_sub_overflow(room, reach + 1, &room))
    return -1;
  return room < 0 || taps < 1 ? 0 : room / window.stride + 1;
}

Windows windows_of(const char* name, int n, const std::vector<std::int64_t>& taps, const EachAxis& strides,
                   const EachAxis& dilation, const ConvPadding& padding, const Location& where) {
  const std::string& word = padding.word();
  const auto label = [&] { return "[" + std::string(name) + "] "; };
  if (!word.empty() && word != "valid" && word != "same" && word != "causal")
    throw ValueError(label() + "expected the padding valid, same, causal or numbers, got " + word + place(where));
  if (word == "causal" && n != 1)
    throw ValueError(label() + "expected the padding causal with one axis in space alone, got " + std::to_string(n) +
                     place(where));
  if (word.empty() && padding.each().size() != static_cast<std::size_t>(n))
    throw ValueError(label() + "expected a padding for each of " + std::to_string(n) + " axes, got " +
                     std::to_string(padding.each().size()) + place(where));
  const std::vector<std::int64_t> stride = strides.of(n, name, "strides", 1, where);
  const std::vector<std::int64_t> rate = dilation.of(n, name, "dilation_rate", 1, where);
  Windows windows{.list = {}, .zeros = word == "same" ? Zeros::same : Zeros::given};
  for (std::size_t i = 0; i < stride.size(); ++i) {
    Window window{.stride = stride[i], .dilation = rate[i]};
    if (word == "causal" && __builtin_mul_overflow(taps[i] - 1, rate[i], &window.before))
      throw ValueError(label() + "expected a smaller dilation_rate, got " + std::to_string(rate[i]) + place(where));
    if (word.empty()) {
      window.before = padding.each()[i].before;
      window.behind = padding.each()[i].behind;
      if (std::min(window.before, window.behind) < 0 || std::max(window.before, window.behind) > INT_MAX)
        throw ValueError(label() + "expected paddings from 0 to " + std::to_string(INT_MAX) + ", got " +
                         std::to_string(window.before) + " and " + std::to_string(window.behind) + place(where));
    }
    append_window(windows.list, window);
  }
  return windows;
}

bool channels_first(const char* name, std::string_view data_format, const Location& where) {
  if (data_format == "channels_first") return true;
  if (data_format == "channels_last") return false;
  throw ValueError(std::string("[") + name + "] expected the data_format channels_last or channels_first, got " +
                   std::string(data_format) + place(where));
}

Tensor channels_to_end(const Tensor& x, bool first) { return first ? moveaxis(x, 1, -1) : x; }
Tensor channels_from_end(const Tensor& x, bool first) { return first ? moveaxis(x, -1, 1) : x; }

int axes_in_space(const char* name, const Tensor& x, const Location& where) {
  const int n = x.rank() - 2;
  if (n < 1 || n > 3)
    throw ShapeError(std::string("[") + name + "] expected x with 1, 2 or 3 axes in space between a batch and " +
                     "channels, got " + to_string(x.shape()) + place(where));
  return n;
}

}  // namespace xgrad
