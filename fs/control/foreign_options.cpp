#include "control/foreign_options.h"

#include <algorithm>
#include <array>

namespace cvfs {
namespace {

constexpr auto kSame = ForeignMeaning::kSame;
constexpr auto kAlways = ForeignMeaning::kAlways;
constexpr auto kRefused = ForeignMeaning::kRefused;

constexpr std::string_view kFuse = "libfuse";
constexpr std::string_view kBindfs = "bindfs";
constexpr std::string_view kOverlay = "fuse-overlayfs";
constexpr std::string_view kMerger = "mergerfs";
constexpr std::string_view kSshfs = "sshfs";

constexpr std::string_view kOwnsAll = "owner=caller (whoever asks owns everything)";
constexpr std::string_view kMaps = "uidmap=CONTAINER:HOST:COUNT and gidmap=, or userns=@NAME";
constexpr std::string_view kOneOwner =
    "owner=virtual,storeuid=% (an id; all is stored as the tenant's)";
constexpr std::string_view kOneGroup =
    "owner=virtual,storegid=% (an id; all is stored as the tenant's)";
constexpr std::string_view kPageCache =
    "passthrough=auto, the default (data is in the backing filesystem's page cache)";
constexpr std::string_view kNoModes = "leave it out (programs decide on modes)";
constexpr std::string_view kNoPolicy =
    "leave it out (who may chown and chmod is as on any filesystem)";
constexpr std::string_view kOneTree = "leave it out (a view shows the tenant's tree alone)";

// docs/mounting.md has a row for each.
constexpr auto kForeignOptions = std::to_array<ForeignOption>({
    // Every libfuse filesystem's.
    {"allow_other", kFuse, kAlways, ""},
    {"default_permissions", kFuse, kAlways, ""},
    {"nonempty", kFuse, kAlways, ""},
    {"use_ino", kFuse, kAlways, ""},
    {"big_writes", kFuse, kAlways, ""},
    {"async_read", kFuse, kAlways, ""},
    {"no_remote_lock", kFuse, kSame, "locks=local"},
    {"max_threads", kFuse, kSame, "threads=%"},
    {"no_remote_posix_lock", kFuse, kRefused, "locks=local (flock(2), too)"},
    {"no_remote_flock", kFuse, kRefused, "locks=local (fcntl(2)'s, too)"},
    {"allow_root", kFuse, kRefused, "a mount point below a directory of mode 0700"},
    {"kernel_cache", kFuse, kRefused, kPageCache},
    {"auto_cache", kFuse, kRefused, kPageCache},
    {"direct_io", kFuse, kRefused, kPageCache},
    {"attr_timeout", kFuse, kRefused, "cache=ttl:%"},
    {"entry_timeout", kFuse, kRefused, "cache=ttl:%"},
    {"negative_timeout", kFuse, kRefused, "cache=ttl:%"},
    {"ac_attr_timeout", kFuse, kRefused, "cache=ttl:%"},
    {"uid", kFuse, kRefused, kOwnsAll},
    {"gid", kFuse, kRefused, kOwnsAll},
    {"umask", kFuse, kRefused, kNoModes},
    {"fsname", kFuse, kRefused, "leave it out (the source is the tenant and path)"},
    {"subtype", kFuse, kRefused, "leave it out (the type is fuse.cvfs)"},
    {"auto_unmount", kFuse, kRefused, "leave it out (a view goes on when its processes die)"},

    {"force-user", kBindfs, kRefused, kOwnsAll},
    {"force-group", kBindfs, kRefused, kOwnsAll},
    {"mirror", kBindfs, kRefused, kOwnsAll},
    {"mirror-only", kBindfs, kRefused, kOwnsAll},
    {"map", kBindfs, kRefused, kMaps},
    {"map-passwd", kBindfs, kRefused, kMaps},
    {"map-group", kBindfs, kRefused, kMaps},
    {"map-passwd-rev", kBindfs, kRefused, kMaps},
    {"map-group-rev", kBindfs, kRefused, kMaps},
    {"uid-offset", kBindfs, kRefused, "uidmap=0:%:65536"},
    {"gid-offset", kBindfs, kRefused, "gidmap=0:%:65536"},
    {"create-as-user", kBindfs, kAlways, ""},
    {"create-as-mounter", kBindfs, kRefused, "owner=virtual (all is stored as the tenant's)"},
    {"create-for-user", kBindfs, kRefused, kOneOwner},
    {"create-for-group", kBindfs, kRefused, kOneGroup},
    {"create-with-perms", kBindfs, kRefused, kNoModes},
    {"perms", kBindfs, kRefused, kNoModes},
    {"chmod-normal", kBindfs, kAlways, ""},
    {"chmod-ignore", kBindfs, kRefused, kNoPolicy},
    {"chmod-deny", kBindfs, kRefused, kNoPolicy},
    {"chmod-filter", kBindfs, kRefused, kNoPolicy},
    {"chown-normal", kBindfs, kAlways, ""},
    {"chown-ignore", kBindfs, kRefused, kNoPolicy},
    {"chown-deny", kBindfs, kRefused, kNoPolicy},
    {"chgrp-normal", kBindfs, kAlways, ""},
    {"chgrp-ignore", kBindfs, kRefused, kNoPolicy},
    {"chgrp-deny", kBindfs, kRefused, kNoPolicy},
    {"xattr-rw", kBindfs, kAlways, ""},
    {"xattr-none", kBindfs, kRefused, "leave it out (xattrs are the tree's)"},
    {"xattr-ro", kBindfs, kRefused, "ro (all of it is read-only then)"},
    {"multithreaded", kBindfs, kAlways, ""},
    {"no-allow-other", kBindfs, kRefused, "a mount point below a directory of mode 0700"},
    {"enable-lock-forwarding", kBindfs, kSame, "locks=shared"},
    {"disable-lock-forwarding", kBindfs, kSame, "locks=local"},
    {"direct-io", kBindfs, kRefused, kPageCache},

    {"lowerdir", kOverlay, kRefused, kOneTree},
    {"upperdir", kOverlay, kRefused, "the directory as the source: NAME:/PATH"},
    {"workdir", kOverlay, kRefused, kOneTree},
    {"uidmapping", kOverlay, kRefused, "uidmap=% (how containers' ids appear on the host)"},
    {"gidmapping", kOverlay, kRefused, "gidmap=% (how containers' ids appear on the host)"},
    {"squash_to_uid", kOverlay, kRefused, kOwnsAll},
    {"squash_to_gid", kOverlay, kRefused, kOwnsAll},
    {"squash_to_root", kOverlay, kRefused, kOwnsAll},
    {"xattr_permissions", kOverlay, kRefused, "owner=virtual (owners and modes in an xattr)"},
    {"timeout", kOverlay, kRefused, "cache=ttl:%"},
    {"threaded", kOverlay, kRefused, "threads=2"},

    {"cache.attr", kMerger, kRefused, "cache=ttl:%"},
    {"cache.entry", kMerger, kRefused, "cache=ttl:%"},
    {"cache.negative_entry", kMerger, kRefused, "cache=ttl:%"},
    {"cache.files", kMerger, kRefused, kPageCache},
    {"category.create", kMerger, kRefused, kOneTree},
    {"minfreespace", kMerger, kRefused, kOneTree},
    {"moveonenospc", kMerger, kRefused, kOneTree},

    {"dcache_timeout", kSshfs, kRefused, "cache=ttl:%"},
    {"dir_cache", kSshfs, kRefused, "cache=auto, the default"},
    {"idmap", kSshfs, kRefused, kMaps},
    {"uidfile", kSshfs, kRefused, kMaps},
    {"gidfile", kSshfs, kRefused, kMaps},
});

}  // namespace

std::span<const ForeignOption> foreign_options() {
  return kForeignOptions;
}

const ForeignOption* find_foreign_option(std::string_view name) {
  const auto* found = std::ranges::find(kForeignOptions, name, &ForeignOption::name);
  return found == kForeignOptions.end() ? nullptr : found;
}

std::string here(const ForeignOption& option, std::string_view value) {
  std::string text(option.here);
  const auto at = text.find('%');
  if (at != std::string::npos) text.replace(at, 1, value.empty() ? "VALUE" : value);
  return text;
}

}  // namespace cvfs
