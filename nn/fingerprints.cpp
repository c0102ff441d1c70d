#include <xgrad/nn/fingerprints.hpp>

#include <bit>
#include <cstring>
#include <utility>

namespace xgrad {

namespace {

using U64 = std::uint64_t;

// Numbers are read in little-endian order, as the published values are.
static_assert(std::endian::native == std::endian::little);

constexpr U64 k0 = 0xc3a5c85c97cb3127, k1 = 0xb492b66fbe98f273, k2 = 0x9ae16a3b2f90404f;
constexpr U64 join_factor = 0xc6a4a7935bd1e995;

U64 word(const char* at) {
  U64 out;
  std::memcpy(&out, at, sizeof(out));
  return out;
}
U64 half(const char* at) {
  std::uint32_t out;
  std::memcpy(&out, at, sizeof(out));
  return out;
}
U64 byte(const char* at) { return static_cast<unsigned char>(*at); }
U64 mixed(U64 x) { return x ^ x >> 47; }
U64 turned(U64 x, int bits) { return std::rotr(x, bits); }

U64 joined(U64 u, U64 v, U64 factor) {
  const U64 a = mixed((u ^ v) * factor);
  return mixed((v ^ a) * factor) * factor;
}

using Pair = std::pair<U64, U64>;

Pair weak(const char* s, U64 a, U64 b) {
  const U64 w = word(s), x = word(s + 8), y = word(s + 16), z = word(s + 24);
  a += w;
  b = turned(b + a + z, 21);
  const U64 c = a;
  a += x + y;
  b += turned(a, 44);
  return {a + z, b + c};
}

U64 up_to_16(const char* s, std::size_t n) {
  const U64 factor = k2 + n * 2;
  if (n >= 8) {
    const U64 a = word(s) + k2, b = word(s + n - 8);
    return joined(turned(b, 37) * factor + a, (turned(a, 25) + b) * factor, factor);
  }
  if (n >= 4) return joined(n + (half(s) << 3), half(s + n - 4), factor);
  if (n == 0) return k2;
  const U64 y = byte(s) + (byte(s + n / 2) << 8), z = n + (byte(s + n - 1) << 2);
  return mixed(y * k2 ^ z * k0) * k2;
}

U64 up_to_32(const char* s, std::size_t n) {
  const U64 factor = k2 + n * 2;
  const U64 a = word(s) * k1, b = word(s + 8), c = word(s + n - 8) * factor, d = word(s + n - 16) * k2;
  return joined(turned(a + b, 43) + turned(c, 30) + d, a + turned(b + k2, 18) + c, factor);
}

U64 up_to_64(const char* s, std::size_t n) {
  const U64 factor = k2 + n * 2;
  const U64 a = word(s) * k2, b = word(s + 8), c = word(s + n - 8) * factor, d = word(s + n - 16) * k2;
  const U64 y = turned(a + b, 43) + turned(c, 30) + d, z = joined(y, a + turned(b + k2, 18) + c, factor);
  const U64 e = word(s + 16) * factor, f = word(s + 24);
  const U64 g = (y + word(s + n - 32)) * factor, h = (z + word(s + n - 24)) * factor;
  return joined(turned(e + f, 43) + turned(g, 30) + h, e + turned(f + a, 18) + g, factor);
}

/// One block of 64 bytes into the state of long texts.
void absorb(const char* s, U64 factor, U64 carry, U64& x, U64& y, U64& z, Pair& v, Pair& w) {
  x = turned(x + y + v.first + word(s + 8), 37) * factor;
  y = turned(y + v.second + word(s + 48), 42) * factor;
  x ^= w.second * carry;
  y += v.first * carry + word(s + 40);
  z = turned(z + w.first, 33) * factor;
  v = weak(s, v.second * factor, x + w.first);
  w = weak(s + 32, z + w.second, y + word(s + 16));
  std::swap(z, x);
}

}  // namespace

U64 farm_fingerprint(std::string_view text) {
  const char* s = text.data();
  const std::size_t n = text.size();
  if (n <= 16) return up_to_16(s, n);
  if (n <= 32) return up_to_32(s, n);
  if (n <= 64) return up_to_64(s, n);
  U64 x = 81, y = 81 * k1 + 113, z = mixed(y * k2 + 113) * k2;
  Pair v, w;
  x = x * k2 + word(s);
  const char *end = s + (n - 1) / 64 * 64, *last = end + ((n - 1) & 63) - 63;
  for (; s != end; s += 64) absorb(s, k1, 1, x, y, z, v, w);
  const U64 factor = k1 + ((z & 0xff) << 1);
  w.first += (n - 1) & 63;
  v.first += w.first;
  w.first += v.first;
  absorb(last, factor, 9, x, y, z, v, w);
  return joined(joined(v.first, w.first, factor) + mixed(y) * k0 + z, joined(v.second, w.second, factor) + x, factor);
}

U64 joined_fingerprint(U64 first, U64 second) {
  const U64 both = (first ^ join_factor ^ mixed(second * join_factor) * join_factor) * join_factor;
  return mixed(mixed(both) * join_factor);
}

U64 sip_hash(std::string_view text, U64 key_0, U64 key_1) {
  U64 a = key_0 ^ 0x736f6d6570736575, b = key_1 ^ 0x646f72616e646f6d;
  U64 c = key_0 ^ 0x6c7967656e657261, d = key_1 ^ 0x7465646279746573;
  const auto rounds = [&](int n) {
    for (int i = 0; i < n; ++i) {
      a += b, b = std::rotl(b, 13) ^ a, a = std::rotl(a, 32);
      c += d, d = std::rotl(d, 16) ^ c;
      a += d, d = std::rotl(d, 21) ^ a;
      c += b, b = std::rotl(b, 17) ^ c, c = std::rotl(c, 32);
    }
  };
  const auto absorb_word = [&](U64 m) {
    d ^= m;
    rounds(2);
    a ^= m;
  };
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) absorb_word(word(text.data() + i));
  U64 last = static_cast<U64>(text.size()) << 56;
  for (int shift = 0; i < text.size(); ++i, shift += 8) last |= byte(text.data() + i) << shift;
  absorb_word(last);
  c ^= 0xff;
  rounds(4);
  return a ^ b ^ c ^ d;
}

}  // namespace xgrad
