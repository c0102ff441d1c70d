#include <xgrad/nn/encoding.hpp>
#include <xgrad/nn/preprocessing.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/ops/sorting.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace xgrad {

namespace {

void describe(Fields& f, NormalizationOptions& o) {
  f("axis", o.axis);
  f("mean", o.mean);
  f("variance", o.variance);
  f("invert", o.invert);
  f("name", o.name);
}
void describe(Fields& f, DiscretizationOptions& o) {
  f("bin_boundaries", o.bin_boundaries);
  f("num_bins", o.num_bins);
  f("epsilon", o.epsilon);
  f("output_mode", o.output_mode);
  f("name", o.name);
}
void describe(Fields& f, CategoryEncoding& o) {
  f("num_tokens", o.num_tokens);
  f("output_mode", o.output_mode);
  f("name", o.name);
}
void describe(Fields& f, IntegerLookupOptions& o) {
  f("max_tokens", o.max_tokens);
  f("num_oov_indices", o.num_oov_indices);
  f("mask_token", o.mask_token);
  f("oov_token", o.oov_token);
  f("vocabulary", o.vocabulary);
  f("idf_weights", o.idf_weights);
  f("invert", o.invert);
  f("output_mode", o.output_mode);
  f("pad_to_max_tokens", o.pad_to_max_tokens);
  f("name", o.name);
}

constexpr auto describing = [](Fields& f, auto& o) { describe(f, o); };

template <class Options>
Options options_of(std::string_view kind, const Config& config) {
  Options options;
  read_config(kind, config, [&](Fields& f) { describe(f, options); });
  return options;
}

/// NumPy's interp over rising places.
double interpolated(double x, const std::vector<double>& places, const std::vector<double>& values) {
  if (x <= places.front()) return values.front();
  if (x >= places.back()) return values.back();
  const auto at = static_cast<std::size_t>(std::upper_bound(places.begin(), places.end(), x) - places.begin());
  const double slope = (values[at] - values[at - 1]) / (places[at] - places[at - 1]);
  return slope * (x - places[at - 1]) + values[at - 1];
}

struct Summary {
  std::vector<double> values, weights;
};

Summary compressed(const Summary& summary, double epsilon) {
  if (static_cast<double>(summary.values.size()) * epsilon < 1) return summary;
  std::vector<double> sums(summary.weights.size());
  std::partial_sum(summary.weights.begin(), summary.weights.end(), sums.begin());
  std::vector<double> shares;
  for (const double s : sums) shares.push_back(s / sums.back());
  Summary out;
  double before = 0;
  const auto steps = static_cast<std::int64_t>(std::ceil(1 / epsilon));
  for (std::int64_t i = 0; i < steps; ++i) {
    const double share = epsilon + static_cast<double>(i) * epsilon;
    out.values.push_back(interpolated(share, shares, summary.values));
    const double sum = interpolated(share, shares, sums);
    out.weights.push_back(sum - before);
    before = sum;
  }
  return out;
}

}  // namespace

void check_output_mode(const std::string& where, const std::string& mode, bool idf) {
  constexpr Named<int> modes[] = {{"int", 0}, {"one_hot", 1}, {"multi_hot", 2}, {"count", 3}, {"tf_idf", 4}};
  if (find_named(modes, "output_mode", mode) == 4 && !idf)
    throw ValueError(where + "expected an output_mode of 'int', 'one_hot', 'multi_hot' or 'count', got 'tf_idf'");
}

Tensor encoded(const std::string& where, const Tensor& indices, const std::string& mode, std::int64_t depth,
               const Tensor& weights) {
  if (mode == "int") return indices;
  Tensor x = is_floating(indices.dtype()) ? cast(indices, int64) : indices;
  x = check_labels(x, depth, "token");
  if (mode == "one_hot") {
    if (x.rank() > 1 && x.dim(-1) == 1) x = squeeze(x, -1);
    return one_hot(x, depth);
  }
  if (x.rank() == 0) throw ShapeError(where + "expected tokens with an axis, got a scalar");
  const Tensor rows = one_hot(x, depth);
  if (mode == "multi_hot") return max(rows, -2);
  if (!weights.defined()) return sum(rows, -2);
  if (weights.shape() != x.shape())
    throw ShapeError(where + "expected count_weights of shape " + to_string(x.shape()) + ", got " +
                     to_string(weights.shape()));
  return sum(rows * expand_dims(floating(weights), -1), -2);
}

