"""What cvfs wants to reach, and whether it does: {goal: (cells, whose, against whom, at least how fast)}.

Speeds are ratios: 0.95 means that it may take 1/0.95 of the time.
"""
import re

from harness import results

_MUTATING = "open_close|create|create_excl|unlink|rename|mkdir|rmdir|symlink|link|chmod|stat_cold|readdir_cold"

GOALS = [
    ("data from 64k on, mmap and O_DIRECT: 0.95 of the kernel's idmapped mount",
     r"data/(buffered/.*-(64k|1M)/.*|mmap/.*|direct/.*)", "cvfs", "idmapped", 0.95),
    ("cached 4k reads and writes: 0.70 of it", r"micro/p(read|write)_4k/.*", "cvfs", "idmapped", 0.70),
    ("pgbench and sqlite: 0.95 of it", r"programs/(pgbench|sqlite_.*)", "cvfs", "idmapped", 0.95),
    ("a C++ build: 1.05 times native's time", r"programs/cxx_build", "cvfs", "native", 1 / 1.05),
    ("without passthrough, all data: as fast as the best peer", r"data/.*", "cvfs passthrough=off", "best peer", 1.0),
    ("cold and mutating operations: twice as fast as the best peer", rf"micro/({_MUTATING})/.*", "cvfs", "best peer",
     2.0),
    ("warm stat: 0.80 of native", r"micro/stat_warm/.*", "cvfs", "native", 0.80),
    ("missing names, warm readdir: native", r"micro/(stat_missing|readdir_warm)/.*", "cvfs", "native", 1.0),
    ("git status: 1.2 times native's time", r"programs/git_status", "cvfs", "native", 1 / 1.2),
    ("git clone: 2.5 times", r"programs/git_clone", "cvfs", "native", 1 / 2.5),
    ("find with stat, grep -r: 2 times", r"programs/(find_stat|grep|rg)", "cvfs", "native", 1 / 2),
    ("tar x: 4 times", r"programs/tar_x", "cvfs", "native", 1 / 4),
    ("rm -r: 3 times", r"programs/rm_r", "cvfs", "native", 1 / 3),
]


def judge(doc):
    """Yields (goal, least speed wanted, cells that reach it, cells, (worst cell, its speed))."""
    for goal, pattern, whose, against, least in GOALS:
        speeds = {cell["id"]: results.speed_against(doc, cell, whose, against)
                  for cell in doc["cells"] if re.fullmatch(pattern, cell["id"]) and whose in cell["peers"]}
        speeds = {cell: speed for cell, speed in speeds.items() if speed is not None}
        if speeds:
            worst = min(speeds.items(), key=lambda item: item[1])
            yield goal, least, sum(speed >= least for speed in speeds.values()), len(speeds), worst
