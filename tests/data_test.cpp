// IDX and MNIST files, splits, batches and scaling.
#include "data_files/bytes.hpp"
#include "data_files/temp_folder.hpp"

#include <xgrad/data/batches.hpp>
#include <xgrad/data/idx.hpp>
#include <xgrad/data/mnist.hpp>
#include <xgrad/data/preprocess.hpp>
#include <xgrad/data/shuffle.hpp>
#include <xgrad/data/split.hpp>
#include <xgrad/graph/basic.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <random>
#include <set>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace xgrad;
using Catch::Matchers::Contains;

namespace {

std::string idx_header(int type, std::initializer_list<std::uint32_t> lengths) {
  std::string text = bytes({0, 0, type, static_cast<int>(lengths.size())});
  for (std::uint32_t n : lengths)
    text += bytes({static_cast<int>(n >> 24), static_cast<int>(n >> 16 & 255), static_cast<int>(n >> 8 & 255),
                   static_cast<int>(n & 255)});
  return text;
}

// The four files of a small MNIST, two images to train with and one to test with.
void write_mnist(const TempFolder& folder, const std::string& joint, bool compressed) {
  const auto put = [&](const std::string& part, const std::string& kind, const std::string& text) {
    folder.file(part + joint + kind + (compressed ? ".gz" : ""), compressed ? gzipped(text) : text);
  };
  put("train-images", "idx3-ubyte", idx_header(8, {2, 28, 28}) + std::string(784, '\1') + std::string(784, '\2'));
  put("train-labels", "idx1-ubyte", idx_header(8, {2}) + bytes({9, 0}));
  put("t10k-images", "idx3-ubyte", idx_header(8, {1, 28, 28}) + std::string(784, '\3'));
  put("t10k-labels", "idx1-ubyte", idx_header(8, {1}) + bytes({4}));
}

template <class T>
std::vector<T> values(const Tensor& t) {
  return t.to_vector<T>();
}

std::string noise(std::size_t bytes) {
  std::mt19937_64 random(4);
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

// The most memory this process has ever had.
std::uint64_t peak_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) << 10;
}

}  // namespace

TEST_CASE("IDX bytes become a uint8 tensor of the header's shape", "[idx]") {
  TempFolder folder;
  const std::string text = idx_header(8, {2, 3}) + bytes({1, 2, 3, 4, 5, 255});
  for (const std::string& file : {folder.file("a", text), folder.file("a.gz", gzipped(text)),
                                  folder.file("not-called-gz", gzipped(text, 1))}) {
    const Tensor t = data::read_idx(file);
    CHECK(t.dtype() == uint8);
    CHECK(t.shape() == Shape{2, 3});
    CHECK(values<int>(t) == std::vector<int>{1, 2, 3, 4, 5, 255});
  }
}

TEST_CASE("every IDX element type is turned round and widened exactly", "[idx]") {
  TempFolder folder;
  const Tensor i8 = data::read_idx(folder.file("i8", idx_header(9, {3}) + bytes({0x80, 0x7f, 0xff})));
  CHECK(i8.dtype() == int32);
  CHECK(values<int>(i8) == std::vector<int>{-128, 127, -1});
  const Tensor i16 = data::read_idx(folder.file("i16", idx_header(11, {2}) + bytes({0x80, 0, 0x12, 0x34})));
  CHECK(i16.dtype() == int32);
  CHECK(values<int>(i16) == std::vector<int>{-32768, 0x1234});
  const Tensor i32 = data::read_idx(folder.file("i32", idx_header(12, {2}) + bytes({0x80, 0, 0, 0, 1, 2, 3, 4})));
  CHECK(i32.dtype() == int32);
  CHECK(values<std::int64_t>(i32) == std::vector<std::int64_t>{-2147483648LL, 0x01020304});
  const Tensor f32 = data::read_idx(
      folder.file("f32", idx_header(13, {3}) + bytes({0x3f, 0xc0, 0, 0, 0x80, 0, 0, 0, 0x7f, 0xc0, 0, 0})));
  CHECK(f32.dtype() == float32);
  const std::vector<float> floats = values<float>(f32);
  CHECK(floats[0] == 1.5f);
  CHECK(floats[1] == 0.0f);
  CHECK(std::signbit(floats[1]));
  CHECK(std::isnan(floats[2]));
  const Tensor f64 = data::read_idx(folder.file("f64", idx_header(14, {1}) + bytes({0xc0, 4, 0, 0, 0, 0, 0, 0})));
  CHECK(f64.dtype() == float64);
  CHECK(values<double>(f64) == std::vector<double>{-2.5});
}

