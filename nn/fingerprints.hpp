#pragma once
/// Hashes of bytes that Keras's layers use, to the bit. Internal to nn/.

#include <cstdint>
#include <string_view>

namespace xgrad {

/// FarmHash's Fingerprint64 (Pike and Alakuijala 2014): what TensorFlow's string_to_hash_bucket_fast takes modulo.
std::uint64_t farm_fingerprint(std::string_view text);
/// SipHash-2-4 with a key of 128 bits (Aumasson and Bernstein 2012): string_to_hash_bucket_strong.
std::uint64_t sip_hash(std::string_view text, std::uint64_t key_0, std::uint64_t key_1);
/// One fingerprint of two, in this order: what crossed features are hashed with.
std::uint64_t joined_fingerprint(std::uint64_t first, std::uint64_t second);

}  // namespace xgrad
