/// Regression from a CSV file: how many miles a gallon lasts, from a car's measures, with the network Dense(5, relu),
/// Dense(5, relu), Dense(1), trained by compile and fit. The file may be given; data/README.md says what it is.

#include <xgrad/xgrad.hpp>

#include <cstdio>
#include <exception>
#include <iostream>

using namespace xgrad;

namespace {

int run(const char* path) {
  const data::Table cars =
      data::read_csv(path, {.columns = {"wheel_base", "length", "width", "height", "weight", "cylinders", "engine_size",
                                        "bore", "stroke", "compression", "horsepower", "peak_rpm", "city_mpg"},
                            .missing = data::missing_drops_row});
  const auto [x, x_held_out, y, y_held_out] =
      data::train_test_split(cars.predictors("city_mpg"), cars.target("city_mpg"), {.test_size = 0.25, .seed = 1});
  std::cout << cars.rows() << " cars, " << x.dim(1) << " predictors; " << y_held_out.dim(0) << " rows are held out\n";

  // What is held out says nothing about the scales either.
  data::Standardizer scale;
  const Tensor inputs = scale.fit_transform(x), inputs_held_out = scale.transform(x_held_out);

  set_random_seed(1);
  Sequential model{
      Dense(5, {.activation = "relu", .input_shape = {x.dim(1)}}),
      Dense(5, {.activation = "relu"}),
      Dense(1),
  };
  model.compile({.optimizer = optimizers::Adam(0.01), .loss = "mean_squared_error", .metrics = {"mae"}});
  model.summary();
  const History history = model.fit(inputs, y, {.batch_size = 16, .epochs = 200, .verbose = 0});
  std::printf("training: MSE %.1f after epoch 1, %.2f after epoch 200\n", history["loss"].front(),
              history["loss"].back());

  const Logs found = model.evaluate(inputs_held_out, y_held_out);
  const double by_mean = mean(square(y_held_out - mean(y))).item();
  std::printf("held out: MSE %.2f, mean error %.2f miles; always saying the mean has MSE %.2f\n", found["loss"],
              found["mae"], by_mean);

  const std::vector<float> guesses = model.predict(inputs_held_out).to_vector<float>();
  const std::vector<float> truth = y_held_out.to_vector<float>();
  for (int i = 0; i < 5; ++i) std::printf("  predicted %5.1f, was %5.1f\n", guesses[i], truth[i]);
  // Seeds differ; all tried ended below a third of what the mean alone reaches.
  return found["loss"] < by_mean / 3 ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  const char* path = count > 1 ? arguments[1] : "data/automobiles.csv";
  try {
    return run(path);
  } catch (const IoError& error) {
    std::cerr << error.what() << "\nusage: csv_regression [examples/data/automobiles.csv]\n";
    return 2;
  }
}
