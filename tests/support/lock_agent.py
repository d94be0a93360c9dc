#!/usr/bin/env python3
"""lock_agent.py FILE [flags]: opens FILE and carries out what it is told on stdin, a line each:

  KIND TYPE MODE [FIRST LENGTH]   KIND posix, ofd or flock; TYPE read, write or none; MODE try or wait
  get [FIRST LENGTH]              F_GETLK for writing: "free", or "TYPE FIRST LENGTH PID"
  ofdget [FIRST LENGTH]           the same, F_OFD_GETLK
  close, open, reopen             of a second descriptor; of the first
  append, readonly                opens the first one anew, for that alone
  exchange                        the first descriptor for the second
  sleep SECONDS
  insist SECONDS KIND TYPE FIRST LENGTH   tries again and again for so long; answers with the last one's answer
  alarm SECONDS                   a signal so long after the next line has been read

Answers each with a line: ok, an errno's name, or what is said above. Programs import what is here, too.
"""
import errno
import fcntl
import os
import signal
import struct
import sys
import time

FORMAT = "hhqqi4x"
COMMANDS = {("posix", "try"): fcntl.F_SETLK, ("posix", "wait"): fcntl.F_SETLKW,
            ("ofd", "try"): 37, ("ofd", "wait"): 38}
TYPES = {"read": fcntl.F_RDLCK, "write": fcntl.F_WRLCK, "none": fcntl.F_UNLCK}
WHOLE = {"read": fcntl.LOCK_SH, "write": fcntl.LOCK_EX, "none": fcntl.LOCK_UN}



def lock(fd, kind, type_, mode, first=0, length=0):
    if kind == "flock":
        fcntl.flock(fd, WHOLE[type_] | (fcntl.LOCK_NB if mode == "try" else 0))
        return
    fcntl.fcntl(fd, COMMANDS[kind, mode], struct.pack(FORMAT, TYPES[type_], 0, first, length, 0))


def get(fd, first=0, length=0, command=fcntl.F_GETLK):
    answer = fcntl.fcntl(fd, command, struct.pack(FORMAT, fcntl.F_WRLCK, 0, first, length, 0))
    type_, _, first, length, pid = struct.unpack(FORMAT, answer)
    if type_ == fcntl.F_UNLCK:
        return "free"
    return f"{'read' if type_ == fcntl.F_RDLCK else 'write'} {first} {length} {pid}"


class Interrupted(Exception):
    pass


def interrupted(*_):
    raise Interrupted


class Agent:
    def __init__(self, path):
        self.path = path
        self.fd = os.open(path, os.O_RDWR)
        self.second = None
        self.alarm = 0

    def start_alarm(self):
        signal.signal(signal.SIGALRM, interrupted)
        signal.setitimer(signal.ITIMER_REAL, self.alarm)
        self.alarm = 0

    def insist(self, seconds, how, numbers):
        end = time.monotonic() + seconds
        while True:
            try:
                return lock(self.fd, *how, "try", *numbers)
            except BlockingIOError:
                if time.monotonic() > end:
                    raise
            time.sleep(0.001)

    def carry_out(self, words):
        numbers = [int(word) for word in words if word.lstrip("-").isdigit()]
        if words[0] in ("posix", "ofd", "flock"):
            lock(self.fd, *words[:3], *numbers)
        elif words[0] == "insist":
            self.insist(float(words[1]), words[2:4], numbers[-2:])
        elif words[0] == "get":
            return get(self.fd, *numbers)
        elif words[0] == "ofdget":
            return get(self.fd, *numbers, command=36)
        elif words[0] == "open":
            self.second = os.open(self.path, os.O_RDWR)
        elif words[0] == "dup":
            self.second = os.dup(self.fd)
        elif words[0] == "close":
            os.close(self.second)
        elif words[0] == "reopen":
            os.close(self.fd)
            self.fd = os.open(self.path, os.O_RDWR)
        elif words[0] in ("readonly", "append"):
            os.close(self.fd)
            how = os.O_RDONLY if words[0] == "readonly" else os.O_WRONLY | os.O_APPEND
            self.fd = os.open(self.path, how)
        elif words[0] == "exchange":
            self.fd, self.second = self.second, self.fd
        elif words[0] == "sleep":
            time.sleep(float(words[1]))
        elif words[0] == "alarm":
            self.alarm = float(words[1])
        elif words[0] == "pid":
            return str(os.getpid())
        else:
            return "what?"
        return "ok"


def main():
    agent = Agent(sys.argv[1])
    print("ready", flush=True)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for line in sys.stdin:
        try:
            if agent.alarm:
                agent.start_alarm()
            answer = agent.carry_out(line.split())
        except Interrupted:
            answer = "EINTR"
        except OSError as error:
            answer = "EDEADLK" if error.errno == errno.EDEADLK else errno.errorcode[error.errno]
        print(answer, flush=True)


if __name__ == "__main__":
    main()
