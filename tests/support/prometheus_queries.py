"""prometheus_queries.py DASHBOARD RULES DIRECTORY CVFS

Debian's own Prometheus scrapes the views of this machine by `cvfs metrics --http`, as inetd would start it, and
is asked every query of the dashboard and of the rules: each must be one, and have an answer. To be run in a
network namespace of its own. Prints a line a query: "ok" or what is wrong.
"""
import fcntl
import json
import pathlib
import re
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request

SECONDS = 40  # until all have an answer


def bring_loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14s", b"lo", 0x1 | 0x40, b""))  # SIOCSIFFLAGS


def serve(listener, cvfs):
    while True:
        client, _ = listener.accept()
        with client:
            subprocess.run([cvfs, "metrics", "--http"], stdin=client, stdout=client, check=False)


def queries(dashboard, rules):
    for panel in json.loads(pathlib.Path(dashboard).read_text())["panels"]:
        for target in panel["targets"]:
            text = target["expr"].replace("$__rate_interval", "5s").replace("$view", ".*")
            yield f"{panel['title']}, {target['refId']}", text
    for expression in re.findall(r"expr: (.*)", pathlib.Path(rules).read_text()):
        # What it compares with: that there is something to compare.
        yield f"rule {expression}", re.sub(r" (==|>) [0-9]+$", "", expression).replace("[5m]", "[5s]")


def ask(port, expression):
    url = f"http{':'}//127.0.0.1:{port}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:
            answer = json.load(reply)
    except urllib.error.HTTPError as error:
        return json.load(error).get("error", "refused")
    except OSError as error:
        return f"no answer: {error}"
    return "" if answer["data"]["result"] else "nothing"


def main():
    dashboard, rules, directory, cvfs = sys.argv[1:]
    bring_loopback_up()
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listener, cvfs), daemon=True).start()
    scraped, own = listener.getsockname()[1], 9090
    config = pathlib.Path(directory) / "prometheus.yml"
    config.write_text(json.dumps({
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [{"job_name": "cvfs", "static_configs": [{"targets": [f"127.0.0.1:{scraped}"]}]}]}))
    prometheus = subprocess.Popen(
        ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={directory}/data",
         f"--web.listen-address=127.0.0.1:{own}", "--log.level=error"])
    try:
        wanted, end = dict(queries(dashboard, rules)), time.monotonic() + SECONDS
        answers = {}
        while time.monotonic() < end:
            time.sleep(1)
            answers = {name: ask(own, text) for name, text in wanted.items()}
            if not any(answers.values()):
                break
        for name, wrong in answers.items():
            print(f"{name}: {wrong or 'ok'}")
        return 1 if not answers or any(answers.values()) else 0
    finally:
        prometheus.terminate()
        prometheus.wait()


if __name__ == "__main__":
    sys.exit(main())
