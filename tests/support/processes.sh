# shellcheck shell=bash
# processes.sh: finds processes by their names, and says whether one runs. To be sourced; view_env.sh and
# killer.sh do.
#
# Not by pgrep(1) or ps(1): these read /proc/PID/stat of every process there is, which waits for whoever
# is in the middle of an execve(2), and so, if that closes files of a view, for the view: for good, if
# its processes are stopped. /proc/PID/comm and /proc/PID/status wait for nobody.
#
#   processes_named REGEX         the pids of those whose whole name matches, in the order of their numbers
#   show_daemons                  cvfsd's: a line each with pid, parent, state, name
#   is_running PID                it is there, and no zombie

processes_named() { # REGEX
  local path
  grep -lxsE -- "$1" /proc/[0-9]*/comm | while IFS=/ read -r _ _ path _; do echo "$path"; done | sort -n
}

status_field() { sed -n "s/^$2:[[:blank:]]*//p" "/proc/$1/status" 2>/dev/null; } # PID FIELD

show_daemons() {
  local pid
  for pid in $(processes_named 'cvfsd(-.*)?'); do
    printf '%s %s %s %s\n' "$pid" "$(status_field "$pid" PPid)" "$(status_field "$pid" State)" "$(status_field "$pid" Name)"
  done
}

is_running() { [[ $(status_field "$1" State) =~ ^[^ZX] ]]; } # PID
