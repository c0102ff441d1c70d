#include <xgrad/io/png.hpp>

#include <xgrad/io/atomic_file.hpp>

#include <png.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <memory>

namespace xgrad::io {

namespace {

using Bytes = std::vector<std::uint8_t>;

// Deflate's best case is a 258-byte match in two bits: nothing grows more than 1032 times.
constexpr std::uint64_t deflate_ratio = 1032;
constexpr png_uint_32 longest_side = 1'000'000;
// Of texts and profiles, which nobody asks for here.
constexpr png_alloc_size_t most_chunk_bytes = 8'000'000;
constexpr std::array<const char*, 4> modes = {"grayscale", "grayscale_alpha", "rgb", "rgba"};

/// What libpng is given: where bytes come from or go to, and what it said.
struct Stream {
  std::FILE* file = nullptr;
  std::span<const std::uint8_t> bytes;
  std::size_t position = 0;
  bool ended = false;  // more was asked for than there is
  Bytes* out = nullptr;
  bool out_of_memory = false;
  std::array<char, 200> message{};
};

// libpng is C: its errors leave by longjmp, so between a setjmp and a call of libpng nothing has a destructor.
[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto* stream = static_cast<Stream*>(png_get_error_ptr(png));
  std::snprintf(stream->message.data(), stream->message.size(), "%s", message);
  png_longjmp(png, 1);
}
void on_warning(png_structp, png_const_charp) {}

void read_some(png_structp png, png_bytep out, png_size_t count) {
  auto* stream = static_cast<Stream*>(png_get_io_ptr(png));
  std::size_t got = 0;
  if (stream->file) {
    got = std::fread(out, 1, count, stream->file);
  } else {
    got = std::min(count, stream->bytes.size() - stream->position);
    if (got) std::memcpy(out, stream->bytes.data() + stream->position, got);
  }
  stream->position += got;
  if (got == count) return;
  stream->ended = !stream->file || !std::ferror(stream->file);
  png_error(png, stream->ended ? "the file ends too early" : std::strerror(errno));
}

void write_some(png_structp png, png_bytep data, png_size_t count) {
  auto* stream = static_cast<Stream*>(png_get_io_ptr(png));
  try {
    stream->out->insert(stream->out->end(), data, data + count);
  } catch (...) {
    stream->out_of_memory = true;
  }
  if (stream->out_of_memory) png_error(png, "out of memory");
}
void flush_nothing(png_structp) {}

/// Calls libpng; false if it failed.
template <class F>
bool attempt(png_structp png, F step) {
  if (setjmp(png_jmpbuf(png))) return false;
  step();
  return true;
}

struct Reader {
  explicit Reader(Stream& stream) {
    png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &stream, on_error, on_warning);
    if (png) info = png_create_info_struct(png);
    if (!info) {
      png_destroy_read_struct(&png, nullptr, nullptr);
      throw std::bad_alloc();
    }
    png_set_read_fn(png, &stream, read_some);
    png_set_user_limits(png, longest_side, longest_side);
    png_set_chunk_cache_max(png, 100);
    png_set_chunk_malloc_max(png, most_chunk_bytes);
  }
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;
  png_structp png = nullptr;
  png_infop info = nullptr;
};

struct Writer {
  explicit Writer(Stream& stream) {
    png = png_create_write_struct(PNG_LIBPNG_VER_STRING, &stream, on_error, on_warning);
    if (png) info = png_create_info_struct(png);
    if (!info) {
      png_destroy_write_struct(&png, nullptr);
      throw std::bad_alloc();
    }
    png_set_write_fn(png, &stream, write_some, flush_nothing);
  }
  ~Writer() { png_destroy_write_struct(&png, &info); }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  png_structp png = nullptr;
  png_infop info = nullptr;
};

/// 8 bits a channel, palettes and transparent colours spelt out; returns how often rows are handed over.
int ask_for_bytes(png_structp png, png_infop info) {
  png_set_expand(png);
  png_set_scale_16(png);
  const int passes = png_set_interlace_handling(png);
  png_read_update_info(png, info);
  return passes;
}

/// The pixels with `to` channels instead of `from`.
Bytes converted(const Bytes& pixels, int from, int to) {
  const std::size_t count = pixels.size() / static_cast<std::size_t>(from);
  Bytes result(count * static_cast<std::size_t>(to));
  const std::uint8_t* in = pixels.data();
  std::uint8_t* out = result.data();
  for (std::size_t i = 0; i < count; ++i, in += from, out += to) {
    if (to < 3) {
      const unsigned grey = from < 3 ? 0 : (19595u * in[0] + 38470u * in[1] + 7471u * in[2] + 32768u) >> 16;
      out[0] = from < 3 ? in[0] : static_cast<std::uint8_t>(grey);
    } else {
      for (int c = 0; c < 3; ++c) out[c] = in[from < 3 ? 0 : c];
    }
    if (to % 2 == 0) out[to - 1] = from % 2 == 0 ? in[from - 1] : 255;
  }
  return result;
}

int channels_of(const std::string& mode) {
  if (mode.empty()) return 0;
  const auto at = std::find(modes.begin(), modes.end(), mode);
  if (at == modes.end())
    throw ValueError("[load_png] expected the color_mode 'grayscale', 'grayscale_alpha', 'rgb' or 'rgba', got '" +
                     mode + "'");
  return static_cast<int>(at - modes.begin()) + 1;
}

/// `total`: how many bytes there are.
Tensor decode(Stream& stream, std::uint64_t total, const PngOptions& options, const std::string& name) {
  const auto fail = [&](const std::string& what) {
    throw IoError("[load_png] '" + name + "': " + what + " (after " + std::to_string(stream.position) + " of " +
                  std::to_string(total) + " bytes)");
  };
  const int wanted = channels_of(options.color_mode);
  const Reader reader(stream);
  if (!attempt(reader.png, [&] { png_read_info(reader.png, reader.info); })) fail(stream.message.data());
  const std::uint64_t width = png_get_image_width(reader.png, reader.info);
  const std::uint64_t height = png_get_image_height(reader.png, reader.info);
  const std::uint64_t bits =
      width * height * png_get_bit_depth(reader.png, reader.info) * png_get_channels(reader.png, reader.info);
  const std::string size = std::to_string(width) + " x " + std::to_string(height) + " pixels";
  if (options.max_pixels >= 0 && width * height > static_cast<std::uint64_t>(options.max_pixels))
    fail("its header says " + size + ", max_pixels allows " + std::to_string(options.max_pixels));
  if (bits / 8 / deflate_ratio > total) fail("its header says " + size + ", more than so short a file can hold");

  int passes = 0;
  if (!attempt(reader.png, [&] { passes = ask_for_bytes(reader.png, reader.info); })) fail(stream.message.data());
  const int channels = png_get_channels(reader.png, reader.info);
  const std::size_t row_bytes = png_get_rowbytes(reader.png, reader.info);
  if (row_bytes != width * static_cast<std::uint64_t>(channels)) fail("libpng gives rows of another length than asked");
  // Memory grows with the rows that are there; of an interlaced picture every pass has all of them.
  Bytes pixels(passes > 1 ? row_bytes * height : 0);
  const bool complete = attempt(reader.png, [&] {
    for (int pass = 0; pass < passes; ++pass)
      for (std::uint64_t row = 0; row < height; ++row) {
        if (pixels.size() <= row * row_bytes) pixels.resize((row + 1) * row_bytes);
        png_read_row(reader.png, pixels.data() + row * row_bytes, nullptr);
      }
    png_read_end(reader.png, nullptr);
  });
  if (!complete) fail(stream.message.data());
  const int given = wanted ? wanted : channels;
  if (given != channels) pixels = converted(pixels, channels, given);
  return tensor(pixels, Shape{static_cast<std::int64_t>(height), static_cast<std::int64_t>(width), given});
}

std::string place_of(std::size_t i, const Shape& shape) {
  std::string text;
  auto rest = static_cast<std::int64_t>(i);
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    text = std::to_string(rest % shape[axis]) + (text.empty() ? "" : ", ") + text;
    rest /= shape[axis];
  }
  return "(" + text + ")";
}

