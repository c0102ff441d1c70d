#pragma once
/// The graph of a functional model as a Config and back. Internal to nn/.

#include <xgrad/nn/functional.hpp>
#include <xgrad/nn/saving.hpp>

namespace xgrad {

/// {"name": ..., "class_name": ..., "config": ...}
Config with_name(const std::string& name, const Layer& layer);
/// Throws ValueError for layers without get_config, and for operations between layers that are no data, by name and
/// line.
Config graph_config(const LayerGraph& graph);
LayerGraph graph_from(const Config& config, const CustomObjects& custom);

}  // namespace xgrad
