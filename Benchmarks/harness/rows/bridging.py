"""The bridge: what it forwards with the results back, and what it adds to latency.

Throughput: a queue of the source is filled with N messages, then a worker of the target is started, and a bridge. Time
counts from the first task that has run to the N-th result at the source. All is checked: N tasks ran and not one more,
every result right, nothing left in either queue. The bar is a part of the slower side's own drain rate in the same round:
messages and workers of one side alone, results stored.

Latency: a producer at the source sends 1,000 tasks a second and waits for each result. It is measured how late a task began
and how late its result was there, through the bridge to a worker of the target, and without it at a worker of the source.
The difference is what the bridge adds, with the way to the target; the bar is for the beginning of the task.
"""
import json
import time

from harness.bars import Bar
from harness.common import PATIENCE, QUEUE, Failure, wait_until
from harness.contestants import CeleriacWorker, MachineryCeleriacWorker
from harness.processes import cpu_seconds
from harness.row import Contest, Row
from harness.servers import Redis
from harness.systems import CELERY, MACHINERY

RATE = 1000
BRIDGE = "the bridge"
# The part of the slower side's drain rate, and the milliseconds that a task may begin later at the median.
SHARE = 0.4
ADDED = {"Redis": 2.0, "RabbitMQ": 4.0}


class End:
    """A side of a bridge: a task system with its broker, its result store and its worker."""

    def __init__(self, system, worker, broker, store):
        self.system, self.worker, self.broker, self.store = system, worker, broker, store
        self.name = f"{system.name.capitalize()} on {broker.name}"

    def settings(self):
        return {
            "dialect": self.system.name, "broker": self.broker.broker_url, "results": self.store.results_url, "queue": QUEUE,
        }


class Way:
    """A bridge from a source to a target."""

    def __init__(self, site, source, target):
        self.site, self.source, self.target = site, source, target
        self.program = site.programs + "/CeleriacBench"
        self.seconds = site.scale.seconds(15, 5)

    def measure(self):
        slower = min(self.drain_rate(end) for end in (self.source, self.target))
        forwarded = self.forward()
        figures = forwarded | {"share": forwarded["rate"] / slower}
        direct, bridged = self.latency(self.source), self.latency(self.target, is_bridged=True)
        for what, name in (("begun", "added"), ("ended", "ended")):
            for p in ("p50", "p99"):
                figures[f"{name}_{p}"] = (bridged[what][p] - direct[what][p]) / 1000
        return figures

    def drain_rate(self, end):
        """A side's own rate, on the run's usual databases."""
        broker = next(broker for broker in self.site.brokers if broker.name == end.broker.name)
        return self.site.drain(end.worker, broker, self.site.store, self.site.scale.tasks)["rate"]

    def forward(self):
        """Has all messages of a full queue run at the other side, and waits for their results."""
        number = self.site.scale.tasks
        self.clear()
        self.source.system.put(self.source.broker, number)
        wait_until(lambda: self.source.broker.length() == number, "the queue holds all messages")
        worker, bridge = self.start(self.target, ["worker"], "worker"), self.start_bridge()
        try:
            counter, deadline = self.site.counter, self.site.deadline(number)
            while not (first := counter.value()):
                self.pause(worker, bridge, deadline)
            started, used = time.perf_counter(), cpu_seconds(bridge.pid)
            replies = Replies(self.source, number)
            while not replies.are_there():
                self.pause(worker, bridge, deadline)
            seconds, cpu = time.perf_counter() - started, cpu_seconds(bridge.pid) - used
            # The last acknowledgements may still be on their way.
            for end in (self.source, self.target):
                wait_until(lambda end=end: end.broker.left() == 0, f"{end.name} has all acknowledgements")
        finally:
            bridge.stop()
            worker.stop()
        if counter.value() != number:
            raise Failure(f"{counter.value()} tasks ran instead of {number}")
        return {"rate": (number - first) / seconds, "cpu": cpu / (number - first) * 1e6}

    def latency(self, target, is_bridged=False):
        """What a producer at the source sees of a worker at a side."""
        self.clear()
        running = [self.start(target, ["worker"], "worker")]
        try:
            if is_bridged:
                running.append(self.start_bridge())
            producer = self.start(self.source, ["latency", str(RATE), str(self.seconds)], "producer")
            told = producer.told(PATIENCE, "the producer")
            for process in running:
                process.check()
        finally:
            for process in running:
                process.stop()
        return told

    def clear(self):
        for broker in self.site.brokers:
            self.site.clear(broker)

    def start(self, end, words, log):
        variables = {"BENCH_BROKER": end.broker.broker_url, "BENCH_RESULTS": end.store.results_url}
        variables |= {"BENCH_QUEUE": QUEUE, "BENCH_COUNT": self.site.counter.path, "BENCH_DIALECT": end.system.name}
        return self.site.spawn([self.program, *words], variables, log)

    def start_bridge(self):
        path = self.site.folder + "/bridge.yaml"
        file = {"bridge": "bench", "ends": {"source": self.source.settings(), "target": self.target.settings()}}
        file["routes"] = [{"name": "bench", "from": "source", "to": "target"}]
        with open(path, "w") as out:
            json.dump(file, out)
        return self.site.spawn([self.program, "bridge", path], {}, "bridge")

    def pause(self, worker, bridge, deadline):
        bridge.check()
        self.site.pause(worker, deadline)


class Replies:
    """The results of a side, asked for from the first one that was not there on."""

    PORTION = 500

    def __init__(self, end, number):
        self.end, self.number, self.next = end, number, 0

    def are_there(self):
        while self.next < self.number:
            indices = range(self.next, min(self.next + self.PORTION, self.number))
            system, results = self.end.system, self.end.store.results
            for i, value in zip(indices, results.mget([system.result_key(i) for i in indices])):
                state, result = system.result(json.loads(value) if value else {})
                if state in ("FAILURE", "REVOKED"):
                    raise Failure(f"the result of add({i}, {i}) is {value!r}")
                if state != "SUCCESS":
                    time.sleep(0.01)
                    return False
                if result != i + i:
                    raise Failure(f"the result of add({i}, {i}) is {value!r}")
                self.next = i + 1
        return True


def ends(site, source):
    """Source and target: each on Redis in databases of its own, or Celery as the source on RabbitMQ."""
    celery, machinery = CeleriacWorker(site.programs), MachineryCeleriacWorker(site.programs)
    one, other = Redis(site.store.broker_url), Redis(site.store.broker_url, 2)
    if source == "machinery redis":
        return End(MACHINERY, machinery, other, other), End(CELERY, celery, one, one)
    return End(CELERY, celery, site.rabbitmq, other), End(MACHINERY, machinery, one, one)


def bridge(source, title, broker_name):
    def contests(site):
        return [Contest(BRIDGE, BRIDGE, lambda: Way(site, *ends(site, source)).measure())]

    bars = [Bar(BRIDGE, "share", at_least=SHARE), Bar(BRIDGE, "added_p50", at_most=ADDED[broker_name])]
    metrics = ["rate", "cpu", "share", "added_p50", "added_p99", "ended_p50", "ended_p99"]
    return Row(f"bridge {source}", f"The bridge: {title}", metrics, contests, bars)


ROWS = [
    bridge("machinery redis", "Machinery on Redis to Celery on Redis", "Redis"),
    bridge("celery rabbitmq", "Celery on RabbitMQ to Machinery on Redis", "RabbitMQ"),
]
