#include "fuse/cache_reset.h"

#include <poll.h>

#include <utility>
#include <vector>

#include "fuse/refresh.h"
#include "sys/fuse_notification.h"

namespace cvfs {

void CacheReset::begin() {
  if (wanted_++ != 0) return;
  if (thread_.joinable()) thread_.join();
  thread_ = std::jthread([this] { run(); });
}

void CacheReset::run() {
  const int device_fd = mount_.settings.device_fd;
  Refresh::Told told;
  // What the kernel does not know any more needs no telling: errors say that.
  told.inode = [device_fd](NodeId node, bool listing) {
    (void)sys::invalidate_inode(device_fd, node, listing);
  };
  told.names = [this](std::vector<NameChange> changes) { teller_.tell(std::move(changes)); };
  for (unsigned done = 0; done != wanted_;) {
    done = wanted_;
    Refresh(mount_, told).run();
    tell_the_rest();
    unsigned last = done;
    if (wanted_.compare_exchange_strong(last, 0)) return;
  }
}

// What waits for a request, however long that takes.
void CacheReset::tell_the_rest() {
  constexpr int kPauseMs = 50;
  while (teller_.is_behind()) {
    ::poll(nullptr, 0, kPauseMs);
    teller_.tell({});
  }
}

}  // namespace cvfs
