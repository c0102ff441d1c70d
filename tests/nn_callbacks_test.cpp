#include <catch2/catch.hpp>
#include <xgrad/graph/basic.hpp>
#include <xgrad/nn/callbacks.hpp>
#include <xgrad/nn/saving.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/report/events.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <sstream>

#include <unistd.h>

using namespace xgrad;
namespace fs = std::filesystem;

namespace {

constexpr TensorOptions doubles{.dtype = float64};

/// y = w x with w = 1: the loss on x = 1 is (w - y)^2, so targets choose the losses.
Sequential line() {
  return Sequential{Dense(1, {.use_bias = false, .kernel_initializer = "ones", .input_shape = {1}, .dtype = float64})};
}

const Tensor one = ones({1, 1}, doubles);

/// Puts given numbers into the logs, epoch after epoch.
struct Given : callbacks::Callback {
  explicit Given(std::vector<double> numbers) : numbers(std::move(numbers)) {}
  void on_epoch_end(int epoch, Logs& logs) override { logs.set("val_loss", numbers[static_cast<std::size_t>(epoch)]); }
  bool wants_batches() const override { return false; }
  std::vector<double> numbers;
};

std::string text_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

struct Folder {
  fs::path path = fs::temp_directory_path() / ("xgrad_callbacks_" + std::to_string(getpid()));
  Folder() { fs::create_directories(path); }
  ~Folder() { fs::remove_all(path); }
  std::string file(const char* name) const { return (path / name).string(); }
};

}  // namespace

TEST_CASE("EarlyStopping stops after patience epochs without a better number") {
  Sequential model = line();
  model.compile({.optimizer = optimizers::SGD(.1), .loss = "mse"});
  const Given given({5, 4, 4.5, 4.2, 3, 3.5, 3.6, 3.7, 1});
  callbacks::EarlyStopping stop({.patience = 2});
  History h = model.fit(one, one, {.epochs = 9, .verbose = 0, .callbacks = {given, stop}});
  CHECK(h.epochs().size() == 4);
  CHECK(stop.stopped_epoch() == 3);
  CHECK(stop.best_epoch() == 1);
  CHECK(*stop.best() == 4);
  CHECK(h["val_loss"] == std::vector<double>{5, 4, 4.5, 4.2});
  callbacks::EarlyStopping patient({.patience = 3});
  CHECK(model.fit(one, one, {.epochs = 9, .verbose = 0, .callbacks = {given, patient}}).epochs().size() == 8);
  callbacks::EarlyStopping coarse({.min_delta = 1.5, .patience = 3});
  CHECK(model.fit(one, one, {.epochs = 9, .verbose = 0, .callbacks = {given, coarse}}).epochs().size() == 4);
  callbacks::EarlyStopping base({.patience = 3, .baseline = 2});
  CHECK(model.fit(one, one, {.epochs = 9, .verbose = 0, .callbacks = {given, base}}).epochs().size() == 3);
  callbacks::EarlyStopping late({.patience = 1, .start_from_epoch = 5});
  CHECK(model.fit(one, one, {.epochs = 9, .verbose = 0, .callbacks = {given, late}}).epochs().size() == 7);
  CHECK_THROWS_WITH(callbacks::EarlyStopping({.mode = "best"}), Catch::Contains("'best'"));
  const callbacks::EarlyStopping unknown({.monitor = "speed"});
  callbacks::LambdaCallback speed({.on_epoch_end = [](int, Logs& logs) { logs.set("speed", 1); }});
  CHECK_THROWS_WITH(model.fit(one, one, {.epochs = 2, .verbose = 0, .callbacks = {speed, unknown}}),
                    Catch::Contains("'min' or 'max'"));
  std::ostringstream out;
  model.fit(one, one, {.verbose = 0, .callbacks = {callbacks::EarlyStopping()}, .out = &out});
  CHECK_THAT(out.str(), Catch::Contains("'val_loss' is not among the logs: loss"));
}

