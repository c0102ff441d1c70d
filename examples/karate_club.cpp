/// A graph network on Zachary's karate club (Kipf and Welling 2017): 34 members, 78 friendships, and one member known
/// on each side when the club split. All else is told by who is whose friend. data/README.md says where the data is
/// from.

#include <xgrad/xgrad.hpp>

#include <cstdio>
#include <iostream>
#include <string_view>

using namespace xgrad;

namespace {

struct ClubNetwork {
  GCNConv first{16, {.activation = "tanh"}}, second{2};

  Tensor hidden(const Tensor& x, const Tensor& edges) const { return first({x, edges}); }
  Tensor operator()(const Tensor& x, const Tensor& edges) const { return second({hidden(x, edges), edges}); }
  void each(Visit visit) {
    visit("first", first);
    visit("second", second);
  }
};

/// The two principal components, from -1 to 1.
Tensor places(const Tensor& hidden) {
  const Tensor centred = hidden - mean(hidden, 0);
  const auto [u, s, vh] = svd(centred, false);
  const Tensor two = slice(u, {{}, {0, 2}});
  return (two / max(abs(two), 0)).eval();
}

Tensor points(const Tensor& places) { return cast(rint(250 + 220 * places), int64); }

/// Members as dots, coloured by the side they took, where the network puts them; friendships as lines.
Tensor picture(const Tensor& places, const Tensor& edges, const Tensor& sides) {
  const Tensor from = expand_dims(take(places, take(edges, 0)), 1), to = expand_dims(take(places, take(edges, 1)), 1);
  const Tensor along = expand_dims(linspace(0, 1, 400), -1);
  const Tensor white = full({501, 501, 3}, 255, {.dtype = uint8});
  const Tensor grey = tensor({200, 200, 200}, {.dtype = uint8});
  const Tensor lines = scatter_update(white, points(from + along * (to - from)), grey);
  const std::vector<Tensor> square = meshgrid({arange(9) - 4, arange(9) - 4});
  const Tensor around = stack({ravel(square[0]), ravel(square[1])}, 1);
  const Tensor colours = take(tensor({{31, 119, 180}, {255, 127, 14}}, {.dtype = uint8}), sides);
  return scatter_update(lines, expand_dims(points(places), 1) + around, expand_dims(colours, 1));
}

}  // namespace

int main(int count, char** arguments) {
  const std::string folder = count > 1 ? arguments[1] : "data";
  try {
    const data::Table friends = data::read_csv(folder + "/karate_club_friends.csv");
    const Tensor pairs = transpose(friends.numeric({}, int64));
    const Tensor edges = concatenate({pairs, flip(pairs, 0)}, 1).eval();
    const Tensor sides = ravel(data::read_csv(folder + "/karate_club_members.csv").target("side", int64)).eval();
    const Tensor x = identity(34).eval(), known = tensor({0, 33}, {.dtype = int64});

    set_random_seed(1);
    ClubNetwork network;
    network(x, edges);
    optimizers::Adam adam({.learning_rate = .01, .weight_decay = 5e-4});
    auto step = capture([&] {
      const Tensor scores = take(network(x, edges), known);
      const Tensor loss = mean(losses::sparse_categorical_crossentropy(take(sides, known), scores, true));
      adam.minimize(loss, parameters(network));
      return loss;
    });
    for (int epoch = 1; epoch <= 300; ++epoch) {
      const Tensor loss = step();
      if (epoch % 100 == 0) std::printf("epoch %3d: loss %.4f\n", epoch, loss.item());
    }

    const Tensor found = argmax(network(x, edges), -1), wrong = not_equal(found, sides);
    io::save_png("karate_club.png", picture(places(network.hidden(x, edges)), edges, sides));
    std::cout << "the club as the network sees it: karate_club.png\n";
    const Tensor strays = flatnonzero(wrong);
    std::cout << strays.size() << " of 32 members on the wrong side: " << strays << "\n";
    return strays.size() <= 2 ? 0 : 1;
  } catch (const Error& error) {
    std::cerr << "karate_club: " << error.what() << "\n";
    return 2;
  }
}
