#include <xgrad/nn/encoding.hpp>
#include <xgrad/nn/fingerprints.hpp>
#include <xgrad/nn/text.hpp>

namespace xgrad {

namespace {

void describe(Fields& f, Hashing& layer) {
  f("num_bins", layer.num_bins);
  f("mask_value", layer.options.mask_value);
  f("salt", layer.options.salt);
  f("output_mode", layer.options.output_mode);
  f("name", layer.options.name);
}
void describe(Fields& f, HashedCrossing& layer) {
  f("num_bins", layer.num_bins);
  f("output_mode", layer.options.output_mode);
  f("name", layer.options.name);
}
constexpr auto describing = [](Fields& f, auto& layer) { describe(f, layer); };

void check_bins(const std::string& where, std::int64_t num_bins) {
  if (num_bins < 1) throw ValueError(where + "expected num_bins above 0, got " + std::to_string(num_bins));
}

std::vector<std::int64_t> whole_numbers(const std::string& where, const Tensor& x) {
  if (is_floating(x.dtype()))
    throw DTypeError(where + "expected integers or words, got " + to_string(x.shape()) + " " + name_of(x.dtype()));
  return x.to_vector<std::int64_t>();
}

}  // namespace

Hashing::Hashing(std::int64_t num_bins, HashingOptions given) : num_bins(num_bins), options(std::move(given)) {
  const std::string where = label("Hashing", options.name);
  check_bins(where, num_bins);
  check_output_mode(where, options.output_mode);
  if (options.salt.size() > 2)
    throw ValueError(where + "expected a salt of one number or two, got " + std::to_string(options.salt.size()));
}

std::int64_t Hashing::bin_of(std::string_view word) const {
  // With a mask, bin 0 is its own, if there is another.
  const bool masks = options.mask_value && num_bins > 1;
  if (masks && word == *options.mask_value) return 0;
  std::uint64_t hash;
  if (options.salt.empty())
    hash = farm_fingerprint(word);
  else
    hash = sip_hash(word, static_cast<std::uint64_t>(options.salt.front()),
                    static_cast<std::uint64_t>(options.salt.back()));
  const auto bins = static_cast<std::uint64_t>(masks ? num_bins - 1 : num_bins);
  return static_cast<std::int64_t>(hash % bins) + (masks ? 1 : 0);
}

Tensor Hashing::operator()(const std::vector<std::string>& words) const {
  std::vector<std::int64_t> out;
  for (const std::string& word : words) out.push_back(bin_of(word));
  return encoded(label("Hashing", options.name), tensor(out, {static_cast<std::int64_t>(out.size())}),
                 options.output_mode, num_bins);
}

Tensor Hashing::operator()(const Tensor& x) const {
  const std::string where = label("Hashing", options.name);
  std::vector<std::int64_t> out;
  for (const std::int64_t n : whole_numbers(where, x)) out.push_back(bin_of(std::to_string(n)));
  return encoded(where, tensor(out, x.shape()), options.output_mode, num_bins);
}

Config Hashing::get_config() const { return config_of(*this, describing); }
Hashing Hashing::from_config(const Config& config) {
  const Hashing read = read_layer("Hashing", config, Hashing(1), describing);
  return Hashing(read.num_bins, read.options);
}

HashedCrossing::Column::Column(const std::vector<std::string>& words) {
  for (const std::string& word : words) features_.push_back(farm_fingerprint(word));
}
HashedCrossing::Column::Column(const Tensor& x) {
  if (x.rank() != 1) throw ShapeError("[HashedCrossing] expected columns with one axis, got " + to_string(x.shape()));
  for (const std::int64_t n : whole_numbers("[HashedCrossing] ", x)) features_.push_back(static_cast<std::uint64_t>(n));
}

HashedCrossing::HashedCrossing(std::int64_t num_bins, HashedCrossingOptions given)
    : num_bins(num_bins), options(std::move(given)) {
  const std::string where = label("HashedCrossing", options.name);
  check_bins(where, num_bins);
  check_output_mode(where, options.output_mode);
}

Tensor HashedCrossing::operator()(const std::vector<Column>& columns) const {
  const std::string where = label("HashedCrossing", options.name);
  if (columns.size() < 2)
    throw ValueError(where + "expected two columns or more, got " + std::to_string(columns.size()));
  std::vector<std::uint64_t> hashes(columns[0].features().size(), 0xdecafcaffe);
  for (const Column& column : columns) {
    if (column.features().size() != hashes.size())
      throw ValueError(where + "expected columns of equal length, got " + std::to_string(hashes.size()) + " and " +
                       std::to_string(column.features().size()));
    for (std::size_t i = 0; i < hashes.size(); ++i) hashes[i] = joined_fingerprint(hashes[i], column.features()[i]);
  }
  std::vector<std::int64_t> bins;
  for (const std::uint64_t hash : hashes)
    bins.push_back(static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(num_bins)));
  return encoded(where, tensor(bins, {static_cast<std::int64_t>(bins.size())}), options.output_mode, num_bins);
}

Config HashedCrossing::get_config() const { return config_of(*this, describing); }
HashedCrossing HashedCrossing::from_config(const Config& config) {
  const HashedCrossing read = read_layer("HashedCrossing", config, HashedCrossing(1), describing);
  return HashedCrossing(read.num_bins, read.options);
}

}  // namespace xgrad
