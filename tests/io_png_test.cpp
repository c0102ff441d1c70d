// PNG files: those of tests/reference/make_png_files.py (written without libpng), damaged ones, and our own.
#include "data_files/temp_folder.hpp"

#include <xgrad/graph/basic.hpp>
#include <xgrad/io/png.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <random>
#include <sys/resource.h>
#include <zlib.h>

using namespace xgrad;
using Catch::Matchers::Contains;

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes from_hex(const std::string& text) {
  Bytes out;
  for (std::size_t i = 0; i < text.size(); i += 2)
    out.push_back(static_cast<std::uint8_t>(std::stoi(text.substr(i, 2), nullptr, 16)));
  return out;
}

const nlohmann::json& cases() {
  static const auto all = [] {
    std::ifstream in(XGRAD_TEST_FILES "/../reference/png_files.json");
    REQUIRE(in);
    return nlohmann::json::parse(in);
  }();
  return all;
}

Bytes file_of(const std::string& name) {
  for (const auto& c : cases())
    if (c["name"] == name) return from_hex(c["file"]);
  FAIL("no case " << name);
  return {};
}

std::string text_of(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

std::string refusal(const Bytes& bytes, const io::PngOptions& options = {}) {
  TempFolder folder;
  try {
    io::load_png(folder.file("bad.png", text_of(bytes)), options);
  } catch (const IoError& e) {
    return e.what();
  }
  return "no error";
}

void put_number(Bytes& bytes, std::size_t at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) bytes[at + i] = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

// Another size in the header, with the checksum that belongs to it.
Bytes with_size(Bytes bytes, std::uint32_t width, std::uint32_t height) {
  put_number(bytes, 16, width);
  put_number(bytes, 20, height);
  put_number(bytes, 29, static_cast<std::uint32_t>(crc32(0, bytes.data() + 12, 17)));
  return bytes;
}

Tensor image_of(const Shape& shape) {
  Bytes values(static_cast<std::size_t>(shape.size()));
  std::mt19937 random(1);
  for (auto& v : values) v = static_cast<std::uint8_t>(random());
  return tensor(values, shape);
}

// Stops the process from getting more memory than it has and this.
struct MemoryLimit {
  explicit MemoryLimit(rlim_t more) {
    getrlimit(RLIMIT_AS, &old);
    std::ifstream in("/proc/self/statm");
    rlim_t pages = 0;
    in >> pages;
    rlimit limit = old;
    limit.rlim_cur = pages * 4096 + more;
    setrlimit(RLIMIT_AS, &limit);
  }
  ~MemoryLimit() { setrlimit(RLIMIT_AS, &old); }
  rlimit old{};
};

}  // namespace

TEST_CASE("every kind of PNG file is read as its pixels", "[png]") {
  REQUIRE(cases().size() >= 30);
  for (const auto& c : cases()) {
    INFO(c["name"].get<std::string>());
    const Tensor image = io::decode_png(from_hex(c["file"]));
    CHECK(image.dtype() == uint8);
    CHECK(std::vector<std::int64_t>(image.shape().begin(), image.shape().end()) ==
          c["shape"].get<std::vector<std::int64_t>>());
    CHECK(image.to_vector<int>() == c["pixels"].get<std::vector<int>>());
  }
}

TEST_CASE("colour modes are Pillow's conversions", "[png]") {
  int seen = 0;
  for (const auto& c : cases()) {
    if (!c.contains("converted")) continue;
    for (const auto& [mode, pixels] : c["converted"].items()) {
      INFO(c["name"].get<std::string>() << " as " << mode);
      const Tensor image = io::decode_png(from_hex(c["file"]), {.color_mode = mode});
      CHECK(image.to_vector<int>() == pixels.get<std::vector<int>>());
      ++seen;
    }
  }
  CHECK(seen >= 60);
  CHECK_THROWS_WITH(io::decode_png(file_of("one pixel"), {.color_mode = "gray"}), Contains("'grayscale'"));
}

