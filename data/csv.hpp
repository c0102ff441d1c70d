#pragma once
/// Tables of numbers and words from CSV files.

#include <xgrad/graph/tensor.hpp>

namespace xgrad::data {

/// A column by its name or its position; negative positions count from the last.
class Column {
 public:
  Column(const char* name) : name_(name) {}
  Column(std::string_view name) : name_(name) {}
  Column(std::string name) : name_(std::move(name)) {}
  Column(int position) : position_(position), named_(false) {}

  bool named() const { return named_; }
  const std::string& name() const { return name_; }
  int position() const { return position_; }

 private:
  std::string name_;
  int position_ = 0;
  bool named_ = true;
};

/// What becomes of a missing cell: an error, a number in its place, or its row is left out.
class Missing {
 public:
  enum class Kind : std::uint8_t { error, fill, drop_row };
  constexpr Missing(Kind kind = Kind::error) : kind_(kind) {}
  constexpr Missing(double fill) : kind_(Kind::fill), fill_(fill) {}
  constexpr Kind kind() const { return kind_; }
  constexpr double fill() const { return fill_; }

 private:
  Kind kind_;
  double fill_ = 0;
};
inline constexpr Missing missing_is_error{Missing::Kind::error};
inline constexpr Missing missing_drops_row{Missing::Kind::drop_row};

/// The cells of a CSV text, their quotes removed, one after the other.
struct CsvCells {
  struct Row {
    std::size_t first = 0;   ///< its first cell
    std::size_t count = 0;   ///< how many cells
    std::int64_t line = 0;   ///< the line of the file it starts on, from 1
    bool blank = false;      ///< nothing stands on its line
  };
  std::string text;
  std::vector<std::size_t> ends;  ///< where each cell ends in `text`
  std::vector<Row> rows;

  std::string_view cell(std::size_t index) const {
    const std::size_t begin = index ? ends[index - 1] : 0;
    return std::string_view(text).substr(begin, ends[index] - begin);
  }
};

/// How a CSV file is written and what of it is wanted.
struct CsvOptions {
  char separator = ',';
  char quote = '"';      ///< '\0': quotes are text
  char decimal = '.';    ///< the sign before a fraction
  bool header = true;    ///< the first row holds names; else columns are called "0", "1", ...
  std::vector<Column> columns = {};  ///< those to keep, in this order; all if empty
  Missing missing = missing_is_error;  ///< or a number, or missing_drops_row
  /// The cells that count as missing, once spaces around them are gone.
  std::vector<std::string> missing_values = {"", "?", "NA", "N/A", "NaN", "nan", "null"};
};

/// A column of words as numbers: codes[i] is the position of row i's word in `names`.
struct Categories {
  Tensor codes;                    ///< int64 (rows,)
  std::vector<std::string> names;  ///< each word once, sorted by bytes
};

/// The rows and columns of a CSV file, kept as text until numbers are asked for.
class Table {
 public:
  std::int64_t rows() const { return static_cast<std::int64_t>(rows_.size()); }
  /// The names of the columns kept.
  const std::vector<std::string>& columns() const { return names_; }

  /// These columns (all if none are named) as numbers: (rows, columns), float32, float64, int32 or int64. Integers are
  /// read exactly. Throws ValueError for a column there is not (listing those there are), for a missing cell unless
  /// options say otherwise, and for a cell that is no number of this dtype, naming file, line, column and content;
  /// DTypeError for uint8 and bool.
  Tensor numeric(const std::vector<Column>& columns = {}, DType dtype = float32) const;
  /// Every column but this one, or these.
  Tensor predictors(const Column& target, DType dtype = float32) const;
  Tensor predictors(const std::vector<Column>& targets, DType dtype = float32) const;
  /// This column: (rows, 1), the shape of what a layer with one unit predicts.
  Tensor target(const Column& target, DType dtype = float32) const;
  /// This column's cells as they stand.
  std::vector<std::string> text(const Column& column) const;
  /// This column's words, numbered.
  Categories categories(const Column& column) const;

 private:
  friend Table read_csv(const std::string& path, CsvOptions options);
  std::size_t find(const Column& column) const;
  Tensor gather(const std::vector<std::size_t>& columns, DType dtype) const;
  template <class T>
  T number(const CsvCells::Row& row, std::size_t column, DType dtype) const;
  bool is_missing(std::string_view cell) const;
  std::string_view cell(const CsvCells::Row& row, std::size_t column) const;
  std::string place(const CsvCells::Row& row, std::size_t column) const;

  std::string path_;
  CsvOptions options_;
  CsvCells cells_;
  std::vector<std::size_t> rows_;    // those kept, among the rows of cells_
  std::vector<std::size_t> places_;  // of the columns kept, in the file
  std::vector<std::string> names_;
};

/// The table in a CSV file, plain or gzip-compressed. As in RFC 4180 cells may stand in quotes, inside which a doubled
/// quote is one quote, and separators and line ends are text; lines end with LF, CR LF or CR, a UTF-8 byte order mark
/// is skipped. Rows with nothing on their line are skipped if the table has more than one column. With
/// missing_drops_row, rows in which a kept column is missing are left out. Throws IoError if the file cannot be read,
/// is empty or UTF-16, has an unclosed quote or text after a closing one, or a row has another number of cells than the
/// first (naming the line and both numbers); ValueError for a column there is not.
Table read_csv(const std::string& path, CsvOptions options = {});

}  // namespace xgrad::data
