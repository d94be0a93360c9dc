// Digest: a number made of others (FNV-1a over 64-bit words, stirred). The same in every build: it
// may stand in the state memory. A value; any thread.
#pragma once

#include <cstdint>

namespace cvfs {

class Digest {
 public:
  void add(std::uint64_t value) {
    hash_ = (hash_ ^ value) * 0x100000001b3ULL;
    hash_ ^= hash_ >> 29;
  }
  std::uint64_t get() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

}  // namespace cvfs
