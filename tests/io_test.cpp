// Atomic files and safetensors.
#include "data_files/temp_folder.hpp"

#include <xgrad/graph/basic.hpp>
#include <xgrad/io/atomic_file.hpp>
#include <xgrad/io/safetensors.hpp>

#include <catch2/catch.hpp>

#include <cmath>
#include <csignal>
#include <cstring>
#include <limits>
#include <random>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace xgrad;
using Catch::Matchers::Contains;

namespace {

// Lets no file grow beyond a size, as a full disk would.
struct FileSizeLimit {
  explicit FileSizeLimit(rlim_t bytes) {
    old_handler = std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    rlimit limit = old;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old);
    std::signal(SIGXFSZ, old_handler);
  }
  rlimit old{};
  void (*old_handler)(int);
};

std::string with_header(const std::string& json, const std::string& data = {}) {
  const std::uint64_t length = json.size();
  std::string text(8, '\0');
  std::memcpy(text.data(), &length, 8);
  return text + json + data;
}

std::string refusal(const TempFolder& folder, const std::string& contents) {
  try {
    io::load_safetensors(folder.file("bad.safetensors", contents));
  } catch (const IoError& e) {
    return e.what();
  }
  return "no error";
}

io::NamedTensors small_model() {
  return {{"mask", tensor({1, 0, 1}, {.dtype = bool_})},
          {"kernel", tensor({{1.5, -2}, {0.25, 8}})},
          {"step", Tensor(std::int64_t{9007199254740993})}};
}

}  // namespace

TEST_CASE("an atomic file replaces the old one and leaves nothing beside it", "[atomic]") {
  TempFolder folder;
  const std::string path = folder.file("model", "old");
  io::write_file(path, "newer", 5);
  CHECK(contents_of(path) == "newer");
  io::write_file(folder / "fresh", "", 0);
  CHECK(contents_of(folder / "fresh").empty());
  CHECK(folder.entries() == 2);
}

