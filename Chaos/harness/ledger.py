"""The ledger: a file to which every process of a run appends one line for each event.

    TIME PID EVENT WORD...

TIME is in nanoseconds of the machine's monotonic clock. The events:

    sent | acked | refused UNIT      the producer is about to send it; the broker confirmed it, or it did not
    received TASK                    a Python worker holds it (Swift workers do not say)
    begin | end TASK                 a worker's handler begins, ends
    spawned NAME | died STATUS       the process PID; names of bridges begin with bridge, of Python's workers with python
    fault ID KIND HIT                a fault begins; HIT is the process ids whose process or connections it hits, with
                                     commas between them, or * for all. A second line for an ID adds to its HIT.
    healed ID                        the fault has ended
    parked TASK                      read from the servers after the run, as are
    stored UNIT | failed UNIT        the results of units that are one task: success, failure
    read results                     results were read: what was not stored is not there
"""
import os
import time
from typing import NamedTuple


class Event(NamedTuple):
    time: int
    pid: int
    name: str
    words: list


def parse(line):
    time, pid, name, *words = line.split()
    return Event(int(time), int(pid), name, words)


class Ledger:
    def __init__(self, path):
        self.path = path
        self.file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        self.offset, self.rest = 0, b""

    def note(self, pid, name, *words):
        line = " ".join([str(time.monotonic_ns()), str(pid), name, *map(str, words)]) + "\n"
        os.write(self.file, line.encode())

    def news(self):
        """The events since the last call."""
        data = self.rest + os.pread(self.file, 1 << 26, self.offset)
        self.offset += len(data) - len(self.rest)
        *lines, self.rest = data.split(b"\n")
        return [parse(line.decode()) for line in lines]

    def events(self):
        with open(self.path) as file:
            return [parse(line) for line in file]


def unit_of(task):
    return task.split(".")[0]


def tasks_of(unit):
    """The tasks of what was sent as one."""
    if unit[0] == "c":
        return [f"{unit}.{link}" for link in range(3)]
    if unit[0] == "h":
        return [f"{unit}.{link}" for link in (0, 1, 2, "b")]
    return [unit]


def before(task):
    """The tasks whose ends bring a task about."""
    unit, _, link = task.partition(".")
    if unit[0] == "h":
        return tasks_of(unit)[:3] if link == "b" else []
    if unit[0] == "c" and link != "0":
        return [f"{unit}.{int(link) - 1}"]
    return []


def countdown(unit):
    """After how many nanoseconds a task with an ETA may begin, as Unit.swift has it."""
    return (500 + int(unit[1:]) * 37 % 4000) * 1_000_000


def is_poison(task):
    return task[0] == "x"
