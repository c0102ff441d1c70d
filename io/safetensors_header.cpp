#include <xgrad/io/safetensors_header.hpp>

#include <xgrad/graph/error.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <set>

namespace xgrad::io {

namespace {

using nlohmann::json;

constexpr std::size_t most_axes = 8;
constexpr std::string_view metadata_key = "__metadata__";

struct NamedType {
  const char* name;
  DType dtype;
};
constexpr NamedType named_types[] = {{"BOOL", bool_}, {"U8", uint8},     {"I32", int32},
                                     {"I64", int64},  {"F32", float32}, {"F64", float64}};

// Names come from the file; a message shows only their beginning.
std::string shown(const std::string& name) {
  constexpr std::size_t most = 60;
  return "'" + (name.size() > most ? name.substr(0, most) + "..." : name) + "'";
}

// Takes the parser's events one by one: nothing is built before it is known to fit, and depth is limited.
class HeaderReader : public nlohmann::json_sax<json> {
 public:
  explicit HeaderReader(const std::string& path) : path_(path) {}

  SafetensorsHeader take() && { return std::move(header_); }

  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("a truth value"); }
  bool number_float(number_float_t, const string_t& text) override { return unexpected("the number " + text); }
  bool number_integer(number_integer_t value) override {
    return unexpected("the number " + std::to_string(value));
  }
  bool binary(binary_t&) override { return unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (where_ == Where::shape) {
      if (entry_.shape.size() == most_axes) fail(about() + "expected at most 8 axes, found more");
      if (value > static_cast<std::uint64_t>(INT64_MAX))
        fail(about() + "an axis cannot be " + std::to_string(value) + " long");
      entry_.shape.push_back(static_cast<std::int64_t>(value));
      return true;
    }
    if (where_ == Where::offsets) {
      if (offsets_ == 2) fail(about() + "expected two data_offsets, found more");
      (offsets_ == 0 ? entry_.begin : entry_.end) = value;
      ++offsets_;
      return true;
    }
    return unexpected("the number " + std::to_string(value));
  }

  bool string(string_t& text) override {
    if (where_ == Where::metadata) {
      header_.metadata.emplace(key_, text);
      return true;
    }
    if (where_ == Where::tensor && key_ == "dtype" && !has_dtype_) {
      const auto* type = std::find_if(std::begin(named_types), std::end(named_types),
                                      [&](const NamedType& t) { return text == t.name; });
      if (type == std::end(named_types))
        fail(about() + "expected dtype BOOL, U8, I32, I64, F32 or F64, found " + shown(text));
      entry_.dtype = type->dtype;
      has_dtype_ = true;
      return true;
    }
    return unexpected("the text " + shown(text));
  }

  bool start_object(std::size_t) override {
    if (where_ == Where::outside) where_ = Where::top;
    else if (where_ == Where::top && key_ == metadata_key) where_ = Where::metadata;
    else if (where_ == Where::top) start_tensor();
    else return unexpected("an object");
    return true;
  }

  bool key(string_t& text) override {
    if (where_ == Where::metadata) {
      if (header_.metadata.contains(text)) fail("the metadata " + shown(text) + " stands in it twice");
    } else if (where_ == Where::top) {
      if (!names_.insert(text).second) fail("the name " + shown(text) + " stands in it twice");
    } else {
      const bool known = text == "dtype" || text == "shape" || text == "data_offsets";
      if (!known) fail(about() + "expected dtype, shape and data_offsets, found " + shown(text));
      const bool again = text == "dtype" ? has_dtype_ : text == "shape" ? has_shape_ : offsets_ > 0;
      if (again) fail(about() + text + " stands in it twice");
    }
    key_ = text;
    return true;
  }

  bool end_object() override {
    if (where_ == Where::tensor) end_tensor();
    where_ = where_ == Where::top ? Where::outside : Where::top;
    return true;
  }

  bool start_array(std::size_t) override {
    if (where_ == Where::tensor && key_ == "shape") where_ = Where::shape;
    else if (where_ == Where::tensor && key_ == "data_offsets") where_ = Where::offsets;
    else return unexpected("a list");
    return true;
  }

  bool end_array() override {
    if (where_ == Where::shape) has_shape_ = true;
    else if (offsets_ != 2) fail(about() + "expected two data_offsets, found " + std::to_string(offsets_));
    where_ = Where::tensor;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    const std::string text = error.what();
    const std::size_t start = text.find("] ");
    fail("byte " + std::to_string(position) + " is not JSON: " +
         (start == std::string::npos ? text : text.substr(start + 2)));
  }

 private:
  enum class Where { outside, top, metadata, tensor, shape, offsets };

  [[noreturn]] void fail(const std::string& what) const {
    throw IoError("[load_safetensors] '" + path_ + "', header: " + what);
  }

  std::string about() const { return "tensor " + shown(entry_.name) + ": "; }

