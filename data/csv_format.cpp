#include <xgrad/data/csv_format.hpp>

#include <xgrad/graph/error.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace xgrad::data {

namespace {

// libcsv drops empty rows, knows no line numbers and calls back for every cell; this is shorter than its use.
class Splitter {
 public:
  Splitter(std::string_view file, char separator, char quote, const std::string& path)
      : file_(file), separator_(separator), quote_(quote), path_(path) {}

  CsvCells run() {
    skip_mark();
    cells_.text.reserve(file_.size());
    while (at_ < file_.size()) row();
    return std::move(cells_);
  }

 private:
  [[noreturn]] void fail(std::int64_t line, const std::string& what) const {
    throw IoError("[read_csv] '" + path_ + "', line " + std::to_string(line) + ": " + what);
  }

  void skip_mark() {
    if (file_.starts_with("\xEF\xBB\xBF")) at_ = 3;
    else if (file_.starts_with("\xFF\xFE") || file_.starts_with("\xFE\xFF"))
      fail(1, "expected UTF-8 or plain ASCII text, found the byte order mark of UTF-16");
  }

  bool at_line_end() const { return at_ >= file_.size() || file_[at_] == '\n' || file_[at_] == '\r'; }

  void skip_line_end() {
    if (at_ >= file_.size()) return;
    if (file_[at_] == '\r' && at_ + 1 < file_.size() && file_[at_ + 1] == '\n') ++at_;
    ++at_;
    ++line_;
  }

  void row() {
    CsvCells::Row row{.first = cells_.ends.size(), .line = line_, .blank = at_line_end()};
    while (true) {
      cell();
      cells_.ends.push_back(cells_.text.size());
      if (at_line_end()) break;
      ++at_;
    }
    row.count = cells_.ends.size() - row.first;
    cells_.rows.push_back(row);
    skip_line_end();
  }

  // Leaves at_ on the separator or line end behind the cell.
  void cell() {
    if (at_ < file_.size() && file_[at_] == quote_ && quote_ != '\0') return quoted_cell();
    const std::size_t begin = at_;
    while (!at_line_end() && file_[at_] != separator_) ++at_;
    cells_.text += file_.substr(begin, at_ - begin);
  }

  void quoted_cell() {
    const std::int64_t opened = line_;
    ++at_;
    while (true) {
      const std::size_t close = file_.find(quote_, at_);
      if (close == std::string_view::npos) fail(opened, "the quote opened on this line is never closed");
      const std::string_view part = file_.substr(at_, close - at_);
      cells_.text += part;
      line_ += count_lines(part);
      at_ = close + 1;
      if (at_ >= file_.size() || file_[at_] != quote_) break;
      cells_.text += quote_;
      ++at_;
    }
    if (!at_line_end() && file_[at_] != separator_)
      fail(line_, "expected a separator or the end of the line after a closing quote, found " +
                      quoted(file_.substr(at_, 1)));
  }

  static std::int64_t count_lines(std::string_view text) {
    std::int64_t lines = 0;
    for (std::size_t i = 0; i < text.size(); ++i)
      lines += text[i] == '\n' || (text[i] == '\r' && !(i + 1 < text.size() && text[i + 1] == '\n'));
    return lines;
  }

  std::string_view file_;
  char separator_, quote_;
  const std::string& path_;
  CsvCells cells_;
  std::size_t at_ = 0;
  std::int64_t line_ = 1;
};

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  if (text.size() > 1 && text[0] == '+' && text[1] != '-' && text[1] != '+') text.remove_prefix(1);
  return text;
}

bool parse_double(std::string_view text, double& out) {
  const char* end = text.data() + text.size();
  double value = 0;
  auto result = std::from_chars(text.data(), end, value);
  if (result.ptr != end || text.empty()) return false;
  if (result.ec == std::errc::result_out_of_range) {
    // from_chars does not tell too large from too small; the wider type does.
    long double wide = 0;
    if (std::from_chars(text.data(), end, wide).ec != std::errc() || std::abs(wide) > 1) return false;
    value = static_cast<double>(wide);
  } else if (result.ec != std::errc()) {
    return false;
  }
  out = value;
  return true;
}

}  // namespace

CsvCells parse_csv(std::string_view file, char separator, char quote, const std::string& path) {
  return Splitter(file, separator, quote, path).run();
}

bool parse_number(std::string_view cell, char decimal, double& out) {
  const std::string_view text = trimmed(cell);
  if (decimal == '.') return parse_double(text, out);
  if (text.find('.') != std::string_view::npos) return false;
  std::string with_point(text);
  std::replace(with_point.begin(), with_point.end(), decimal, '.');
  return parse_double(with_point, out);
}

bool parse_number(std::string_view cell, std::int64_t& out) {
  const std::string_view text = trimmed(cell);
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, out);
  return !text.empty() && result.ec == std::errc() && result.ptr == end;
}

std::string quoted(std::string_view text) {
  constexpr std::size_t most = 40;
  constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (char c : text.substr(0, most)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) out += c;
    else (out += "\\x") += {digits[byte >> 4], digits[byte & 15]};
  }
  return out + (text.size() > most ? "\"..." : "\"");
}

}  // namespace xgrad::data
