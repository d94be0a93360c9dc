"""Runs the cells: round by round every mount has its turn, in another order each time."""
import collections
import os
import time

from harness import backing, locks, private
from harness.cells import Measured, Visit, empty, give

# A mount on which this many visits of a group broke off has no further one.
_PATIENCE = 2


class Results:
    """What was measured: samples[cell id][peer name], failures[cell id][peer name]."""

    def __init__(self):
        self.samples = {}
        self.failures = {}
        self.cut = set()
        self._work = {}

    def add(self, cell, peer, measured):
        if measured.error:
            self.fail(cell, peer, measured.error)
            return
        if measured.cut:
            self.cut.add((cell.id, peer.name))
        if measured.work is not None:
            self._work.setdefault(cell.id, {})[peer.name] = measured.work
        self.samples.setdefault(cell.id, {}).setdefault(peer.name, []).append(measured.value)

    def fail(self, cell, peer, why):
        """The first reason counts."""
        self.failures.setdefault(cell.id, {}).setdefault(peer.name, why)

    def compare_work(self, reference):
        """Whoever did other work than the reference has failed, however fast it was."""
        for cell_id, by_peer in self._work.items():
            expected = by_peer.get(reference)
            for name, work in by_peer.items():
                if expected is not None and work != expected:
                    self.failures.setdefault(cell_id, {}).setdefault(
                        name, f"the result is not the one that {reference} has")


class Runner:
    def __init__(self, peers, rounds, rng, results, progress, patience_s):
        self.peers = peers
        self.rounds = rounds
        self.rng = rng
        self.results = results
        self.progress = progress
        self.patience_s = patience_s
        self._failed_visits = collections.Counter()

    def peers_of(self, group):
        return [peer for peer in self.peers if peer.groups is None or group.kind in peer.groups]

    def visits_of(self, group):
        return self.rounds * len(self.peers_of(group))

    def run(self, group):
        group.set_up()
        peers = self.peers_of(group)
        for peer in peers:
            _prepare(group, peer)
        for round_number in range(1, self.rounds + 1):
            for peer in self.rng.sample(peers, len(peers)):
                self.progress.visiting(group, peer, round_number, self.rounds)
                start = time.monotonic()
                self._visit(group, peer, round_number)
                self.progress.visited(group, time.monotonic() - start)
        for peer in peers:
            empty(peer.tree / "kept")
        private.sh("find", private.T / "scratch", "-mindepth", "1", "-delete")

    def _visit(self, group, peer, round_number):
        if self._has_given_up(group, peer):
            return
        work = peer.tree / "work"
        work.mkdir(mode=0o755)
        os.chown(work, peer.stored_id, peer.stored_id)
        backing.settle()
        seen = set()
        try:
            with peer.mounted() as target:
                visit = Visit(target, peer.tree, peer.stored_id, round_number == 1, self.patience_s)
                for cell, measured in group.measure(visit):
                    seen.add(cell.id)
                    self.results.add(cell, peer, measured)
        except (RuntimeError, OSError) as failure:
            for cell in group.cells:
                if cell.id not in seen:
                    self.results.add(cell, peer, Measured(error=str(failure)))
            self._failed_visits[group.name, peer.name] += 1
        finally:
            empty(work)

    def _has_given_up(self, group, peer):
        return self._failed_visits[group.name, peer.name] >= _PATIENCE


def _prepare(group, peer):
    kept = peer.tree / "kept"
    kept.mkdir()
    group.prepare(kept)
    give(kept, peer.stored_id)


def usable(peers, say):
    """Splits them into those that mount here, prepared, and {name: why not}."""
    good, left_out = [], {}
    for peer in peers:
        why = peer.why_not()
        if not why:
            try:
                peer.prepare()
            except (RuntimeError, OSError) as failure:
                why = " ".join(str(failure).split())
        if why:
            say(f"left out: {peer.name}: {why}")
            left_out[peer.name] = why
        else:
            good.append(peer)
    return good, left_out


def test_locks(peers):
    """{peer name: locks.test()}."""
    outcomes = {}
    for peer in peers:
        with peer.mounted() as target:
            outcomes[peer.name] = locks.test(target, peer.tree)
    return outcomes
