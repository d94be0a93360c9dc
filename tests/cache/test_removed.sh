#!/bin/bash
# A directory that the host removes and makes again, while the view still believes in the old one: what
# a path leads to now is worked in. What happens in a working directory that is gone is ENOENT.
. "${CVFS_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/view_env.sh"
# shellcheck source-path=SCRIPTDIR source=../support/cache_env.sh
. "$CVFS_SOURCE/tests/support/cache_env.sh"
tree=$T/containerdata/user-toto/data
view=$T/view
set +e

mount_view toto:/data "$view" "$as_root,cache=ttl:600"
works_in_a_new_directory() {
  python3 - "$tree" "$view" <<'PYTHON'
import errno, os, sys
tree, view = sys.argv[1:]

def open_tmpfile(d):
    os.close(os.open(d, os.O_TMPFILE | os.O_RDWR))

works = {
    "create": lambda d: open(d + "/new", "x").close(),
    "tmpfile": open_tmpfile,
    "mkdir": lambda d: os.mkdir(d + "/new"),
    "mkfifo": lambda d: os.mkfifo(d + "/new"),
    "symlink": lambda d: os.symlink("there", d + "/new"),
    "link": lambda d: os.link(d + "/../source", d + "/new"),
    "rename into": lambda d: os.rename(d + "/../moved", d + "/new"),
    "rename out of": lambda d: os.rename(d + "/f", d + "/../out"),
    "unlink": lambda d: os.unlink(d + "/f"),
    "rmdir": lambda d: os.rmdir(d + "/e"),
}
wrong = 0
for number, (name, work) in enumerate(works.items()):
    d = f"/d{number}/d"  # the view has not seen it
    make = f"mkdir -p {tree}{d}/e; touch {tree}{d}/f {tree}{d}/../source {tree}{d}/../moved"
    os.system(make)
    os.stat(view + d + "/e"), os.stat(view + d + "/f"), os.stat(view + d + "/../moved")
    os.system(f"rm -r {tree}{d}; {make}")
    try:
        work(view + d)
    except OSError as error:
        print(name, error)
        wrong += 1
    # Where a process is, nothing is made any more.
    os.chdir(view + d)
    os.system(f"rm -r {tree}{d}")
    for times in range(3):
        try:
            work(".")
            print(name, "in a directory that is gone: succeeds")
            wrong += 1
        except OSError as error:
            # ext4's word for O_TMPFILE.
            if error.errno not in (errno.ENOENT, errno.EPERM if name == "tmpfile" else 0):
                print(name, "in a directory that is gone:", error)
                wrong += 1
    os.chdir("/")
sys.exit(wrong != 0)
PYTHON
}
check "whatever is done by a path or where a process is" works_in_a_new_directory

unmount_view
