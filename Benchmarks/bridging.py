"""Measures the bridge: Scripts/bench runs this after everything else, on the same servers.

Throughput: a queue of the source is filled with N messages, then a worker of the target is started, and a bridge. Time
counts from the first task that has run to the N-th result at the source. All is checked: N tasks ran and not one more,
every result right, nothing left in either queue. The bar is a part of the slower side's own drain rate in this run:
messages and workers of one side alone, results stored.

Latency: a producer at the source sends 1,000 tasks a second and waits for each result. It is measured how late a task began
and how late its result was there, through the bridge to a worker of the target, and without it at a worker of the source.
The difference is what the bridge adds, with the way to the target; the bar is for the beginning of the task.
"""
import json
import os
import re
import subprocess
import time

from bench import (
    CELERY, MACHINERY, PATIENCE, QUEUE, QUICK, ROUNDS, TASKS, CeleriacWorker, Failure, MachineryCeleriacWorker,
    RabbitMQ, Redis, cpu_seconds, say, wait_until,
)

RATE = 1000
SECONDS = 5 if QUICK else 15
# The part of the slower side's drain rate, and the milliseconds that a task may begin later at the median.
SHARE = 0.4
ADDED = {"Redis": 2.0, "RabbitMQ": 4.0}


class End:
    """A side of a bridge: a task system with its broker, its result store and its worker."""

    def __init__(self, name, system, worker, broker, store):
        self.name, self.system, self.worker = name, system, worker
        self.broker, self.store = broker, store

    def settings(self):
        dialect = "machinery" if self.system is MACHINERY else "celery"
        return {
            "dialect": dialect, "broker": self.broker.broker_url, "results": self.store.results_url, "queue": QUEUE,
        }


class Way:
    """A source and a target."""

    def __init__(self, source, target):
        self.source, self.target = source, target
        self.name = f"{source.name} to {target.name}"
        brokers = (source.broker.name, target.broker.name)
        self.added = max(ADDED[name] for name in brokers)


