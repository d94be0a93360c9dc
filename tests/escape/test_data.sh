#!/bin/bash
# Contents: by shared blocks, by what is kept of removed files, by core dumps. Nobody reads or writes a byte
# that is not theirs, with passthrough and without.
# shellcheck source-path=SCRIPTDIR source=../support/escape_env.sh
source "$(dirname "$0")/../support/escape_env.sh"

readonly attempts=$CVFS_SOURCE/tests/escape/attempts.py

test_clones() {
  class "blocks of files outside (FICLONE, FIDEDUPERANGE, copy_file_range: is the source's mode looked at?)"
  local uid
  for uid in 0 1000; do
    equal "$uid gets none into the view, and nothing of what it may not read" "" \
      "$(in_container "$uid" python3 "$attempts" clones_of "$outside/file" "$outside/secret" "$view/d/clone$uid" | grep -w ok)"
    equal "$uid: there is nothing in it" "" "$(cat "$tree/d/clone$uid")"
  done
}

test_reuse() {
  class "descriptors, mappings and names of removed files, whose inode numbers are given to others (FORGET and reuse; CVE-2020-36322, CVE-2021-28950: inodes of FUSE gone stale)"
  local i
  mkfifo "$T/go"
  start_in_container 1000 python3 "$attempts" keep_removed "$view/d" 60 <>"$T/go" >"$T/seen"
  eventually 10 grep -q removed "$T/seen" || fail "the files are removed" "$(cat "$T/seen")"
  for ((i = 0; i < 150; ++i)); do echo "theirs $i" >"$T/theirs$i"; done
  # shellcheck disable=SC2016  # for the container's shell
  in_container 1001:1001 bash -c 'umask 077; for ((i = 0; i < 150; ++i)); do echo "theirs $i" >"$0/theirs$i"; done' "$view/d"
  echo >"$T/go"
  wait $!
  equal "who kept them sees their own, or nothing" removed "$(cat "$T/seen")"
  local changed=
  for ((i = 0; i < 150; ++i)); do cmp -s "$T/theirs$i" "$tree/d/theirs$i" || changed+=" $i"; done
  equal "and has written to none of the others'" "" "$changed"
  in_container 1001 bash -c "rm $view/d/theirs*"
  rm "$T/go" "$T"/theirs*
}

test_core_dumps() {
  class "core dumps (CVE-2006-2451: dumps where root looks; CVE-2015-5287, CVE-2022-4415: who writes and reads them)"
  equal "no container says where they go" EACCES "$(in_container 0 attempt write /proc/sys/kernel/core_pattern '|/bin/true')"
  in_container 1001 sh -c "echo theirs >$view/d/victim && chmod 0666 $view/d/victim"
  local target kind
  for target in "$outside/file" "$others/secret" "$view/d/victim" /etc/cron.d/job; do
    for kind in symlink link; do
      # shellcheck disable=SC2016  # for the container's shell
      in_container 1000:1000 bash -c '
        mkdir -p "$1" && cd "$1" || exit
        for name in core "core.$$"; do
          if [[ $3 == symlink ]]; then ln -s "$2" $name; else ln "$2" $name; fi
        done
        ulimit -c "$(ulimit -Hc)"
        kill -SEGV $$' - "$view/d/dumps" "$target" "$kind" 2>/dev/null
      in_container 1000 rm -rf "$view/d/dumps"
    done
  done
  equal "none went where a name led" theirs "$(cat "$tree/d/victim")"
  check "nor to where root's cron looks" test ! -e /etc/cron.d/job
  in_container 1000:1000 bash -c "mkdir $view/d/dumps && cd $view/d/dumps && ulimit -c \"\$(ulimit -Hc)\" && kill -SEGV \$\$" 2>/dev/null
  equal "what lies there, if anything, is their own" "" "$(in_container 1000:1000 find "$view/d/dumps" -type f ! -user 1000)"
  equal "and its mode is for them alone" "" "$(find "$tree/d/dumps" -type f -perm /077)"
  in_container 1000 rm -rf "$view/d/dumps"
}

for options in passthrough=auto passthrough=off owner=virtual; do
  echo "# ==== $options"
  mount_view toto "$view" "userns=@dockremap,$options"
  chmod 0711 "$view"
  in_container 0 mkdir -m 1777 "$view/d"
  test_clones
  test_reuse
  test_core_dumps
  in_container 0 rm -rf "$view/d"
  unmount_view
  nothing_gained
done
