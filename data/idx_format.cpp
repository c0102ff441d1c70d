#include <xgrad/data/idx_format.hpp>

#include <xgrad/graph/error.hpp>

#include <algorithm>
#include <cstring>

namespace xgrad::data {

namespace {

constexpr int most_axes = 8;
constexpr std::size_t first_growth = std::size_t{1} << 20;

struct ElementType {
  unsigned code;
  unsigned width;  // bytes in the file
  DType dtype;     // what it becomes
};
constexpr ElementType element_types[] = {
    {0x08, 1, uint8}, {0x09, 1, int32}, {0x0B, 2, int32}, {0x0C, 4, int32}, {0x0D, 4, float32}, {0x0E, 8, float64},
};

std::string hex(unsigned byte) {
  constexpr char digits[] = "0123456789abcdef";
  return {'0', 'x', digits[byte >> 4 & 15], digits[byte & 15]};
}

[[noreturn]] void fail(const ByteSource& source, std::uint64_t offset, const std::string& what) {
  throw IoError("[read_idx] '" + source.path() + "', offset " + std::to_string(offset) + ": " + what);
}

void read_exactly(ByteSource& source, unsigned char* out, std::size_t count, const char* what) {
  const std::uint64_t at = source.offset();
  const std::size_t got = source.read(out, count);
  if (got != count)
    fail(source, at, std::string("expected ") + what + " (" + std::to_string(count) + " bytes), found " +
                         std::to_string(got) + " bytes before the end of the file");
}

std::string shape_text(const std::vector<std::int64_t>& lengths) {
  std::string text = "(";
  for (std::size_t i = 0; i < lengths.size(); ++i) text += (i ? ", " : "") + std::to_string(lengths[i]);
  return text + (lengths.size() == 1 ? ",)" : ")");
}

// Bytes the elements take in the file. No length is believed before the file can hold that much.
std::uint64_t body_bytes(const ByteSource& source, const std::vector<std::int64_t>& lengths, unsigned width) {
  const std::uint64_t header = source.offset();
  const std::uint64_t room = source.limit() > header ? source.limit() - header : 0;
  bool empty = false;
  for (std::int64_t length : lengths) empty = empty || length == 0;
  constexpr std::uint64_t most = std::uint64_t{1} << 62;
  std::uint64_t total = width;
  for (std::int64_t length : lengths) {
    if (length == 0) continue;
    const auto n = static_cast<std::uint64_t>(length);
    const bool too_large = n > most / total;
    if (too_large || (!empty && n > room / total))
      fail(source, 4, "the header promises shape " + shape_text(lengths) + " of " + std::to_string(width) +
                          "-byte elements, " +
                          (too_large ? std::string("more than can be addressed")
                                     : "but at most " + std::to_string(room) + " bytes can follow it"));
    total *= n;
  }
  return empty ? 0 : total;
}

template <class T>
T big_endian(const std::byte* at) {
  using Bits = std::conditional_t<sizeof(T) == 8, std::uint64_t, std::uint32_t>;
  Bits bits = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) bits = bits << 8 | static_cast<Bits>(at[i]);
  T value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// Widens or turns round the elements of `raw` into this machine's T.
template <class T, class Read>
std::vector<std::byte> convert(const std::vector<std::byte>& raw, std::size_t width, Read read) {
  const std::size_t count = raw.size() / width;
  std::vector<std::byte> out(count * sizeof(T));
  for (std::size_t i = 0; i < count; ++i) {
    const T value = read(raw.data() + i * width);
    std::memcpy(out.data() + i * sizeof(T), &value, sizeof value);
  }
  return out;
}

std::vector<std::byte> to_host(std::vector<std::byte> raw, unsigned code) {
  switch (code) {
    case 0x09:
      return convert<std::int32_t>(raw, 1, [](const std::byte* p) {
        return static_cast<std::int32_t>(static_cast<std::int8_t>(*p));
      });
    case 0x0B:
      return convert<std::int32_t>(raw, 2, [](const std::byte* p) {
        const unsigned bits = std::to_integer<unsigned>(p[0]) << 8 | std::to_integer<unsigned>(p[1]);
        return static_cast<std::int32_t>(static_cast<std::int16_t>(bits));
      });
    case 0x0C: return convert<std::int32_t>(raw, 4, big_endian<std::int32_t>);
    case 0x0D: return convert<float>(raw, 4, big_endian<float>);
    case 0x0E: return convert<double>(raw, 8, big_endian<double>);
    default: return raw;
  }
}

}  // namespace

IdxArray parse_idx(ByteSource& source) {
  unsigned char magic[4];
  read_exactly(source, magic, 4, "the magic number");
  if (magic[0] != 0 || magic[1] != 0)
    fail(source, 0, "expected an IDX file, which starts with two zero bytes, found " + hex(magic[0]) + " " +
                        hex(magic[1]));
  const auto* type = std::find_if(std::begin(element_types), std::end(element_types),
                                  [&](const ElementType& t) { return t.code == magic[2]; });
  if (type == std::end(element_types))
    fail(source, 2, "expected an element type 0x08, 0x09 or 0x0b to 0x0e, found " + hex(magic[2]));
  if (magic[3] < 1 || magic[3] > most_axes)
    fail(source, 3, "expected 1 to 8 axes, found " + std::to_string(magic[3]));

  IdxArray array;
  array.dtype = type->dtype;
  for (int axis = 0; axis < magic[3]; ++axis) {
    unsigned char bytes[4];
    read_exactly(source, bytes, 4, "the length of an axis");
    array.lengths.push_back(std::int64_t{bytes[0]} << 24 | std::int64_t{bytes[1]} << 16 | std::int64_t{bytes[2]} << 8 |
                            std::int64_t{bytes[3]});
  }

  const std::uint64_t header = source.offset();
  const std::uint64_t total = body_bytes(source, array.lengths, type->width);
  std::vector<std::byte> raw;
  // A plain file was seen to be long enough; a compressed one is believed only as far as it has come.
  std::uint64_t step = source.compressed() ? first_growth : total;
  while (raw.size() < total) {
    const std::size_t before = raw.size();
    const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(step, total - before));
    raw.resize(before + want);
    const std::size_t got = source.read(raw.data() + before, want);
    if (got < want)
      fail(source, header + before + got,
           "expected " + std::to_string(total) + " bytes of elements for shape " + shape_text(array.lengths) +
               ", found " + std::to_string(before + got) + " before the end of the file");
    step = raw.size();
  }
  if (!source.at_end())
    fail(source, source.offset(),
         "expected the end of the file after shape " + shape_text(array.lengths) + ", found more bytes");
  array.bytes = to_host(std::move(raw), type->code);
  return array;
}

}  // namespace xgrad::data
