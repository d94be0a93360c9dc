#!/bin/bash
# The tenant's user edits container root's files on the host, and the container sees it; and the
# other way round.
# shellcheck disable=SC2016  # what stands in single quotes is for other shells
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../support/docker_env.sh
source "$(dirname "$(realpath "$0")")/../support/docker_env.sh"
start_docker_test "$@"

readonly view=/containerdata/user-toto disk=/volumes/user-toto
readonly kCacheSeconds=1 # by far, with cache=notify, the default; cache=ttl:1 where nothing can be watched

as_toto() { # COMMAND, for a shell
  setpriv --reuid toto --regid toto --clear-groups sh -c "cd $disk/site && $1" 2>&1
}

in_container() { # COMMAND, for a shell
  docker exec web sh -c "cd /data && $1" 2>&1
}

container_sees() { # COMMAND OUTPUT
  [[ $(in_container "$1") == "$2" ]]
}

mount_view owner=map
docker run -d --name web -v $view/site:/data busybox sleep 1000 >/dev/null
in_container 'echo "made in the container" >index.html; echo "one" >list' || true

equal "container root's files are the tenant's on disk" "1500:1500 644 index.html" "$(owners $disk/site index.html 2>&1)"
equal "the tenant edits in place" "" "$(as_toto 'printf MADE | dd of=index.html conv=notrunc status=none')"
equal "the container sees the change at once" "MADE in the container" "$(in_container 'cat index.html')"
# Without passthrough (Linux before 6.9), a file ends where the kernel believes that it does.
equal "the tenant appends" "" "$(as_toto 'echo "edited on the host" >>index.html')"
eventually $kCacheSeconds container_sees 'cat index.html | wc -l' 2 || true
equal "the container sees that, too" "MADE in the container
edited on the host" "$(in_container 'cat index.html')"
equal "and the file is still container root's" "0:0" "$(in_container 'stat -c %u:%g index.html')"

equal "the container edits" "" "$(in_container 'echo "and in the container" >>index.html')"
equal "the tenant sees the change at once" "MADE in the container
edited on the host
and in the container" "$(as_toto 'cat index.html')"
equal "and the file is still the tenant's" "1500:1500 644 index.html" "$(owners $disk/site index.html 2>&1)"

equal "the tenant makes a file" "" "$(as_toto 'echo new >from-host; chmod 600 from-host')"
equal "the container sees it at once, as its own" "0:0 600 new" "$(in_container 'echo $(stat -c "%u:%g %a" from-host) $(cat from-host)')"
equal "the container makes a file" "" "$(in_container 'echo new >from-container; chmod 600 from-container')"
equal "the tenant sees it at once, as their own" "1500:1500 600 new" \
  "$(as_toto 'echo $(stat -c "%u:%g %a" from-container) $(cat from-container)')"

# Editors write a new file and rename it. Names and attributes may be as old as the cache allows.
equal "the tenant's editor replaces a file" "" "$(as_toto 'echo two >list.new && mv list.new list')"
eventually $kCacheSeconds container_sees 'cat list' two || true
equal "the container sees the new one" "two 0:0" "$(in_container 'echo $(cat list) $(stat -c %u:%g list)')"
equal "the tenant truncates a file" "" "$(as_toto ': >index.html')"
eventually $kCacheSeconds container_sees 'stat -c %s index.html' 0 || true
equal "the container sees its new size" "0" "$(in_container 'stat -c %s index.html')"
equal "the tenant removes a file" "" "$(as_toto 'rm index.html')"
eventually $kCacheSeconds container_sees '[ -e index.html ] || echo gone' gone || true
equal "the container does not see it any more" "gone" "$(in_container '[ -e index.html ] || echo gone')"

# A file of another container uid is not the tenant's to write: it has a stored uid of its own.
equal "uid 1000 makes a file" "" "$(docker exec -u 1000 web sh -c 'echo mine >/tmp/x' 2>&1)"
box -u 1000 -v $view/app:/data -- sh -c 'echo mine >/data/file' || true
equal "the tenant reads it" "mine" "$(as_toto 'cat ../app/file')"
fails_with "but may not write to it" "Permission denied" as_toto 'echo no >>../app/file'

docker rm -f web >/dev/null
unmount_view
finish
