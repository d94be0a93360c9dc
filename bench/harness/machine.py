"""What it was measured on. No names: only what decides about speed."""
import datetime
import os
import pathlib
import platform
import re

from harness import backing
from harness.private import sh

_ROOT = pathlib.Path(__file__).resolve().parents[2]


def describe(kind):
    cpus = re.findall(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory_kb = int(re.search(r"^MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text(), re.MULTILINE)[1])
    return {
        "cpu": cpus[0] if cpus else platform.machine(),
        "cpus": os.cpu_count(),
        "memory_gib": round(memory_kb / (1 << 20), 1),
        "kernel": platform.release(),
        "system": _system(),
        "libfuse": _package_version("fuse3"),
        "liburing": _package_version("liburing"),
        "backing": backing.describe(kind),
        "cvfs": sh("git", "-C", _ROOT, "-c", "safe.directory=*", "describe", "--always", "--dirty").strip(),
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _system():
    release = dict(line.split("=", 1) for line in pathlib.Path("/etc/os-release").read_text().splitlines()
                   if "=" in line)
    version = pathlib.Path("/etc/debian_version")
    name = release.get("PRETTY_NAME", "Linux").strip('"')
    return f"{name} ({version.read_text().strip()})" if version.exists() else name


def _package_version(name):
    try:
        return sh("pkg-config", "--modversion", name,
                  env={**os.environ, "PKG_CONFIG_PATH": os.fspath(_ROOT / ".deps/lib/pkgconfig")}).strip()
    except RuntimeError:
        return "?"
