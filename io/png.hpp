#pragma once
/// Pictures as PNG files.

#include <xgrad/graph/tensor.hpp>

namespace xgrad::io {

struct PngOptions {
  /// "grayscale", "grayscale_alpha", "rgb" or "rgba": what the pixels become. Empty: as the file says (a palette is
  /// "rgb", or "rgba" with transparency). Grey is 0.299 R + 0.587 G + 0.114 B, rounded; an alpha channel is dropped, or
  /// added as 255.
  std::string color_mode = {};
  /// A file that says it has more is refused.
  std::int64_t max_pixels = 1 << 26;
};

/// Reads a PNG file as uint8 (height, width, channels) with 1 to 4 channels: grey, grey and alpha, RGB, RGB and alpha.
/// Every kind is read: 1 to 16 bits (fewer than 8 are spread over 0 ... 255, 16 are rounded to 8), palettes, interlaced
/// ones. Colours are the file's numbers: no gamma is applied. Throws IoError, with the file's name, if it cannot be
/// read, is no PNG, is cut off or damaged, or says it has more pixels than `max_pixels` or than its length can hold;
/// ValueError for another colour mode.
Tensor load_png(const std::string& path, const PngOptions& options = {});
/// The same of a PNG file's contents; `name` stands for the file in messages.
Tensor decode_png(std::span<const std::uint8_t> bytes, const PngOptions& options = {}, std::string_view name = "PNG");

/// Computes the picture and writes it to a PNG file with 8 bits a channel, replacing an old one in one step (see
/// AtomicFile). The shape is (height, width) or (height, width, channels) with 1 to 4 channels as in load_png. uint8
/// is taken as it is, bool as 0 and 255, floats from 0 to 1 become 0 to 255 (rounded). Throws ShapeError for another
/// shape or an empty picture, DTypeError for other integers, ValueError, with the place, for a float that is not in
/// [0, 1] (`clip` brings it there); IoError if the file cannot be written, which leaves an old one as it was.
void save_png(const std::string& path, const Tensor& image);
/// The contents of that file.
std::vector<std::uint8_t> encode_png(const Tensor& image);

}  // namespace xgrad::io
