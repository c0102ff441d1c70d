#pragma once
/// Event files, as TensorBoard reads them.

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace xgrad::report {

/// CRC-32C (Castagnoli) of bytes.
std::uint32_t crc32c(std::string_view bytes);

/// Appends events to a new file in a folder: records framed by their length and CRC-32C, each a protocol buffer (the
/// Event message of TensorFlow's event.proto, of which five fields are written). Scalars are shown as curves,
/// histograms as distributions.
class EventWriter {
 public:
  /// Makes the folder and the file "events.out.tfevents.<seconds>.<host>.<process><number>". Throws IoError.
  explicit EventWriter(const std::string& folder);

  void scalar(std::string_view tag, double value, std::int64_t step);
  /// The distribution of values over 30 equal buckets; values that are not finite are left out.
  void histogram(std::string_view tag, std::span<const double> values, std::int64_t step);
  /// Everything written so far can be read. Throws IoError.
  void flush();
  const std::string& path() const { return path_; }

 private:
  void write(std::string_view event);
  std::string path_;
  struct Close {
    void operator()(std::ofstream* file) const;
  };
  std::unique_ptr<std::ofstream, Close> file_;
};

}  // namespace xgrad::report
