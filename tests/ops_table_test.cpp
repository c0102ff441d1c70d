#include <xgrad/graph/grad.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/table.hpp>

#include "table_walk.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <regex>
#include <set>

using namespace xgrad;
using namespace table;

namespace {

class Case {
 public:
  Case(const Row& row, const Sample& sample) : row_(row) {
    for (std::size_t k = 0; k < sample.inputs.size(); ++k)
      leaves_.push_back(leaf_of(sample.inputs[k], static_cast<int>(k)));
  }

  void run() {
    const std::vector<Tensor> leaves = make();
    const Tensor out = apply(leaves);
    const Values values = out.to_vector<double>();
    for (const double v : values) CHECK(std::isfinite(v));
    const Values again = apply(make()).to_vector<double>();
    CHECK(values.size() == again.size());
    CHECK((values.empty() || std::memcmp(values.data(), again.data(), values.size() * sizeof(double)) == 0));
    if (row_.no_derivative) return;

    REQUIRE(out.dtype() == float64);
    weights_ = tensor(mixed(out.size(), 100), out.shape());
    for (std::size_t k = 0; k < leaves_.size(); ++k)
      if (leaves_[k].moves()) moving_.push_back(k);
    for (const std::size_t k : moving_) tangents_.push_back(mixed(leaves_[k].shape.size(), static_cast<int>(k)));

    check_first(leaves);
    check_second(leaves);
    check_forward(leaves, out);
  }

 private:
  std::vector<Tensor> make() const {
    std::vector<Tensor> result;
    for (const Leaf& leaf : leaves_) result.push_back(leaf.make(leaf.values));
    return result;
  }
  Tensor apply(const std::vector<Tensor>& leaves) const {
    std::vector<Tensor> arguments;
    for (std::size_t k = 0; k < leaves.size(); ++k) arguments.push_back(leaves_[k].argument(leaves[k]));
    return row_.call(arguments);
  }
  std::vector<Tensor> movers(const std::vector<Tensor>& leaves) const {
    std::vector<Tensor> result;
    for (const std::size_t k : moving_) result.push_back(leaves[k]);
    return result;
  }
  Tensor loss(const std::vector<Tensor>& leaves) const { return sum(apply(leaves) * weights_); }
  std::vector<Tensor> slopes(const std::vector<Tensor>& leaves) const {
    return grad(loss(leaves), std::span<const Tensor>(movers(leaves)));
  }
  /// The gradient's product with the tangents: a number to differentiate once more.
  Tensor slope(const std::vector<Tensor>& leaves) const {
    Tensor total = zeros({}, {.dtype = float64});
    const std::vector<Tensor> g = slopes(leaves);
    for (std::size_t j = 0; j < g.size(); ++j) total = total + sum(g[j] * tensor(tangents_[j], g[j].shape()));
    return total;
  }

  /// Central differences of a number by every entry of a leaf.
  template <class F>
  Values differences(std::size_t k, F&& f) const {
    Values result;
    const double step = 2e-5;
    for (std::size_t i = 0; i < leaves_[k].values.size(); ++i) {
      double ends[2];
      for (const int side : {0, 1}) {
        std::vector<Tensor> leaves = make();
        Values moved = leaves_[k].values;
        moved[i] += side ? step : -step;
        leaves[k] = leaves_[k].make(moved);
        ends[side] = f(leaves).item();
      }
      result.push_back((ends[1] - ends[0]) / (2 * step));
    }
    return result;
  }

  void check_first(const std::vector<Tensor>& leaves) const {
    const std::vector<Tensor> g = slopes(leaves);
    for (std::size_t j = 0; j < moving_.size(); ++j) {
      CHECK(g[j].shape() == leaves[moving_[j]].shape());
      check_close("first derivative", g[j].to_vector<double>(),
                  differences(moving_[j], [&](const auto& x) { return loss(x); }), 1e-6);
    }
  }

  void check_second(const std::vector<Tensor>& leaves) const {
    const std::vector<Tensor> g = grad(slope(leaves), std::span<const Tensor>(movers(leaves)));
    for (std::size_t j = 0; j < moving_.size(); ++j)
      check_close("second derivative", g[j].to_vector<double>(),
                  differences(moving_[j], [&](const auto& x) { return slope(x); }), 1e-5);
  }

