// The version of this build: a constant, so any thread.
#pragma once

namespace cvfs {

// "1.2.3"
extern const char* const kVersion;

}  // namespace cvfs
