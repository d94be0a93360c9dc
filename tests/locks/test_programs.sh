#!/bin/bash
# Programs that lock: flock(1) in two containers and on the host, git gc against git commit, also while
# workers die.
# shellcheck source-path=SCRIPTDIR source=../support/lock_env.sh
source "$(dirname "$0")/../support/lock_env.sh"

mount_lock_views cache=none
start_container

# Ten times each: adds a line to what is there, reading all of it first.
add_lines() { # DIRECTORY PREFIX...
  local i
  for ((i = 0; i < 10; i++)); do
    # shellcheck disable=SC2016  # expanded by that shell
    "${@:2}" flock "$1/lock" bash -c 'lines=$(cat "$1/lines"); printf "%s\nline\n" "$lines" >"$1/lines"' bash "$1"
  done
}

: >"$VIEW/lock"
: >"$VIEW/lines"
chmod 0666 "$VIEW/lock" "$VIEW/lines"
add_lines "$VIEW" in_container 1000 &
add_lines "$VIEW" unshare --pid --fork setpriv --reuid 101001 --regid 100000 --clear-groups -- &
add_lines "$OTHER" in_container 1002 &
add_lines "$HOST" env &
for _ in 1 2 3 4; do
  sleep 0.1
  processes_named cvfsd-worker | shuf -n 1 | xargs -r kill -KILL
done
wait %2 %3 %4 %5 2>/dev/null
eventually 60 test "$(jobs -r | grep -c add_lines)" = 0
equal "flock(1) in three containers and on the host: no line is lost" 40 "$(grep -c line "$HOST/lines")"

command -v git >/dev/null || skip "no git here"
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
# (git commit gives up after 0.1 s where git gc has a branch's lock file: not long on a busy machine.)
export GIT_CONFIG_COUNT=3 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' \
  GIT_CONFIG_KEY_1=gc.auto GIT_CONFIG_VALUE_1=0 \
  GIT_CONFIG_KEY_2=core.filesRefLockTimeout GIT_CONFIG_VALUE_2=10000
git init -q "$VIEW/repository"
# git gc removes directories of objects that are empty, and git commit makes one of them a second time,
# not a third: a race of theirs, which a pause in the wrong moment wins. These are never empty.
mkdir -p "$VIEW/repository/.git/objects/"{{0..9},{a..f}}{{0..9},{a..f}}
touch "$VIEW/repository/.git/objects/"{{0..9},{a..f}}{{0..9},{a..f}}/.keep
readonly commits=${CVFS_GIT_COMMITS:-40}
commit_all() { # PREFIX
  local i
  for ((i = 0; i < commits; i++)); do
    echo "$1 $i" >"$VIEW/repository/file"
    git -C "$VIEW/repository" add file && git -C "$VIEW/repository" commit -qm "$i" || return
  done
}
kill_while_running() { # PID
  local killed=0
  while is_running "$1"; do
    sleep "$(printf '0.%03d' $((40 + RANDOM % 80)))"
    kill -KILL "$(processes_named cvfsd-worker | shuf -n 1)" 2>/dev/null && killed=$((killed + 1))
  done
  echo "      $killed workers killed"
}
for killing in quiet killing; do
  commit_all "$killing" >"$T/git" 2>&1 &
  committing=$!
  if [[ $killing == killing ]]; then kill_while_running "$committing" & fi
  while is_running "$committing"; do git -C "$OTHER/repository" gc -q 2>/dev/null; done
  wait "$committing" || fail "$killing: git commit on one view, git gc on another" "$(cat "$T/git")"
done
wait
equal "every commit is there" $((2 * commits)) "$(git -C "$HOST/repository" rev-list --count HEAD)"
check "and the repository is whole" git -C "$HOST/repository" fsck --strict
