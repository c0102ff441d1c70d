#pragma once
/// What a captured function is for one signature. Internal to graph/.

#include <xgrad/graph/plan_ir.hpp>
#include <xgrad/graph/tape.hpp>

namespace xgrad {

/// The arguments a program was recorded for.
struct Signature {
  std::vector<Shape> shapes;
  std::vector<DType> dtypes;
  bool no_grad = false;

  Signature(std::span<const Tensor> arguments, bool no_grad) : no_grad(no_grad) {
    for (const Tensor& x : arguments) {
      shapes.push_back(x.shape());
      dtypes.push_back(x.dtype());
    }
  }
  bool fits(std::span<const Tensor> arguments, bool without) const {
    if (arguments.size() != shapes.size() || without != no_grad) return false;
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      const Node* node = arguments[i].node();
      if (node->dtype != dtypes[i] || !(node->shape == shapes[i])) return false;
    }
    return true;
  }
};

/// Where a result of the function comes from.
struct Source {
  std::uint32_t place = no_index;  ///< in the request's order
  std::uint32_t argument = no_index;
  Tensor leaf = {};       ///< neither: a tensor that was computed before
  bool has_history = false;
};

struct Followed {
  Parameter parameter;
  std::uint32_t leaf = no_index;   ///< the place of its current value, if that is read
  std::uint32_t value = no_index;  ///< the place of the value it is given, if it is assigned
  Tensor next = {};                ///< takes the value, where somebody holds the one before
};

/// The function as it was recorded for one signature.
struct Program {
  Signature signature;
  bool recorded = false;
  ThreadState* owner = nullptr;
  Tape tape;
  Request request;
  std::shared_ptr<const Plan> plan;
  std::vector<Tensor> placeholders;
  std::vector<Followed> parameters;
  /// A draw of the request and the number it takes; a draw that was recorded again takes the same.
  struct Drawn {
    std::uint32_t place, take;
  };
  std::vector<Drawn> draws;
  std::vector<Source> sources;
  std::vector<Tensor> kept;    ///< the request's nodes
  std::vector<Tensor> frozen;  ///< leaves that stay what they are
  std::vector<kernels::Buffer*> results;
  int calls = 0;

  explicit Program(Signature signature) : signature(std::move(signature)) {}
};

/// Records f for a new program: its request, its plan, and where everything in it comes from. False if what was
/// recorded cannot be told from what it reads; after an exception everything is as it was.
bool record_program(ThreadState& state, Program& program, void* f, detail::Capture::Call call,
                    std::span<const Tensor> arguments);
/// Throws ValueError unless both recordings are the same in all that stays the same.
void compare_programs(const Program& before, const Program& now);

/// Generators and tasks go back by one call.
void go_back(Tape& tape) noexcept;
/// Whether a gradient by a Parameter could be asked of y.
bool led_to_parameters(const Tensor& y);

}  // namespace xgrad
