#pragma once
/// What a thread notes while it records a captured function. Internal to graph/.

#include <xgrad/graph/capture.hpp>
#include <xgrad/graph/generator.hpp>
#include <xgrad/graph/node.hpp>

namespace xgrad {

struct Tape {
  /// A number taken from a generator; the cell is emptied when the generator goes.
  struct Take {
    std::shared_ptr<Generator*> from;
    std::uint64_t seed, number;
  };
  std::vector<Take> takes;
  std::vector<std::unique_ptr<Repeated>> tasks;
  std::vector<Tensor> changing;  ///< numbers that the tasks set
  bool refused = false;

  void took(Generator& from, std::uint64_t number);
};

/// Throws ValueError for a node that a captured function recorded and did not return.
[[noreturn]] void throw_captured(const Node* node);

}  // namespace xgrad
