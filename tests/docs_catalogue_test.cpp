/// docs/catalogue.md: which of Keras's layers, callbacks, utilities, activations, losses, metrics, optimizers,
/// schedules, initializers, regularizers and constraints are here, by what headers declare and what texts stand for,
/// and which are not and why. The test compares the page with the code; with XGRAD_WRITE_DOCS=1 in the environment it
/// writes it instead.

#include <xgrad/nn/activations.hpp>
#include <xgrad/nn/initializers.hpp>
#include <xgrad/nn/losses.hpp>
#include <xgrad/nn/metrics.hpp>
#include <xgrad/nn/regularizers.hpp>
#include <xgrad/optim/constraints.hpp>
#include <xgrad/optim/optimizers.hpp>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
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

/// The public headers of a folder.
std::vector<std::string> headers_of(const char* folder) {
  std::vector<std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator(source_folder() / folder))
    if (entry.path().extension() == ".hpp") out.push_back(folder + ("/" + entry.path().filename().string()));
  return out;
}

/// Structs, classes, aliases and functions that these headers (or those of a folder) declare.
Names declared(const std::vector<const char*>& places) {
  std::vector<std::string> headers;
  for (const char* place : places) {
    if (std::string_view(place).ends_with(".hpp"))
      headers.emplace_back(place);
    else
      for (std::string& header : headers_of(place)) headers.push_back(std::move(header));
  }
  const std::regex types("(?:^|\n)(?:struct|class|using) ([A-Za-z0-9_]+)");
  const std::regex functions("(?:^|\n)(?:inline |constexpr )*[A-Za-z_][A-Za-z_0-9:<>]*[ >&]+([a-z_0-9]+)\\(");
  Names found;
  for (const std::string& header : headers) {
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
    {"keras.layers", {"nn"}, [](const std::string&) { return false; }},
    {"keras.callbacks", {"nn"}, [](const std::string&) { return false; }},
    {"keras.utils", {"nn", "data", "graph/generator.hpp"}, [](const std::string&) { return false; }},
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

// Names that are something else here, or missing: then the reason begins with "not here: ". What headers declare comes
// first, so a name that arrives needs no change of this list.
const std::vector<Other> others = {
    {"deserialize", "`from_config` of a layer; the rest is made from texts and options"},
    {"serialize", "`get_config` of a layer"},
    {"get", "every place that takes one is made from a text: `Loss(\"mse\")`"},
    {"LearningRateSchedule", "`LearningRate`: any function of the step"},
    {"InputLayer", "`Input`, as layer and as symbolic tensor"},
    {"InputSpec", "layers check their inputs themselves and say what they expected"},
    {"Wrapper", "any struct that holds a `Layer` and names it in `each`"},
    {"Pipeline", "`Sequential`"},
    {"add", "`a + b`, or `Add()({a, b})`"},
    {"subtract", "`a - b`"},
    {"multiply", "`a * b`"},
    {"average", "`Average()({a, b})`"},
    {"maximum", "`maximum(a, b)` of tensors"},
    {"minimum", "`minimum(a, b)` of tensors"},
    {"concatenate", "`concatenate({a, b})` of tensors"},
    {"dot", "`Dot(axes)({a, b})`; `dot(a, b)` of tensors is NumPy's"},
    {"AugMix", "not here: chains of augmentations, mixed; the augmentations themselves are here"},
    {"RandAugment", "not here: a random chain of augmentations; the augmentations themselves are here"},
    {"ContrastLimitedAdaptiveHistogramEqualization", "not here: `Equalization` is, of whole images"},
    {"CutMix", "not here: it changes images and labels together, which is the data's part"},
    {"MixUp", "not here: it changes images and labels together, which is the data's part"},
    {"RandomElasticTransform", "not here: `RandomShear`, `RandomRotation` and `RandomZoom` are"},
    {"RandomPerspective", "not here: `RandomShear`, `RandomRotation` and `RandomZoom` are"},
    {"MaxNumBoundingBoxes", "not here: there are no layers for bounding boxes"},
    {"MelSpectrogram", "not here: there is no Fourier transform"},
    {"STFTSpectrogram", "not here: there is no Fourier transform"},
    {"ReversibleEmbedding", "not here: `matmul(x, transpose(embedding.embeddings()))` reads the weight back"},
    {"ConvLSTM1D", "not here: recurrence over images; `RNN` runs any cell"},
    {"ConvLSTM2D", "not here: recurrence over images; `RNN` runs any cell"},
    {"ConvLSTM3D", "not here: recurrence over images; `RNN` runs any cell"},
    {"FlaxLayer", "not here: layers of another framework"},
    {"JaxLayer", "not here: layers of another framework"},
    {"TFSMLayer", "not here: layers of another framework"},
    {"TorchModuleWrapper", "not here: layers of another framework"},
    {"CallbackList", "`FitOptions::callbacks`, a list"},
    {"ProgbarLogger", "part of `fit`: `verbose`"},
    {"OrbaxCheckpoint", "not here: another framework's files; `ModelCheckpoint` and `BackupAndRestore` are"},
    {"RemoteMonitor", "not here: it needs a network client"},
    {"CustomObjectScope", "`CustomObjects`, given where they are needed"},
    {"custom_object_scope", "`CustomObjects`, given where they are needed"},
    {"get_custom_objects", "`CustomObjects`, given where they are needed"},
    {"register_keras_serializable", "`CustomObjects`, given where they are needed"},
    {"get_registered_name", "`CustomObjects`, given where they are needed"},
    {"get_registered_object", "`CustomObjects`, given where they are needed"},
    {"serialize_keras_object", "`layer_config`"},
    {"deserialize_keras_object", "`layer_from_config`"},
    {"FeatureSpace", "not here: `data::read_csv` reads columns, the layers that prepare them are here"},
    {"Progbar", "part of `fit`: `verbose`"},
    {"PyDataset", "`BatchSource`"},
    {"Sequence", "`BatchSource`"},
    {"array_to_img", "`save_img` writes arrays, nothing else is made of them"},
    {"audio_dataset_from_directory", "not here: no Debian package that reads sound is used"},
    {"clear_session", "there is no session: nothing is global"},
    {"disable_interactive_logging", "`verbose` and `out` of `FitOptions`"},
    {"enable_interactive_logging", "`verbose` and `out` of `FitOptions`"},
    {"is_interactive_logging_enabled", "`verbose` and `out` of `FitOptions`"},
    {"get_file", "not here: nothing is downloaded"},
    {"get_source_inputs", "`placeholders_of`"},
    {"is_keras_tensor", "`is_symbolic`"},
    {"model_to_dot", "`to_dot` of an output"},
    {"plot_model", "`draw`, `to_svg`, `network_svg`"},
    {"pack_x_y_sample_weight", "`Dataset`"},
    {"unpack_x_y_sample_weight", "`Dataset`"},
    {"split_dataset", "`split_dataset`, of a `Dataset`"},
    {"standardize_dtype", "`Config::dtype` reads one from its name"},
};

struct Found {
  Names declared, by_text, missing;
  std::map<std::string, std::string> other;
  std::size_t left_out() const {
    return static_cast<std::size_t>(std::count_if(
        other.begin(), other.end(), [](const auto& row) { return row.second.starts_with("not here: "); }));
  }
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
        << " more stand for something as text, " << found.other.size() - found.left_out() << " are something else, "
        << found.left_out() + found.missing.size() << " are missing.\n";
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
    const std::string_view keras = module.keras;
    if (keras == "keras.optimizers.schedules" || keras == "keras.layers" || keras == "keras.callbacks" ||
        keras == "keras.utils")
      continue;
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
