#!/bin/bash
# The Debian package in a Debian 12 and a Debian 13: it installs, is upgraded while a view is under load, and is
# removed and purged; nobody who uses a view notices, and nothing is left but data. The Debians are
# scripts/bootstrap's (--debian), and see no network.
# shellcheck source-path=SCRIPTDIR source=../support/crash_env.sh
source "$(dirname "$0")/../support/crash_env.sh"

readonly packages=$T/packages
debian= # the root directory of the one that is being tested

in_debian() { chroot "${debian:?}" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"; }

# ---- packages ------------------------------------------------------------------------------------

make_package() {
  cpack --config "$CVFS_BIN/../CPackConfig.cmake" -B "$T/cpack" >"$T/cpack.log" 2>&1 || return
  mkdir -p "$packages" && mv "$T"/cpack/*.deb "$packages/cvfs.deb"
}

# The same with another version and another cvfsd.
make_other_package() { # NAME VERSION PROGRAM
  local tree=$T/repacked
  rm -rf "$tree" && dpkg-deb -R "$packages/cvfs.deb" "$tree" || return
  sed -i "s/^Version: .*/Version: $2/" "$tree/DEBIAN/control"
  install -m 0755 "$3" "$tree/usr/sbin/cvfsd"
  dpkg-deb --root-owner-group -Zgzip -z1 -b "$tree" "$packages/$1.deb" >/dev/null
}

contents() { dpkg-deb -c "$packages/cvfs.deb" | awk '{ print $1, $2, $6 }'; }
has_entry() { grep -qxF -- "$1" <<<"$(contents)"; } # "MODE OWNER NAME"

check_contents() {
  local entry
  for entry in "-rwxr-xr-x root/root ./usr/bin/cvfs" "-rwxr-xr-x root/root ./usr/sbin/cvfsd" \
    "-rwxr-xr-x root/root ./usr/sbin/mount.cvfs" "lrwxrwxrwx root/root ./usr/sbin/mount.fuse.cvfs" \
    "-rw-r--r-- root/root ./etc/cvfs/cvfs.conf" "-rw-r--r-- root/root ./usr/lib/tmpfiles.d/cvfs.conf" \
    "-rw-r--r-- root/root ./usr/share/man/man8/mount.cvfs.8.gz" "-rw-r--r-- root/root ./usr/share/man/man7/cvfs.7.gz" \
    "-rw-r--r-- root/root ./usr/share/bash-completion/completions/cvfs" \
    "-rw-r--r-- root/root ./usr/share/zsh/vendor-completions/_cvfs" \
    "-rw-r--r-- root/root ./usr/share/doc/cvfs/copyright" "-rw-r--r-- root/root ./usr/share/doc/cvfs/changelog.gz" \
    "-rw-r--r-- root/root ./usr/lib/systemd/system/cvfs-metrics.socket" \
    "-rw-r--r-- root/root ./usr/share/doc/cvfs/examples/prometheus/grafana-dashboard.json" \
    "-rw-r--r-- root/root ./usr/share/doc/cvfs/docs/mounting.md" "drwxr-xr-x root/root ./usr/sbin/"; do
    check "the package has $entry" has_entry "$entry"
  done
  mkdir -p "$T/unpacked" && dpkg-deb -x "$packages/cvfs.deb" "$T/unpacked"
  zcat "$T/unpacked/usr/share/doc/cvfs/changelog.gz" >"$T/changelog"
  equal "its changelog has Debian's form" "$("$CVFS_BIN/cvfsd" --version)" "$(dpkg-parsechangelog -l "$T/changelog" -S Version 2>&1)"
  check "with what is new" grep -q '^  \* Views of tenants' "$T/changelog"
  equal "nothing outside /etc and /usr" "./etc/ ./usr/" "$(contents | awk '{ print $3 }' | grep -oE '^\./([^/]*/)?' | sort -u | xargs)"
  equal "it needs only what every Debian has" "libc6 libgcc-s1 libseccomp2 libstdc++6 mount" \
    "$(dpkg-deb -f "$packages/cvfs.deb" Depends | tr ',' '\n' | awk '{ print $1 }' | sort | xargs)"
  equal "its version is the project's" "$("$CVFS_BIN/cvfsd" --version)" "$(dpkg-deb -f "$packages/cvfs.deb" Version)"
}

# ---- a Debian ------------------------------------------------------------------------------------

enter_debian() { # SUITE
  debian=$T/$1
  mkdir -p "$debian" "$T/$1.upper" "$T/$1.work"
  mount -t overlay -o "lowerdir=$CVFS_SOURCE/build/debian/$1,upperdir=$T/$1.upper,workdir=$T/$1.work" overlay "$debian" || return
  mkdir -p "$debian/containerdata" "$debian/packages"
  mount -t proc proc "$debian/proc"
  mount --rbind /dev "$debian/dev"
  mount -t tmpfs tmpfs "$debian/run"
  mount --bind "$packages" "$debian/packages"
  mount --bind "$T/containerdata" "$debian/containerdata"
  in_debian groupadd --gid 1500 toto
  in_debian useradd --no-create-home --uid 1500 --gid 1500 toto
  rm -rf "$T/view" && ln -s "$debian/srv/toto" "$T/view"
}

leave_debian() { umount -R "$debian" && rm -rf "$debian.upper" "$debian.work"; }

# What there is, without what dpkg and apt keep for themselves, and without data.
everything() {
  find "$debian" -xdev \( -path "$debian/var/lib/dpkg" -o -path "$debian/var/log" -o -path "$debian/var/cache" \
    -o -path "$debian/var/lib/apt" -o -path "$debian/srv/toto" \) -prune -o -print | sort
}

install_by_apt() { in_debian apt-get -q -y install "$1"; } # FILE
served_version() { in_debian cvfs status --json /srv/toto | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["version"])'; }
serves() { [[ $(cat "$T/view/data") == data ]] && echo more >"$T/view/more" && rm "$T/view/more"; }
is_served_by() { [[ $(served_version) == "$1" ]]; } # VERSION

mount_the_view() {
  in_debian mount -t cvfs toto:/ /srv/toto || return
  mkdir -p "$T/view/load"
  chmod 0777 "$T/view" "$T/view/load"
  echo data >"$T/view/data"
}

# ---- its life ------------------------------------------------------------------------------------

install_it() {
  check "apt installs it, with nothing to fetch" install_by_apt /packages/cvfs.deb
  check "a tenant is added" in_debian cvfs tenant add toto --mountpoint /srv/toto
  echo "uidmap=0:100000:65536" >>"$debian/etc/cvfs/cvfs.conf"
  check "a view is mounted by mount(8)" mount_the_view
  check "and remounted" in_debian mount -o remount,noatime /srv/toto
  check "it serves" serves
  check "its manual is there" test -s "$debian/usr/share/man/man8/mount.cvfs.8.gz"
}

upgrade_it() {
  local said load
  load 5 2 &
  load=$!
  sleep 1
  said=$(install_by_apt /packages/next.deb 2>&1) || fail "it is upgraded while the view is in use" "$said"
  check "the view goes on with the new build" is_served_by 9.9.9-test
  check_load "and nobody who uses it notices" "$load"
  check "the configuration stays as the administrator wrote it" grep -q '^uidmap=' "$debian/etc/cvfs/cvfs.conf"
}

upgrade_to_what_refuses() {
  local said
  said=$(in_debian dpkg -i /packages/broken.deb 2>&1) || fail "an upgrade does not fail for a view that refuses" "$said"
  check "it says which" grep -q '^cvfs: /srv/toto: ' <<<"$said"
  check "and that they go on as they are" grep -q '^cvfs: some views go on with the build that they have' <<<"$said"
  check "which is true" is_served_by 9.9.9-test
  check "and the next one is taken" in_debian dpkg -i /packages/next.deb
  check "so the view serves" serves
}

# What is mounted needs none of the package's files.
remove_it() {
  local said
  said=$(in_debian dpkg -r cvfs 2>&1) || fail "it is removed" "$said"
  check "which says what goes on" grep -qx '  umount /srv/toto' <<<"$said"
  check "no program of it is left" bash -c '! ls "$0"/usr/*bin/*cvfs* 2>/dev/null' "$debian"
  check "the view serves" serves
  kill -KILL "$(worker)"
  check "also when its worker dies" serves
  check "and is complete again" eventually 5 is_complete
  kill -KILL "$(supervisor)" "$(standby)"
  check "and when it has to start its program, which is deleted" eventually 5 is_complete
  check "it serves still" serves
}

purge_it() { # BEFORE
  check "a purge leaves the view alone" in_debian dpkg -P cvfs
  check "it serves" serves
  check "and can still be asked" test -S "$(echo "$debian"/run/cvfs/*.sock)"
  check "it is unmounted as ever" in_debian umount /srv/toto
  check "and ends" eventually 5 no_daemon
  check "it is installed and purged again" eval 'in_debian dpkg -i /packages/cvfs.deb && in_debian dpkg -P cvfs'
  equal "nothing is left of it" "" "$(diff "$1" <(everything))"
  equal "nor in /run" "" "$(find "$debian/run" -name '*cvfs*')"
  equal "but the data" data "$(cat "$T/containerdata/user-toto/data")"
}

is_complete() {
  local kind
  for kind in cvfsd cvfsd-worker cvfsd-standby; do [[ $(processes_named "$kind" | wc -l) == 1 ]] || return; done
}

live_in() { # SUITE
  echo "# $1"
  enter_debian "$1" || { fail "there is a Debian $1"; return; }
  everything >"$T/before"
  install_it
  upgrade_it
  [[ $1 != bookworm ]] || upgrade_to_what_refuses
  remove_it
  purge_it "$T/before"
  check "it can be left" eventually 5 leave_debian
}

command -v mmdebstrap >/dev/null || skip "no mmdebstrap here"
for suite in bookworm trixie; do
  [[ -d $CVFS_SOURCE/build/debian/$suite ]] || "$CVFS_SOURCE/scripts/bootstrap" --debian || skip "no Debian $suite here"
done
check "the package is made" make_package
check "and one of a later version" make_other_package next 9.9.9 "$CVFS_BIN/cvfsd-next"
check "and one that takes no view over" make_other_package broken 9.9.10 /bin/false
check_contents
live_in bookworm
live_in trixie
