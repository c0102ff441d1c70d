#include <xgrad/graph/plan_text.hpp>

#include <algorithm>
#include <cstdio>

namespace xgrad {
namespace {

using kernels::Access;
using kernels::Code;

const char* name_of(Code code) {
  switch (code) {
    case Code::none: return "nothing";
    case Code::copy: return "copy";
    case Code::negate: return "negative";
    case Code::absolute: return "abs";
    case Code::sign: return "sign";
    case Code::square: return "square";
    case Code::sqrt: return "sqrt";
    case Code::reciprocal: return "reciprocal";
    case Code::exp: return "exp";
    case Code::expm1: return "expm1";
    case Code::log: return "log";
    case Code::log1p: return "log1p";
    case Code::sin: return "sin";
    case Code::cos: return "cos";
    case Code::tanh: return "tanh";
    case Code::sigmoid: return "sigmoid";
    case Code::softplus: return "softplus";
    case Code::tan: return "tan";
    case Code::arcsin: return "arcsin";
    case Code::arccos: return "arccos";
    case Code::arctan: return "arctan";
    case Code::sinh: return "sinh";
    case Code::cosh: return "cosh";
    case Code::arcsinh: return "arcsinh";
    case Code::arccosh: return "arccosh";
    case Code::arctanh: return "arctanh";
    case Code::exp2: return "exp2";
    case Code::log2: return "log2";
    case Code::log10: return "log10";
    case Code::cbrt: return "cbrt";
    case Code::erf: return "erf";
    case Code::erfc: return "erfc";
    case Code::erfinv: return "erfinv";
    case Code::log_gamma: return "lgamma";
    case Code::digamma: return "digamma";
    case Code::floor: return "floor";
    case Code::ceil: return "ceil";
    case Code::trunc: return "trunc";
    case Code::rint: return "rint";
    case Code::invert: return "invert";
    case Code::is_nan: return "isnan";
    case Code::is_finite: return "isfinite";
    case Code::logical_not: return "logical_not";
    case Code::cast: return "cast";
    case Code::add: return "add";
    case Code::subtract: return "subtract";
    case Code::multiply: return "multiply";
    case Code::divide: return "divide";
    case Code::power: return "power";
    case Code::arctan2: return "arctan2";
    case Code::hypot: return "hypot";
    case Code::log_add_exp: return "logaddexp";
    case Code::copysign: return "copysign";
    case Code::nextafter: return "nextafter";
    case Code::floor_divide: return "floor_divide";
    case Code::remainder: return "remainder";
    case Code::fmod: return "fmod";
    case Code::gcd: return "gcd";
    case Code::bitwise_and: return "bitwise_and";
    case Code::bitwise_or: return "bitwise_or";
    case Code::bitwise_xor: return "bitwise_xor";
    case Code::left_shift: return "left_shift";
    case Code::right_shift: return "right_shift";
    case Code::polygamma: return "polygamma";
    case Code::bessel_i: return "bessel_i";
    case Code::bessel_ie: return "bessel_ie";
    case Code::maximum: return "maximum";
    case Code::minimum: return "minimum";
    case Code::equal: return "equal";
    case Code::not_equal: return "not_equal";
    case Code::less: return "less";
    case Code::less_equal: return "less_equal";
    case Code::logical_and: return "logical_and";
    case Code::logical_or: return "logical_or";
    case Code::select: return "where";
    case Code::uniform: return "uniform";
    case Code::row_sum: return "sum of rows";
    case Code::row_max: return "max of rows";
    case Code::row_min: return "min of rows";
    case Code::expand: return "expand";
  }
  return "instruction";
}

const char* name_of(kernels::Fold fold) {
  switch (fold) {
    case kernels::Fold::sum: return "sum";
    case kernels::Fold::max: return "max";
    case kernels::Fold::min: return "min";
  }
  return "fold";
}

/// "w (784, 128)", "temporary at 4096", "result 2 in place of w (784, 128)"
class Places {
 public:
  Places(const Plan& plan, const Request& request) : plan_(plan), request_(request) {}
  std::string operator()(std::uint32_t home) const {
    if (home == none) return "nothing";
    const Home& h = plan_.homes[home];
    switch (h.place) {
      case Place::leaf: return leaf(h.index);
      case Place::number: return "a number";
      case Place::constant: return number_text(plan_.constants[h.index]);
      case Place::temporary: return "temporary at " + std::to_string(h.offset);
      case Place::view: return (*this)(h.index) + " from byte " + std::to_string(h.offset);
      case Place::result: {
        const Result& result = plan_.results[h.index];
        const std::string text = "result " + std::to_string(h.index + 1);
        return result.takes == none ? text : text + " in place of " + leaf(result.takes);
      }
    }
    return {};
  }

