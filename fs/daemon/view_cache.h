// What a view's caches are kept true by (docs/caching.md): decides it once, when the view is
// mounted, by what the kernel and the backing filesystem can. For the supervisor.
#pragma once

#include "base/operator_error.h"
#include "daemon/served_view.h"

namespace cvfs {

// How many views of one filesystem are watched without being asked to: each costs everybody who
// changes something there.
inline constexpr unsigned kMostWatches = 8;

// Makes cache=notify or cache=ttl:1 of cache=auto, and opens the watch. Refused: cache=notify where
// nothing can be watched.
Outcome<void> choose_cache(ServedView& view);

// When the view ends: the file by which it kept its place among those that watch its filesystem.
void remove_watch_place(const ServedView& view);

// As cache= has it: "notify", "ttl:1", "none".
std::string cache_text(const CacheOption& cache);

}  // namespace cvfs
