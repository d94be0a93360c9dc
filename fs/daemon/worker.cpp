#include "daemon/worker.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <thread>

#include "base/log.h"
#include "fuse/session.h"
#include "store/local_store.h"
#include "sys/file.h"
#include "sys/process.h"
#include "vfs/mount.h"

namespace cvfs {

namespace {

OperatorError cannot(const std::string& object, const std::string& what, Errno error) {
  return {ExitCode::kSystem, object, what + ": " + std::strerror(error.value), ""};
}

unsigned thread_count(const ViewOptions& options) {
  if (options.threads != 0) return options.threads;
  return std::clamp(std::thread::hardware_concurrency(), 2U, 8U);
}

std::unique_ptr<Ownership> make_ownership(OwnerPolicy policy, Store& store,
                                          const Identity& identity) {
  return policy == OwnerPolicy::kVirtual ? make_virtual_ownership(store, identity)
                                         : make_map_ownership(store, identity);
}

Outcome<std::unique_ptr<Mount>> build_mount(const ViewPlan& plan, const Connection& connection,
                                            bool adopt) {
  auto directory = sys::reopen(plan.source.directory.get(), O_RDONLY | O_DIRECTORY);
  if (!directory)
    return refuse(cannot(plan.source.name, "cannot open the tree", directory.error()));
  const StoreMap& stored = plan.identity->store();
  const StoredUid tenant_uid{*stored.uids.to_outside(0)};
  const StoredGid tenant_gid{*stored.gids.to_outside(0)};
  auto store = LocalStore::open(std::move(*directory), tenant_uid, tenant_gid);
  if (!store) return refuse(cannot(plan.source.name, "cannot open the tree", store.error()));
  MountParts parts;
  parts.state = connection.state;
  parts.adopt = adopt;
  parts.store = std::move(*store);
  parts.identity = std::make_unique<Identity>(*plan.identity);
  parts.owners = make_ownership(plan.owner, *parts.store, *parts.identity);
  parts.ttl_seconds = plan.options.cache.ttl_seconds;
  parts.passthrough = std::make_unique<Passthrough>(
      connection.handshake.passthrough() ? connection.device_fd : -1, tenant_uid, tenant_gid);
  auto mount = make_mount(std::move(parts));
  if (!mount) return refuse(cannot(plan.source.name, "cannot open the tree", mount.error()));
  return std::move(*mount);
}

// Closes what the dead worker had open and no table knows of. `before`: what was open when we
// began.
void close_strays(Mount& mount, const Connection& connection, const std::vector<int>& before) {
  std::set<int> strays(before.begin(), before.end());
  for (const int fd : connection.own_descriptors) strays.erase(fd);
  for (const int fd : descriptors_in_use(mount)) strays.erase(fd);
  for (const int fd : strays) UniqueFd{fd};
}

void note_pause(ViewState& view) {
  const std::uint64_t died = view.died_at_us.exchange(0);
  if (died == 0) return;
  const std::uint64_t pause = sys::monotonic_us() - died;
  if (pause > view.longest_pause_us) view.longest_pause_us = pause;
  spdlog::warn("serving again after {} ms ({} requests sent again since the mount)",
               static_cast<double>(pause) / 1000.0, view.resent.load());
}

}  // namespace

OperatorError run_worker(const ViewPlan& plan, const Connection& connection,
                         const std::function<void()>& ready) {
  ViewState& view = connection.state->view();
  const bool adopt = view.serving != 0;
  const auto tell = [&] {
    ready();
    view.told = 1;
  };
  // If the one that came to serve died over telling it. First of all: `ready` closes a descriptor
  // by its number.
  if (adopt && view.told == 0) tell();
  // Unknown, nothing is swept: a stray costs less than a descriptor that somebody needs.
  const auto before = sys::open_descriptors().value_or(std::vector<int>());
  auto mount = build_mount(plan, connection, adopt);
  if (!mount) return mount.error();
  auto session = Session::adopt(connection.device_fd, connection.handshake, **mount);
  if (!session) return cannot(plan.target, "cannot start libfuse", session.error());
  if (adopt) {
    close_strays(**mount, connection, before);
    (*session)->resume();
  }
  view.serving = 1;
  if (!adopt) tell();
  note_pause(view);
  (*session)->serve(thread_count(plan.options));
  view.known_inodes = (*mount)->inodes.live();
  view.open_files = (*mount)->handles.open();
  // Nothing is destroyed: the supervisor shares our descriptors and still needs them.
  ::_exit(0);
}

}  // namespace cvfs
