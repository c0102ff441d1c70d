#include "../bench/accuracy_functions.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <sstream>

namespace {

// The worst arguments that a search found, and the values there in two parts, from mpmath (make_accuracy.py).
struct Row {
  std::string name, dtype;
  double bound = 0;
  std::vector<double> a, b, high, low;
};

std::vector<Row> read_rows() {
  std::ifstream in(XGRAD_TEST_FILES "/../reference/accuracy_points.txt");
  REQUIRE(in);
  std::vector<Row> rows;
  std::size_t count = 0;
  for (Row row; in >> row.name >> row.dtype >> row.bound >> count; row = {}) {
    std::replace(row.name.begin(), row.name.end(), '_', ' ');
    for (std::size_t i = 0; i < count; ++i) {
      std::string words[4];
      for (std::string& word : words) REQUIRE(in >> word);
      row.a.push_back(std::strtod(words[0].c_str(), nullptr));
      row.b.push_back(std::strtod(words[1].c_str(), nullptr));
      row.high.push_back(std::strtod(words[2].c_str(), nullptr));
      row.low.push_back(std::strtod(words[3].c_str(), nullptr));
    }
    rows.push_back(row);
  }
  return rows;
}

template <class T>
double worst(const Row& row) {
  const std::vector<T> a(row.a.begin(), row.a.end()), b(row.b.begin(), row.b.end());
  const std::vector<T> got = accuracy::evaluate(row.name, a, b);
  double most = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double size = std::fabs(row.high[i]);
    double unit = std::ldexp(1.0, std::ilogb(size) - std::numeric_limits<T>::digits + 1);
    // Near its zeros digamma is good to 1e-16 absolutely.
    if (row.name.starts_with("digamma") && sizeof(T) == 8 && size < .25) unit = std::max(unit, 2.5e-17);
    const double off = std::fabs((static_cast<double>(got[i]) - row.high[i]) - row.low[i]) / unit;
    most = std::isfinite(off) ? std::max(most, off) : std::numeric_limits<double>::infinity();
  }
  return most;
}

}  // namespace

TEST_CASE("elementwise functions keep the bounds of docs/accuracy.md where they are least accurate") {
  const std::vector<Row> rows = read_rows();
  REQUIRE(rows.size() >= 2 * (accuracy::ones_of.size() + accuracy::twos_of.size()));
  for (const Row& row : rows) {
    INFO(row.name << " " << row.dtype);
    REQUIRE(!row.a.empty());
    CHECK((row.dtype == "float32" ? worst<float>(row) : worst<double>(row)) <= row.bound);
  }
}
