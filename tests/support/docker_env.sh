# shellcheck shell=bash
# docker_env.sh: a private machine with a private Docker engine, for tests/docker and scripts/demo.
# To be sourced. Needs root; changes nothing outside: see enter_private_machine.
#
#   enter_private_machine "$@"     the rest of the script runs in a private copy of the machine
#   furnish_tenants                users toto and titi with volumes below /containerdata
#   start_engine || skip "$engine_refusal"
#
# The caller may set CVFS_BIN, the directory of the built programs.

cvfs_source=${CVFS_SOURCE:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
cvfs_bin=${CVFS_BIN:-$cvfs_source/build/release/bin}

skip() { # WHY
  printf 'skipped: %s\n' "$1"
  exit 77
}

# ---- a private copy of the machine ---------------------------------------------------------------
#
# The calling script is started again as process 1 of new mount, pid and network namespaces. Its root
# is an overlay of the machine's root whose changes are in memory, so /etc/passwd, /etc/docker,
# /sbin/mount.cvfs and /containerdata can be made as on any machine and are gone with the namespace;
# /run is empty, so an engine's sockets are neither seen nor met. When the last process ends, the
# kernel takes mounts, loop devices and processes away. The outer process stays to wait, and to remove
# what no namespace hides: the control groups of the engine's containers.

is_private_machine() { [[ $$ == 1 && -n ${CVFS_PRIVATE_MACHINE:-} ]]; }

enter_private_machine() { # ARGUMENTS OF THE SCRIPT...
  if is_private_machine; then
    make_private_root
    return
  fi
  run_in_private_machine "$@"
}

run_in_private_machine() {
  local script
  script=$(realpath "$0")
  cgroup=cvfs-engine-$$
  inner=
  trap 'leave_private_machine' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  remove_cgroups_of_the_dead
  # setpriv: however this process ends, even by kill -9, unshare ends too, and with it the namespace.
  CVFS_PRIVATE_MACHINE=$cgroup setpriv --pdeathsig KILL \
    unshare --mount --pid --net --fork --kill-child --mount-proc --propagation private \
    bash "$script" "$@" </dev/null &
  inner=$!
  local code=0
  wait "$inner" || code=$?
  exit "$code"
}

leave_private_machine() {
  trap '' INT TERM HUP
  if [[ -n $inner ]]; then
    kill -KILL "$inner" 2>/dev/null || true
    wait "$inner" 2>/dev/null || true
  fi
  # The last processes of the namespace may still be on their way out.
  local attempt
  for attempt in {1..50}; do
    remove_cgroup "$cgroup" && return
    sleep 0.1
  done
  echo "warning: control groups $cgroup could not be removed after attempt $attempt" >&2
}

remove_cgroup() { # NAME: true if nothing is left of it
  local dir left=0
  for dir in /sys/fs/cgroup/"$1" /sys/fs/cgroup/*/"$1"; do
    [[ -d $dir ]] || continue
    find "$dir" -depth -type d -exec rmdir {} + 2>/dev/null || true
    [[ ! -d $dir ]] || left=1
  done
  return "$left"
}

# Of scripts that were killed before they could do it themselves.
remove_cgroups_of_the_dead() {
  local dir pid
  for dir in /sys/fs/cgroup/cvfs-engine-* /sys/fs/cgroup/*/cvfs-engine-*; do
    pid=${dir##*-}
    [[ ! -d $dir || -d /proc/$pid ]] || remove_cgroup "${dir##*/}" || true
  done
}

make_private_root() {
  local machine=/run/machine mountpoint
  local -a mountpoints
  mapfile -t mountpoints < <(machine_mountpoints)
  mount -t tmpfs -o mode=0755 tmpfs /run
  mkdir -p $machine/{upper,work,root,old}
  mount -t overlay -o "lowerdir=/,upperdir=$machine/upper,workdir=$machine/work" overlay $machine/root ||
    skip "no overlay filesystem here to make a private copy of the machine"
  for mountpoint in "${mountpoints[@]}"; do
    mount --rbind "$mountpoint" "$machine/root$mountpoint"
  done
  mount --bind /run $machine/root/run
  cd $machine/root || exit
  pivot_root . run/machine/old
  cd /
  umount -l /run/machine/old
  hash -r

  # A container engine's default: no AppArmor profile gets loaded into the machine's kernel.
  if [[ -d /sys/kernel/security/apparmor ]]; then mount -t tmpfs tmpfs /sys/kernel/security; fi
  # Debian's own programs, and no settings of the caller's Docker client.
  export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root DOCKER_CONFIG=/run/docker-client
  unset DOCKER_HOST DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH
  umask 022
}

# The machine's mounts that the private root shows, too, each with all that is below it. Not the
# mounts of other engines' containers (/var/lib/docker/...): holding them would keep them busy.
machine_mountpoints() {
  local path covered=/run
  awk '{ print $5 }' /proc/self/mountinfo | sort -u | while IFS= read -r path; do
    path=$(printf '%b' "$path") # a blank is \040
    case $path in / | /run | /run/* | /etc/* | /var/lib/*/* | "$covered" | "$covered"/*) continue ;; esac
    [[ -d $path ]] || continue
    covered=$path
    printf '%s\n' "$path"
  done
}

# ---- the machine's furniture ---------------------------------------------------------------------

readonly kTenantUid=1500 kTenantRange=200000 kEngineRange=100000

add_user() { # NAME UID FIRST-SUBORDINATE-ID
  local file
  for file in passwd group shadow gshadow subuid subgid; do
    if [[ -e /etc/$file ]]; then sed -i "/^$1:/d" "/etc/$file"; fi
  done
  sed -i "/^[^:]*:[^:]*:$2:/d" /etc/passwd /etc/group
  echo "$1:*:$2:$2::/home/$1:/bin/sh" >>/etc/passwd
  echo "$1:*:$2:" >>/etc/group
  echo "$1:$3:65536" | tee -a /etc/subuid >>/etc/subgid
}

# /containerdata is a filesystem of its own, as on a real host (and passthrough works: it does not on
# an overlay). /volumes is the same without views: what is on disk.
furnish_tenants() {
  : >/etc/subuid
  : >/etc/subgid
  add_user toto $kTenantUid $kTenantRange
  add_user titi 1501 300000
  mkdir -p /containerdata /volumes
  local image=/run/$CVFS_PRIVATE_MACHINE.img
  truncate -s 512M "$image"
  mkfs.ext4 -q -F -E lazy_itable_init=1 "$image"
  # A container may have no loop devices.
  mount -o loop "$image" /containerdata 2>/dev/null || mount -t tmpfs tmpfs /containerdata
  chmod 0711 /containerdata
  mount --bind /containerdata /volumes
  local name
  for name in toto titi; do
    install -d -m 0700 -o "$name" -g "$name" "/containerdata/user-$name"
    install -d -o "$name" -g "$name" "/home/$name"
  done
}

# mount(8) looks for mount.cvfs in /sbin only.
install_cvfs() {
  [[ -x $cvfs_bin/mount.cvfs && -x $cvfs_bin/cvfsd ]] || return 1
  ln -sf "$cvfs_bin/mount.cvfs" "$cvfs_bin/mount.fuse.cvfs" "$cvfs_bin/cvfsd" /sbin/
}

# ---- the engine ----------------------------------------------------------------------------------

engine_refusal= # why start_engine failed
readonly engine_log=/run/engine.log

# Called in conditions, where `set -e` does not help: each step says itself that it failed.
start_engine() {
  [[ ${CVFS_DEMO_ENGINE:-} != none ]] || refuse_engine "CVFS_DEMO_ENGINE=none" || return
  command -v dockerd >/dev/null || refuse_engine "no dockerd here" || return
  command -v docker >/dev/null || refuse_engine "no docker command here" || return
  command -v busybox >/dev/null || refuse_engine "no busybox here to make an image from" || return
  add_user dockremap 990 $kEngineRange
  write_engine_configuration
  # In the private network namespace: else each `docker run` warns that it is off.
  echo 1 >/proc/sys/net/ipv4/ip_forward 2>/dev/null || true
  dockerd >"$engine_log" 2>&1 &
  wait_for_engine $! || return
  import_image >>"$engine_log" 2>&1 || refuse_engine "docker import failed: $(tail -n 1 "$engine_log")" || return
  docker run --rm busybox true >>"$engine_log" 2>&1 ||
    refuse_engine "docker run failed: $(tail -n 1 "$engine_log")"
}

refuse_engine() { # WHY
  engine_refusal=$1
  return 1
}

# data-root is in memory; the containers' control groups are ours to remove.
write_engine_configuration() {
  mkdir -p /etc/docker "$DOCKER_CONFIG"
  cat >/etc/docker/daemon.json <<JSON
{
  "userns-remap": "default",
  "data-root": "/run/docker-data",
  "bridge": "none",
  "iptables": false,
  "exec-opts": ["native.cgroupdriver=cgroupfs"],
  "cgroup-parent": "/$CVFS_PRIVATE_MACHINE"
}
JSON
}

wait_for_engine() { # PID
  local attempt
  for attempt in {1..600}; do
    if docker version >/dev/null 2>&1; then return; fi
    [[ -d /proc/$1 ]] || break
    sleep 0.1
  done
  refuse_engine "dockerd does not start ($attempt tries): $(tail -n 1 "$engine_log")"
}

# A busybox tree; postgres is there for the entrypoint test.
import_image() {
  local applet
  mkdir -p /run/image/{bin,etc,proc,sys,dev,root,data} || return
  mkdir -p /run/image/tmp && chmod 1777 /run/image/tmp || return
  cp "$(command -v busybox)" /run/image/bin/busybox || return
  for applet in $(busybox --list); do
    [[ $applet == busybox ]] || ln -sf busybox "/run/image/bin/$applet"
  done
  printf '%s\n' root:x:0:0::/root:/bin/sh postgres:x:999:999::/data:/bin/sh >/run/image/etc/passwd
  printf '%s\n' root:x:0: postgres:x:999: >/run/image/etc/group
  tar c -C /run/image . | docker import --change 'CMD ["sh"]' - busybox
}

# ---- assertions ----------------------------------------------------------------------------------

failures=0

ok() { printf 'ok    %s\n' "$1"; } # SENTENCE

fail() { # SENTENCE EXPECTED ACTUAL
  failures=$((failures + 1))
  printf 'FAIL  %s\n' "$1"
  printf '%s\n' "$2" | sed 's/^/      expected: /'
  printf '%s\n' "$3" | sed 's/^/      got:      /'
}

equal() { # SENTENCE EXPECTED ACTUAL
  if [[ $2 == "$3" ]]; then ok "$1"; else fail "$@"; fi
}

fails_with() { # SENTENCE MESSAGE COMMAND...: the command must fail and say MESSAGE
  local output
  if output=$("${@:3}" 2>&1); then
    fail "$1" "a failure: $2" "success: $output"
  elif [[ $output == *"$2"* ]]; then
    ok "$1"
  else
    fail "$1" "$2" "$output"
  fi
}

eventually() { # SECONDS COMMAND...: until it succeeds
  local end=$((SECONDS + $1 + 1))
  shift
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < end)) || return 1
    sleep 0.1
  done
}

finish() {
  if ((failures > 0)); then
    echo "$failures failed"
    exit 1
  fi
}

# UID:GID MODE NAME of the entries, as the host sees them.
owners() { # DIRECTORY [NAME...]
  (cd "$1" && shift && stat -c '%u:%g %a %n' "$@")
}

box() { # DOCKER-RUN-OPTIONS... -- COMMAND...: in a container that is removed afterwards
  local -a options=()
  while [[ $1 != -- ]]; do
    options+=("$1")
    shift
  done
  shift
  docker run --rm "${options[@]}" busybox "$@"
}

# All that a docker test needs. CVFS_TEST_PLAIN=1: a plain bind mount stands in for the view, to
# see the tests themselves work (most of their assertions then fail, which is why cvfs exists).
start_docker_test() { # ARGUMENTS OF THE SCRIPT...
  [[ $EUID == 0 ]] || skip "needs root"
  unshare --mount --pid --net --fork --mount-proc true || skip "no Docker engine can run here: no namespaces"
  enter_private_machine "$@"
  furnish_tenants
  install_cvfs || [[ -n ${CVFS_TEST_PLAIN:-} ]] || { echo "no mount.cvfs and cvfsd in $cvfs_bin"; exit 1; }
  start_engine || skip "no Docker engine can run here: $engine_refusal"
}

mount_view() { # OPTIONS
  if [[ -n ${CVFS_TEST_PLAIN:-} ]]; then
    mount --bind /containerdata/user-toto /containerdata/user-toto
  else
    mount -t cvfs toto /containerdata/user-toto -o "userns=auto,$1"
  fi
}

unmount_view() {
  umount /containerdata/user-toto
}
