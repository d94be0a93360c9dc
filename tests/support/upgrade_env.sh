# shellcheck shell=bash
# upgrade_env.sh: a private machine (crash_env.sh) with two builds of cvfsd that take turns. `source`
# it at the top of a test.
#
#   use_upgradable_builds         mounts from now on run a copy of this build, at $installed
#   install_build PROGRAM         renames another one over it: cvfsd, cvfsd-next, or any file
#   upgrade_by WAY                upgrades the view: `command` (cvfs upgrade) or `signal` (SIGHUP to its
#                                 supervisor); succeeds when it serves with what is installed
#   take_turns COUNT              upgrades that often, by both ways in turn; prints each that fails
#   is_complete                   there is one supervisor, one worker and one standby
#   all_run_installed             and the program of each is what is installed

# shellcheck source-path=SCRIPTDIR source=crash_env.sh
source "$(dirname "${BASH_SOURCE[0]}")/crash_env.sh"

readonly installed=$T/daemon/cvfsd
builds=(cvfsd cvfsd-next)
turn=0

use_upgradable_builds() {
  local program
  for program in cvfs cvfsd-next; do
    [[ -x $CVFS_BIN/$program ]] || { fail "there is a $program" "$CVFS_BIN"; exit 1; }
  done
  use_cvfsd cvfsd
}

install_build() { # PROGRAM: of the built ones, or a path
  local file=$1
  [[ $file == /* ]] || file=$CVFS_BIN/$file
  cp --remove-destination "$file" "$installed.new" && mv -T "$installed.new" "$installed"
}

version_of() { "$1" --version; } # PROGRAM

served_version() {
  "$CVFS_BIN/cvfs" status --json "$T/view" | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["version"])'
}
serves_installed_version() { [[ $(served_version) == "$(version_of "$installed")" ]]; }

exes() { # of the view's processes: device and inode of each program
  local pid
  for pid in $(view_processes); do stat -L -c '%d:%i' "/proc/$pid/exe" 2>/dev/null; done
}
# A process that is about to end, or to begin, has a moment.
all_run_installed() { [[ $(exes | sort -u) == "$(stat -c '%d:%i' "$installed")" ]]; }
is_complete() {
  local kind
  for kind in cvfsd cvfsd-worker cvfsd-standby; do [[ $(processes_named "$kind" | wc -l) == 1 ]] || return; done
}

upgrade_by() { # command|signal
  case $1 in
    command) "$CVFS_BIN/cvfs" upgrade "$T/view" || return ;;
    signal) kill -HUP "$(supervisor)" ;;
  esac
  eventually 10 serves_installed_version && eventually 5 is_complete && eventually 5 all_run_installed
}

take_turns() { # COUNT
  local i way said
  for ((i = 0; i < $1; ++i)); do
    turn=$((turn + 1))
    install_build "${builds[turn % 2]}"
    way="command"
    ((turn % 4 < 2)) || way=signal
    said=$(upgrade_by "$way" 2>&1) || echo "upgrade $turn by $way to ${builds[turn % 2]} failed: $said"
  done
}