Bytes bytes_of(const Tensor& image) {
  if (image.dtype() == uint8) return image.to_vector<std::uint8_t>();
  Bytes result;
  result.reserve(static_cast<std::size_t>(image.size()));
  if (image.dtype() == bool_) {
    for (const bool on : image.data<bool>()) result.push_back(on ? 255 : 0);
    return result;
  }
  if (!is_floating(image.dtype()))
    throw DTypeError(std::string("[save_png] expected uint8, bool or floats, got ") + name_of(image.dtype()));
  for (const double value : image.to_vector<double>()) {
    if (!(value >= 0 && value <= 1))
      throw ValueError("[save_png] expected floats from 0 to 1, got " + number_text(value) + " at " +
                       place_of(result.size(), image.shape()));
    result.push_back(static_cast<std::uint8_t>(std::floor(value * 255 + .5)));
  }
  return result;
}

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

Tensor decode_png(std::span<const std::uint8_t> bytes, const PngOptions& options, std::string_view name) {
  Stream stream;
  stream.bytes = bytes;
  return decode(stream, bytes.size(), options, std::string(name));
}

Tensor load_png(const std::string& path, const PngOptions& options) {
  const auto fail = [&](const std::string& what) { throw IoError("[load_png] '" + path + "': " + what); };
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) fail(std::string("cannot open: ") + std::strerror(errno));
  if (!S_ISREG(info.st_mode)) fail("expected a regular file");
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rb"));
  if (!file) fail(std::string("cannot open: ") + std::strerror(errno));
  Stream stream;
  stream.file = file.get();
  return decode(stream, static_cast<std::uint64_t>(info.st_size), options, path);
}

