#!/bin/bash
# When access times move is what the view was mounted with: noatime, nodiratime, relatime, strictatime.
. "${CVFS_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/view_env.sh"
set +e

tree=$T/containerdata/user-toto
view=$T/view

# Prints for a file and a directory whether reading them moved their access time: where it lay before
# the last change, and after it ("old", "new").
moved() {
  python3 - "$tree" "$view" <<'PYTHON'
import os, sys, tempfile, time
tree, view = sys.argv[1:]
top = tempfile.mkdtemp(dir=view)
now = time.time_ns()
seconds = 1_000_000_000
found = []
for kind in "file", "directory", "created":
    for age in "old", "new":
        name = f"{top}/{kind}-{age}"
        if kind == "directory":
            os.mkdir(name)
            open(name + "/entry", "w").close()
            fd = None
        else:
            fd = os.open(name, os.O_CREAT | os.O_RDWR)
            os.write(fd, b"text")
        if kind == "file":
            os.close(fd)
        modified = now - 2000 * seconds
        # Later than the change of the times themselves, which is now.
        accessed = now + (1000 if age == "new" else -3000) * seconds
        os.utime(name, ns=(accessed, modified))
        if kind == "created":
            os.pread(fd, 4, 0)
            os.close(fd)
        elif kind == "file":
            with open(name, "rb") as file:
                file.read()
        else:
            os.listdir(name)
        on_disk = os.stat(name.replace(view, tree)).st_atime_ns
        assert os.stat(name).st_atime_ns == on_disk, f"{name} is shown with another one"
        if on_disk != accessed:
            found.append(f"{kind}-{age}")
print(*found)
PYTHON
}

for passthrough in auto off; do
  for owner in map virtual; do
    rules="passthrough=$passthrough,owner=$owner,userns=host"
    while read -r option wanted; do
      mount_view toto "$view" "$rules,$option"
      equal "$rules,$option" "$wanted" "$(moved)"
      unmount_view
    done <<'TABLE'
relatime file-old directory-old created-old
noatime
strictatime file-old file-new directory-old directory-new created-old created-new
TABLE
  done
done
mount_view toto "$view" userns=host,nodiratime
equal "nodiratime" "file-old created-old" "$(moved)"
kill -KILL "$("$CVFS_BIN/cvfs" status --json "$view" | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["processes"]["worker"])')"
equal "the next worker's, too" "file-old created-old" "$(moved)"
says_so() { grep -q "access times" "$T/log"; }
unmount_view
chmod 0777 "$tree"
mount_view toto "$view" userns=host,owner=caller,noatime
equal "nobody needs more rights for it" "text" "$(setpriv --reuid 1234 --regid 1234 --clear-groups sh -c "echo text >$view/f; echo text >>$view/g; cat $view/g" 2>&1)"
check "the log has nothing against it" eval "! says_so"
unmount_view
