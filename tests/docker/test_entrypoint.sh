#!/bin/bash
# What database images do: the entrypoint runs as root, gives the volume to its own user, becomes
# that user, and the program refuses to start unless it owns its directory and nobody else may enter.
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=../support/docker_env.sh
source "$(dirname "$(realpath "$0")")/../support/docker_env.sh"
start_docker_test "$@"

readonly view=/containerdata/user-toto disk=/volumes/user-toto
mount_view owner=map

# After docker-library/postgres' docker-entrypoint.sh and PostgreSQL's own check at start.
# shellcheck disable=SC2016  # for the container's shell
readonly entrypoint='
  set -eu
  fatal() { echo "FATAL: $*"; exit 1; }
  if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA"
    find "$PGDATA" \! -user postgres -exec chown postgres:postgres {} +
    chmod 700 "$PGDATA"
    exec su postgres -c "$ENTRYPOINT"
  fi
  cd "$PGDATA"
  [ "$(stat -c %u .)" = "$(id -u)" ] || fatal "data directory \"$PGDATA\" has wrong ownership"
  [ "$(stat -c %a .)" = 700 ] || fatal "data directory \"$PGDATA\" has invalid permissions"
  [ -e PG_VERSION ] || { umask 077; mkdir base; echo 15 >PG_VERSION; }
  [ "$(cat PG_VERSION)" = 15 ] || fatal "no database"
  echo start >>log
  echo "ready, starts: $(wc -l <log)"
  exec sleep 1000'

starts() { # NAME COUNT: the container says that it is ready for the COUNTth time
  docker logs "$1" 2>&1 | grep -qx "ready, starts: $2"
}

run_database() { # NAME PGDATA
  docker run -d --name "$1" -e "PGDATA=$2" -e "ENTRYPOINT=$entrypoint" -v "$view/$1:/data" \
    busybox sh -c "$entrypoint" >/dev/null
  eventually 20 starts "$1" 1 || true
  equal "$1: starts on a fresh volume" "ready, starts: 1" "$(docker logs "$1" 2>&1)"
  docker restart -t 0 "$1" >/dev/null
  eventually 20 starts "$1" 2 || true
  equal "$1: starts again" "ready, starts: 2" "$(docker logs "$1" 2>&1 | tail -n 1)"
  docker rm -f "$1" >/dev/null
}

run_database postgres /data
equal "postgres: owners on the view" "100999:100999 700 .
100999:100999 700 base
100999:100999 600 PG_VERSION" "$(owners $view/postgres . base PG_VERSION 2>&1)"
equal "postgres: owners on disk" "200998:200998 700 .
200998:200998 700 base
200998:200998 600 PG_VERSION" "$(owners $disk/postgres . base PG_VERSION 2>&1)"
fails_with "postgres: another uid stays out" "Permission denied" \
  box -u 1000 -v $view/postgres:/data -- ls /data

# The usual advice: a directory in the volume.
run_database postgres-below /data/pgdata
equal "postgres-below: the directory on disk" "200998:200998 700 pgdata" "$(owners $disk/postgres-below pgdata 2>&1)"

# A volume that the engine did not make, but the tenant.
runuser -u toto -- mkdir $disk/postgres-given
run_database postgres-given /data

unmount_view
finish
