#pragma once
/// What a plan's steps do, in words and figures. Internal to graph/.

#include <xgrad/graph/plan_ir.hpp>

#include <string>

namespace xgrad {

/// A step of a plan for people. Bytes are those of the operands: what a step reads twice counts once.
struct StepText {
  std::string name;    ///< "fused multiply, add, tanh", "matmul", "sum of the middle"
  std::string detail;  ///< shapes, where operands are and results go
  std::size_t instructions = 0;
  std::size_t read = 0, written = 0;
};
std::vector<StepText> text_of(const Plan& plan, const Request& request);

/// "1234", "12.1 KB", "3.40 MB"
std::string bytes_text(std::size_t bytes);

}  // namespace xgrad