TEST_CASE("EarlyStopping brings the best weights back") {
  Sequential model = line();
  model.compile({.optimizer = optimizers::SGD(.1), .loss = "mse"});
  std::vector<double> weights;
  callbacks::LambdaCallback keep(
      {.on_epoch_end = [&](int, Logs&) { weights.push_back(model.get_weights()[0].item()); }});
  const Given given({3, 1, 2, 2});
  model.fit(one, zeros({1, 1}, doubles),
            {.epochs = 4,
             .verbose = 0,
             .callbacks = {keep, given, callbacks::EarlyStopping({.patience = 2, .restore_best_weights = true})}});
  CHECK(weights.size() == 4);
  CHECK(model.get_weights()[0].item() == weights[1]);
}

TEST_CASE("the learning rate follows the plateau or the schedule") {
  Sequential model = line();
  model.compile({.optimizer = optimizers::SGD(1.0), .loss = "mse"});
  const Given given({5, 5, 5, 5, 5, 5, 5});
  const History h = model.fit(
      one, one,
      {.epochs = 7,
       .verbose = 0,
       .callbacks = {given, callbacks::ReduceLROnPlateau({.factor = .5, .patience = 2, .cooldown = 1, .min_lr = .2})}});
  CHECK(h["learning_rate"] == std::vector<double>{1, 1, 1, .5, .5, .25, .25});
  CHECK_THROWS_WITH(callbacks::ReduceLROnPlateau({.factor = 1}), Catch::Contains("below 1"));
  const History s = model.fit(
      one, one, {.epochs = 3, .verbose = 0, .callbacks = {callbacks::LearningRateScheduler([](int epoch, double rate) {
                                              return epoch == 0 ? .8 : rate / 2;
                                            })}});
  CHECK(s["learning_rate"] == std::vector<double>{.8, .4, .2});
}

TEST_CASE("CSVLogger writes a line an epoch") {
  const Folder folder;
  const std::string path = folder.file("log.csv");
  Sequential model = line();
  model.compile({.optimizer = optimizers::SGD(0.0), .loss = "mse", .metrics = {"mae"}});
  const Tensor three = full({1, 1}, 3, doubles);
  model.fit(one, three, {.epochs = 2, .verbose = 0, .callbacks = {callbacks::CSVLogger(path)}});
  CHECK(text_of(path) == "epoch,loss,mae\n0,4,2\n1,4,2\n");
  model.fit(
      one, three,
      {.epochs = 3, .verbose = 0, .callbacks = {callbacks::CSVLogger(path, {.append = true})}, .initial_epoch = 2});
  CHECK(text_of(path) == "epoch,loss,mae\n0,4,2\n1,4,2\n2,4,2\n");
  model.fit(one, three,
            {.epochs = 2,
             .verbose = 0,
             .callbacks = {callbacks::CSVLogger(path, {.separator = ";"})},
             .validation_data = {one, one},
             .validation_freq = {1, 3}});
  CHECK(text_of(path) == "epoch;loss;mae;val_loss;val_mae\n0;4;2;0;0\n1;4;2;NA;NA\n");
  CHECK_THROWS_AS(model.fit(one, one, {.verbose = 0, .callbacks = {callbacks::CSVLogger(folder.file("no/where.csv"))}}),
                  IoError);
}

TEST_CASE("TerminateOnNaN ends the training instead of throwing") {
  Sequential model = line();
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Tensor x = reshape(tensor({1, nan, 1, 1}, doubles), {4, 1});
  std::ostringstream out;
  const History h = model.fit(x, ones({4, 1}, doubles),
                              {.batch_size = 1,
                               .epochs = 5,
                               .verbose = 0,
                               .callbacks = {callbacks::TerminateOnNaN()},
                               .shuffle = false,
                               .out = &out});
  CHECK(h.epochs().size() == 1);
  CHECK(model.optimizer().iterations() == 2);
  CHECK_THAT(out.str(), Catch::Contains("Batch 1: Invalid loss"));
}

