#!/bin/bash
# Who still has what lost its last name, without a handle of ours (a working directory, a FIFO, an
# O_PATH descriptor), has it after a worker's death; and when they let go, so does the view.
# shellcheck source-path=SCRIPTDIR source=../support/crash_env.sh
source "$(dirname "$0")/../support/crash_env.sh"

use_cvfsd cvfsd
mount_crash_view ''
cat >"$T/holder.py" <<'PYTHON'
import os, sys

os.chdir(sys.argv[1])
os.mkdir("removed")
os.mkdir("replaced"), os.mkdir("directory")
os.mkfifo("fifo")
for name in ("file", "over", "new", "moved", "linked", "kept"):
    open(name, "w").close()
os.link("linked", "link")
had = {name: os.open(name, os.O_PATH) for name in ("removed", "replaced", "file", "over", "linked", "kept")}
had["fifo"] = os.open("fifo", os.O_RDWR)
os.rmdir("removed")
os.rename("directory", "replaced")
os.unlink("fifo")
os.unlink("file")
os.rename("new", "over")
os.unlink("linked")
try:
    os.rmdir("../load")
except OSError:
    pass
os.fchdir(had["removed"])


def look():
    for name, descriptor in had.items():
        try:
            links = os.stat(f"/proc/self/fd/{descriptor}").st_nlink
        except OSError as error:
            links = os.strerror(error.errno)
        print(f"{name}:{links}", end=" ")
    print(os.stat(".").st_nlink, flush=True)


look()
for line in sys.stdin:
    look()
PYTHON
mkfifo "$T/go"
python3 "$T/holder.py" "$T/view/load" <"$T/go" >"$T/seen" &
holder=$!
exec {go}>"$T/go"
has_lines() { (($(wc -l <"$T/seen") == $1)); }
eventually 5 has_lines 1
readonly wanted="removed:0 replaced:0 file:0 over:0 linked:1 kept:1 fifo:0 0"
equal "before" "$wanted" "$(head -n 1 "$T/seen" | tr -s ' ')"
sleep 1.2 # what the kernel knows is old
for death in 1 2; do
  kill_worker || fail "a worker serves"
  echo >&"$go"
  eventually 5 has_lines $((death + 1))
  equal "after death $death" "$wanted" "$(tail -n 1 "$T/seen")"
done
check "descriptors are kept for them" test "$(deleted_descriptors)" -ge 4
exec {go}>&-
wait "$holder"
none_is_kept() { (($(deleted_descriptors) == 0)); }
check "and closed with their last user" eventually 5 none_is_kept
unmount_view "$T/view"

echo "# more of them than there are descriptors leave enough for others"
(ulimit -n 1024 && mount_crash_view '') || fail "it mounts"
python3 - "$T/view/load" <<'PYTHON' || fail "nothing fails while they are held"
import os, sys

os.chdir(sys.argv[1])
removed = []
for number in range(700):
    open("removed", "w").close()
    removed.append(os.open("removed", os.O_PATH))
    os.unlink("removed")
opened = [os.open(f"file{number}", os.O_CREAT | os.O_RDWR) for number in range(300)]
os.mkdir("directory")
os.rename("file7", "directory/file7")
assert "directory" in os.listdir(".")
os.unlink("file8")
PYTHON
kill_worker || fail "another worker takes over"
check "and after a worker's death" rm -r "$T/view/load/directory"
unmount_view "$T/view"
