# shellcheck shell=bash
# view_env.sh: a private machine for one mount test. `source` it at the top of the script: the script
# is started again as process 1 of namespaces of its own, and when that ends, however it ends, its
# mounts, loop device and processes are gone. Nothing of the machine is changed: /etc, /sbin and
# /dev are overlays in memory here, /run is empty. As many at the same time as you like.
#
#   $T                            a directory in memory; $T/view is an empty directory to mount on
#   $T/containerdata              root's, 0711; user-toto (1500) and user-titi (1600), 0700
#   $T/log                        what cvfsd says to syslog
#   mount_view [SPEC [DIR [OPTIONS]]]         mount(8) with containerdata=; toto on $T/view
#   unmount_view [DIR]                        umount(8), and waits until its cvfsd has ended
#   as_uid UID GID COMMAND...                 a process of the host
#   in_container UID[:GID] COMMAND...         a process in a user namespace of 0:100000:65536
#   docker_remaps_to NAME                     writes /etc/docker/daemon.json
#   ok SENTENCE, fail SENTENCE [DETAIL...]    one line each; a failure does not end the test
#   check SENTENCE COMMAND...                 ok if the command succeeds
#   equal SENTENCE EXPECTED ACTUAL
#   expect_fail CODE REGEX COMMAND...         exit code, and a message of one line and a `try:` line
#   eventually SECONDS COMMAND...             waits for it
#   skip WHY                                  ends the test as skipped
#
# With CVFS_TEST_SECONDS set it is killed after so many, and all with it. (What ctest(1) does then waits for
# whoever waits for a view that is stopped.)
#
# When the script ends, its views are unmounted, and it fails if a cvfsd, a mount or a descriptor
# (anything that keeps the backing filesystem busy) is left over. BACKING=ext4 (default), xfs, btrfs,
# tmpfs, or plain (a directory of the machine in TMPDIR) is what containerdata lies on.

: "${CVFS_SOURCE:=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}"
: "${CVFS_BIN:=$CVFS_SOURCE/build/release/bin}"
: "${BACKING:=ext4}"
export CVFS_SOURCE CVFS_BIN BACKING

# shellcheck source-path=SCRIPTDIR source=processes.sh
source "$(dirname "${BASH_SOURCE[0]}")/processes.sh"

skip() { # WHY
  printf 'skipped: %s\n' "$1"
  exit 77
}

# ---- the outer process ---------------------------------------------------------------------------

# Waits for the private machine, and takes it along when it is told to end: unshare(1) itself blocks
# SIGTERM. If even this process is killed, setpriv's death signal ends unshare, and that process 1.
run_in_private_machine() { # ARGUMENTS OF THE SCRIPT...
  [[ $EUID == 0 ]] || skip "needs root"
  [[ -e /dev/fuse ]] || skip "no /dev/fuse here"
  unshare --mount --pid --fork --mount-proc true 2>/dev/null || skip "no namespaces here"
  local script code=0
  script=$(realpath "$0")
  trap 'kill -KILL "$inner" 2>/dev/null; exit 143' TERM HUP
  trap 'kill -KILL "$inner" 2>/dev/null; exit 130' INT
  local -a limit=()
  [[ -z ${CVFS_TEST_SECONDS:-} ]] ||
    limit=(timeout --foreground -s KILL "$CVFS_TEST_SECONDS" setpriv --pdeathsig KILL)
  CVFS_VIEW_ENV=inside setpriv --pdeathsig KILL "${limit[@]}" \
    unshare --mount --pid --fork --kill-child --mount-proc --propagation private \
    bash "$script" "$@" </dev/null &
  inner=$!
  wait "$inner" || code=$?
  ((code != 137)) || echo "killed, after $SECONDS s"
  exit "$code"
}

if [[ $$ != 1 || ${CVFS_VIEW_ENV:-} != inside ]]; then run_in_private_machine "$@"; fi

# ---- the private machine -------------------------------------------------------------------------

readonly T=/run/cvfs-test
failures=0
container= # the process that holds the user namespace of in_container
plain_directory=

overlay_over() { # DIRECTORY: what is written there from now on is in memory
  local directory layers
  directory=$(realpath "$1")
  layers=$T/layers$directory
  mkdir -p "$layers/upper" "$layers/work"
  mount -t overlay -o "lowerdir=$directory,upperdir=$layers/upper,workdir=$layers/work" overlay "$directory" ||
    skip "no overlay filesystem here for a private $directory"
}

make_private_directories() {
  mount -t tmpfs -o mode=0755 tmpfs /run
  mkdir -p "$T/view"
  overlay_over /etc
  overlay_over /sbin
  # Below an overlay the mounts on /dev are not seen: the shared memory and the terminals.
  local mountpoint
  for mountpoint in shm pts; do
    [[ ! -d /dev/$mountpoint ]] || { mkdir -p "$T/dev/$mountpoint" && mount --rbind "/dev/$mountpoint" "$T/dev/$mountpoint"; }
  done
  overlay_over /dev
  for mountpoint in shm pts; do
    [[ ! -d $T/dev/$mountpoint ]] || mount --move "$T/dev/$mountpoint" "/dev/$mountpoint"
  done
  export PATH=/usr/sbin:/usr/bin:/sbin:/bin
  umask 022
}

