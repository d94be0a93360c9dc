# shellcheck shell=bash
# processes.sh: finds processes by their names, and says whether one runs. To be sourced; view_env.sh and
# killer.sh do.
#
# Not by pgrep(1) or ps(1): these read /proc/PID/stat of every process there is, which waits for whoever
# is in the middle of an execve(2), and so, if that closes files of a view, for the view: for good, if
# its processes are stopped. /proc/PID/comm and /proc/PID/status wait for nobody.
#
#   find_processes REGEX          those whose whole name matches: their pids, in their order, are in ${found[@]}.
#                                 Starts no process: one that ends closes what it has open, perhaps of a view
#   processes_named REGEX         prints them
#   show_daemons                  cvfsd's: a line each with pid, parent, state, name
#   is_running PID                it is there, and no zombie

declare -a found=()

find_processes() { # REGEX
  local path name pid
  found=()
  for path in /proc/[0-9]*/comm; do
    { read -r name <"$path"; } 2>/dev/null || continue
    [[ $name =~ ^($1)$ ]] || continue
    pid=${path#/proc/}
    pid=${pid%/comm}
    found[pid]=$pid
  done
}

processes_named() { # REGEX
  find_processes "$1"
  ((${#found[@]} == 0)) || printf '%s\n' "${found[@]}"
}

status_field() { sed -n "s/^$2:[[:blank:]]*//p" "/proc/$1/status" 2>/dev/null; } # PID FIELD

show_daemons() {
  local pid
  for pid in $(processes_named 'cvfsd(-.*)?'); do
    printf '%s %s %s %s\n' "$pid" "$(status_field "$pid" PPid)" "$(status_field "$pid" State)" "$(status_field "$pid" Name)"
  done
}

is_running() { [[ $(status_field "$1" State) =~ ^[^ZX] ]]; } # PID
