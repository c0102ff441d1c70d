#include <xgrad/data/mnist.hpp>

#include <xgrad/data/idx.hpp>

#include <sys/stat.h>

namespace xgrad::data {

namespace {

constexpr int class_count = 10;
constexpr std::int64_t side = 28;

bool is_folder(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool is_there(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0;
}

// The file of one part ("train-images", "idx3-ubyte") under any of its names.
std::string find_file(const std::string& folder, const std::string& part, const std::string& kind,
                      const std::string& advice) {
  for (const char* joint : {"-", "."})
    for (const char* ending : {"", ".gz"}) {
      std::string path = folder + "/" + part + joint + kind + ending;
      if (is_there(path)) return path;
    }
  throw IoError("'" + folder + "': expected the file " + part + "-" + kind + " or " + part + "-" + kind +
                ".gz, found neither" + advice);
}

LabelledImages read_part(const std::string& folder, const std::string& part, const std::string& advice) {
  const std::string image_file = find_file(folder, part + "-images", "idx3-ubyte", advice);
  const std::string label_file = find_file(folder, part + "-labels", "idx1-ubyte", advice);
  LabelledImages set{read_idx(image_file), read_idx(label_file)};
  const Shape& images = set.images.shape();
  const Shape& labels = set.labels.shape();
  if (set.images.dtype() != uint8 || images.rank() != 3 || images[1] != side || images[2] != side)
    throw IoError("'" + image_file + "': expected uint8 images of shape (n, 28, 28), found " +
                  name_of(set.images.dtype()) + " " + to_string(images));
  if (set.labels.dtype() != uint8 || labels.rank() != 1)
    throw IoError("'" + label_file + "': expected uint8 labels of shape (n,), found " + name_of(set.labels.dtype()) +
                  " " + to_string(labels));
  if (images[0] != labels[0])
    throw IoError("'" + label_file + "': expected one label for each of the " + std::to_string(images[0]) +
                  " images in '" + image_file + "', found " + std::to_string(labels[0]));
  const std::vector<std::uint8_t> values = set.labels.to_vector<std::uint8_t>();
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] >= class_count)
      throw IoError("'" + label_file + "': expected labels 0 to 9, found " + std::to_string(values[i]) +
                    " at position " + std::to_string(i));
  return set;
}

MnistData load(const std::string& folder, const std::string& advice, std::vector<std::string> class_names) {
  if (!is_folder(folder))
    throw IoError("'" + folder + "': expected a folder with train-images-idx3-ubyte, train-labels-idx1-ubyte, " +
                  "t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte (or the same with .gz), found " +
                  (is_there(folder) ? "a file" : "nothing") + advice);
  return {read_part(folder, "train", advice), read_part(folder, "t10k", advice), std::move(class_names)};
}

}  // namespace

MnistData load_mnist(const std::string& folder) {
  return load(folder, "; the four files are those of the MNIST database of handwritten digits",
              {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"});
}

MnistData load_fashion_mnist(const std::string& folder) {
  return load(folder, "; Debian has them in the package dataset-fashion-mnist (apt-get install dataset-fashion-mnist)",
              {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
               "Ankle boot"});
}

}  // namespace xgrad::data
