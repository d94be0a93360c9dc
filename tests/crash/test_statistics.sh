#!/bin/bash
# What a view answers is counted, once a request, and goes on counting over a worker's death.
# shellcheck source-path=SCRIPTDIR source=../support/crash_env.sh
source "$(dirname "$0")/../support/crash_env.sh"

readonly MKDIR=9 RMDIR=11 UNLINK=10 BATCH_FORGET=42 FORGET=2 ACCESS=34

# Of the section `statistics` (7): summed over its 65 slots of 64 opcodes.
counted() { # OPCODE
  python3 - "$(supervisor)" "$1" <<'END'
import os, struct, sys
folder, opcode = f"/proc/{sys.argv[1]}/fd", int(sys.argv[2])
name = next(name for name in os.listdir(folder) if os.readlink(f"{folder}/{name}").startswith("/memfd:cvfs-state"))
fd = os.open(f"{folder}/{name}", os.O_RDONLY)
page = os.pread(fd, 4096, 0)
sections = [struct.unpack_from("<IIQQ", page, 24 + 24 * i) for i in range(struct.unpack_from("<I", page, 12)[0])]
offset = next(offset for kind, version, offset, size in sections if kind == 7 and version != 0)
slots = [struct.unpack("<QQ", os.pread(fd, 16, offset + (slot * 64 + opcode) * 16)) for slot in range(65)]
print(*map(sum, zip(*slots)))
END
}
forgets() { echo $(($(counted $FORGET | cut -d' ' -f1) + $(counted $BATCH_FORGET | cut -d' ' -f1))); }
has_forgotten() { (($(forgets) > 0)); }

make_and_remove() { # COUNT
  local number
  for number in $(seq "$1"); do mkdir "$T/view/load/$number"; done
  for number in $(seq "$1"); do
    : >"$T/view/load/$number/file"
    if rmdir "$T/view/load/$number" 2>/dev/null; then fail "what is not empty is not removed"; fi
  done
  for number in $(seq "$1"); do rm "$T/view/load/$number/file" && rmdir "$T/view/load/$number"; done
}

mount_crash_view ""
make_and_remove 20
equal "directories made, with that of the test itself" "21 0" "$(counted $MKDIR)"
equal "removed, and not" "40 20" "$(counted $RMDIR)"
equal "files removed" "20 0" "$(counted $UNLINK)"
kill_worker || fail "another worker takes over"
make_and_remove 20
equal "after a death they go on: made" "41 0" "$(counted $MKDIR)"
equal "removed, and not" "80 40" "$(counted $RMDIR)"
equal "files removed" "40 0" "$(counted $UNLINK)"
echo 2 >/proc/sys/vm/drop_caches
check "FORGETs are counted" eventually 5 has_forgotten
equal "what never comes is none" "0 0" "$(counted $ACCESS)"

echo "# under load, with deaths: each request once"
before=$(counted $MKDIR | cut -d' ' -f1)
(for number in {1..600}; do mkdir "$T/view/load/$number" || exit 1; done) &
load=$!
kill_until_ended "$load" 20 120
check "nobody notices" wait "$load"
after=$(counted $MKDIR | cut -d' ' -f1)
echo "      $(summary); $((after - before)) counted of 600"
# A death between an answer and its count loses one.
check "none is counted twice" test $((after - before)) -le 600
check "hardly one is missed" test $((after - before)) -ge $((600 - $(deaths)))
