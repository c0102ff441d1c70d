/// docs/ops.md is written from the headers and the table of operations: this test compares it with what it should be.
/// With XGRAD_WRITE_DOCS=1 in the environment it writes the page instead.

#include <xgrad/ops/table.hpp>

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <source_location>
#include <sstream>

using namespace xgrad;

namespace {

/// Functions that share one comment.
struct Entry {
  std::string name;   ///< of the first
  std::string calls;  ///< "`zeros(shape)`, `ones(shape)`"
  std::string text;
};

std::string trimmed(std::string text) {
  text.erase(0, text.find_first_not_of(' '));
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

/// The first sentence: up to a dot before a capital letter or a quoted name.
std::string first_sentence(const std::string& text) {
  for (std::size_t at = 0; (at = text.find(". ", at)) != std::string::npos; ++at)
    if (std::isupper(static_cast<unsigned char>(text[at + 2])) || text[at + 2] == '`') return text.substr(0, at);
  return text.ends_with('.') ? text.substr(0, text.size() - 1) : text;
}

/// Arguments as a reader thinks of them: without types the library adds by itself.
std::string plain(std::string call) {
  for (const char* noise : {"const ", "&", "Arg ", "std::", ", Location where = Location::current()"})
    call = replaced(call, noise, "");
  return replaced(replaced(call, "initializer_list", "list"), "span", "list");
}

/// What a header declares, in order. Functions in adjacent lines share the comment above them.
std::vector<Entry> entries_of(const std::filesystem::path& header) {
  std::ifstream file(header);
  REQUIRE(file.good());
  const std::regex declaration("^(?:Tensor|std::vector<Tensor>|bool|[A-Z][A-Za-z]+) "
                               "([a-z_0-9]+)(\\([^;]*\\));\\s*(?:///< (.*))?$");
  const std::regex start("^(?:Tensor|std::vector<Tensor>|bool|[A-Z][A-Za-z]+) [a-z_0-9]+\\(.*");
  const std::regex alias("^inline Tensor ([a-z_0-9]+)(\\(.*\\)) \\{ return ([a-z_0-9]+)\\(.*$");
  std::vector<Entry> found;
  std::string comment, line;
  bool in_comment = false, shares = false;
  while (std::getline(file, line)) {
    if (line.starts_with("///")) {
      comment = (in_comment ? comment : "") + line.substr(3);
      in_comment = true;
      shares = false;
      continue;
    }
    in_comment = false;
    std::string more;
    while (std::regex_match(line, start) && line.find(';') == std::string::npos && std::getline(file, more))
      line += " " + trimmed(more);
    std::smatch match;
    if (std::regex_match(line, match, declaration)) {
      const std::string call = "`" + match[1].str() + plain(match[2]) + "`";
      const bool own = match[3].matched;
      if (!own && shares) {
        if (found.back().calls.find(call) == std::string::npos) found.back().calls += ", " + call;
      } else {
        found.push_back({match[1], call, first_sentence(own ? match[3].str() : trimmed(comment))});
      }
      shares = !own;
    } else if (std::regex_match(line, match, alias)) {
      const std::string call = "`" + match[1].str() + plain(match[2]) + "`";
      found.push_back({match[1], call, "another name for `" + match[3].str() + "`"});
    } else {
      comment.clear();
      shares = false;
    }
  }
  return found;
}

std::string page(const std::filesystem::path& source) {
  std::map<std::string, const Row*> rows;
  for (const Rows& family : all_rows())
    for (const Row& row : family) rows[row.name] = &row;

  std::ostringstream out;
  out << R"(# Operations

Written from the headers and from the table of samples that the tests walk; do not edit it by hand: the test
`examples_ops_page_test` writes it anew with `XGRAD_WRITE_DOCS=1` in the environment. Every function below is compared
with central differences, first and second order, in forward mode too, unless the last column says why it has no
derivative. Shapes broadcast as in NumPy; C++ numbers take the element type of the tensors they meet.
)";
  const std::pair<const char*, const char*> families[] = {{"graph/basic.hpp", "Arithmetic and shapes"},
                                                          {"ops/elementwise.hpp", "Elementwise"},
                                                          {"ops/bitwise.hpp", "Integers and bits"},
                                                          {"ops/special.hpp", "Special functions"},
                                                          {"ops/numbers.hpp", "Parts of numbers"},
                                                          {"ops/activation.hpp", "Activations"},
                                                          {"ops/compare.hpp", "Comparing tensors as wholes"},
                                                          {"ops/reduce.hpp", "Reductions"},
                                                          {"ops/scan.hpp", "Running sums and their kin"},
                                                          {"ops/statistics.hpp", "Statistics, samples along an axis"},
                                                          {"ops/product.hpp", "Products"},
                                                          {"ops/einsum.hpp", "Sums over products"},
                                                          {"ops/attention.hpp", "Attention"},
                                                          {"ops/convolution.hpp", "Convolution and pooling"},
                                                          {"ops/linalg.hpp", "Linear algebra"},
                                                          {"ops/decompositions.hpp", "Factors of matrices"},
                                                          {"ops/creation.hpp", "Making tensors"},
                                                          {"ops/windows.hpp", "Windows"},
                                                          {"ops/shape.hpp", "Moving elements"},
                                                          {"ops/indexing.hpp", "Indexing"},
                                                          {"ops/grids.hpp", "Places of elements"},
                                                          {"ops/scatter.hpp", "Gathering and scattering"},
                                                          {"ops/sorting.hpp", "Sorting and counting"},
                                                          {"ops/sets.hpp", "Sets and orders"},
                                                          {"ops/random.hpp", "Random numbers"}};
  for (const auto& [header, title] : families) {
    out << "\n## " << title << "\n\n`#include <xgrad/" << header << ">`\n\n"
        << "| function | what | no derivative |\n|---|---|---|\n";
    for (const Entry& entry : entries_of(source / header)) {
      const auto row = rows.find(entry.name);
      const char* reason = row != rows.end() && row->second->no_derivative ? row->second->no_derivative : "";
      out << "| " << entry.calls << " | " << replaced(entry.text, "|", "\\|") << " | " << reason << " |\n";
    }
  }
  return out.str();
}

}  // namespace

