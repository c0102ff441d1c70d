/// docs/catalogue.md: which of Keras's activations, losses, metrics, optimizers, schedules, initializers, regularizers
/// and constraints are here, by what headers declare and what texts stand for, and which are not and why. The test
/// compares the page with the code; with XGRAD_WRITE_DOCS=1 in the environment it writes it instead.

#include <xgrad/nn/activations.hpp>
#include <xgrad/nn/initializers.hpp>
#include <xgrad/nn/losses.hpp>
#include <xgrad/nn/metrics.hpp>
#include <xgrad/nn/regularizers.hpp>
#include <xgrad/optim/constraints.hpp>
#include <xgrad/optim/optimizers.hpp>

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

using namespace xgrad;
using Names = std::set<std::string>;

std::filesystem::path source_folder() {
  const std::filesystem::path here = std::source_location::current().file_name();
  return here.parent_path().parent_path();
}

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  INFO(path);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// Structs, classes, aliases and functions that these headers declare.
Names declared(const std::vector<const char*>& headers) {
  const std::regex types("(?:^|\n)(?:struct|class|using) ([A-Za-z0-9_]+)");
  const std::regex functions("(?:^|\n)(?:inline |constexpr )*[A-Za-z_][A-Za-z_0-9:<>]*[ >&]+([a-z_0-9]+)\\(");
  Names found;
  for (const char* header : headers) {
    const std::string text = text_of(source_folder() / header);
    for (const std::regex* what : {&types, &functions})
      for (std::sregex_iterator it(text.begin(), text.end(), *what), end; it != end; ++it) found.insert((*it)[1]);
  }
  return found;
}

template <class T>
bool stands_for_one(const std::string& name) {
  try {
    T made(name);
    return true;
  } catch (const ValueError&) {
    return false;
  }
}

/// One module of Keras: where its names are declared here, and whether a text stands for one of its things.
struct Module {
  const char* keras;
  std::vector<const char*> headers;
  bool (*by_text)(const std::string&);
};

const std::vector<Module> modules = {
    {"keras.activations",
     {"ops/activation.hpp", "ops/elementwise.hpp"},
     [](const std::string& name) { return stands_for_one<ActivationFunction>(name); }},
    {"keras.losses", {"nn/losses.hpp"}, [](const std::string& name) { return stands_for_one<losses::Loss>(name); }},
    {"keras.metrics",
     {"nn/metrics.hpp", "nn/metrics_confusion.hpp", "nn/losses.hpp"},
     [](const std::string& name) { return stands_for_one<metrics::Metric>(name); }},
    {"keras.optimizers",
     {"optim/optimizers.hpp", "optim/optimizer.hpp"},
     [](const std::string& name) { return stands_for_one<optimizers::Optimizer>(name); }},
    {"keras.optimizers.schedules", {"optim/schedules.hpp"}, [](const std::string&) { return false; }},
    {"keras.initializers",
     {"nn/initializers.hpp"},
     [](const std::string& name) { return stands_for_one<initializers::Initializer>(name); }},
    {"keras.regularizers",
     {"nn/regularizers.hpp"},
     [](const std::string& name) { return stands_for_one<regularizers::Regularizer>(name); }},
    {"keras.constraints",
     {"optim/constraints.hpp"},
     [](const std::string& name) { return stands_for_one<constraints::Constraint>(name); }},
};

struct Other {
  const char* theirs;
  const char* ours;
};

// Names that are something else here. A reason for what is not here begins with "not: ".
const std::vector<Other> others = {
    {"deserialize", "`from_config` of a layer; the rest is made from texts and options"},
    {"serialize", "`get_config` of a layer"},
    {"get", "every place that takes one is made from a text: `Loss(\"mse\")`"},
    {"LearningRateSchedule", "`LearningRate`: any function of the step"},
};

struct Found {
  Names declared, by_text, missing;
  std::map<std::string, std::string> other;
};

