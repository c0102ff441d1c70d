#include <xgrad/graph/error.hpp>
#include <xgrad/report/events.hpp>

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

namespace xgrad::report {

namespace {

constexpr std::array<std::uint32_t, 256> crc_table = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    table[i] = crc;
  }
  return table;
}();

/// The checksum as the framing keeps it: rotated and shifted, so that sums of data with sums inside stay good.
std::uint32_t masked(std::uint32_t crc) { return (crc >> 15 | crc << 17) + 0xa282ead8u; }

template <class T>
void put_fixed(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 128; value >>= 7) out += static_cast<char>((value & 127) | 128);
  out += static_cast<char>(value);
}

enum Wire : std::uint32_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };
void put_key(std::string& out, std::uint32_t field, Wire wire) { put_varint(out, field << 3 | wire); }
void put_double(std::string& out, std::uint32_t field, double value) {
  put_key(out, field, fixed64);
  put_fixed(out, value);
}
void put_bytes(std::string& out, std::uint32_t field, std::string_view value) {
  put_key(out, field, bytes);
  put_varint(out, value.size());
  out += value;
}
void put_doubles(std::string& out, std::uint32_t field, const std::vector<double>& values) {
  std::string packed;
  for (const double value : values) put_fixed(packed, value);
  put_bytes(out, field, packed);
}

double now() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

/// An Event with a Summary of one Value.
std::string event_of(std::string_view value, std::int64_t step) {
  std::string summary, event;
  put_bytes(summary, 1, value);
  put_double(event, 1, now());
  put_key(event, 2, varint);
  put_varint(event, static_cast<std::uint64_t>(step));
  put_bytes(event, 5, summary);
  return event;
}

}  // namespace

std::uint32_t crc32c(std::string_view data) {
  std::uint32_t crc = 0xffffffffu;
  for (const char c : data) crc = crc_table[(crc ^ static_cast<unsigned char>(c)) & 255] ^ crc >> 8;
  return ~crc;
}

void EventWriter::Close::operator()(std::ofstream* file) const { delete file; }

EventWriter::EventWriter(const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  char host[256] = "host";
  if (gethostname(host, sizeof host - 1) != 0) std::strcpy(host, "host");
  // The number only keeps two files of one second apart.
  static std::atomic<int> files{0};
  path_ = folder + "/events.out.tfevents." + std::to_string(static_cast<std::int64_t>(now())) + "." + host + "." +
          std::to_string(getpid()) + "." + std::to_string(files++) + ".v2";
  file_.reset(new std::ofstream(path_, std::ios::binary | std::ios::trunc));
  if (!*file_) throw IoError("[EventWriter] cannot write '" + path_ + "'");
  std::string event;
  put_double(event, 1, now());
  put_bytes(event, 3, "brain.Event:2");
  write(event);
}

void EventWriter::write(std::string_view event) {
  std::string length, record;
  put_fixed(length, static_cast<std::uint64_t>(event.size()));
  record = length;
  put_fixed(record, masked(crc32c(length)));
  record += event;
  put_fixed(record, masked(crc32c(event)));
  file_->write(record.data(), static_cast<std::streamsize>(record.size()));
}

void EventWriter::scalar(std::string_view tag, double number, std::int64_t step) {
  std::string value;
  put_bytes(value, 1, tag);
  put_key(value, 2, fixed32);
  put_fixed(value, static_cast<float>(number));
  write(event_of(value, step));
}

void EventWriter::histogram(std::string_view tag, std::span<const double> values, std::int64_t step) {
  constexpr int most = 30;
  std::vector<double> finite;
  for (const double v : values)
    if (std::isfinite(v)) finite.push_back(v);
  if (finite.empty()) return;
  const auto [low, high] = std::minmax_element(finite.begin(), finite.end());
  const double least = *low, width = (*high - *low) / most;
  std::vector<double> limits(most), counts(most, 0.0);
  for (int i = 0; i < most; ++i) limits[static_cast<std::size_t>(i)] = i + 1 == most ? *high : least + (i + 1) * width;
  double sum = 0, squares = 0;
  for (const double v : finite) {
    const int bucket = width > 0 ? std::min(most - 1, static_cast<int>((v - least) / width)) : most - 1;
    counts[static_cast<std::size_t>(bucket)] += 1;
    sum += v;
    squares += v * v;
  }
  std::string histogram, value;
  put_double(histogram, 1, least);
  put_double(histogram, 2, *high);
  put_double(histogram, 3, static_cast<double>(finite.size()));
  put_double(histogram, 4, sum);
  put_double(histogram, 5, squares);
  put_doubles(histogram, 6, limits);
  put_doubles(histogram, 7, counts);
  put_bytes(value, 1, tag);
  put_bytes(value, 5, histogram);
  write(event_of(value, step));
}

void EventWriter::flush() {
  file_->flush();
  if (!*file_) throw IoError("[EventWriter] cannot write '" + path_ + "'");
}

}  // namespace xgrad::report
