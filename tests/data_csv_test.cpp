// CSV files.
#include "data_files/bytes.hpp"
#include "data_files/temp_folder.hpp"

#include <xgrad/data/csv.hpp>

#include <catch2/catch.hpp>

#include <cmath>
#include <random>

using namespace xgrad;
using Catch::Matchers::Contains;

namespace {

template <class T>
std::vector<T> values(const Tensor& t) {
  return t.to_vector<T>();
}

}  // namespace

TEST_CASE("CSV columns are chosen by name or position and become numbers", "[csv]") {
  TempFolder folder;
  const std::string file = folder.file("a.csv", "age,weight, name ,score\n30,70.5,Ann,1\n41, +8e1 ,Bo,-0\n");
  const data::Table table = data::read_csv(file);
  CHECK(table.rows() == 2);
  CHECK(table.columns() == std::vector<std::string>{"age", "weight", "name", "score"});
  const Tensor numbers = table.numeric({"weight", 0, -1});
  CHECK(numbers.shape() == Shape{2, 3});
  CHECK(numbers.dtype() == float32);
  CHECK(values<double>(numbers) == std::vector<double>{70.5, 30, 1, 80, 41, 0});
  CHECK(std::signbit(values<double>(numbers)[5]));
  CHECK(table.numeric({"weight"}, float64).dtype() == float64);
  CHECK(table.text("name") == std::vector<std::string>{"Ann", "Bo"});
  CHECK(table.target("score").shape() == Shape{2, 1});
  CHECK_THROWS_WITH(table.predictors("score"), Contains("\"name\"") && Contains("\"Ann\""));
  CHECK(values<double>(table.predictors({"name", "score"})) == std::vector<double>{30, 70.5, 41, 80});
  const data::Table chosen = data::read_csv(file, {.columns = {"score", "age"}});
  CHECK(chosen.columns() == std::vector<std::string>{"score", "age"});
  CHECK(values<double>(chosen.predictors("score")) == std::vector<double>{30, 41});
  CHECK(values<double>(chosen.numeric()) == std::vector<double>{1, 30, 0, 41});
}

TEST_CASE("CSV integers are exact and fractions keep all digits of a double", "[csv]") {
  TempFolder folder;
  const data::Table table = data::read_csv(
      folder.file("a", "i,x\n9007199254740993,0.1\n-9223372036854775808,1e-400\n9223372036854775807,-5e-324\n"));
  CHECK(values<std::int64_t>(table.numeric({"i"}, int64)) ==
        std::vector<std::int64_t>{9007199254740993, INT64_MIN, INT64_MAX});
  CHECK(values<double>(table.numeric({"x"}, float64)) == std::vector<double>{0.1, 0, -5e-324});
  CHECK_THROWS_WITH(table.numeric({"i"}, int32), Contains("int32") && Contains("9007199254740993"));
  CHECK_THROWS_WITH(table.numeric({"x"}, int64), Contains("line 2") && Contains("\"0.1\""));
  CHECK_THROWS_AS(table.numeric({"x"}, uint8), DTypeError);
  const data::Table large = data::read_csv(folder.file("b", "x\n1e300\n"));
  CHECK(values<double>(large.numeric({}, float64)) == std::vector<double>{1e300});
  CHECK_THROWS_WITH(large.numeric(), Contains("float32"));
  CHECK_THROWS_AS(data::read_csv(folder.file("c", "x\n1e400\n")).numeric({}, float64), ValueError);
  CHECK(std::isinf(values<double>(data::read_csv(folder.file("d", "x\ninf\n")).numeric())[0]));
}

TEST_CASE("CSV quotes, doubled quotes and line ends inside quotes follow RFC 4180", "[csv]") {
  TempFolder folder;
  const data::Table table = data::read_csv(
      folder.file("a", "\xEF\xBB\xBF\"first, name\",n\r\n\"a\r\nb \"\"x\"\"\",1\r\n\"\",\"2\"\r\nq\"uote,3"));
  CHECK(table.columns() == std::vector<std::string>{"first, name", "n"});
  CHECK(table.text(0) == std::vector<std::string>{"a\r\nb \"x\"", "", "q\"uote"});
  CHECK(values<int>(table.numeric({"n"})) == std::vector<int>{1, 2, 3});
}

TEST_CASE("CSV line ends may be LF, CR LF or CR, with or without the last one", "[csv]") {
  TempFolder folder;
  for (const std::string end : {"\n", "\r\n", "\r"})
    for (const bool last : {false, true}) {
      const data::Table table =
          data::read_csv(folder.file("a", "a,b" + end + "1,2" + end + "3,4" + (last ? end : "")));
      CHECK(table.rows() == 2);
      CHECK(values<int>(table.numeric()) == std::vector<int>{1, 2, 3, 4});
    }
}

