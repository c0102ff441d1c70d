#include <xgrad/data/csv.hpp>

#include <xgrad/data/bytes.hpp>
#include <xgrad/data/csv_format.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace xgrad::data {

namespace {

std::string read_all(const std::string& path) {
  ByteSource source(path);
  std::string text;
  std::size_t step = source.compressed() ? std::size_t{1} << 16 : static_cast<std::size_t>(source.limit()) + 1;
  while (true) {
    const std::size_t before = text.size();
    text.resize(before + step);
    const std::size_t got = source.read(text.data() + before, step);
    text.resize(before + got);
    if (got < step) return text;
    step = text.size();
  }
}

std::string_view without_spaces(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string list_of(const std::vector<std::string>& names) {
  constexpr std::size_t most = 20;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) text += (i ? ", " : "") + quoted(names[i]);
  return names.size() > most ? text + ", ..." : text;
}

std::size_t position_of(const Column& column, const std::vector<std::string>& names, const std::string& path) {
  if (!column.named()) {
    const auto count = static_cast<std::int64_t>(names.size());
    const std::int64_t position = column.position() < 0 ? column.position() + count : column.position();
    if (position < 0 || position >= count)
      throw ValueError("[read_csv] '" + path + "': expected a column from " + std::to_string(-count) + " to " +
                       std::to_string(count - 1) + ", got " + std::to_string(column.position()));
    return static_cast<std::size_t>(position);
  }
  const auto found = std::find(names.begin(), names.end(), column.name());
  if (found == names.end())
    throw ValueError("[read_csv] '" + path + "': no column is called " + quoted(column.name()) + "; there are " +
                     list_of(names));
  if (std::find(found + 1, names.end(), column.name()) != names.end())
    throw ValueError("[read_csv] '" + path + "': more than one column is called " + quoted(column.name()) +
                     "; choose it by position");
  return static_cast<std::size_t>(found - names.begin());
}

}  // namespace

std::string_view Table::cell(const CsvCells::Row& row, std::size_t column) const {
  return cells_.cell(row.first + places_[column]);
}

std::string Table::place(const CsvCells::Row& row, std::size_t column) const {
  return "[read_csv] '" + path_ + "', line " + std::to_string(row.line) + ", column " + quoted(names_[column]) + " (" +
         std::to_string(places_[column] + 1) + "): ";
}

bool Table::is_missing(std::string_view cell) const {
  const std::string_view word = without_spaces(cell);
  return std::find(options_.missing_values.begin(), options_.missing_values.end(), word) !=
         options_.missing_values.end();
}

std::size_t Table::find(const Column& column) const { return position_of(column, names_, path_); }

template <class T>
T Table::number(const CsvCells::Row& row, std::size_t column, DType dtype) const {
  const std::string_view text = cell(row, column);
  if (is_missing(text)) {
    if (options_.missing.kind() == Missing::Kind::error)
      throw ValueError(place(row, column) + "expected a number, found a missing value: " + quoted(text));
    const double fill = options_.missing.fill();
    if constexpr (std::is_integral_v<T>) {
      // 2^digits is exact as a double, unlike the largest integer.
      const double bound = std::ldexp(1.0, std::numeric_limits<T>::digits);
      if (!(fill >= -bound && fill < bound && fill == std::floor(fill)))
        throw ValueError(place(row, column) + "the number for missing values, " + number_text(fill) +
                         ", does not fit " + name_of(dtype));
    }
    return static_cast<T>(fill);
  }
  bool fits = false;
  T value = 0;
  if constexpr (std::is_integral_v<T>) {
    std::int64_t wide = 0;
    fits = parse_number(text, wide) && wide >= std::numeric_limits<T>::min() && wide <= std::numeric_limits<T>::max();
    value = static_cast<T>(wide);
  } else {
    double wide = 0;
    fits = parse_number(text, options_.decimal, wide);
    value = static_cast<T>(wide);
    if (std::isinf(value) && !std::isinf(wide)) fits = false;
  }
  if (!fits) throw ValueError(place(row, column) + "expected a number (" + name_of(dtype) + "), found " + quoted(text));
  return value;
}

