#include "daemon/served_view.h"

#include <poll.h>

namespace cvfs {

std::vector<int> lasting_descriptors(const ServedView& view) {
  std::vector<int> descriptors{STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, view.state->fd()};
  for (const UniqueFd* fd : {&view.device, &view.signals, &view.worker_bell, &view.standby_bell,
                             &view.watch, &view.watch_place, &view.plan.mount_namespace,
                             &view.plan.source.tenant_root, &view.plan.source.directory}) {
    if (*fd) descriptors.push_back(fd->get());
  }
  for (const int fd : {view.control, view.log}) {
    if (fd >= 0) descriptors.push_back(fd);
  }
  return descriptors;
}

bool has_ended(const ServedView& view) {
  pollfd connection{view.device.get(), 0, 0};
  return ::poll(&connection, 1, 0) == 1 && (connection.revents & (POLLERR | POLLNVAL)) != 0;
}

}  // namespace cvfs
