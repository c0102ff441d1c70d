#include <xgrad/io/safetensors.hpp>

#include <xgrad/io/atomic_file.hpp>
#include <xgrad/io/safetensors_header.hpp>

#include <sys/stat.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <set>

namespace xgrad::io {

namespace {

static_assert(std::endian::native == std::endian::little, "the file's byte order is taken for this machine's");

constexpr std::uint64_t length_bytes = 8;
// What other readers accept too.
constexpr std::uint64_t most_header_bytes = 100'000'000;

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw IoError("[load_safetensors] '" + path + "': " + what);
}

struct Close {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Close>;

void read_at(std::FILE* file, const std::string& path, std::uint64_t offset, void* out, std::size_t bytes) {
  if (bytes == 0) return;
  if (fseeko(file, static_cast<off_t>(offset), SEEK_SET) != 0) fail(path, std::strerror(errno));
  const std::size_t got = std::fread(out, 1, bytes, file);
  if (got == bytes) return;
  if (std::ferror(file)) fail(path, std::strerror(errno));
  fail(path, "expected " + std::to_string(bytes) + " bytes at offset " + std::to_string(offset) + ", found " +
                 std::to_string(got));
}

Tensor read_tensor(std::FILE* file, const std::string& path, const TensorEntry& entry, std::uint64_t data_start) {
  const Shape shape{std::span<const std::int64_t>(entry.shape)};
  return with_dtype(entry.dtype, [&](auto element) {
    using Stored = std::conditional_t<std::is_same_v<decltype(element), bool>, std::uint8_t, decltype(element)>;
    std::vector<Stored> values(static_cast<std::size_t>((entry.end - entry.begin) / sizeof(Stored)));
    read_at(file, path, data_start + entry.begin, values.data(), values.size() * sizeof(Stored));
    if (entry.dtype == bool_) {
      const auto bad = std::find_if(values.begin(), values.end(), [](Stored v) { return v != 0 && v != 1; });
      if (bad != values.end())
        fail(path, "tensor '" + entry.name + "': expected 0 or 1 for BOOL, found another byte at offset " +
                       std::to_string(data_start + entry.begin + static_cast<std::uint64_t>(bad - values.begin())));
    }
    return tensor(values, shape, TensorOptions{.dtype = entry.dtype});
  });
}

const void* address_of(const Tensor& t) {
  return with_dtype(t.dtype(), [&](auto element) -> const void* { return t.data<decltype(element)>().data(); });
}

}  // namespace

const Tensor& TensorFile::at(std::string_view name) const {
  for (const auto& [key, value] : tensors)
    if (key == name) return value;
  constexpr std::size_t most = 20;
  std::string known;
  for (std::size_t i = 0; i < std::min(most, tensors.size()); ++i) known += (i ? ", " : "") + tensors[i].first;
  if (tensors.size() > most) known += ", ...";
  throw ValueError("[load_safetensors] no tensor is called '" + std::string(name) + "'; there are " +
                   (known.empty() ? "none" : known));
}

void save_safetensors(const std::string& path, const NamedTensors& tensors, const Metadata& metadata) {
  std::set<std::string_view> names;
  std::vector<Tensor> values;
  for (const auto& [name, value] : tensors) {
    if (name.empty() || name == "__metadata__")
      throw ValueError("[save_safetensors] a tensor cannot be called '" + name + "'");
    if (!names.insert(name).second) throw ValueError("[save_safetensors] two tensors are called '" + name + "'");
    if (!value.defined()) throw ValueError("[save_safetensors] '" + name + "' is undefined");
    values.push_back(value);
  }
  eval(std::span<const Tensor>(values));

  // Wide elements first: then every tensor is aligned although the format allows no gaps.
  std::vector<std::size_t> order(tensors.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return size_of(values[a].dtype()) > size_of(values[b].dtype());
  });
  SafetensorsHeader header{std::vector<TensorEntry>(tensors.size()), metadata};
  std::uint64_t at = 0;
  for (std::size_t i : order) {
    const Shape& shape = values[i].shape();
    const std::uint64_t bytes = static_cast<std::uint64_t>(values[i].size()) * size_of(values[i].dtype());
    header.tensors[i] = {tensors[i].first, values[i].dtype(), {shape.begin(), shape.end()}, at, at + bytes};
    at += bytes;
  }
  const std::string text = format_safetensors_header(header);
  if (text.size() > most_header_bytes)
    throw ValueError("[save_safetensors] expected a header of at most 100,000,000 bytes, got " +
                     std::to_string(text.size()));

  AtomicFile file(path);
  const std::uint64_t length = text.size();
  file.write(&length, sizeof length);
  file.write(text.data(), text.size());
  for (std::size_t i : order)
    file.write(address_of(values[i]), static_cast<std::size_t>(values[i].size()) * size_of(values[i].dtype()));
  file.commit();
}

TensorFile load_safetensors(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) fail(path, std::string("cannot open: ") + std::strerror(errno));
  if (!S_ISREG(info.st_mode)) fail(path, "expected a regular file");
  const File file(std::fopen(path.c_str(), "rb"));
  if (!file) fail(path, std::string("cannot open: ") + std::strerror(errno));
  const auto total = static_cast<std::uint64_t>(info.st_size);
  if (total < length_bytes)
    fail(path, "expected at least 8 bytes (the header's length), found " + std::to_string(total));
  std::uint64_t header_bytes = 0;
  read_at(file.get(), path, 0, &header_bytes, sizeof header_bytes);
  if (header_bytes > total - length_bytes || header_bytes > most_header_bytes)
    fail(path, "offset 0: the header is said to have " + std::to_string(header_bytes) + " bytes, but " +
                   std::to_string(std::min(total - length_bytes, most_header_bytes)) + " is the most it can have");
  std::string text(static_cast<std::size_t>(header_bytes), '\0');
  read_at(file.get(), path, length_bytes, text.data(), text.size());
  const std::uint64_t data_start = length_bytes + header_bytes;
  SafetensorsHeader header = parse_safetensors_header(text, total - data_start, path);

  TensorFile result;
  result.metadata = std::move(header.metadata);
  for (const TensorEntry& entry : header.tensors)
    result.tensors.emplace_back(entry.name, read_tensor(file.get(), path, entry, data_start));
  return result;
}

}  // namespace xgrad::io