# A user with a range, as useradd(8) would make it.
add_user() { # NAME UID FIRST-SUBORDINATE-ID
  echo "$1:*:$2:$2::/nonexistent:/bin/false" >>/etc/passwd
  echo "$1:*:$2:" >>/etc/group
  echo "$1:$3:65536" | tee -a /etc/subuid >>/etc/subgid
}

furnish_etc() {
  rm -rf /etc/docker /etc/cvfs
  sed -i -E '/^(toto|titi|dockremap):|^[^:]*:[^:]*:(1500|1600|990):/d' /etc/passwd /etc/group
  : >/etc/subuid
  : >/etc/subgid
  add_user toto 1500 200000
  add_user titi 1600 300000
  add_user dockremap 990 100000
}

# Links, so that mount.cvfs finds the cvfsd that was built with it.
install_cvfs() {
  [[ -x $CVFS_BIN/mount.cvfs && -x $CVFS_BIN/cvfsd ]] || {
    echo "no mount.cvfs and cvfsd in $CVFS_BIN" >&2
    exit 1
  }
  ln -sf "$CVFS_BIN/mount.cvfs" "$CVFS_BIN/mount.fuse.cvfs" "$CVFS_BIN/cvfsd" /sbin/
}

# The loop device is given back by the kernel with the last mount of it.
mount_image() { # MKFS...
  command -v "$1" >/dev/null || skip "no $1 here"
  truncate -s 1G "$T/image"
  "$@" "$T/image" >/dev/null
  mount -o loop "$T/image" "$T/containerdata"
}

mount_backing() {
  mkdir "$T/containerdata"
  case $BACKING in
    ext4) mount_image mkfs.ext4 -q -F -E lazy_itable_init=1 ;;
    ext4-seconds) mount_image mkfs.ext4 -q -F -I 128 ;; # inodes with whole seconds, and no time of birth
    xfs) mount_image mkfs.xfs -q -f ;;
    btrfs) mount_image mkfs.btrfs -q -f ;;
    tmpfs) mount -t tmpfs tmpfs "$T/containerdata" ;;
    plain)
      plain_directory=$(mktemp -d "${TMPDIR:-/tmp}/cvfs-test-XXXXXX")
      mount --bind "$plain_directory" "$T/containerdata"
      ;;
    *)
      echo "BACKING=$BACKING is none of ext4, ext4-seconds, xfs, btrfs, tmpfs, plain" >&2
      exit 1
      ;;
  esac || skip "cannot make a $BACKING filesystem here"
  chmod 0711 "$T/containerdata"
  install -d -m 0700 -o 1500 -g 1500 "$T/containerdata/user-toto"
  install -d -m 0700 -o 1600 -g 1600 "$T/containerdata/user-titi"
}

# Collects what is sent to syslog(3): there is no journal here.
start_log() {
  rm -f /dev/log
  : >"$T/log"
  python3 -c '
import socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("/dev/log")
with open(sys.argv[1], "ab", buffering=0) as log:
    while True:
        log.write(listener.recv(65536).rstrip(b"\n\0") + b"\n")
' "$T/log" &
  disown
  eventually 5 test -S /dev/log || echo "warning: no log of cvfsd" >&2
}

# ---- views ---------------------------------------------------------------------------------------

mount_view() { # [SPEC [DIR [OPTIONS]]]
  local spec=${1:-toto} dir=${2:-$T/view} options=${3:-userns=@dockremap}
  mkdir -p "$dir"
  mount -t cvfs "$spec" "$dir" -o "containerdata=$T/containerdata,$options"
}

# umount(8) returns before cvfsd has seen it.
unmount_view() { # [DIR]
  local dir=${1:-$T/view} before
  before=$(count_daemons)
  umount "$dir" && eventually 5 fewer_daemons_than "$before"
}

views() { # the targets of all views, the last one first
  findmnt -rn -t fuse.cvfs,fuse -o TARGET | tac
}

# The supervisors, one a view. Its other processes have names of their own, but for the moment after they
# were forked.
daemons() {
  local pid parent
  for pid in $(processes_named cvfsd); do
    parent=$(status_field "$pid" PPid)
    if [[ -n $parent && $(cat "/proc/$parent/comm" 2>/dev/null) != cvfsd ]]; then echo "$pid"; fi
  done
}
count_daemons() { daemons | wc -l; }
no_daemon() { [[ -z $(processes_named 'cvfsd(-.*)?') ]]; }
fewer_daemons_than() { (($(count_daemons) < $1)); }
is_mounted() { mountpoint -q "$1"; }

