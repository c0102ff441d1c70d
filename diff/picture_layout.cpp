#include <xgrad/diff/picture_layout.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace xgrad::picture {
namespace {

/// A box, or a point of a long line where it passes a column.
struct Spot {
  double height = 0, y = 0;
  std::size_t box = ~std::size_t{0};
  std::vector<std::size_t> before, after;
};

}  // namespace

std::pair<double, double> arrange(std::vector<Box>& boxes, std::vector<Line>& lines, double column_gap,
                                  double row_gap) {
  if (boxes.empty()) return {0, 0};
  // Boxes come in an order in which lines lead forward.
  for (const Line& line : lines)
    boxes[line.to].layer = std::max(boxes[line.to].layer, boxes[line.from].layer + 1);
  // What nothing leads to stands beside its first reader.
  std::vector<int> first(boxes.size(), 1 << 20);
  std::vector<std::uint8_t> has_input(boxes.size(), 0);
  for (const Line& line : lines) {
    has_input[line.to] = 1;
    first[line.from] = std::min(first[line.from], boxes[line.to].layer);
  }
  int layers = 0;
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    if (!has_input[i] && first[i] < 1 << 20) boxes[i].layer = first[i] - 1;
    layers = std::max(layers, boxes[i].layer + 1);
  }

  std::vector<Spot> spots;
  std::vector<std::vector<std::size_t>> columns(static_cast<std::size_t>(layers));
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    spots.push_back({.height = boxes[i].height, .box = i, .before = {}, .after = {}});
    columns[static_cast<std::size_t>(boxes[i].layer)].push_back(i);
  }
  std::vector<std::vector<std::size_t>> paths;
  for (const Line& line : lines) {
    std::vector<std::size_t> path{line.from};
    for (int layer = boxes[line.from].layer + 1; layer < boxes[line.to].layer; ++layer) {
      spots.push_back({.height = 8, .before = {}, .after = {}});
      columns[static_cast<std::size_t>(layer)].push_back(spots.size() - 1);
      path.push_back(spots.size() - 1);
    }
    path.push_back(line.to);
    for (std::size_t k = 0; k + 1 < path.size(); ++k) {
      spots[path[k]].after.push_back(path[k + 1]);
      spots[path[k + 1]].before.push_back(path[k]);
    }
    paths.push_back(std::move(path));
  }

  // Order within columns: by the mean place of the neighbours, to and fro.
  std::vector<double> place(spots.size(), 0);
  const auto number = [&](std::vector<std::size_t>& column) {
    for (std::size_t k = 0; k < column.size(); ++k) place[column[k]] = static_cast<double>(k);
  };
  for (auto& column : columns) number(column);
  const auto mean_of = [&](const std::vector<std::size_t>& neighbours, const std::vector<double>& of,
                           double otherwise) {
    if (neighbours.empty()) return otherwise;
    double total = 0;
    for (const std::size_t n : neighbours) total += of[n];
    return total / static_cast<double>(neighbours.size());
  };
  for (int sweep = 0; sweep < 12; ++sweep) {
    for (std::size_t k = 0; k < columns.size(); ++k) {
      auto& column = columns[sweep % 2 ? columns.size() - 1 - k : k];
      std::vector<double> wish(spots.size(), 0);
      for (const std::size_t s : column)
        wish[s] = mean_of(sweep % 2 ? spots[s].after : spots[s].before, place, place[s]);
      std::stable_sort(column.begin(), column.end(), [&](std::size_t a, std::size_t b) { return wish[a] < wish[b]; });
      number(column);
    }
  }
  // Heights: as near to the neighbours' as the order allows.
  std::vector<double> y(spots.size(), 0);
  for (auto& column : columns) {
    double at = 0;
    for (const std::size_t s : column) {
      y[s] = at + spots[s].height / 2;
      at += spots[s].height + row_gap;
    }
  }
  for (int sweep = 0; sweep < 24; ++sweep) {
    for (std::size_t k = 0; k < columns.size(); ++k) {
      const auto& column = columns[sweep % 2 ? columns.size() - 1 - k : k];
      std::vector<double> wish;
      for (const std::size_t s : column) {
        std::vector<std::size_t> all = spots[s].before;
        all.insert(all.end(), spots[s].after.begin(), spots[s].after.end());
        wish.push_back(mean_of(all, y, y[s]));
      }
      // Pushed apart downwards and upwards; the mean of both keeps the order.
      std::vector<double> down = wish, up = wish;
      for (std::size_t i = 1; i < column.size(); ++i)
        down[i] =
            std::max(down[i], down[i - 1] + (spots[column[i - 1]].height + spots[column[i]].height) / 2 + row_gap);
      for (std::size_t i = column.size(); i-- > 1;)
        up[i - 1] = std::min(up[i - 1], up[i] - (spots[column[i - 1]].height + spots[column[i]].height) / 2 - row_gap);
      for (std::size_t i = 0; i < column.size(); ++i) y[column[i]] = (down[i] + up[i]) / 2;
    }
  }
  double top = 1e300, bottom = -1e300;
  for (std::size_t s = 0; s < spots.size(); ++s) {
    top = std::min(top, y[s] - spots[s].height / 2);
    bottom = std::max(bottom, y[s] + spots[s].height / 2);
  }
  std::vector<double> middle(columns.size());
  double x = 0;
  for (std::size_t k = 0; k < columns.size(); ++k) {
    double width = 0;
    for (const std::size_t s : columns[k])
      if (spots[s].box < boxes.size()) width = std::max(width, boxes[spots[s].box].width);
    middle[k] = x + width / 2;
    x += width + column_gap;
  }
  for (std::size_t i = 0; i < boxes.size(); ++i) {
    boxes[i].x = middle[static_cast<std::size_t>(boxes[i].layer)];
    boxes[i].y = y[i] - top;
  }
  for (std::size_t l = 0; l < lines.size(); ++l) {
    int layer = boxes[lines[l].from].layer;
    for (std::size_t k = 1; k + 1 < paths[l].size(); ++k)
      lines[l].bends.emplace_back(middle[static_cast<std::size_t>(++layer)], y[paths[l][k]] - top);
  }
  return {x - column_gap, bottom - top};
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '&') out += "&amp;";
    else if (c == '"') out += "&quot;";
    else if (static_cast<unsigned char>(c) >= 0x20) out += c;
  }
  return out;
}

std::string at(double x) {
  char text[40];
  std::snprintf(text, sizeof text, "%.2f", x);
  std::string s = text;
  while (s.back() == '0') s.pop_back();
  if (s.back() == '.') s.pop_back();
  return s == "-0" ? "0" : s;
}

std::size_t columns(const std::string& text) {
  std::size_t n = 0;
  for (const char c : text) n += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return n;
}

}  // namespace xgrad::picture
