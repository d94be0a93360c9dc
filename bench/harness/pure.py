"""The pure code on a request's way, by Google Benchmark (bench/pure)."""
import json
import os
import pathlib
import re

from harness.private import sh


def run(only):
    """[{name, ns}], or nothing where it is not built or not asked for."""
    program = pathlib.Path(os.environ["CVFS_BIN"]) / "bench_pure"
    if not program.exists() or not re.search(only or "", "pure code"):
        return []
    # Of several repetitions the median is reported.
    text = sh(program, "--benchmark_format=json", "--benchmark_min_time=0.05", "--benchmark_repetitions=3",
              "--benchmark_report_aggregates_only=true")
    entries = json.loads(text[text.index("{"):])["benchmarks"]
    return [{"name": entry["run_name"], "ns": entry[_clock(entry)]} for entry in entries
            if entry.get("aggregate_name") == "median"]


def _clock(entry):
    """The processor's time, unless threads wait for each other."""
    return "real_time" if "real_time" in entry["run_name"] else "cpu_time"
