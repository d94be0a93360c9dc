#!/bin/bash
# cvfs metrics and cvfs top: what a view counts is what was asked of it, over a worker's death, too; Prometheus
# reads it, and every query of the dashboard has an answer.
# shellcheck source-path=SCRIPTDIR source=../support/crash_env.sh
source "$(dirname "$0")/../support/crash_env.sh"

readonly cvfs=$CVFS_BIN/cvfs
readonly prometheus=$CVFS_SOURCE/cmake/package/examples/prometheus
use_test_programs

metric() { "$cvfs" metrics | grep -F "$1{" | grep -F "${2:-}" | sed 's/.* //'; } # NAME [LABEL]
operations() { metric cvfs_operations_total "operation=\"$1\""; }
errors() { metric cvfs_operation_errors_total "operation=\"$1\",errno=\"$2\""; }
field() { python3 -c 'import json, sys; print(eval(sys.argv[1], {"top": json.loads(sys.stdin.readline())}))' "$1"; }
make_directories() { local number; for number in $(seq "$1" "$2"); do mkdir "$T/view/load/$number"; done; }

mount_crash_view ""
equal "what nobody asked for is not counted" "" "$(operations rmdir)"
make_directories 1 20
for number in {1..7}; do rmdir "$T/view/load/none$number" 2>/dev/null; done
mkdir "$T/view/load/1/full"
for number in {1..3}; do rmdir "$T/view/load/1" 2>/dev/null; done
equal "directories made, with that of the test itself" 22 "$(operations mkdir)"
equal "each is in the histogram" 22 "$(metric cvfs_operation_seconds_count 'operation="mkdir"')"
equal "and in its last bucket" 22 "$(metric cvfs_operation_seconds_bucket 'operation="mkdir",le="+Inf"')"
equal "errors by errno" 3 "$(errors rmdir ENOTEMPTY)"
equal "those that were none are not" "" "$(errors mkdir EEXIST)"
kill_worker || fail "another worker takes over"
make_directories 21 30
equal "after a death they go on" 32 "$(operations mkdir)"
equal "with their times" 32 "$(metric cvfs_operation_seconds_count 'operation="mkdir"')"
equal "and their errors" 3 "$(errors rmdir ENOTEMPTY)"
equal "the death is counted" 1 "$(metric cvfs_restarts_total 'process="worker"')"
equal "the view is up" 1 "$(metric cvfs_up)"
equal "held locks are counted" 1 "$(exec 9>"$T/view/load/lock" && flock 9 && metric cvfs_locks_held)"

echo "# latencies are what they are: a request that waits for a disk"
slow_before=$(metric cvfs_operation_seconds_bucket 'operation="mkdir",le="0.262144"')
fsfreeze -f "$T/containerdata"
(sleep 0.6; fsfreeze -u "$T/containerdata") &
mkdir "$T/view/load/slow"
wait $!
equal "one more, and not below a quarter of a second" "$slow_before 33" \
  "$(metric cvfs_operation_seconds_bucket 'operation="mkdir",le="0.262144"') $(metric cvfs_operation_seconds_count 'operation="mkdir"')"

echo "# top"
as_uid 0 0 python3 -c 'import os, sys, time
end = time.monotonic() + 30
while time.monotonic() < end:
    try: os.rmdir(sys.argv[1] + "/load/1")
    except OSError: pass' "$T/view" &
busy=$!
sleep 0.3
shown=$("$cvfs" top --count 1 --interval 0.5 --json)
check "requests are seen" test "$(field 'top["views"][0]["operations_per_second"] > 100' <<<"$shown")" == True
check "as are errors" test "$(field 'top["views"][0]["errors_per_second"] > 50' <<<"$shown")" == True
check "and how long they took" test "$(field '0 < top["views"][0]["p50_us"] <= top["views"][0]["p99_us"] < 1e6' <<<"$shown")" == True
check "and whose they are" test "$(field 'top["containers"][0]["operations_per_second"] > 100 and top["containers"][0]["cgroup"][0]' <<<"$shown")" == /
shown=$("$cvfs" top --count 2 --interval 0.2)
equal "without a terminal: tables, one a look" 2 "$(grep -c '^OPS/S  ERR/S  P50 ' <<<"$shown")"
check "with no escape sequence" bash -c '! grep -q $'"'\\\\033'" <<<"$shown"
shown=$(script -qec "stty rows 3 cols 20; '$cvfs' top --count 1 --interval 0.2" /dev/null | tr -d '\r')
shown=${shown//$'\e['[HJ]/}
check "a small terminal is enough" test "$(awk 'length > 20' <<<"$shown" | wc -l)" == 0
check "of three lines" test "$(wc -l <<<"$shown")" -le 3
expect_fail 1 "interval" "$cvfs" top --interval 0
expect_fail 32 "no such view" "$cvfs" top /srv/none

echo "# HTTP"
http() { printf "%b" "$1" | "$cvfs" metrics --http; } # REQUEST
check "GET /metrics is answered" test "$(http 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n' | head -n 1 | tr -d '\r')" == "HTTP/1.1 200 OK"
http 'GET /metrics HTTP/1.1\r\n\r\n' >"$T/answer"
equal "with as many bytes as it says" "$(sed '1,/^\r$/d' "$T/answer" | wc -c)" \
  "$(sed -n 's/^Content-Length: \([0-9]*\)\r$/\1/p' "$T/answer")"
for wrong in "GET / HTTP/1.1:404" "POST /metrics HTTP/1.1:405" "nonsense:400"; do
  equal "${wrong%:*} is ${wrong##*:}" "${wrong##*:}" "$(http "${wrong%:*}\r\n\r\n" | head -n 1 | cut -d' ' -f2)"
done
check "a client that says nothing whole is no client" bash -c "! printf 'GET /metr' | '$cvfs' metrics --http"

echo "# Prometheus"
if command -v prometheus promtool >/dev/null; then
  check "the text is as promtool wants it" bash -c "'$cvfs' metrics | promtool check metrics"
  check "the rules are rules" promtool check rules "$prometheus/alerts.yml"
  mkdir "$T/prometheus"
  check "every query of the dashboard and the rules has an answer" unshare --net \
    python3 "$CVFS_SOURCE/tests/support/prometheus_queries.py" "$prometheus/grafana-dashboard.json" "$prometheus/alerts.yml" \
    "$T/prometheus" "$cvfs"
else
  echo "      no Prometheus here"
fi
kill "$busy"
wait "$busy" 2>/dev/null

echo "# a view that is dead"
lose_view
equal "is not up" 0 "$("$cvfs" metrics 2>/dev/null | grep -F 'cvfs_up{' | sed 's/.* //')"
expect_fail 32 "its processes are gone" "$cvfs" metrics
check "and top says so" bash -c "'$cvfs' top --count 1 --interval 0.1 | grep -q '^dead '"
umount "$T/view"
