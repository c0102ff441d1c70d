#include "compare.hpp"

#include <thread>

namespace bench {

namespace {

class Table {
 public:
  Table(const Options& options, const Places& places) : places_(places), options_(options) {
    all_ = options.threads.value_or(std::max(1, static_cast<int>(std::thread::hardware_concurrency())));
  }

  /// A case with xgrad on all threads first, then what it is compared with. Small workloads are done on one thread as
  /// well, since a library may lose by using more.
  Case& add(const std::string& name, const std::string& part, const std::string& title, const std::string& unit,
            double scale, bool small, std::vector<std::string> torch = {}) {
    if (torch.empty()) torch = {name};
    cases.push_back({name, name.substr(0, name.find('.')), part, title, unit, scale, {}});
    Case& made = cases.back();
    std::vector<int> threads{all_};
    if (small && all_ > 1) threads.push_back(1);
    for (int count : threads) made.entries.push_back({"xgrad", name, count});
    if (places_.torch)
      for (bool jemalloc : {false, true})
        for (int count : threads)
          for (const std::string& workload : torch)
            if (!jemalloc || !places_.get("jemalloc").empty())
              made.entries.push_back({"libtorch", workload, count, jemalloc});
    if (places_.jax && options_.jax) made.entries.push_back({"JAX", name, all_});
    if (places_.mlx && options_.mlx) made.entries.push_back({"MLX", name, all_});
    return made;
  }

  int all() const { return all_; }
  std::vector<Case> cases;

 private:
  const Places& places_;
  const Options& options_;
  int all_ = 1;
};

/// The sides in Python have not got the workload.
void without_python(Case& what) {
  std::erase_if(what.entries, [](const Entry& entry) { return entry.library == "JAX" || entry.library == "MLX"; });
}

}  // namespace

std::vector<Case> cases(const Options& options, const Places& places) {
  Table table(options, places);
  const bool small = true, large = false;
  const std::vector<std::string> both{"W11", "W11.fused"};
  if (options.busy) {
    Case& step = table.add("W1", "one processor busy",
                           "784-128-10, batch 32, Adam: a training step, one processor busy", "us", 1e6, small);
    step.busy = true;
    Case& epoch = table.add("W11", "one processor busy", "Fashion-MNIST: an epoch, one processor busy", "s", 1, small,
                            both);
    epoch.busy = epoch.epochs = true;
    return table.cases;
  }
  table.add("W1", "", "784-128-10, batch 32, Adam: a training step", "us", 1e6, small);
  table.add("W2", "", "784-1024-1024-10, batch 256, Adam: a training step", "ms", 1e3, large);
  for (const auto& [name, text] : {std::pair{"W3.train", "a training step with Adam"}, {"W3.forward", "no gradient"}}) {
    Case& network = table.add(name, std::string(name).substr(3), std::string("two convolutions, batch 128: ") + text,
                              "ms", 1e3, small, {name, std::string(name) + ".last"});
    without_python(network);
  }
  for (const auto& [name, part] : {std::pair{"W4.lstm", "LSTM"}, {"W4.gru", "GRU"}}) {
    Case& recurrent = table.add(
        name, part, std::string(part) + "(128) over 28 steps of 28, Dense 10, batch 128, Adam: a training step", "ms",
        1e3, small);
    without_python(recurrent);
  }
  table.add("W5", "", "two encoder layers of 128, 64 positions, batch 32, Adam: a training step", "ms", 1e3, small);
  for (const auto& [numbers, text] : {std::pair{"1000", "1e3"}, {"100000", "1e5"}, {"10000000", "1e7"}}) {
    const bool few = std::string(text) != "1e7";
    table.add("W6." + std::string(numbers), "",
              "sum(tanh(x * w + b) * exp(-x * x)), N = " + std::string(text) + ", and three gradients",
              few ? "us" : "ms", few ? 1e6 : 1e3, few).workload = "W6-" + std::string(text);
  }
  table.add("W7.record", "recording", "recording an operation on one number; libtorch: running it", "ns", 1e9, small);
  table.add("W7.chain", "chain", "1002 operations on one number, forward and backward: each", "ns", 1e9, small);
  table.add("W7.neurons", "two neurons", "two neurons, gradient descent: a training step", "us", 1e6, small);
  for (const char* type : {"float32", "float64"}) {
    for (const char* size : {"256", "512", "1024", "2048"}) {
      const std::string part = std::string(type) + " n=" + size;
      Case& made = table.add("W8." + std::string(type) + "." + size, part, "a product of two matrices, " + part, "ms",
                             1e3, large);
      for (int threads : {1, table.all()})
        if (threads == 1 || table.all() > 1) made.entries.push_back({"OpenBLAS", made.name, threads});
    }
  }
  table.add("W9", "", "the Hessian of W1's loss times a vector", "us", 1e6, small);
  Case& epoch = table.add("W11", "", "Fashion-MNIST, 784-128-10 with dropout, batch 128, Adam: an epoch", "s", 1,
                          large, both);
  epoch.epochs = true;
  table.add("W12.adam", "", "Adam, 10 x 1,000,000 parameters: an update", "ms", 1e3, large).workload = "W12-adam";
  table.add("W12.softmax", "", "softmax cross-entropy of (4096, 1000), forward and backward", "ms", 1e3, large)
      .workload = "W12-softmax";
  table.add("W12.layernorm", "", "layer normalisation of (4096, 1000), forward and backward", "ms", 1e3, large)
      .workload = "W12-layernorm";
  table.add("W12.batchnorm", "", "batch normalisation of (4096, 1000), forward and backward", "ms", 1e3, large)
      .workload = "W12-batchnorm";
  table.add("W13", "", "784-128-10, one image, no gradient", "us", 1e6, small);
  return table.cases;
}

}  // namespace bench
