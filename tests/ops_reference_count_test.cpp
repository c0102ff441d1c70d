// Every function of the table has at least 6 reference cases, values computed by someone else, and where it has a
// derivative at least 6 with gradients. With -s the test prints how many there are.

#include <xgrad/ops/table.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>

using namespace xgrad;

namespace {

struct Cases {
  int values = 0, gradients = 0;
};

/// Calls in the files that are named otherwise than the function they call.
const std::map<std::string, std::string> other_names = {
    {"logabsdet", "slogdet"},
    {"triangular_lower", "solve_triangular"},
    {"triangular_upper", "solve_triangular"},
    {"rank", "matrix_rank"},
    {"by_alpha", "gamma"},
    {"by_alpha_twice", "gamma"},
    {"by_alpha_and_l", "gamma"},
    {"complete_r", "qr"},
    {"complete_projector", "qr"},
    {"top_2", "top_k"},
    {"top_3_0", "top_k"},
    {"top_3_1", "top_k"},
    {"top_3_indices_0", "top_k"},
    {"top_3_indices_1", "top_k"},
};

/// Inline functions that are another one by another name.
const std::map<std::string, std::string> same_as = {
    {"acos", "arccos"},     {"acosh", "arccosh"},  {"asin", "arcsin"},   {"asinh", "arcsinh"},
    {"atan", "arctan"},     {"atan2", "arctan2"},  {"atanh", "arctanh"}, {"degrees", "rad2deg"},
    {"radians", "deg2rad"}, {"gammaln", "lgamma"}, {"mod", "remainder"},
};

/// Draws, which statistical tests look after, and functions whose values are their arguments or shapes.
const std::set<std::string> without_cases = {
    "bernoulli", "bernoulli_like",   "beta",        "binomial",     "categorical",  "cauchy",
    "choice",    "dirichlet",        "exponential", "gamma",        "gumbel",       "laplace",
    "logistic",  "normal",           "normal_like", "permutation",  "poisson",      "randint",
    "shuffle",   "truncated_normal", "uniform",     "uniform_like", "check_labels", "count",
};

/// The row a call belongs to: its name, or that and more after an underscore or a space.
std::string row_of(const std::string& call, const std::map<std::string, const Row*>& rows) {
  if (const auto other = other_names.find(call); other != other_names.end()) return other->second;
  std::string best;
  for (const auto& [name, row] : rows) {
    const bool fits = call == name || (call.starts_with(name) &&
                                       (call[name.size()] == '_' || call[name.size()] == ' ' || name.back() == '_'));
    if (fits && name.size() > best.size()) best = name;
  }
  return best;
}

}  // namespace

TEST_CASE("every function has at least 6 reference cases, with gradients where it has a derivative") {
  std::map<std::string, const Row*> rows;
  for (const Rows& family : all_rows())
    for (const Row& row : family) rows[row.name] = &row;
  std::map<std::string, Cases> found;
  int total = 0, with_gradients = 0;
  const std::filesystem::path folder = std::filesystem::path(XGRAD_TEST_FILES).parent_path() / "reference";
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.ends_with("_values.json")) continue;
    std::ifstream file(entry.path());
    const nlohmann::json all = nlohmann::json::parse(file);
    if (!all.is_object() || !all.contains("cases")) continue;  // a file of another form
    for (const auto& one : all.at("cases")) {
      const std::string call = one.at("call"), row = row_of(call, rows);
      INFO(name << ": " << call);
      CHECK(rows.count(row) == 1);
      const bool gradients = one.contains("grads") && !one.at("grads").is_null();
      found[row].values += 1;
      found[row].gradients += gradients;
      total += 1;
      with_gradients += gradients;
    }
  }
  for (const auto& [name, row] : rows) {
    if (without_cases.count(name)) continue;
    const auto same = same_as.find(name);
    const Cases cases = found[same == same_as.end() ? name : same->second];
    INFO(name << ": " << cases.values << " cases, " << cases.gradients << " with gradients");
    CHECK(cases.values >= 6);
    if (!row->no_derivative) CHECK(cases.gradients >= 6);
  }
  // Shown with -s.
  INFO(rows.size() << " functions, " << total << " cases, " << with_gradients << " with gradients");
  CHECK(total >= 3000);
}