Tensor Table::gather(const std::vector<std::size_t>& columns, DType dtype) const {
  const Shape shape{rows(), static_cast<std::int64_t>(columns.size())};
  const auto read = [&](auto element) {
    using T = decltype(element);
    std::vector<T> values;
    values.reserve(static_cast<std::size_t>(shape.size()));
    for (std::size_t row : rows_)
      for (std::size_t column : columns) values.push_back(number<T>(cells_.rows[row], column, dtype));
    return tensor(values, shape);
  };
  switch (dtype) {
    case DType::float32: return read(float{});
    case DType::float64: return read(double{});
    case DType::int32: return read(std::int32_t{});
    case DType::int64: return read(std::int64_t{});
    default:
      throw DTypeError(std::string("[read_csv] expected float32, float64, int32 or int64, got ") + name_of(dtype));
  }
}

Tensor Table::numeric(const std::vector<Column>& columns, DType dtype) const {
  std::vector<std::size_t> chosen;
  for (const Column& column : columns) chosen.push_back(find(column));
  if (columns.empty())
    for (std::size_t i = 0; i < names_.size(); ++i) chosen.push_back(i);
  return gather(chosen, dtype);
}

Tensor Table::predictors(const Column& target, DType dtype) const {
  return predictors(std::vector<Column>{target}, dtype);
}

Tensor Table::predictors(const std::vector<Column>& targets, DType dtype) const {
  std::vector<bool> is_target(names_.size());
  for (const Column& target : targets) is_target[find(target)] = true;
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < names_.size(); ++i)
    if (!is_target[i]) chosen.push_back(i);
  return gather(chosen, dtype);
}

Tensor Table::target(const Column& target, DType dtype) const { return gather({find(target)}, dtype); }

std::vector<std::string> Table::text(const Column& column) const {
  const std::size_t chosen = find(column);
  std::vector<std::string> words;
  words.reserve(rows_.size());
  for (std::size_t row : rows_) words.emplace_back(cell(cells_.rows[row], chosen));
  return words;
}

Categories Table::categories(const Column& column) const {
  const std::vector<std::string> words = text(column);
  Categories result;
  result.names = words;
  std::sort(result.names.begin(), result.names.end());
  result.names.erase(std::unique(result.names.begin(), result.names.end()), result.names.end());
  std::vector<std::int64_t> codes;
  codes.reserve(words.size());
  for (const std::string& word : words)
    codes.push_back(std::lower_bound(result.names.begin(), result.names.end(), word) - result.names.begin());
  result.codes = tensor(codes, Shape{rows()});
  return result;
}

Table read_csv(const std::string& path, CsvOptions options) {
  Table table;
  table.path_ = path;
  table.cells_ = parse_csv(read_all(path), options.separator, options.quote, path);
  const CsvCells& cells = table.cells_;
  std::size_t first = 0;
  while (first < cells.rows.size() && cells.rows[first].blank) ++first;
  if (first == cells.rows.size())
    throw IoError("[read_csv] '" + path + "': expected " +
                  (options.header ? "a header line" : "at least one row") + ", found an empty file");

  const CsvCells::Row top = cells.rows[first];
  const std::size_t width = top.count;
  std::vector<std::string> all_names;
  for (std::size_t i = 0; i < width; ++i)
    all_names.push_back(options.header ? std::string(without_spaces(cells.cell(top.first + i))) : std::to_string(i));
  for (const Column& column : options.columns) table.places_.push_back(position_of(column, all_names, path));
  if (options.columns.empty())
    for (std::size_t i = 0; i < width; ++i) table.places_.push_back(i);
  for (std::size_t place : table.places_) table.names_.push_back(all_names[place]);
  table.options_ = std::move(options);

  for (std::size_t i = first + (table.options_.header ? 1 : 0); i < cells.rows.size(); ++i) {
    const CsvCells::Row& row = cells.rows[i];
    if (row.blank && width > 1) continue;
    if (row.count != width)
      throw IoError("[read_csv] '" + path + "', line " + std::to_string(row.line) + ": expected " +
                    std::to_string(width) + (width == 1 ? " cell" : " cells") + " as in the first row, found " +
                    std::to_string(row.count) + ", starting with " + quoted(cells.cell(row.first)));
    bool dropped = false;
    if (table.options_.missing.kind() == Missing::Kind::drop_row)
      for (std::size_t k = 0; k < table.places_.size() && !dropped; ++k) dropped = table.is_missing(table.cell(row, k));
    if (!dropped) table.rows_.push_back(i);
  }
  return table;
}

}  // namespace xgrad::data
