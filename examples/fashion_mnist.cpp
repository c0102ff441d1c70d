/// The demo: trains a classifier on the 60,000 pictures of clothes of Fashion-MNIST, says how well it knows the 10,000
/// it has never seen, saves its weights and checks that a fresh model that loads them predicts the same.

#include <xgrad/xgrad.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <getopt.h>
#include <iostream>
#include <optional>
#include <string>

using namespace xgrad;

namespace {

constexpr const char* usage =
    R"(usage: fashion_mnist [options]
  --epochs N          how often every picture is shown (15)
  --batch N           pictures a step (64)
  --optimizer NAME    adam, sgd or rmsprop (adam)
  --rate R            the first learning rate (0.002; with sgd 0.1)
  --schedule NAME     cosine, step or constant (cosine)
  --seed N            of weights, dropout and order (1)
  --data FOLDER       IDX files of Fashion-MNIST or MNIST (/usr/share/datasets/fashion-mnist)
  --weights FILE      where the trained weights are saved (fashion_mnist.safetensors)
  --keras-defaults    no dropout and penalty, Adam at 0.001 throughout, batch 32, 5 epochs
  --validate          hold the last 10,000 training pictures out and leave the test pictures alone
  --quick             one epoch on 6,000 pictures: shows in seconds that everything works
  --help
)";

struct Settings {
  int epochs = 15;
  std::int64_t batch = 64;
  std::string optimizer = "adam";
  double rate = 0;  // 0: what suits the optimizer
  std::string schedule = "cosine";
  std::uint64_t seed = 1;
  std::string data = "/usr/share/datasets/fashion-mnist";
  std::string weights = "fashion_mnist.safetensors";
  bool keras_defaults = false, validate = false, quick = false;
  double dropout = 0.2, penalty = 5e-6;
  double expected = 0.88;  // least accuracy; 0 where options make it anybody's guess
};

template <class T>
T number(const char* option, const char* text, T least) {
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (end == text || *end || !(value >= static_cast<double>(least)) || value > 1e15 ||
      static_cast<double>(static_cast<T>(value)) != value)
    throw ValueError(std::string("--") + option + ": expected a number of at least " + std::to_string(least) +
                     ", got '" + text + "'");
  return static_cast<T>(value);
}

/// Empty after --help.
std::optional<Settings> parse(int count, char** arguments) {
  Settings s;
  bool epochs_given = false;
  const option options[] = {
      {"epochs", 1, nullptr, 'e'},   {"batch", 1, nullptr, 'b'}, {"optimizer", 1, nullptr, 'o'},
      {"rate", 1, nullptr, 'r'},     {"seed", 1, nullptr, 's'},  {"schedule", 1, nullptr, 'l'},
      {"data", 1, nullptr, 'd'},     {"quick", 0, nullptr, 'q'}, {"weights", 1, nullptr, 'w'},
      {"validate", 0, nullptr, 'v'}, {"help", 0, nullptr, 'h'},  {"keras-defaults", 0, nullptr, 'k'},
      {nullptr, 0, nullptr, 0},
  };
  for (int letter; (letter = getopt_long(count, arguments, "", options, nullptr)) != -1;) {
    switch (letter) {
      case 'e': s.epochs = number<int>("epochs", optarg, 1); epochs_given = true; break;
      case 'b': s.batch = number<std::int64_t>("batch", optarg, 1); break;
      case 'o': s.optimizer = optarg; break;
      case 'r': s.rate = number<double>("rate", optarg, 0); break;
      case 'l': s.schedule = optarg; break;
      case 's': s.seed = number<std::uint64_t>("seed", optarg, 0); continue;
      case 'd': s.data = optarg; break;
      case 'w': s.weights = optarg; continue;
      case 'k': s.keras_defaults = true; break;
      case 'v': s.validate = true; break;
      case 'q': s.quick = true; break;
      case 'h': std::cout << usage; return {};
      default: throw ValueError("see fashion_mnist --help");
    }
    s.expected = 0;
  }
  if (optind < count) throw ValueError(std::string("unexpected '") + arguments[optind] + "'; see fashion_mnist --help");
  if (s.keras_defaults) {
    s.batch = 32;
    s.schedule = "constant";
    s.rate = 0.001;
    s.dropout = s.penalty = 0;
    if (!epochs_given) s.epochs = 5;
    if (s.epochs >= 5) s.expected = 0.855;
  }
  if (s.quick) {
    s.epochs = epochs_given ? s.epochs : 1;
    s.expected = 0.7;
  }
  return s;
}