TEST_CASE("an IDX file may have eight axes, and axes of length zero", "[idx]") {
  TempFolder folder;
  const Tensor eight = data::read_idx(folder.file("8", idx_header(8, {1, 1, 2, 1, 1, 1, 1, 1}) + bytes({7, 8})));
  CHECK(eight.shape() == Shape{1, 1, 2, 1, 1, 1, 1, 1});
  const Tensor empty = data::read_idx(folder.file("0", idx_header(8, {0, 28, 28})));
  CHECK(empty.shape() == Shape{0, 28, 28});
  CHECK(empty.size() == 0);
  CHECK(data::read_idx(folder.file("0.gz", gzipped(idx_header(13, {3, 0})))).shape() == Shape{3, 0});
}

TEST_CASE("a wrong IDX header is an error that names file, offset, expected and found", "[idx]") {
  TempFolder folder;
  const auto message = [&](const std::string& text) {
    try {
      data::read_idx(folder.file("bad", text));
    } catch (const IoError& e) {
      return std::string(e.what());
    }
    return std::string("no error");
  };
  CHECK_THAT(message("\x89PNG"), Contains("/bad'") && Contains("offset 0") && Contains("0x89 0x50"));
  CHECK_THAT(message(bytes({0, 0, 7, 1})), Contains("offset 2") && Contains("0x07"));
  CHECK_THAT(message(bytes({0, 0, 8, 0})), Contains("offset 3") && Contains("found 0"));
  CHECK_THAT(message(bytes({0, 0, 8, 9})), Contains("offset 3") && Contains("1 to 8") && Contains("found 9"));
  CHECK_THAT(message(""), Contains("magic number") && Contains("found 0"));
  CHECK_THAT(message(idx_header(8, {2, 2}) + "abc"), Contains("(2, 2)") && Contains("at most 3 bytes"));
  CHECK_THAT(message(idx_header(8, {2, 2}) + "abcde"), Contains("offset 16") && Contains("end of the file"));
  CHECK_THAT(message(gzipped(idx_header(8, {2, 2}) + "abc")), Contains("expected 4") && Contains("found 3"));
  CHECK_THAT(message(gzipped(idx_header(8, {2, 2}) + "abcde")), Contains("offset 16"));
  CHECK_THAT(message(gzipped(idx_header(8, {2}) + "ab") + "junk"), Contains("gzip"));
  CHECK_THROWS_WITH(data::read_idx(folder / "absent"), Contains("absent") && Contains("No such file"));
  CHECK_THROWS_WITH(data::read_idx(folder.path.string()), Contains("a folder"));
  CHECK_THROWS_WITH(data::read_idx("/dev/zero"), Contains("special file"));
}

