// The value of containers-storage's user.containers.override_stat: "UID:GID:MODE:TYPE", container
// ids in decimal, permissions in octal, and a type: file, dir, symlink, pipe, socket, block-M-N,
// char-M-N (containers/storage, pkg/idtools). The type may be missing. Pure; any thread.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace cvfs {

struct OverrideStat {
  ContainerUid uid;
  ContainerGid gid;
  mode_t mode = 0;  // type and permissions
};

// Nothing: it is none. `on_disk`: the mode of the file that has it. containers-storage keeps pipes
// and sockets as empty regular files, and so they are here; a device stays the file that it is on
// disk, because whoever can write the attribute could make themselves any.
std::optional<OverrideStat> parse_override_stat(std::string_view text, mode_t on_disk);

std::string text_of(const OverrideStat& values);

}  // namespace cvfs
