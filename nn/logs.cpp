#include <xgrad/nn/logs.hpp>
#include <xgrad/optim/names.hpp>

#include <iomanip>
#include <ostream>

namespace xgrad {

namespace {

template <class Entries>
auto& find_entry(Entries& entries, std::string_view what, std::string_view name) {
  std::vector<std::string_view> known;
  for (auto& [key, value] : entries) {
    if (key == name) return value;
    known.push_back(key);
  }
  throw_unknown_name(what, name, known);
}

template <class Entries>
bool has_entry(const Entries& entries, std::string_view name) {
  for (const auto& entry : entries)
    if (entry.first == name) return true;
  return false;
}

}  // namespace

void Logs::set(std::string_view name, double value) {
  for (auto& [key, old] : entries_)
    if (key == name) {
      old = value;
      return;
    }
  add(name, value);
}

bool Logs::contains(std::string_view name) const { return has_entry(entries_, name); }
double Logs::operator[](std::string_view name) const { return find_entry(entries_, "logs", name); }

std::ostream& operator<<(std::ostream& out, const Logs& logs) {
  const std::ios_base::fmtflags flags = out.flags();
  const std::streamsize precision = out.precision();
  out << std::setprecision(4) << std::fixed;
  bool first = true;
  for (const auto& [name, value] : logs) {
    out << (first ? "" : " - ") << name << ": " << value;
    first = false;
  }
  out.flags(flags);
  out.precision(precision);
  return out;
}

void History::add(int epoch, const Logs& logs) {
  epochs_.push_back(epoch);
  for (const auto& [name, value] : logs) {
    if (!contains(name)) entries_.emplace_back(name, std::vector<double>());
    find_entry(entries_, "history", name).push_back(value);
  }
}

bool History::contains(std::string_view name) const { return has_entry(entries_, name); }
const std::vector<double>& History::operator[](std::string_view name) const {
  return find_entry(entries_, "history", name);
}
std::vector<std::string> History::names() const {
  std::vector<std::string> out;
  for (const auto& entry : entries_) out.push_back(entry.first);
  return out;
}

}  // namespace xgrad
