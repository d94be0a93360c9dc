#!/bin/bash
# A worker that faults: its log says of what, over which request and where, and a core dump lands
# where the machine's core_pattern puts it.
# shellcheck disable=SC2034  # crash_env.sh reads it
wants_cores=1
# shellcheck source-path=SCRIPTDIR source=../support/crash_env.sh
source "$(dirname "$0")/../support/crash_env.sh"

readonly wish=$T/wish

said() { grep -qE "$1" "$T/log"; } # REGEX
is_served() { findmnt -rn -t fuse.cvfs -M "$T/view" && worker; }

# Prints its size, and fails if it is none or holds the whole state memory.
core_of() { # FILE
  python3 -c '
import os, struct, sys
size = os.stat(sys.argv[1]).st_size
with open(sys.argv[1], "rb") as core:
    head = core.read(18)
assert head[:4] == b"\x7fELF" and struct.unpack("=H", head[16:18])[0] == 4, "no core dump"
assert size < 256 << 20, f"{size} bytes"
print(size)' "$1"
}

: >"$wish"
use_cvfsd cvfsd-crashtest "$wish"

echo "# the log"
# It works in the machine's root directory: no cores there.
(ulimit -c 0 && mount_crash_view owner=map) || fail "it mounts"
echo poison:1:9 >"$wish" # FUSE_MKDIR
kill_worker || fail "a worker serves"
expect_fail 1 'Input/output error' mkdir "$T/view/load/poison"
check "signal, address and request are reported" eventually 5 said \
  'worker [0-9]+ died of SIGSEGV at 0x40 \(code 1\) in MKDIR of node [0-9]+ \(request [0-9]+\)'
check "with a stack that names the operation" eventually 5 said '#[0-9]+ cvfs::op_mkdir\('
equal "once each death" 3 "$(grep -c 'died of SIGSEGV' "$T/log")"
check "as a death like any other" said 'worker [0-9]+ of .* died \(Segmentation fault\)'
grep -E -A 7 -m 1 'died of SIGSEGV' "$T/log" | sed 's/^/      /' | cut -c1-180
kill_worker || fail "a worker serves"
equal "a SIGKILL is no fault of its own" 3 "$(grep -c 'died of SIG' "$T/log")"
unmount_view "$T/view"

echo "# an earlier fault is not a later request's"
understood() { (($(grep -c 'understands the state' "$T/log") >= $1)); } # COUNT
: >"$wish"
mount_crash_view hang=0
echo stuck:1:9 >"$wish"
kill -SEGV "$(worker)"
check "the worker faults, with nothing at hand" eventually 5 said 'SIGSEGV .* with no request at hand'
eventually 5 standby
sleep 0.5
mkdir "$T/view/load/slow" &
maker=$!
sleep 0.3
for upgrade in 1 2 3; do
  kill -HUP "$(supervisor)"
  eventually 8 understood "$upgrade" || fail "upgrade $upgrade takes the worker away"
  sleep 1 # it is killed after 0.3 s, and the next one meets the request again
done
: >"$wish"
kill -KILL "$(worker)"
code=0
wait "$maker" || code=$?
equal "a MKDIR that is slow over three upgrades is made" 0 "$code"
unmount_view "$T/view"

echo "# a fault while a worker ends for an upgrade is not a later worker's"
faults() { grep -c 'died of SIGSEGV' "$T/log"; }
more_faults_than() { (($(faults) > $1)); } # COUNT
mount_crash_view hang=0
echo stuck:1:9 >"$wish"
kill_worker || fail "a worker serves"
eventually 5 standby
mkdir "$T/view/load/other" &
maker=$!
sleep 0.3
before=$(faults)
upgrades=$(grep -c 'the worker ends' "$T/log")
draining=$(worker)
kill -HUP "$(supervisor)"
until (($(grep -c 'the worker ends' "$T/log") > upgrades)); do :; done
: >"$wish"
kill -SEGV "$draining"
check "it is reported" eventually 5 more_faults_than "$before"
ended_well "the request is carried out" "$maker"
reported=$(faults)
eventually 5 standby
kill_worker || fail "a worker serves"
equal "and not again when the next one is killed" "$reported" "$(faults)"
unmount_view "$T/view"

echo "# the core"
pattern=$(cat /proc/sys/kernel/core_pattern)
if [[ $pattern == */* || $pattern == '|'* ]]; then
  echo "      core_pattern is '$pattern': not looked at"
  exit
fi
if [[ $(ulimit -Hc) == 0 ]]; then
  echo "      no core dumps allowed here: not looked at"
  exit
fi
ulimit -Sc 0 # what most services start with
echo fault:1:9 >"$wish"
mkdir "$T/cores"
# In the foreground it stays in the directory in which it was started.
(cd "$T/cores" && exec "$T/daemon/cvfsd" toto "$T/view" -o "containerdata=$T/containerdata,userns=@dockremap") 2>"$T/foreground.log" &
eventually 5 is_served || fail "it mounts" "$(cat "$T/foreground.log")"
# With the tenant's ids, which forbids a dump until somebody allows it again.
check "a file is made" touch "$T/view/load/before"
check "a directory, too, by the next worker" mkdir "$T/view/load/dir"
core=$(find "$T/cores" -type f)
check "there is one" test -n "$core"
check "of a sensible size" core_of "$core"
echo "      $(core_of "$core") bytes"
unmount_view "$T/view"
