/// A graph network on what is installed on this machine: Debian packages that depend on each other. Each has the words
/// of its short description; to be found is its section (libs, utils, python, ...). Beside the graph network stands the
/// same network without the graph. The figures are this machine's: another one has other packages.

#include <xgrad/xgrad.hpp>

#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <string_view>

using namespace xgrad;

namespace {

struct Packages {
  std::map<std::string, std::int64_t> numbers;
  std::vector<std::string> sections, descriptions, depends;
};

Packages installed(const char* path) {
  Packages all;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.empty() || line[0] == ' ' || colon == std::string::npos) continue;
    const std::string key = line.substr(0, colon), value = line.substr(colon + 2);
    if (key == "Package") {
      all.numbers.emplace(value, static_cast<std::int64_t>(all.sections.size()));
      for (auto* column : {&all.sections, &all.descriptions, &all.depends}) column->emplace_back();
    } else if (all.sections.empty()) {
      continue;
    } else if (key == "Section") {
      all.sections.back() = value.substr(value.find('/') + 1);
    } else if (key == "Description") {
      all.descriptions.back() = value;
    } else if (key == "Depends" || key == "Pre-Depends") {
      all.depends.back() += value + ",";
    }
  }
  return all;
}

/// Calls f with each run of letters, digits, '.', '+' and '-'.
template <class F>
void for_words(const std::string& text, F&& f) {
  std::string word;
  for (const char c : text + " ") {
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '+' || c == '-') word += c;
    else if (!word.empty()) f(word), word.clear();
  }
}

}  // namespace

int main(int count, char** arguments) {
  const bool quick = count > 1 && std::string_view(arguments[1]) == "--quick";
  const Packages all = installed("/var/lib/dpkg/status");
  const auto n = static_cast<std::int64_t>(all.sections.size());
  if (n < 200) {
    std::printf("no list of a few hundred Debian packages here: nothing to learn from\n");
    return 0;
  }
  constexpr std::int64_t words = 512;
  std::vector<float> bags(static_cast<std::size_t>(n * words));
  std::vector<std::int64_t> ends[2], labels;
  std::map<std::string, std::int64_t> frequency, classes;
  for (const std::string& section : all.sections) ++frequency[section];
  for (std::int64_t i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    for_words(all.descriptions[at], [&](const std::string& word) {
      std::uint64_t hash = 14695981039346656037u;  // FNV-1a
      for (const char c : word) hash = (hash ^ static_cast<unsigned char>(std::tolower(c))) * 1099511628211u;
      bags[at * words + hash % words] = 1;
    });
    for_words(all.depends[at], [&](const std::string& word) {
      const auto other = all.numbers.find(word);
      if (other == all.numbers.end() || other->second == i) return;
      for (int way = 0; way < 2; ++way) {
        ends[way].push_back(i);
        ends[1 - way].push_back(other->second);
      }
    });
    const bool common = frequency[all.sections[at]] >= 10;
    labels.push_back(common ? classes.emplace(all.sections[at], classes.size()).first->second : -1);
  }
  const auto m = static_cast<std::int64_t>(ends[0].size());
  const Tensor x = tensor(bags, Shape{n, words});
  const Tensor edges = stack({tensor(ends[0], Shape{m}), tensor(ends[1], Shape{m})});
  const auto kinds = static_cast<std::int64_t>(classes.size());

  const Tensor y = tensor(labels, Shape{n});
  const Tensor usable = flatnonzero(y >= 0);
  double with_graph = 0, without = 0, guess = 0;
  const int splits = quick ? 1 : 10;
  for (int split = 0; split < splits; ++split) {
    set_random_seed(static_cast<std::uint64_t>(split));
    const Tensor order = shuffle(usable).eval();
    const std::int64_t learnt = order.size() * 6 / 10;
    const Tensor train = slice(order, {{0, learnt}}), test = slice(order, {{learnt}});
    const auto accuracy = [&](auto&& network, const std::vector<Parameter>& weights) {
      optimizers::Adam adam({.learning_rate = .01, .weight_decay = 5e-3});
      auto step = capture([&] {
        Call call{.training = true};
        const Tensor scores = take(network(call), train);
        const Tensor loss = mean(losses::sparse_categorical_crossentropy(take(y, train), scores, true));
        adam.minimize(loss, weights);
        return loss;
      });
      for (int epoch = 0; epoch < (quick ? 50 : 200); ++epoch) step();
      Call call;
      return mean(equal(argmax(take(network(call), test), -1), take(y, test))).item();
    };
    GCNConv first(64, {.activation = "relu"}), second(kinds);
    Dense plain(64, {.activation = "relu", .input_shape = {words}}), out(kinds, {.input_shape = {64}});
    Dropout drop(.5);
    second({first({x, edges}), edges});
    with_graph += accuracy(
        [&](Call& call) { return second({drop(first({drop(x, call), edges}), call), edges}); },
        {first.kernel(), first.bias(), second.kernel(), second.bias()}) / splits;
    without += accuracy([&](Call& call) { return out(drop(plain(drop(x, call)), call)); },
                        {plain.kernel(), plain.bias(), out.kernel(), out.bias()}) / splits;
    guess += max(mean(one_hot(take(y, test), kinds), 0)).item() / splits;
  }
  std::printf("%lld packages, %lld dependencies, %lld sections; %d random divisions into 60 %% and 40 %%\n",
              static_cast<long long>(n), static_cast<long long>(m / 2), static_cast<long long>(kinds), splits);
  std::printf("accuracy on the 40 %%: %.3f with the graph, %.3f without, %.3f by the most frequent section\n",
              with_graph, without, guess);
  return with_graph > guess ? 0 : 1;
}