eventually() { # SECONDS COMMAND...
  local end=$((SECONDS + $1 + 1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || return 1
    sleep 0.05
  done
}

# ---- callers -------------------------------------------------------------------------------------

as_uid() { # UID GID COMMAND...
  setpriv --reuid "$1" --regid "$2" --clear-groups -- "${@:3}"
}

start_container() {
  unshare --user sleep infinity &
  container=$!
  disown
  eventually 5 has_no_map_yet "$container"
  echo "0 100000 65536" >"/proc/$container/uid_map"
  echo "0 100000 65536" >"/proc/$container/gid_map"
}

# It is in its new user namespace. (Comparing readlink's answers on /proc/PID/ns/user does not tell:
# one of them is empty now and then.)
has_no_map_yet() { # PID
  local map
  map=$(cat "/proc/$1/uid_map") && [[ -z $map ]]
}

# As `docker run -u UID[:GID]`: the group is 0 where none is given, and there are no others.
in_container() { # UID[:GID] COMMAND...
  local uid=${1%%:*} gid=0
  [[ $1 != *:* ]] || gid=${1#*:}
  [[ -n $container ]] || start_container
  nsenter --target "$container" --user --setuid "$uid" --setgid "$gid" -- "${@:2}"
}

docker_remaps_to() { # NAME
  mkdir -p /etc/docker
  printf '{"userns-remap": "%s"}\n' "$1" >/etc/docker/daemon.json
}

# ---- assertions ----------------------------------------------------------------------------------

ok() { printf 'ok    %s\n' "$1"; } # SENTENCE

fail() { # SENTENCE [DETAIL...]
  failures=$((failures + 1))
  printf 'FAIL  %s\n' "$1"
  local detail
  for detail in "${@:2}"; do printf '%s\n' "$detail" | sed 's/^/      /'; done
}

check() { # SENTENCE COMMAND...
  local output code=0
  output=$("${@:2}" 2>&1) || code=$?
  if ((code == 0)); then ok "$1"; else fail "$1" "exit code $code: ${*:2}" "$output"; fi
}

equal() { # SENTENCE EXPECTED ACTUAL
  if [[ $2 == "$3" ]]; then ok "$1"; else fail "$1" "expected: $2" "got:      $3"; fi
}

expect_fail() { # CODE REGEX COMMAND...
  local code=0 message line
  message=$("${@:3}" 2>&1 >/dev/null) || code=$?
  line=${message%%$'\n'*}
  if ((code != $1)); then
    fail "${*:3}" "expected exit code $1, got $code" "$message"
  elif ! [[ $line =~ $2 ]]; then
    fail "${*:3}" "expected a message like: $2" "got: $message"
  elif ! has_form_of_a_refusal "$message"; then
    fail "${*:3}" "expected one line and a 'try:' line" "got: $message"
  else
    ok "refused with $1: ${line#mount.cvfs: }"
  fi
}

has_form_of_a_refusal() { # MESSAGE
  local -a lines
  mapfile -t lines <<<"$1"
  case ${#lines[@]} in
    1) [[ -n ${lines[0]} ]] ;;
    2) [[ ${lines[1]} == "  try: "?* ]] ;;
    *) false ;;
  esac
}

# ---- the end -------------------------------------------------------------------------------------

check_leftovers() {
  local view
  while IFS= read -r view; do
    umount "$view" || fail "a view can be unmounted at the end" "$(fuser -vm "$view" 2>&1)"
  done < <(views)
  eventually 5 no_daemon || fail "no cvfsd is left" "$(show_daemons)"
  [[ -z $(views) ]] || fail "no view is left" "$(findmnt -rn -t fuse.cvfs,fuse)"
  if [[ -n $container ]]; then kill -KILL "$container"; fi
  # Whoever has a descriptor there keeps it busy.
  cd /
  eventually 5 umount "$T/containerdata" ||
    fail "nothing keeps the backing filesystem busy" "$(fuser -vm "$T/containerdata" 2>&1)"
  [[ -z $plain_directory ]] || rm -rf --one-file-system "$plain_directory"
}

finish_view_env() {
  local code=$?
  trap - EXIT
  check_leftovers
  if ((failures > 0)) && [[ -s $T/log ]]; then printf 'cvfsd said:\n%s\n' "$(tail -n 50 "$T/log")"; fi
  if ((failures > 0)); then
    echo "$failures failed"
    ((code != 0)) || code=1
  fi
  exit "$code"
}

make_private_directories
furnish_etc
install_cvfs
mount_backing
start_log
trap finish_view_env EXIT

# ---- for the tests of what a view does -------------------------------------------------------------

# Puts tests/support/programs on the PATH, where a container's processes can run them. Starts the
# container, too: in_container inside $(…) would start one of its own each time, and wait for its end.
use_test_programs() {
  [[ -d $CVFS_BIN/test-programs ]] || {
    echo "no test-programs in $CVFS_BIN" >&2
    exit 1
  }
  cp -r "$CVFS_BIN/test-programs" "$T/bin"
  PATH=$PATH:$T/bin
  start_container
}

# In front of an assertion that fails today: `known_fault 'SENTENCE' || check …` says so and goes on.
# CVFS_KNOWN_FAULTS=run makes the assertion all the same. Who mends the fault takes the words away.
known_fault() { # SENTENCE
  [[ ${CVFS_KNOWN_FAULTS:-} != run ]] || return 1
  printf 'KNOWN FAULT  %s\n' "$1"
}
