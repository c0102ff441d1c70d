// The same workloads in libtorch. Adam twice: its optimizer class, and the fused kernel, for which it has no class.
#include "side_parts.hpp"
#include "side_torch.hpp"

#include <zlib.h>

namespace {

using bench::floats;
using bench::FusedAdam;
using bench::Variant;
using bench::Workload;

using Sizes = std::vector<std::int64_t>;

struct Batches {
  std::vector<at::Tensor> x, y;
  std::size_t at = 0;
  Batches(std::int64_t rows, std::int64_t columns, std::uint64_t count) {
    for (std::uint64_t i = 0; i < count; ++i) {
      x.push_back(floats(100 + i, {rows, columns}, 2));
      y.push_back(bench::label_tensor(500 + i, rows));
    }
  }
  void next() { at = (at + 1) % x.size(); }
};

torch::nn::Sequential make_model(const Sizes& sizes, double dropout = 0) {
  torch::nn::Sequential model;
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    torch::nn::Linear layer(sizes[i], sizes[i + 1]);
    const torch::NoGradGuard no_grad;
    const float scale = 1 / std::sqrt(static_cast<float>(sizes[i]));
    layer->weight.copy_(floats(i, {sizes[i], sizes[i + 1]}, scale).t());
    layer->bias.zero_();
    model->push_back(layer);
    if (i + 2 < sizes.size()) model->push_back(torch::nn::ReLU());
    if (i + 2 < sizes.size() && dropout > 0) model->push_back(torch::nn::Dropout(dropout));
  }
  return model;
}

template <class Adam>
struct Trained {
  torch::nn::Sequential model;
  Adam adam;
  Batches batches;
  Trained(const Sizes& sizes, std::int64_t rows, std::uint64_t count)
      : model(make_model(sizes)), adam(model->parameters()), batches(rows, sizes[0], count) {}
  double step() {
    batches.next();
    adam.zero_grad();
    const at::Tensor z = model->forward(batches.x[batches.at]);
    at::Tensor loss = torch::nn::functional::cross_entropy(z, batches.y[batches.at]);
    loss.backward();
    adam.step();
    return loss.item<double>();
  }
};

Workload train(const Sizes& sizes, std::int64_t rows, std::uint64_t count) {
  auto adam = std::make_shared<Trained<torch::optim::Adam>>(sizes, rows, count);
  auto fused = std::make_shared<Trained<FusedAdam>>(sizes, rows, count);
  const auto check = [=] {
    Trained<torch::optim::Adam> fresh(sizes, rows, count);
    double loss = 0;
    for (int i = 0; i < 20; ++i) loss = fresh.step();
    return std::vector<std::pair<std::string, double>>{{"loss of step 20", loss}};
  };
  return {{{"torch::optim::Adam", [=] { adam->step(); }}, {"at::_fused_adam_", [=] { fused->step(); }}}, check};
}

at::Tensor leaf(double value) { return torch::full({1}, value, torch::dtype(at::kDouble).requires_grad(true)); }
at::Tensor scalar(double value) { return torch::full({1}, value, at::kDouble); }

constexpr int links = 334;  // of three operations each

at::Tensor chain(const at::Tensor& t0, const at::Tensor& a, const at::Tensor& b) {
  at::Tensor t = t0;
  for (int i = 0; i < links; ++i) t = torch::tanh(t * a + b);
  return t;
}

std::vector<at::Tensor> starts() {
  std::vector<at::Tensor> out;
  for (int i = 0; i < 64; ++i) out.push_back(leaf(.3 + .001 * i));
  return out;
}

Workload run_chain() {
  const at::Tensor a = leaf(.9), b = leaf(.1);
  const auto run = [=, t0 = starts(), at = 0]() mutable {
    const torch::NoGradGuard no_grad;
    chain(t0[++at % 64], a, b).item<double>();
  };
  return {{{"run, no gradient", run, 3.0 * links}}};
}

Workload differentiate_chain() {
  const at::Tensor a = leaf(.9), b = leaf(.1);
  const auto run = [=](const at::Tensor& t0) {
    t0.mutable_grad() = a.mutable_grad() = b.mutable_grad() = at::Tensor();
    const at::Tensor t = chain(t0, a, b);
    t.backward();
    return t.item<double>() + a.grad().item<double>() + b.grad().item<double>();
  };
  const auto check = [=] {
    return std::vector<std::pair<std::string, double>>{{"y + dy/da + dy/db", run(leaf(.3))}};
  };
  return {{{"backward", [=, t0 = starts(), at = 0]() mutable { run(t0[++at % 64]); }, 3.0 * links}}, check};
}

struct TwoNeurons {
  at::Tensor w1 = leaf(.15), b1 = leaf(.40), w2 = leaf(.45), b2 = leaf(.90), target = scalar(.25);
  torch::optim::SGD sgd{{w1, b1, w2, b2}, torch::optim::SGDOptions(.4)};
  std::vector<at::Tensor> xs;
  std::size_t at = 0;
  TwoNeurons() {
    for (int i = 0; i < 64; ++i) xs.push_back(scalar(.1 + .001 * i));
  }
  at::Tensor output() { return torch::sigmoid(w2 * torch::sigmoid(w1 * xs[at++ % 64] + b1) + b2); }
  double optimizer() {
    sgd.zero_grad();
    const at::Tensor e = .5 * (target - output()).pow(2);
    e.backward();
    sgd.step();
    return e.item<double>();
  }
  double written_out() {
    const at::Tensor d = target - output();
    const at::Tensor e = .5 * (d * d);
    const std::vector<at::Tensor> g = torch::autograd::grad({e}, {w1, b1, w2, b2});
    const torch::NoGradGuard no_grad;
    w1.sub_(g[0], .4);
    b1.sub_(g[1], .4);
    w2.sub_(g[2], .4);
    b2.sub_(g[3], .4);
    return e.item<double>();
  }
};