TEST_CASE("what is written as PNG is read back", "[png]") {
  TempFolder folder;
  for (const Shape& shape : {Shape{5, 9}, Shape{5, 9, 1}, Shape{1, 1, 2}, Shape{40, 3, 3}, Shape{17, 70, 4}}) {
    INFO(to_string(shape));
    const Tensor image = image_of(shape);
    io::save_png(folder / "a.png", image);
    const Tensor again = io::load_png(folder / "a.png");
    CHECK(again.shape() == (shape.rank() == 2 ? Shape{5, 9, 1} : shape));
    CHECK(again.to_vector<int>() == image.to_vector<int>());
  }
  CHECK(folder.entries() == 1);
  const Tensor x = tensor({{0, .25}, {.5, 1}});
  for (const Tensor& floats : {x, cast(x, float64)})
    CHECK(io::decode_png(io::encode_png(floats)).to_vector<int>() == std::vector<int>{0, 64, 128, 255});
  CHECK(io::decode_png(io::encode_png(cast(tensor({{0, 1}}), bool_))).to_vector<int>() == std::vector<int>{0, 255});
}

TEST_CASE("pictures that cannot be written say what is wrong", "[png]") {
  TempFolder folder;
  const std::string path = folder.file("old.png", "old");
  CHECK_THROWS_WITH(io::save_png(path, tensor({{0, 1}, {1.5, 0}})), Contains("from 0 to 1, got 1.5 at (1, 0)"));
  CHECK_THROWS_WITH(io::save_png(path, tensor({{0, -.1}})), Contains("got -0.1"));
  CHECK_THROWS_WITH(io::save_png(path, tensor({{0, NAN}})), Contains("got nan at (0, 1)"));
  CHECK_THROWS_WITH(io::save_png(path, tensor({{1, 2}}, {.dtype = int32})), Contains("got int32"));
  for (const Shape& shape : {Shape{}, Shape{4}, Shape{2, 3, 5}, Shape{2, 3, 0}, Shape{0, 3}, Shape{1, 2, 3, 3}})
    CHECK_THROWS_WITH(io::save_png(path, zeros(shape)), Contains("got " + to_string(shape)));
  CHECK_THROWS_WITH(io::save_png(path, zeros({1, 1000001})), Contains("1000000 pixels"));
  CHECK_THROWS_AS(io::save_png(path, Tensor()), ValueError);
  CHECK(contents_of(path) == "old");
  CHECK_THROWS_WITH(io::save_png(folder / "no/such.png", zeros({1, 1})), Contains("no/such.png"));
}

TEST_CASE("what is no PNG file is refused by name", "[png]") {
  TempFolder folder;
  CHECK_THROWS_WITH(io::load_png(folder / "absent.png"), Contains("absent.png") && Contains("No such file"));
  CHECK_THROWS_WITH(io::load_png(folder.path.string()), Contains("regular file"));
  CHECK_THROWS_WITH(io::load_png("/dev/zero"), Contains("regular file"));
  CHECK_THAT(refusal({}), Contains("bad.png") && Contains("ends too early") && Contains("after 0 of 0 bytes"));
  CHECK_THAT(refusal(Bytes(100, 'x')), Contains("bad.png") && Contains("Not a PNG file"));
  CHECK_THROWS_WITH(io::decode_png(Bytes(100, 'x'), {}, "the logo"), Contains("'the logo'"));
}

TEST_CASE("a PNG file cut off anywhere is refused", "[png]") {
  for (const char* name : {"type 2 of 8", "type 6 of 16 interlaced", "palette with transparency"}) {
    const Bytes whole = file_of(name);
    for (std::size_t length = 0; length < whole.size(); ++length) {
      INFO(name << " of " << length << " bytes");
      const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      CHECK_THAT(refusal(part), Contains("bad.png"));
    }
  }
}