  void check_forward(const std::vector<Tensor>& leaves, const Tensor& out) const {
    std::vector<Tensor> tangents;
    for (std::size_t j = 0; j < moving_.size(); ++j)
      tangents.push_back(tensor(tangents_[j], leaves[moving_[j]].shape()));
    const Tensor forward = jvp(out, movers(leaves), tangents);
    CHECK(forward.shape() == out.shape());
    Values ends[2];
    const double step = 2e-5;
    for (const int side : {0, 1}) {
      std::vector<Tensor> moved = make();
      for (std::size_t j = 0; j < moving_.size(); ++j) {
        Values values = leaves_[moving_[j]].values;
        for (std::size_t i = 0; i < values.size(); ++i) values[i] += (side ? step : -step) * tangents_[j][i];
        moved[moving_[j]] = leaves_[moving_[j]].make(values);
      }
      ends[side] = apply(moved).to_vector<double>();
    }
    Values expected(ends[0].size());
    for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = (ends[1][i] - ends[0][i]) / (2 * step);
    check_close("forward derivative", forward.to_vector<double>(), expected, 1e-6);
    // Both modes are linear maps of one derivative, so weights times forward is tangents times reverse.
    const double reverse = slope(leaves).item(), both = sum(forward * weights_).item();
    CHECK(std::fabs(reverse - both) <= 1e-10 * std::max(1.0, std::fabs(both)));
  }

  const Row& row_;
  std::vector<Leaf> leaves_;
  std::vector<std::size_t> moving_;
  std::vector<Values> tangents_;
  Tensor weights_;
};

bool same_bits(double a, double b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return std::memcmp(&a, &b, sizeof a) == 0;
}

/// The functions a public header declares: names after "Tensor" or a struct of tensors at the start of a line.
std::set<std::string> declared(const std::filesystem::path& header) {
  std::ifstream file(header);
  REQUIRE(file.good());
  const std::regex declaration("^(?:inline )?(?:[A-Z][A-Za-z]+|std::vector<Tensor>) ([a-z_0-9]+)\\(");
  std::set<std::string> names;
  std::smatch match;
  for (std::string line; std::getline(file, line);) {
    if (line.find("Internal to ") != line.npos) return {};
    if (std::regex_search(line, match, declaration)) names.insert(match[1]);
  }
  return names;
}

}  // namespace

TEST_CASE("every sample has finite values, and its derivatives agree with central differences") {
  for_each_row([](const Row& row) {
    REQUIRE(!row.samples.empty());
    for (std::size_t i = 0; i < row.samples.size(); ++i) {
      INFO("sample " << i);
      Case(row, row.samples[i]).run();
    }
  });
}

TEST_CASE("special values come out bit for bit") {
  for_each_row([](const Row& row) {
    for (std::size_t k = 0; k < row.special.size(); ++k) {
      INFO("special value " << k);
      const Values found = row.special[k].call().to_vector<double>();
      const Values& expected = row.special[k].expected;
      REQUIRE(found.size() == expected.size());
      for (std::size_t i = 0; i < found.size(); ++i) {
        INFO("entry " << i << ": " << found[i] << ", expected " << expected[i]);
        CHECK(same_bits(found[i], expected[i]));
      }
    }
  });
}

TEST_CASE("every mistake is an error that names the operation and the line") {
  for_each_row([](const Row& row) {
    for (const ErrorSample& sample : row.errors) {
      INFO("expected words: " << sample.words);
      std::string message;
      try {
        sample.call();
      } catch (const Error& error) {
        message = error.what();
      }
      INFO("message: " << message);
      CHECK(message.find(sample.words) != std::string::npos);
      CHECK(message.find(".cpp:") != std::string::npos);
    }
  });
}

TEST_CASE("each row has a sample of every kind or says why not") {
  for_each_row([](const Row& row) {
    bool plain = false, broadcast = false, scalar = false, empty = false, strided = false;
    for (const Sample& sample : row.samples)
      for (const SampleInput& input : sample.inputs) {
        plain |= !input.broadcast && !input.strided && input.shape.rank() > 0 && input.shape.size() > 0;
        broadcast |= input.broadcast || !(input.shape == sample.inputs[0].shape);
        scalar |= input.shape.rank() == 0;
        empty |= input.shape.size() == 0;
        strided |= input.strided;
      }
    const bool all = plain && broadcast && scalar && empty && strided;
    INFO("plain " << plain << " broadcast " << broadcast << " 0-d " << scalar << " empty " << empty << " strided "
                  << strided);
    CHECK((all || row.fewer_samples));
    CHECK(!(all && row.fewer_samples));
  });
}

TEST_CASE("every public function has a row, and every row a public function") {
  const std::filesystem::path source = std::filesystem::path(XGRAD_TEST_FILES).parent_path().parent_path();
  std::set<std::string> functions = declared(source / "graph" / "basic.hpp");
  for (const auto& entry : std::filesystem::directory_iterator(source / "ops"))
    if (entry.path().extension() == ".hpp") functions.merge(declared(entry.path()));
  CHECK(functions.size() >= 75);
  std::set<std::string> rows;
  for_each_row([&](const Row& row) {
    CHECK(rows.insert(row.name).second);
    CHECK(functions.count(row.name) == 1);
  });
  for (const std::string& function : functions) {
    INFO("function " << function);
    CHECK(rows.count(function) == 1);
  }
}
