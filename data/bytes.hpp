#pragma once
/// Internal to data/: reading the bytes of a plain or gzip-compressed file in order.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace xgrad::data {

/// The bytes of a file, uncompressed if its first two bytes say gzip. Only regular files are read.
class ByteSource {
 public:
  /// Throws IoError if the file cannot be opened or is not a regular file.
  explicit ByteSource(const std::string& path);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  /// Reads up to `count` bytes and returns how many; fewer only at the end. Throws IoError if the file is damaged.
  std::size_t read(void* out, std::size_t count);
  /// Whether nothing is left.
  bool at_end();
  /// Bytes given so far.
  std::uint64_t offset() const { return offset_; }
  /// No more bytes than this can come: the file's length, or for gzip the most that its length can hold.
  std::uint64_t limit() const { return limit_; }
  bool compressed() const { return compressed_; }
  const std::string& path() const { return path_; }

 private:
  struct State;
  std::size_t read_plain(void* out, std::size_t count);
  std::size_t read_gzip(void* out, std::size_t count);

  std::string path_;
  std::unique_ptr<State> state_;
  std::uint64_t offset_ = 0, limit_ = 0;
  bool compressed_ = false;
};

}  // namespace xgrad::data
