#pragma once
/// Internal to diff/: a layered drawing of a directed graph without cycles.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace xgrad::picture {

struct Box {
  double width = 0, height = 0;
  double x = 0, y = 0;  ///< of the centre, set by `arrange`
  int layer = 0;
};

struct Line {
  std::size_t from = 0, to = 0;
  std::vector<std::pair<double, double>> bends;  ///< between the boxes, set by `arrange`
};

/// Puts boxes into columns, each to the right of those it has lines from, with few crossings; long lines bend around
/// what is between (Sugiyama, Tagawa and Toda 1981). Gives the picture's width and height.
std::pair<double, double> arrange(std::vector<Box>& boxes, std::vector<Line>& lines, double column_gap,
                                  double row_gap);

/// Text with the signs that XML reserves written out.
std::string escaped(const std::string& text);
/// A number for a coordinate: two digits behind the point at most.
std::string at(double x);
/// Characters on a screen (UTF-8).
std::size_t columns(const std::string& text);

}  // namespace xgrad::picture
