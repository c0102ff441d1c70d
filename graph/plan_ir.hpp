#pragma once
/// The planner's own picture of a request, from lowering to steps. Internal to graph/.

#include <xgrad/graph/request.hpp>
#include <xgrad/kernels/moves.hpp>
#include <xgrad/kernels/tile.hpp>

#include <deque>

namespace xgrad {

struct Region;

inline constexpr std::uint32_t none = ~std::uint32_t{0};

/// A part of a value's elements, without axes of length 1.
struct Cut {
  std::int64_t offset = 0;
  Shape shape;
  std::int64_t strides[max_rank] = {};

  bool contiguous() const;
};

/// A value as one of its readers sees it: the elements in row-major order under this shape, or only a part of them.
struct Operand {
  std::uint32_t value = none;
  Shape shape;
  const Cut* cut = nullptr;  ///< of `Lowered::cuts`
};

enum class Form : std::uint8_t {
  leaf,         ///< memory of the request's leaf
  number,       ///< one number of the request
  constant,     ///< one number the plan knows
  map,          ///< one instruction over `size` elements
  draw,         ///< uniform random numbers
  fold_last,    ///< rows x cols -> rows
  fold_middle,  ///< outer x cols x inner -> outer x inner; within a group only if outer is 1
  launch,       ///< an operation's own step
  check,        ///< like launch, without a result of its own
};

struct Value {
  Form form = Form::map;
  kernels::Code code = kernels::Code::none;
  DType dtype = float32;
  bool exact = false;            ///< number: the key holds it
  std::uint32_t node = none;     ///< place in the request's order
  std::uint32_t arity = 0;
  Operand in[3];                 ///< launch with more: `more`
  std::vector<Operand> more;
  Shape shape;                   ///< of the result
  std::int64_t size = 1;
  std::int64_t rows = 1, cols = 1, inner = 1;  ///< of folds
  double number = 0;             ///< constants and exact numbers

