#include <xgrad/graph/grad.hpp>
#include <xgrad/nn/attention_parts.hpp>
#include <xgrad/ops/activation.hpp>
#include <xgrad/ops/attention.hpp>
#include <xgrad/ops/creation.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

namespace xgrad {

double checked_dropout(const std::string& where, double rate) {
  if (rate >= 0 && rate <= 1) return rate;
  throw ValueError(where + "expected a dropout between 0 and 1, got " + number_text(rate));
}

void check_above_zero(const std::string& where, const char* what, std::int64_t number) {
  if (number <= 0) throw ValueError(where + "expected " + what + " above 0, got " + std::to_string(number));
}

Tensor joined_mask(const std::string& where, const AttentionArguments& arguments, std::int64_t queries,
                   std::int64_t keys, std::optional<std::int64_t> sliding_window) {
  Tensor joined;
  const auto join = [&](const Tensor& mask) { joined = joined.defined() ? logical_and(joined, mask) : mask; };
  const auto steps = [&](const char* name, const Tensor& mask, std::int64_t length, int axis) {
    if (!mask.defined()) return;
    if (mask.rank() < 2 || mask.dim(-1) != length)
      throw ShapeError(where + "expected a " + name + " of shape (batch, " + std::to_string(length) + "), got " +
                       to_string(mask.shape()));
    join(expand_dims(cast(mask, bool_), axis));
  };
  steps("query_mask", arguments.query_mask, queries, -1);
  steps("value_mask", arguments.value_mask, keys, -2);
  steps("key_mask", arguments.key_mask, keys, -2);
  if (const Tensor& mask = arguments.attention_mask; mask.defined()) {
    const auto fits = [&](int axis, std::int64_t n) { return mask.dim(axis) == n || mask.dim(axis) == 1; };
    if (mask.rank() < 2 || !fits(-2, queries) || !fits(-1, keys))
      throw ShapeError(where + "expected an attention_mask of shape (batch, " + std::to_string(queries) + ", " +
                       std::to_string(keys) + "), got " + to_string(mask.shape()));
    join(cast(mask, bool_));
  }
  if (arguments.use_causal_mask) join(tri(queries, keys, 0, {.dtype = bool_}));
  if (sliding_window) {
    const Tensor from = expand_dims(arange(queries), -1), to = arange(keys);
    join(less(abs(from - to), *sliding_window));
  }
  return joined;
}

Tensor softmax_of(const Tensor& scores, const Tensor& mask, int axes) {
  if (axes == 1) return mask.defined() ? masked_softmax(scores, mask) : softmax(scores);
  const Axes last = axes == 2 ? Axes{-2, -1} : axes == 3 ? Axes{-3, -2, -1} : Axes{-4, -3, -2, -1};
  if (mask.defined()) return masked_softmax(scores, mask, last);
  const Tensor e = exp(scores - stop_gradient(max(scores, last, true)));
  return e / sum(e, last, true);
}

// --- how attention layers are called

AttentionLayer::AttentionLayer(detail::AttentionState* state) : state_(state) {}

namespace {

NamedInputs named(const Tensor& query, const Tensor& value, const AttentionArguments& arguments, bool scores) {
  NamedInputs inputs;
  inputs.add("query", query);
  inputs.add("value", value);
  inputs.add("key", arguments.key);
  inputs.add("query_mask", arguments.query_mask);
  inputs.add("value_mask", arguments.value_mask);
  inputs.add("key_mask", arguments.key_mask);
  inputs.add("attention_mask", arguments.attention_mask);
  inputs.flag("return_attention_scores", scores);
  inputs.flag("use_causal_mask", arguments.use_causal_mask);
  return inputs;
}

}  // namespace

Tensor AttentionLayer::operator()(const Tensor& query, const Tensor& value, const AttentionArguments& arguments) const {
  const NamedInputs inputs = named(query, value, arguments, false);
  if (is_symbolic(inputs.tensors())) return symbolic_call(Layer(*this), inputs.tensors(), inputs.arguments())[0];
  Call call;
  return (*this)(query, value, arguments, call);
}

Tensor AttentionLayer::operator()(const Tensor& query, const Tensor& value, const AttentionArguments& arguments,
                                  Call& call) const {
  return state_->attend(query, value, arguments, false, call).output;
}

AttentionResult AttentionLayer::with_scores(const Tensor& query, const Tensor& value,
                                            const AttentionArguments& arguments) const {
  const NamedInputs inputs = named(query, value, arguments, true);
  if (is_symbolic(inputs.tensors())) {
    const std::vector<Tensor> both = symbolic_call(Layer(*this), inputs.tensors(), inputs.arguments());
    return {both[0], both[1]};
  }
  Call call;
  return with_scores(query, value, arguments, call);
}

AttentionResult AttentionLayer::with_scores(const Tensor& query, const Tensor& value,
                                            const AttentionArguments& arguments, Call& call) const {
  return state_->attend(query, value, arguments, true, call);
}

Tensor AttentionLayer::operator()(std::initializer_list<Tensor> xs) const {
  const std::span<const Tensor> all(xs.begin(), xs.size());
  if (is_symbolic(all)) return symbolic_call(Layer(*this), all)[0];
  Call call;
  return (*this)(all, call)[0];
}

std::vector<Tensor> AttentionLayer::operator()(std::span<const Tensor> xs, Call& call) const {
  const GivenInputs given(state_->where(), xs, {"query", "value", "key"}, 2, call);
  const auto mask = [&](const char* name, const char* of) {
    const Tensor own = given.take(name);
    return own.defined() ? own : given.mask_of(of);
  };
  const AttentionArguments arguments{.key = given.take("key"),
                                     .query_mask = mask("query_mask", "query"),
                                     .value_mask = mask("value_mask", "value"),
                                     .key_mask = mask("key_mask", "key"),
                                     .attention_mask = given.take("attention_mask"),
                                     .use_causal_mask = given.flag("use_causal_mask")};
  const bool scores = given.flag("return_attention_scores");
  const AttentionResult result = state_->attend(given.take("query"), given.take("value"), arguments, scores, call);
  if (!scores) return {result.output};
  call.masks = {call.mask, Tensor()};
  return {result.output, result.scores};
}

void AttentionLayer::each(Visit visit) {
  visit.own(state_);
  state_->each(visit);
}

std::string_view AttentionLayer::kind_name() const { return state_->kind(); }
const std::string& AttentionLayer::name() const { return state_->name; }
Config AttentionLayer::get_config() const { return state_->config(); }

}  // namespace xgrad
