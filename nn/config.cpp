#include <xgrad/graph/error.hpp>
#include <xgrad/nn/config.hpp>
#include <xgrad/optim/names.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>

namespace xgrad {

namespace {

using Json = nlohmann::ordered_json;

/// The parser calls itself for each level of nesting: a file must not decide how deep that goes.
constexpr int most_levels = 100;

Json to(const Config& config) {
  switch (config.kind()) {
    case Config::Kind::nothing: return nullptr;
    case Config::Kind::boolean: return config.boolean();
    case Config::Kind::integer: return config.integer();
    case Config::Kind::real: {
      const double value = config.real();
      if (std::isnan(value)) return "nan";
      if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
      return value;
    }
    case Config::Kind::text: return config.text();
    case Config::Kind::list: {
      Json out = Json::array();
      for (const Config& item : config.list()) out.push_back(to(item));
      return out;
    }
    default: {
      Json out = Json::object();
      for (const auto& [name, value] : config.entries()) out[name] = to(value);
      return out;
    }
  }
}

Config from(const Json& json) {
  if (json.is_null()) return {};
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_array()) {
    std::vector<Config> out;
    for (const Json& item : json) out.push_back(from(item));
    return out;
  }
  Config out = Config::object();
  for (const auto& [name, value] : json.items()) out.set(name, from(value));
  return out;
}

const char* name_of_kind(Config::Kind kind) {
  constexpr const char* names[] = {"nothing", "a truth value", "an integer", "a number", "text", "a list", "an object"};
  return names[static_cast<int>(kind)];
}

}  // namespace

Config::Config(const Shape& shape) : kind_(Kind::list) {
  for (const std::int64_t n : shape) list_.emplace_back(n);
}

Config Config::object(std::vector<Entry> entries) {
  Config out;
  out.kind_ = Kind::object;
  out.entries_ = std::move(entries);
  return out;
}

void Config::expected(const char* what) const {
  std::string found = to_json();
  if (found.size() > 60) found = found.substr(0, 57) + "...";
  throw ValueError(std::string("[config] expected ") + what + ", got " + name_of_kind(kind_) + ": " + found);
}

bool Config::boolean() const {
  if (kind_ != Kind::boolean) expected("true or false");
  return integer_ != 0;
}
std::int64_t Config::integer() const {
  if (kind_ != Kind::integer) expected("an integer");
  return integer_;
}
double Config::real() const {
  if (kind_ == Kind::integer) return static_cast<double>(integer_);
  if (kind_ == Kind::text && text_ == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (kind_ == Kind::text && text_ == "inf") return std::numeric_limits<double>::infinity();
  if (kind_ == Kind::text && text_ == "-inf") return -std::numeric_limits<double>::infinity();
  if (kind_ != Kind::real) expected("a number");
  return real_;
}
const std::string& Config::text() const {
  if (kind_ != Kind::text) expected("text");
  return text_;
}
const std::vector<Config>& Config::list() const {
  if (kind_ != Kind::list) expected("a list");
  return list_;
}
const std::vector<Config::Entry>& Config::entries() const {
  if (kind_ != Kind::object) expected("an object");
  return entries_;
}

Shape Config::shape() const {
  Shape out;
  for (const Config& item : list()) {
    if (item.integer() < 0) item.expected("a length of 0 or more");
    out.append(item.integer());
  }
  return out;
}

DType Config::dtype() const {
  for (int i = 0; i < dtype_count; ++i)
    if (text() == name_of(static_cast<DType>(i))) return static_cast<DType>(i);
  expected("the name of a dtype");
}

Config& Config::set(std::string_view name, Config value) {
  if (kind_ == Kind::nothing) kind_ = Kind::object;
  if (kind_ != Kind::object) expected("an object");
  for (auto& [key, old] : entries_)
    if (key == name) {
      old = std::move(value);
      return *this;
    }
  entries_.emplace_back(std::string(name), std::move(value));
  return *this;
}

bool Config::contains(std::string_view name) const {
  for (const auto& [key, value] : entries_)
    if (key == name) return true;
  return false;
}

const Config& Config::at(std::string_view name) const {
  std::vector<std::string_view> known;
  for (const auto& [key, value] : entries()) {
    if (key == name) return value;
    known.push_back(key);
  }
  throw_unknown_name("config", name, known);
}

std::string Config::to_json(int indent) const {
  return to(*this).dump(indent, ' ', false, Json::error_handler_t::replace);
}

Config Config::parse(std::string_view json, std::string_view where) {
  try {
    const auto shallow = [](int depth, Json::parse_event_t, Json&) {
      if (depth > most_levels) throw ValueError("more than 100 levels of nesting");
      return true;
    };
    return from(Json::parse(json.begin(), json.end(), shallow));
  } catch (const Error& error) {
    throw ValueError("[" + std::string(where) + "] " + error.what());
  } catch (const std::exception& error) {
    throw ValueError("[" + std::string(where) + "] expected JSON: " + error.what());
  }
}

}  // namespace xgrad