 private:
  std::string leaf(std::uint32_t at) const {
    const Node* node = request_.order[at];
    std::string name(node->name());
    if (name.empty() && node->slot) name = node->slot->name;
    return (name.empty() ? "a tensor" : name) + " " + to_string(node->shape);
  }
  const Plan& plan_;
  const Request& request_;
};

std::string joined(const std::vector<std::string>& words, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < words.size() && i < most; ++i) text += (i ? ", " : "") + words[i];
  if (words.size() > most) text += ", " + std::to_string(words.size() - most) + " more";
  return text;
}

/// Elements a port touches, repeated ones once.
std::size_t elements_of(const kernels::Port& port, const kernels::TileProgram& p) {
  switch (port.access) {
    case Access::full: return static_cast<std::size_t>(p.rows * p.cols);
    case Access::row: return static_cast<std::size_t>(p.rows);
    case Access::scalar: return 1;
    case Access::column:
      return static_cast<std::size_t>(kernels::fold_blocks(p.rows) * p.cols);
    case Access::strided: break;
  }
  std::int64_t count = 1;
  for (std::size_t d = 0; d < p.dims.size(); ++d) count *= port.strides[d] != 0 ? p.dims[d] : 1;
  const bool columns = p.registers[port.reg].extent == kernels::Extent::full && port.strides[p.dims.size()] != 0;
  return static_cast<std::size_t>(count * (columns ? p.cols : 1));
}

StepText group_text(const GroupStep& group, const Places& places) {
  const kernels::TileProgram& p = group.program;
  StepText text;
  std::vector<std::string> names, from, to;
  for (const kernels::Instruction& instruction : p.code) {
    const std::string name = name_of(instruction.code);
    if (instruction.code != Code::expand && instruction.code != Code::copy &&
        std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  }
  for (const kernels::Port& port : p.stores) {
    const std::string name = std::string(name_of(port.fold)) + " of columns";
    if (port.access == Access::column && std::find(names.begin(), names.end(), name) == names.end())
      names.push_back(name);
  }
  text.name = names.empty() ? "copy" : "fused " + joined(names, 6);
  text.instructions = p.code.size();
  const auto add = [&](const kernels::Port& port, std::vector<std::string>& list, std::size_t& bytes) {
    const std::string place = places(group.slots[port.slot]);
    if (std::find(list.begin(), list.end(), place) != list.end()) return;
    list.push_back(place);
    std::size_t elements = elements_of(port, p);
    if (&list == &to && port.access == Access::row && p.piece < p.cols)
      elements *= static_cast<std::size_t>((p.cols + p.piece - 1) / p.piece);
    bytes += elements * size_of(p.registers[port.reg].type);
  };
  for (const kernels::Port& port : p.loads) add(port, from, text.read);
  for (const kernels::Port& port : p.stores) add(port, to, text.written);
  text.detail = std::to_string(p.rows) + " x " + std::to_string(p.cols) + " in tiles of " +
                std::to_string(p.tile_rows) + " x " + std::to_string(p.piece);
  if (!from.empty()) text.detail += "; from " + joined(from, 8);
  text.detail += "; to " + joined(to, 8);
  return text;
}

std::size_t bytes_of(const View& view) { return static_cast<std::size_t>(view.shape.size()) * size_of(view.dtype); }

StepText launch_text(const LaunchStep& step, const Request& request, const Places& places) {
  const Node* node = request.order[step.node];
  StepText text;
  text.name = step.op->name;
  std::vector<std::string> from;
  for (std::size_t k = 0; k < step.in.size(); ++k) {
    if (step.in[k] == none) continue;
    from.push_back(places(step.in[k]));
    text.read += bytes_of(step.views[k]);
  }
  std::string shapes;
  for (std::size_t k = 0; k < step.in.size(); ++k) shapes += (k ? ", " : "") + to_string(step.views[k].shape);
  text.detail = shapes;
  if (step.out != none) {
    text.written = bytes_of(step.views.back());
    text.detail += " to " + to_string(step.views.back().shape);
  }
  if (!from.empty()) text.detail += "; from " + joined(from, 8);
  if (step.out != none) text.detail += "; to " + places(step.out);
  if (node->scope && !node->scope->empty()) text.detail += "; in " + *node->scope;
  return text;
}

StepText fold_text(const FoldStep& fold, const Places& places) {
  StepText text;
  text.name = std::string(name_of(fold.fold)) + (fold.joins ? " of blocks" : " of middle axes");
  const std::size_t element = size_of(fold.dtype);
  text.read = static_cast<std::size_t>(fold.outer * fold.count * fold.inner) * element;
  text.written = static_cast<std::size_t>(fold.outer * fold.inner) * element;
  text.detail = std::to_string(fold.outer) + " x " + std::to_string(fold.count) + " x " +
                std::to_string(fold.inner) + " to " + std::to_string(fold.outer) + " x " +
                std::to_string(fold.inner) + "; from " + places(fold.in) + "; to " + places(fold.out);
  return text;
}

}  // namespace

std::vector<StepText> text_of(const Plan& plan, const Request& request) {
  const Places places(plan, request);
  std::vector<StepText> texts;
  for (const Step& step : plan.steps) {
    switch (step.kind) {
      case Step::Kind::group: texts.push_back(group_text(plan.groups[step.index], places)); break;
      case Step::Kind::launch: texts.push_back(launch_text(plan.launches[step.index], request, places)); break;
      case Step::Kind::fold: texts.push_back(fold_text(plan.folds[step.index], places)); break;
    }
  }
  return texts;
}

std::string bytes_text(std::size_t bytes) {
  if (bytes < 10000) return std::to_string(bytes) + " B";
  const double size = static_cast<double>(bytes);
  char text[32];
  if (bytes < 1000000) std::snprintf(text, sizeof text, "%.1f KB", size / 1e3);
  else if (bytes < 1000000000) std::snprintf(text, sizeof text, "%.2f MB", size / 1e6);
  else std::snprintf(text, sizeof text, "%.2f GB", size / 1e9);
  return text;
}

}  // namespace xgrad
