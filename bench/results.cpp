// What becomes of the figures: a summary, a table for programs and a picture.
#include "compare.hpp"

#include <cmath>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <stdexcept>

namespace bench {

namespace {

std::string library_of(const Result& row) { return row.peer.substr(0, row.peer.find_first_of("+ ")); }

/// The rows of a library's fastest variant, one for each variant of xgrad.
std::vector<const Result*> fastest(const Results& results, const std::string& library) {
  std::vector<const Result*> out;
  for (const Result& row : results.rows) {
    if (library_of(row) != library) continue;
    const auto same = std::find_if(out.begin(), out.end(), [&](const Result* other) {
      return other->name == row.name && other->variant == row.variant && other->workload == row.workload;
    });
    if (same == out.end()) out.push_back(&row);
    else if (row.ratio < (*same)->ratio) *same = &row;
  }
  return out;
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string out = "\"";
  for (char c : text) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + "\"";
}

std::string escaped(const std::string& text) {
  std::string out;
  for (char c : text) out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return out;
}

/// Replaces a file whole, or leaves it as it was.
void replace(const fs::path& path, const std::string& text) {
  const fs::path part = path.string() + ".part";
  {
    std::ofstream out(part, std::ios::binary);
    out << text;
    out.flush();
    if (!out) throw std::runtime_error("cannot write " + part.string());
  }
  fs::rename(part, path);
}

std::string machine() {
  std::string name = first_line("grep -m1 'model name' /proc/cpuinfo | cut -d: -f2");
  name.erase(0, name.find_first_not_of(' '));
  return name + ", " + first_line("nproc") + " processors" +
         (first_line("grep -c -m1 avx512f /proc/cpuinfo") == "1" ? ", AVX-512" : ", no AVX-512");
}

struct Bar {
  std::string label, note;
  double ratio;
  const char* colour;
};

/// Bars on a logarithmic scale, a line at 1.
std::string picture(const Results& results, const std::string& under) {
  std::vector<Bar> bars;
  const std::pair<const char*, const char*> libraries[] = {
      {"libtorch", "#c8553d"}, {"JAX", "#4a7fb5"}, {"MLX", "#8a5fb0"}, {"OpenBLAS", "#7a9e4f"}};
  std::vector<std::string> seen;
  for (const Result& row : results.rows) {
    if (std::find(seen.begin(), seen.end(), row.name) != seen.end()) continue;
    seen.push_back(row.name);
    for (const auto& [library, colour] : libraries) {
      for (const Result* best : fastest(results, library)) {
        if (best->name != row.name) continue;
        std::string label = best->workload + (best->workload.find('-') == std::string::npos ? " " + best->variant : "");
        if (label.size() > 52) label = label.substr(0, 51) + "...";
        bars.push_back({label, best->peer, best->ratio, colour});
        break;  // the first variant of xgrad
      }
    }
  }
  double low = 1, high = 1;
  for (const Bar& bar : bars) low = std::min(low, bar.ratio), high = std::max(high, bar.ratio);
  low = std::pow(10, std::floor(std::log10(low) * 2) / 2);
  high = std::pow(10, std::ceil(std::log10(high) * 2) / 2);
  const double left = 350, width = 460, step = 17, top = 58;
  const auto x = [&](double ratio) { return left + width * std::log(ratio / low) / std::log(high / low); };
  const double bottom = top + step * static_cast<double>(bars.size());
  std::ostringstream out;
  out << std::fixed << std::setprecision(1);
  out << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1330\" height=\"" << bottom + 50
      << "\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
      << "<text x=\"" << left << "\" y=\"20\" font-size=\"15\">Time of the peer divided by that of xgrad: right of 1 "
      << "xgrad is faster</text>\n";
  double at = left;
  for (const auto& [library, colour] : libraries) {
    if (fastest(results, library).empty()) continue;
    out << "<rect x=\"" << at << "\" y=\"29\" width=\"11\" height=\"11\" fill=\"" << colour << "\"/><text x=\""
        << at + 16 << "\" y=\"39\">" << library << ", its fastest variant</text>\n";
    at += 200;
  }
  for (double decade = .01; decade < 1e4; decade *= 10) {
    for (double tick : {decade, 2 * decade, 5 * decade}) {
      if (tick < low * .999 || tick > high * 1.001) continue;
      const bool one = std::abs(tick - 1) < 1e-9;
      out << "<line x1=\"" << x(tick) << "\" x2=\"" << x(tick) << "\" y1=\"" << top - 8 << "\" y2=\"" << bottom
          << "\" stroke=\"" << (one ? "black" : "#dddddd") << "\"/><text x=\"" << x(tick) << "\" y=\"" << bottom + 16
          << "\" text-anchor=\"middle\">" << std::setprecision(tick < 1 ? 2 : 0) << tick << std::setprecision(1)
          << "</text>\n";
    }
  }
  double y = top;
  for (const Bar& bar : bars) {
    const double from = std::min(x(1), x(bar.ratio)), to = std::max(x(1), x(bar.ratio));
    out << "<text x=\"" << left - 8 << "\" y=\"" << y + 10 << "\" text-anchor=\"end\">" << escaped(bar.label)
        << "</text><rect x=\"" << from << "\" y=\"" << y << "\" width=\"" << std::max(1.0, to - from)
        << "\" height=\"12\" fill=\"" << bar.colour << "\"/><text x=\"" << left + width + 12 << "\" y=\"" << y + 10
        << "\">" << std::setprecision(2) << bar.ratio << std::setprecision(1) << "  (" << escaped(bar.note)
        << ")</text>\n";
    y += step;
  }
  out << "<text x=\"12\" y=\"" << bottom + 38 << "\" fill=\"#666666\" font-size=\"10\">" << escaped(under)
      << "</text>\n</svg>\n";
  return out.str();
}

}  // namespace

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

std::string first_line(const std::string& command) {
  FILE* pipe = popen((command + " 2>/dev/null").c_str(), "r");
  if (!pipe) return {};
  char* line = nullptr;
  std::size_t room = 0;
  const ssize_t length = getline(&line, &room, pipe);
  std::string text(line ? line : "", length > 0 ? static_cast<std::size_t>(length) : 0);
  free(line);
  pclose(pipe);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

void print_summary(const Results& results) {
  for (const char* library : {"libtorch", "JAX", "MLX", "OpenBLAS"}) {
    const std::vector<const Result*> rows = fastest(results, library);
    if (rows.empty()) continue;
    std::printf("%s's fastest variant in each workload: its time divided by that of xgrad\n", library);
    for (const Result* row : rows)
      std::printf("  %8.2f  %-14s %-46s %s\n", row->ratio, row->workload.c_str(), row->variant.c_str(),
                  row->peer.c_str());
    std::printf("\n");
  }
  for (const Disturbance& other : results.others)
    if (other.processors > disturbing)
      std::printf("DISTURBED: other programs took %.1f processors during %s\n", other.processors, other.name.c_str());
}

void write_results(const Results& results, const Places& places, const fs::path& folder) {
  fs::create_directories(folder);
  char date[64];
  const std::time_t seconds = std::time(nullptr);
  std::strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", std::gmtime(&seconds));
  const std::string git = "git -C '" + places.get("source") + "' ";
  std::ostringstream head;
  head << machine() << "; " << date << "; commit " << first_line(git + "rev-parse --short=12 HEAD")
       << (first_line(git + "status --porcelain --untracked-files=no -- . ':!bench/results'").empty()
               ? ""
               : " with changes")
       << "; " << places.get("build") << " build; medians (means where a processor was kept busy), seconds unless "
       << "said; taken by other programs:";
  double most = 0;
  for (const Disturbance& other : results.others) {
    most = std::max(most, other.processors);
    if (other.processors > disturbing)
      head << " " << other.name << " " << std::fixed << std::setprecision(2) << other.processors << " processors;";
  }
  if (most <= disturbing) head << " at most " << std::fixed << std::setprecision(2) << most << " processors";
  std::ostringstream csv;
  csv << "# " << head.str() << "\nworkload,variant,xgrad,peer,peer_value,ratio\n" << std::setprecision(6);
  for (const Result& row : results.rows)
    csv << row.workload << ',' << quoted(row.variant) << ',' << row.xgrad << ',' << quoted(row.peer) << ','
        << row.peer_value << ',' << row.ratio << '\n';
  replace(folder / "latest.csv", csv.str());
  replace(folder / "ratios.svg", picture(results, head.str().substr(0, 180)));
  std::printf("written: %s and ratios.svg beside it\n", (folder / "latest.csv").c_str());
}

}  // namespace bench
