#include <xgrad/nn/encoding.hpp>
#include <xgrad/nn/fingerprints.hpp>
#include <xgrad/nn/text.hpp>
#include <xgrad/ops/reduce.hpp>
#include <xgrad/ops/shape.hpp>

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

namespace xgrad {

namespace {

void describe(Fields& f, StringLookupOptions& o) {
  f("max_tokens", o.max_tokens);
  f("num_oov_indices", o.num_oov_indices);
  f("mask_token", o.mask_token);
  f("oov_token", o.oov_token);
  f("vocabulary", o.vocabulary);
  f("idf_weights", o.idf_weights);
  f("output_mode", o.output_mode);
  f("pad_to_max_tokens", o.pad_to_max_tokens);
  f("name", o.name);
}
std::vector<std::int64_t> numbers_of(const Config& config) {
  std::vector<std::int64_t> out;
  for (const Config& number : config.list()) out.push_back(number.integer());
  return out;
}

void describe(Fields& f, TextVectorizationOptions& o) {
  f("max_tokens", o.max_tokens);
  f("standardize", o.standardize);
  f("split", o.split);
  Config ngrams;
  if (!o.ngrams.lengths.empty()) ngrams = Shape(std::span<const std::int64_t>(o.ngrams.lengths));
  f("ngrams", ngrams);
  if (f.reading() && ngrams.kind() == Config::Kind::integer)
    o.ngrams = static_cast<int>(ngrams.integer());
  else if (f.reading() && !ngrams.is_nothing())
    o.ngrams = numbers_of(ngrams);
  f("output_mode", o.output_mode);
  f("output_sequence_length", o.output_sequence_length);
  f("pad_to_max_tokens", o.pad_to_max_tokens);
  f("vocabulary", o.vocabulary);
  f("idf_weights", o.idf_weights);
}

std::vector<std::int64_t> up_to(int longest) {
  std::vector<std::int64_t> out;
  for (int n = 1; n <= longest; ++n) out.push_back(n);
  return out.empty() ? std::vector<std::int64_t>{longest} : out;
}

bool space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

}  // namespace

// --- StringLookup

struct StringLookup::State : Counted {
  explicit State(StringLookupOptions o) : options(std::move(o)) { index(); }
  Counted* copy() const override { return new State(*this); }
  /// The mask has a place of its own only among numbers.
  bool masks() const { return options.mask_token && options.output_mode == "int"; }
  std::int64_t first() const { return options.num_oov_indices + (masks() ? 1 : 0); }
  void index() {
    places.clear();
    for (std::size_t i = 0; i < options.vocabulary.size(); ++i)
      if (!places.emplace(options.vocabulary[i], first() + static_cast<std::int64_t>(i)).second)
        throw ValueError(label("StringLookup", options.name) + "expected a vocabulary of different words, got '" +
                         options.vocabulary[i] + "' twice");
  }
  void keep(Words tokens) {
    if (options.mask_token) std::erase(tokens, *options.mask_token);
    std::erase(tokens, options.oov_token);
    const std::int64_t most = std::max<std::int64_t>(options.max_tokens - first(), 0);
    if (options.max_tokens > 0 && static_cast<std::int64_t>(tokens.size()) > most)
      tokens.resize(static_cast<std::size_t>(most));
    options.vocabulary = std::move(tokens);
    index();
  }
  std::int64_t place_of(const std::string& word) const {
    const std::int64_t unknown = masks() ? 1 : 0;
    // Rows of other modes leave it out.
    if (options.mask_token && word == *options.mask_token) return masks() ? 0 : -1;
    if (const auto found = places.find(word); found != places.end()) return found->second;
    if (options.num_oov_indices == 0)
      throw ValueError(label("StringLookup", options.name) + "expected words of the vocabulary, got '" + word + "'");
    if (options.num_oov_indices == 1) return unknown;
    return unknown +
           static_cast<std::int64_t>(farm_fingerprint(word) % static_cast<std::uint64_t>(options.num_oov_indices));
  }
  StringLookupOptions options;
  std::unordered_map<std::string, std::int64_t> places;
};

StringLookup::StringLookup(StringLookupOptions options) : state_(new State(std::move(options))) {
  StringLookupOptions& o = state_->options;
  const std::string where = label("StringLookup", o.name);
  check_output_mode(where, o.output_mode, true);
  if (o.num_oov_indices < 0 || o.max_tokens < 0)
    throw ValueError(where + "expected max_tokens and num_oov_indices of 0 or more");
  if (without_special(where, state_->masks() ? o.mask_token : std::nullopt, o.num_oov_indices, o.oov_token,
                      o.vocabulary))
    state_->index();
  if (!o.idf_weights.empty() && o.idf_weights.size() != o.vocabulary.size())
    throw ValueError(where + "expected an idf weight for each of " + std::to_string(o.vocabulary.size()) +
                     " words, got " + std::to_string(o.idf_weights.size()));
}

void StringLookup::adapt(const Words& words) { state_->keep(by_frequency(words)); }

void StringLookup::adapt(const std::vector<Words>& documents) {
  Words all;
  std::unordered_map<std::string, std::int64_t> with_word;
  for (const Words& document : documents) {
    all.insert(all.end(), document.begin(), document.end());
    for (const std::string& word : std::unordered_set<std::string>(document.begin(), document.end())) ++with_word[word];
  }
  state_->keep(by_frequency(std::move(all)));
  StringLookupOptions& o = state_->options;
  o.idf_weights.clear();
  if (o.output_mode != "tf_idf") return;
  for (const std::string& word : o.vocabulary)
    o.idf_weights.push_back(
        std::log(1 + static_cast<double>(documents.size()) / (1 + static_cast<double>(with_word[word]))));
}

Tensor StringLookup::operator()(const Words& words) const { return squeeze((*this)(std::vector<Words>{words}), 0); }

Tensor StringLookup::operator()(const std::vector<Words>& rows) const {
  const State& s = *state_;
  const StringLookupOptions& o = s.options;
  const std::string where = label("StringLookup", o.name);
  if (o.vocabulary.empty()) throw ValueError(where + "expected a vocabulary, given or from adapt, before it is called");
  const auto n = static_cast<std::int64_t>(rows.size());
  const std::int64_t depth = o.pad_to_max_tokens && o.max_tokens > 0 ? o.max_tokens : vocabulary_size();
  if (o.output_mode == "int" || o.output_mode == "one_hot") {
    std::vector<std::int64_t> places;
    for (const Words& row : rows) {
      if (row.size() != rows[0].size())
        throw ShapeError(where + "expected rows of equally many words, got " + std::to_string(rows[0].size()) +
                         " and " + std::to_string(row.size()));
      for (const std::string& word : row) places.push_back(s.place_of(word));
    }
    const Tensor found = tensor(places, {n, rows.empty() ? 0 : static_cast<std::int64_t>(rows[0].size())});
    return o.output_mode == "int" ? found : known_rows(where, expand_dims(found, -1), "one_hot", depth);
  }
  std::vector<float> out(static_cast<std::size_t>(n * depth), 0.0f);
  for (std::size_t r = 0; r < rows.size(); ++r)
    for (const std::string& word : rows[r]) {
      const std::int64_t place = s.place_of(word);
      if (place < 0) continue;
      float& target = out[r * static_cast<std::size_t>(depth) + static_cast<std::size_t>(place)];
      target = o.output_mode == "multi_hot" ? 1.0f : target + 1.0f;
    }
  const Tensor counts = tensor(out, {n, depth});
  if (o.output_mode != "tf_idf") return counts;
  if (o.idf_weights.empty()) throw ValueError(where + "expected idf_weights, given or from adapt on documents");
  return counts * idf_row(o.idf_weights, s.first(), depth);
}

StringLookup::Words StringLookup::invert(const Tensor& indices) const {
  const Words all = get_vocabulary();
  Words out;
  for (const std::int64_t i : indices.to_vector<std::int64_t>())
    out.push_back(i >= 0 && i < static_cast<std::int64_t>(all.size()) ? all[static_cast<std::size_t>(i)]
                                                                      : state_->options.oov_token);
  return out;
}

StringLookup::Words StringLookup::get_vocabulary() const {
  const StringLookupOptions& o = state_->options;
  Words out;
  if (state_->masks()) out.push_back(*o.mask_token);
  out.insert(out.end(), static_cast<std::size_t>(o.num_oov_indices), o.oov_token);
  out.insert(out.end(), o.vocabulary.begin(), o.vocabulary.end());
  return out;
}
std::int64_t StringLookup::vocabulary_size() const {
  return state_->first() + static_cast<std::int64_t>(state_->options.vocabulary.size());
}

Config StringLookup::get_config() const {
  StringLookupOptions o = state_->options;
  return written([&](Fields& f) { describe(f, o); });
}
StringLookup StringLookup::from_config(const Config& config) {
  StringLookupOptions o;
  read_config("StringLookup", config, [&](Fields& f) { describe(f, o); });
  return StringLookup(std::move(o));
}

// --- TextVectorization

NGrams::NGrams(int longest) : NGrams(up_to(longest)) {}
NGrams::NGrams(std::vector<std::int64_t> given) : lengths(std::move(given)) {
  for (const std::int64_t n : lengths)
    if (n < 1) throw ValueError("[TextVectorization] expected ngrams of 1 or more words, got " + std::to_string(n));
}

struct TextVectorization::State : Counted {
  explicit State(TextVectorizationOptions options) : options(std::move(options)) {}
  Counted* copy() const override { return new State(*this); }
  TextVectorizationOptions options;
};

TextVectorization::TextVectorization(TextVectorizationOptions options) : state_(new State(std::move(options))) {
  const TextVectorizationOptions& o = state_->options;
  constexpr Named<int> standards[] = {
      {"lower_and_strip_punctuation", 0}, {"lower", 1}, {"strip_punctuation", 2}, {"", 3}};
  constexpr Named<int> splits[] = {{"whitespace", 0}, {"character", 1}, {"", 2}};
  constexpr Named<int> modes[] = {{"int", 0}, {"multi_hot", 1}, {"count", 2}, {"tf_idf", 3}};
  find_named(standards, "standardize", o.standardize);
  find_named(splits, "split", o.split);
  find_named(modes, "output_mode", o.output_mode);
  if (o.output_sequence_length < 0 || o.max_tokens < 0)
    throw ValueError("[TextVectorization] expected max_tokens and output_sequence_length of 0 or more");
  static_cast<void>(lookup());
}

StringLookup TextVectorization::lookup() const {
  const TextVectorizationOptions& o = state_->options;
  StringLookupOptions lookup;
  lookup.max_tokens = o.max_tokens;
  lookup.mask_token.emplace();
  lookup.vocabulary = o.vocabulary;
  lookup.idf_weights = o.idf_weights;
  lookup.output_mode = o.output_mode;
  lookup.pad_to_max_tokens = o.pad_to_max_tokens;
  return StringLookup(std::move(lookup));
}

TextVectorization::Words TextVectorization::words_of(std::string_view given) const {
  const TextVectorizationOptions& o = state_->options;
  constexpr std::string_view punctuation = "!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~'";
  const bool lower = o.standardize.starts_with("lower"), strip = o.standardize.ends_with("strip_punctuation");
  std::string text;
  for (const char c : given) {
    if (strip && punctuation.find(c) != std::string_view::npos) continue;
    text += lower && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  Words words;
  if (o.split.empty()) {
    words.push_back(text);
  } else if (o.split == "character") {
    for (std::size_t i = 0; i < text.size();) {
      // A character of UTF-8 is its first byte with the bytes 10xxxxxx behind it.
      std::size_t end = i + 1;
      while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) ++end;
      words.push_back(text.substr(i, end - i));
      i = end;
    }
  } else {
    for (std::size_t i = 0; i < text.size();) {
      while (i < text.size() && space(text[i])) ++i;
      std::size_t end = i;
      while (end < text.size() && !space(text[end])) ++end;
      if (end > i) words.push_back(text.substr(i, end - i));
      i = end;
    }
  }
  if (o.ngrams.lengths.empty()) return words;
  Words joined;
  for (const std::int64_t n : o.ngrams.lengths)
    for (std::size_t i = 0; i + static_cast<std::size_t>(n) <= words.size(); ++i) {
      std::string gram = words[i];
      for (std::size_t k = 1; k < static_cast<std::size_t>(n); ++k) gram += " " + words[i + k];
      joined.push_back(std::move(gram));
    }
  return joined;
}

void TextVectorization::adapt(const std::vector<std::string>& texts) {
  std::vector<Words> documents;
  for (const std::string& text : texts) documents.push_back(words_of(text));
  TextVectorizationOptions& o = state_->options;
  o.vocabulary.clear();
  o.idf_weights.clear();
  StringLookup table = lookup();
  table.adapt(documents);
  const Config learned = table.get_config();
  for (const Config& word : learned.at("vocabulary").list()) o.vocabulary.push_back(word.text());
  for (const Config& weight : learned.at("idf_weights").list()) o.idf_weights.push_back(weight.real());
}

Tensor TextVectorization::operator()(const std::vector<std::string>& texts) const {
  const TextVectorizationOptions& o = state_->options;
  if (o.split.empty() && o.ngrams.lengths.empty()) {
    // Each text is one word: together they are one row, as in Keras.
    Words words;
    for (const std::string& text : texts) words.push_back(words_of(text)[0]);
    return lookup()(words);
  }
  std::vector<Words> rows;
  std::size_t longest = 0;
  for (const std::string& text : texts) {
    rows.push_back(words_of(text));
    longest = std::max(longest, rows.back().size());
  }
  if (o.output_mode == "int") {
    const std::size_t length =
        o.output_sequence_length > 0 ? static_cast<std::size_t>(o.output_sequence_length) : longest;
    for (Words& row : rows) row.resize(length);  // with empty words, which are the mask
  }
  return lookup()(rows);
}

std::vector<Tensor> TextVectorization::ragged(const std::vector<std::string>& texts) const {
  const TextVectorizationOptions& o = state_->options;
  if (o.output_mode != "int")
    throw ValueError("[TextVectorization] expected an output_mode of 'int' for rows of their own length, got '" +
                     o.output_mode + "'");
  const StringLookup table = lookup();
  std::vector<Tensor> out;
  for (const std::string& text : texts) {
    Words words = words_of(text);
    if (o.output_sequence_length > 0 && static_cast<std::int64_t>(words.size()) > o.output_sequence_length)
      words.resize(static_cast<std::size_t>(o.output_sequence_length));
    out.push_back(table(words));
  }
  return out;
}

TextVectorization::Words TextVectorization::get_vocabulary() const { return lookup().get_vocabulary(); }
std::int64_t TextVectorization::vocabulary_size() const { return lookup().vocabulary_size(); }
Config TextVectorization::get_config() const {
  TextVectorizationOptions o = state_->options;
  return written([&](Fields& f) { describe(f, o); });
}
TextVectorization TextVectorization::from_config(const Config& config) {
  TextVectorizationOptions o;
  read_config("TextVectorization", config, [&](Fields& f) { describe(f, o); });
  return TextVectorization(std::move(o));
}

}  // namespace xgrad
