#pragma once
/// MNIST and Fashion-MNIST from a folder of IDX files.

#include <xgrad/graph/tensor.hpp>

#include <string>
#include <vector>

namespace xgrad::data {

/// Images with the class of each.
struct LabelledImages {
  Tensor images;  ///< uint8 (n, 28, 28)
  Tensor labels;  ///< uint8 (n,), 0 to 9
};

/// 60,000 images to train with and 10,000 to test with.
struct MnistData {
  LabelledImages train, test;
  std::vector<std::string> class_names;  ///< of the labels 0 to 9
};

/// Reads train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each
/// plain or with .gz, also under the names with a dot (train-images.idx3-ubyte). Class names are "0" to "9".
/// Throws IoError if a file is missing or damaged, if the numbers of images and labels differ, if images are not
/// 28 x 28 bytes, or if a label is above 9.
MnistData load_mnist(const std::string& folder);

/// As load_mnist, with the class names of Fashion-MNIST ("T-shirt/top", ...). The folder is that of Debian's package
/// dataset-fashion-mnist unless told.
MnistData load_fashion_mnist(const std::string& folder = "/usr/share/datasets/fashion-mnist");

}  // namespace xgrad::data
