#!/usr/bin/env python3
"""lock_play.py SCENE...: processes in containers, on another view and on the host lock files against
each other, and every answer is checked. Started by lock_env.sh. One line a check; exit code 1 if any
failed."""
import itertools
import os
import select
import shlex
import signal
import statistics
import subprocess
import sys
import time

AGENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "lock_agent.py")
PLACES = {
    "container": (shlex.split(os.environ["CONTAINER"]), os.environ["VIEW"]),
    "neighbour": (shlex.split(os.environ["NEIGHBOUR"]), os.environ["VIEW"]),
    "other view": (shlex.split(os.environ["CONTAINER"]), os.environ["OTHER"]),
    "host": ([], os.environ["HOST"]),
}
# Long enough to see that an answer does not come, and how long one may take.
BLOCKED_S, PATIENCE_S = 0.03, 10
failures = 0


def report(sentence, fault=None):
    global failures
    failures += fault is not None
    print(f"{'ok   ' if fault is None else 'FAIL '} {sentence}{'' if fault is None else ': ' + str(fault)}",
          flush=True)


def expect(sentence, expected, got):
    report(sentence, None if expected == got else f"expected {expected}, got {got}")


class Player:
    """A process at a place that has one file open."""
    def __init__(self, place, name="file"):
        prefix, directory = PLACES[place]
        self.process = subprocess.Popen(
            [*prefix, "python3", AGENT, os.path.join(directory, name)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self.place = place
        assert self.answer() == "ready"
        self.pid = None

    def tell(self, words):
        self.process.stdin.write((words + "\n").encode())

    def answer(self, seconds=PATIENCE_S):
        """None: there is none."""
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return None
        return self.process.stdout.readline().decode().strip() or "(ended)"

    def ask(self, words):
        self.tell(words)
        return self.answer()

    def is_blocked(self):
        """It waits, for longer than a grant would take."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and not self.has_answered():
            # Where it sleeps: in pipe_read() it has not come to ask yet.
            with open(f"/proc/{self.real_pid()}/wchan", encoding="ascii") as file:
                where = file.read()
            if where not in ("", "0") and "pipe" not in where:
                break
        return self.answer(BLOCKED_S) is None

    def has_answered(self):
        return bool(select.select([self.process.stdout], [], [], 0)[0])

    def real_pid(self):
        """Of the agent itself, below unshare(1)."""
        pid = self.process.pid
        while True:
            try:
                with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
                    children = file.read().split()
            except FileNotFoundError:
                return self.process.pid
            if not children:
                return pid
            pid = int(children[0])

    def kill(self):
        os.kill(self.real_pid(), signal.SIGKILL)

    def end(self):
        # unshare(1) itself does not pass it on.
        for pid in {self.real_pid(), self.process.pid} if self.process.poll() is None else ():
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


class Cast:
    """Players that end together."""
    def __init__(self, *places, name="file"):
        path = os.path.join(os.environ["VIEW"], name)
        with open(path, "a", encoding="ascii"):
            pass
        os.chmod(path, 0o666)
        self.players = [Player(place, name) for place in places]

    def __enter__(self):
        return self.players

    def __exit__(self, *_):
        for player in self.players:
            player.end()


def conflicts(kind, type_, other_kind, other_type):
    return "write" in (type_, other_type) and (kind == "flock") == (other_kind == "flock")


def contest(holder, asker, first, second):
    """None, or what was wrong."""
    (kind, type_), (other_kind, other_type) = first, second
    if (got := holder.ask(f"{kind} {type_} try")) != "ok":
        return f"the holder got {got}"
    expected = "EAGAIN" if conflicts(kind, type_, other_kind, other_type) else "ok"
    got = asker.ask(f"{other_kind} {other_type} try")
    fault = None if got == expected else f"try: expected {expected}, got {got}"
    if got == "ok":
        asker.ask(f"{other_kind} none try")
    elif fault is None:
        asker.tell(f"{other_kind} {other_type} wait")
        if not asker.is_blocked():
            fault = "it did not wait"
        elif holder.ask(f"{kind} none try") != "ok" or (got := asker.answer()) != "ok":
            fault = f"after waiting it got {got}"
        asker.ask(f"{other_kind} none try")
    holder.ask(f"{kind} none try")
    return fault


def matrix():
    kinds = list(itertools.product(("posix", "ofd", "flock"), ("read", "write")))
    for holder_place, asker_place in itertools.product(PLACES, PLACES):
        with Cast(holder_place, asker_place) as (holder, asker):
            faults = []
            for first, second in itertools.product(kinds, kinds):
                if fault := contest(holder, asker, first, second):
                    faults.append(f"{' '.join(first)} against {' '.join(second)}: {fault}")
            report(f"{holder_place} against {asker_place}: {len(kinds) ** 2} combinations, try and wait",
                   "; ".join(faults[:5]) if faults else None)


def ranges():
    with Cast("container", "host") as (container, host):
        container.ask("posix write try 0 100")
        container.ask("posix none try 40 20")
        expect("an unlock in the middle leaves both ends", ["EAGAIN", "ok", "EAGAIN"],
               [host.ask(f"posix write try {first} 20") for first in (0, 40, 80)])
        host.ask("posix none try")
        container.ask("posix read try 80 20")
        expect("a downgrade lets readers in", "ok", host.ask("posix read try 80 20"))
        expect("and then no upgrade", "EAGAIN", container.ask("posix write try 80 20"))
        container.ask("posix none try")
        container.ask("posix write try 9223372036854775807 1")
        expect("the last byte of all", "EAGAIN", host.ask("posix write try 100"))
        expect("and all before it", "ok", host.ask("posix write try 0 9223372036854775807"))


def close():
    for place in ("container", "other view", "host"):
        with Cast("container", place) as (holder, asker):
            holder.ask("posix write try")
            expect(f"held against {place}", "EAGAIN", asker.ask("posix write try"))
            holder.ask("open")
            holder.ask("close")
            expect(f"any close drops a POSIX lock ({place})", "ok", asker.ask("posix write try"))
            asker.ask("posix none try")
            for kind in ("ofd", "flock"):
                holder.ask(f"{kind} write try")
                holder.ask("dup")
                holder.ask("close")
                expect(f"a duplicate's close keeps the {kind} lock ({place})", "EAGAIN",
                       asker.ask(f"{kind} write try"))
                asker.tell(f"{kind} write wait")
                asker.is_blocked()
                holder.ask("reopen")
                expect(f"the last close drops the {kind} lock ({place})", "ok", asker.answer())
                asker.ask(f"{kind} none try")
            holder.ask("readonly")
            expect(f"a file open for reading is not locked for writing ({place})", "EBADF",
                   holder.ask("posix write try"))
            holder.ask("posix read try")
            expect(f"but for reading ({place})", "EAGAIN", asker.ask("posix write try"))
            holder.kill()
            asker.tell("posix write wait")
            expect(f"death drops all ({place})", "ok", asker.answer())


def append_only():
    """As a log is that nobody may change: programs lock it while they write."""
    with Cast("container", "host", name="log") as (container, host):
        for player in (container, host):
            player.ask("append")
        path = os.path.join(os.environ["HOST"], "log")
        if subprocess.run(["chattr", "+a", path], stderr=subprocess.DEVNULL, check=False).returncode != 0:
            return
        try:
            for kind in ("posix", "ofd", "flock"):
                expect(f"{kind}: a file that is append-only is locked", "ok", container.ask(f"{kind} write try"))
                expect("against the host", "EAGAIN", host.ask(f"{kind} write try"))
                container.ask(f"{kind} none try")
        finally:
            subprocess.run(["chattr", "-a", path], check=True)


def getlk():
    with Cast("container", "container", "neighbour", "host", "other view") as players:
        holder, asker, neighbour, host, other = players
        holder.ask("posix write try 10 5")
        pid = holder.real_pid()
        expect("F_GETLK: nobody is in its own way", "free", holder.ask("get"))
        expect("F_GETLK tells the holder", f"write 10 5 {pid}", asker.ask("get"))
        expect("and nothing where he is not", "free", asker.ask("get 0 10"))
        expect("a process with process ids of its own sees none of another's", "write 10 5 0",
               neighbour.ask("get"))
        expect("another view does not know who it is", "write 10 5 0", other.ask("get"))
        expect("the host sees an open file description's lock", "write 10 5 -1", host.ask("get"))
        holder.ask("posix none try")
        host.ask("posix write try 20 2")
        expect("a lock of the host with its pid", f"write 20 2 {host.real_pid()}", asker.ask("get"))
        host.ask("posix none try")
        asker.ask("open")
        asker.ask("readonly")
        asker.ask("posix read try")
        asker.ask("get")
        asker.ask("exchange")
        expect("asked for by who cannot write, it leaves the process' writer able to", "ok",
               asker.ask("posix write try"))


def waiting():
    for place in ("container", "other view", "host"):
        with Cast(place, "container", "container", "container") as (holder, *askers):
            for kind in ("posix", "ofd", "flock"):
                holder.ask(f"{kind} write try")
                for asker in askers:
                    asker.tell(f"{kind} write wait")
                    asker.is_blocked()
                # A signal ends the second one's wait; he would get the lock after the first.
                order = []
                holder.ask(f"{kind} none try")
                for asker in askers:
                    order.append(asker.answer())
                    asker.ask(f"{kind} none try")
                expect(f"{kind}: three wait for {place} and get it in order", ["ok"] * 3, order)
                holder.ask(f"{kind} write try")
                took = []
                for _ in range(20):
                    askers[0].ask("alarm 0.02")
                    begin = time.monotonic()
                    got = askers[0].ask(f"{kind} write wait")
                    took.append((time.monotonic() - begin) * 1000 - 20)
                    if got != "EINTR":
                        report(f"{kind}: a signal ends a wait for {place}", got)
                report(f"{kind}: a signal ends a wait for {place}; after it median "
                       f"{statistics.median(took):.1f} ms, most {max(took):.1f} ms")
                holder.ask(f"{kind} none try")


def dying():
    for place in ("container", "other view", "host"):
        with Cast(place, "container", "container") as (holder, dying_one, next_one):
            for kind in ("flock",):
                holder.ask(f"{kind} write try")
                dying_one.tell(f"{kind} write wait")
                dying_one.is_blocked()
                next_one.tell(f"{kind} write wait")
                next_one.is_blocked()
                begin = time.monotonic()
                dying_one.kill()
                dying_one.process.wait()
                took = (time.monotonic() - begin) * 1000
                holder.ask(f"{kind} none try")
                expect(f"who waits for {place} and is killed is gone ({took:.1f} ms)", "ok",
                       next_one.answer())


def deadlock():
    def circle(first_place, second_place, kind, patience=0.3):
        with Cast(first_place, second_place) as (first, second):
            first.ask(f"{kind} write try 0 1")
            second.ask(f"{kind} write try 1 1")
            first.tell(f"{kind} write wait 1 1")
            first.is_blocked()
            second.tell(f"{kind} write wait 0 1")
            got = second.answer(patience)
            if got == "EDEADLK":
                second.ask(f"{kind} none try")
                expect("and the other one gets his lock", "ok", first.answer())
            return got
    expect("POSIX locks in a circle: EDEADLK", "EDEADLK", circle("container", "neighbour", "posix"))
    expect("OFD locks in a circle wait, as fcntl(2) says", None, circle("container", "neighbour", "ofd"))
    # Beyond one view it is seen after a while.
    for first_place, second_place in (("container", "other view"), ("other view", "neighbour"),
                                      ("host", "container"), ("container", "host")):
        expect(f"{first_place} and {second_place} in a circle: EDEADLK", "EDEADLK",
               circle(first_place, second_place, "posix", PATIENCE_S))
    expect("but not for OFD locks", None, circle("container", "other view", "ofd", 2))
    for last in (0, 1):
        with Cast("other view", "container", "container") as (first, second, reader):
            for player in (first, reader):
                player.ask("posix read try 0 1")
            second.ask("posix write try 1 1")
            # Who waits for both readers, and one of them for him.
            asks = [(first, "posix write wait 1 1"), (second, "posix write wait 0 1")]
            (early, his), (late, other) = asks[last], asks[1 - last]
            early.tell(his)
            early.is_blocked()
            late.tell(other)
            expect(f"a circle beside which somebody else reads ({late.place} closes it): EDEADLK", "EDEADLK",
                   late.answer())
    with Cast("container", "other view", "container", "other view", "host") as players:
        for number, player in enumerate(players):
            player.ask(f"posix write try {number} 1")
        for number, player in enumerate(players[:-1]):
            player.tell(f"posix write wait {number + 1} 1")
            player.is_blocked()
        expect("five in a row are no circle", [None] * 4, [player.answer(0.6) for player in players[:-1]])
        players[-1].ask("posix none try")
        for player in players[-2::-1]:
            expect("each gets the lock when the one before him unlocks", "ok", player.answer())
            player.ask("posix none try")
    with Cast("container", "container") as (first, second):
        first.ask("posix read try 0 1")
        second.ask("posix read try 0 1")
        first.tell("posix write wait 0 1")
        first.is_blocked()
        expect("two that read and want to write", "EDEADLK", second.ask("posix write wait 0 1"))
        second.ask("posix none try")
        expect("one of them writes", "ok", first.answer())
    with Cast("container", "container", "container") as (first, second, third):
        first.ask("posix write try 0 1")
        second.tell("posix write wait 0 1")
        second.is_blocked()
        third.tell("posix write wait 0 1")
        expect("two that wait for a third are no circle", True, third.is_blocked())
        first.ask("posix none try")
        expect("they get it", "ok", second.answer())


def trying():
    for place in ("container", "other view"):
        for _ in range(5):
            with Cast(place, "host") as (one, host):
                one.ask("ofd write try 0 1")
                host.ask("posix write try 5 1")
                one.tell("insist 0.15 ofd write 5 1")
                time.sleep(0.02)
                host.tell("posix write wait 0 1")
                got = one.answer(), host.answer(BLOCKED_S)
                one.ask("ofd none try")
                if (got := (*got, host.answer())) != ("EAGAIN", None, "ok"):
                    break
        expect(f"who waits on the host for one ({place}) that only tries gets no EDEADLK", ("EAGAIN", None, "ok"), got)


def upgrades():
    for kind, place in itertools.product(("posix", "ofd"), ("container", "other view", "host")):
        with Cast(place, "container", "container") as (reader, writer, upgrader):
            reader.ask(f"{kind} read try")
            writer.tell(f"{kind} write wait")
            writer.is_blocked()
            upgrader.ask(f"{kind} read try")
            upgrader.tell(f"{kind} write wait")
            upgrader.is_blocked()
            reader.ask(f"{kind} none try")
            got = [upgrader.answer()]
            upgrader.ask(f"{kind} none try")
            expect(f"{kind}: who reads and waits to write is not behind who waits for him ({place})", ["ok", "ok"],
                   [*got, writer.answer()])


def flocks():
    with Cast("container", "container", "host") as (first, second, host):
        first.ask("flock read try")
        host.ask("flock read try")
        expect("an upgrade that is not to be had", "EAGAIN", first.ask("flock write try"))
        expect("loses what was there, as flock(2) says", "ok", host.ask("flock write try"))
        host.ask("flock none try")
        first.ask("flock write try")
        second.tell("flock read wait")
        second.is_blocked()
        expect("a downgrade", "ok", first.ask("flock read try"))
        expect("lets readers in that wait", "ok", second.answer())


def workers():
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm", encoding="ascii") as file:
                if file.read().strip() == "cvfsd-worker":
                    found.append(int(pid))
        except OSError:
            pass
    return found


def kill_workers():
    for pid in workers():
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.05)


def survival():
    for kind in ("posix", "ofd", "flock"):
        with Cast("container", "container", "other view", "host") as (holder, *askers):
            holder.ask(f"{kind} write try")
            kill_workers()
            expect(f"a {kind} lock outlives the worker", ["EAGAIN"] * 3,
                   [asker.ask(f"{kind} write try") for asker in askers])
            kill_workers()
            expect("and can be given up", "ok", holder.ask(f"{kind} none try"))
            expect("so that others have it", ["EAGAIN", "EAGAIN", "ok"],
                   [asker.ask(f"{kind} write try") for asker in reversed(askers)][::-1])
        with Cast("container", "container", "other view") as (holder, first, second):
            holder.ask(f"{kind} write try")
            holder.ask("reopen")
            kill_workers()
            expect(f"{kind}: nothing is left of one that was closed", "ok", first.ask(f"{kind} write try"))
        for place in ("container", "other view", "host"):
            with Cast(place, *["container"] * 5) as (holder, *askers):
                holder.ask(f"{kind} write try")
                for asker in askers:
                    asker.tell(f"{kind} write wait")
                    asker.is_blocked()
                kill_workers()
                askers[0].kill()
                kill_workers()
                holder.ask(f"{kind} none try")
                order = []
                for asker in askers[1:]:
                    order.append(asker.answer())
                    kill_workers()
                    asker.ask(f"{kind} none try")
                expect(f"{kind}: who waits for {place} goes on waiting, in order", ["ok"] * 4, order)
            with Cast(place, "container", "container") as (holder, asker, other):
                holder.ask(f"{kind} write try")
                asker.ask("alarm 0.2")
                asker.tell(f"{kind} write wait")
                asker.is_blocked()
                kill_workers()
                expect(f"{kind}: a signal ends the wait for {place}", "EINTR", asker.answer())
                expect("and it is not granted later", "EAGAIN", other.ask(f"{kind} write try"))
                holder.ask(f"{kind} none try")
                other.tell(f"{kind} write wait")
                expect("nobody holds it", "ok", other.answer())
    with Cast("container", "neighbour") as (first, second):
        first.ask("posix write try 0 1")
        second.ask("posix write try 1 1")
        first.tell("posix write wait 1 1")
        first.is_blocked()
        kill_workers()
        expect("a deadlock is still seen", "EDEADLK", second.ask("posix write wait 0 1"))


def upgrade():
    def exchange_build():
        subprocess.run([os.environ["CVFS_BIN"] + "/cvfs", "upgrade"], check=True,
                       stdout=subprocess.DEVNULL)
    for kind in ("posix", "ofd", "flock"):
        for place in ("container", "other view", "host"):
            with Cast(place, *["container"] * 3) as (holder, *askers):
                holder.ask(f"{kind} write try")
                for asker in askers:
                    asker.tell(f"{kind} write wait")
                    asker.is_blocked()
                exchange_build()
                expect(f"{kind}: held by {place} over an upgrade", None, askers[0].answer(BLOCKED_S))
                holder.ask(f"{kind} none try")
                order = []
                for asker in askers:
                    order.append(asker.answer())
                    asker.ask(f"{kind} none try")
                expect("who waits goes on waiting, in order", ["ok"] * 3, order)


def main():
    for name in sys.argv[1:]:
        print(f"# {name}", flush=True)
        globals()[name]()
    sys.exit(failures != 0)


if __name__ == "__main__":
    main()
