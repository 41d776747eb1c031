"""A worker that has nothing to do: its processor time, how often its threads wake up, and what Redis is asked meanwhile."""
import time

from harness.bars import Bar
from harness.contestants import OURS, OURS_MACHINERY, CeleryWorker, own_workers
from harness.processes import cpu_seconds, wakeups
from harness.row import Row

CPU = 0.1


def measure(site, worker, broker):
    site.clear(broker)
    broker.prepare()
    process = site.start(worker, broker, site.store)
    try:
        process.settle()
        used, woken, asked, began = cpu_seconds(process.pid), wakeups(process.pid), site.store.commands(), time.perf_counter()
        time.sleep(site.scale.seconds(30, 10))
        seconds = time.perf_counter() - began
        process.check()
        figures = {"cpu_percent": 100 * (cpu_seconds(process.pid) - used) / seconds}
        figures["wakeups"] = (wakeups(process.pid) - woken) / seconds
        # The benchmark's own question is none of the worker's.
        figures["commands"] = (site.store.commands() - asked - 1) / seconds
        return figures
    finally:
        process.stop()


def idle(broker_name):
    def contests(site):
        broker = next(broker for broker in site.brokers if broker.name == broker_name)
        workers = [*own_workers(site.programs), CeleryWorker("prefork", 2), CeleryWorker("solo", 1)]
        return site.contests(workers, lambda worker: measure(site, worker, broker))

    bars = [Bar(own, "cpu_percent", at_most=CPU) for own in (OURS, OURS_MACHINERY)]
    note = "Celery's workers, ours among them, tell every two seconds that they live; that is no polling."
    title = f"Idle worker: {broker_name}, results in Redis"
    return Row(f"idle {broker_name.lower()}", title, ["cpu_percent", "wakeups", "commands"], contests, bars, note, quick=False)


ROWS = [idle(broker) for broker in ("Redis", "RabbitMQ")]
