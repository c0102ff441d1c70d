// The same formulas in libtorch, where it has a function for the whole, with that.
#include "side_parts.hpp"
#include "side_torch.hpp"

namespace {

using bench::Workload;
using Values = std::vector<std::pair<std::string, double>>;

/// Tensors that are used in turn.
struct Turns {
  std::vector<at::Tensor> all;
  std::size_t at = 0;
  Turns(std::uint64_t seed, std::vector<std::int64_t> shape, float scale, at::ScalarType dtype = at::kFloat,
        bool wanted = false) {
    std::int64_t size = 1;
    for (std::int64_t length : shape) size *= length;
    for (std::uint64_t i = 0; i < bench::turns(size); ++i)
      all.push_back(bench::floats(seed + i, shape, scale).to(dtype).requires_grad_(wanted));
  }
  at::Tensor& next() { return all[at++ % all.size()]; }
};

double first(const at::Tensor& t) { return static_cast<double>(t.data_ptr<float>()[0]); }

double total(const std::vector<at::Tensor>& tensors) {
  double all = 0;
  for (const at::Tensor& t : tensors) all += t.detach().to(at::kDouble).square().sum().item<double>();
  return all;
}

Workload elementwise(std::int64_t n) {
  struct Job {
    Turns x;
    at::Tensor w, b;
    at::Tensor run(at::Tensor& now, bool addcmul) {
      now.mutable_grad() = w.mutable_grad() = b.mutable_grad() = at::Tensor();
      const at::Tensor inner = addcmul ? torch::addcmul(b, now, w) : now * w + b;
      at::Tensor y = (torch::tanh(inner) * torch::exp(-now * now)).sum();
      y.backward();
      return y;
    }
    double look(const at::Tensor& now, const at::Tensor& y) {
      return y.item<double>() + first(now.grad()) + first(w.grad()) + first(b.grad());
    }
  };
  auto job = std::make_shared<Job>(Job{{100, {n}, 1, at::kFloat, true},
                                       bench::floats(1, {n}, 1).requires_grad_(true),
                                       bench::floats(2, {n}, 1).requires_grad_(true)});
  const auto step = [=](bool addcmul) {
    at::Tensor& now = job->x.next();
    job->look(now, job->run(now, addcmul));
  };
  const auto check = [=] {
    at::Tensor& now = job->x.all[0];
    const at::Tensor y = job->run(now, false);
    return Values{{"y", y.item<double>()},
                  {"squares of the gradients", total({now.grad(), job->w.grad(), job->b.grad()})}};
  };
  return {{{"backward", [=] { step(false); }}, {"addcmul and backward", [=] { step(true); }}}, check};
}

Workload product(std::int64_t n, at::ScalarType dtype) {
  auto a = std::make_shared<Turns>(100, std::vector<std::int64_t>{n, n}, 1.0f, dtype);
  const at::Tensor b = bench::floats(1, {n, n}, 1).to(dtype);
  const auto look = [](const at::Tensor& c) { return *static_cast<volatile const char*>(c.data_ptr()); };
  const auto fresh = [=] {
    const torch::NoGradGuard no_grad;
    look(at::mm(a->next(), b));
  };
  const auto reused = [=, out = torch::empty({n, n}, dtype)]() mutable {
    const torch::NoGradGuard no_grad;
    at::mm_out(out, a->next(), b);
    look(out);
  };
  const auto check = [=] { return Values{{"a . b, squares", total({at::mm(a->all[0], b)})}}; };
  return {{{"at::mm", fresh}, {"at::mm_out", reused}}, check};
}

struct Curvature {
  std::vector<at::Tensor> weights{bench::floats(0, {784, 128}, 1 / 28.0f), torch::zeros({128}),
                                  bench::floats(1, {128, 10}, 1 / std::sqrt(128.0f)), torch::zeros({10})};
  std::vector<Turns> directions;
  std::vector<at::Tensor> x, y;
  std::size_t at = 0;
  Curvature() {
    for (std::uint64_t i = 0; i < weights.size(); ++i) {
      weights[i].requires_grad_(true);
      directions.emplace_back(900 + 20 * i, weights[i].sizes().vec(), 1.0f);
    }
    for (std::uint64_t i = 0; i < 16; ++i) {
      x.push_back(bench::floats(100 + i, {32, 784}, 2));
      y.push_back(bench::label_tensor(500 + i, 32));
    }
  }
  std::vector<at::Tensor> run() {
    const at::Tensor h = torch::relu(torch::addmm(weights[1], x[at % 16], weights[0]));
    const at::Tensor z = torch::addmm(weights[3], h, weights[2]);
    const at::Tensor loss = torch::nn::functional::cross_entropy(z, y[at++ % 16]);
    const std::vector<at::Tensor> g = torch::autograd::grad({loss}, weights, {}, true, true);
    std::vector<at::Tensor> v;
    for (Turns& direction : directions) v.push_back(direction.next());
    return torch::autograd::grad(g, weights, v);
  }
};

Workload hessian() {
  auto job = std::make_shared<Curvature>();
  const auto step = [=] {
    double looked_at = 0;
    for (const at::Tensor& t : job->run()) looked_at += first(t);
    return looked_at;
  };
  const auto check = [] { return Values{{"squares of H v", total(Curvature().run())}}; };
  return {{{"grad of grad", step}}, check};
}

template <class Adam>
struct Weights {
  std::vector<at::Tensor> weights;
  std::vector<std::vector<at::Tensor>> gradients;
  std::unique_ptr<Adam> adam;
  std::size_t at = 0;
  Weights() {
    const std::vector<std::int64_t> shape{bench::adam_rows, bench::adam_rows};
    for (std::uint64_t i = 0; i < bench::adam_tensors; ++i)
      weights.push_back(bench::floats(i, shape, 1).requires_grad_(true));
    for (std::uint64_t turn = 0; turn < 3; ++turn) {
      gradients.emplace_back();
      for (std::uint64_t i = 0; i < bench::adam_tensors; ++i)
        gradients.back().push_back(bench::floats(100 * (turn + 1) + i, shape, 1));
    }
    adam = std::make_unique<Adam>(weights);
  }
  double step() {
    const std::vector<at::Tensor>& now = gradients[at++ % gradients.size()];
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i].mutable_grad() = now[i];
    adam->step();
    return first(weights.back());
  }
};

