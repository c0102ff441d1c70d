#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/capsules.hpp>
#include <xgrad/nn/layer_parts.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/product.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <algorithm>

namespace xgrad {

namespace {

void describe(Fields& f, std::int64_t& num_capsules, std::int64_t& dim_capsule, CapsuleOptions& o) {
  f("num_capsules", num_capsules);
  f("dim_capsule", dim_capsule);
  f("routings", o.routings);
  f("share_weights", o.share_weights);
  f("stop_gradient", o.stop_gradient);
  f("kernel_initializer", o.kernel_initializer);
  f("kernel_regularizer", o.kernel_regularizer);
  f("name", o.name);
  f("dtype", o.dtype);
}
void describe(Fields& f, CapsuleLength& o) { f("name", o.name); }
void describe(Fields& f, PrimaryCapsule& o) {
  f("dim_capsule", o.dim_capsule);
  f("name", o.name);
}
constexpr auto describing = [](Fields& f, auto& o) { describe(f, o); };

}  // namespace

Tensor squash(const Tensor& given, int axis) {
  const Tensor s = floating(given);
  const Tensor length = vector_norm(s, axis, true);
  return s * (length / (1 + square(length)));
}

struct Capsule::State : Counted {
  Counted* copy() const override { return new State(*this); }
  std::string where() const { return label("Capsule", options.name); }
  std::int64_t num_capsules = 1, dim_capsule = 1;
  CapsuleOptions options;
  Parameter kernel;
};

Capsule::Capsule(std::int64_t num_capsules, std::int64_t dim_capsule, CapsuleOptions options) : state_(new State) {
  State& s = *state_;
  s.num_capsules = num_capsules;
  s.dim_capsule = dim_capsule;
  s.options = std::move(options);
  if (num_capsules <= 0 || dim_capsule <= 0 || s.options.routings < 1)
    throw ValueError(s.where() + "expected num_capsules, dim_capsule and routings of at least 1, got " +
                     std::to_string(num_capsules) + ", " + std::to_string(dim_capsule) + " and " +
                     std::to_string(s.options.routings));
}

Tensor Capsule::operator()(const Tensor& given, Call& call) const {
  State& s = *state_;
  const CapsuleOptions& o = s.options;
  const Tensor x = floating(given);
  check_rank(s.where(), x, 3);
  const std::int64_t below = x.dim(1), length = x.dim(2), columns = s.num_capsules * s.dim_capsule;
  const Shape shape = o.share_weights ? Shape{length, columns} : Shape{below, length, columns};
  if (!s.kernel.defined())
    s.kernel = Parameter(o.kernel_initializer(shape, o.dtype.value_or(x.dtype()), call.random()),
                         (o.name.empty() ? "capsule" : o.name) + "/kernel");
  if (s.kernel.shape() != shape)
    throw ShapeError(s.where() + "expected x to fit the kernel " + to_string(s.kernel.shape()) + ", got " +
                     to_string(x.shape()));
  // The capsules below stand first: a product for each of them, and sums over them.
  const Tensor u = reshape(matmul(transpose(x, {1, 0, 2}), s.kernel), {below, -1, s.num_capsules, s.dim_capsule});
  const Tensor seen = o.stop_gradient ? stop_gradient(u) : u;
  Tensor b, v;
  for (int round = 1;; ++round) {
    const bool last = round == o.routings;
    const Tensor& votes = last ? u : seen;
    if (!b.defined())
      v = squash(sum(votes, 0) / static_cast<double>(s.num_capsules));
    else
      v = squash(sum(expand_dims(softmax(b), -1) * votes, 0));
    if (last) return v;
    const Tensor agreement = sum(seen * v, -1);
    b = b.defined() ? b + agreement : agreement;
  }
}

void Capsule::each(Visit visit) {
  visit.own(state_);
  visit("kernel", state_->kernel, state_->options.kernel_regularizer);
}
const std::string& Capsule::name() const { return state_->options.name; }
const Parameter& Capsule::kernel() const { return state_->kernel; }
Config Capsule::get_config() const {
  State s = *state_;
  return written([&](Fields& f) { describe(f, s.num_capsules, s.dim_capsule, s.options); });
}
Capsule Capsule::from_config(const Config& config) {
  std::int64_t num_capsules = 1, dim_capsule = 1;
  CapsuleOptions options;
  read_config("Capsule", config, [&](Fields& f) { describe(f, num_capsules, dim_capsule, options); });
  return Capsule(num_capsules, dim_capsule, std::move(options));
}

Tensor CapsuleLength::operator()(const Tensor& x, Call&) const {
  if (x.rank() == 0) throw ShapeError(label("CapsuleLength", name) + "expected x with at least one axis, got a scalar");
  return vector_norm(floating(x), -1);
}
Config CapsuleLength::get_config() const { return config_of(*this, describing); }
CapsuleLength CapsuleLength::from_config(const Config& config) {
  return read_layer("CapsuleLength", config, CapsuleLength(), describing);
}

PrimaryCapsule::PrimaryCapsule(std::int64_t dim_capsule, CapsuleLengthOptions options)
    : dim_capsule(dim_capsule), name(std::move(options.name)) {
  check();
}
void PrimaryCapsule::check() const {
  if (dim_capsule <= 0)
    throw ValueError(label("PrimaryCapsule", name) + "expected dim_capsule above 0, got " +
                     std::to_string(dim_capsule));
}
Tensor PrimaryCapsule::operator()(const Tensor& x, Call&) const {
  if (x.rank() < 2 || x.dim(-1) % dim_capsule != 0)
    throw ShapeError(label("PrimaryCapsule", name) + "expected x of shape (batch, ..., channels) with channels in " +
                     "capsules of " + std::to_string(dim_capsule) + ", got " + to_string(x.shape()));
  const std::int64_t capsules = x.size() / std::max<std::int64_t>(x.dim(0), 1) / dim_capsule;
  return squash(reshape(floating(x), {-1, capsules, dim_capsule}));
}
Config PrimaryCapsule::get_config() const { return config_of(*this, describing); }
PrimaryCapsule PrimaryCapsule::from_config(const Config& config) {
  return read_layer("PrimaryCapsule", config, PrimaryCapsule(1), describing);
}

}  // namespace xgrad
