#pragma once
/// Config: what a layer was made with, as a JSON value.

#include <xgrad/graph/shape.hpp>
#include <xgrad/kernels/dtype.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace xgrad {

/// A JSON value: nothing, a truth value, a number, text, a list, or named values in the order they were added. Numbers
/// come back bit for bit; those that are not finite are kept as the texts "nan", "inf" and "-inf".
class Config {
 public:
  enum class Kind : std::uint8_t { nothing, boolean, integer, real, text, list, object };
  using Entry = std::pair<std::string, Config>;

  Config() = default;
  template <std::same_as<bool> T>
  Config(T value) : kind_(Kind::boolean), integer_(value) {}
  template <std::integral T>
    requires(!std::same_as<T, bool>)
  Config(T value) : kind_(Kind::integer), integer_(static_cast<std::int64_t>(value)) {}
  Config(double value) : kind_(Kind::real), real_(value) {}
  Config(const char* text) : kind_(Kind::text), text_(text) {}
  Config(std::string_view text) : kind_(Kind::text), text_(text) {}
  Config(std::string text) : kind_(Kind::text), text_(std::move(text)) {}
  Config(std::vector<Config> list) : kind_(Kind::list), list_(std::move(list)) {}
  Config(const Shape& shape);
  Config(DType dtype) : Config(name_of(dtype)) {}
  static Config object(std::vector<Entry> entries = {});

  Kind kind() const { return kind_; }
  bool is_nothing() const { return kind_ == Kind::nothing; }
  /// These throw ValueError, saying what is there instead, for a value of another kind.
  bool boolean() const;
  std::int64_t integer() const;
  double real() const;  ///< of an integer too
  const std::string& text() const;
  const std::vector<Config>& list() const;
  const std::vector<Entry>& entries() const;
  Shape shape() const;  ///< of a list of lengths
  DType dtype() const;  ///< of its name

  /// Adds or replaces a named value; makes an object of nothing.
  Config& set(std::string_view name, Config value);
  bool contains(std::string_view name) const;
  /// Throws ValueError, with the near misses, for a name there is not.
  const Config& at(std::string_view name) const;

  /// As JSON; with `indent` 0 or more on several lines.
  std::string to_json(int indent = -1) const;
  /// Throws ValueError, naming `where`, for text that is no JSON.
  static Config parse(std::string_view json, std::string_view where = "config");

  friend bool operator==(const Config&, const Config&) = default;

 private:
  [[noreturn]] void expected(const char* what) const;

  Kind kind_ = Kind::nothing;
  std::int64_t integer_ = 0;
  double real_ = 0;
  std::string text_;
  std::vector<Config> list_;
  std::vector<Entry> entries_;
};

}  // namespace xgrad