Found look(const Module& module, const Names& theirs) {
  Found found;
  const Names ours = declared(module.headers);
  for (const std::string& name : theirs) {
    if (ours.contains(name)) {
      found.declared.insert(name);
      continue;
    }
    if (module.by_text(name)) {
      found.by_text.insert(name);
      continue;
    }
    bool known = false;
    for (const Other& other : others)
      if (name == other.theirs) {
        found.other[name] = other.ours;
        known = true;
      }
    if (!known) found.missing.insert(name);
  }
  return found;
}

std::string listed(const Names& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "`" : ", `") + name + "`";
  return text;
}

nlohmann::json reference_names() {
  return nlohmann::json::parse(text_of(source_folder() / "tests" / "reference" / "names.json"));
}

std::string page() {
  const nlohmann::json names = reference_names();
  std::ostringstream out;
  out << R"(# Keras's catalogue

Written from the headers by the test `docs_catalogue_test` (with `XGRAD_WRITE_DOCS=1` in the environment); do not edit
it by hand. How to write what you know from Keras, and what differs, stands in [keras.md](keras.md).
)";
  for (const Module& module : modules) {
    const Names theirs = names[module.keras].get<Names>();
    const Found found = look(module, theirs);
    out << "\n## " << module.keras << " " << std::string(names["versions"]["keras"]) << "\n\nOf " << theirs.size()
        << " names " << found.declared.size() << " are declared here, " << found.by_text.size()
        << " more stand for something as text, " << found.other.size() << " are something else, "
        << found.missing.size() << " are missing.\n";
    if (!found.declared.empty()) out << "\nDeclared: " << listed(found.declared) << "\n";
    if (!found.by_text.empty()) out << "\nAs text: " << listed(found.by_text) << "\n";
    if (!found.other.empty()) out << "\n| " << module.keras << " | here |\n|---|---|\n";
    for (const auto& [theirs_name, ours_name] : found.other)
      out << "| `" << theirs_name << "` | " << ours_name << " |\n";
  }
  return out.str();
}

}  // namespace

TEST_CASE("every name of Keras's catalogue is here, or the page says why not") {
  const nlohmann::json names = reference_names();
  Names all;
  for (const Module& module : modules) {
    INFO(module.keras);
    const Names theirs = names[module.keras].get<Names>();
    CHECK(theirs.size() > 5);
    all.insert(theirs.begin(), theirs.end());
    CHECK(listed(look(module, theirs).missing) == "");
  }
  for (const Other& other : others) {
    INFO(other.theirs);
    CHECK(all.contains(other.theirs));
  }
}

TEST_CASE("every class of Keras that needs no argument can be asked for by its name, as text") {
  const nlohmann::json names = reference_names();
  // Bases of the others, and those that need an argument.
  const Names not_by_text = {"Loss",
                             "Metric",
                             "Optimizer",
                             "Initializer",
                             "Regularizer",
                             "Constraint",
                             "CategoricalGeneralizedCrossEntropy",
                             "Mean",
                             "Sum",
                             "MeanMetricWrapper",
                             "IoU",
                             "MeanIoU",
                             "OneHotIoU",
                             "OneHotMeanIoU",
                             "PrecisionAtRecall",
                             "RecallAtPrecision",
                             "SensitivityAtSpecificity",
                             "SpecificityAtSensitivity",
                             "LossScaleOptimizer",
                             "MultiOptimizer",
                             "OptimizerMap",
                             "LearningRateSchedule"};
  for (const Module& module : modules) {
    if (module.keras == std::string_view("keras.optimizers.schedules")) continue;
    for (const std::string& name : names[module.keras].get<Names>()) {
      if (name[0] < 'A' || name[0] > 'Z' || not_by_text.contains(name)) continue;
      INFO(module.keras << "." << name);
      CHECK(module.by_text(name));
    }
  }
}

TEST_CASE("the page of Keras's catalogue says what the code says") {
  const std::string expected = page();
  const std::filesystem::path file = source_folder() / "docs" / "catalogue.md";
  if (const char* write = std::getenv("XGRAD_WRITE_DOCS"); write && std::string_view(write) == "1") {
    std::ofstream(file) << expected;
    return;
  }
  INFO("run this test with XGRAD_WRITE_DOCS=1 to write docs/catalogue.md anew");
  CHECK(text_of(file) == expected);
}