  bool unexpected(const std::string& what) const {
    switch (where_) {
      case Where::outside: fail("expected an object, found " + what);
      case Where::top: fail("expected an object for " + shown(key_) + ", found " + what);
      case Where::metadata: fail("expected text for the metadata " + shown(key_) + ", found " + what);
      default: fail(about() + "found " + what + " where " + shown(key_) + " does not allow it");
    }
  }

  void start_tensor() {
    entry_ = {};
    entry_.name = key_;
    has_dtype_ = has_shape_ = false;
    offsets_ = 0;
    where_ = Where::tensor;
  }

  void end_tensor() {
    if (!has_dtype_ || !has_shape_ || offsets_ != 2)
      fail(about() + "expected dtype, shape and data_offsets, found no " +
           (!has_dtype_ ? "dtype" : !has_shape_ ? "shape" : "data_offsets"));
    header_.tensors.push_back(std::move(entry_));
  }

  const std::string& path_;
  SafetensorsHeader header_;
  std::set<std::string> names_;
  TensorEntry entry_;
  std::string key_;
  Where where_ = Where::outside;
  bool has_dtype_ = false, has_shape_ = false;
  int offsets_ = 0;
};

// The bytes that shape and dtype ask for, or nothing if the count overflows, even with a length of 0 left out.
std::optional<std::uint64_t> bytes_of(const TensorEntry& entry) {
  constexpr std::uint64_t most = std::uint64_t{1} << 62;
  std::uint64_t total = size_of(entry.dtype);
  bool empty = false;
  for (std::int64_t length : entry.shape) {
    empty = empty || length == 0;
    if (length == 0) continue;
    if (static_cast<std::uint64_t>(length) > most / total) return std::nullopt;
    total *= static_cast<std::uint64_t>(length);
  }
  return empty ? 0 : total;
}

void check_offsets(const SafetensorsHeader& header, std::uint64_t data_bytes, const std::string& path) {
  const auto fail = [&](const TensorEntry& entry, const std::string& what) {
    throw IoError("[load_safetensors] '" + path + "', tensor " + shown(entry.name) + ": " + what);
  };
  std::vector<const TensorEntry*> order;
  for (const TensorEntry& entry : header.tensors) {
    const std::optional<std::uint64_t> bytes = bytes_of(entry);
    if (!bytes) fail(entry, "its shape is larger than any file");
    if (entry.begin > entry.end || entry.end > data_bytes)
      fail(entry, "data_offsets " + std::to_string(entry.begin) + " to " + std::to_string(entry.end) +
                      " lie outside the " + std::to_string(data_bytes) + " bytes of data");
    if (entry.end - entry.begin != *bytes)
      fail(entry, "shape and dtype ask for " + std::to_string(*bytes) + " bytes, data_offsets hold " +
                      std::to_string(entry.end - entry.begin));
    order.push_back(&entry);
  }
  std::sort(order.begin(), order.end(), [](const TensorEntry* a, const TensorEntry* b) {
    return a->begin != b->begin ? a->begin < b->begin : a->end < b->end;
  });
  std::uint64_t at = 0;
  for (const TensorEntry* entry : order) {
    if (entry->begin != at)
      fail(*entry, "expected its data at offset " + std::to_string(at) + ", where the one before ends, found " +
                       std::to_string(entry->begin));
    at = entry->end;
  }
  if (at != data_bytes)
    throw IoError("[load_safetensors] '" + path + "': expected " + std::to_string(at) +
                  " bytes of data as the header says, found " + std::to_string(data_bytes));
}

}  // namespace

SafetensorsHeader parse_safetensors_header(std::string_view text, std::uint64_t data_bytes, const std::string& path) {
  HeaderReader reader(path);
  // No part of the header may be refused silently: each event either fits or throws.
  json::sax_parse(text.begin(), text.end(), &reader);
  SafetensorsHeader header = std::move(reader).take();
  check_offsets(header, data_bytes, path);
  return header;
}

std::string format_safetensors_header(const SafetensorsHeader& header) {
  nlohmann::ordered_json root = nlohmann::ordered_json::object();
  if (!header.metadata.empty()) root[std::string(metadata_key)] = header.metadata;
  for (const TensorEntry& entry : header.tensors) {
    const auto* type = std::find_if(std::begin(named_types), std::end(named_types),
                                    [&](const NamedType& t) { return t.dtype == entry.dtype; });
    nlohmann::ordered_json row = nlohmann::ordered_json::object();
    row["dtype"] = type->name;
    row["shape"] = entry.shape;
    row["data_offsets"] = {entry.begin, entry.end};
    root.push_back({entry.name, std::move(row)});
  }
  std::string text;
  try {
    text = root.dump();
  } catch (const json::exception&) {
    throw ValueError("[save_safetensors] expected names and metadata in UTF-8");
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace xgrad::io