Tensor known_rows(const std::string& where, const Tensor& indices, const std::string& mode, std::int64_t depth) {
  // What is left out gets a column of its own, which goes.
  const Tensor rows = encoded(where, xgrad::where(equal(indices, -1), depth, indices), mode, depth + 1);
  return slice_axis(rows, -1, {0, depth});
}

namespace {

std::string shown(const std::string& token) { return "'" + token + "'"; }
std::string shown(std::int64_t token) { return std::to_string(token); }

}  // namespace

template <class Token>
bool without_special(const std::string& where, const std::optional<Token>& mask, std::int64_t unknown,
                     const Token& oov, std::vector<Token>& vocabulary) {
  std::vector<Token> special;
  if (mask) special.push_back(*mask);
  special.insert(special.end(), static_cast<std::size_t>(unknown), oov);
  const bool begins = !special.empty() && vocabulary.size() >= special.size() &&
                      std::equal(special.begin(), special.end(), vocabulary.begin());
  if (begins) vocabulary.erase(vocabulary.begin(), vocabulary.begin() + static_cast<std::ptrdiff_t>(special.size()));
  for (const Token& token : vocabulary)
    if ((mask && token == *mask) || (unknown > 0 && token == oov))
      throw ValueError(where + "expected the tokens of the mask and of the unknown in front of the vocabulary or " +
                       "nowhere, got " + shown(token) + " behind others");
  return begins;
}
template bool without_special(const std::string&, const std::optional<std::int64_t>&, std::int64_t,
                              const std::int64_t&, std::vector<std::int64_t>&);
template bool without_special(const std::string&, const std::optional<std::string>&, std::int64_t, const std::string&,
                              std::vector<std::string>&);

Tensor idf_row(const std::vector<double>& weights, std::int64_t first, std::int64_t depth) {
  // Unknown words weigh as much as a known one on average.
  double mean = 0;
  for (const double w : weights) mean += w / static_cast<double>(weights.size());
  std::vector<double> row(static_cast<std::size_t>(depth), 0.0);
  for (std::int64_t i = 0; i < first; ++i) row[static_cast<std::size_t>(i)] = mean;
  for (std::size_t i = 0; i < weights.size(); ++i) row[static_cast<std::size_t>(first) + i] = weights[i];
  return tensor(row, {depth}, {.dtype = float32});
}

template <class Token>
std::vector<Token> by_frequency(std::vector<Token> tokens) {
  std::sort(tokens.begin(), tokens.end());
  std::vector<std::pair<std::int64_t, Token>> counts;
  for (const Token& token : tokens) {
    if (counts.empty() || !(counts.back().second == token)) counts.emplace_back(0, token);
    ++counts.back().first;
  }
  std::sort(counts.begin(), counts.end(), [](const auto& a, const auto& b) { return b < a; });
  std::vector<Token> out;
  for (auto& [count, token] : counts) out.push_back(std::move(token));
  return out;
}
template std::vector<std::int64_t> by_frequency(std::vector<std::int64_t> tokens);
template std::vector<std::string> by_frequency(std::vector<std::string> tokens);

// --- Normalization

struct Normalization::State : Counted {
  explicit State(NormalizationOptions options) : options(std::move(options)) {}
  Counted* copy() const override { return new State(*this); }
  NormalizationOptions options;
};

Normalization::Normalization(NormalizationOptions options) : state_(new State(std::move(options))) {
  if (state_->options.mean.size() != state_->options.variance.size())
    throw ValueError(label("Normalization", name()) + "expected as many variances as means, got " +
                     std::to_string(state_->options.mean.size()) + " means and " +
                     std::to_string(state_->options.variance.size()) + " variances");
}
const std::vector<double>& Normalization::mean() const { return state_->options.mean; }
const std::vector<double>& Normalization::variance() const { return state_->options.variance; }
const std::string& Normalization::name() const { return state_->options.name; }

namespace {

/// The axes of x that are kept, as flags.
std::vector<bool> kept_axes(const std::string& where, const std::vector<int>& axes, const Tensor& x) {
  std::vector<bool> kept(static_cast<std::size_t>(x.rank()), false);
  for (const int axis : axes) {
    const int at = axis < 0 ? axis + x.rank() : axis;
    if (at < 0 || at >= x.rank())
      throw ShapeError(where + "expected x with an axis " + std::to_string(axis) + ", got " + to_string(x.shape()));
    kept[static_cast<std::size_t>(at)] = true;
  }
  return kept;
}

}  // namespace

