"""Resident memory of a worker with one handler: when it has just begun, and its peak while it works off a full queue.

Whether it grows over minutes is what Scripts/soak measures; `slope` runs that for twenty minutes each.
"""
import time

from harness.bars import Bar
from harness.common import Failure
from harness.contestants import OURS, OURS_MACHINERY, own_workers
from harness.processes import peak_megabytes, resident_megabytes
from harness.row import Contest, Row

IDLE, LOADED, RISE = 20, 28, 2
LOAD = 5
MINUTES = 20


def measure(site, worker, broker):
    site.clear(broker)
    broker.prepare()
    process = site.start(worker, broker, site.store, BENCH_HANDLERS="add")
    try:
        process.settle()
        idle = resident_megabytes(process.pid)
    finally:
        process.stop()
    # A new one, since the queue must be full before it begins.
    number = LOAD * site.scale.tasks
    site.clear(broker)
    worker.system.put(broker, number)
    process = site.start(worker, broker, site.store, BENCH_HANDLERS="add")
    try:
        deadline = site.deadline(number)
        while site.counter.value() < number:
            site.pause(process, deadline)
        time.sleep(0.5)
        loaded = peak_megabytes(process.pid)
    finally:
        process.stop()
    if site.counter.value() != number:
        raise Failure(f"{site.counter.value()} tasks ran instead of {number}")
    return {"idle_memory": idle, "loaded_memory": loaded}


def memory(broker_name):
    def contests(site):
        broker = next(broker for broker in site.brokers if broker.name == broker_name)
        return site.contests(own_workers(site.programs), lambda worker: measure(site, worker, broker))

    bars = []
    for own in (OURS, OURS_MACHINERY):
        bars += [Bar(own, "idle_memory", at_most=IDLE), Bar(own, "loaded_memory", at_most=LOADED)]
    title = f"Memory of a worker with one handler: {broker_name}, results in Redis"
    return Row(f"memory {broker_name.lower()}", title, ["idle_memory", "loaded_memory"], contests, bars, quick=False)


def slope(broker_name):
    def contests(site):
        # Only here, since it is a program of its own.
        from soak import Soak

        broker = next(broker for broker in site.brokers if broker.name == broker_name)
        seconds = 60 * site.scale.seconds(MINUTES, 1)

        def run(dialect):
            soak = Soak(site.folder, site.programs + "/CeleriacBench", 2000, seconds, site.store, site.rabbitmq)
            told = soak.run(broker, dialect)
            if whole := [fault for fault in told["faults"] if "rises" not in fault]:
                raise Failure("; ".join(whole))
            series = next(series for series in told["series"] if series["name"] == "worker RSS")
            return {"rise": 100 * series["rise"], "loaded_memory": series["last"] / 1024}

        return [
            Contest(name, name, lambda dialect=dialect: run(dialect))
            for name, dialect in ((OURS, "celery"), (OURS_MACHINERY, "machinery"))
        ]

    bars = [Bar(own, "rise", at_most=RISE) for own in (OURS, OURS_MACHINERY)]
    title = f"Memory over {MINUTES} minutes at 2,000 tasks/s: {broker_name}, results in Redis"
    return Row(f"slope {broker_name.lower()}", title, ["rise", "loaded_memory"], contests, bars, asked=True, rounds=1)


ROWS = [row(broker) for row in (memory, slope) for broker in ("Redis", "RabbitMQ")]
