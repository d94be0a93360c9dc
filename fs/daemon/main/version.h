#pragma once

namespace cvfs {

// "1.2.3": of this build.
extern const char* const kVersion;

}  // namespace cvfs
