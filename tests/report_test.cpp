// The progress bar, confusion matrices and grids of pictures.
#include <xgrad/report/confusion.hpp>
#include <xgrad/report/image_grid.hpp>
#include <xgrad/report/progress.hpp>

#include <xgrad/graph/basic.hpp>
#include <xgrad/ops/shape.hpp>

#include <catch2/catch.hpp>

#include <cmath>
#include <sstream>

using namespace xgrad;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;
using report::Metric;
using report::Progress;
using report::ProgressOptions;

namespace {

double fake_time = 0;
double fake_clock() { return fake_time; }

// What stands on a terminal after these bytes: lines end with LF, CR goes back to the start, colours are left out.
std::string screen(const std::string& text) {
  std::string done, line;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      while (!std::isalpha(static_cast<unsigned char>(text[i]))) ++i;
    } else if (text[i] == '\r') {
      line.clear();
    } else if (text[i] == '\n') {
      done += line + "\n";
      line.clear();
    } else {
      line += text[i];
    }
  }
  return done + line;
}

int width_of(const std::string& text) {
  int n = 0;
  for (char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

ProgressOptions on_terminal(std::ostream& out, int width = 100) {
  fake_time = 0;
  return {.verbose = 1, .out = &out, .terminal = ProgressOptions::Terminal::yes, .width = width, .clock = fake_clock};
}

ProgressOptions in_file(std::ostream& out, int verbose = 1) {
  fake_time = 0;
  return {.verbose = verbose, .out = &out, .clock = fake_clock};
}

const std::vector<Metric> metrics = {{"accuracy", 0.89123}, {"loss", 0.3012}};

}  // namespace

TEST_CASE("a terminal shows the epoch, a bar, times and metrics as Keras does", "[progress]") {
  std::ostringstream out;
  Progress progress(1, 5, 1875, on_terminal(out));
  CHECK(screen(out.str()) == "Epoch 1/5\n");
  for (int step = 1; step <= 1875; ++step) {
    fake_time += 0.001;
    progress.update(step, metrics);
  }
  fake_time = 2.2;
  const std::vector<Metric> last = {{"accuracy", 0.8912}, {"loss", 0.3012}, {"val_loss", 0.0005}};
  progress.finish(last);
  CHECK(screen(out.str()) ==
        "Epoch 1/5\n1875/1875 ━━━━━━━━━━━━━━━━━━━━ 2s 1ms/step - accuracy: 0.8912 - loss: 0.3012 "
        "- val_loss: 5.0000e-04\n");
}

TEST_CASE("a running epoch shows what is done and the time left", "[progress]") {
  std::ostringstream out;
  ProgressOptions options = on_terminal(out);
  options.color = false;
  Progress progress(2, 3, 100, options);
  fake_time = 5;
  progress.update(1, metrics);
  fake_time = 8;
  progress.update(51, metrics);
  // 50 steps in the 3 seconds after the first step; 49 are left.
  CHECK(screen(out.str()) == "Epoch 2/3\n 51/100 ━━━━━━━━━━────────── 3s 60ms/step - accuracy: 0.8912 - loss: 0.3012");
  progress.finish(metrics);
}

TEST_CASE("the bar is redrawn at most every interval", "[progress]") {
  std::ostringstream out;
  Progress progress(1, 1, 1000, on_terminal(out));
  int due = 0;
  for (int step = 1; step <= 1000; ++step) {
    fake_time += 0.001;
    due += progress.due();
    progress.update(step, metrics);
  }
  progress.finish(metrics);
  const std::string text = out.str();
  const auto drawings = std::count(text.begin(), text.end(), '\r');
  CHECK(due >= 9);
  CHECK(due <= 11);
  CHECK(drawings == due + 1);
}

TEST_CASE("a running line never passes the terminal's width", "[progress]") {
  for (const bool color : {false, true})
    for (int width = 1; width < 90; ++width) {
      std::ostringstream out;
      ProgressOptions options = on_terminal(out, width);
      options.color = color;
      Progress progress(1, 1, 1875, options);
      fake_time = 1;
      progress.update(900, metrics);
      const std::string shown = screen(out.str());
      const std::string line = shown.substr(shown.find('\n') + 1);
      INFO(line);
      if (width > 11) CHECK(width_of(line) < width);
      if (width > 70) CHECK_THAT(line, Contains("━") && Contains("loss: 0.3012"));
    }
}

TEST_CASE("a file gets one line an epoch without control characters", "[progress]") {
  std::ostringstream out;
  for (int epoch = 1; epoch <= 2; ++epoch) {
    Progress progress(epoch, 2, 10, in_file(out));
    for (int step = 1; step <= 10; ++step) {
      fake_time += 0.5;
      CHECK_FALSE(progress.due());
      progress.update(step, metrics);
    }
    progress.finish(metrics);
    progress.finish(metrics);
  }
  CHECK(out.str() == "Epoch 1/2 - 10/10 - 5s - 500ms/step - accuracy: 0.8912 - loss: 0.3012\n"
                     "Epoch 2/2 - 10/10 - 5s - 500ms/step - accuracy: 0.8912 - loss: 0.3012\n");
}

TEST_CASE("verbose 0 is silent and verbose 2 prints Keras's two lines", "[progress]") {
  std::ostringstream silent, lines;
  Progress none(1, 2, 3, in_file(silent, 0));
  none.update(1, metrics);
  none.finish(metrics);
  CHECK(silent.str().empty());
  Progress two(1, 2, 3, in_file(lines, 2));
  fake_time = 0.0003;
  two.update(1);
  two.finish(metrics);
  CHECK(lines.str() == "Epoch 1/2\n3/3 - 0s - 0us/step - accuracy: 0.8912 - loss: 0.3012\n");
  CHECK_THROWS_AS(Progress(1, 1, 1, {.verbose = 3}), ValueError);
}

TEST_CASE("evaluation has no epoch line, and the number of steps may be unknown", "[progress]") {
  std::ostringstream out;
  Progress evaluate(0, 0, 0, on_terminal(out));
  fake_time = 3;
  evaluate.update(7);
  CHECK(screen(out.str()) == "7/Unknown 3s 429ms/step");
  evaluate.finish();
  CHECK(screen(out.str()) == "7/Unknown 3s 429ms/step\n");
  std::ostringstream file;
  Progress(0, 0, 4, in_file(file)).finish(metrics);
  CHECK_THAT(file.str(), StartsWith("4/4 - 0s - "));
}

TEST_CASE("a bar that is given up leaves the terminal on a new line", "[progress]") {
  std::ostringstream out;
  {
    Progress progress(1, 1, 10, on_terminal(out));
    progress.update(3, metrics);
  }
  CHECK_THAT(out.str(), EndsWith("\n"));
}

TEST_CASE("the bar can be plain ASCII", "[progress]") {
  std::ostringstream out;
  ProgressOptions options = on_terminal(out);
  options.color = false;
  options.ascii = true;
  Progress progress(1, 1, 4, options);
  progress.update(1);
  CHECK_THAT(screen(out.str()), Contains("1/4 =====..............."));
  progress.finish();
}

TEST_CASE("numbers and times are written as Keras writes them", "[progress]") {
  const auto one = [](double value) { return report::format_metrics(std::vector<Metric>{{"m", value}}); };
  CHECK(one(0.30125) == " - m: 0.3013");
  CHECK(one(1234.5) == " - m: 1234.5000");
  CHECK(one(0.001) == " - m: 1.0000e-03");
  CHECK(one(-2) == " - m: -2.0000");
  CHECK(one(0) == " - m: 0.0000e+00");
  CHECK(one(NAN) == " - m: nan");
  CHECK(one(1e300).size() > 300);
  CHECK(report::format_duration(59.4) == "59s");
  CHECK(report::format_duration(65) == "1:05");
  CHECK(report::format_duration(3723) == "1:02:03");
  CHECK(report::format_duration(-1) == "0s");
  CHECK(report::format_step_time(12) == "12s/step");
  CHECK(report::format_step_time(0.0032) == "3ms/step");
  CHECK(report::format_step_time(0.00004) == "40us/step");
  CHECK(report::format_step_time(0.00099999) == "1ms/step");
  CHECK(report::format_step_time(0.9999) == "1s/step");
}

TEST_CASE("a confusion matrix counts true classes by rows and predicted ones by columns", "[confusion]") {
  const Tensor matrix = report::confusion_matrix(tensor({0, 0, 1, 2}, {.dtype = uint8}), tensor({0, 1, 1, 0}));
  CHECK(matrix.dtype() == int64);
  CHECK(matrix.shape() == Shape{3, 3});
  CHECK(matrix.to_vector<int>() == std::vector<int>{1, 1, 0, 0, 1, 0, 1, 0, 0});
  CHECK(report::confusion_matrix(reshape(tensor({1, 0}), {2, 1}), tensor({1, 0}), 4).shape() == Shape{4, 4});
  CHECK(report::confusion_matrix(zeros({0}), zeros({0})).shape() == Shape{0, 0});
}

TEST_CASE("scores count as the class of the largest one", "[confusion]") {
  const Tensor scores = tensor({{0.1, 0.8, 0.1}, {0.5, 0.5, 0}, {0, NAN, 1}});
  const Tensor matrix = report::confusion_matrix(tensor({1, 0, 1}), scores);
  CHECK(matrix.to_vector<int>() == std::vector<int>{1, 0, 0, 0, 2, 0, 0, 0, 0});
}

TEST_CASE("classes out of range and unequal lengths are errors that say where", "[confusion]") {
  CHECK_THROWS_WITH(report::confusion_matrix(tensor({0, 3}), tensor({0, 1}), 3),
                    Contains("labels from 0 to 2") && Contains("got 3 at position 1"));
  CHECK_THROWS_WITH(report::confusion_matrix(tensor({0}), tensor({-1})), Contains("predictions") && Contains("got -1"));
  CHECK_THROWS_WITH(report::confusion_matrix(tensor({0.5}), tensor({0})), Contains("0.5"));
  CHECK_THROWS_AS(report::confusion_matrix(tensor({0, 1}), tensor({0})), ShapeError);
  CHECK_THROWS_AS(report::confusion_matrix(zeros({}), zeros({})), ShapeError);
  CHECK_THROWS_AS(report::confusion_matrix(Tensor(std::int64_t{1} << 40), tensor({0})), ShapeError);
  CHECK_THROWS_AS(report::confusion_matrix(tensor({1e9}), tensor({0})), ValueError);
}

TEST_CASE("a confusion table is aligned and gives recall, precision and accuracy", "[confusion]") {
  const Tensor matrix = tensor(std::vector<std::int64_t>{845, 2, 0, 7, 90, 0, 0, 3, 0}, Shape{3, 3});
  CHECK(report::confusion_table(matrix, {"T-shirt/top", "Größe", "none"}) ==
        "true \\ predicted    0    1    2   recall  precision\n"
        "0 T-shirt/top     845    2    0   0.9976     0.9918\n"
        "1 Größe             7   90    0   0.9278     0.9474\n"
        "2 none              0    3    0   0.0000          -\n"
        "accuracy 0.9873 (935 of 947)\n");
  CHECK_THAT(report::confusion_table(zeros({0, 0})), Contains("accuracy -"));
  CHECK_THROWS_AS(report::confusion_table(zeros({2, 3})), ShapeError);
  CHECK_THROWS_AS(report::confusion_table(zeros({2, 2}), {"one"}), ValueError);
}

TEST_CASE("a grid of pictures has them row by row with padding around them", "[image_grid]") {
  const Tensor images = tensor({{{1, 2}}, {{3, 4}}, {{5, 6}}}, {.dtype = int32});
  const Tensor grid = report::image_grid(images, {.columns = 2, .padding = 1, .pad_value = 9});
  CHECK(grid.shape() == Shape{5, 7});
  CHECK(grid.to_vector<int>() == std::vector<int>{9, 9, 9, 9, 9, 9, 9,  //
                                                  9, 1, 2, 9, 3, 4, 9,  //
                                                  9, 9, 9, 9, 9, 9, 9,  //
                                                  9, 5, 6, 9, 9, 9, 9,  //
                                                  9, 9, 9, 9, 9, 9, 9});
  CHECK(grid.dtype() == int32);
  CHECK(report::image_grid(images, {.padding = 0}).to_vector<int>() == std::vector<int>{1, 2, 3, 4, 5, 6});
  const Tensor large = report::image_grid(tensor({{{1, 2}}}), {.padding = 0, .scale = 2});
  CHECK(large.to_vector<int>() == std::vector<int>{1, 1, 2, 2, 1, 1, 2, 2});
  const Tensor colours = report::image_grid(reshape(arange(24, {.dtype = uint8}), {2, 2, 2, 3}), {.padding = 0});
  CHECK(colours.shape() == Shape{2, 4, 3});
  CHECK(colours.dtype() == uint8);
  CHECK(slice(colours, {{0, 1}, {2, 4}}).to_vector<int>() == std::vector<int>{12, 13, 14, 15, 16, 17});
}

TEST_CASE("a grid of pictures normalizes all at once or each", "[image_grid]") {
  const Tensor images = tensor({{{0, 5}}, {{5, 10}}, {{7, 7}}});
  const auto grid = [&](report::ImageGridOptions o) {
    o.padding = 0;
    o.normalize = true;
    return report::image_grid(images, o).to_vector<double>();
  };
  CHECK(grid({})[5] == Approx(.7));
  CHECK(grid({.scale_each = true}) == std::vector<double>{0, 1, 0, 1, 0, 0});
  CHECK(grid({.value_range = {5, 6}}) == std::vector<double>{0, 0, 0, 1, 1, 1});
  CHECK_THROWS_WITH(report::image_grid(zeros({4})), Contains("got (4,)"));
  CHECK_THROWS_WITH(report::image_grid(zeros({0, 2, 2})), Contains("(0, 2, 2)"));
  CHECK_THROWS_WITH(grid({.columns = 0}), Contains("at least 1 column"));
  CHECK_THROWS_WITH(grid({.scale = 0}), Contains("scale"));
  CHECK_THROWS_WITH(grid({.value_range = {1, 0}}), Contains("1 to 0"));
  CHECK_THROWS_WITH(report::image_grid(images, {.padding = -1}), Contains("padding"));
}