TEST_CASE("the page of operations says what the headers and the table say") {
  const std::filesystem::path here = std::source_location::current().file_name();
  const std::filesystem::path source = here.parent_path().parent_path();
  const std::filesystem::path file = source / "docs" / "ops.md";
  const std::string expected = page(source);
  if (const char* write = std::getenv("XGRAD_WRITE_DOCS"); write && std::string_view(write) == "1") {
    std::ofstream(file) << expected;
    return;
  }
  std::ifstream in(file);
  const std::string found((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  INFO("run this test with XGRAD_WRITE_DOCS=1 to write docs/ops.md anew");
  CHECK(found == expected);
}

TEST_CASE("the page of operations has every header of ops/") {
  const std::filesystem::path here = std::source_location::current().file_name();
  const std::filesystem::path source = here.parent_path().parent_path();
  const std::string text = page(source);
  for (const auto& entry : std::filesystem::directory_iterator(source / "ops")) {
    if (entry.path().extension() != ".hpp") continue;
    std::ifstream file(entry.path());
    std::string head(400, ' ');
    file.read(head.data(), 400);
    if (head.find("Internal to") != std::string::npos) continue;
    INFO(entry.path().filename());
    CHECK(text.find("<xgrad/ops/" + entry.path().filename().string() + ">") != std::string::npos);
  }
}

TEST_CASE("the page of operations has a line for every row of the table") {
  const std::filesystem::path here = std::source_location::current().file_name();
  const std::string text = page(here.parent_path().parent_path());
  for (const Rows& family : all_rows())
    for (const Row& row : family) {
      INFO(row.name);
      CHECK(text.find("`" + std::string(row.name) + "(") != std::string::npos);
    }
}