TEST_CASE("a PNG file that lies about its size takes no memory", "[png]") {
  const Bytes honest = file_of("type 6 of 8"), grey = file_of("grey 1"), interlaced = file_of("type 2 of 8 interlaced");
  const MemoryLimit limit(64 << 20);
  CHECK_THAT(refusal(with_size(honest, 8000, 8000)), Contains("8000 x 8000 pixels") && Contains("so short a file"));
  CHECK_THAT(refusal(with_size(interlaced, 8000, 8000)), Contains("so short a file"));
  CHECK_THAT(refusal(with_size(honest, 100000, 100000)), Contains("max_pixels allows 67108864"));
  CHECK_THAT(refusal(with_size(honest, 0x7fffffff, 0x7fffffff)), Contains("bad.png"));
  CHECK_THAT(refusal(with_size(honest, 0, 4)), Contains("bad.png"));
  CHECK_THAT(refusal(with_size(honest, 11, 9)), Contains("bad.png"));
  CHECK_THAT(refusal(honest, {.max_pixels = 76}), Contains("11 x 7 pixels, max_pixels allows 76"));
  CHECK(refusal(honest, {.max_pixels = 77}) == "no error");
  // One bit a pixel in a file that could hold as many, but does not: memory follows the rows that are there.
  Bytes padded = with_size(grey, 8000, 8000);
  padded.resize(8000 + padded.size());
  CHECK_THAT(refusal(padded), Contains("bad.png"));
}

TEST_CASE("a PNG file with a large compressed text is read without it", "[png]") {
  Bytes file = file_of("grey 8");
  Bytes zeros_of(100'000'000), data = {'k', 0, 0};
  uLongf length = compressBound(zeros_of.size());
  Bytes packed(length);
  REQUIRE(compress(packed.data(), &length, zeros_of.data(), zeros_of.size()) == Z_OK);
  data.insert(data.end(), packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(length));
  Bytes chunk(8);
  put_number(chunk, 0, static_cast<std::uint32_t>(data.size()));
  std::copy_n("zTXt", 4, chunk.begin() + 4);
  chunk.insert(chunk.end(), data.begin(), data.end());
  const auto sum = static_cast<std::uint32_t>(crc32(0, chunk.data() + 4, static_cast<uInt>(chunk.size() - 4)));
  chunk.resize(chunk.size() + 4);
  put_number(chunk, chunk.size() - 4, sum);
  file.insert(file.begin() + 33, chunk.begin(), chunk.end());
  zeros_of = packed = {};
  const MemoryLimit limit(64 << 20);
  CHECK(refusal(file) == "no error");
}

TEST_CASE("a PNG file with flipped bytes loads or throws an xgrad error", "[png][fuzz]") {
  std::mt19937_64 random(3);
  int loaded = 0, refused = 0;
  for (int round = 0; round < 3000; ++round) {
    Bytes broken = from_hex(cases()[random() % cases().size()]["file"]);
    for (int flips = 1 + static_cast<int>(random() % 3); flips > 0; --flips)
      broken[random() % broken.size()] = static_cast<std::uint8_t>(random());
    // Half of them with checksums that fit, so that what stands behind them is looked at.
    if (random() % 2)
      for (std::size_t at = 8; at + 12 <= broken.size();) {
        const std::size_t length = (std::size_t{broken[at]} << 24) | (std::size_t{broken[at + 1]} << 16) |
                                   (std::size_t{broken[at + 2]} << 8) | broken[at + 3];
        if (length > broken.size() - at - 12) break;
        put_number(broken, at + 8 + length,
                   static_cast<std::uint32_t>(crc32(0, broken.data() + at + 4, static_cast<uInt>(length + 4))));
        at += 12 + length;
      }
    try {
      io::decode_png(broken);
      ++loaded;
    } catch (const Error&) {
      ++refused;
    }
  }
  CHECK(loaded > 0);
  CHECK(refused > 0);
}
