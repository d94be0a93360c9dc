"""How far the run is, on stderr: one line that is written again on a terminal, one now and then elsewhere."""
import sys
import time


class Progress:
    def __init__(self):
        self._start = time.monotonic()
        self._expected = {}  # seconds of a visit, by group
        self._left = {}      # visits
        self._seen = {}      # (how many, their seconds)
        self._is_terminal = sys.stderr.isatty()
        self._last_said = -1e9

    def expect(self, groups, visits_of):
        """`visits_of(group)`: how many visits it will make."""
        self._expected = {group.name: group.expected_s for group in groups}
        self._left = {group.name: visits_of(group) for group in groups}

    def say(self, text):
        """Something that stays."""
        self._clear()
        print(text, file=sys.stderr, flush=True)

    def visiting(self, group, peer, round_number, rounds):
        now = time.monotonic()
        if not self._is_terminal and now - self._last_said < 10:
            return
        self._last_said = now
        self._clear()
        line = (f"[{_clock(now - self._start)} gone, about {_clock(self._seconds_left())} left] "
                f"{group.name}: round {round_number} of {rounds}, {peer.name}")
        print(line, end="" if self._is_terminal else "\n", file=sys.stderr, flush=True)

    def visited(self, group, seconds):
        """The next are expected to take what those before took."""
        self._left[group.name] -= 1
        count, total = self._seen.get(group.name, (0, 0.0))
        self._seen[group.name] = (count + 1, total + seconds)
        self._expected[group.name] = (total + seconds) / (count + 1)

    def done(self):
        self._clear()
        return time.monotonic() - self._start

    def _seconds_left(self):
        return sum(max(0, left) * self._expected[name] for name, left in self._left.items())

    def _clear(self):
        if self._is_terminal:
            print("\r\033[K", end="", file=sys.stderr)


def _clock(seconds):
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