void Normalization::adapt(const Tensor& x) {
  NormalizationOptions& o = state_->options;
  const std::string where = label("Normalization", o.name);
  if (x.size() == 0) throw ValueError(where + "expected data to adapt to, got x " + to_string(x.shape()));
  const std::vector<bool> kept = kept_axes(where, o.axis, x);
  // The axes that are kept come last, so that everything before them is one axis.
  std::vector<int> order, last;
  std::int64_t groups = 1;
  for (int i = 0; i < x.rank(); ++i)
    if (kept[static_cast<std::size_t>(i)])
      last.push_back(i), groups *= x.dim(i);
    else
      order.push_back(i);
  order.insert(order.end(), last.begin(), last.end());
  const Tensor rows = reshape(transpose(cast(x, float64), std::span<const int>(order)), {-1, groups});
  const Tensor means = xgrad::mean(rows, 0), variances = var(rows, 0);
  eval({means, variances});
  o.mean = means.to_vector<double>();
  o.variance = variances.to_vector<double>();
}

Tensor Normalization::operator()(const Tensor& given, Call&) const {
  const NormalizationOptions& o = state_->options;
  const std::string where = label("Normalization", o.name);
  if (o.mean.empty())
    throw ValueError(where + "expected to be adapted to data, or given mean and variance, before it is called");
  const Tensor x = floating(given);
  const std::vector<bool> kept = kept_axes(where, o.axis, x);
  Shape wide;
  for (int i = 0; i < x.rank(); ++i) wide.append(kept[static_cast<std::size_t>(i)] ? x.dim(i) : 1);
  const auto n = static_cast<std::int64_t>(o.mean.size());
  if (wide.size() != n && n != 1)
    throw ShapeError(where + "expected x with " + std::to_string(n) + " means along its axes, got " +
                     to_string(x.shape()));
  if (n == 1 && wide.size() != 1) wide = Shape();
  std::vector<double> deviations;
  for (const double v : o.variance) deviations.push_back(std::max(std::sqrt(v), 1e-7));
  const Tensor mean = tensor(o.mean, wide, {.dtype = x.dtype()});
  const Tensor deviation = tensor(deviations, wide, {.dtype = x.dtype()});
  return o.invert ? mean + x * deviation : (x - mean) / deviation;
}

Config Normalization::get_config() const {
  NormalizationOptions o = state_->options;
  return written([&](Fields& f) { describe(f, o); });
}
Normalization Normalization::from_config(const Config& config) {
  return Normalization(options_of<NormalizationOptions>("Normalization", config));
}

// --- Discretization

struct Discretization::State : Counted {
  explicit State(DiscretizationOptions options) : options(std::move(options)) {}
  Counted* copy() const override { return new State(*this); }
  DiscretizationOptions options;
};

Discretization::Discretization(DiscretizationOptions options) : state_(new State(std::move(options))) {
  const DiscretizationOptions& o = state_->options;
  const std::string where = label("Discretization", o.name);
  check_output_mode(where, o.output_mode);
  if (o.bin_boundaries.empty() && o.num_bins < 1)
    throw ValueError(where + "expected bin_boundaries, or num_bins above 0");
  if (!std::is_sorted(o.bin_boundaries.begin(), o.bin_boundaries.end()))
    throw ValueError(where + "expected rising bin_boundaries");
  if (!(o.epsilon > 0 && o.epsilon < 1))
    throw ValueError(where + "expected an epsilon between 0 and 1, got " + number_text(o.epsilon));
}
const std::vector<double>& Discretization::bin_boundaries() const { return state_->options.bin_boundaries; }
const std::string& Discretization::name() const { return state_->options.name; }

void Discretization::adapt(const Tensor& x) {
  DiscretizationOptions& o = state_->options;
  const std::string where = label("Discretization", o.name);
  if (o.num_bins < 1) throw ValueError(where + "expected num_bins, to adapt to data: the boundaries were given");
  std::vector<double> values = x.to_vector<double>();
  if (values.empty()) throw ValueError(where + "expected data to adapt to, got x " + to_string(x.shape()));
  std::sort(values.begin(), values.end());
  const double step = std::max(static_cast<double>(values.size()) * o.epsilon, 1.0);
  Summary summary;
  for (auto i = static_cast<std::size_t>(step - 1); i < values.size(); i += static_cast<std::size_t>(step)) {
    summary.values.push_back(values[i]);
    summary.weights.push_back(step);
  }
  Summary bins = compressed(compressed(summary, o.epsilon), 1 / static_cast<double>(o.num_bins));
  bins.values.pop_back();
  o.bin_boundaries = std::move(bins.values);
}

