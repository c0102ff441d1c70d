#include <xgrad/nn/health.hpp>

#include <xgrad/diff/slopes.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/graph/leading.hpp>
#include <xgrad/graph/op.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ostream>
#include <set>

namespace xgrad {
namespace {

std::string shown(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", x);
  return text;
}

/// "dense/kernel" belongs to "dense".
std::string layer_of(const std::string& weight) {
  const std::size_t slash = weight.rfind('/');
  return slash == std::string::npos ? weight : weight.substr(0, slash);
}

void look_for_problems(HealthReport& report, const HealthOptions& options) {
  double largest = 0, smallest = HUGE_VAL;
  for (const LayerHealth& layer : report.layers) {
    if (layer.weight_norm == 0 && layer.gradient_norm == 0) continue;
    if (layer.non_finite > 0) continue;
    largest = std::max(largest, layer.gradient_rms);
    if (layer.gradient_rms > 0) smallest = std::min(smallest, layer.gradient_rms);
  }
  for (const LayerHealth& layer : report.layers) {
    const auto add = [&](const char* problem, std::string detail, const char* remedy) {
      report.findings.push_back({layer.name, problem, std::move(detail), remedy});
    };
    const bool weights = layer.weight_norm > 0 || layer.gradient_norm > 0 || layer.non_finite > 0;
    if (layer.non_finite > 0)
      add("not finite", std::to_string(layer.non_finite) + " gradients are NaN or infinite",
          "model.enable_check_numerics() names the operation; a smaller learning rate, clipnorm, losses from logits");
    else if (weights && largest > 0 && layer.gradient_rms < options.vanishing * largest)
      add("vanishing", "its gradient is " + shown(layer.gradient_rms / largest) + " of the largest layer's",
          "relu instead of sigmoid or tanh, he_normal weights, batch normalisation, shorter or residual paths");
    else if (weights && ((smallest < HUGE_VAL && layer.gradient_rms > options.exploding * smallest &&
                          layer.ratio > 1) || layer.ratio > options.exploding))
      add("exploding", "its gradient is " + shown(layer.ratio) + " times its weights",
          "global_clipnorm or clipnorm in the optimizer, a smaller learning rate, smaller initial weights");
    if (layer.dead > options.dead)
      add("dead", shown(100 * layer.dead) + " % of " + std::to_string(layer.units) + " units never pass a gradient on",
          "a smaller learning rate, leaky_relu or elu, he_normal weights, a smaller negative bias");
    if (layer.saturated > options.saturated)
      add("saturated", shown(100 * layer.saturated) + " % of " + std::to_string(layer.units) + " units are flat",
          "standardised inputs, smaller initial weights, relu, batch normalisation");
  }
}

}  // namespace

HealthReport gradient_health(Model& model, const Tensors& x, const Tensors& y, const HealthOptions& options) {
  const Later later;
  const Tensor loss = model.compute_loss(x, y, {.training = options.training});
  std::vector<NamedParameter> all = weights(model);
  std::vector<Tensor> values;
  std::vector<std::string> names;
  for (const NamedParameter& weight : all) {
    if (!weight.parameter.trainable()) continue;
    values.push_back(weight.parameter.value());
    names.push_back(weight.name);
  }
  const std::vector<Tensor> gradients = grad(loss, std::span<const Tensor>(values));
  const std::vector<UnitSlopes> units = unit_slopes(loss);

  HealthReport report;
  const auto layer = [&](const std::string& name) -> LayerHealth& {
    for (LayerHealth& known : report.layers)
      if (known.name == name) return known;
    report.layers.push_back({});
    report.layers.back().name = name;
    return report.layers.back();
  };
  std::vector<Tensor> wanted = gradients;
  for (const UnitSlopes& u : units) wanted.insert(wanted.end(), {u.slopes, u.at_zero});
  wanted.push_back(loss);
  eval(wanted);
  report.loss = loss.size() == 1 ? loss.item() : 0;

  std::vector<double> counts;
  for (std::size_t k = 0; k < values.size(); ++k) {
    LayerHealth& at = layer(layer_of(names[k]));
    if (counts.size() < report.layers.size()) counts.push_back(0);
    double g2 = 0, w2 = 0;
    for (const double g : gradients[k].to_vector<double>()) {
      if (std::isfinite(g)) g2 += g * g;
      else ++at.non_finite;
    }
    for (const double w : values[k].to_vector<double>()) w2 += w * w;
    at.gradient_norm += g2;  // squares, until all weights are in
    at.weight_norm += w2;
    counts[static_cast<std::size_t>(&at - report.layers.data())] += static_cast<double>(values[k].size());
  }
  for (std::size_t k = 0; k < report.layers.size(); ++k) {
    LayerHealth& at = report.layers[k];
    at.gradient_rms = std::sqrt(at.gradient_norm / counts[k]);
    at.gradient_norm = std::sqrt(at.gradient_norm);
    at.weight_norm = std::sqrt(at.weight_norm);
    at.ratio = at.weight_norm > 0 ? at.gradient_norm / at.weight_norm : 0;
  }
  for (const UnitSlopes& u : units) {
    LayerHealth& at = layer(u.layer);
    const std::vector<double> slopes = u.slopes.to_vector<double>();
    const double middle = std::fabs(u.at_zero.item());
    at.units = u.slopes.dim(-1);
    const std::size_t n = static_cast<std::size_t>(at.units), rows = n ? slopes.size() / n : 0;
    double dead = 0, saturated = 0;
    for (std::size_t unit = 0; unit < n; ++unit) {
      double most = 0, total = 0;
      for (std::size_t row = 0; row < rows; ++row) {
        most = std::max(most, std::fabs(slopes[row * n + unit]));
        total += std::fabs(slopes[row * n + unit]);
      }
      // A slope of 0 everywhere is death where 0 itself has none (relu), else only a very flat end of the function.
      if (most == 0 && middle == 0) ++dead;
      else if (middle > 0 && total / static_cast<double>(rows) < options.flat * middle) ++saturated;
    }
    at.dead = n ? dead / static_cast<double>(n) : 0;
    at.saturated = n ? saturated / static_cast<double>(n) : 0;
  }
  look_for_problems(report, options);
  return report;
}

std::string HealthReport::text() const {
  std::size_t width = 5;
  for (const LayerHealth& layer : layers) width = std::max(width, layer.name.size());
  char line[256];
  std::snprintf(line, sizeof line, "%-*s  %10s  %10s  %10s  %6s  %6s  %9s\n", static_cast<int>(width), "layer",
                "gradient", "weights", "ratio", "units", "dead", "saturated");
  const std::string count = std::to_string(findings.size()) + (findings.size() == 1 ? " finding" : " findings");
  std::string text =
      "gradient health at loss " + shown(loss) + ": " + (healthy() ? "nothing to complain of" : count) + "\n" + line;
  for (const LayerHealth& layer : layers) {
    std::snprintf(line, sizeof line, "%-*s  %10.3g  %10.3g  %10.3g", static_cast<int>(width), layer.name.c_str(),
                  layer.gradient_norm, layer.weight_norm, layer.ratio);
    text += line;
    if (layer.units > 0) {
      std::snprintf(line, sizeof line, "  %6lld  %5.0f%%  %8.0f%%", static_cast<long long>(layer.units),
                    100 * layer.dead, 100 * layer.saturated);
      text += line;
    }
    text += "\n";
  }
  for (const HealthFinding& f : findings)
    text += f.layer + ": " + f.problem + ", " + f.detail + "\n  what usually helps: " + f.remedy + "\n";
  return text;
}

std::ostream& operator<<(std::ostream& out, const HealthReport& report) { return out << report.text(); }

namespace callbacks {

struct GradientMonitor::State : Counted {
  Counted* copy() const override { return new State(*this); }
  Tensors x, y;
  GradientMonitorOptions options;
  HealthReport report;
  std::set<std::string> told;
};

GradientMonitor::GradientMonitor(Tensors x, Tensors y, GradientMonitorOptions options) : state_(new State()) {
  if (options.every < 1)
    throw ValueError("[GradientMonitor] expected every to be 1 or more, got " + std::to_string(options.every));
  state_->x = std::move(x);
  state_->y = std::move(y);
  state_->options = options;
}

const HealthReport& GradientMonitor::report() const { return state_->report; }

void GradientMonitor::on_epoch_end(int epoch, Logs& logs) {
  State& s = *state_;
  if ((epoch + 1) % s.options.every != 0) return;
  s.report = gradient_health(run().model(), s.x, s.y, s.options.health);
  for (const LayerHealth& layer : s.report.layers)
    if (layer.weight_norm > 0 || layer.gradient_norm > 0) logs.add("gradient_norm/" + layer.name, layer.gradient_norm);
  if (s.options.verbose > 1) run().out() << "\n" << s.report;
  for (const HealthFinding& f : s.report.findings)
    if (s.told.insert(f.layer + f.problem).second && s.options.verbose == 1)
      run().out() << "\n" << f.layer << ": " << f.problem << ", " << f.detail << "; what usually helps: " << f.remedy
                  << "\n";
  if (s.options.stop && !s.report.healthy()) run().stop_training = true;
}

}  // namespace callbacks

}  // namespace xgrad
