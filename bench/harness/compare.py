"""Two documents of results, cell by cell: what became faster or slower, beyond the noise of both.

What is compared is cvfs' speed beside the native directory of the same run, so that a machine that was
busier, or another one, does not look like a change of cvfs.
"""
from harness import report, results

_LEAST_CHANGE = 0.05


def _range(cell, name):
    """(least, median, most) speed beside native, by the quartiles."""
    of, native = results.measured(cell, name), results.measured(cell, "native")
    if not of or not native or not of["q1"]:
        return None
    speeds = [of[at] / native["median"] if cell["higher_is_better"] else native["median"] / of[at]
              for at in ("q1", "median", "q3")]
    return sorted(speeds)


def changes(old, new, name="cvfs"):
    """Yields (cell id, old speed, new speed, change, whether it is beyond the noise)."""
    before = {cell["id"]: cell for cell in old["cells"]}
    for cell in new["cells"]:
        then = _range(before[cell["id"]], name) if cell["id"] in before else None
        now = _range(cell, name)
        if then and now:
            apart = now[0] > then[2] or now[2] < then[0]
            change = now[1] / then[1] - 1
            yield cell["id"], then[1], now[1], change, apart and abs(change) >= _LEAST_CHANGE


def text(old, new):
    found = sorted(changes(old, new), key=lambda change: change[3])
    clear = [change for change in found if change[4]]
    rows = [[cell, report.number(then), report.number(now), f"{change * 100:+.0f}%"]
            for cell, then, now, change, _ in clear]
    lines = [f"## Beside {old['machine']['cvfs']} ({old['machine']['date']})",
             f"{len(found)} cells in both; {sum(change[3] > 0 for change in clear)} faster and "
             f"{sum(change[3] < 0 for change in clear)} slower beyond the noise (quartiles apart, and "
             f"{_LEAST_CHANGE * 100:.0f}% or more)."]
    if old["backing"] != new["backing"] or old["quick"] != new["quick"]:
        lines.append("**The two runs are not of the same kind (backing, or quick).**")
    if rows:
        lines.append(report.table(["cvfs/native", "then", "now", "change"], rows))
    newly = [f"- {cell_id}" for cell_id in _failed(new) - _failed(old)]
    if newly:
        lines.append("Fails now:\n\n" + "\n".join(sorted(newly)))
    return "\n\n".join(lines) + "\n"


def _failed(doc):
    return {cell["id"] for cell in doc["cells"] if "error" in cell["peers"].get("cvfs", {})}
