#include <xgrad/graph/error.hpp>
#include <xgrad/optim/names.hpp>

#include <algorithm>
#include <vector>

namespace xgrad {

namespace {

bool capital(char c) { return c >= 'A' && c <= 'Z'; }
bool small(char c) { return c >= 'a' && c <= 'z'; }
char lower(char c) { return capital(c) ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

int edit_distance(std::string_view a, std::string_view b) {
  const std::size_t n = b.size();
  std::vector<int> before(n + 1), last(n + 1), now(n + 1);
  for (std::size_t j = 0; j <= n; ++j) last[j] = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    now[0] = static_cast<int>(i);
    for (std::size_t j = 1; j <= n; ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]))
        now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[n];
}

std::string near_misses(std::string_view name, std::span<const std::string_view> known) {
  std::vector<std::pair<int, std::string_view>> order;
  for (const std::string_view k : known) order.emplace_back(edit_distance(name, k), k);
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string near, all;
  for (const auto& [distance, k] : order) {
    const bool part = name.size() >= 3 && k.find(name) != std::string_view::npos;
    // A third of the letters may be wrong: more is another word.
    if (distance <= std::max(1, static_cast<int>(std::max(name.size(), k.size())) / 3) || part)
      near.append(near.empty() ? "'" : " or '").append(k).append("'");
    all.append(all.empty() ? "'" : ", '").append(k).append("'");
  }
  return (near.empty() ? std::string() : "did you mean " + near + "? ") + "known: " + (all.empty() ? "nothing" : all);
}

std::string snake_case(std::string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool begins = i > 0 && capital(name[i]) && name[i - 1] != '_' &&
                        (small(name[i - 1]) || (i + 1 < name.size() && small(name[i + 1])));
    if (begins) out += '_';
    out += lower(name[i]);
  }
  return out;
}

void throw_unknown_name(std::string_view what, std::string_view name, std::span<const std::string_view> known) {
  throw ValueError("[" + std::string(what) + "] unknown name '" + std::string(name) + "': " + near_misses(name, known));
}

}  // namespace xgrad
