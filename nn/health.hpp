#pragma once
/// Gradient health: which layers learn, which do not, and what helps.

#include <xgrad/nn/callback.hpp>
#include <xgrad/nn/model.hpp>

namespace xgrad {

/// What is called unhealthy.
struct HealthOptions {
  double vanishing = 1e-3;   ///< a layer's gradient (root mean square) below this share of the largest layer's
  double exploding = 1e3;    ///< above this multiple of the smallest layer's, or of the layer's own weights
  double saturated = 0.5;    ///< share of saturated units
  double dead = 0.5;         ///< share of dead units
  double flat = 0.1;         ///< a unit is saturated if its mean slope over the batch is below this share of f'(0)
  bool training = false;     ///< the pass that is looked at
};

struct LayerHealth {
  std::string name;
  double gradient_norm = 0, weight_norm = 0;
  double ratio = 0;            ///< gradient_norm / weight_norm
  double gradient_rms = 0;     ///< gradient_norm / sqrt(number of weights)
  std::int64_t units = 0;      ///< of an elementwise activation's last axis; 0: there is none
  double dead = 0;             ///< share of units whose slope is 0 for every sample
  double saturated = 0;        ///< share of other units whose mean slope is small
  std::int64_t non_finite = 0; ///< gradients that are NaN or infinite
};

/// Something that is wrong with a layer, and the usual remedies.
struct HealthFinding {
  std::string layer;
  std::string problem;  ///< "vanishing", "exploding", "dead", "saturated", "not finite"
  std::string detail;
  std::string remedy;
};

struct HealthReport {
  double loss = 0;
  std::vector<LayerHealth> layers;
  std::vector<HealthFinding> findings;
  bool healthy() const { return findings.empty(); }
  std::string text() const;
};
std::ostream& operator<<(std::ostream& out, const HealthReport& report);

/// Looks at the gradients of a compiled model's loss on a batch, layer by layer. Changes nothing.
HealthReport gradient_health(Model& model, const Tensors& x, const Tensors& y, const HealthOptions& options = {});

namespace callbacks {

struct GradientMonitorOptions {
  int every = 1;  ///< epochs
  HealthOptions health = {};
  bool stop = false;  ///< end the training at the first finding
  int verbose = 1;    ///< 0: silent, 1: new findings, 2: the table each time
};

/// Looks at the gradients on a batch at the end of epochs. Logs "gradient_norm/<layer>" for each layer; prints findings
/// when they are new.
class GradientMonitor : public Callback {
 public:
  GradientMonitor(Tensors x, Tensors y, GradientMonitorOptions options = {});
  void on_epoch_end(int epoch, Logs& logs) override;
  bool wants_batches() const override { return false; }
  /// The last report; copies of the callback share it.
  const HealthReport& report() const;

 private:
  struct State;
  Shared<State> state_;
};

}  // namespace callbacks

}  // namespace xgrad
