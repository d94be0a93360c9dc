#!/bin/bash
# Faults that are real: a backing filesystem without blocks or inodes left. The errors are those of
# ext4, and what failed has left nothing on disk, no name and no file without its label.
# shellcheck source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

view=$T/view

mount_small() { # MKFS-OPTIONS...
  mkdir -p "$T/small"
  truncate -s 4M "$T/small-image"
  mkfs.ext4 -q -F -m 0 -O ^has_journal "$@" "$T/small-image"
  mount -o loop "$T/small-image" "$T/small"
  chmod 0711 "$T/small"
  install -d -m 0700 -o 1500 -g 1500 "$T/small/user-toto"
}
unmount_small() {
  umount "$T/small"
  rm "$T/small-image"
}

# Until one fails; says how many succeeded, and with which error it ended.
readonly fill='
import errno, os, sys
what, count = sys.argv[1], 0
try:
    while True:
        name = f"{what}-{count}"
        if what == "file":
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        elif what == "dir":
            os.mkdir(name)
        elif what == "fifo":
            os.mkfifo(name)
        elif what == "link":
            os.symlink("x" * 1000, name)
        elif what == "data":
            f = os.open("data", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
            if os.write(f, b"d" * 4096) < 4096:
                raise OSError(errno.ENOSPC, "")
            os.close(f)
        elif what == "allocate":
            f = os.open("data", os.O_CREAT | os.O_WRONLY)
            os.posix_fallocate(f, 0, (count + 1) * 100000)
            os.close(f)
        count += 1
except OSError as error:
    print(count, errno.errorcode[error.errno])
'

unlabelled() { # DIRECTORY
  find "$1" -mindepth 1 | while read -r file; do
    getfattr -h --absolute-names -m 'override_stat' "$file" 2>/dev/null | grep -q override_stat || echo "$file"
  done
}

fills() { # OWNER WHAT
  local tree=$T/small/user-toto said
  mount_view toto "$view" "containerdata=$T/small,userns=host,owner=$1"
  chmod 0711 "$view"
  mkdir -m 0777 "$view/own"
  chmod 0777 "$view/own"
  said=$(cd "$view/own" && as_uid 1000 1000 python3 -c "$fill" "$2" 2>&1)
  equal "owner=$1: $2 ends with ENOSPC" ENOSPC "${said#* }"
  if [[ $2 != data && $2 != allocate ]]; then
    equal "owner=$1: as many are there as were made" "${said% *}" "$(find "$tree/own" -mindepth 1 | wc -l)"
  fi
  [[ $1 != virtual ]] || equal "owner=virtual: all have their label" '' "$(unlabelled "$tree/own")"
  find "$view/own" -mindepth 1 -delete
  check "owner=$1: there is room again then" as_uid 1000 1000 touch "$view/own/again"
  rm -rf "$view/own"
  unmount_view
  check "owner=$1: nothing is left" test -z "$(find "$tree" -mindepth 1)"
}

for owner in map virtual; do
  mount_small -N 64
  for what in file dir fifo link; do fills "$owner" "$what"; done
  unmount_small
  mount_small -N 4096
  for what in dir link data allocate; do fills "$owner" "$what"; done
  unmount_small
done
