#!/bin/bash
# The kernel keeps a directory's listing and believes it (FOPEN_CACHE_DIR): nobody is shown an old one, however
# many list and change the directory at a time.
# shellcheck source-path=SCRIPTDIR source=../support/view_env.sh
source "$(dirname "$0")/../support/view_env.sh"

# Each makes and removes names of its own in one directory, and lists it after each: what it has made must be
# there, what it has removed must not. Prints how often that was not so.
change_and_list() { # DIRECTORY PROCESSES SECONDS
  python3 - "$@" <<'END'
import os, random, sys, time
directory, processes, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])

def work(number):
    random.seed(number)
    end, wrong, own = time.monotonic() + seconds, 0, set()
    while time.monotonic() < end:
        name = f"{number}-{random.randrange(100)}"
        path = f"{directory}/{name}"
        if name in own:
            os.unlink(path)
            own.remove(name)
        else:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o644))
            own.add(name)
        listed = {each for each in os.listdir(directory) if each.startswith(f"{number}-")}
        wrong += listed != own
    return wrong

readers = []
for number in range(processes):
    reader, writer = os.pipe()
    readers.append(reader)
    if os.fork() == 0:
        os.write(writer, str(work(number)).encode())
        os._exit(0)
    os.close(writer)
print(sum(int(os.read(reader, 32)) for reader in readers))
END
}

for options in cache=notify cache=ttl:3600; do
  if ! mount_view toto "$T/view" "userns=@dockremap,$options" 2>"$T/why"; then
    [[ $options == cache=notify ]] || fail "$options" "$(cat "$T/why")"
    echo "skipped here: $(cat "$T/why")"
    continue
  fi
  mkdir "$T/view/busy"
  equal "$options: each listing is right" 0 "$(change_and_list "$T/view/busy" 4 "${CVFS_LISTING_SECONDS:-3}")"
  rm -r "$T/view/busy"
  unmount_view
done
