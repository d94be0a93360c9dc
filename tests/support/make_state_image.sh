#!/bin/bash
# make_state_image.sh FILE.image: the state memory of a real view in use, as the cvfsd in CVFS_BIN lays
# it out: 400 inodes, 60 files and 5 directories that are open, 20 of the files without a name, a
# worker that died, and requests at hand. Once for each release and layout; then run unit_vfs, which
# says what to write into FILE.counts beside it. An image that is there is never made again.
# shellcheck source-path=SCRIPTDIR source=crash_env.sh
source "$(dirname "$0")/crash_env.sh"

open_files() {
  local number fd
  mkdir -p "$T/view/load/open" "$T/view/load/directory"{1..6}
  for number in {1..40}; do
    exec {fd}>"$T/view/load/open/$number"
    echo "$number" >&"$fd"
  done
  for number in {1..20}; do
    exec {fd}>"$T/view/load/open/gone$number"
    rm "$T/view/load/open/gone$number"
  done
  for number in {1..5}; do exec {fd}<"$T/view/load/directory$number"; done
  : >"$T/opened"
  exec sleep infinity
}

know_inodes() {
  mkdir "$T/view/load/many"
  (cd "$T/view/load/many" && seq 300 | xargs touch && ls -l >/dev/null)
}

# Until it catches at least two requests at hand.
take_image() { # FILE
  local processes process found attempt
  processes="$(supervisor) $(worker)"
  for attempt in {1..2000}; do
    sleep "0.0$((RANDOM % 100))"
    for process in $processes; do kill -STOP "$process"; done
    found=$(python3 "$CVFS_SOURCE/tests/support/state_image.py" "$(supervisor)" "$1")
    for process in $processes; do kill -CONT "$process"; done
    if ((found >= 2)); then
      ok "attempt $attempt: $found requests at hand"
      return
    fi
  done
  fail "requests are at hand"
}

[[ $# == 1 && ! -e $1 ]] || {
  echo "usage: make_state_image.sh FILE.image (a new one)" >&2
  exit 1
}
mount_crash_view ""
open_files &
loads=($!)
eventually 20 test -e "$T/opened" || fail "files are open"
know_inodes
kill_worker || fail "another worker takes over"
for process in {1..6}; do
  (
    cd "$T/view/load/directory$process" && while mkdir old; do mv old new && rmdir new; done
  ) &
  loads+=($!)
done
take_image "$1"
kill "${loads[@]}"
wait
ls -l "$1"
