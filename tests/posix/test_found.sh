#!/bin/bash
# What the differential tester found and was mended: a sentence each.
# shellcheck source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"
use_test_programs

view=$T/view

for owner in map virtual; do
  echo "# owner=$owner"
  mount_view toto "$view" "userns=host,owner=$owner"
  mkdir -m 0777 "$view/own"
  chmod 0711 "$view"
  chmod 0777 "$view/own"
  cd "$view/own" || exit 1

  as_uid 1000 1000 touch moved
  equal "a file is renamed and leaves a whiteout" ok "$(as_uid 1000 1000 attempt whiteout moved away)"
  equal "which belongs to who renamed it" '1000 1000 character special file' "$(stat -c '%u %g %F' moved)"

  as_uid 1000 1000 sh -c ': >big && chmod 6755 big'
  equal "a file cannot be longer than files can be" EFBIG "$(as_uid 1000 1000 attempt truncate big 9223372036854710272)"
  equal "which leaves it its setid bits" 6755 "$(stat -c %a big)"

  mkdir listed
  touch listed/a
  ls listed >/dev/null
  exec 5<listed
  for listing in 'os.listdir("listed")' 'os.listdir(5)'; do
    touch -a -d @1 listed
    python3 -c "import os; $listing"
    check "$listing moves its access time" [ "$(stat -c %X listed)" -gt 1 ]
  done
  exec 5<&-
  touch -a -d @1 listed
  python3 -c 'import os; os.listdir(os.open("listed", os.O_RDONLY | os.O_NOATIME))'
  equal "but not with O_NOATIME" 1 "$(stat -c %X listed)"

  cd / || exit 1
  rm -rf "$view/own"
  unmount_view
done