std::vector<std::uint8_t> encode_png(const Tensor& image) {
  if (!image.defined()) throw ValueError("[save_png] the picture is undefined");
  const Shape& shape = image.shape();
  const std::int64_t channels = shape.rank() == 3 ? shape[2] : 1;
  if ((shape.rank() != 2 && shape.rank() != 3) || channels < 1 || channels > 4 || shape.size() == 0)
    throw ShapeError(
        "[save_png] expected a picture (height, width) or (height, width, channels) with 1 to 4 channels, "
        "got " +
        to_string(shape));
  if (shape[0] > longest_side || shape[1] > longest_side)
    throw ShapeError("[save_png] expected sides of at most " + std::to_string(longest_side) + " pixels, got " +
                     to_string(shape));
  constexpr std::array<int, 4> types = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                                        PNG_COLOR_TYPE_RGB_ALPHA};
  const Bytes pixels = bytes_of(image);
  Bytes result;
  Stream stream;
  stream.out = &result;
  const Writer writer(stream);
  const auto width = static_cast<png_uint_32>(shape[1]), height = static_cast<png_uint_32>(shape[0]);
  const bool written = attempt(writer.png, [&] {
    png_set_user_limits(writer.png, longest_side, longest_side);
    png_set_IHDR(writer.png, writer.info, width, height, 8, types[static_cast<std::size_t>(channels - 1)],
                 PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(writer.png, writer.info);
    for (png_uint_32 row = 0; row < height; ++row)
      png_write_row(writer.png, pixels.data() + static_cast<std::size_t>(row) * width * channels);
    png_write_end(writer.png, nullptr);
  });
  if (!written) throw IoError(std::string("[save_png] libpng: ") + stream.message.data());
  return result;
}

void save_png(const std::string& path, const Tensor& image) {
  const Bytes contents = encode_png(image);
  write_file(path, contents.data(), contents.size());
}

}  // namespace xgrad::io
