# shellcheck shell=bash
# cache_env.sh: for the tests of what a view believes (docs/caching.md). `source` it after view_env.sh.
#
#   field_of KEY [DIR]            of `cvfs status --json`: watch.overflows, cache, processes.worker, …
#   hammer SENTENCE CHANGED SEEN SECONDS [BOUND_MS]   nothing is shown longer than so after it has ended
#   kill_workers_until FILE       again and again, until FILE is there

# Container root is the host's root here, on disk as well: both sides may do everything in toto:/data.
install -d -m 0777 "$T/containerdata/user-toto/data"
export as_root=userns=host,owner=map,storeuid=0,storegid=0

field_of() { # KEY [DIR]
  "$CVFS_BIN/cvfs" status --json "${2:-$T/view}" | python3 -c '
import json, sys
value = json.load(sys.stdin)
for view in (value if isinstance(value, list) else value.get("views", [value])):
    found = view.get("view", view)
    for key in sys.argv[1].split("."):
        found = found[key]
    print(found)' "$1"
}

hammer() { # SENTENCE CHANGED SEEN SECONDS [BOUND_MS]
  local said
  rm -rf "${2:?}"/d? "${2:?}/fresh"
  if said=$(cache_hammer "$2" "$3" "$4" 1000 "${5:-2000}" 2>&1); then
    ok "$1 (${said##*$'\n'})"
  else
    fail "$1" "$said"
  fi
}

kill_workers_until() { # FILE
  local worker
  until [[ -e $1 ]]; do
    worker=$(field_of processes.worker 2>/dev/null) && kill -KILL "$worker" 2>/dev/null
    sleep 0.2
  done
}
