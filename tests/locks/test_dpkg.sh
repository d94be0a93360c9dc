#!/bin/bash
# dpkg with its root on a view: two containers install there at once, and only one does at a time, also
# against the host; the same while workers are killed. Every package is there in the end, and whole.
# shellcheck source-path=SCRIPTDIR source=../support/lock_env.sh
source "$(dirname "$0")/../support/lock_env.sh"

for program in dpkg dpkg-deb busybox; do
  command -v "$program" >/dev/null || skip "no $program here"
done
readonly packages=${CVFS_DPKG_PACKAGES:-8}

# Twenty files, and a script that runs in a chroot there.
make_package() { # NAME
  local directory=$T/packages/$1 i
  mkdir -p "$directory/DEBIAN" "$directory/usr/share/$1"
  printf 'Package: %s\nVersion: 1\nArchitecture: all\nMaintainer: toto <toto@example>\nDescription: a test\n' "$1" \
    >"$directory/DEBIAN/control"
  for i in {1..20}; do echo "$1 $i" >"$directory/usr/share/$1/$i"; done
  printf '#!/bin/sh\nset -e\necho %s >>/var/log/scripts\n' "$1" >"$directory/DEBIAN/postinst"
  chmod 0755 "$directory/DEBIAN/postinst"
  dpkg-deb --root-owner-group --build "$directory" "$T/packages/$1.deb" >/dev/null
}

make_root() { # DIRECTORY
  mkdir -p "$1"/{bin,usr/share,var/log,var/lib/dpkg/{info,updates}}
  : >"$1/var/lib/dpkg/status"
  : >"$1/var/lib/dpkg/lock"
  cp "$(command -v busybox)" "$1/bin/busybox"
  ln -s busybox "$1/bin/sh"
  chown -R 100000:100000 "$1"
}

dpkg_into() { # ROOT ARGUMENTS...
  in_container 0 env HOME=/ PATH=/usr/sbin:/usr/bin:/sbin:/bin dpkg --root="$1" --force-not-root --log=/dev/null \
    --force-unsafe-io "${@:2}"
}

# Again and again where another one has the lock; whatever else goes wrong is an error.
install_all() { # ROOT PACKAGE...
  local package output root=$1
  for package in "${@:2}"; do
    until output=$(dpkg_into "$root" --install "$T/packages/$package.deb" 2>&1); do
      [[ $output == *"locked by another process"* ]] || { printf '%s\n' "$output"; return 1; }
      echo "$package" >>"$T/refused"
      sleep 0.05
    done
  done
}

names() { # PREFIX: as many as there are packages
  local i
  for ((i = 1; i <= packages; i++)); do echo "$1$i"; done
}

install_at_once() { # ROOT PREFIX KILLING
  local -a first second
  mapfile -t first < <(names "$2a")
  mapfile -t second < <(names "$2b")
  local name one other killed=0
  for name in "${first[@]}" "${second[@]}"; do make_package "$name"; done
  : >"$T/refused"
  install_all "$1" "${first[@]}" >"$T/first" 2>&1 &
  one=$!
  install_all "$1" "${second[@]}" >"$T/second" 2>&1 &
  other=$!
  while [[ $3 == killing ]] && is_running "$one"; do
    sleep "$(printf '0.%03d' $((40 + RANDOM % 80)))"
    kill -KILL "$(processes_named cvfsd-worker | shuf -n 1)" 2>/dev/null && killed=$((killed + 1))
  done
  wait "$one" || fail "the first one installs" "$(cat "$T/first")"
  wait "$other" || fail "the second one installs" "$(cat "$T/second")"
  equal "$3: all packages of both are there" "$((2 * packages))" \
    "$(dpkg_into "$1" --list "$2*" | grep -c '^ii')"
  equal "each one's script ran once" "$((2 * packages))" "$(grep -c "^$2" "$1/var/log/scripts")"
  equal "and nothing is amiss" "" "$(dpkg_into "$1" --audit; dpkg_into "$1" --verify)"
  echo "      refused $(wc -l <"$T/refused") times while the other one had the lock, $killed workers killed"
}

mount_lock_views ''
start_container
root=$VIEW/root
make_root "$root"
make_package alone
mkfifo "$T/commands"
python3 "$CVFS_SOURCE/tests/support/lock_agent.py" "$HOST/root/var/lib/dpkg/lock" <"$T/commands" >"$T/agent" &
exec {commands}>"$T/commands"
echo "posix write try" >&"$commands"
check "the host has dpkg's lock" eventually 5 grep -q ok "$T/agent"
refusal=$(dpkg_into "$root" --install "$T/packages/alone.deb" 2>&1)
equal "dpkg in a container says so" yes "$([[ $refusal == *"locked by another process"* ]] && echo yes)"
exec {commands}>&-
wait "$!" 2>/dev/null
check "and installs when it is free" dpkg_into "$root" --install "$T/packages/alone.deb"
install_at_once "$root" quiet quiet
install_at_once "$root" killed killing
