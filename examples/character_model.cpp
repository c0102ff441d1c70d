/// A character model: an LSTM learns to guess the next letter of a text that every Debian system has, the GNU General
/// Public License, and then writes some of its own. The last tenth of the text is only tested on, and compared with
/// what counting pairs of letters guesses. With --validate the ninth tenth is, and the last one is left alone.
///
///     character_model [--quick | --validate]

#include <xgrad/xgrad.hpp>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

using namespace xgrad;

namespace {

constexpr std::int64_t length = 64;  ///< letters in a window

/// Windows of the text and, for each letter, the one behind it.
std::pair<Tensor, Tensor> windows(const std::vector<std::int64_t>& text, std::int64_t stride) {
  std::vector<std::int64_t> x, y;
  const auto n = static_cast<std::int64_t>(text.size());
  for (std::int64_t begin = 0; begin + length < n; begin += stride)
    for (std::int64_t i = begin; i < begin + length; ++i) {
      x.push_back(text[static_cast<std::size_t>(i)]);
      y.push_back(text[static_cast<std::size_t>(i + 1)]);
    }
  const std::int64_t rows = static_cast<std::int64_t>(x.size()) / length;
  return {tensor(x, {rows, length}), tensor(y, {rows, length})};
}

/// Mean -ln p of each letter of `test` after the one before it, by counts in `train` with one more for each pair.
double pair_loss(const std::vector<std::int64_t>& train, const std::vector<std::int64_t>& test, std::size_t letters) {
  std::vector<double> pairs(letters * letters, 1), before(letters, static_cast<double>(letters));
  const auto at = [&](const auto& text, std::size_t i) { return static_cast<std::size_t>(text[i]); };
  for (std::size_t i = 1; i < train.size(); ++i) {
    ++pairs[at(train, i - 1) * letters + at(train, i)];
    ++before[at(train, i - 1)];
  }
  double sum = 0;
  for (std::size_t i = 1; i < test.size(); ++i)
    sum -= std::log(pairs[at(test, i - 1) * letters + at(test, i)] / before[at(test, i - 1)]);
  return sum / static_cast<double>(test.size() - 1);
}

int run(bool quick, bool validate) {
  std::ifstream file("/usr/share/common-licenses/GPL-3");
  const std::string text(std::istreambuf_iterator<char>(file), {});
  if (text.empty()) throw IoError("expected a text in /usr/share/common-licenses/GPL-3");
  std::string letters;
  std::vector<std::int64_t> numbers;
  for (const char c : text) {
    if (letters.find(c) == std::string::npos) letters += c;
    numbers.push_back(static_cast<std::int64_t>(letters.find(c)));
  }
  if (validate) numbers.resize(numbers.size() * 9 / 10);
  const std::size_t tenths = validate ? 9 : 10;
  const auto cut = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / tenths * (tenths - 1));
  const std::vector<std::int64_t> seen(numbers.begin(), cut), unseen(cut, numbers.end());

  set_random_seed(1);
  const auto classes = static_cast<std::int64_t>(letters.size());
  Sequential model{Embedding(classes, 32), LSTM(quick ? 64 : 160, {.return_sequences = true}), Dropout(quick ? 0 : 0.5),
                   Dense(classes)};
  const auto [x, y] = windows(seen, quick ? 16 : 8);
  const std::int64_t epochs = quick ? 4 : 8, batch = 32, steps = epochs * (x.dim(0) / batch + 1);
  const schedules::CosineDecay rate(0.005, steps);
  model.compile({.optimizer = optimizers::Adam({.learning_rate = rate, .clipnorm = 1.0}),
                 .loss = losses::SparseCategoricalCrossentropy({.from_logits = true}),
                 .metrics = {"accuracy"}});
  model.fit(x, y, {.batch_size = batch, .epochs = static_cast<int>(epochs), .verbose = 2});

  // Letter by letter, each drawn from what the model expects after the last window.
  const auto middle = seen.begin() + static_cast<std::ptrdiff_t>(seen.size() / 2);
  std::vector<std::int64_t> written(middle, middle + length);
  for (int i = 0; i < (quick ? 100 : 600); ++i) {
    const Tensor window = tensor(std::vector(written.end() - length, written.end()), {1, length});
    const Tensor next = slice(model.predict(window), {{0, 1}, {-1, to_end}});
    written.push_back(categorical(reshape(next, {1, classes}) / 0.6).to_vector<std::int64_t>()[0]);
  }
  for (std::size_t i = length; i < written.size(); ++i) std::cout << letters[static_cast<std::size_t>(written[i])];

  const auto [test_x, test_y] = windows(unseen, length);
  const double loss = model.evaluate(test_x, test_y)["loss"], pairs = pair_loss(seen, unseen, letters.size());
  std::printf("\n\non what it has not seen: %.3f nats a letter, perplexity %.2f; counting pairs: %.3f, %.2f\n", loss,
              std::exp(loss), pairs, std::exp(pairs));
  return loss < (quick ? pairs + 0.5 : pairs - 0.4) ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    const std::string_view option = count > 1 ? arguments[1] : "";
    return run(option == "--quick", option == "--validate");
  } catch (const Error& error) {
    std::cerr << "character_model: " << error.what() << "\n";
    return 2;
  }
}
