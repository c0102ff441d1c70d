#include <xgrad/ops/einsum.hpp>

#include <xgrad/graph/op.hpp>
#include <xgrad/ops/contract.hpp>
#include <xgrad/ops/table.hpp>

#include <algorithm>
#include <string>

namespace xgrad {
namespace {

using Labels = std::vector<int>;

constexpr int dots = 1000;  // label of "..." until the operand's rank is known
constexpr int first_dot = 256;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string letter_of(int label) {
  return label >= first_dot ? "the axes of '...'" : "'" + std::string(1, static_cast<char>(label)) + "'";
}

/// One call's text and how it complains.
struct Text {
  std::string_view subscripts;
  Location where;

  [[noreturn]] void refuse(const std::string& what) const {
    throw ValueError("[einsum] expected " + what + ", got \"" + std::string(subscripts) + "\"" + place(where));
  }

  Labels read(std::string_view term) const {
    Labels labels;
    for (std::size_t i = 0; i < term.size(); ++i) {
      if (term[i] == ' ') continue;
      if (is_letter(term[i])) {
        labels.push_back(term[i]);
      } else if (term.substr(i, 3) == "...") {
        if (std::find(labels.begin(), labels.end(), dots) != labels.end()) refuse("at most one '...' for each operand");
        labels.push_back(dots);
        i += 2;
      } else {
        refuse("letters, '...', ',' and one '->'");
      }
    }
    return labels;
  }
};

std::vector<std::string_view> split_terms(std::string_view text) {
  std::vector<std::string_view> terms;
  for (std::size_t comma; (comma = text.find(',')) != text.npos; text.remove_prefix(comma + 1))
    terms.push_back(text.substr(0, comma));
  terms.push_back(text);
  return terms;
}

/// Replaces "..." by `count` labels; the last of them is always the same, since axes broadcast from the end.
void spread_dots(Labels& labels, int count) {
  const auto at = std::find(labels.begin(), labels.end(), dots);
  if (at == labels.end()) return;
  Labels axes;
  for (int i = count; i > 0; --i) axes.push_back(first_dot + i);
  labels.insert(labels.erase(at), axes.begin(), axes.end());
}

Labels implicit_result(const std::vector<Labelled>& operands, int most_dots) {
  Labels result, all;
  for (int i = most_dots; i > 0; --i) result.push_back(first_dot + i);
  for (const Labelled& t : operands) all.insert(all.end(), t.labels.begin(), t.labels.end());
  std::sort(all.begin(), all.end());
  for (const int label : all)
    if (label < first_dot && std::count(all.begin(), all.end(), label) == 1) result.push_back(label);
  return result;
}

Tensor sum_products(std::string_view subscripts, std::span<const Tensor> tensors, const Location& where) {
  const Within here("einsum", where);
  const Text text{subscripts, where};
  const std::size_t arrow = subscripts.find("->");
  const std::vector<std::string_view> terms = split_terms(subscripts.substr(0, arrow));
  if (tensors.empty()) text.refuse("at least one operand");
  if (terms.size() != tensors.size()) text.refuse("as many terms as operands (" + std::to_string(tensors.size()) + ")");

  std::vector<Labelled> operands;
  int most_dots = 0;
  for (std::size_t k = 0; k < terms.size(); ++k) {
    Labels labels = text.read(terms[k]);
    const bool open = std::find(labels.begin(), labels.end(), dots) != labels.end();
    const int named = static_cast<int>(labels.size()) - open, rank = tensors[k].rank();
    if (open ? rank < named : rank != named)
      throw ShapeError("[einsum] expected " + std::to_string(named) + (open ? " axes or more" : " axes") + " for \"" +
                       std::string(terms[k]) + "\", got " + to_string(tensors[k].shape()) + " as operand " +
                       std::to_string(k) + place(where));
    if (open) {
      most_dots = std::max(most_dots, rank - named);
      spread_dots(labels, rank - named);
    }
    operands.push_back({tensors[k], std::move(labels)});
  }

  Labels result;
  if (arrow == subscripts.npos) {
    result = implicit_result(operands, most_dots);
  } else {
    result = text.read(subscripts.substr(arrow + 2));
    if (most_dots > 0 && std::find(result.begin(), result.end(), dots) == result.end())
      text.refuse("'...' behind '->' too, since it stands for axes of the operands");
    spread_dots(result, most_dots);
    for (std::size_t i = 0; i < result.size(); ++i) {
      if (std::find(result.begin(), result.begin() + static_cast<std::ptrdiff_t>(i), result[i]) !=
          result.begin() + static_cast<std::ptrdiff_t>(i))
        text.refuse("each letter behind '->' once, not " + letter_of(result[i]) + " twice");
      if (std::none_of(operands.begin(), operands.end(), [&](const Labelled& t) {
            return std::find(t.labels.begin(), t.labels.end(), result[i]) != t.labels.end();
          }))
        text.refuse("letters behind '->' that an operand has, not " + letter_of(result[i]));
    }
  }
  return contract(std::move(operands), result, letter_of, "einsum", where);
}

}  // namespace

Tensor einsum(std::string_view subscripts, std::initializer_list<Arg> operands) {
  std::vector<Tensor> tensors;
  for (const Arg& arg : operands) tensors.push_back(arg.tensor());
  return sum_products(subscripts, tensors, operands.size() ? operands.begin()->where() : Location());
}

Tensor einsum(std::string_view subscripts, std::span<const Tensor> operands, Location where) {
  return sum_products(subscripts, operands, where);
}

Rows einsum_rows() {
  using In = std::span<const Tensor>;
  static const auto matrix = [] { return tensor({{1., 2.}, {3., 4.}}, {.dtype = int64}); };
  static const std::vector<Row> rows = {
      {.name = "einsum",
       .call =
           [](In in) {
             const int rank = in[0].rank();
             if (in.size() == 3) return einsum("ij,jk,kl->il", in);
             if (in.size() == 2)
               return rank == 3 ? einsum("...ij,...jk", in) : rank == 2 ? einsum("ij,kj->k", in) : einsum(",i->i", in);
             return rank == 3 ? einsum("iji->ji", in) : rank == 2 ? einsum("ii", in) : einsum("...->...", in);
           },
       .samples = {{{{.shape = {2, 3}}, {.shape = {3, 4}}, {.shape = {4, 2}}}},
                   {{{.shape = {2, 2, 3}}, {.shape = {3, 4}}}},
                   {{{.shape = {2, 3}}, {.shape = {4, 3}}}},
                   {{{.shape = {}}, {.shape = {3}}}},
                   {{{.shape = {2, 3, 2}}}},
                   {{{.shape = {3, 3}}}},
                   {{{.shape = {0, 3}}, {.shape = {4, 3}}}},
                   {{{.shape = {3, 3}, .strided = true}}},
                   {{{.shape = {2, 3}, .broadcast = true}, {.shape = {2, 3}, .strided = true}}}},
       .special = {{[] { return einsum("ba", {matrix()}); }, {1, 3, 2, 4}},
                   {[] { return einsum("ij->", {matrix()}); }, {10}},
                   {[] {
                      return einsum("ij,ij->i", {matrix(), matrix()});
                    },
                    {5, 25}},
                   {[] {
                      return einsum("i,i", {ones({1}), ones({5})});
                    },
                    {5}},
                   {[] { return einsum("Ba", {matrix()}); }, {1, 2, 3, 4}},
                   {[] {
                      return einsum("ij->i", {tensor({{200., 100.}}, {.dtype = uint8})});
                    },
                    {44}}},
       .errors = {{[] {
                     return einsum("ij,jk", {zeros({2, 3}), zeros({4, 5})});
                   },
                   "[einsum] expected axes of one length for 'j', got (2, 3) and (4, 5)"},
                  {[] { return einsum("ij", {zeros({2})}); }, "expected 2 axes for \"ij\", got (2,) as operand 0"},
                  {[] { return einsum("...ij", {zeros({2})}); }, "2 axes or more"},
                  {[] { return einsum("i,j", {zeros({2})}); }, "as many terms as operands (1), got \"i,j\""},
                  {[] { return einsum("i$", {zeros({2})}); }, "letters, '...', ',' and one '->'"},
                  {[] { return einsum("i->ii", {zeros({2})}); }, "not 'i' twice"},
                  {[] { return einsum("i->j", {zeros({2})}); }, "that an operand has, not 'j'"},
                  {[] {
                     return einsum("i...->i", {zeros({2, 2})});
                   },
                   "'...' behind '->'"},
                  {[] { return einsum("......", {zeros({2})}); }, "at most one '...'"},
                  {[] { return einsum("i->i->i", {zeros({2})}); }, "one '->'"},
                  {[] {
                     return einsum("ii", {zeros({2, 3})});
                   },
                   "axes of one length for 'i'"},
                  {[] {
                     return einsum("abcde,fghij", {zeros({1, 1, 1, 1, 1}), zeros({1, 1, 1, 1, 1})});
                   },
                   "would have 10 axes"}}},
  };
  return rows;
}

}  // namespace xgrad
