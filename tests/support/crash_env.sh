# shellcheck shell=bash
# crash_env.sh: a private machine (view_env.sh) with a view whose worker dies. `source` it at the top
# of a test.
#
#   use_cvfsd PROGRAM [FILE]      mounts from now on run that program (cvfsd-crashtest), its crash
#                                 points set by what FILE says
#   mount_crash_view [OPTIONS]    toto's tree on $T/view, with a directory `load` for everybody
#   supervisor, worker, kill_until_ended and so on: see killer.sh
#   kill_worker                   kill -9, and waits until another one serves; fails if none does
#   lose_view                     kill -9 of all of its processes at once
#   load SECONDS PROCESSES [SEED [OPTION]]   empties it and runs crash_load there; its output is in
#                                 $T/load.out
#   check_load SENTENCE PID       waits for such a load in the background: it has met nothing unexpected
#   ended_well SENTENCE PID       a process in the background ends with 0
#   hold_lease FILE...            on the backing: who opens one to write waits, up to 45 s, or until end_lease
#   deaths, resent, pauses        of the view that was mounted last, by cvfsd's log
#   summary                       one line of these
#   median_pause, longest_pause   in ms, or "-"
#   forget_everything             empties `load` and makes the kernel forget what it knows of the view
#   backing_inodes                how many are in use on the backing filesystem; 0 where it does not count.
#                                 A backing id or a descriptor that is left keeps a deleted file's
#   deleted_descriptors           those of the view's processes whose file is deleted
#   inodes_at_end                 that cvfsd still knew when the view was unmounted

# shellcheck source-path=SCRIPTDIR source=view_env.sh
source "$(dirname "${BASH_SOURCE[0]}")/view_env.sh"
# shellcheck source-path=SCRIPTDIR source=killer.sh
source "$(dirname "${BASH_SOURCE[0]}")/killer.sh"

log_start=1

# Workers that fault on purpose leave no cores in the machine's root directory, where cvfsd works. A
# test that wants one says wants_cores=1 first, and sees to where they go.
[[ -n ${wants_cores:-} ]] || ulimit -c 0

use_cvfsd() { # PROGRAM [FILE]
  [[ -x $CVFS_BIN/$1 ]] || fail "there is a $1" "$CVFS_BIN"
  mkdir -p "$T/daemon"
  # A copy: mount.cvfs starts the cvfsd beside itself, and the process is to have that name.
  cp --remove-destination "$CVFS_BIN/mount.cvfs" "$T/daemon/mount.cvfs"
  cp --remove-destination "$CVFS_BIN/$1" "$T/daemon/cvfsd"
  ln -sf "$T/daemon/mount.cvfs" "$T/daemon/cvfsd" /sbin/
  if [[ -n ${2:-} ]]; then export CVFS_CRASH_FILE=$2; else unset CVFS_CRASH_FILE; fi
}

mount_crash_view() { # [OPTIONS]
  log_start=$(($(wc -l <"$T/log") + 1))
  mount_view toto "$T/view" "userns=@dockremap${1:+,$1}" || return
  mkdir -p "$T/view/load"
  chmod 0777 "$T/view" "$T/view/load"
}

# How often a worker came to serve again.
restarts() { tail -n +"$log_start" "$T/log" | grep -c 'serving again'; }
deaths() { tail -n +"$log_start" "$T/log" | grep -c 'worker [0-9]* of .* died'; }
resent() {
  tail -n +"$log_start" "$T/log" | grep -oE '[0-9]+ requests sent again' | tail -n 1 | grep -oE '^[0-9]+' || echo 0
}
pauses() { tail -n +"$log_start" "$T/log" | grep -oE 'serving again after [0-9.]+' | grep -oE '[0-9.]+$' | sort -n; }

median_pause() { pauses | awk '{ all[NR] = $1 } END { print NR ? all[int(NR / 2) + 1] : "-" }'; }
longest_pause() { pauses | awk 'END { print NR ? $1 : "-" }'; }

summary() {
  printf '%s deaths, %s requests sent again, pauses: median %s ms, longest %s ms\n' "$(deaths)" "$(resent)" \
    "$(median_pause)" "$(longest_pause)"
}

forget_everything() {
  rm -rf "$T"/view/load/*
  sync -f "$T/view"
  echo 2 >/proc/sys/vm/drop_caches
}

backing_inodes() { df --output=iused "$T/containerdata" | tail -n 1 | tr -d ' -'; }
deleted_descriptors() { find "/proc/$(supervisor)/fd" -mindepth 1 -printf '%l\n' | grep -c 'containerdata.*(deleted)'; }
inodes_at_end() { grep -oE 'is unmounted \([0-9]+ inodes' "$T/log" | tail -n 1 | grep -oE '[0-9]+'; }

# None may replace another before its own turn comes.
lose_view() {
  find_processes 'cvfsd(-.*)?'
  kill -STOP "${found[@]}"
  find_processes 'cvfsd(-.*)?'
  kill -KILL "${found[@]}"
  eventually 5 no_daemon
}

has_restarted_since() { (($(restarts) > $1)); } # COUNT

kill_worker() {
  local before
  before=$(restarts)
  kill -KILL "$(worker)" && eventually 5 has_restarted_since "$before"
}

load() { # SECONDS PROCESSES [SEED [OPTION]]
  rm -rf "$T"/view/load/*
  "$CVFS_BIN/test-programs/crash_load" ${4:+"$4"} "$T/view/load" "$T/containerdata/user-toto/load" "$1" "$2" \
    "${3:-$RANDOM}" >"$T/load.out" 2>&1
}

check_load() { # SENTENCE PID
  local code=0
  wait "$2" || code=$?
  if ((code == 0)); then ok "$1"; else fail "$1" "exit code $code" "$(unexpected)" "$(tail -n 5 "$T/load.out")"; fi
}

ended_well() { # SENTENCE PID
  local code=0
  wait "$2" || code=$?
  equal "$1" 0 "$code"
}

hold_lease() { # FILE...
  : >"$T/leased"
  python3 -c '
import fcntl, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
for path in sys.argv[1:]:
    fcntl.fcntl(os.open(path, os.O_RDWR), fcntl.F_SETLEASE, fcntl.F_WRLCK)
print(flush=True)
signal.pause()' "$@" >"$T/leased" &
  lease_holder=$!
  eventually 5 test -s "$T/leased"
}
end_lease() {
  kill "$lease_holder"
  wait "$lease_holder" 2>/dev/null
}

unexpected() { grep UNEXPECTED "$T/load.out" | head -n 20; }