Tensor Discretization::operator()(const Tensor& x, Call&) const {
  const DiscretizationOptions& o = state_->options;
  const std::string where = label("Discretization", o.name);
  if (o.bin_boundaries.empty() && o.num_bins != 1)
    throw ValueError(where + "expected to be adapted to data before it is called");
  const auto n = static_cast<std::int64_t>(o.bin_boundaries.size());
  const Tensor bins = digitize(x, tensor(o.bin_boundaries, {n}, {.dtype = x.dtype() == float64 ? float64 : float32}));
  return encoded(where, bins, o.output_mode, n + 1);
}

Config Discretization::get_config() const {
  DiscretizationOptions o = state_->options;
  return written([&](Fields& f) { describe(f, o); });
}
Discretization Discretization::from_config(const Config& config) {
  return Discretization(options_of<DiscretizationOptions>("Discretization", config));
}

// --- CategoryEncoding

CategoryEncoding::CategoryEncoding(std::int64_t num_tokens, CategoryEncodingOptions options)
    : num_tokens(num_tokens), output_mode(std::move(options.output_mode)), name(std::move(options.name)) {
  check();
}
void CategoryEncoding::check() const {
  const std::string where = label("CategoryEncoding", name);
  check_output_mode(where, output_mode);
  if (output_mode == "int")
    throw ValueError(where + "expected an output_mode of 'one_hot', 'multi_hot' or 'count', got 'int'");
  if (num_tokens < 1) throw ValueError(where + "expected num_tokens above 0, got " + std::to_string(num_tokens));
}
Tensor CategoryEncoding::operator()(const Tensor& x, Call&) const {
  return encoded(label("CategoryEncoding", name), x, output_mode, num_tokens);
}
Tensor CategoryEncoding::operator()(const Tensor& x, const Tensor& count_weights) const {
  if (output_mode != "count")
    throw ValueError(label("CategoryEncoding", name) + "expected an output_mode of 'count' for count_weights, got '" +
                     output_mode + "'");
  return encoded(label("CategoryEncoding", name), x, output_mode, num_tokens, count_weights);
}
Config CategoryEncoding::get_config() const { return config_of(*this, describing); }
CategoryEncoding CategoryEncoding::from_config(const Config& config) {
  return read_layer("CategoryEncoding", config, CategoryEncoding(1), describing);
}

// --- IntegerLookup

struct IntegerLookup::State : Counted {
  explicit State(IntegerLookupOptions options) : options(std::move(options)) {}
  Counted* copy() const override { return new State(*this); }
  /// The mask has a place of its own only among numbers.
  bool masks() const { return options.mask_token && options.output_mode == "int"; }
  std::int64_t first() const { return options.num_oov_indices + (masks() ? 1 : 0); }
  IntegerLookupOptions options;
};

IntegerLookup::IntegerLookup(IntegerLookupOptions options) : state_(new State(std::move(options))) {
  IntegerLookupOptions& o = state_->options;
  const std::string where = label("IntegerLookup", o.name);
  check_output_mode(where, o.output_mode, true);
  if (o.num_oov_indices < 0 || o.max_tokens < 0)
    throw ValueError(where + "expected max_tokens and num_oov_indices of 0 or more");
  without_special(where, state_->masks() ? o.mask_token : std::nullopt, o.num_oov_indices, o.oov_token, o.vocabulary);
  if (!o.idf_weights.empty() && o.idf_weights.size() != o.vocabulary.size())
    throw ValueError(where + "expected an idf weight for each of " + std::to_string(o.vocabulary.size()) +
                     " tokens, got " + std::to_string(o.idf_weights.size()));
  std::vector<std::int64_t> sorted = o.vocabulary;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end())
    throw ValueError(where + "expected a vocabulary of different tokens, got " +
                     std::to_string(*std::adjacent_find(sorted.begin(), sorted.end())) + " twice");
}
const std::string& IntegerLookup::name() const { return state_->options.name; }

