#!/bin/bash
# System calls that programs count on, on a view as on plain ext4, which runs the same program first;
# what the host changes; and that many files cost the view no unbounded number of descriptors.
# shellcheck source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

tree=$T/containerdata/user-toto
view=$T/view

# A line for each sentence of the program.
syscalls_on() { # NAME UID DIRECTORY
  local verdict rest code=0 output
  output=$(setpriv --reuid "$2" --regid "$2" --clear-groups syscalls "$3" 2>&1) || code=$?
  while read -r verdict rest; do
    case $verdict in
      ok) ok "$1: ${rest//_/ }" ;;
      FAIL) fail "$1: ${rest//_/ }" ;;
      *) fail "$1: the program ran" "$verdict $rest" ;;
    esac
  done <<<"$output"
  ((code <= 1)) || fail "$1: the program ended by itself" "exit code $code" "$output"
}

echo "# plain ext4: the oracle"
install -d -o 101000 -g 101000 "$T/containerdata/plain"
syscalls_on ext4 101000 "$T/containerdata/plain"
rm -rf "$T/containerdata/plain"

echo "# a view, with passthrough and without, and with ownership in xattrs"
for options in passthrough=auto passthrough=off owner=virtual; do
  mount_view toto "$view" "userns=@dockremap,$options"
  install -d -m 0755 -o 101000 -g 101000 "$view/own"
  chmod 0711 "$view"
  syscalls_on "$options" 101000 "$view/own"
  find "$view/own" -delete
  check "$options: all can be removed" test ! -e "$tree/own"
  unmount_view
done

echo "# what the host changes is seen"
mount_view toto "$view" userns=@dockremap,cache=ttl:1
install -d -m 0777 "$view/host"
chown 101000:101000 "$view/host"
contents_are() { [[ $(cat "$1" 2>&1) == "$2" ]]; }
echo one >"$tree/host/f"
equal "a file that the host makes is read" one "$(in_container 0 cat "$view/host/f")"
echo two >"$tree/host/new"
mv "$tree/host/new" "$tree/host/f"
check "a file that the host replaces is seen within the ttl" eventually 1 contents_are "$view/host/f" two
echo longer than before >"$tree/host/f"
check "a file that the host writes is seen within the ttl" eventually 1 contents_are "$view/host/f" 'longer than before'
rm "$tree/host/f"
check "a file that the host removes is gone within the ttl" eventually 1 test ! -e "$view/host/f"
equal "the name is free for a container" ok "$(in_container 1000 attempt excl "$view/host/f")"

# The negative entry is in the view's cache when the host makes the file.
test ! -e "$view/host/secret"
install -m 0600 -o 200001 -g 200001 /dev/null "$tree/host/secret"
equal "create without O_EXCL of a file of another uid that the host made meanwhile is EACCES" EACCES \
  "$(in_container 1000:1000 attempt createwrite "$view/host/secret" stolen)"
equal "nothing was written to it" '0 600 200001' "$(stat -c '%s %a %u' "$tree/host/secret")"
test ! -e "$view/host/mine"
install -m 0600 -o 200999 -g 200999 /dev/null "$tree/host/mine"
equal "create of a file of the same uid that the host made meanwhile opens it" ok \
  "$(in_container 1000:1000 attempt createwrite "$view/host/mine" text)"
equal "it was written" 'text' "$(cat "$tree/host/mine")"
test ! -e "$view/host/exclusive"
install -o 200999 -g 200999 /dev/null "$tree/host/exclusive"
equal "with O_EXCL it is EEXIST" EEXIST "$(in_container 1000:1000 attempt excl "$view/host/exclusive")"
test ! -e "$view/host/dir"
install -d -m 0700 -o 200001 -g 200001 "$tree/host/dir"
equal "create where the host made a directory is EISDIR" EISDIR \
  "$(in_container 1000:1000 attempt create "$view/host/dir")"
unmount_view

echo "# descriptors"
mount_view toto "$view" userns=@dockremap
daemon=$(daemons)
descriptors() { find "/proc/$daemon/fd" -mindepth 1 | wc -l; }
at_start=$(descriptors)
at_most() { (($(descriptors) <= $1)); }
python3 -c '
import os, sys
for d in range(100):
    os.makedirs(f"{sys.argv[1]}/many/{d}")
    for f in range(300):
        with open(f"{sys.argv[1]}/many/{d}/{f}", "w") as file:
            file.write(f"{d}/{f}\n")
' "$tree"
chown -R 1500:1500 "$tree/many"
every_file_is_right() {
  python3 -c '
import os, sys
count = 0
for path, _, files in os.walk(sys.argv[1] + "/many"):
    for name in files:
        with open(os.path.join(path, name)) as file:
            assert file.read() == f"{os.path.basename(path)}/{name}\n", (path, name)
        count += 1
assert count == 30000, count
' "$view"
}
check "30,000 files, more than there are descriptors, are read right" every_file_is_right
check "the daemon holds less than 10,000 descriptors then" at_most 9999
check "a second walk reads them right, too" every_file_is_right
check "the daemon holds less than 10,000 descriptors still" at_most 9999
check "all can be removed through the view" rm -rf "$view/many"
check "nothing is left of them on disk" test ! -e "$tree/many"
check "after that the daemon holds a few descriptors only" eventually 5 at_most $((at_start + 20))