TEST_CASE("CSV separators, decimal commas and files without a header", "[csv]") {
  TempFolder folder;
  const std::string file = folder.file("a", "1,5;x;2\n-,25;y;3\n");
  const data::Table table = data::read_csv(file, {.separator = ';', .decimal = ',', .header = false});
  CHECK(table.columns() == std::vector<std::string>{"0", "1", "2"});
  CHECK(values<double>(table.numeric({0, "2"})) == std::vector<double>{1.5, 2, -0.25, 3});
  const data::Table tabs = data::read_csv(folder.file("b", "a\tb\n'1'\t2\n"), {.separator = '\t', .quote = '\''});
  CHECK(values<double>(tabs.numeric()) == std::vector<double>{1, 2});
  CHECK_THROWS_AS(data::read_csv(folder.file("c", "x\n1.5\n"), {.decimal = ','}).numeric(), ValueError);
}

TEST_CASE("words of a CSV column become numbered categories", "[csv]") {
  TempFolder folder;
  const data::Table table = data::read_csv(folder.file("a", "kind,x\nrose,1\nlily,2\nrose,3\n"));
  const data::Categories kinds = table.categories("kind");
  CHECK(kinds.names == std::vector<std::string>{"lily", "rose"});
  CHECK(kinds.codes.dtype() == int64);
  CHECK(values<int>(kinds.codes) == std::vector<int>{1, 0, 1});
}

TEST_CASE("missing CSV cells are an error, a number, or drop their row", "[csv]") {
  TempFolder folder;
  const std::string file = folder.file("a", "a,b,c\n1,NA,x\n 2 , ,x\n3,4,\n5,6,x\n");
  CHECK_THROWS_WITH(data::read_csv(file).numeric({"a", "b"}),
                    Contains("line 2") && Contains("\"b\"") && Contains("missing") && Contains("\"NA\""));
  CHECK(values<double>(data::read_csv(file, {.missing = -1.5}).numeric({"b"})) ==
        std::vector<double>{-1.5, -1.5, 4, 6});
  CHECK(values<int>(data::read_csv(file, {.missing = 0}).numeric({"b"}, int64)) == std::vector<int>{0, 0, 4, 6});
  CHECK_THROWS_AS(data::read_csv(file, {.missing = 0.5}).numeric({"b"}, int64), ValueError);
  CHECK_THROWS_AS(data::read_csv(file, {.missing = 0x1p63}).numeric({"b"}, int64), ValueError);
  const data::Table all = data::read_csv(file, {.missing = data::missing_drops_row});
  CHECK(values<int>(all.numeric({"a", "b"})) == std::vector<int>{5, 6});
  const data::Table two = data::read_csv(file, {.columns = {"a", "b"}, .missing = data::missing_drops_row});
  CHECK(values<int>(two.numeric()) == std::vector<int>{3, 4, 5, 6});
  const data::Table own = data::read_csv(folder.file("b", "a\n-9\n1\n"), {.missing = 7.0, .missing_values = {"-9"}});
  CHECK(values<int>(own.numeric()) == std::vector<int>{7, 1});
}

TEST_CASE("a cell that is no number names file, line, column and content", "[csv]") {
  TempFolder folder;
  const std::string file = folder.file("a.csv", "x,y\n1,2\n\n\"3\n\",twelve\x01\n");
  CHECK_THROWS_WITH(data::read_csv(file).numeric({"y"}),
                    Contains("a.csv") && Contains("line 4") && Contains("\"y\" (2)") && Contains("\"twelve\\x01\""));
  for (const std::string bad : {"1 2", "1,5", "0x10", "++1", "+-1", "1e", "--1", ".", "e5", "1\"", "nan(x"}) {
    INFO(bad);
    CHECK_THROWS_AS(data::read_csv(folder.file("b", "x;y\n" + bad + ";1\n"), {.separator = ';'}).numeric(), ValueError);
  }
}

TEST_CASE("a ragged CSV row names its line and both numbers of cells", "[csv]") {
  TempFolder folder;
  CHECK_THROWS_WITH(data::read_csv(folder.file("a.csv", "a,b,c\n1,2,3\n4,5\n")),
                    Contains("a.csv") && Contains("line 3") && Contains("expected 3") && Contains("found 2") &&
                        Contains("\"4\""));
  CHECK_THROWS_WITH(data::read_csv(folder.file("b.csv", "a,b\n1,2,\n")), Contains("line 2") && Contains("found 3"));
  CHECK_THROWS_AS(data::read_csv(folder.file("c.csv", "a,b\n1,2,\n")), IoError);
}

