#pragma once
/// What stands in a CSV file, cell by cell.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace xgrad::data {

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

}  // namespace xgrad::data
