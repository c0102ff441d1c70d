#pragma once
/// Internal to data/: splitting CSV text into cells.

#include <xgrad/data/csv.hpp>

namespace xgrad::data {

/// Cells by RFC 4180: cells may stand in quotes, inside which a doubled quote is one quote, and separators and line
/// ends are text. Rows end with LF, CR LF or CR; the last may lack it. A UTF-8 byte order mark is skipped. A quote
/// inside an unquoted cell is text. Throws IoError, naming `path` and the line, for an unclosed quote, text after a
/// closing quote, and UTF-16.
CsvCells parse_csv(std::string_view file, char separator, char quote, const std::string& path);

/// A number written as a whole cell: spaces around it and one plus sign are allowed. False if it is not one, or if it
/// does not fit. Fractions too small for a double become zero.
bool parse_number(std::string_view cell, char decimal, double& out);
bool parse_number(std::string_view cell, std::int64_t& out);

/// Text for a message: quoted, control characters as \xNN, cut after 40 bytes.
std::string quoted(std::string_view text);

}  // namespace xgrad::data
