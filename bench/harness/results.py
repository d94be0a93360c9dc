"""The results as one document, which is written as JSON, and what can be said about it.

A document of an earlier run can be read, reported on and compared with just as well.
"""
import json

from harness import stats

SCHEMA = 1


def document(cells, results, **about):
    """`about`: machine, peers and so on, as they are."""
    measured_cells = [_cell(cell, results) for cell in cells if _was_measured(cell, results)]
    return {"schema": SCHEMA, **about, "cells": measured_cells}


def _was_measured(cell, results):
    return cell.id in results.samples or cell.id in results.failures


def _cell(cell, results):
    by_peer = {name: {**stats.summary(samples), "samples": samples, "cut": (cell.id, name) in results.cut}
               for name, samples in results.samples.get(cell.id, {}).items()}
    for name, why in results.failures.get(cell.id, {}).items():
        by_peer[name] = {"error": why}
    return {"id": cell.id, "unit": cell.unit, "higher_is_better": cell.higher_is_better, "peers": by_peer}


def save(doc, path):
    path.write_text(json.dumps(doc, indent=1, ensure_ascii=False) + "\n")


def load(path):
    doc = json.loads(path.read_text())
    if doc.get("schema") != SCHEMA:
        raise ValueError(f"{path}: not a result of this version (schema {doc.get('schema')})")
    return doc


def names(doc, role=None):
    """The peers' names; role: "reference", "cvfs" or "peer"."""
    return [peer["name"] for peer in doc["peers"] if role in (None, peer["role"])]


def measured(cell, name):
    """The summary, or None where it was not measured or failed."""
    of = cell["peers"].get(name)
    return of if of and "median" in of else None


def speed(cell, name, against):
    """How many times as fast `name` is as `against`; None if one of them has no figure."""
    of, other = measured(cell, name), measured(cell, against)
    return stats.speed(of, other, cell["higher_is_better"]) if of and other else None


def best_peer(doc, cell):
    """The fastest FUSE filesystem that is not cvfs and did the work right; None if there is none."""
    candidates = [name for name in names(doc, "peer") if measured(cell, name)]
    sign = 1 if cell["higher_is_better"] else -1
    return max(candidates, key=lambda name: sign * cell["peers"][name]["median"], default=None)


def speed_against(doc, cell, name, against):
    """As speed(); `against` may be "best peer"."""
    if against == "best peer":
        against = best_peer(doc, cell)
    return speed(cell, name, against) if against else None
