// Apart, so that the rest is compiled once for all builds that differ in it (tests/variants.cmake).
#include "daemon/main/version.h"

namespace cvfs {

const char* const kVersion = CVFS_VERSION;

}  // namespace cvfs
