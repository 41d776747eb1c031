"""1 to 8 worker processes at one server: what a task costs them together.

They have begun and are idle when the first message comes, so that their start counts for nothing; the bare loop publishes.
"""
import time

from harness.bars import Bar
from harness.common import PATIENCE, Failure
from harness.contestants import OURS, Bare, CeleriacWorker
from harness.processes import cpu_seconds, listener
from harness.row import Contest, Row

NUMBERS = (1, 2, 4, 8)
COST = 1.25
LOAD = 5


def title_of(number):
    return f"{number} process{'es' if number > 1 else ''}"


def measure(site, broker, number):
    tasks = LOAD * site.scale.tasks
    site.clear(broker)
    broker.prepare()
    worker, server, processes = CeleriacWorker(site.programs), listener(broker.port), []
    try:
        for index in range(number):
            processes.append(site.start(worker, broker, None, log=f"worker-{index}"))
        for process in processes:
            process.settle()
        used = [cpu_seconds(process.pid) for process in processes]
        used_by_server = cpu_seconds(server) if server else None
        producer = site.start(Bare(site.programs, "publish"), broker, None, tasks, log="producer")
        deadline = site.deadline(tasks)
        while not (first := site.counter.value()):
            site.pause(processes[0], deadline)
        started = time.perf_counter()
        while site.counter.value() < tasks:
            for process in processes:
                site.pause(process, deadline)
        seconds = time.perf_counter() - started
        producer.told(PATIENCE, "the producer")
        cpu = sum(cpu_seconds(process.pid) for process in processes) - sum(used)
        figures = {"rate": (tasks - first) / seconds, "cpu": cpu / tasks * 1e6}
        if used_by_server is not None:
            figures["server_cpu"] = (cpu_seconds(server) - used_by_server) / tasks * 1e6
    finally:
        for process in processes:
            process.stop()
    if site.counter.value() != tasks or broker.left():
        raise Failure(f"{site.counter.value()} of {tasks} tasks ran, {broker.left()} messages are left")
    return figures


def scaling(broker_name):
    def contests(site):
        broker = next(broker for broker in site.brokers if broker.name == broker_name)
        return [
            Contest(title_of(number), OURS, lambda number=number: measure(site, broker, number)) for number in NUMBERS
        ]

    bars = [Bar(title_of(number), "cpu", at_most=COST, of=title_of(1)) for number in NUMBERS[1:]]
    title = f"Worker processes at one server: {broker_name}, no results, published meanwhile"
    return Row(f"processes {broker_name.lower()}", title, ["rate", "cpu", "server_cpu"], contests, bars, quick=False)


ROWS = [scaling(broker) for broker in ("Redis", "RabbitMQ")]
