"""What every part of the benchmark uses: where things are, how large a run is, and how trouble is told."""
import os
import sys
import time

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROOT = os.path.dirname(HERE)
QUEUE = "bench"
# How long anything may take before it counts as stuck.
PATIENCE = 300
PYTHON = os.environ.get("CELERIAC_PYTHON") or ROOT + "/.peers/venv/bin/python"
PYTHON_BENCH = ROOT + "/.peers/bench/bin/python"


class Failure(Exception):
    """Somebody did not do what was measured."""


class Skipped(Exception):
    """Something cannot be measured here: the text says why."""


def say(text=""):
    print(text, file=sys.stderr, flush=True)


def wait_until(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"in vain: {what}")
        time.sleep(0.005)


class Scale:
    """How much is done, which the command line says."""

    def __init__(self, quick, tasks, rounds):
        self.quick, self.tasks, self.rounds = quick, tasks, rounds

    def seconds(self, full, quick):
        return quick if self.quick else full