Sequential network(const Settings& s) {
  regularizers::Regularizer penalty;
  if (s.penalty > 0) penalty = regularizers::l2(s.penalty);
  return {
      Input({28, 28}),
      Rescaling(1 / 255.0),
      Flatten(),
      Dense(128, {.activation = "relu", .kernel_regularizer = penalty}),
      Dropout(s.dropout),
      Dense(10, {.activation = "softmax", .kernel_regularizer = penalty}),
  };
}

optimizers::LearningRate learning_rate(const Settings& s, std::int64_t steps) {
  const double rate = s.rate > 0 ? s.rate : s.optimizer == "sgd" ? 0.1 : 0.002;
  if (s.schedule == "cosine") return schedules::CosineDecay(rate, steps);
  if (s.schedule == "step")
    return schedules::ExponentialDecay(rate, std::max<std::int64_t>(1, steps / 4), 0.3, {.staircase = true});
  if (s.schedule == "constant") return rate;
  throw ValueError("--schedule: expected cosine, step or constant, got '" + s.schedule + "'");
}

optimizers::Optimizer optimizer(const Settings& s, std::int64_t steps) {
  using optimizers::Optimizer;
  Optimizer result = s.optimizer == "sgd" ? Optimizer(optimizers::SGD({.momentum = 0.9})) : Optimizer(s.optimizer);
  result.set_learning_rate(learning_rate(s, steps));
  return result;
}

data::MnistData load(const Settings& s) {
  const bool clothes = s.data.find("fashion") != std::string::npos;
  data::MnistData all = clothes ? data::load_fashion_mnist(s.data) : data::load_mnist(s.data);
  const auto rows = [](const data::LabelledImages& from, std::int64_t begin, std::int64_t end) {
    const Range range{begin, end};
    return data::LabelledImages{slice_axis(from.images, 0, range).eval(), slice_axis(from.labels, 0, range).eval()};
  };
  if (s.validate) {
    all.test = rows(all.train, 50000, 60000);
    all.train = rows(all.train, 0, 50000);
  }
  if (s.quick) all.train = rows(all.train, 0, 6000);
  return all;
}

int run(const Settings& s) {
  const auto [train, test, class_names] = load(s);
  const auto begin = std::chrono::steady_clock::now();
  set_random_seed(s.seed);
  Sequential model = network(s);
  const std::int64_t steps = s.epochs * ((train.images.dim(0) + s.batch - 1) / s.batch);
  model.compile({.optimizer = optimizer(s, steps),
                 .loss = "sparse_categorical_crossentropy",
                 .metrics = {"accuracy"}});
  model.summary();
  model.fit(train.images, train.labels, {.batch_size = s.batch, .epochs = s.epochs});
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  std::printf("trained in %.1f s\n\n", taken.count());

  const Tensor scores = model.predict(test.images, {.batch_size = 500});
  std::cout << report::confusion_table(report::confusion_matrix(test.labels, scores), class_names) << "\n";

  model.save_weights(s.weights);
  Sequential fresh = network(s);
  fresh.load_weights(s.weights);
  const auto before = scores.data<float>();
  const Tensor again = fresh.predict(test.images, {.batch_size = 500});
  const auto after = again.data<float>();
  const bool same = std::equal(before.begin(), before.end(), after.begin(), after.end());
  std::cout << "saved " << s.weights << " (" << std::filesystem::file_size(s.weights) / 1024
            << " kB); a fresh model that loads it predicts " << (same ? "the same" : "SOMETHING ELSE") << "\n";

  const double accuracy = mean(equal(argmax(scores, -1), test.labels)).item();
  if (accuracy < s.expected) std::printf("expected an accuracy of at least %.3f\n", s.expected);
  std::printf("%s accuracy %.4f\n", s.validate ? "validation" : "test", accuracy);
  return same && accuracy >= s.expected ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  Settings settings;
  try {
    const std::optional<Settings> asked = parse(count, arguments);
    if (!asked) return 0;
    settings = *asked;
    return run(settings);
  } catch (const IoError& error) {
    std::cerr << "fashion_mnist: " << error.what() << "\n";
    if (!std::filesystem::exists(settings.data))
      std::cerr << "The pictures are not there: install Debian's package dataset-fashion-mnist, or name their folder "
                   "with --data.\n";
  } catch (const Error& error) {
    std::cerr << "fashion_mnist: " << error.what() << "\n";
  }
  return 2;
}
