"""A document of results for people: Markdown, which also reads well in a terminal."""
import itertools
import math

from harness import goals, locks, results, stats

_COMPARED = ("native", "idmapped", "best peer")


def markdown(doc):
    parts = [_heading(doc), _summary(doc), _goals(doc), _locks(doc)]
    parts += [_cells_table(doc, kind, list(cells)) for kind, cells in
              itertools.groupby(doc["cells"], key=section)]
    parts += [_pure(doc), _failures(doc), _peers(doc)]
    return "\n\n".join(part for part in parts if part) + "\n"


def section(cell):
    """micro/create/4 -> micro, 4 threads; data/direct/libaio/read-4k/1 -> data, direct."""
    words = cell["id"].split("/")
    if words[0] == "micro":
        return f"micro, {words[2]} thread{'' if words[2] == '1' else 's'}"
    return f"data, {words[1]}" if words[0] == "data" else "programs"


def label(cell):
    words = cell["id"].split("/")
    if words[0] == "data":
        jobs = "" if words[-1] == "1" else f", {words[-1]} jobs"
        return f"{' '.join(words[2:-1])}{jobs}"
    return words[1].replace("_", " ")


def table(header, rows, texts=(0,)):
    """Markdown whose columns line up: figures, but for those columns that are texts. The last column,
    if it is one, may be as long as it likes."""
    last = len(header) - 1
    widths = [max(len(str(row[i])) for row in [header, *rows]) for i in range(last + 1)]
    if last in texts:
        widths[last] = 0

    def line(row):
        cells = [str(cell).ljust(width) if i in texts else str(cell).rjust(width)
                 for i, (cell, width) in enumerate(zip(row, widths))]
        return "| " + " | ".join(cells) + " |"
    rules = ["-" * max(3, width + 2) if i in texts else "-" * (width + 1) + ":" for i, width in enumerate(widths)]
    return "\n".join([line(header), "|" + "|".join(rules) + "|", *map(line, rows)])


def number(value):
    if value is None:
        return ""
    digits = 0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3
    return f"{value:.{digits}f}"


def _value(cell, name):
    of = cell["peers"].get(name)
    if of is None:
        return ""
    if "error" in of:
        return "failed"
    return f"{number(of['median'])} ±{stats.spread(of) * 100:.0f}%"


def _cells_table(doc, title, cells):
    shown = [name for name in results.names(doc) if any(name in cell["peers"] for cell in cells)]
    rows = []
    for cell in cells:
        best = results.best_peer(doc, cell)
        speeds = [results.speed_against(doc, cell, "cvfs", against) for against in _COMPARED]
        rows.append([label(cell), cell["unit"], *(_value(cell, name) for name in shown),
                     number(speeds[0]), number(speeds[1]),
                     f"{number(speeds[2])} ({best})" if speeds[2] else ""])
    header = ["", "", *shown, "cvfs/native", "cvfs/idmapped", "cvfs/best peer"]
    return f"### {title}\n\n{table(header, rows)}"


def _heading(doc):
    machine = doc["machine"]
    lines = [f"# cvfs {machine['cvfs']} beside its peers",
             f"{machine['date']}, on {machine['backing']}; {machine['cpu']}, {machine['cpus']} CPUs, "
             f"{machine['memory_gib']} GiB; Linux {machine['kernel']}, {machine['system']}, "
             f"libfuse {machine['libfuse']}, liburing {machine['liburing']}.",
             f"{doc['rounds']} rounds, each mount in turn and in another order each time (seed {doc['seed']}); "
             f"{doc['seconds'] / 60:.0f} minutes{', quick' if doc['quick'] else ''}. Load before: "
             f"{machine['load_before']}."]
    if machine["load_before"] > 0.5:
        lines.append("**The machine was busy with other things: ratios are rough, and times mean little.**")
    lines.append("Medians, and half the distance of the quartiles as a share of them. Ratios are speeds: above 1, "
                 "cvfs is faster. us: microseconds an operation, by several threads between two that are done.")
    return "\n\n".join(lines)


def _summary(doc):
    """Geometric means, as one would expect of ratios."""
    rows = []
    for kind in ("micro", "data", "programs"):
        cells = [cell for cell in doc["cells"] if cell["id"].startswith(kind + "/")]
        means = [_mean(results.speed_against(doc, cell, "cvfs", against) for cell in cells) for against in _COMPARED]
        if any(means):
            rows.append([kind, len(cells), *map(number, means)])
    header = ["cvfs' speed, geometric mean", "cells", *(f"/{name}" for name in _COMPARED)]
    return "## In short\n\n" + table(header, rows)


def _mean(speeds):
    known = [math.log(speed) for speed in speeds if speed]
    return math.exp(sum(known) / len(known)) if known else None


def _goals(doc):
    rows = [[goal, f"{reached} of {total}", number(least), f"{number(speed)} ({cell})"]
            for goal, least, reached, total, (cell, speed) in goals.judge(doc)]
    return "## Goals\n\n" + table(["", "cells that reach it", "wanted", "least"], rows, (0, 3)) if rows else ""


def _locks(doc):
    """Who gives one exclusive lock to two."""
    if not doc["locks"]:
        return ""
    rows = [[name, *("exclusive" if not failed else failed for failed in
                     (locks.failure(outcome, way) for way in locks.WAYS))] for name, outcome in doc["locks"].items()]
    times = [[name, *(took if isinstance(took, str) else number(took) for took in
                      (locks.hand_over_of(outcome, way) for way in locks.WAYS))]
             for name, outcome in doc["locks"].items()]
    return ("## Locks\n\nTwo processes ask for the same exclusive lock (fcntl, OFD, flock), by two ways to one "
            "file.\n\n" + table(["", *locks.WAYS], rows, texts=range(4)) +
            "\n\nFrom when one gives a flock up until the other one, who waits for it, has it: ms, the median.\n\n" +
            table(["", *locks.WAYS], times, texts=range(4)))


def _pure(doc):
    if not doc["pure"]:
        return ""
    return "### Pure code\n\n" + table(["", "ns"], [[entry["name"], number(entry["ns"])] for entry in doc["pure"]])


def _failures(doc):
    cells_of = {}
    for cell in doc["cells"]:
        for name, of in cell["peers"].items():
            if "error" in of:
                cells_of.setdefault((name, of["error"]), []).append(cell["id"])
    lines = [f"- {name}: {_some(cells)}: {why}" for (name, why), cells in cells_of.items()]
    lines += [f"- {what}, not measured: {why}" for what, why in doc["not_measured"].items()]
    lines += [f"- {name}, left out: {why}" for name, why in doc["left_out"].items()]
    return "## What failed and what is missing\n\n" + "\n".join(lines) if lines else ""


def _some(cells):
    more = len(cells) - 2
    return ", ".join(cells[:2]) + (f" and {more} more" if more > 0 else "")


def _peers(doc):
    rows = [[peer["name"], peer["version"], f"`{peer['about']}`"] for peer in doc["peers"]]
    return "## How each is mounted\n\n" + table(["", "version", ""], rows, range(3))
