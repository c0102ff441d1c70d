#pragma once
/// A profile as a file for trace viewers.

#include <xgrad/graph/explain.hpp>

#include <string>

namespace xgrad::io {

/// Writes a profile in the Trace Event Format, which chrome://tracing, Perfetto and Speedscope read: one complete event
/// ("X") for each step that ran, on the line of the thread that evaluated, with its bytes and places as arguments.
/// Replaces an old file in one step. Throws IoError, with the old file as it was.
void save_chrome_trace(const std::string& path, const Profile& profile);

}  // namespace xgrad::io
