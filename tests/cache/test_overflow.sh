#!/bin/bash
# More changes than the kernel keeps for us, and changes while nobody serves: nothing is lost.
. "${CVFS_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/view_env.sh"
# shellcheck source-path=SCRIPTDIR source=../support/cache_env.sh
. "$CVFS_SOURCE/tests/support/cache_env.sh"
use_test_programs
tree=$T/containerdata/user-toto/data
view=$T/view
names=200
set +e

size_is() { [[ $(stat -c %s "$1" 2>&1) == "$2" ]]; }

# Everything of the view's is in the kernel's caches: names, attributes, what is missing, listings.
prepare() {
  rm -rf "$tree/known" "$tree/flood"
  mkdir "$tree/known" "$tree/flood"
  local i
  for ((i = 0; i < names; i++)); do echo old >"$tree/known/f$i"; done
  eventually 2 test -e "$view/known/f$((names - 1))"
  stat "$view"/known/f{0..199} "$view"/known/missing{0..199} >/dev/null 2>&1
  ls -l "$view/known" >/dev/null
}
change() {
  local i
  for ((i = 0; i < names; i += 2)); do echo "newer" >"$tree/known/f$i"; done
  for ((i = 1; i < names; i += 4)); do rm -f "$tree/known/f$i"; done
  for ((i = 3; i < names; i += 4)); do echo "replaced" >"$tree/fresh" && mv "$tree/fresh" "$tree/known/f$i"; done
  for ((i = 0; i < names; i += 2)); do echo "found" >"$tree/known/missing$i"; done
}
differences() {
  diff <(cd "$tree/known" && stat -c '%n %s' -- *) <(cd "$view/known" && stat -c '%n %s' -- *)
  local i
  for ((i = 0; i < names; i++)); do
    [[ -e $tree/known/f$i ]] || [[ ! -e $view/known/f$i ]] || echo "f$i is still there"
    [[ ! -e $tree/known/missing$i ]] || [[ -e $view/known/missing$i ]] || echo "missing$i is still missing"
  done
}
is_the_same() { [[ -z $(differences) ]]; }
# Each a name of its own: nothing that could be merged.
flood() {
  python3 -c '
import os, sys
for i in range(20000):
    os.close(os.open(f"{sys.argv[1]}/{i}", os.O_CREAT | os.O_WRONLY))
' "$tree/flood"
}

mount_view toto:/data "$view" "$as_root"

echo "# the worker is stopped while more happens than is kept"
prepare
worker=$(field_of processes.worker)
kill -STOP "$worker"
change
flood
change
kill -CONT "$worker"
check "everything is seen" eventually 2 is_the_same
equal "it is said that there was more" True "$(field_of watch.overflows | python3 -c 'print(int(input()) > 0)')"
check "the log says so" grep -q 'more changes by others than the kernel keeps' "$T/log"
check "changes are seen as before" eventually 1 sh -c "echo again >'$tree/known/f0'; sleep 0.1; test \$(stat -c %s '$view/known/f0') = 6"

echo "# the worker dies before it has seen that"
prepare
worker=$(field_of processes.worker)
kill -STOP "$worker"
change
flood
change
kill -KILL "$worker"
check "everything is seen" eventually 2 is_the_same

echo "# the worker is dead while little happens"
prepare
worker=$(field_of processes.worker)
kill -STOP "$worker"
change
kill -KILL "$worker"
check "its successor tells" eventually 2 is_the_same

# What is in use the kernel cannot be made to forget without its name, and nobody says which that was.
echo "# names of what is in use"
# Of directories the kernel knows names that are missing, a process works there; files are open.
kinds=(removed renamed moved replaced)
prepare_in_use() {
  rm -rf "$tree/known" "$tree/flood" "$tree/elsewhere"
  mkdir -p "$tree/elsewhere" "$tree/flood"
  local kind
  for kind in "${kinds[@]}"; do mkdir -p "$tree/known/$kind/below" "$tree/known/cwd-$kind"; done
  eventually 2 test -d "$view/known/cwd-replaced"
  for kind in "${kinds[@]}"; do
    stat "$view/known/$kind/missing" "$view/known/$kind/below/missing" >/dev/null 2>&1
    (cd "$view/known/cwd-$kind" && exec sleep 60) &
    users+=($!)
    : >"$tree/known/open-$kind"
    eventually 2 test -e "$view/known/open-$kind"
    (exec 3<"$view/known/open-$kind" && exec sleep 60) &
    users+=($!)
  done
  sleep 0.2
}
change_in_use() {
  local prefix
  for prefix in "" cwd-; do
    rm -rf "$tree/known/${prefix}removed"
    mv "$tree/known/${prefix}renamed" "$tree/known/${prefix}new-name"
    mv "$tree/known/${prefix}moved" "$tree/elsewhere/${prefix}moved"
    mv "$tree/known/${prefix}replaced" "$tree/known/${prefix}other"
    mkdir "$tree/known/${prefix}replaced" && : >"$tree/known/${prefix}replaced/fresh"
  done
  : >"$tree/known/new-name/missing"
  rm "$tree/known/open-removed"
  mv "$tree/known/open-renamed" "$tree/known/open-new-name"
  mv "$tree/known/open-moved" "$tree/elsewhere/"
  echo longer >"$tree/known/fresh" && mv "$tree/known/fresh" "$tree/known/open-replaced"
}
# stat, open, chdir and listing; what is gone is ENOENT for all of them.
wrong_names() {
  python3 - "$tree" "$view" <<'PYTHON'
import os, sys
tree, view = sys.argv[1:]
def names(top):
    return sorted(os.path.relpath(os.path.join(where, name), top)
                  for where, directories, files in os.walk(top) for name in directories + files
                  if not os.path.relpath(where, top).startswith("flood"))
def says(call):
    try:
        call()
        return "there"
    except OSError as error:
        return error.strerror
for prefix in "", "cwd-":
    for kind in "removed", "renamed", "moved":
        path = f"{view}/known/{prefix}{kind}"
        for what in os.stat, os.listdir, lambda p: os.open(p, os.O_RDONLY), lambda p: os.stat(p + "/below"):
            said = says(lambda: what(path))
            if said != "No such file or directory": print(f"{prefix}{kind}: {said}")
    for kind in "removed", "renamed", "moved":
        for what in os.stat, lambda p: os.open(p, os.O_RDONLY):
            said = says(lambda: what(f"{view}/known/open-{kind}"))
            if said != "No such file or directory": print(f"open-{kind}: {said}")
    if open(f"{view}/known/open-replaced").read() != "longer\n": print("open-replaced: the old one")
    for new in "known/new-name", "elsewhere/moved", "known/replaced/fresh", "known/other", "known/new-name/missing":
        directory, _, rest = new.partition("/")
        path = f"{view}/{directory}/{prefix if not rest.endswith('missing') else ''}{rest}"
        said = says(lambda: os.stat(path))
        if said != "there": print(f"{path}: {said}")
# Last: a directory that is found by its new name is moved there in the kernel's cache.
if names(tree) != names(view): print("listed:", set(names(tree)) ^ set(names(view)))
PYTHON
}
no_wrong_names() { local said; said=$(wrong_names); [[ -z $said ]] || { echo "$said"; return 1; }; }
users=()
prepare_in_use
worker=$(field_of processes.worker)
kill -STOP "$worker"
flood
change_in_use
kill -CONT "$worker"
sleep 2
check "none is wrong" no_wrong_names
kill "${users[@]}"
wait "${users[@]}" 2>/dev/null || true