TEST_CASE("an atomic file that is not committed leaves the old one", "[atomic]") {
  TempFolder folder;
  const std::string path = folder.file("model", "old");
  {
    io::AtomicFile file(path);
    file.write("half", 4);
    CHECK(contents_of(path) == "old");
  }
  CHECK(contents_of(path) == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a full disk while saving keeps the old file and gives the system's reason", "[atomic]") {
  TempFolder folder;
  const std::string path = folder.file("model", "old");
  const std::string large(100000, 'x');
  {
    FileSizeLimit limit(4096);
    CHECK_THROWS_WITH(io::write_file(path, large.data(), large.size()),
                      Contains("model") && Contains(std::strerror(EFBIG)));
    CHECK_THROWS_AS(io::save_safetensors(path, {{"x", zeros({10000})}}), IoError);
  }
  CHECK(contents_of(path) == "old");
  CHECK(folder.entries() == 1);
  io::write_file(path, large.data(), large.size());
  CHECK(contents_of(path) == large);
}

TEST_CASE("an atomic file keeps permissions and follows links", "[atomic]") {
  TempFolder folder;
  const std::string path = folder.file("real", "old");
  chmod(path.c_str(), 0640);
  REQUIRE(symlink("real", (folder / "link").c_str()) == 0);
  REQUIRE(symlink((folder / "link").c_str(), (folder / "chain").c_str()) == 0);
  io::write_file(folder / "chain", "new", 3);
  CHECK(contents_of(path) == "new");
  struct stat info {};
  REQUIRE(lstat((folder / "link").c_str(), &info) == 0);
  CHECK(S_ISLNK(info.st_mode));
  REQUIRE(stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0640);
  CHECK(folder.entries() == 3);
}

TEST_CASE("an atomic file refuses folders, devices, empty names and missing folders", "[atomic]") {
  TempFolder folder;
  CHECK_THROWS_WITH(io::AtomicFile(folder.path.string()), Contains("a folder"));
  CHECK_THROWS_WITH(io::AtomicFile("/dev/full"), Contains("special file"));
  CHECK_THROWS_AS(io::AtomicFile(""), IoError);
  CHECK_THROWS_WITH(io::AtomicFile(folder / "no/such/model"), Contains("No such file"));
  CHECK_THROWS_AS(io::AtomicFile(folder / "new/"), IoError);
  CHECK(folder.entries() == 0);
  struct stat info {};
  REQUIRE(stat("/dev/full", &info) == 0);
  CHECK(S_ISCHR(info.st_mode));
}

TEST_CASE("two atomic files for one path do not meet, and the last commit stays", "[atomic]") {
  TempFolder folder;
  io::AtomicFile a(folder / "model"), b(folder / "model");
  a.write("a", 1);
  b.write("b", 1);
  b.commit();
  a.commit();
  CHECK(contents_of(folder / "model") == "a");
  CHECK_THROWS_AS(a.write("x", 1), IoError);
  CHECK_THROWS_AS(a.commit(), IoError);
  CHECK(folder.entries() == 1);
}

TEST_CASE("names of 255 bytes can be written", "[atomic]") {
  TempFolder folder;
  const std::string name(255, 'n');
  io::write_file(folder / name, "x", 1);
  CHECK(contents_of(folder / name) == "x");
}

TEST_CASE("tensors of every dtype come back from safetensors bit for bit, in their order", "[safetensors]") {
  TempFolder folder;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const io::NamedTensors saved = {
      {"b", tensor({1, 0}, {.dtype = bool_})},
      {"u", tensor(std::vector<std::uint8_t>{0, 255, 7}, Shape{3, 1})},
      {"i", tensor(std::vector<std::int32_t>{INT32_MIN, INT32_MAX}, Shape{2})},
      {"l", tensor(std::vector<std::int64_t>{INT64_MIN, (std::int64_t{1} << 53) + 1}, Shape{1, 2})},
      {"f", tensor(std::vector<float>{-0.0f, nan, 1e-45f}, Shape{3})},
      {"d", tensor(std::vector<double>{0.1, -INFINITY}, Shape{2})},
      {"scalar", Tensor(2.5)},
      {"empty", zeros({0, 4})},
      {"weights/größe \"x\"\n", tensor({1, 2})},
  };
  io::save_safetensors(folder / "m", saved, {{"format", "xgrad"}, {"note", "ä\n\"b\""}});
  const io::TensorFile loaded = io::load_safetensors(folder / "m");
  CHECK(loaded.metadata == io::Metadata{{"format", "xgrad"}, {"note", "ä\n\"b\""}});
  REQUIRE(loaded.tensors.size() == saved.size());
  for (std::size_t i = 0; i < saved.size(); ++i) {
    const auto& [name, tensor] = loaded.tensors[i];
    INFO(name);
    CHECK(name == saved[i].first);
    REQUIRE(tensor.dtype() == saved[i].second.dtype());
    REQUIRE(tensor.shape() == saved[i].second.shape());
    with_dtype(tensor.dtype(), [&](auto element) {
      using T = decltype(element);
      const std::span<const T> a = tensor.template data<T>(), b = saved[i].second.template data<T>();
      CHECK(std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
    });
  }
}

TEST_CASE("each tensor in a safetensors file is aligned to its elements", "[safetensors]") {
  TempFolder folder;
  io::save_safetensors(folder / "m", small_model());
  const std::string text = contents_of(folder / "m");
  std::uint64_t length = 0;
  std::memcpy(&length, text.data(), 8);
  CHECK(length % 8 == 0);
  CHECK(text[8] == '{');
  const std::string header = text.substr(8, length);
  CHECK_THAT(header, Contains(R"("step":{"dtype":"I64","shape":[],"data_offsets":[0,8]})"));
  CHECK_THAT(header, Contains(R"("kernel":{"dtype":"F32","shape":[2,2],"data_offsets":[8,24]})"));
  CHECK_THAT(header, Contains(R"("mask":{"dtype":"BOOL","shape":[3],"data_offsets":[24,27]})"));
  CHECK(text.size() == 8 + length + 27);
}

TEST_CASE("a file written by the public safetensors package is read", "[safetensors]") {
  const io::TensorFile file =
      io::load_safetensors(XGRAD_TEST_FILES "/reference.safetensors");
  CHECK(file.metadata == io::Metadata{{"format", "np"}, {"note", "größe"}});
  CHECK(file.tensors.size() == 7);
  CHECK(file.at("layer.kernel").shape() == Shape{2, 3});
  CHECK(file.at("layer.kernel").to_vector<float>() == std::vector<float>{1.5f, -2, 0.25f, 3, INFINITY, -0.0f});
  CHECK(file.at("layer.bias").to_vector<double>() == std::vector<double>{1e-300, M_PI});
  CHECK(file.at("step").item<std::int64_t>() == (std::int64_t{1} << 53) + 1);
  CHECK(file.at("sizes").to_vector<std::int64_t>() == std::vector<std::int64_t>{-7, 2147483647});
  CHECK(file.at("pixels").to_vector<int>() == std::vector<int>{0, 255, 7});
  CHECK(file.at("mask").dtype() == bool_);
  CHECK(file.at("mask").to_vector<int>() == std::vector<int>{1, 0, 1});
  CHECK(file.at("empty").shape() == Shape{0, 3});
}

TEST_CASE("a safetensors file may hold nothing", "[safetensors]") {
  TempFolder folder;
  io::save_safetensors(folder / "m", {});
  const io::TensorFile file = io::load_safetensors(folder / "m");
  CHECK(file.tensors.empty());
  CHECK_THROWS_WITH(file.at("w"), Contains("'w'") && Contains("none"));
  CHECK(io::load_safetensors(folder.file("n", with_header("{}      "))).metadata.empty());
}

TEST_CASE("asking for a tensor that is not there lists those that are", "[safetensors]") {
  TempFolder folder;
  io::save_safetensors(folder / "m", small_model());
  CHECK_THROWS_WITH(io::load_safetensors(folder / "m").at("bias"),
                    Contains("'bias'") && Contains("mask, kernel, step"));
}

TEST_CASE("names that a safetensors file cannot hold are errors, and the old file stays", "[safetensors]") {
  TempFolder folder;
  const std::string path = folder.file("m", "old");
  const Tensor x = zeros({1});
  CHECK_THROWS_AS(io::save_safetensors(path, {{"", x}}), ValueError);
  CHECK_THROWS_AS(io::save_safetensors(path, {{"__metadata__", x}}), ValueError);
  CHECK_THROWS_WITH(io::save_safetensors(path, {{"a", x}, {"a", x}}), Contains("'a'"));
  CHECK_THROWS_WITH(io::save_safetensors(path, {{"a", Tensor()}}), Contains("undefined"));
  CHECK_THROWS_WITH(io::save_safetensors(path, {{"\xff", x}}), Contains("UTF-8"));
  CHECK_THROWS_WITH(io::save_safetensors(path, {}, {{"k", "\xc3"}}), Contains("UTF-8"));
  CHECK(contents_of(path) == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("a damaged safetensors header says what is wrong", "[safetensors]") {
  TempFolder folder;
  const auto bad = [&](const std::string& json, const std::string& data = {}) {
    return refusal(folder, with_header(json, data));
  };
  CHECK_THAT(refusal(folder, ""), Contains("at least 8 bytes"));
  CHECK_THAT(refusal(folder, std::string(8, '\xff')), Contains("18446744073709551615"));
  CHECK_THAT(refusal(folder, std::string("\x03\0\0\0\0\0\0\0{}", 10)), Contains("said to have 3 bytes"));
  CHECK_THAT(bad("[]"), Contains("expected an object"));
  CHECK_THAT(bad(""), Contains("not JSON"));
  CHECK_THAT(bad("{} {}"), Contains("not JSON"));
  CHECK_THAT(bad("{\"\xff\":1}"), Contains("not JSON"));
  CHECK_THAT(bad(R"({"w":1})"), Contains("'w'") && Contains("the number 1"));
  CHECK_THAT(bad(R"({"w":{}})"), Contains("'w'") && Contains("no dtype"));
  CHECK_THAT(bad(R"({"w":{"dtype":"F32","shape":[]}})"), Contains("no data_offsets"));
  CHECK_THAT(bad(R"({"w":{"dtype":"BF16","shape":[],"data_offsets":[0,2]}})", "xx"),
             Contains("'w'") && Contains("F32") && Contains("'BF16'"));
  CHECK_THAT(bad(R"({"w":{"dtype":"F32","shape":[],"data_offsets":[0,4]},"w":{}})", "xxxx"), Contains("twice"));
  CHECK_THAT(bad(R"({"w":{"dtype":"F32","dtype":"F64"}})"), Contains("twice"));
  CHECK_THAT(bad(R"({"w":{"dtype":"F32","shape":[],"shape":[]}})"), Contains("twice"));
  CHECK_THAT(bad(R"({"w":{"dtype":"F32","size":4}})"), Contains("'size'"));
  CHECK_THAT(bad(R"({"w":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "xxxx"), Contains("-1"));
  CHECK_THAT(bad(R"({"w":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", "xxxx"), Contains("1.0"));
  CHECK_THAT(bad(R"({"w":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}})", "xxxx"),
             Contains("8 axes"));
  CHECK_THAT(bad(R"({"w":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}})", "xxxx"), Contains("a list"));
  CHECK_THAT(bad(R"({"w":{"dtype":"F32","shape":[],"data_offsets":[0]}})", "xxxx"), Contains("found 1"));
  CHECK_THAT(bad(R"({"w":{"dtype":"F32","shape":[],"data_offsets":[0,4,4]}})", "xxxx"), Contains("more"));
  CHECK_THAT(bad(R"({"w":{"dtype":4}})"), Contains("'dtype'"));
  CHECK_THAT(bad(R"({"w":{"shape":"x"}})"), Contains("'shape'"));
  CHECK_THAT(bad(R"({"w":{"dtype":null}})"), Contains("null"));
  CHECK_THAT(bad(R"({"w":{"dtype":true}})"), Contains("truth"));
  CHECK_THAT(bad(R"({"__metadata__":{"a":1}})"), Contains("'a'") && Contains("expected text"));
  CHECK_THAT(bad(R"({"__metadata__":{"a":"1","a":"2"}})"), Contains("twice"));
  CHECK_THAT(bad(R"({"__metadata__":[]})"), Contains("a list"));
}

TEST_CASE("safetensors offsets must match shapes and fill the data without gaps", "[safetensors]") {
  TempFolder folder;
  const auto bad = [&](const std::string& json, std::size_t data) {
    return refusal(folder, with_header(json, std::string(data, '\0')));
  };
  const std::string f32 = R"("dtype":"F32","shape":[2],"data_offsets":)";
  CHECK_THAT(bad("{\"w\":{" + f32 + "[0,9]}}", 8), Contains("outside the 8 bytes"));
  CHECK_THAT(bad("{\"w\":{" + f32 + "[8,0]}}", 8), Contains("outside"));
  CHECK_THAT(bad("{\"w\":{" + f32 + "[0,18446744073709551615]}}", 8), Contains("outside"));
  CHECK_THAT(bad("{\"w\":{" + f32 + "[0,4]}}", 4), Contains("ask for 8 bytes") && Contains("hold 4"));
  CHECK_THAT(bad("{\"w\":{" + f32 + "[4,12]}}", 12), Contains("at offset 0"));
  CHECK_THAT(bad("{\"w\":{" + f32 + "[0,8]}}", 9), Contains("expected 8 bytes") && Contains("found 9"));
  CHECK_THAT(bad("{\"a\":{" + f32 + "[0,8]},\"b\":{" + f32 + "[4,12]}}", 12), Contains("'b'") && Contains("offset 8"));
  CHECK_THAT(bad("{\"a\":{" + f32 + "[0,8]},\"b\":{" + f32 + "[0,8]}}", 8), Contains("offset 8"));
  CHECK_THAT(bad("{\"a\":{" + f32 + "[0,8]},\"b\":{" + f32 + "[9,17]}}", 17), Contains("offset 8"));
  const std::string huge = R"("data_offsets":[0,0],"dtype":"F32","shape":)";
  CHECK_THAT(bad("{\"w\":{" + huge + "[4294967296,4294967296]}}", 0), Contains("larger than any file"));
  CHECK_THAT(bad("{\"w\":{" + huge + "[0,9223372036854775807,9223372036854775807]}}", 0), Contains("larger than any"));
  CHECK_THAT(bad("{\"w\":{" + huge + "[9223372036854775808]}}", 0), Contains("9223372036854775808"));
  CHECK_THAT(bad("{\"w\":{" + huge + "[1000000000]}}", 0), Contains("ask for 4000000000 bytes"));
  CHECK_THAT(refusal(folder, with_header(R"({"w":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})", "\1\2")),
             Contains("0 or 1") && Contains("'w'"));
}

TEST_CASE("deeply nested JSON is refused at once", "[safetensors]") {
  TempFolder folder;
  CHECK_THAT(refusal(folder, with_header(std::string(5'000'000, '['))), Contains("a list"));
  std::string objects;
  for (int i = 0; i < 500'000; ++i) objects += "{\"a\":";
  CHECK_THAT(refusal(folder, with_header(objects)), Contains("'a'"));
}

TEST_CASE("a safetensors file cut off at any byte is an error", "[safetensors][fuzz]") {
  TempFolder folder;
  io::save_safetensors(folder / "m", small_model(), {{"k", "v"}});
  const std::string whole = contents_of(folder / "m");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    INFO("cut to " << length);
    CHECK_THROWS_AS(io::load_safetensors(folder.file("cut", whole.substr(0, length))), IoError);
  }
  CHECK_THROWS_AS(io::load_safetensors(folder.file("longer", whole + "x")), IoError);
}

TEST_CASE("a safetensors file with flipped bytes loads or throws an xgrad error", "[safetensors][fuzz]") {
  TempFolder folder;
  io::save_safetensors(folder / "m", small_model(), {{"k", "v"}});
  const std::string whole = contents_of(folder / "m");
  std::mt19937_64 random(3);
  int loaded = 0, refused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string broken = whole;
    const std::string likely = "{}[]\",:019-e\\ \xff";
    for (int flips = 1 + static_cast<int>(random() % 3); flips > 0; --flips) {
      char& byte = broken[random() % broken.size()];
      byte = random() % 2 ? likely[random() % likely.size()] : static_cast<char>(random());
    }
    try {
      io::load_safetensors(folder.file("broken", broken));
      ++loaded;
    } catch (const Error&) {
      ++refused;
    }
  }
  CHECK(loaded > 0);
  CHECK(refused > 0);
}

TEST_CASE("missing files, folders and devices cannot be loaded", "[safetensors]") {
  TempFolder folder;
  CHECK_THROWS_WITH(io::load_safetensors(folder / "absent"), Contains("absent") && Contains("No such file"));
  CHECK_THROWS_WITH(io::load_safetensors(folder.path.string()), Contains("regular file"));
  CHECK_THROWS_WITH(io::load_safetensors("/dev/zero"), Contains("regular file"));
}

TEST_CASE("saving computes pending tensors", "[safetensors]") {
  TempFolder folder;
  const Tensor x = tensor({1, 2});
  io::save_safetensors(folder / "m", {{"y", x + x}});
  CHECK(io::load_safetensors(folder / "m").at("y").to_vector<int>() == std::vector<int>{2, 4});
}