TEST_CASE("callbacks hear of everything in order, and a struct of one's own keeps what it saw") {
  struct Listener : callbacks::Callback {
    void on_train_begin() override { heard += "T"; }
    void on_train_end(const Logs&) override { heard += "t"; }
    void on_epoch_begin(int) override { heard += "E"; }
    void on_epoch_end(int, Logs&) override { heard += "e"; }
    void on_train_batch_begin(std::int64_t) override { heard += "B"; }
    void on_train_batch_end(std::int64_t, const Logs& logs) override { heard += logs.contains("loss") ? "b" : "?"; }
    void on_test_begin() override { heard += "V"; }
    void on_test_end(const Logs&) override { heard += "v"; }
    std::string heard;
  };
  Sequential model = line();
  model.compile({.optimizer = "sgd", .loss = "mse"});
  Listener listener;
  const Tensor x = ones({2, 1}, doubles);
  model.fit(x, x, {.batch_size = 1, .epochs = 2, .verbose = 0, .callbacks = {&listener}, .validation_data = {x, x}});
  CHECK(listener.heard == "TEBbBbVveEBbBbVvet");
  Listener alone;
  CHECK_THROWS_WITH(callbacks::EarlyStopping().on_epoch_end(0, *std::make_unique<Logs>()),
                    Catch::Contains("running fit"));
}

TEST_CASE("ModelCheckpoint saves the best, or every so many batches, under names with numbers") {
  const Folder folder;
  Sequential model = line();
  model.compile({.optimizer = optimizers::SGD(.1), .loss = "mse"});
  const Given given({3, 1, 2, .5});
  std::vector<double> weights;
  callbacks::LambdaCallback keep(
      {.on_epoch_end = [&](int, Logs&) { weights.push_back(model.get_weights()[0].item()); }});
  callbacks::ModelCheckpoint best(folder.file("best.xgrad"), {.save_best_only = true});
  const Tensor zero = zeros({1, 1}, doubles);
  model.fit(one, zero, {.epochs = 3, .verbose = 0, .callbacks = {given, keep, best}});
  CHECK(*best.best() == 1);
  CHECK(load_model(folder.file("best.xgrad")).get_weights()[0].item() == weights[1]);
  model.fit(one, zero,
            {.epochs = 2,
             .verbose = 0,
             .callbacks = {given, callbacks::ModelCheckpoint(folder.file("sub/{epoch:02d}-{val_loss:.2f}.weights"),
                                                             {.save_weights_only = true})}});
  CHECK(fs::exists(folder.file("sub/01-3.00.weights")));
  CHECK(fs::exists(folder.file("sub/02-1.00.weights")));
  const Tensor x = ones({5, 1}, doubles);
  model.fit(x, x,
            {.batch_size = 1,
             .verbose = 0,
             .callbacks = {callbacks::ModelCheckpoint(folder.file("b{batch}.xgrad"), {.save_freq = 2})}});
  CHECK(fs::exists(folder.file("b2.xgrad")));
  CHECK(fs::exists(folder.file("b4.xgrad")));
  CHECK_FALSE(fs::exists(folder.file("b5.xgrad")));
  CHECK_THROWS_WITH(
      model.fit(one, zero, {.verbose = 0, .callbacks = {callbacks::ModelCheckpoint(folder.file("{los}.xgrad"))}}),
      Catch::Contains("did you mean 'loss'"));
  CHECK_THROWS_WITH(
      model.fit(one, zero, {.verbose = 0, .callbacks = {callbacks::ModelCheckpoint(folder.file("{loss:%s}.xgrad"))}}),
      Catch::Contains("format"));
}

