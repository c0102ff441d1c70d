#pragma once
/// Replacing a file in one step, so that a failure leaves the old one as it was.

#include <cstddef>
#include <string>

namespace xgrad::io {

/// A file being written beside the one it will replace. `commit` puts it in place; destroyed without commit, it leaves
/// no trace. Readers see the old contents or the new, never a part; after commit the contents outlast a power cut.
/// A link is followed, and an existing file's permissions are kept. Every failure throws IoError with the system's
/// reason and removes the temporary file.
class AtomicFile {
 public:
  /// Starts a temporary file in the folder of `path`. Throws IoError if it cannot, or if `path` is there and is not a
  /// regular file.
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, std::size_t bytes);
  /// Flushes to the disk and renames. Nothing may be written after that.
  void commit();

 private:
  [[noreturn]] void fail(const char* what, int error);
  void discard() noexcept;

  std::string path_;       // as given, for messages
  std::string target_;     // with links followed
  std::string temporary_;  // empty once it is renamed or removed
  int descriptor_ = -1;
};

/// Replaces the file `path` by these bytes.
void write_file(const std::string& path, const void* data, std::size_t bytes);

}  // namespace xgrad::io
