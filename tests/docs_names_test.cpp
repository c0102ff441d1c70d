/// docs/names.md: which functions of NumPy and keras.ops are here, which have another name, and which are not and why.
/// The test compares the page with the code; with XGRAD_WRITE_DOCS=1 in the environment it writes it instead.

#include "docs_names.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <source_location>
#include <sstream>

namespace {

using Names = std::set<std::string>;

std::filesystem::path source_folder() {
  const std::filesystem::path here = std::source_location::current().file_name();
  return here.parent_path().parent_path();
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// The functions that the headers of these folders declare.
Names functions_here() {
  Names found;
  const std::regex declaration("(?:^|\n)(?:inline |template <[^>]*>\n)?(?:xgrad::)?[A-Za-z_][A-Za-z_0-9:<>, ]*[ >&]"
                               "([a-z_0-9]+)\\(");
  std::vector<std::filesystem::path> headers;
  for (const char* folder : {"ops", "graph", "nn"})
    for (const auto& entry : std::filesystem::directory_iterator(source_folder() / folder))
      if (entry.path().extension() == ".hpp") headers.push_back(entry.path());
  for (const auto& header : headers) {
    const std::string text = text_of(header);
    if (text.substr(0, 400).find("Internal to") != std::string::npos) continue;
    for (std::sregex_iterator it(text.begin(), text.end(), declaration), end; it != end; ++it) found.insert((*it)[1]);
  }
  return found;
}

Names words(const char* text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

std::string listed(const Names& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "`" : ", `") + name + "`";
  return text;
}

/// What is to be said about one library's names.
struct Account {
  Names same, unaccounted;
  std::map<std::string, std::string> other;  ///< their name, ours
  std::map<std::string, Names> missing;      ///< by reason
};

Account account_of(const Names& theirs, const Names& ours) {
  Account account;
  std::map<std::string, std::string> other, reasons;
  for (const OtherName& entry : other_names) other[entry.theirs] = entry.ours;
  for (const Missing& entry : missing_names)
    for (const std::string& name : words(entry.names)) reasons[name] = entry.reason;
  for (const std::string& name : theirs) {
    if (ours.contains(name)) account.same.insert(name);
    else if (other.contains(name)) account.other[name] = other[name];
    else if (reasons.contains(name)) account.missing[reasons[name]].insert(name);
    else account.unaccounted.insert(name);
  }
  return account;
}

std::string page(const nlohmann::json& names, const Names& ours) {
  std::ostringstream out;
  out << R"(# NumPy's and Keras's functions

Written from the headers by the test `docs_names_test` (with `XGRAD_WRITE_DOCS=1` in the environment); do not edit it by
hand. What a function does stands in [ops.md](ops.md) and in its header.

Where a function has NumPy's name it does what NumPy's does, but for these: C++ numbers are float32 beside integers and
new tensors are float32, not float64; uint8 sums are int64, not uint64; `take` and `compress` are along axis 0 unless
told otherwise, not of the flattened array; integers divided by 0 give 0 without a warning; functions whose results have
other shapes for other values compute their arguments at the call.
)";
  for (const char* library : {"numpy", "numpy.linalg", "keras.ops"}) {
    const Names theirs = names[library].get<Names>();
    const Account account = account_of(theirs, ours);
    const std::string version = names["versions"][library[0] == 'n' ? "numpy" : "keras"];
    std::size_t missing = 0;
    for (const auto& [reason, list] : account.missing) missing += list.size();
    out << "\n## " << library << " " << version << "\n\nOf " << theirs.size() << " functions " << account.same.size()
        << " are here under the same name, " << account.other.size() << " under another, " << missing << " are not.\n\n"
        << listed(account.same) << "\n";
    if (!account.other.empty()) out << "\n| " << library << " | here |\n|---|---|\n";
    for (const auto& [theirs_name, ours_name] : account.other)
      out << "| `" << theirs_name << "` | " << ours_name << " |\n";
    if (!account.missing.empty()) out << "\n| not here | why |\n|---|---|\n";
    for (const auto& [reason, list] : account.missing) out << "| " << listed(list) << " | " << reason << " |\n";
  }
  return out.str();
}

nlohmann::json reference_names() {
  return nlohmann::json::parse(text_of(source_folder() / "tests" / "reference" / "names.json"));
}

}  // namespace

TEST_CASE("every function of NumPy and keras.ops is here or named as missing, with a reason") {
  const nlohmann::json names = reference_names();
  const Names ours = functions_here();
  Names known;
  for (const char* library : {"numpy", "numpy.linalg", "keras.ops"}) {
    const Names theirs = names[library].get<Names>();
    known.insert(theirs.begin(), theirs.end());
    INFO(library);
    CHECK(listed(account_of(theirs, ours).unaccounted) == "");
  }
  Names stale;
  for (const Missing& entry : missing_names)
    for (const std::string& name : words(entry.names))
      if (ours.contains(name) || !known.contains(name)) stale.insert(name);
  for (const OtherName& entry : other_names)
    if (ours.contains(entry.theirs) || !known.contains(entry.theirs)) stale.insert(entry.theirs);
  INFO("named as missing or renamed, but here under that name, or not theirs");
  CHECK(listed(stale) == "");
}

TEST_CASE("the page of names says what the headers say") {
  const std::string expected = page(reference_names(), functions_here());
  const std::filesystem::path file = source_folder() / "docs" / "names.md";
  if (const char* write = std::getenv("XGRAD_WRITE_DOCS"); write && std::string_view(write) == "1") {
    std::ofstream(file) << expected;
    return;
  }
  INFO("run this test with XGRAD_WRITE_DOCS=1 to write docs/names.md anew");
  CHECK(text_of(file) == expected);
}
