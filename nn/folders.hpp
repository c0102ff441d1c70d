#pragma once
/// Data sets from folders of files, read batch by batch: pictures (PNG) and texts; single pictures as arrays.

#include <xgrad/nn/model.hpp>

namespace xgrad {

struct LoadImgOptions {
  std::string color_mode = "rgb";  ///< or "grayscale", "rgba"
  std::pair<std::int64_t, std::int64_t> target_size = {0, 0};  ///< height and width; 0, 0: as the file is
  std::string interpolation = "nearest";                       ///< or any of Resizing's
  bool keep_aspect_ratio = false;                              ///< cut the middle out instead of stretching
};

/// A PNG file as uint8 (height, width, channels), or as float32 where it is resized. Throws IoError, naming the file,
/// if it cannot be read or is damaged; ValueError for unknown words.
Tensor load_img(const std::string& path, const LoadImgOptions& options = {});
/// A picture as float32 (height, width, channels); one without channels gets an axis for them.
Tensor img_to_array(const Tensor& image);

struct SaveImgOptions {
  bool scale = true;  ///< stretches the numbers to 0 ... 255; otherwise they are limited to that
};
/// Writes (height, width) or (height, width, channels) as a PNG file, replacing an old one in one step.
void save_img(const std::string& path, const Tensor& image, const SaveImgOptions& options = {});

/// Where labels come from: the folders' names ("inferred"), a list in the order of the sorted paths, or nothing.
struct FolderLabels {
  FolderLabels(const char* word = "inferred") : FolderLabels(std::string(word)) {}
  /// "inferred", or "" for none. Throws ValueError for another word.
  FolderLabels(std::string word);
  FolderLabels(std::vector<std::int64_t> labels) : list(std::move(labels)), inferred(false), none(false) {}
  std::vector<std::int64_t> list;
  bool inferred = true, none = false;
};

struct ImageFolderOptions {
  FolderLabels labels = {};
  std::string label_mode = "int";             ///< or "binary" (batch, 1), "categorical" (one-hot), "" for no labels
  std::vector<std::string> class_names = {};  ///< the folders' names in another order than the alphabet's
  std::string color_mode = "rgb";             ///< or "grayscale", "rgba"
  std::int64_t batch_size = 32;
  std::pair<std::int64_t, std::int64_t> image_size = {256, 256};  ///< height and width
  bool shuffle = true;                                            ///< anew each epoch
  std::optional<std::uint64_t> seed = {};
  double validation_split = 0;
  std::string subset = {};  ///< "training" or "validation", with validation_split
  std::string interpolation = "bilinear";
  bool follow_links = false;
  bool crop_to_aspect_ratio = false;
  bool pad_to_aspect_ratio = false;
};

struct TextFolderOptions {
  FolderLabels labels = {};
  std::string label_mode = "int";
  std::vector<std::string> class_names = {};
  std::int64_t batch_size = 32;
  std::int64_t max_length = 0;  ///< bytes of a text that are kept; 0: all
  bool shuffle = true;
  std::optional<std::uint64_t> seed = {};
  double validation_split = 0;
  std::string subset = {};
  bool follow_links = false;
};

/// The files of a data set with their labels, and which of them make a batch.
class FolderDataset {
 public:
  std::vector<std::string> class_names;
  std::vector<std::string> file_paths;
  std::vector<std::int64_t> labels;  ///< of the files; none without labels

  std::int64_t size() const { return static_cast<std::int64_t>(file_paths.size()); }
  /// How many batches an epoch has; the last may be smaller.
  std::int64_t batches() const { return (size() + batch_size_ - 1) / batch_size_; }

 protected:
  struct Plan {
    const char* where;
    const FolderLabels& labels;
    const std::string& label_mode;
    const std::vector<std::string>& class_names;
    std::vector<std::string> endings;
    std::int64_t batch_size;
    bool shuffle;
    std::optional<std::uint64_t> seed;
    double validation_split;
    const std::string& subset;
    bool follow_links;
  };
  FolderDataset(const std::string& directory, const Plan& plan);
  /// The numbers of the files of a batch.
  std::vector<std::size_t> rows(std::int64_t epoch, std::int64_t step) const;
  /// Their labels as a tensor; undefined without labels.
  Tensor labels_of(const std::vector<std::size_t>& rows) const;

 private:
  std::string label_mode_;
  std::int64_t batch_size_;
  bool shuffle_;
  std::uint64_t seed_;
};

/// Pictures, read when their batch is asked for.
class ImageFolder : public FolderDataset {
 public:
  ImageFolder(const std::string& directory, const ImageFolderOptions& options);
  /// float32 images (batch, height, width, channels) from 0 to 255, and labels. Throws IoError, naming the file.
  Dataset batch(std::int64_t epoch, std::int64_t step) const;
  /// For `fit`, `evaluate` and `validation_source`.
  operator BatchSource() const;

 private:
  ImageFolderOptions options_;
};

/// Texts, read when their batch is asked for.
class TextFolder : public FolderDataset {
 public:
  using Texts = std::vector<std::string>;
  TextFolder(const std::string& directory, const TextFolderOptions& options);
  /// The texts of a batch and their labels. Throws IoError, naming the file.
  std::pair<Texts, Tensor> batch(std::int64_t epoch, std::int64_t step) const;
  /// All texts, for `adapt`.
  Texts texts() const;
  /// Batches of what a function (a TextVectorization, say) makes of the texts.
  BatchSource map(Function<Tensor(const Texts&)> vectorize) const;

 private:
  std::string read(std::size_t row) const;
  std::int64_t max_length_;
};

/// The PNG files below a folder, whose own folders are the classes. Throws IoError if it is no folder, ValueError if
/// there are no files, labels do not fit, or options are out of range.
ImageFolder image_dataset_from_directory(const std::string& directory, const ImageFolderOptions& options = {});
/// The .txt files below a folder, likewise.
TextFolder text_dataset_from_directory(const std::string& directory, const TextFolderOptions& options = {});

}  // namespace xgrad
