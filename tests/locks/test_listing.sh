#!/bin/bash
# `cvfs locks` tells who holds and who waits; and what locks=local and locks=off do.
# shellcheck source-path=SCRIPTDIR source=../support/lock_env.sh
source "$(dirname "$0")/../support/lock_env.sh"

cvfs() { "$CVFS_BIN/cvfs" "$@"; }

# `KIND TYPE FIRST LAST STATE BY COMMAND IS-THE-PID` of each, sorted.
listed() {
  cvfs locks --json "$T/view" | python3 -c '
import json, sys
for lock in json.load(sys.stdin)[0]["locks"]:
    print(*(lock[name] for name in ("kind", "type", "first", "last", "state", "by", "command")), lock["pid"])' | sort
}

agent() { # FILE COMMAND...: a process that has it and stays; what it answers is in $T/agent
  : >"$T/agent"
  python3 "$CVFS_SOURCE/tests/support/lock_agent.py" "$1" < <(printf '%s\n' "${@:2}" && sleep 60) >"$T/agent" &
  last=$!
}

nobody_waits() { ! cvfs locks | grep -q waits; }
nobody_holds() { [[ $(cvfs locks) == "no locks" ]]; }
is_listed() { listed | grep -qx "$1"; }

mount_lock_views ''
check_fails() { # SENTENCE COMMAND...
  if "${@:2}"; then fail "$1"; else ok "$1"; fi
}

: >"$VIEW/f"
: >"$VIEW/elsewhere"
chmod 0666 "$VIEW/f" "$VIEW/elsewhere"
equal "no locks at first" "no locks" "$(cvfs locks "$T/view")"
agent "$VIEW/f" "posix write try 10 5" "flock read try"
holder=$last
check "what is held" eventually 5 is_listed "fcntl write 10 14 held view python3 $holder"
check "a flock" eventually 5 is_listed "flock read 0 None held view python3 $holder"
agent "$VIEW/f" "posix read wait 12 1"
waiter=$last
agent "$HOST/f" "posix write try 100 1"
host=$last
check "who waits" eventually 5 is_listed "fcntl read 12 12 waits view python3 $waiter"
check "what the host holds on the same file" eventually 5 is_listed "fcntl write 100 100 held host python3 $host"
agent "$HOST/elsewhere" "posix write try 5 1" "flock read try"
other=$last
check "what it holds on a file that nobody locks on the view" eventually 5 is_listed "fcntl write 5 5 held host python3 $other"
check "its flock, too" eventually 5 is_listed "flock read 0 None held host python3 $other"
: >"$T/containerdata/user-titi/f"
agent "$T/containerdata/user-titi/f" "posix write try 7 1"
stranger=$last
eventually 5 grep -q ok "$T/agent"
check_fails "but not on another tenant's" is_listed "fcntl write 7 7 held host python3 $stranger"
kill "$other" "$stranger"
check "the same after the worker's death" kill_worker
check "who holds" eventually 5 is_listed "fcntl write 10 14 held view python3 $holder"
check "who waits" eventually 5 is_listed "fcntl read 12 12 waits view python3 $waiter"
cvfs locks "$T/view" | sed 's/^/      /'
kill "$waiter"
check "nobody waits any more" eventually 5 nobody_waits
kill "$holder" "$host"
check "and nobody holds" eventually 5 nobody_holds
umount "$T/other"
unmount_view "$T/view"

try() { # FILE COMMAND...
  printf '%s\n' "${@:2}" | python3 "$CVFS_SOURCE/tests/support/lock_agent.py" "$1" | tail -n +2 | paste -sd' '
}

mount_lock_views locks=off
equal "locks=off: none are to be had" "ENOLCK ENOLCK ENOLCK ENOLCK" \
  "$(try "$VIEW/f" "posix read try" "ofd write try" "flock write try" get)"
umount "$T/other"
unmount_view "$T/view"

mount_lock_views locks=local
agent "$VIEW/f" "flock write try"
eventually 5 grep -q ok "$T/agent"
equal "locks=local: exclusive within the view" EAGAIN "$(try "$VIEW/f" "flock write try")"
equal "and not beyond" "ok" "$(try "$OTHER/f" "flock write try")"
kill "$last"
