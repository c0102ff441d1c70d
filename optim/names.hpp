#pragma once
/// Errors for names that are not known: they list those that are, nearest first.

#include <span>
#include <string>
#include <string_view>

namespace xgrad {

/// The least number of letters to insert, delete, replace or exchange with their neighbour that turns a into b. Upper
/// and lower case count as equal.
int edit_distance(std::string_view a, std::string_view b);

/// "did you mean 'adam'? known: 'adam', 'sgd'"; without the question if nothing known is near.
std::string near_misses(std::string_view name, std::span<const std::string_view> known);

/// Throws ValueError: "[what] unknown name 'adma': did you mean 'adam'? known: ...".
[[noreturn]] void throw_unknown_name(std::string_view what, std::string_view name,
                                     std::span<const std::string_view> known);

/// "MeanSquaredError" as "mean_squared_error": an underscore before a capital that follows a small letter or precedes
/// one, then small letters.
std::string snake_case(std::string_view name);

/// One row of a table of things that have a name.
template <class T>
struct Named {
  std::string_view name;
  T value;
};

/// The table's value under this name, or under the name in snake case. Throws ValueError with the near misses.
template <class T, std::size_t N>
const T& find_named(const Named<T> (&table)[N], std::string_view what, std::string_view name) {
  std::string_view known[N];
  for (std::size_t i = 0; i < N; ++i) {
    if (table[i].name == name) return table[i].value;
    known[i] = table[i].name;
  }
  const std::string snake = snake_case(name);
  for (const Named<T>& row : table)
    if (row.name == snake) return row.value;
  throw_unknown_name(what, name, known);
}

}  // namespace xgrad