class Bridging:
    def __init__(self, bench, programs):
        self.bench, self.program, self.rows = bench, programs + "/CeleriacBench", []
        url = bench.store.broker_url
        rabbitmq = next(broker for broker in bench.brokers if isinstance(broker, RabbitMQ))
        one, other = Redis(url), Redis(url, 2)
        celery, machinery = CeleriacWorker(self.program), MachineryCeleriacWorker(self.program)
        self.ways = [
            Way(
                End("Machinery on Redis", MACHINERY, machinery, other, other),
                End("Celery on Redis", CELERY, celery, one, one)),
            Way(
                End("Celery on RabbitMQ", CELERY, celery, rabbitmq, other),
                End("Machinery on Redis", MACHINERY, machinery, one, one)),
        ]

    def run(self):
        for way in self.ways:
            row = f"bridge {way.name}"
            if not re.search(os.environ.get("ONLY", ""), row):
                continue
            figures = {"name": way.name, "bar_share": SHARE, "bar_added_ms": way.added}
            try:
                figures |= self.throughput(way) | self.latency(way)
                say(f"{row}: {figures['rate']:,.0f}/s, {figures['added']['begun']['p50'] / 1000:.2f} ms added")
            except Failure as failure:
                figures["failure"] = str(failure)
                say(f"{row}: FAILED: {failure}")
            self.rows.append(figures)

    # Throughput.

    def throughput(self, way):
        drains = {end.name: self.drain_rate(end) for end in (way.source, way.target)}
        best = max((self.forward(way) for _ in range(ROUNDS)), key=lambda figures: figures["rate"])
        return best | {"drains": drains, "share": best["rate"] / min(drains.values())}

    def drain_rate(self, end):
        """A side's own rate: what the run before has measured, if it has."""
        for row in self.bench.rows:
            known = (row["kind"], row["broker"], row["results"], row["name"])
            if known == ("drain", end.broker.name, True, end.worker.name) and "rate" in row:
                return row["rate"]
        broker = next(broker for broker in self.bench.brokers if broker.name == end.broker.name)
        rates = [self.bench.drain(end.worker, broker, self.bench.store, TASKS)["rate"] for _ in range(ROUNDS)]
        return max(rates)

    def forward(self, way):
        """Has all messages of a full queue run at the other side, and waits for their results."""
        self.clear()
        way.source.system.put(way.source.broker, TASKS)
        wait_until(lambda: way.source.broker.length() == TASKS, "the queue holds all messages")
        worker = self.start(way.target, ["worker"], "worker")
        bridge = self.start_bridge(way)
        try:
            counter, deadline = self.bench.counter, time.monotonic() + PATIENCE
            while not (first := counter.value()):
                self.pause(worker, bridge, deadline)
            started, used = time.perf_counter(), cpu_seconds(bridge.pid)
            replies = Replies(way.source, TASKS)
            while not replies.are_there():
                self.pause(worker, bridge, deadline)
            seconds, cpu = time.perf_counter() - started, cpu_seconds(bridge.pid) - used
            # The last acknowledgements may still be on their way.
            for end in (way.source, way.target):
                wait_until(lambda: end.broker.left() == 0, f"{end.name} has all acknowledgements")
        finally:
            bridge.stop()
            worker.stop()
        if counter.value() != TASKS:
            raise Failure(f"{counter.value()} tasks ran instead of {TASKS}")
        return {"rate": (TASKS - first) / seconds, "cpu": cpu / (TASKS - first) * 1e6}

    # Latency.

    def latency(self, way):
        direct = self.measure(way.source, way.source)
        bridged = self.measure(way.source, way.target, way)
        added = {
            what: {p: bridged[what][p] - direct[what][p] for p in ("p50", "p99")} for what in ("begun", "ended")
        }
        return {"direct": direct, "bridged": bridged, "added": added}

    def measure(self, source, target, way=None):
        """What a producer at one side sees of a worker at a side."""
        self.clear()
        running = [self.start(target, ["worker"], "worker")]
        if way:
            running.append(self.start_bridge(way))
        producer = self.start(source, ["latency", str(RATE), str(SECONDS)], "producer")
        try:
            producer.process.wait(PATIENCE)
            if producer.process.returncode != 0:
                raise producer.failure(f"the producer has ended with status {producer.process.returncode}")
            for process in running:
                process.check()
        except subprocess.TimeoutExpired:
            raise producer.failure(f"the producer has not ended in {PATIENCE} s") from None
        finally:
            for process in [producer, *running]:
                process.stop()
        with open(producer.log) as file:
            return json.loads(file.read().splitlines()[-1])

    # Processes.

    def clear(self):
        for broker in self.bench.brokers:
            self.bench.clear(broker)

    def start(self, end, words, name):
        variables = {"BENCH_BROKER": end.broker.broker_url, "BENCH_RESULTS": end.store.results_url}
        variables |= {"BENCH_QUEUE": QUEUE, "BENCH_COUNT": self.bench.counter.path}
        if end.system is MACHINERY:
            variables["BENCH_DIALECT"] = "machinery"
        return self.bench.spawn([self.program, *words], variables, name)

    def start_bridge(self, way):
        path = self.bench.folder + "/bridge.yaml"
        file = {"bridge": "bench", "ends": {"source": way.source.settings(), "target": way.target.settings()}}
        file["routes"] = [{"name": "bench", "from": "source", "to": "target"}]
        with open(path, "w") as out:
            json.dump(file, out)
        return self.bench.spawn([self.program, "bridge", path], {}, "bridge")

    def pause(self, worker, bridge, deadline):
        bridge.check()
        self.bench.pause(worker, deadline)

    # The figures.

    def table(self):
        if not self.rows:
            return
        say(f"\nThe bridge: throughput with results back; latency at {RATE:,} tasks/s in milliseconds")
        for row in self.rows:
            say(row["name"])
            if "failure" in row:
                say("    failed")
                continue
            slower, rate = min(row["drains"].items(), key=lambda drain: drain[1])
            self.line("tasks/s", f"{row['rate']:,.0f}, {row['cpu']:.1f} µs CPU of the bridge a task")
            self.line(f"× {slower}'s own {rate:,.0f}/s", f"{row['share']:.2f}", row["share"] / SHARE, f"at least {SHARE}")
            for what, name in (("begun", "until a task begins"), ("ended", "until its result is there")):
                parts = []
                for key in ("direct", "bridged", "added"):
                    parts.append(f"{key} p50 {row[key][what]['p50'] / 1000:.2f}, p99 {row[key][what]['p99'] / 1000:.2f}")
                self.line(name, "; ".join(parts))
            added = row["added"]["begun"]["p50"] / 1000
            self.line("added until it begins, p50", f"{added:.2f}", row["bar_added_ms"] / max(added, 0.001),
                      f"at most {row['bar_added_ms']} ms")

    @staticmethod
    def line(name, text, ratio=None, bar=None):
        """A line of the table; the ratio is 1 where a bar is just met, and more where it is met."""
        judged = f"   bar: {bar}, {'met' if ratio >= 1 else 'MISSED'} by {ratio:.2f} ×" if bar else ""
        say(f"    {name:36}{text}{judged}")


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
