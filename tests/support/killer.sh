# shellcheck shell=bash
# killer.sh: finds a view's processes by their names, in a pid namespace that has one view, and kills
# them. To be sourced; crash_env.sh does.
#
#   supervisor, worker, standby   the pid of it; they fail while there is none
#   view_processes                the pids of all
#   kill_until_ended PID [FROM TO [KIND...]]   while PID runs, kills one of the KINDs (worker) at a time
#                                 at random, FROM to TO (30 to 250) ms after the one before; writes how
#                                 many it killed to $kills_file, if that is set

# shellcheck source-path=SCRIPTDIR source=processes.sh
source "$(dirname "${BASH_SOURCE[0]}")/processes.sh"

kills_file=

supervisor() { processes_named cvfsd | head -n 1 | grep .; }
worker() { processes_named cvfsd-worker | tail -n 1 | grep .; }
standby() { processes_named cvfsd-standby | tail -n 1 | grep .; }
view_processes() { processes_named 'cvfsd(-.*)?' | grep .; }

# Quick, so that workers are met at all stages, their start among them.
kill_until_ended() { # PID [FROM TO [KIND...]]
  local pid=$1 from=${2:-30} to=${3:-250} victim killed=0
  local -a kinds=("${@:4}")
  ((${#kinds[@]} > 0)) || kinds=(worker)
  while is_running "$pid"; do
    sleep "$(printf '0.%03d' $((from + RANDOM % (to - from))))"
    victim=$("${kinds[RANDOM % ${#kinds[@]}]}") || continue
    if kill -KILL "$victim" 2>/dev/null; then killed=$((killed + 1)); fi
  done
  [[ -z $kills_file ]] || echo "$killed" >"$kills_file"
}
