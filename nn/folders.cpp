#include <xgrad/data/shuffle.hpp>
#include <xgrad/graph/grad.hpp>
#include <xgrad/io/png.hpp>
#include <xgrad/nn/folders.hpp>
#include <xgrad/nn/image_layers.hpp>
#include <xgrad/ops/elementwise.hpp>
#include <xgrad/ops/indexing.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>
#include <xgrad/optim/names.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace xgrad {

namespace fs = std::filesystem;

namespace {

constexpr Named<std::int64_t> channels_of[] = {{"grayscale", 1}, {"rgb", 3}, {"rgba", 4}};

/// A picture of another size, one of a batch.
Tensor resized(const Tensor& image, std::int64_t height, std::int64_t width, const ResizingOptions& options) {
  return squeeze(Resizing(height, width, options)(expand_dims(cast(image, float32), 0)), 0);
}

bool ends_with_one_of(std::string name, const std::vector<std::string>& endings) {
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return std::any_of(endings.begin(), endings.end(), [&](const std::string& e) { return name.ends_with(e); });
}

/// The sorted files below a folder.
std::vector<std::string> files_below(const fs::path& folder, const std::vector<std::string>& endings, bool links) {
  const auto how = links ? fs::directory_options::follow_directory_symlink : fs::directory_options::none;
  std::vector<std::string> out;
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(folder, how))
    if (entry.is_regular_file() && ends_with_one_of(entry.path().filename().string(), endings))
      out.push_back(entry.path().string());
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> folders_in(const fs::path& folder) {
  std::vector<std::string> out;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (entry.is_directory() && !entry.path().filename().string().starts_with("."))
      out.push_back(entry.path().filename());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

Tensor load_img(const std::string& path, const LoadImgOptions& o) {
  static_cast<void>(find_named(channels_of, "color_mode", o.color_mode));
  const Tensor image = io::load_png(path, {.color_mode = o.color_mode});
  if (o.target_size.first == 0 && o.target_size.second == 0) return image;
  const NoGrad no_grad;
  return resized(image, o.target_size.first, o.target_size.second,
                 {.interpolation = o.interpolation, .crop_to_aspect_ratio = o.keep_aspect_ratio})
      .eval();
}

Tensor img_to_array(const Tensor& image) {
  if (image.rank() != 2 && image.rank() != 3)
    throw ShapeError("[img_to_array] expected (height, width) or (height, width, channels), got " +
                     to_string(image.shape()));
  const Tensor x = cast(image, float32);
  return image.rank() == 2 ? expand_dims(x, -1) : x;
}

void save_img(const std::string& path, const Tensor& image, const SaveImgOptions& options) {
  const NoGrad no_grad;
  Tensor x = img_to_array(image);
  if (options.scale) {
    x = x - min(x);
    x = x / maximum(max(x), 1e-30);
  } else {
    x = clip(x, 0, 255) / 255;
  }
  io::save_png(path, x);
}

FolderLabels::FolderLabels(std::string word) : inferred(word == "inferred"), none(word.empty()) {
  if (!inferred && !none)
    throw ValueError("[dataset_from_directory] expected labels 'inferred', a list or nothing, got '" + word + "'");
}

FolderDataset::FolderDataset(const std::string& directory, const Plan& plan)
    : label_mode_(plan.labels.none ? std::string() : plan.label_mode),
      batch_size_(plan.batch_size),
      shuffle_(plan.shuffle) {
  const std::string where = "[" + std::string(plan.where) + "] ";
  constexpr Named<int> modes[] = {{"", 0}, {"int", 1}, {"binary", 2}, {"categorical", 3}};
  static_cast<void>(find_named(modes, std::string(plan.where) + " label_mode", plan.label_mode));
  if (batch_size_ < 1) throw ValueError(where + "expected a batch_size above 0, got " + std::to_string(batch_size_));
  if (!(plan.validation_split >= 0 && plan.validation_split < 1))
    throw ValueError(where + "expected a validation_split from 0 to below 1, got " +
                     number_text(plan.validation_split));
  const bool validation = plan.subset == "validation";
  if ((plan.validation_split > 0) != (validation || plan.subset == "training"))
    throw ValueError(where + "expected a subset of 'training' or 'validation' with a validation_split, got '" +
                     plan.subset + "' and " + number_text(plan.validation_split));
  if (plan.validation_split > 0 && shuffle_ && !plan.seed)
    throw ValueError(where + "expected a seed for a shuffled data set that is split: both subsets need the same order");
  std::error_code error;
  if (!fs::is_directory(directory, error)) throw IoError(where + "expected a folder, got '" + directory + "'");
  try {
    if (plan.labels.inferred) {
      class_names = folders_in(directory);
      if (!plan.class_names.empty()) {
        std::vector<std::string> sorted = plan.class_names;
        std::sort(sorted.begin(), sorted.end());
        if (sorted != class_names) {
          std::string found;
          for (const std::string& name : class_names) found += (found.empty() ? "'" : ", '") + name + "'";
          throw ValueError(where + "expected class_names that are the folders in '" + directory + "': " + found);
        }
        class_names = plan.class_names;
      }
      for (std::size_t k = 0; k < class_names.size(); ++k)
        for (std::string& path : files_below(fs::path(directory) / class_names[k], plan.endings, plan.follow_links)) {
          file_paths.push_back(std::move(path));
          labels.push_back(static_cast<std::int64_t>(k));
        }
    } else {
      if (!plan.class_names.empty()) throw ValueError(where + "expected class_names only with inferred labels");
      file_paths = files_below(directory, plan.endings, plan.follow_links);
      labels = plan.labels.list;
      if (!plan.labels.none && labels.size() != file_paths.size())
        throw ValueError(where + "expected a label for each of " + std::to_string(file_paths.size()) + " files in '" +
                         directory + "', got " + std::to_string(labels.size()));
      std::int64_t classes = 0;
      for (const std::int64_t label : labels) {
        if (label < 0) throw ValueError(where + "expected labels of 0 or more, got " + std::to_string(label));
        classes = std::max(classes, label + 1);
      }
      for (std::int64_t k = 0; k < classes && classes <= 1'000'000; ++k) class_names.push_back(std::to_string(k));
      if (classes > 1'000'000)
        throw ValueError(where + "expected labels below 1000000, got " + std::to_string(classes - 1));
    }
  } catch (const fs::filesystem_error& failure) {
    throw IoError(where + "could not read '" + directory + "': " + failure.code().message());
  }
  if (label_mode_.empty()) labels.clear();
  if (label_mode_ == "binary" && class_names.size() != 2)
    throw ValueError(where + "expected two classes for the label_mode 'binary', got " +
                     std::to_string(class_names.size()));
  if (file_paths.empty()) {
    std::string endings;
    for (const std::string& ending : plan.endings) endings += (endings.empty() ? "" : ", ") + ending;
    throw ValueError(where + "expected files (" + endings + ") below '" + directory + "', got none");
  }
  seed_ = plan.seed ? *plan.seed : shuffle_ ? default_generator().split().seed() : 0;
  if (plan.validation_split == 0) return;
  // The same order for both subsets; the validation's files are the last.
  const std::vector<std::int64_t> order = shuffle_ ? data::shuffled_order(size(), seed_, 0) : data::plain_order(size());
  const auto held = static_cast<std::int64_t>(plan.validation_split * static_cast<double>(size()));
  const std::int64_t from = validation ? size() - held : 0, to = validation ? size() : size() - held;
  std::vector<std::string> paths;
  std::vector<std::int64_t> chosen;
  for (std::int64_t i = from; i < to; ++i) {
    const auto at = static_cast<std::size_t>(order[static_cast<std::size_t>(i)]);
    paths.push_back(file_paths[at]);
    if (!labels.empty()) chosen.push_back(labels[at]);
  }
  if (paths.empty())
    throw ValueError(where + "expected files in the subset '" + plan.subset + "', got none of " +
                     std::to_string(size()));
  file_paths = std::move(paths);
  labels = std::move(chosen);
}

std::vector<std::size_t> FolderDataset::rows(std::int64_t epoch, std::int64_t step) const {
  if (epoch < 0 || step < 0 || step >= batches())
    throw ValueError("[dataset_from_directory] expected a step from 0 to " + std::to_string(batches() - 1) + ", got " +
                     std::to_string(step));
  const std::vector<std::int64_t> order =
      shuffle_ ? data::shuffled_order(size(), seed_, static_cast<std::uint64_t>(epoch) + 1) : data::plain_order(size());
  std::vector<std::size_t> out;
  for (std::int64_t i = step * batch_size_; i < std::min(size(), (step + 1) * batch_size_); ++i)
    out.push_back(static_cast<std::size_t>(order[static_cast<std::size_t>(i)]));
  return out;
}

Tensor FolderDataset::labels_of(const std::vector<std::size_t>& rows) const {
  if (labels.empty()) return {};
  std::vector<std::int64_t> chosen;
  for (const std::size_t row : rows) chosen.push_back(labels[row]);
  const Tensor y = tensor(chosen, {static_cast<std::int64_t>(chosen.size())});
  if (label_mode_ == "binary") return cast(expand_dims(y, -1), float32).eval();
  if (label_mode_ == "categorical") return one_hot(y, static_cast<std::int64_t>(class_names.size())).eval();
  return y;
}

ImageFolder::ImageFolder(const std::string& directory, const ImageFolderOptions& o)
    : FolderDataset(directory, {.where = "image_dataset_from_directory",
                                .labels = o.labels,
                                .label_mode = o.label_mode,
                                .class_names = o.class_names,
                                .endings = {".png"},
                                .batch_size = o.batch_size,
                                .shuffle = o.shuffle,
                                .seed = o.seed,
                                .validation_split = o.validation_split,
                                .subset = o.subset,
                                .follow_links = o.follow_links}),
      options_(o) {
  static_cast<void>(find_named(channels_of, "color_mode", o.color_mode));
  // Throws for words and sizes out of range.
  static_cast<void>(Resizing(o.image_size.first, o.image_size.second,
                             {.interpolation = o.interpolation,
                              .crop_to_aspect_ratio = o.crop_to_aspect_ratio,
                              .pad_to_aspect_ratio = o.pad_to_aspect_ratio}));
}

Dataset ImageFolder::batch(std::int64_t epoch, std::int64_t step) const {
  const NoGrad no_grad;
  const std::vector<std::size_t> chosen = rows(epoch, step);
  std::vector<Tensor> images;
  for (const std::size_t row : chosen) {
    const Tensor image = io::load_png(file_paths[row], {.color_mode = options_.color_mode});
    // Each is computed before the next is read, so that no two full pictures are in memory.
    images.push_back(resized(image, options_.image_size.first, options_.image_size.second,
                             {.interpolation = options_.interpolation,
                              .crop_to_aspect_ratio = options_.crop_to_aspect_ratio,
                              .pad_to_aspect_ratio = options_.pad_to_aspect_ratio})
                         .eval());
  }
  Dataset out{.x = stack(images).eval()};
  if (const Tensor y = labels_of(chosen); y.defined()) out.y = y;
  return out;
}

ImageFolder::operator BatchSource() const {
  return {.batch = [folder = *this](std::int64_t epoch, std::int64_t step) -> std::optional<Dataset> {
            if (step >= folder.batches()) return {};
            return folder.batch(epoch, step);
          },
          .steps = batches()};
}

TextFolder::TextFolder(const std::string& directory, const TextFolderOptions& o)
    : FolderDataset(directory, {.where = "text_dataset_from_directory",
                                .labels = o.labels,
                                .label_mode = o.label_mode,
                                .class_names = o.class_names,
                                .endings = {".txt"},
                                .batch_size = o.batch_size,
                                .shuffle = o.shuffle,
                                .seed = o.seed,
                                .validation_split = o.validation_split,
                                .subset = o.subset,
                                .follow_links = o.follow_links}),
      max_length_(o.max_length) {
  if (max_length_ < 0)
    throw ValueError("[text_dataset_from_directory] expected a max_length of 0 or more, got " +
                     std::to_string(max_length_));
}

std::string TextFolder::read(std::size_t row) const {
  std::ifstream file(file_paths[row], std::ios::binary);
  std::string text;
  if (file && max_length_ > 0) {
    std::error_code error;
    const auto length = static_cast<std::int64_t>(fs::file_size(file_paths[row], error));
    text.resize(static_cast<std::size_t>(error ? 0 : std::min(max_length_, length)));
    file.read(text.data(), static_cast<std::streamsize>(text.size()));
  } else if (file) {
    text.assign(std::istreambuf_iterator<char>(file), {});
  }
  if (!file) throw IoError("[text_dataset_from_directory] could not read '" + file_paths[row] + "'");
  return text;
}

std::pair<TextFolder::Texts, Tensor> TextFolder::batch(std::int64_t epoch, std::int64_t step) const {
  const std::vector<std::size_t> chosen = rows(epoch, step);
  Texts texts;
  for (const std::size_t row : chosen) texts.push_back(read(row));
  return {std::move(texts), labels_of(chosen)};
}

TextFolder::Texts TextFolder::texts() const {
  Texts out;
  for (std::size_t row = 0; row < file_paths.size(); ++row) out.push_back(read(row));
  return out;
}

BatchSource TextFolder::map(Function<Tensor(const Texts&)> vectorize) const {
  return {.batch = [folder = *this, vectorize = std::move(vectorize)](std::int64_t epoch,
                                                                      std::int64_t step) -> std::optional<Dataset> {
            if (step >= folder.batches()) return {};
            const auto [texts, y] = folder.batch(epoch, step);
            Dataset out{.x = vectorize(texts)};
            if (y.defined()) out.y = y;
            return out;
          },
          .steps = batches()};
}

ImageFolder image_dataset_from_directory(const std::string& directory, const ImageFolderOptions& options) {
  return ImageFolder(directory, options);
}
TextFolder text_dataset_from_directory(const std::string& directory, const TextFolderOptions& options) {
  return TextFolder(directory, options);
}

}  // namespace xgrad
