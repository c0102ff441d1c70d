#include <xgrad/diff/map.hpp>

#include <xgrad/graph/basic.hpp>
#include <xgrad/graph/leading.hpp>
#include <xgrad/ops/elementwise.hpp>

#include <string>

namespace xgrad {

void MapParts::infer(Recording& call) {
  // `fitted` made all like the result, or of one element.
  Shape result = call.shape(0);
  for (int k = 1; k < call.arity(); ++k) {
    const Shape& shape = call.shape(k);
    if (result.size() == 1 && (shape.size() != 1 || shape.rank() > result.rank())) result = shape;
  }
  for (int k = 0; k < call.arity(); ++k)
    if (call.shape(k).size() != result.size() && call.shape(k).size() != 1)
      call.shape_error("expected tensors of one shape, or of one element");
  call.result(result, call.dtype(0));
}

std::vector<Tensor> MapParts::fitted(std::span<const Arg> inputs, const char* name) {
  std::vector<Tensor> result;
  // Only its shape is asked for; it is never computed.
  Tensor like;
  for (const Arg& input : inputs) {
    result.push_back(input.kind() == Arg::Kind::tensor ? input.tensor() : Tensor());
    const Tensor& x = result.back();
    if (input.kind() != Arg::Kind::tensor) continue;
    if (!x.defined())
      throw ValueError(std::string("[") + name + "] expected a tensor, got one that was never given a value" +
                       place(input.where()));
    like = like.defined() ? not_equal(like, x) : x;
  }
  for (Tensor& x : result)
    if (x.defined() && !(x.shape() == like.shape()) && (x.size() != 1 || like.size() <= 1)) x = broadcast_like(x, like);
  return result;
}

Tensor MapParts::lead(const Applied& call, std::span<const Tensor> in, std::span<const std::uint8_t> leads,
                      std::int64_t count) {
  const Tensor like = repeat_leading(call.out(), count);
  std::vector<Tensor> fitted(in.begin(), in.end());
  for (std::size_t k = 0; k < in.size(); ++k) {
    if (!leads[k] && in[k].size() == 1) continue;
    const Tensor aligned = leads[k] ? behind_leading(in[k], call.out().rank()) : in[k];
    fitted[k] = aligned.shape() == like.shape() ? aligned : broadcast_like(aligned, like);
  }
  return call.again(fitted);
}

Tensor MapParts::summed(const Tensor& gradient, const Tensor& input) {
  return gradient.shape() == input.shape() ? gradient : sum_like(gradient, input);
}

void MapParts::no_derivative(const Applied& call, const char* why) {
  throw GradientError(std::string("[") + call.op().name + "] expected a function that has " + why);
}

}  // namespace xgrad
