"""A chart of the results, as SVG: one row a cell, how fast each mount is beside the native directory.

A dot plot on a logarithmic axis: with seven mounts and sixty cells bars would hide what is to be seen.
cvfs is a bar from the native line to its speed, so that what it loses or gains is an area.
"""
import html
import math
import re

from harness import report, results

# Told apart by the colour-blind, too (Okabe and Ito).
_COLOURS = {"cvfs": "#0072b2", "idmapped": "#444444", "passthrough_hp": "#e69f00", "bindfs": "#d55e00",
            "fuse-overlayfs": "#009e73", "mergerfs": "#cc79a7", "cvfs passthrough=off": "#56b4e9"}
# The whole matrix of data cells would be three pages.
_SHOWN = re.compile(r"micro/.*/1|programs/.*|data/(buffered/psync|mmap)/.*/1|data/direct/(psync|io_uring)/.*-(4k|1M)/1|"
                    r"data/fsync/.*/1")
_LEFT, _WIDTH, _ROW, _TOP = 230, 640, 17, 96
_LEAST, _MOST = 1 / 256, 8


def svg(doc):
    cells = [cell for cell in doc["cells"] if _SHOWN.fullmatch(cell["id"])]
    names = [name for name in results.names(doc) if name in _COLOURS]
    lines, y, section = [], _TOP, None
    for cell in cells:
        if report.section(cell) != section:
            section = report.section(cell)
            y += _ROW
            lines.append(_text(8, y, section, "bold"))
            y += _ROW
        lines += _row(cell, names, y)
        y += _ROW
    height = y + 24
    return "\n".join([
        f'<svg xmlns="{_NAMESPACE}" width="{_LEFT + _WIDTH + 40}" height="{height}" font-family="sans-serif" '
        f'font-size="11">', f'<rect width="100%" height="100%" fill="white"/>', *_head(doc, names), *_axis(height),
        *lines, "</svg>"]) + "\n"


# Not an address that anybody asks: the name of the format.
_NAMESPACE = "http:" + "//www.w3.org/2000/svg"


def _x(speed):
    share = math.log(min(max(speed, _LEAST), _MOST) / _LEAST) / math.log(_MOST / _LEAST)
    return _LEFT + share * _WIDTH


def _text(x, y, words, weight="normal", anchor="start", colour="#222"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}" text-anchor="{anchor}" fill="{colour}">'
            f"{html.escape(words)}</text>")


def _head(doc, names):
    machine = doc["machine"]
    yield _text(8, 20, f"cvfs {machine['cvfs']}: speed beside the native directory (1 = as fast), more is better",
                "bold")
    yield _text(8, 37, f"{machine['backing']}; {machine['cpu']}, {machine['cpus']} CPUs; Linux {machine['kernel']}; "
                f"{doc['rounds']} rounds, medians; {machine['date']}")
    x = 8
    for name in names:
        yield f'<circle cx="{x + 4}" cy="55" r="4" fill="{_COLOURS[name]}"/>'
        yield _text(x + 12, 59, name)
        x += 26 + 6.4 * len(name)


def _axis(height):
    speed = _LEAST
    while speed <= _MOST:
        x = _x(speed)
        native = speed == 1
        colour, width = ("#000", 1.2) if native else ("#ddd", 0.7)
        yield (f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6}" y2="{height - 16}" stroke="{colour}" '
               f'stroke-width="{width}"/>')
        words = f"{speed:g}" if speed >= 1 else f"1/{1 / speed:g}"
        yield _text(x, _TOP - 12, "native" if native else words, anchor="middle")
        speed *= 2


def _row(cell, names, y):
    yield _text(_LEFT - 8, y + 4, report.label(cell), anchor="end")
    speeds = {name: results.speed(cell, name, "native") for name in names}
    if speeds.get("cvfs"):
        left, right = sorted((_x(speeds["cvfs"]), _x(1)))
        yield (f'<rect x="{left:.1f}" y="{y - 4}" width="{right - left:.1f}" height="9" fill="{_COLOURS["cvfs"]}" '
               f'fill-opacity="0.35"/>')
    for name in sorted(speeds, key="cvfs".__eq__):  # cvfs on top
        if speeds[name]:
            yield (f'<circle cx="{_x(speeds[name]):.1f}" cy="{y}" r="{5 if name == "cvfs" else 3.5}" '
                   f'fill="{_COLOURS[name]}" fill-opacity="0.85"><title>{html.escape(name)}: '
                   f'{report.number(speeds[name])}</title></circle>')