TEST_CASE("unknown and ambiguous CSV columns are errors that list what there is", "[csv]") {
  TempFolder folder;
  const data::Table table = data::read_csv(folder.file("a", "age,size,size\n1,2,3\n"));
  CHECK_THROWS_WITH(table.numeric({"agee"}), Contains("\"agee\"") && Contains("\"age\", \"size\""));
  CHECK_THROWS_WITH(table.numeric({"size"}), Contains("more than one"));
  CHECK_THROWS_WITH(table.numeric({3}), Contains("-3 to 2") && Contains("got 3"));
  CHECK(values<int>(table.numeric({-2, 2})) == std::vector<int>{2, 3});
  CHECK_THROWS_AS(data::read_csv(folder.file("b", "a\n1\n"), {.columns = {"b"}}), ValueError);
}

TEST_CASE("CSV files without rows, with blank lines, or of one column", "[csv]") {
  TempFolder folder;
  CHECK_THROWS_WITH(data::read_csv(folder.file("a", "")), Contains("empty file"));
  CHECK_THROWS_WITH(data::read_csv(folder.file("a", "\xEF\xBB\xBF\n\n"), {.header = false}), Contains("empty file"));
  CHECK(data::read_csv(folder.file("b", "a,b\n")).numeric().shape() == Shape{0, 2});
  CHECK(data::read_csv(folder.file("c", "\n\na,b\n\n1,2\n\n\n")).rows() == 1);
  CHECK_THROWS_WITH(data::read_csv(folder.file("d", "a\n1\n\n2\n")).numeric(), Contains("line 3"));
  CHECK(values<int>(data::read_csv(folder.file("e", "a\n1\n\n2\n"), {.missing = 5}).numeric()) ==
        std::vector<int>{1, 5, 2});
}

TEST_CASE("broken CSV text is an error that names the line", "[csv]") {
  TempFolder folder;
  CHECK_THROWS_WITH(data::read_csv(folder.file("a", "a,b\n1,\"2\n3,4\n")), Contains("line 2") && Contains("closed"));
  CHECK_THROWS_WITH(data::read_csv(folder.file("b", "a,b\n1,2\n\"3\n\"x,4\n")),
                    Contains("line 4") && Contains("\"x\""));
  CHECK_THROWS_WITH(data::read_csv(folder.file("c", bytes({0xff, 0xfe, 'a', 0}))), Contains("UTF-16"));
  CHECK_THROWS_WITH(data::read_csv(folder / "absent.csv"), Contains("absent.csv"));
}

TEST_CASE("a CSV file may be compressed", "[csv]") {
  TempFolder folder;
  std::string text = "a,b\n";
  for (int i = 0; i < 20000; ++i) text += std::to_string(i) + "," + std::to_string(i * 0.5) + "\n";
  const Tensor plain = data::read_csv(folder.file("a", text)).numeric();
  CHECK(values<double>(plain) == values<double>(data::read_csv(folder.file("a.gz", gzipped(text))).numeric()));
  CHECK(plain.shape() == Shape{20000, 2});
}

TEST_CASE("CSV text cut off or with flipped bytes loads or throws an xgrad error", "[csv][fuzz]") {
  TempFolder folder;
  const std::string whole = "\xEF\xBB\xBF\"a, \"\"b\",c\r\n1,2.5\r\n\"3\",-4e1\r\n\n5,NA\r6,7";
  std::mt19937_64 random(2);
  int loaded = 0, refused = 0;
  const auto attempt = [&](const std::string& text) {
    try {
      const data::Table table = data::read_csv(folder.file("x", text), {.missing = 0.0});
      const Tensor numbers = table.numeric();
      ++loaded;
      CHECK(numbers.shape() == Shape{table.rows(), static_cast<std::int64_t>(table.columns().size())});
    } catch (const Error&) {
      ++refused;
    }
  };
  for (std::size_t length = 0; length <= whole.size(); ++length) attempt(whole.substr(0, length));
  for (int round = 0; round < 3000; ++round) {
    std::string broken = whole;
    const char likely[] = {'"', ',', '\n', '\r', '\0', '1', '-', '\xff'};
    for (int flips = 1 + static_cast<int>(random() % 4); flips > 0; --flips)
      broken[random() % broken.size()] = likely[random() % sizeof likely];
    attempt(broken);
  }
  CHECK(loaded > 100);
  CHECK(refused > 100);
}