Workload adam() {
  auto plain = std::make_shared<Weights<torch::optim::Adam>>();
  auto fused = std::make_shared<Weights<bench::FusedAdam>>();
  const auto check = [] {
    Weights<torch::optim::Adam> fresh;
    double last = 0;
    for (int i = 0; i < 5; ++i) last = fresh.step();
    return Values{{"a weight after step 5", last}};
  };
  return {{{"torch::optim::Adam", [=] { plain->step(); }}, {"at::_fused_adam_", [=] { fused->step(); }}}, check};
}

const std::vector<std::int64_t> table{bench::table_rows, bench::table_columns};

Workload softmax_loss() {
  struct Job {
    Turns z{100, table, 2, at::kFloat, true};
    std::vector<at::Tensor> labels;
    std::size_t at = 0;
    at::Tensor& now() { return z.all[at % 3]; }
    at::Tensor run() {
      now().mutable_grad() = at::Tensor();
      at::Tensor loss = torch::nn::functional::cross_entropy(now(), labels[at % 3]);
      loss.backward();
      return loss;
    }
  };
  auto job = std::make_shared<Job>();
  for (std::uint64_t i = 0; i < 3; ++i) job->labels.push_back(bench::label_tensor(500 + i, bench::table_rows));
  const auto step = [=] {
    const double looked_at = job->run().item<double>() + first(job->now().grad());
    ++job->at;
    return looked_at;
  };
  const auto check = [=] {
    job->at = 0;
    const double loss = job->run().item<double>();
    return Values{{"loss", loss}, {"squares of the gradient", total({job->now().grad()})}};
  };
  return {{{"cross_entropy", step}}, check};
}

/// Layer is torch::nn::LayerNorm or torch::nn::BatchNorm1d.
template <class Layer>
struct Normalised {
  Turns x{100, table, 2, at::kFloat, true};
  at::Tensor incoming = bench::floats(1, table, 1);
  Layer layer;
  std::vector<at::Tensor> run() {
    at::Tensor& now = x.next();
    now.mutable_grad() = at::Tensor();
    layer->zero_grad(true);
    const at::Tensor y = layer(now);
    y.backward(incoming);
    return {y, now.grad(), layer->weight.grad(), layer->bias.grad()};
  }
};

template <class Layer>
Workload normalise(const char* name, const Layer& make) {
  const auto open = [=] {
    return std::make_shared<Normalised<Layer>>(Normalised<Layer>{.layer = Layer(make->options)});
  };
  auto job = open();
  const auto step = [=] {
    double looked_at = 0;
    for (const at::Tensor& t : job->run()) looked_at += first(t);
    return looked_at;
  };
  const auto check = [=] {
    const auto fresh = open();
    const std::vector<at::Tensor> all = fresh->run();
    Values values{{"squares of y", total({all[0]})}, {"squares of the gradients", total({all[1], all[2], all[3]})}};
    const auto buffers = fresh->layer->buffers();
    if (buffers.size() >= 2) values.push_back({"squares of the moving averages", total({buffers[0], buffers[1]})});
    return values;
  };
  return {{{name, step}}, check};
}

}  // namespace

bench::Workload bench::open_formula(const std::string& name) {
  if (const std::int64_t n = number_after(name, "W6."); n > 0) return elementwise(n);
  if (const std::int64_t n = number_after(name, "W8.float32."); n > 0) return product(n, at::kFloat);
  if (const std::int64_t n = number_after(name, "W8.float64."); n > 0) return product(n, at::kDouble);
  if (name == "W9") return hessian();
  if (name == "W12.adam") return adam();
  if (name == "W12.softmax") return softmax_loss();
  if (name == "W12.layernorm")
    return normalise("nn::LayerNorm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({bench::table_columns})));
  if (name == "W12.batchnorm")
    return normalise("nn::BatchNorm1d", torch::nn::BatchNorm1d(torch::nn::BatchNorm1dOptions(bench::table_columns)));
  return {};
}
