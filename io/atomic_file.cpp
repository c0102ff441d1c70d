#include <xgrad/io/atomic_file.hpp>

#include <xgrad/graph/error.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace xgrad::io {

namespace {

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

// Where the file a link stands for is or would be; links may form a chain.
std::string follow_links(std::string path) {
  constexpr int most_links = 40;
  for (int i = 0; i < most_links; ++i) {
    char target[PATH_MAX];
    const ssize_t length = readlink(path.c_str(), target, sizeof target);
    if (length < 0 || length == static_cast<ssize_t>(sizeof target)) return path;
    const std::string text(target, static_cast<std::size_t>(length));
    path = text.starts_with("/") ? text : folder_of(path) + "/" + text;
  }
  return path;
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path) : path_(path), target_(follow_links(path)) {
  struct stat old {};
  const bool exists = stat(target_.c_str(), &old) == 0;
  if (exists && !S_ISREG(old.st_mode))
    throw IoError("cannot write '" + path_ + "': expected a regular file or none, found " +
                  (S_ISDIR(old.st_mode) ? "a folder" : "a special file"));
  const std::string folder = folder_of(target_);
  const std::string base = target_.substr(target_.rfind('/') + 1);
  if (base.empty()) throw IoError("cannot write '" + path_ + "': expected the name of a file");
  // Room for the ending in file systems that allow 255 bytes.
  const std::string stem = folder + "/." + base.substr(0, 200) + "." + std::to_string(getpid()) + ".";
  constexpr int attempts = 10000;
  for (int i = 0; i < attempts && descriptor_ < 0; ++i) {
    temporary_ = stem + std::to_string(i) + ".tmp";
    descriptor_ = open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0 && errno != EEXIST) break;
  }
  if (descriptor_ < 0) {
    const int error = errno;
    temporary_.clear();
    fail("cannot make a temporary file in its folder", error);
  }
  if (exists && fchmod(descriptor_, old.st_mode & 07777) != 0) fail("cannot keep its permissions", errno);
}

AtomicFile::~AtomicFile() { discard(); }

void AtomicFile::discard() noexcept {
  if (descriptor_ >= 0) close(descriptor_);
  descriptor_ = -1;
  if (!temporary_.empty()) unlink(temporary_.c_str());
  temporary_.clear();
}

void AtomicFile::fail(const char* what, int error) {
  discard();
  throw IoError("cannot write '" + path_ + "': " + what + ": " + std::strerror(error));
}

void AtomicFile::write(const void* data, std::size_t bytes) {
  if (descriptor_ < 0) throw IoError("cannot write '" + path_ + "': it is closed already");
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t done = ::write(descriptor_, at, std::min<std::size_t>(bytes, std::size_t{1} << 30));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail("writing failed", errno);
    at += done;
    bytes -= static_cast<std::size_t>(done);
  }
}

void AtomicFile::commit() {
  if (descriptor_ < 0) throw IoError("cannot write '" + path_ + "': it is closed already");
  if (fsync(descriptor_) != 0) fail("flushing to the disk failed", errno);
  const int closing = std::exchange(descriptor_, -1);
  if (close(closing) != 0 && errno != EINTR) fail("closing failed", errno);
  if (rename(temporary_.c_str(), target_.c_str()) != 0) fail("renaming failed", errno);
  temporary_.clear();
  // The new name is on the disk once the folder is; some file systems cannot flush folders.
  const int folder = open(folder_of(target_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return;
  const int status = fsync(folder);
  const int error = errno;
  close(folder);
  if (status != 0 && error == EIO) fail("flushing its folder failed", error);
}

void write_file(const std::string& path, const void* data, std::size_t bytes) {
  AtomicFile file(path);
  file.write(data, bytes);
  file.commit();
}

}  // namespace xgrad::io