TEST_CASE("an IDX header that lies takes no memory", "[idx]") {
  TempFolder folder;
  const std::string huge = idx_header(14, {0xffffffff, 0xffffffff, 0xffffffff}) + "x";
  const std::string overflow = idx_header(14, {0, 0xffffffff, 0xffffffff, 0xffffffff});
  const std::string large = idx_header(8, {4000000000u}) + std::string(100, 'x');
  CHECK_THROWS_AS(data::read_idx(folder.file("a", huge)), IoError);
  CHECK_THROWS_AS(data::read_idx(folder.file("b", gzipped(huge))), IoError);
  CHECK_THROWS_AS(data::read_idx(folder.file("c", overflow)), IoError);
  CHECK_THROWS_AS(data::read_idx(folder.file("d", large)), IoError);
  CHECK_THROWS_AS(data::read_idx(folder.file("e", gzipped(large))), IoError);
  CHECK_THROWS_WITH(data::read_idx(folder.file("e", gzipped(large))), Contains("at most"));
  // Compresses so well that the header could be true: only what comes may be taken.
  const std::string zeros = gzipped(idx_header(8, {2'000'000'000u}) + std::string(8'000'000, '\0'), 1) +
                            gzipped(noise(2'000'000));
  const std::uint64_t before = peak_bytes();
  CHECK_THROWS_WITH(data::read_idx(folder.file("f", zeros)), Contains("2000000000") && Contains("found 10000000"));
  CHECK(peak_bytes() < before + (std::uint64_t{500} << 20));
}

TEST_CASE("an IDX file cut off at any byte is an error, never a crash", "[idx][fuzz]") {
  TempFolder folder;
  const std::string plain = idx_header(12, {2, 3}) + std::string(24, 'v');
  for (const std::string& whole : {plain, gzipped(plain)})
    for (std::size_t length = 0; length < whole.size(); ++length) {
      INFO("cut to " << length << " of " << whole.size());
      CHECK_THROWS_AS(data::read_idx(folder.file("cut", whole.substr(0, length))), IoError);
    }
}

TEST_CASE("an IDX file with flipped bytes loads or throws an xgrad error", "[idx][fuzz]") {
  TempFolder folder;
  std::mt19937_64 random(1);
  const std::string plain = idx_header(11, {3, 2}) + std::string(12, 'v');
  int loaded = 0, refused = 0;
  for (const std::string& whole : {plain, gzipped(plain)})
    for (int round = 0; round < 1000; ++round) {
      std::string broken = whole;
      for (int flips = 1 + static_cast<int>(random() % 3); flips > 0; --flips)
        broken[random() % broken.size()] ^= static_cast<char>(1 + random() % 255);
      try {
        data::read_idx(folder.file("broken", broken));
        ++loaded;
      } catch (const Error&) {
        ++refused;
      }
    }
  CHECK(loaded > 0);
  CHECK(refused > 0);
}

TEST_CASE("an MNIST folder is read plain, compressed and under the names with a dot", "[mnist]") {
  for (const bool compressed : {false, true})
    for (const std::string joint : {"-", "."}) {
      TempFolder folder;
      write_mnist(folder, joint, compressed);
      const data::MnistData mnist = data::load_mnist(folder.path.string());
      CHECK(mnist.train.images.shape() == Shape{2, 28, 28});
      CHECK(mnist.train.images.dtype() == uint8);
      CHECK(values<int>(mnist.train.labels) == std::vector<int>{9, 0});
      CHECK(values<int>(mnist.test.images)[783] == 3);
      CHECK(values<int>(mnist.test.labels) == std::vector<int>{4});
      CHECK(mnist.class_names[7] == "7");
      CHECK(data::load_fashion_mnist(folder.path.string()).class_names[9] == "Ankle boot");
    }
}

TEST_CASE("a missing MNIST folder or file says what is expected and where it comes from", "[mnist]") {
  TempFolder folder;
  CHECK_THROWS_WITH(data::load_fashion_mnist(folder / "nowhere"),
                    Contains("nowhere") && Contains("train-images-idx3-ubyte") && Contains("dataset-fashion-mnist"));
  CHECK_THROWS_WITH(data::load_mnist(folder / "nowhere"), Contains("t10k-labels-idx1-ubyte"));
  write_mnist(folder, "-", false);
  unlink((folder / "t10k-labels-idx1-ubyte").c_str());
  CHECK_THROWS_WITH(data::load_mnist(folder.path.string()), Contains("t10k-labels-idx1-ubyte.gz"));
}

TEST_CASE("MNIST files that do not belong together are refused", "[mnist]") {
  TempFolder folder;
  write_mnist(folder, "-", false);
  const auto load = [&] { data::load_mnist(folder.path.string()); };
  folder.file("train-labels-idx1-ubyte", idx_header(8, {3}) + bytes({1, 2, 3}));
  CHECK_THROWS_WITH(load(), Contains("2 images") && Contains("found 3"));
  folder.file("train-labels-idx1-ubyte", idx_header(8, {2}) + bytes({1, 10}));
  CHECK_THROWS_WITH(load(), Contains("labels 0 to 9") && Contains("found 10 at position 1"));
  folder.file("train-labels-idx1-ubyte", idx_header(8, {2, 1}) + bytes({1, 2}));
  CHECK_THROWS_WITH(load(), Contains("(n,)") && Contains("(2, 1)"));
  folder.file("train-labels-idx1-ubyte", idx_header(8, {2}) + bytes({1, 2}));
  folder.file("train-images-idx3-ubyte", idx_header(8, {2, 28, 1}) + std::string(56, 'x'));
  CHECK_THROWS_WITH(load(), Contains("(n, 28, 28)") && Contains("(2, 28, 1)"));
}

TEST_CASE("Debian's Fashion-MNIST loads whole where it is installed", "[mnist]") {
  struct stat info {};
  if (stat("/usr/share/datasets/fashion-mnist", &info) != 0) {
    WARN("the package dataset-fashion-mnist is not installed: skipped");
    return;
  }
  const data::MnistData fashion = data::load_fashion_mnist();
  CHECK(fashion.train.images.shape() == Shape{60000, 28, 28});
  CHECK(fashion.test.images.shape() == Shape{10000, 28, 28});
  const std::vector<int> labels = values<int>(fashion.train.labels);
  for (int c = 0; c < 10; ++c) CHECK(std::count(labels.begin(), labels.end(), c) == 6000);
  CHECK(labels[0] == 9);
  const std::span<const std::uint8_t> pixels = fashion.train.images.data<std::uint8_t>();
  CHECK(std::accumulate(pixels.begin(), pixels.end(), std::int64_t{0}) / 47040000.0 == Approx(72.94).margin(0.01));
}

TEST_CASE("a shuffled order is a permutation that depends on seed and stream only", "[shuffle]") {
  const std::vector<std::int64_t> order = data::shuffled_order(1000, 7, 3);
  CHECK(order == data::shuffled_order(1000, 7, 3));
  CHECK(order != data::shuffled_order(1000, 7, 4));
  CHECK(order != data::shuffled_order(1000, 8, 3));
  std::vector<std::int64_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted == data::plain_order(1000));
  CHECK(data::shuffled_order(0, 1).empty());
  CHECK(data::shuffled_order(1, 1) == std::vector<std::int64_t>{0});
  CHECK_THROWS_AS(data::shuffled_order(-1, 1), ValueError);
  CHECK(data::shuffled_order(8, 0, 0) == std::vector<std::int64_t>{3, 0, 5, 4, 7, 6, 1, 2});
}

TEST_CASE("every order of four is equally likely", "[shuffle]") {
  std::vector<int> counts(256);
  const int rounds = 24000;
  for (int seed = 0; seed < rounds; ++seed) {
    const std::vector<std::int64_t> o = data::shuffled_order(4, static_cast<std::uint64_t>(seed), 1);
    ++counts[static_cast<std::size_t>(((o[0] * 4 + o[1]) * 4 + o[2]) * 4 + o[3])];
  }
  double chi = 0;
  int seen = 0;
  for (int count : counts)
    if (count) {
      ++seen;
      chi += (count - 1000.0) * (count - 1000.0) / 1000.0;
    }
  CHECK(seen == 24);
  CHECK(chi < 58);  // 23 degrees of freedom: exceeded once in 10,000
}

TEST_CASE("batches visit every row once, the last batch being shorter", "[batches]") {
  const data::Batches batches(10, 4, {.shuffle = true, .seed = 3});
  CHECK(batches.size() == 3);
  std::multiset<std::int64_t> seen;
  std::vector<std::int64_t> lengths;
  for (const Tensor& rows : batches.epoch(0)) {
    CHECK(rows.dtype() == int64);
    lengths.push_back(rows.size());
    for (std::int64_t row : values<std::int64_t>(rows)) seen.insert(row);
  }
  CHECK(lengths == std::vector<std::int64_t>{4, 4, 2});
  CHECK(seen == std::multiset<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("the order of an epoch depends on the seed and the epoch's number", "[batches]") {
  const data::Batches batches(100, 7, {.seed = 5});
  CHECK(batches.epoch(2).order() == data::Batches(100, 13, {.seed = 5}).epoch(2).order());
  CHECK(batches.epoch(2).order() != batches.epoch(3).order());
  CHECK(data::Batches(100, 7, {.shuffle = false}).epoch(4).order() == data::plain_order(100));
}

TEST_CASE("a remainder can be dropped, and batches may be empty or larger than the data", "[batches]") {
  CHECK(data::Batches(10, 4, {.drop_remainder = true}).size() == 2);
  CHECK(data::Batches(3, 4, {.drop_remainder = true}).size() == 0);
  CHECK(data::Batches(0, 4).epoch().size() == 0);
  CHECK(data::Batches(3, INT64_MAX).epoch()[0].size() == 3);
  CHECK_THROWS_AS(data::Batches(3, 0), ValueError);
  CHECK_THROWS_AS(data::Batches(-1, 2), ValueError);
  CHECK_THROWS_WITH(data::Batches(3, 2).epoch()[2], Contains("0 to 1") && Contains("got 2"));
}

TEST_CASE("gathering a batch takes the same rows of x and y and keeps bytes as bytes", "[batches]") {
  const Tensor x = tensor(std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6}, Shape{3, 2});
  const Tensor y = tensor({10, 20, 30});
  const auto [bx, by] = data::gather(x, y, tensor(std::vector<std::int64_t>{2, 0}, Shape{2}));
  CHECK_FALSE(bx.computed());
  CHECK(bx.dtype() == uint8);
  CHECK(values<int>(bx) == std::vector<int>{5, 6, 1, 2});
  CHECK(values<int>(by) == std::vector<int>{30, 10});
  CHECK_THROWS_AS(data::gather(x, tensor({1, 2}), tensor({0}, {.dtype = int64})), ShapeError);
}

TEST_CASE("shuffling and cutting 60,000 rows into batches is quick", "[batches]") {
  const data::Batches batches(60000, 32);
  double best = 1e9;
  std::int64_t sum = 0;
  for (std::uint64_t e = 0; e < 20; ++e) {
    const auto start = std::chrono::steady_clock::now();
    sum += batches.epoch(e).order()[0];
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  CHECK(sum >= 0);
  INFO("60,000 rows shuffled in " << best * 1e6 << " us");
  CHECK(best < 0.02);  // wide enough for sanitizers
}

TEST_CASE("a split divides x and y alike, each row on one side", "[split]") {
  const Tensor x = reshape(tensor({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13}), {7, 2});
  const Tensor y = tensor({0, 1, 2, 3, 4, 5, 6});
  const auto [x_train, x_test, y_train, y_test] = data::train_test_split(x, y, {.test_size = 0.3, .seed = 4});
  CHECK(x_train.shape() == Shape{4, 2});
  CHECK(x_test.shape() == Shape{3, 2});
  std::set<int> seen;
  for (const auto& [xs, ys] : {std::pair{x_train, y_train}, std::pair{x_test, y_test}}) {
    CHECK(xs.computed());
    for (std::int64_t i = 0; i < ys.size(); ++i) {
      const int row = values<int>(ys)[static_cast<std::size_t>(i)];
      seen.insert(row);
      CHECK(values<int>(xs)[static_cast<std::size_t>(2 * i)] == 2 * row);
    }
  }
  CHECK(seen.size() == 7);
  const auto again = data::train_test_split(x, y, {.test_size = 0.3, .seed = 4});
  CHECK(values<int>(again.y_test) == values<int>(y_test));
  const auto plain = data::train_test_split(x, y, {.test_size = 2, .shuffle = false});
  CHECK(values<int>(plain.y_test) == std::vector<int>{5, 6});
}

TEST_CASE("the share of a split is rounded up, but not by rounding errors", "[split]") {
  const Tensor x = zeros({100});
  CHECK(data::train_test_split(x, x, {.test_size = 0.07}).x_test.size() == 7);
  CHECK(data::train_test_split(x, x, {.test_size = 0.071}).x_test.size() == 8);
  CHECK(data::train_test_split(x, x).x_test.size() == 20);
}

TEST_CASE("impossible splits are errors", "[split]") {
  const Tensor x = zeros({4});
  for (const double size : {0.0, -0.5, 4.0, 1.5, 0.99, std::nan(""), std::numeric_limits<double>::infinity()})
    CHECK_THROWS_AS(data::train_test_split(x, x, {.test_size = size}), ValueError);
  CHECK_THROWS_AS(data::train_test_split(x, zeros({3})), ShapeError);
  CHECK_THROWS_AS(data::train_test_split(zeros({}), zeros({})), ShapeError);
  CHECK_THROWS_AS(data::train_test_split(zeros({0}), zeros({0})), ValueError);
}

TEST_CASE("standardizing gives columns mean 0 and deviation 1 and can be taken back", "[standardizer]") {
  const Tensor x = tensor({{1, 10}, {2, 20}, {3, 60}}, {.dtype = float64});
  data::Standardizer scaler;
  const Tensor z = scaler.fit_transform(x);
  const std::vector<double> expected = {-1.22474487139, -0.925820099773, 0, -0.462910049886, 1.22474487139,
                                        1.38873014966};
  const std::vector<double> got = values<double>(z);
  for (std::size_t i = 0; i < 6; ++i) CHECK(got[i] == Approx(expected[i]).margin(1e-11));
  const std::vector<double> back = values<double>(scaler.inverse(z));
  for (std::size_t i = 0; i < 6; ++i) CHECK(back[i] == Approx(values<double>(x)[i]).epsilon(1e-14));
  CHECK(values<double>(scaler.mean()) == std::vector<double>{2, 30});
  CHECK(z.dtype() == float64);
}

TEST_CASE("a constant column becomes zeros, not NaN", "[standardizer]") {
  const Tensor x = tensor({{0.1, 1}, {0.1, 2}, {0.1, 4}});
  data::Standardizer scaler;
  const std::vector<float> z = values<float>(scaler.fit_transform(x));
  CHECK(z[0] == 0);
  CHECK(z[2] == 0);
  CHECK(z[4] == 0);
  CHECK(values<float>(scaler.inverse(scaler.transform(x)))[0] == 0.1f);
}

TEST_CASE("standardizing takes bytes, one axis and many axes", "[standardizer]") {
  data::Standardizer one;
  const Tensor bytes_in = tensor(std::vector<std::uint8_t>{250, 252, 254}, Shape{3});
  CHECK(values<float>(one.fit_transform(bytes_in))[1] == 0);
  CHECK(one.mean().rank() == 0);
  CHECK(one.mean().dtype() == float32);
  data::Standardizer many;
  many.fit(reshape(tensor({1, 2, 3, 4, 5, 6, 7, 8}), {2, 2, 2}));
  CHECK(values<double>(many.mean()) == std::vector<double>{4, 5});
}

TEST_CASE("a Standardizer refuses to work unfitted, without rows, or on other columns", "[standardizer]") {
  data::Standardizer scaler;
  CHECK_THROWS_AS(scaler.transform(zeros({2, 2})), ValueError);
  CHECK_THROWS_AS(scaler.fit(zeros({0, 2})), ValueError);
  CHECK_THROWS_AS(scaler.fit(zeros({})), ShapeError);
  scaler.fit(ones({3, 2}));
  CHECK_THROWS_WITH(scaler.transform(zeros({2, 3})), Contains("2 columns") && Contains("(2, 3)"));
  CHECK_THROWS_AS(scaler.transform(zeros({2})), ShapeError);
}

TEST_CASE("to_categorical writes one 1 a row, as Keras does", "[categorical]") {
  const Tensor rows = to_categorical(tensor({0, 2, 1}, {.dtype = uint8}));
  CHECK(rows.shape() == Shape{3, 3});
  CHECK(rows.dtype() == float32);
  CHECK(values<int>(rows) == std::vector<int>{1, 0, 0, 0, 0, 1, 0, 1, 0});
  CHECK(to_categorical(reshape(tensor({1, 0}), {2, 1}), 4).shape() == Shape{2, 4});
  CHECK(to_categorical(tensor({{1, 0}, {0, 1}}), 2, float64).shape() == Shape{2, 2, 2});
  CHECK(values<int>(to_categorical(Tensor(1), 3)) == std::vector<int>{0, 1, 0});
  CHECK(to_categorical(zeros({0}), 3).shape() == Shape{0, 3});
  CHECK(to_categorical(tensor({1, 0}), 2, bool_).dtype() == bool_);
}

TEST_CASE("to_categorical names the first label that is no class", "[categorical]") {
  CHECK_THROWS_WITH(to_categorical(tensor({0, 3}), 3), Contains("0 to 2") && Contains("got 3 at position 1"));
  CHECK_THROWS_WITH(to_categorical(tensor({0, -1})), Contains("got -1 at position 1"));
  CHECK_THROWS_WITH(to_categorical(tensor({0.5})), Contains("whole number") && Contains("position 0"));
  CHECK_THROWS_AS(to_categorical(tensor({NAN})), ValueError);
  CHECK_THROWS_AS(to_categorical(tensor({1, 2}), -1), ValueError);
}

TEST_CASE("normalize divides by the norm along an axis and leaves zeros alone", "[normalize]") {
  const Tensor x = tensor({{3, -4}, {0, 0}}, {.dtype = float64});
  CHECK(values<double>(data::normalize(x)) == std::vector<double>{0.6, -0.8, 0, 0});
  CHECK(values<double>(data::normalize(x, 0)) == std::vector<double>{1, -1, 0, 0});
  CHECK(values<double>(data::normalize(x, -1, INFINITY)) == std::vector<double>{0.75, -1, 0, 0});
  const std::vector<double> one = values<double>(data::normalize(x, -1, 1));
  CHECK(one[0] == Approx(3.0 / 7).epsilon(1e-15));
  const std::vector<double> three = values<double>(data::normalize(x, -1, 3));
  CHECK(three[1] == Approx(-4 / std::cbrt(91.0)).epsilon(1e-14));
  CHECK(values<double>(data::normalize(tensor(std::vector<std::uint8_t>{200, 0}, Shape{1, 2})))[0] == 1);
  CHECK_THROWS_AS(data::normalize(x, -1, 0), ValueError);
  CHECK_THROWS_AS(data::normalize(x, 2), ShapeError);
}
