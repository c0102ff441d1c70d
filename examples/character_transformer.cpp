/// A transformer that writes: decoder blocks learn to say the next character of a text, here of the GNU General Public
/// License that Debian installs. Nine tenths are learnt from; the rest says how well it does. Then it goes on from a
/// beginning, character by character.

#include <xgrad/xgrad.hpp>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string_view>

using namespace xgrad;

namespace {

constexpr std::int64_t length = 64, width = 64;

/// The characters that occur, and a text as their numbers.
struct Alphabet {
  std::string letters;
  explicit Alphabet(const std::string& text) {
    for (const char c : text)
      if (letters.find(c) == std::string::npos) letters += c;
  }
  Tensor numbers(std::string_view text) const {
    std::vector<std::int64_t> out;
    for (const char c : text) out.push_back(static_cast<std::int64_t>(letters.find(c)));
    return tensor(out, {static_cast<std::int64_t>(out.size())});
  }
};

Model network(std::int64_t letters) {
  const Tensor x = Input({length}, {.dtype = int64});
  Tensor h = TokenAndPositionEmbedding(letters, length, width)(x);
  for (int i = 0; i < 2; ++i)
    h = TransformerDecoder(4 * width, 4, {.dropout = 0.1, .activation = "gelu", .normalize_first = true})(h);
  return Model(x, Dense(letters)(LayerNormalization()(h)));
}

/// Pieces of the text, `step` apart, and the same pieces one character on.
std::pair<Tensor, Tensor> pieces(const Tensor& text, std::int64_t step) {
  std::vector<Tensor> x, y;
  for (std::int64_t i = 0; i + length < text.dim(0); i += step) {
    x.push_back(slice_axis(text, 0, {i, i + length}));
    y.push_back(slice_axis(text, 0, {i + 1, i + length + 1}));
  }
  return {stack(x).eval(), stack(y).eval()};
}

/// `count` characters drawn one by one; a temperature below 1 prefers what is likely.
std::string written(const Model& model, const Alphabet& alphabet, std::string text, int count, double temperature) {
  Generator generator(3);
  for (int i = 0; i < count; ++i) {
    const std::string_view last = std::string_view(text).substr(text.size() - length);
    const Tensor scores = model(expand_dims(alphabet.numbers(last), 0));
    const Tensor next = reshape(slice_axis(scores, 1, {length - 1, length}), {-1}) / temperature;
    const auto number = categorical(next, 1, &generator).item<std::int64_t>();
    text += alphabet.letters[static_cast<std::size_t>(number)];
  }
  return text;
}

int run(bool quick) {
  std::ifstream file("/usr/share/common-licenses/GPL-3");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t begin = text.find("The GNU General Public License is");
  if (begin == text.npos) throw IoError("[character_transformer] expected the license in /usr/share/common-licenses");
  const Alphabet alphabet(text);
  const std::size_t cut = text.size() / 10 * 9;
  const auto [x, y] = pieces(alphabet.numbers(std::string_view(text).substr(0, cut)), quick ? 64 : 8);
  const auto [held_x, held_y] = pieces(alphabet.numbers(std::string_view(text).substr(cut)), length);

  set_random_seed(1);
  Model model = network(static_cast<std::int64_t>(alphabet.letters.size()));
  const std::int64_t epochs = quick ? 4 : 12, batch = quick ? 16 : 64;
  model.compile({.optimizer = optimizers::Adam(schedules::CosineDecay(0.003, epochs * (x.dim(0) / batch + 1))),
                 .loss = losses::SparseCategoricalCrossentropy({.from_logits = true}),
                 .metrics = {"accuracy"}});
  model.summary();
  model.fit(x, y, {.batch_size = batch, .epochs = static_cast<int>(epochs), .validation_data = {held_x, held_y}});

  const double bits = model.evaluate(held_x, held_y, {.verbose = 0})["loss"] / std::log(2.0);
  std::printf("%.3f bits a character of the part held out\n", bits);
  std::cout << written(model, alphabet, text.substr(begin, length), quick ? 20 : 500, 0.5) << "\n";
  // Letters alone, without what stands before them, take 4.57 bits.
  return bits < (quick ? 4.4 : 3.0) ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(count > 1 && std::string_view(arguments[1]) == "--quick");
  } catch (const Error& error) {
    std::cerr << "character_transformer: " << error.what() << "\n";
    return 2;
  }
}
