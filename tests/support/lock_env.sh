# shellcheck shell=bash
# lock_env.sh: a private machine (crash_env.sh) with two views of toto's tree, $T/view and $T/other, and
# programs that lock files there. `source` it at the top of a test.
#
#   mount_lock_views [OPTIONS]  both, with a directory `locks` for everybody
#   play SENTENCE...            lock_play.py's scenes (a name each), from everywhere
#   $VIEW $OTHER $HOST          the three paths of that directory

# shellcheck source-path=SCRIPTDIR source=crash_env.sh
source "$(dirname "${BASH_SOURCE[0]}")/crash_env.sh"

command -v python3 >/dev/null || skip "no python3 here"

export VIEW=$T/view/locks OTHER=$T/other/locks HOST=$T/containerdata/user-toto/locks

mount_lock_views() { # [OPTIONS]
  log_start=$(($(wc -l <"$T/log") + 1))
  mount_view toto "$T/view" "userns=@dockremap${1:+,$1}" || return
  mount_view toto "$T/other" "userns=@dockremap${1:+,$1}" || return
  mkdir -p "$VIEW"
  chmod 0777 "$T/view" "$VIEW"
}

# Who locks, as lock_play.py starts them: two containers (with process ids of their own the second), a
# container of the other view, and a process of the host.
play() { # SCENE...
  [[ -n $container ]] || start_container
  CONTAINER="nsenter --target $container --user --setuid 1000 --setgid 0 --" \
    NEIGHBOUR="unshare --pid --fork --kill-child setpriv --reuid 101001 --regid 100000 --clear-groups --" \
    python3 "$CVFS_SOURCE/tests/support/lock_play.py" "$@"
}
