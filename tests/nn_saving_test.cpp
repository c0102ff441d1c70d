#include <catch2/catch.hpp>
#include <xgrad/io/safetensors.hpp>
#include <xgrad/nn/callbacks.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/random.hpp>
#include <xgrad/ops/reduce.hpp>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace xgrad;
namespace fs = std::filesystem;

namespace {

std::vector<double> values(const Tensor& t) { return t.to_vector<double>(); }

std::vector<double> all_values(const Model& model) {
  std::vector<double> out;
  for (const Tensor& w : model.get_weights())
    for (const double v : values(w)) out.push_back(v);
  return out;
}

Tensor drawn(const Shape& shape, std::uint64_t seed) {
  Generator generator(seed);
  return normal(shape, 0, 1, {.generator = &generator});
}

struct Folder {
  fs::path path = fs::temp_directory_path() / ("xgrad_saving_" + std::to_string(getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  std::string file(const char* name) const { return (path / name).string(); }
};

/// Runs this program again for one of its hidden cases, which finds its task in the environment.
pid_t start(const char* test, const std::string& argument) {
  const pid_t child = fork();
  if (child != 0) return child;
  setenv("XGRAD_TEST_ARGUMENT", argument.c_str(), 1);
  const int silent = ::open("/dev/null", 1);
  dup2(silent, 1);
  execl("/proc/self/exe", "child", test, static_cast<char*>(nullptr));
  _exit(127);
}

std::string argument() {
  const char* text = std::getenv("XGRAD_TEST_ARGUMENT");
  return text ? text : "";
}

const Tensor& inputs() {
  static const Tensor x = drawn({50, 4}, 1);
  return x;
}
Tensor targets() { return sum(inputs(), -1, true); }

Model network() {
  return Sequential{Dense(16, {.activation = "relu", .kernel_regularizer = "l2", .input_shape = {4}}), Dropout(.2),
                    Dense(1)};
}
const CompileOptions& compiled() {
  static const CompileOptions options{.optimizer = optimizers::Adam(.01), .loss = "mse"};
  return options;
}

struct Doubling {
  Tensor operator()(const Tensor& x, Call&) const { return x * factor; }
  Config get_config() const { return Config::object({{"factor", factor}}); }
  static Doubling from_config(const Config& config) { return {config.at("factor").real()}; }
  double factor = 2;
};

}  // namespace

TEST_CASE("a config is JSON and comes back the same") {
  Config config =
      Config::object({{"a", 1}, {"b", .1}, {"c", "text"}, {"d", true}, {"e", Config()}, {"f", Shape{2, 3}}});
  config.set("g", Config::object({{"x", std::vector<Config>{1, 2.5, "z"}}}));
  CHECK(Config::parse(config.to_json()) == config);
  CHECK(Config::parse(config.to_json(2)) == config);
  CHECK(config.at("f").shape() == Shape{2, 3});
  CHECK(Config::parse(Config(1.0 / 3).to_json()).real() == 1.0 / 3);
  CHECK(std::isinf(Config::parse(Config(-INFINITY).to_json()).real()));
  CHECK_THROWS_WITH(config.at("bb"), Catch::Contains("did you mean"));
  CHECK_THROWS_WITH(config.at("c").integer(), Catch::Contains("expected an integer, got text"));
  CHECK_THROWS_AS(Config::parse("{"), ValueError);
  CHECK_THROWS_AS(Config::parse(std::string(100000, '[')), ValueError);
  CHECK_THROWS_AS(Config::parse("[-1]").shape(), ValueError);
}

TEST_CASE("a whole model comes back from its file, in either style") {
  const Folder folder;
  set_random_seed(1);
  const Tensor a = Input({4}, {.name = "a"}), b = Input({2});
  Dense shared(3, {.activation = "tanh", .kernel_constraint = constraints::MaxNorm{.max_value = 3, .axis = {0}}});
  Sequential inner{Dense(3, {.kernel_initializer = initializers::he_normal({.seed = 3})}), Dropout(.1), Dense(3)};
  Model functional({a, b}, {Dense(2, {.name = "out"})(shared(Dense(3)(a))), inner(b)}, {.name = "twins"});
  functional.save(folder.file("f.xgrad"));
  const Model loaded = load_model(folder.file("f.xgrad"));
  CHECK(loaded.name() == "twins");
  CHECK(loaded.names() == functional.names());
  CHECK(loaded.output_names() == functional.output_names());
  CHECK(loaded.get_config() == functional.get_config());
  const Tensor xa = drawn({3, 4}, 2), xb = drawn({3, 2}, 3);
  const auto before = functional.predict({xa, xb}), after = loaded.predict({xa, xb});
  for (std::size_t i = 0; i < 2; ++i) CHECK(values(before[i]) == values(after[i]));

  Sequential sequential{Flatten(), Dense(3, {.activation = "relu", .dtype = float64}), Activation("softmax")};
  sequential(ones({2, 2, 2}));
  sequential.save(folder.file("s.xgrad"));
  const Tensor x = drawn({3, 2, 2}, 4);
  CHECK(values(load_model(folder.file("s.xgrad")).predict(x)) == values(sequential.predict(x)));
  CHECK(load_model(folder.file("s.xgrad")).get_weights()[0].dtype() == float64);
}

TEST_CASE("layers of one's own are saved with a config and loaded from the table that is given") {
  const Folder folder;
  Sequential model{Dense(2, {.input_shape = {3}}), Doubling{3}};
  model.save(folder.file("own.xgrad"));
  const Model loaded = load_model(folder.file("own.xgrad"), CustomObjects().layer<Doubling>());
  const Tensor x = drawn({2, 3}, 5);
  CHECK(values(loaded.predict(x)) == values(model.predict(x)));
  CHECK_THROWS_WITH(load_model(folder.file("own.xgrad")),
                    Catch::Contains("Doubling") && Catch::Contains("CustomObjects"));
  Sequential without{Dense(2, {.input_shape = {3}}), [](const Tensor& x) { return x; }};
  CHECK_THROWS_WITH(without.save(folder.file("own.xgrad")), Catch::Contains("get_config"));
  CHECK_THROWS_WITH(layer_from_config(Config::parse(R"({"class_name": "Dense", "config": {"units": 2, "unit": 1}})")),
                    Catch::Contains("did you mean 'units'"));
  CHECK_THROWS_WITH(layer_from_config(Config::parse(R"({"class_name": "Dens", "config": {}})")),
                    Catch::Contains("did you mean 'Dense'"));
}

TEST_CASE("files that hold no model are errors") {
  const Folder folder;
  CHECK_THROWS_AS(load_model(folder.file("none.xgrad")), IoError);
  Sequential model{Dense(2, {.input_shape = {3}})};
  model.save_weights(folder.file("w.xgrad"));
  CHECK_THROWS_WITH(load_model(folder.file("w.xgrad")), Catch::Contains("expected a model"));
  model.save(folder.file("m.xgrad"));
  const auto bytes = [&] {
    std::ifstream in(folder.file("m.xgrad"), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }();
  for (std::size_t cut = 0; cut < bytes.size(); cut += 7) {
    std::ofstream(folder.file("cut.xgrad"), std::ios::binary) << bytes.substr(0, cut);
    CHECK_THROWS_AS(load_model(folder.file("cut.xgrad")), Error);
  }
  // Another network's file changes nothing.
  Sequential other{Dense(3, {.input_shape = {3}})};
  const std::vector<double> before = all_values(other);
  CHECK_THROWS_WITH(other.load_checkpoint(folder.file("m.xgrad")), Catch::Contains("dense/kernel"));
  CHECK(all_values(other) == before);
  Sequential unbuilt{Dense(3)};
  CHECK_THROWS_WITH(unbuilt.save(folder.file("u.xgrad")), Catch::Contains("not built"));
}

TEST_CASE("what is frozen stays frozen") {
  const Folder folder;
  Sequential model{Dense(2, {.input_shape = {3}}), Dense(1)};
  set_trainable(model.get_layer(0), false);
  model.save(folder.file("m.xgrad"));
  Model loaded = load_model(folder.file("m.xgrad"));
  CHECK(parameters(loaded).size() == 2);
}

// Hidden: the second half of a training, in a process of its own.
TEST_CASE("child: resume", "[.]") {
  const std::string path = argument();
  Model model = load_model(path + "/half.xgrad");
  model.compile(compiled());
  model.fit(inputs(), targets(), {.batch_size = 8, .epochs = 4, .verbose = 0, .initial_epoch = 2});
  model.save_weights(path + "/resumed");
}

TEST_CASE("a training that is saved after two of four epochs goes on in another process to the same bits") {
  const Folder folder;
  const auto train = [&](int epochs) {
    set_random_seed(5);
    Model model = network();
    model.compile({.optimizer = optimizers::Adam(.01), .loss = "mse"});
    model.fit(inputs(), targets(), {.batch_size = 8, .epochs = epochs, .verbose = 0});
    return model;
  };
  const Model whole = train(4);
  train(2).save(folder.file("half.xgrad"));
  int status = 0;
  REQUIRE(waitpid(start("child: resume", folder.path.string()), &status, 0) > 0);
  REQUIRE(status == 0);
  Model resumed = network();
  resumed.load_weights(folder.file("resumed"));
  CHECK(all_values(resumed) == all_values(whole));
  CHECK(all_values(train(2)) != all_values(whole));
}

// Hidden: trains with a backup and is stopped on the way, or goes on.
TEST_CASE("child: backup", "[.]") {
  const std::string path = argument();
  set_random_seed(6);
  Model model = network();
  model.compile(compiled());
  const bool stops = fs::exists(path + "/stop");
  const auto freq = static_cast<std::int64_t>(fs::exists(path + "/batches") ? 3 : 0);
  callbacks::LambdaCallback stopper({.on_train_batch_end = [&](std::int64_t batch, const Logs&) {
    if (stops && model.optimizer().iterations() > 7 && batch == 4) raise(SIGKILL);
  }});
  model.fit(inputs(), targets(),
            {.batch_size = 8,
             .epochs = 4,
             .verbose = 0,
             .callbacks = {callbacks::BackupAndRestore(path + "/backup", {.save_freq = freq}), stopper}});
  model.save_weights(path + "/backed");
}

TEST_CASE("BackupAndRestore goes on after a kill to the same bits, from an epoch's end or its middle") {
  for (const bool batches : {false, true}) {
    const Folder folder;
    if (batches) std::ofstream(folder.file("batches")) << "1";
    set_random_seed(6);
    Model whole = network();
    whole.compile({.optimizer = optimizers::Adam(.01), .loss = "mse"});
    whole.fit(inputs(), targets(), {.batch_size = 8, .epochs = 4, .verbose = 0});
    std::ofstream(folder.file("stop")) << "1";
    int status = 0;
    REQUIRE(waitpid(start("child: backup", folder.path.string()), &status, 0) > 0);
    CHECK(WIFSIGNALED(status));
    CHECK(fs::exists(folder.file("backup/latest.xgrad")));
    fs::remove(folder.file("stop"));
    REQUIRE(waitpid(start("child: backup", folder.path.string()), &status, 0) > 0);
    REQUIRE(status == 0);
    CHECK_FALSE(fs::exists(folder.file("backup/latest.xgrad")));
    Model resumed = network();
    resumed.load_weights(folder.file("backed"));
    CHECK(all_values(resumed) == all_values(whole));
  }
}

// Hidden: saves one checkpoint after the other until it is killed. All weights are the checkpoint's number.
TEST_CASE("child: save for ever", "[.]") {
  Model model = Sequential{Dense(200, {.input_shape = {300}})};
  for (std::int64_t i = 0;; ++i) {
    std::vector<Tensor> numbers;
    for (const Tensor& w : model.get_weights()) numbers.push_back(full(w.shape(), static_cast<double>(i)));
    model.set_weights(numbers);
    model.save_checkpoint(argument(), Config::object({{"number", i}}));
  }
}

TEST_CASE("after kill -9 while checkpoints are saved the last complete one loads, a hundred times") {
  const Folder folder;
  const std::string path = folder.file("checkpoint.xgrad");
  Model model = Sequential{Dense(200, {.input_shape = {300}})};
  Generator generator(static_cast<std::uint64_t>(getpid()));
  int loaded = 0;
  std::int64_t saved = 0;
  for (int kill_number = 0; kill_number < 100; ++kill_number) {
    fs::remove(path);
    const pid_t child = start("child: save for ever", path);
    while (!fs::exists(path)) std::this_thread::sleep_for(std::chrono::microseconds(200));
    const double wait = uniform({}, 0, 8000, {.generator = &generator}).item();
    std::this_thread::sleep_for(std::chrono::microseconds(static_cast<int>(wait)));
    kill(child, SIGKILL);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    const Config extra = model.load_checkpoint(path);
    const auto number = static_cast<double>(extra.at("number").integer());
    saved += extra.at("number").integer();
    bool whole = true;
    for (const double v : all_values(model)) whole = whole && v == number;
    CHECK(whole);
    loaded += whole;
  }
  CHECK(loaded == 100);
  CHECK(saved > 0);
}
