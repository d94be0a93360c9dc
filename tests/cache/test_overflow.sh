#!/bin/bash
# More changes than the kernel keeps for us, and changes while nobody serves: nothing is lost.
. "${CVFS_SOURCE:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/support/view_env.sh"
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
