#!/bin/bash
# cvfs doctor and cvfs explain beside a real engine: bind sources that are missing or of the wrong kind,
# and a container that is explained by its name.
# shellcheck source-path=SCRIPTDIR source=../support/docker_env.sh
source "$(dirname "$0")/../support/docker_env.sh"
start_docker_test "$@"

cvfs=$cvfs_bin/cvfs
binds() {
  "$cvfs" doctor --json | python3 -c 'import json, sys
for f in json.load(sys.stdin):
    if f["check"] == "bind sources": print(f["severity"] + ": " + f["what"])'
}

mount_view ''
mkdir -p /containerdata/user-toto/app
equal "no container, no bind" "ok: those of all containers are there" "$(binds)"
docker create --name late --network none -v /containerdata/user-toto/later:/data -v /containerdata/user-toto/zone:/etc/localtime busybox true >/dev/null
rmdir /containerdata/user-toto/later 2>/dev/null
mkdir -p /containerdata/user-toto/zone
equal "a source that is missing, and a directory where a file is meant" \
  "error: late: /containerdata/user-toto/zone is a directory, and /etc/localtime is meant to be a file
warning: late: /containerdata/user-toto/later is missing; docker would make a directory of root's" "$(binds | sort)"
docker rm late >/dev/null

docker run -d --name web --network none -u 1000 -v /containerdata/user-toto/app:/data:ro busybox sleep 600 >/dev/null
equal "a container by its name: its ids, and its mount" "101000 1000 the mount is read-only start the container without :ro on /data" \
  "$("$cvfs" explain /data --container web --json |
    python3 -c 'import json, sys; e = json.load(sys.stdin); print(e["asker"]["uid"], e["asker"]["container_uid"], e["access"]["create"]["why"], e["changes"][0])')"
equal "which is what it is told" 1 "$(docker exec web touch /data/x >/dev/null 2>&1; echo $?)"
docker rm -f web >/dev/null
fails_with "one that is no container" "web: " "$cvfs" explain /data --container web
unmount_view
finish
