#include <xgrad/data/bytes.hpp>

#include <xgrad/graph/error.hpp>

#include <sys/stat.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace xgrad::data {

namespace {

constexpr std::size_t block = 1 << 16;
// Deflate's best case is a 258-byte match in two bits: no file grows more than 1032 times.
constexpr std::uint64_t deflate_ratio = 1032;

[[noreturn]] void damaged(const std::string& path, std::uint64_t offset, const std::string& what) {
  throw IoError("'" + path + "': damaged gzip data after " + std::to_string(offset) + " uncompressed bytes: " + what);
}

}  // namespace

struct ByteSource::State {
  std::FILE* file = nullptr;
  z_stream stream{};
  bool inflating = false;    // the stream was initialised
  bool member_done = false;  // the last gzip member ended; another may follow
  unsigned char buffer[block];
  std::size_t peeked = 0;        // bytes put back by at_end
  unsigned char peek_byte = 0;

  ~State() {
    if (inflating) inflateEnd(&stream);
    if (file) std::fclose(file);
  }

  // Loads the next compressed bytes; false at the end of the file.
  bool fill(const std::string& path) {
    stream.next_in = buffer;
    stream.avail_in = static_cast<uInt>(std::fread(buffer, 1, block, file));
    if (stream.avail_in == 0 && std::ferror(file)) throw IoError("cannot read '" + path + "': " + std::strerror(errno));
    return stream.avail_in != 0;
  }
};

ByteSource::ByteSource(const std::string& path) : path_(path), state_(std::make_unique<State>()) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) throw IoError("cannot open '" + path + "': " + std::strerror(errno));
  if (!S_ISREG(info.st_mode))
    throw IoError("cannot read '" + path + "': expected a regular file, found " +
                  (S_ISDIR(info.st_mode) ? "a folder" : "a special file"));
  state_->file = std::fopen(path.c_str(), "rb");
  if (!state_->file) throw IoError("cannot open '" + path + "': " + std::strerror(errno));
  unsigned char magic[2] = {};
  const std::size_t got = std::fread(magic, 1, 2, state_->file);
  std::rewind(state_->file);
  limit_ = static_cast<std::uint64_t>(info.st_size);
  compressed_ = got == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
  if (!compressed_) return;
  limit_ = limit_ * deflate_ratio;
  if (inflateInit2(&state_->stream, 15 + 16) != Z_OK) throw IoError("cannot start zlib for '" + path + "'");
  state_->inflating = true;
}

ByteSource::~ByteSource() = default;

std::size_t ByteSource::read(void* out, std::size_t count) {
  if (count == 0) return 0;
  std::size_t got = 0;
  if (state_->peeked) {
    *static_cast<unsigned char*>(out) = state_->peek_byte;
    state_->peeked = 0;
    got = 1;
  }
  char* rest = static_cast<char*>(out) + got;
  got += compressed_ ? read_gzip(rest, count - got) : read_plain(rest, count - got);
  offset_ += got;
  return got;
}

bool ByteSource::at_end() {
  if (state_->peeked) return false;
  state_->peeked = compressed_ ? read_gzip(&state_->peek_byte, 1) : read_plain(&state_->peek_byte, 1);
  return state_->peeked == 0;
}

std::size_t ByteSource::read_plain(void* out, std::size_t count) {
  const std::size_t got = std::fread(out, 1, count, state_->file);
  if (got < count && std::ferror(state_->file))
    throw IoError("cannot read '" + path_ + "': " + std::strerror(errno));
  return got;
}

std::size_t ByteSource::read_gzip(void* out, std::size_t count) {
  State& s = *state_;
  std::size_t done = 0;
  while (done < count) {
    if (s.stream.avail_in == 0 && !s.fill(path_)) {
      if (s.member_done) return done;
      damaged(path_, offset_ + done, "the file ends inside the compressed data");
    }
    if (s.member_done) {
      if (inflateReset(&s.stream) != Z_OK) damaged(path_, offset_ + done, "zlib cannot start the next part");
      s.member_done = false;
    }
    const uInt room = static_cast<uInt>(std::min<std::size_t>(count - done, 1u << 30));
    s.stream.next_out = static_cast<Bytef*>(out) + done;
    s.stream.avail_out = room;
    const int status = inflate(&s.stream, Z_NO_FLUSH);
    done += room - s.stream.avail_out;
    if (status == Z_STREAM_END) s.member_done = true;
    else if (status != Z_OK && status != Z_BUF_ERROR)
      damaged(path_, offset_ + done, s.stream.msg ? s.stream.msg : "unknown zlib error");
  }
  return done;
}

}  // namespace xgrad::data