TEST_CASE("TensorBoard's files hold framed records with good checksums") {
  CHECK(report::crc32c("123456789") == 0xe3069283u);
  const Folder folder;
  Sequential model = line();
  model.compile({.optimizer = optimizers::SGD(0.0), .loss = "mse"});
  const Tensor three = full({1, 1}, 3, doubles);
  model.fit(
      one, three,
      {.epochs = 2,
       .verbose = 0,
       .callbacks = {callbacks::TensorBoard({.log_dir = folder.file("logs"), .histogram_freq = 1, .update_freq = 1})},
       .validation_data = {one, one}});
  const auto only_file = [&](const char* part) {
    std::string found;
    for (const auto& entry : fs::directory_iterator(folder.file("logs") + "/" + part)) {
      CHECK(found.empty());
      found = entry.path().string();
    }
    return text_of(found);
  };
  const auto records = [](const std::string& data) {
    const auto mask = [](std::uint32_t crc) { return (crc >> 15 | crc << 17) + 0xa282ead8u; };
    std::vector<std::string> out;
    for (std::size_t at = 0; at < data.size();) {
      std::uint64_t length;
      std::uint32_t of_length, of_data;
      REQUIRE(data.size() >= at + 16);
      std::memcpy(&length, data.data() + at, 8);
      std::memcpy(&of_length, data.data() + at + 8, 4);
      CHECK(of_length == mask(report::crc32c(data.substr(at, 8))));
      REQUIRE(data.size() >= at + 16 + length);
      out.push_back(data.substr(at + 12, length));
      std::memcpy(&of_data, data.data() + at + 12 + length, 4);
      CHECK(of_data == mask(report::crc32c(out.back())));
      at += 16 + length;
    }
    return out;
  };
  const std::vector<std::string> train = records(only_file("train")), validation = records(only_file("validation"));
  CHECK(train[0].find("brain.Event:2") != std::string::npos);
  const auto count = [](const std::vector<std::string>& all, const char* word) {
    return std::count_if(all.begin(), all.end(),
                         [&](const std::string& r) { return r.find(word) != std::string::npos; });
  };
  CHECK(count(train, "epoch_loss") == 2);
  CHECK(count(train, "epoch_learning_rate") == 2);
  CHECK(count(train, "batch_loss") == 2);
  CHECK(count(train, "dense/kernel") == 2);
  CHECK(count(validation, "epoch_loss") == 2);
  // The loss, 4, as field 2 of a value: key 0x15 and a float.
  const float four = 4;
  std::string number("\x15", 1);
  number.append(reinterpret_cast<const char*>(&four), 4);
  CHECK(std::any_of(train.begin(), train.end(),
                    [&](const std::string& r) { return r.find(number) != std::string::npos; }));
}

TEST_CASE("SwapEMAWeights evaluates with the optimizer's averages") {
  Sequential model = line();
  optimizers::SGDOptions options{.learning_rate = .5};
  options.use_ema = true;
  options.ema_momentum = .5;
  model.compile({.optimizer = optimizers::SGD(options), .loss = "mse"});
  const Tensor zero = zeros({1, 1}, doubles);
  // w: 1 -> 0 -> 0; its average: 0, then 0: a target of 1 keeps it moving instead.
  const History h = model.fit(
      one, full({1, 1}, 3, doubles),
      {.epochs = 2, .verbose = 0, .callbacks = {callbacks::SwapEMAWeights()}, .validation_data = {one, zero}});
  const double average = model.optimizer().averages()[0].value().item(), w = model.get_weights()[0].item();
  CHECK(h["val_loss"].back() == Approx(average * average));
  CHECK(w == 3);
  model.fit(one, zero, {.epochs = 2, .verbose = 0, .callbacks = {callbacks::SwapEMAWeights({.swap_on_epoch = true})}});
  CHECK(model.get_weights()[0].item() != 0);
  Sequential plain = line();
  plain.compile({.optimizer = "sgd", .loss = "mse"});
  CHECK_THROWS_WITH(
      plain.fit(one, zero, {.verbose = 0, .callbacks = {callbacks::SwapEMAWeights()}, .validation_data = {one, zero}}),
      Catch::Contains("use_ema"));
}