Workload two_neurons() {
  auto optimizer = std::make_shared<TwoNeurons>(), formula = std::make_shared<TwoNeurons>();
  const auto check = [] {
    TwoNeurons fresh;
    double error = 0;
    for (int i = 0; i < 20; ++i) error = fresh.optimizer();
    return std::vector<std::pair<std::string, double>>{{"error of step 20", error}};
  };
  return {{{"torch::optim::SGD", [=] { optimizer->optimizer(); }}, {"written out", [=] { formula->written_out(); }}},
          check};
}

/// The bytes after the header of a gzip-compressed IDX file.
std::vector<unsigned char> read_idx(const std::string& name, std::size_t header) {
  const std::string path = "/usr/share/datasets/fashion-mnist/" + name + ".gz";
  const gzFile file = gzopen(path.c_str(), "rb");
  TORCH_CHECK(file, "cannot open ", path);
  std::vector<unsigned char> bytes;
  unsigned char part[65536];
  for (int got; (got = gzread(file, part, sizeof part)) > 0;) bytes.insert(bytes.end(), part, part + got);
  gzclose(file);
  TORCH_CHECK(bytes.size() > header, path, " is too short");
  bytes.erase(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(header));
  return bytes;
}

at::Tensor read_images(const std::string& name) {
  std::vector<unsigned char> bytes = read_idx(name, 16);
  return torch::from_blob(bytes.data(), {static_cast<std::int64_t>(bytes.size()) / 784, 784}, at::kByte)
      .to(at::kFloat)
      .div_(255);
}

at::Tensor read_labels(const std::string& name) {
  std::vector<unsigned char> bytes = read_idx(name, 8);
  return torch::from_blob(bytes.data(), {static_cast<std::int64_t>(bytes.size())}, at::kByte).to(at::kLong);
}

template <class Adam>
struct FashionMnist {
  at::Tensor x = read_images("train-images-idx3-ubyte"), y = read_labels("train-labels-idx1-ubyte");
  torch::nn::Sequential model = make_model({784, 128, 10}, .2);
  Adam adam{model->parameters()};
  void epoch() {
    model->train();
    const at::Tensor order = torch::randperm(60000, at::kLong);
    for (std::int64_t i = 0; i < 60000; i += 128) {
      const at::Tensor rows = order.slice(0, i, std::min<std::int64_t>(i + 128, 60000));
      adam.zero_grad();
      torch::nn::functional::cross_entropy(model->forward(x.index_select(0, rows)), y.index_select(0, rows)).backward();
      adam.step();
    }
  }
  double accuracy() {
    model->eval();
    const torch::NoGradGuard no_grad;
    const at::Tensor z = model->forward(read_images("t10k-images-idx3-ubyte"));
    return (z.argmax(1) == read_labels("t10k-labels-idx1-ubyte")).to(at::kDouble).mean().item<double>();
  }
};

template <class Adam>
Workload fashion_mnist(const char* name) {
  torch::manual_seed(1);
  auto job = std::make_shared<FashionMnist<Adam>>();
  const auto values = [=] {
    const double memory = bench::peak_memory();
    return std::vector<std::pair<std::string, double>>{{"test accuracy", job->accuracy()}, {"peak MB", memory}};
  };
  return {{{name, [=] { job->epoch(); }}}, values};
}

Workload one_image() {
  auto model = make_model({784, 128, 10});
  model->eval();
  auto batches = std::make_shared<Batches>(1, 784, 64);
  const auto check = [=]() mutable {
    const c10::InferenceMode inference;
    return std::vector<std::pair<std::string, double>>{
        {"first output", model->forward(batches->x[0]).sum().item<double>()}};
  };
  const auto layers = [=]() mutable {
    const c10::InferenceMode inference;
    batches->next();
    model->forward(batches->x[batches->at]).data_ptr<float>()[0];
  };
  const auto formula = [batches, p = model->parameters()] {
    const c10::InferenceMode inference;
    batches->next();
    at::addmm(p[3], at::addmm(p[1], batches->x[batches->at], p[0].t()).relu_(), p[2].t()).data_ptr<float>()[0];
  };
  return {{{"layers, InferenceMode", layers}, {"at::addmm, InferenceMode", formula}}, check};
}

Workload open(const std::string& name) {
  if (name == "W1") return train({784, 128, 10}, 32, 64);
  if (name == "W2") return train({784, 1024, 1024, 10}, 256, 16);
  if (name == "W5") return bench::open_transformer();
  if (name == "W7.record") return run_chain();
  if (name == "W7.chain") return differentiate_chain();
  if (name == "W7.neurons") return two_neurons();
  if (name == "W11") return fashion_mnist<torch::optim::Adam>("torch::optim::Adam");
  if (name == "W11.fused") return fashion_mnist<FusedAdam>("at::_fused_adam_");
  if (name == "W13") return one_image();
  if (Workload formula = bench::open_formula(name); !formula.variants.empty()) return formula;
  if (Workload network = bench::open_images(name); !network.variants.empty()) return network;
  if (Workload recurrent = bench::open_recurrent(name); !recurrent.variants.empty()) return recurrent;
  throw std::runtime_error("no workload is called '" + name + "'");
}

}  // namespace

int main(int count, char** words) { return bench::side_main(count, words, open); }
