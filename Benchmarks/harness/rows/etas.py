"""Tasks with an ETA that a worker holds at Redis: their memory, the processor while they wait, and when they begin.

They are due one after another, 5,000 a second, from a moment on at which the worker has long held all of them. Each takes the
time when it begins, which is counted by the millisecond.
"""
import time

from harness.bars import Bar
from harness.common import Failure, say, wait_until
from harness.contestants import OURS, CeleriacWorker
from harness.figures import percentile
from harness.processes import cpu_seconds, resident_megabytes
from harness.row import Row
from harness.work import Late

RATE = 5000
BYTES, CPU, LATE = 300, 0.5, 50


def measure(site, worker, number):
    watched = site.scale.seconds(10, 5)
    site.clear(site.store)
    process = site.start(worker, site.store, None, BENCH_LATENESS=site.lateness.path)
    try:
        process.settle()
        idle = resident_megabytes(process.pid)
        # The messages must be written and taken by then: on a slow machine some 5,000 a second.
        first = time.time() + 15 + watched + number / 5000
        work = Late(first, RATE)
        worker.system.put(site.store, number, work)
        wait_until(lambda: site.store.length() == 0, "the worker has taken all messages", first - time.time())
        # If it is never idle, that is what its processor time will say.
        process.settle(max(1, first - time.time() - watched - 1), must=False)
        if time.time() + watched > first:
            raise Failure("the worker held all tasks too late for them to be watched while they wait")
        held = resident_megabytes(process.pid)
        used, began = cpu_seconds(process.pid), time.perf_counter()
        time.sleep(watched)
        cpu = (cpu_seconds(process.pid) - used) / (time.perf_counter() - began)
        if ran := site.counter.value():
            raise Failure(f"{ran} tasks ran before the first was due")
        say(f"    {number:,} tasks are held")
        deadline = time.monotonic() + (work.due(number) - time.time()) + 60
        while site.counter.value() < number:
            site.pause(process, deadline)
        wait_until(lambda: site.store.left() == 0, "Redis has all acknowledgements")
    finally:
        process.stop()
    if site.counter.value() != number:
        raise Failure(f"{site.counter.value()} tasks ran instead of {number}")
    early, late = site.lateness.slots[0], list(site.lateness.slots[1:])
    figures = {"bytes": (held - idle) * 1024 * 1024 / number, "cpu_percent": 100 * cpu, "early": early}
    figures |= {f"late_p{percent}": percentile(late, percent) for percent in (50, 99)}
    return figures | {"late_max": percentile(late, 100)}


def etas(number, asked):
    def contests(site):
        return site.contests([CeleriacWorker(site.programs)], lambda worker: measure(site, worker, number))

    bars = [
        Bar(OURS, "bytes", at_most=BYTES), Bar(OURS, "cpu_percent", at_most=CPU),
        Bar(OURS, "late_max", at_most=LATE), Bar(OURS, "early", at_most=0),
    ]
    metrics = ["bytes", "cpu_percent", "late_p50", "late_p99", "late_max", "early"]
    title = f"{number:,} tasks with an ETA, held at Redis, due at {RATE:,}/s"
    return Row(f"eta {number}", title, metrics, contests, bars, quick=False, asked=asked, rounds=1 if asked else None)


ROWS = [etas(100_000, False), etas(1_000_000, True)]