  std::span<const Operand> operands() const {
    return more.empty() ? std::span<const Operand>(in, arity) : std::span<const Operand>(more);
  }
  bool fused() const { return form == Form::map || form == Form::draw || form == Form::fold_last; }
};

/// The request as values; inputs come first.
struct Lowered {
  std::vector<Value> values;
  std::vector<std::uint32_t> of;        ///< the value of each node in the request's order
  std::vector<std::uint8_t> stored;     ///< a value that some stored node has
  std::vector<std::uint8_t> live;       ///< a value that is needed
  std::deque<Cut> cuts;
};
Lowered lower(const Request& request);

/// How a group walks its elements: N = rows x cols; `space` is the shape strided operands are expressed in.
struct Group {
  std::uint32_t stage = 0;
  std::int64_t size = 0;
  bool has_space = false;
  Shape space;               ///< without axes of length 1
  std::int64_t cols = 0;     ///< fixed by row reductions; 0: free
  bool whole_rows = false;   ///< a reduction's result is used inside: tiles hold whole rows
  bool pieces = false;       ///< rows too long for a tile: reductions are finished by a second program
  bool columns = false;      ///< folds over rows are finished by a second step
  std::uint32_t weight = 0;  ///< instructions
  std::vector<std::uint32_t> members;
};

/// A value that is computed where it lies in a larger one, which it is joined into.
struct Placed {
  std::uint32_t into = none;
  std::int64_t offset = 0;   ///< elements
  const Cut* apart = nullptr;  ///< of `Grouped::parts`, if it is not contiguous there
};

struct Grouped {
  std::vector<Group> groups;
  std::vector<std::uint32_t> group;       ///< of each fused value
  std::vector<std::uint32_t> stage;       ///< of each value
  std::vector<std::uint8_t> by_row;       ///< a value of one element a row
  std::vector<std::uint8_t> materialised;  ///< its elements are in memory after its step
  std::vector<Placed> placed;              ///< of each value
  std::deque<Cut> parts;
};
Grouped group(const Lowered& lowered);

/// Strides of `shape` (of a part, if there is one) broadcast to `to` (elements, 0 where repeated), dropping axes where
/// `to` has length 1.
struct Strides {
  Shape space;
  std::int64_t strides[max_rank] = {};
};
Strides broadcast_strides(const Shape& shape, const Shape& to, const Cut* cut = nullptr);

/// How a value of a group reads an operand that is in memory.
struct Reading {
  kernels::Access access = kernels::Access::full;
  Strides strides;
  std::int64_t offset = 0;  ///< of the first element
};
/// The reading of `operand` by a value of `size` elements and shape `shape` in a group with these columns.
Reading reading_of(const Operand& operand, const Shape& shape, std::int64_t size, std::int64_t cols);

/// The region's elements in an array of this shape that is `in` (null: all) of a value.
Cut cut_of(const Region& region, const Shape& whole, const Cut* in, const Shape& part);
/// Whether it is as good to read or write the elements where they are as to copy them.
bool worth_in_place(const Cut& cut);
/// Finds the values that can be computed where others are joined from them.
void place_parts(const Request& request, const Lowered& lowered, Grouped& grouped);

// --- the plan
// ------------------------------------------------------------------------------------------------------------

enum class Place : std::uint8_t { leaf, number, constant, temporary, result, view };

/// Where a value's elements are.
struct Home {
  Place place = Place::temporary;
  /// leaf, number: place in the order; constant: in `constants`; result: in `results`; view: the home it is in.
  std::uint32_t index = 0;
  std::size_t offset = 0;      ///< temporary: in the arena; view: in its home
};

/// A result the plan leaves behind: its own buffer, or one taken over from a leaf.
struct Result {
  std::size_t bytes = 0;
  std::uint32_t takes = none;  ///< the leaf (place in the order) whose buffer it takes over
};

struct GroupStep {
  kernels::TileProgram program;
  std::vector<std::uint32_t> slots;  ///< homes
  std::vector<std::uint32_t> draws;  ///< places in the order
};

struct LaunchStep {
  const Op* op = nullptr;
  std::uint32_t node = none;
  std::vector<std::uint32_t> in;  ///< homes
  std::vector<View> views;        ///< inputs, then the result
  std::uint32_t out = none;
  std::uint32_t scratch = none;
};

struct FoldStep {
  kernels::Fold fold = kernels::Fold::sum;
  DType dtype = float32;
  std::uint32_t in = none, out = none, scratch = none;
  std::int64_t outer = 1, count = 1, inner = 1;
  bool joins = false;  ///< `count` blocks' results that a group left: `in` is overwritten
};

struct Step {
  enum class Kind : std::uint8_t { group, launch, fold } kind = Kind::group;
  std::uint32_t index = 0;  ///< in the vector of its kind
};

struct Plan {
  std::uint64_t number = 0;  ///< no two plans of the process share it
  std::vector<Step> steps;
  std::vector<GroupStep> groups;
  std::vector<LaunchStep> launches;
  std::vector<FoldStep> folds;
  std::vector<Home> homes;
  std::vector<double> constants;
  std::vector<DType> constant_types;
  std::vector<Result> results;
  std::vector<std::uint32_t> numbers;  ///< places in the order
  std::size_t arena_bytes = 0;
  /// For each stored node: place in the order, and the home whose buffer it shares.
  struct Stored {
    std::uint32_t node, home;
  };
  std::vector<Stored> stored;
  std::size_t bytes = 0;  ///< what the plan occupies
  mutable std::atomic<bool> used{false};  ///< found without the cache since the cache looked
};

/// Fills the plan's steps and homes; temporaries have no place yet.
void emit(const Request& request, const Lowered& lowered, const Grouped& grouped, Plan& plan);
std::shared_ptr<const Plan> make_plan(const Request& request);

}  // namespace xgrad