void IntegerLookup::adapt(const Tensor& x) {
  IntegerLookupOptions& o = state_->options;
  std::vector<std::int64_t> tokens = by_frequency(x.to_vector<std::int64_t>());
  if (o.mask_token) std::erase(tokens, *o.mask_token);
  std::erase(tokens, o.oov_token);
  const std::int64_t most = o.max_tokens - state_->first();
  if (o.max_tokens > 0 && static_cast<std::int64_t>(tokens.size()) > most)
    tokens.resize(static_cast<std::size_t>(std::max<std::int64_t>(most, 0)));
  std::vector<double> weights;
  if (o.output_mode == "tf_idf") {
    if (x.rank() != 2)
      throw ShapeError(label("IntegerLookup", o.name) + "expected documents as rows for 'tf_idf', got " +
                       to_string(x.shape()));
    const std::vector<std::int64_t> all = x.to_vector<std::int64_t>();
    const auto columns = static_cast<std::ptrdiff_t>(x.dim(1));
    for (const std::int64_t token : tokens) {
      std::int64_t with_token = 0;
      for (auto row = all.begin(); row != all.end(); row += columns)
        with_token += std::find(row, row + columns, token) != row + columns;
      weights.push_back(std::log(1 + static_cast<double>(x.dim(0)) / static_cast<double>(1 + with_token)));
    }
  }
  o.vocabulary = std::move(tokens);
  o.idf_weights = std::move(weights);
}

std::vector<std::int64_t> IntegerLookup::get_vocabulary() const {
  const IntegerLookupOptions& o = state_->options;
  std::vector<std::int64_t> out;
  if (state_->masks()) out.push_back(*o.mask_token);
  out.insert(out.end(), static_cast<std::size_t>(o.num_oov_indices), o.oov_token);
  out.insert(out.end(), o.vocabulary.begin(), o.vocabulary.end());
  return out;
}
std::int64_t IntegerLookup::vocabulary_size() const { return static_cast<std::int64_t>(get_vocabulary().size()); }

Tensor IntegerLookup::operator()(const Tensor& given, Call&) const {
  const IntegerLookupOptions& o = state_->options;
  const std::string where = label("IntegerLookup", o.name);
  if (o.vocabulary.empty()) throw ValueError(where + "expected a vocabulary, given or from adapt, before it is called");
  const Tensor x = cast(given, int64);
  if (o.invert) {
    const std::vector<std::int64_t> all = get_vocabulary();
    const auto n = static_cast<std::int64_t>(all.size());
    const Tensor inside = logical_and(x >= 0, x < n);
    return xgrad::where(inside, take(tensor(all, {n}), clip(x, 0, n - 1)), o.oov_token);
  }
  // A sorted copy is searched; the places in the vocabulary come along.
  std::vector<std::pair<std::int64_t, std::int64_t>> sorted;
  for (std::size_t i = 0; i < o.vocabulary.size(); ++i)
    sorted.emplace_back(o.vocabulary[i], state_->first() + static_cast<std::int64_t>(i));
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::int64_t> keys, places;
  for (const auto& [key, place] : sorted) keys.push_back(key), places.push_back(place);
  const auto n = static_cast<std::int64_t>(keys.size());
  const Tensor flat = ravel(x);
  const Tensor at = clip(searchsorted(tensor(keys, {n}), flat), 0, n - 1);
  const Tensor known = equal(take(tensor(keys, {n}), at), flat);
  Tensor unknown;
  const std::int64_t first_unknown = state_->masks() ? 1 : 0;
  if (o.num_oov_indices == 0)
    unknown = check_labels(xgrad::where(known, 0, -1), 1, "known token") - 1;
  else if (o.num_oov_indices == 1)
    unknown = zeros_like(flat) + first_unknown;
  else
    unknown = remainder(flat, o.num_oov_indices) + first_unknown;
  Tensor found = xgrad::where(known, take(tensor(places, {n}), at), unknown);
  if (o.mask_token) found = xgrad::where(equal(flat, *o.mask_token), state_->masks() ? 0 : -1, found);
  const std::int64_t depth = o.pad_to_max_tokens && o.max_tokens > 0 ? o.max_tokens : vocabulary_size();
  found = reshape_like(found, x);
  if (o.output_mode == "int") return found;
  if (o.output_mode != "tf_idf") return known_rows(where, found, o.output_mode, depth);
  if (o.idf_weights.empty()) throw ValueError(where + "expected idf_weights, given or from adapt on documents");
  return known_rows(where, found, "count", depth) * idf_row(o.idf_weights, state_->first(), depth);
}

Config IntegerLookup::get_config() const {
  IntegerLookupOptions o = state_->options;
  return written([&](Fields& f) { describe(f, o); });
}
IntegerLookup IntegerLookup::from_config(const Config& config) {
  return IntegerLookup(options_of<IntegerLookupOptions>("IntegerLookup", config));
}

}  // namespace xgrad
