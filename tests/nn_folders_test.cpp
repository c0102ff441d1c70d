#include <catch2/catch.hpp>
#include <xgrad/io/png.hpp>
#include <xgrad/nn/folders.hpp>
#include <xgrad/nn/sequential.hpp>
#include <xgrad/nn/text.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include <unistd.h>

using namespace xgrad;
namespace fs = std::filesystem;

namespace {

std::vector<double> values(const Tensor& t) { return t.to_vector<double>(); }

struct Folder {
  fs::path path = fs::temp_directory_path() / ("xgrad_folders_" + std::to_string(getpid()));
  Folder() {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
  std::string name() const { return path.string(); }
  /// A picture of one value, in a folder of its class.
  void picture(const std::string& file, int value, const Shape& shape = {4, 6, 3}) const {
    fs::create_directories((path / file).parent_path());
    io::save_png((path / file).string(), full(shape, value, {.dtype = uint8}));
  }
  void text(const std::string& file, const std::string& contents) const {
    fs::create_directories((path / file).parent_path());
    std::ofstream(path / file, std::ios::binary) << contents;
  }
};

Folder pictures() {
  Folder folder;
  for (int i = 0; i < 6; ++i) {
    folder.picture("cats/" + std::to_string(i) + ".png", 10 + i);
    folder.picture("dogs/deep/" + std::to_string(i) + ".PNG", 100 + i, {8, 3, 3});
  }
  folder.text("cats/readme.md", "no picture");
  return folder;
}

/// All values of an epoch with their labels.
std::multiset<std::pair<double, double>> epoch_of(const ImageFolder& folder, std::int64_t epoch) {
  std::multiset<std::pair<double, double>> out;
  for (std::int64_t step = 0; step < folder.batches(); ++step) {
    const Dataset batch = folder.batch(epoch, step);
    const std::vector<double> x = values(mean(batch.x[0], {1, 2, 3})), y = values(batch.y[0]);
    for (std::size_t i = 0; i < x.size(); ++i) out.emplace(x[i], y[i]);
  }
  return out;
}

}  // namespace

TEST_CASE("pictures of folders come in batches with the folders' labels") {
  const Folder folder = pictures();
  const ImageFolder data =
      image_dataset_from_directory(folder.name(), {.batch_size = 5, .image_size = {4, 4}, .shuffle = false});
  CHECK(data.class_names == std::vector<std::string>{"cats", "dogs"});
  CHECK(data.size() == 12);
  CHECK(data.batches() == 3);
  const Dataset first = data.batch(0, 0), last = data.batch(0, 2);
  CHECK(first.x[0].shape() == Shape{5, 4, 4, 3});
  CHECK(first.x[0].dtype() == float32);
  CHECK(values(first.y[0]) == std::vector<double>(5, 0));
  CHECK(last.x[0].dim(0) == 2);
  CHECK(values(last.y[0]) == std::vector<double>(2, 1));
  CHECK(values(mean(first.x[0], {1, 2, 3})) == std::vector<double>{10, 11, 12, 13, 14});
  CHECK_THROWS_WITH(data.batch(0, 3), Catch::Contains("0 to 2, got 3"));

  // Shuffled: another order each epoch, the same files; the same seed gives the same order.
  const ImageFolderOptions shuffled{.batch_size = 5, .image_size = {2, 2}, .seed = 3};
  const ImageFolder mixed = image_dataset_from_directory(folder.name(), shuffled);
  CHECK(epoch_of(mixed, 0) == epoch_of(data, 0));
  CHECK(values(mixed.batch(0, 0).x[0]) != values(mixed.batch(1, 0).x[0]));
  CHECK(values(image_dataset_from_directory(folder.name(), shuffled).batch(1, 0).x[0]) ==
        values(mixed.batch(1, 0).x[0]));
}

TEST_CASE("labels, colours and sizes are what the options say") {
  const Folder folder = pictures();
  const auto first = [&](const ImageFolderOptions& options) {
    return image_dataset_from_directory(folder.name(), options).batch(0, 0);
  };
  ImageFolderOptions o{.color_mode = "grayscale", .image_size = {3, 2}, .shuffle = false};
  o.label_mode = "categorical";
  CHECK(first(o).x[0].shape() == Shape{12, 3, 2, 1});
  CHECK(first(o).y[0].shape() == Shape{12, 2});
  CHECK(values(first(o).y[0])[0] == 1);
  o.label_mode = "binary";
  CHECK(first(o).y[0].shape() == Shape{12, 1});
  CHECK(first(o).y[0].dtype() == float32);
  o.class_names = {"dogs", "cats"};
  CHECK(values(first(o).y[0])[0] == 0);
  CHECK(values(mean(first(o).x[0], {1, 2, 3}))[0] == Approx(100));
  o.class_names = {"dogs", "cat"};
  CHECK_THROWS_WITH(first(o), Catch::Contains("'cats', 'dogs'"));
  o.class_names = {};
  o.labels = std::vector<std::int64_t>{0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1};
  CHECK(values(first(o).y[0])[1] == 1);
  o.labels = std::vector<std::int64_t>{1};
  CHECK_THROWS_WITH(first(o), Catch::Contains("each of 12 files") && Catch::Contains("got 1"));
  o.labels = "";
  CHECK_FALSE(first(o).y.defined());
  o.color_mode = "rgba";
  o.pad_to_aspect_ratio = true;
  CHECK(first(o).x[0].shape() == Shape{12, 3, 2, 4});
  // With a frame the picture's own numbers are still there, and so is the frame's 0.
  const Tensor framed = slice_axis(slice_axis(first(o).x[0], 0, {0, 1}), 3, {0, 1});
  CHECK(min(framed).item() < 1);
  CHECK_THROWS_WITH(FolderLabels("infered"), Catch::Contains("'inferred'"));
}

TEST_CASE("subsets share no file and together hold all") {
  const Folder folder = pictures();
  const auto part = [&](const char* subset, double split = .25) {
    return image_dataset_from_directory(folder.name(), {.seed = 5, .validation_split = split, .subset = subset});
  };
  const ImageFolder training = part("training"), validation = part("validation");
  CHECK(training.size() == 9);
  CHECK(validation.size() == 3);
  std::set<std::string> all(training.file_paths.begin(), training.file_paths.end());
  all.insert(validation.file_paths.begin(), validation.file_paths.end());
  CHECK(all.size() == 12);
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(validation.labels[i] == (validation.file_paths[i].find("dogs") != std::string::npos ? 1 : 0));
  CHECK_THROWS_WITH(part("train"), Catch::Contains("'training' or 'validation'"));
  CHECK_THROWS_WITH(part("training", 1.5), Catch::Contains("validation_split"));
  CHECK_THROWS_WITH(image_dataset_from_directory(folder.name(), {.validation_split = .5, .subset = "training"}),
                    Catch::Contains("seed"));
}

TEST_CASE("a model is fitted on a folder of pictures, and damaged files are named") {
  const Folder folder = pictures();
  set_random_seed(2);
  Sequential model{Flatten({.input_shape = {4, 4, 3}}), Rescaling(1. / 255), Dense(2, {.activation = "softmax"})};
  model.compile(
      {.optimizer = optimizers::Adam(.1), .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  const ImageFolder data =
      image_dataset_from_directory(folder.name(), {.batch_size = 4, .image_size = {4, 4}, .seed = 1});
  model.fit(data, {.epochs = 30, .verbose = 0});
  CHECK(model.evaluate(data)["accuracy"] == 1);

  folder.text("cats/zz.png", "\x89PNG\r\n\x1a\nthis is no picture");
  const ImageFolder damaged =
      image_dataset_from_directory(folder.name(), {.batch_size = 13, .image_size = {4, 4}, .shuffle = false});
  CHECK_THROWS_AS(damaged.batch(0, 0), IoError);
  CHECK_THROWS_WITH(model.evaluate(damaged), Catch::Contains("cats/zz.png"));
  CHECK_THROWS_WITH(image_dataset_from_directory(folder.name() + "/none"), Catch::Contains("expected a folder"));
  fs::create_directories(folder.path / "empty");
  CHECK_THROWS_WITH(image_dataset_from_directory((folder.path / "empty").string()), Catch::Contains(".png"));
}

TEST_CASE("texts of folders are read batch by batch and made numbers") {
  Folder folder;
  for (int i = 0; i < 4; ++i) {
    folder.text("good/" + std::to_string(i) + ".txt", "a good film number " + std::to_string(i));
    folder.text("bad/" + std::to_string(i) + ".txt", "bad");
  }
  folder.text("good/empty.txt", "");
  const TextFolder data =
      text_dataset_from_directory(folder.name(), {.batch_size = 4, .max_length = 6, .shuffle = false});
  CHECK(data.class_names == std::vector<std::string>{"bad", "good"});
  const auto [texts, labels] = data.batch(0, 1);
  CHECK(texts == std::vector<std::string>{"a good", "a good", "a good", "a good"});
  CHECK(values(labels) == std::vector<double>(4, 1));
  CHECK(data.batch(0, 2).first == std::vector<std::string>{""});
  TextVectorization vectorize({.output_mode = "multi_hot"});
  vectorize.adapt(data.texts());
  set_random_seed(2);
  Sequential model{Dense(2, {.activation = "softmax"})};
  model.compile(
      {.optimizer = optimizers::Adam(.1), .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  const BatchSource source = data.map([&](const std::vector<std::string>& batch) { return vectorize(batch); });
  model.fit(source, {.epochs = 20, .verbose = 0});
  CHECK(model.evaluate(source)["accuracy"] > .85);
  fs::remove(folder.path / "good/2.txt");
  CHECK_THROWS_WITH(data.batch(0, 1), Catch::Contains("good/2.txt"));
  CHECK_THROWS_WITH(text_dataset_from_directory(folder.name(), {.label_mode = "multi"}), Catch::Contains("label_mode"));
}

TEST_CASE("pictures become arrays and files again") {
  const Folder folder;
  const std::string path = folder.name() + "/a.png";
  const Tensor x = reshape(cast(arange(24), float32), {2, 4, 3});
  save_img(path, x, {.scale = false});
  CHECK(values(load_img(path)) == values(x));
  CHECK(load_img(path).dtype() == uint8);
  CHECK(img_to_array(load_img(path, {.color_mode = "grayscale"})).shape() == Shape{2, 4, 1});
  CHECK(load_img(path, {.target_size = {4, 8}}).shape() == Shape{4, 8, 3});
  save_img(path, x);
  CHECK(max(load_img(path)).item() == 255);
  CHECK_THROWS_WITH(load_img(folder.name() + "/b.png"), Catch::Contains("b.png"));
  CHECK_THROWS_WITH(load_img(path, {.color_mode = "rbg"}), Catch::Contains("did you mean 'rgb'"));
  CHECK_THROWS_AS(img_to_array(ones({2})), ShapeError);
}
