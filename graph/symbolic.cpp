#include <xgrad/graph/node.hpp>
#include <xgrad/graph/symbolic.hpp>
#include <xgrad/graph/walk.hpp>

#include <unordered_map>

namespace xgrad {

namespace {

[[noreturn]] void no_value(const Launch& launch) { launch.fail("a placeholder has no value"); }

void shape_of_list(Recording& call) { call.result(Shape(call.list()), static_cast<DType>(call.attribute(0))); }

constexpr Op placeholder_op{
    .name = "placeholder", .kind = Kind::launch, .infer = shape_of_list, .run = [](const Launch& l) { no_value(l); }};
constexpr Op deferred_op{.name = "layer",
                         .kind = Kind::launch,
                         .infer = [](Recording& call) { call.result({}, float32); },
                         .variadic = true,
                         .random = true,  // two calls of one layer are two steps
                         .run = [](const Launch& l) { no_value(l); }};
/// A deferred step's result: its shape in the list, its dtype and number as attributes.
constexpr Op result_op{
    .name = "result", .kind = Kind::launch, .infer = shape_of_list, .run = [](const Launch& l) { no_value(l); }};

}  // namespace

Tensor symbolic_input(const Shape& shape, DType dtype, std::string_view name) {
  // Made by hand: recording would list it with what waits to be computed.
  Node* node = new_node(this_thread());
  Tensor result = Tensor::adopt(node);
  node->where = Location();
  node->scope = nullptr;
  node->attributes[0] = static_cast<std::int64_t>(dtype);
  node->attributes[1] = 0;
  node->shape = shape;
  node->dtype = dtype;
  node->op = &placeholder_op;
  node->flags.symbolic = true;
  set_list(node, {shape.begin(), static_cast<std::size_t>(shape.rank())});
  if (!name.empty()) result.named(name);
  return result;
}

bool is_symbolic(const Tensor& x) { return x.defined() && x.node()->flags.symbolic; }

bool is_symbolic(std::span<const Tensor> xs) {
  for (const Tensor& x : xs)
    if (is_symbolic(x)) return true;
  return false;
}

std::vector<Tensor> defer(const Deferred* step, std::span<const Tensor> inputs, std::span<const Tensor> like,
                          std::string_view name) {
  std::shared_ptr<const Deferred> owned(step);
  if (!is_symbolic(inputs)) throw ValueError("[defer] expected a symbolic input, got none");
  const std::vector<Arg> args(inputs.begin(), inputs.end());
  const Tensor call = record(deferred_op, args);
  info_of(call.node()).deferred = std::move(owned);
  std::vector<Tensor> out;
  for (std::size_t i = 0; i < like.size(); ++i) {
    const Shape& shape = like[i].shape();
    const Arg arg = call;
    out.push_back(record(result_op, {arg},
                         {.a = static_cast<std::int64_t>(like[i].dtype()),
                          .b = static_cast<std::int64_t>(i),
                          .list = {shape.begin(), static_cast<std::size_t>(shape.rank())}}));
    if (!name.empty()) out.back().named(name);
  }
  return out;
}

std::vector<DeferredCall> deferred_calls(std::span<const Tensor> outputs) {
  Walk walk(Follow::everything);
  for (const Tensor& output : outputs) walk.add(output.node());
  std::vector<DeferredCall> out;
  std::unordered_map<const Node*, std::size_t> places;
  for (Node* node : walk.order()) {
    if (node->op == &deferred_op && node->info && node->info->deferred) {
      DeferredCall call{.step = node->info->deferred.get(), .inputs = {}, .results = {}};
      for (Node* input : node->in()) call.inputs.push_back(Tensor::share(input));
      places[node] = out.size();
      out.push_back(std::move(call));
    } else if (node->op == &result_op) {
      out[places.at(node->inputs[0])].results.emplace_back(static_cast<std::size_t>(node->attributes[1]),
                                                           Tensor::share(node));
    }
  }
  return out;
}

std::vector<Tensor> placeholders_of(std::span<const Tensor> outputs) {
  Walk walk(Follow::everything);
  for (const Tensor& output : outputs) walk.add(output.node());
  std::vector<Tensor> out;
  for (Node* node : walk.order())
    if (node->op == &placeholder_op) out.push_back(Tensor::share(node));
  return out;
}

}  // namespace xgrad
