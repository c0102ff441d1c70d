#include <xgrad/io/atomic_file.hpp>
#include <xgrad/io/chrome_trace.hpp>

#include <nlohmann/json.hpp>

#include <unistd.h>

namespace xgrad::io {

void save_chrome_trace(const std::string& path, const Profile& profile) {
  using Json = nlohmann::ordered_json;
  const auto plans = profile.plans();
  AtomicFile file(path);
  const auto write = [&](const std::string& text) { file.write(text.data(), text.size()); };
  write("{\"displayTimeUnit\": \"ns\", \"traceEvents\": [");
  const char* separator = "\n";
  for (const ProfiledStep& run : profile.steps()) {
    const ProfiledPlanStep& step = plans.at(run.plan).at(run.step);
    const Json event = {{"name", step.name},
                        {"cat", "step"},
                        {"ph", "X"},
                        {"ts", static_cast<double>(run.begin) / 1000},
                        {"dur", static_cast<double>(run.end - run.begin) / 1000},
                        {"pid", getpid()},
                        {"tid", run.thread},
                        {"args",
                         {{"plan", run.plan + 1},
                          {"step", run.step + 1},
                          {"instructions", step.instructions},
                          {"bytes_read", step.read},
                          {"bytes_written", step.written},
                          {"what", step.detail}}}};
    write(separator + event.dump(-1, ' ', false, Json::error_handler_t::replace));
    separator = ",\n";
  }
  write("\n]}\n");
  file.commit();
}

}  // namespace xgrad::io
