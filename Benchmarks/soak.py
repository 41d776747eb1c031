#!/usr/bin/env python3
"""Runs a worker and a client at a steady rate for minutes, and says whether their memory and their descriptors stay flat.

Run it by Scripts/soak, which starts the servers. For each broker and dialect in turn, a client publishes tasks at the rate,
whatever becomes of the earlier ones; a worker runs them and stores the results in Redis, where they expire after 30 seconds,
so that the servers do not grow either. Once a second the resident memory and the open descriptors of both processes are read.
The first fifth of the samples is the warm-up and counts for nothing; the client halts three times in it and catches up, so that
buffers have their greatest size before the samples count. Through the rest goes a straight line: its slope, and how much it
rises from its beginning to its end in proportion to its beginning.

A run fails if a line rises by more than 2 %, if a task is lost or runs twice, if less than 98 % of the rate was sent, or if the
worker is more than two seconds behind at the end: a queue that grows says nothing about memory, but that the machine is busy.
Minutes matter: an allocator takes some to settle, so that a short run may rise where a long one is flat.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from urllib.parse import urlsplit

from bench import Counter, Failure, Process, RabbitMQ, Redis, wait_until

QUEUE = "soak"
EXPIRY = 30
LIMIT = 0.02
WARM_UP = 0.2


def say(text=""):
    print(text, file=sys.stderr, flush=True)


def resident_kilobytes(pid):
    with open(f"/proc/{pid}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def sockets(end, port, state):
    """The names under /proc of the TCP sockets in a state whose local (1) or remote (2) port this is."""
    found = set()
    for table in ("tcp", "tcp6"):
        with open(f"/proc/net/{table}") as file:
            for line in file.readlines()[1:]:
                fields = line.split()
                if fields[3] == state and int(fields[end].rsplit(":", 1)[1], 16) == port:
                    found.add(f"socket:[{fields[9]}]")
    return found


def has_one(pid, names):
    """Whether a process has one of the sockets open."""
    try:
        return any(os.readlink(entry.path) in names for entry in os.scandir(f"/proc/{pid}/fd"))
    except OSError:
        return False


def listener(port):
    """The id of the process that listens on a port; None if it cannot be found."""
    names = sockets(1, port, "0A")
    return next((int(pid) for pid in os.listdir("/proc") if pid.isdigit() and has_one(pid, names)), None)


def line(samples):
    """The slope a second of the straight line through (seconds, value) pairs, and its first and its last value."""
    count = len(samples)
    mean_x = sum(x for x, _ in samples) / count
    mean_y = sum(y for _, y in samples) / count
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread if spread else 0.0
    begin, end = samples[0][0], samples[-1][0]
    return slope, mean_y + slope * (begin - mean_x), mean_y + slope * (end - mean_x)


class Series:
    """Samples of one number."""

    def __init__(self, name, unit, counts):
        self.name, self.unit, self.counts = name, unit, counts
        self.samples = []

    def figures(self):
        settled = self.samples[int(len(self.samples) * WARM_UP) :]
        if len(settled) < 10:
            raise Failure(f"there are only {len(settled)} samples of {self.name}")
        slope, first, last = line(settled)
        rise = (last - first) / first if first else 0.0
        figures = {"name": self.name, "unit": self.unit, "first": first, "last": last, "slope_per_hour": slope * 3600}
        return figures | {"rise": rise, "counts": self.counts, "flat": rise <= LIMIT}


class Watch:
    """Reads the figures of the processes once a second."""

    def __init__(self, worker, client, servers):
        self.sources = []
        for name, pid in (("worker", worker), ("client", client)):
            self.sources.append((Series(f"{name} RSS", "kB", True), resident_kilobytes, pid))
            self.sources.append((Series(f"{name} descriptors", "", True), descriptors, pid))
        for name, pid in servers.items():
            if pid:
                self.sources.append((Series(f"{name} RSS", "kB", False), resident_kilobytes, pid))
        self.started = time.monotonic()

    def sample(self):
        now = time.monotonic() - self.started
        for series, read, pid in self.sources:
            series.samples.append((now, read(pid)))

    def figures(self):
        return [series.figures() for series, _, _ in self.sources]


class Soak:
    def __init__(self, folder, program, rate, seconds, store, rabbitmq):
        self.folder, self.program, self.rate, self.seconds = folder, program, rate, seconds
        self.store, self.rabbitmq = store, rabbitmq

    def start(self, broker, dialect, words, counter):
        environment = {"BENCH_BROKER": broker.broker_url, "BENCH_RESULTS": self.store.results_url, "BENCH_QUEUE": QUEUE}
        environment |= {"BENCH_DIALECT": dialect, "BENCH_COUNT": counter.path, "BENCH_EXPIRY": str(EXPIRY)}
        return Process([self.program, *words], environment, f"{self.folder}/{words[0]}.log")

    def run(self, broker, dialect):
        self.store.clear()
        counter = Counter(f"{self.folder}/count")
        worker = self.start(broker, dialect, ["worker"], counter)
        client = None
        try:
            wait_until(lambda: self.is_connected(worker, broker), "the worker is connected", 60)
            client = self.start(broker, dialect, ["pace", str(self.rate), str(self.seconds)], counter)
            servers = {server.name: listener(server.port) for server in {self.store, broker}}
            figures = self.watch(worker, client, servers, counter)
            told = self.told(client)
            behind = max(0, told["sent"] - counter.value())
            ended = self.settled(worker, counter, told["sent"])
        finally:
            worker.stop()
            if client:
                client.stop()
        kept = told["sent"] / told["seconds"]
        return self.judged({"sent": told["sent"], "ended": ended, "behind": behind, "rate": kept, "series": figures})

    def is_connected(self, worker, broker):
        worker.check()
        return has_one(worker.pid, sockets(2, broker.port, "01"))

    def watch(self, worker, client, servers, counter):
        watch = Watch(worker.pid, client.pid, servers)
        told = time.monotonic()
        deadline = told + self.seconds - 1
        while time.monotonic() < deadline:
            worker.check()
            client.check()
            watch.sample()
            if time.monotonic() - told >= 30:
                told = time.monotonic()
                now = ", ".join(f"{series.name} {series.samples[-1][1]:,}" for series, _, _ in watch.sources)
                say(f"    {told - watch.started:5.0f} s  {counter.value():,} tasks  {now}")
            time.sleep(1)
        return watch.figures()

    def settled(self, worker, counter, sent):
        """How many tasks have run once all have, or once none has ended for 30 seconds."""
        ended, since = counter.value(), time.monotonic()
        while ended < sent and time.monotonic() - since < 30:
            worker.check()
            time.sleep(0.1)
            if (now := counter.value()) > ended:
                ended, since = now, time.monotonic()
        time.sleep(1)  # One that runs twice runs by now.
        return counter.value()

    def told(self, client):
        try:
            client.process.wait(120)
        except subprocess.TimeoutExpired:
            raise client.failure("the client still sends two minutes after its time") from None
        if client.process.returncode != 0:
            raise client.failure(f"the client ended with status {client.process.returncode}")
        with open(client.log) as file:
            return json.loads(file.read().splitlines()[-1])

    def judged(self, run):
        faults = [f"{s['name']} rises by {s['rise']:.1%}" for s in run["series"] if s["counts"] and not s["flat"]]
        if run["ended"] < run["sent"]:
            faults.append(f"{run['sent'] - run['ended']} tasks are lost")
        if run["ended"] > run["sent"]:
            faults.append(f"{run['ended'] - run['sent']} tasks ran twice")
        if run["rate"] < 0.98 * self.rate:
            faults.append(f"only {run['rate']:,.0f} of {self.rate:,} tasks/s were sent")
        if run["behind"] > 2 * self.rate:
            faults.append(f"the worker was {run['behind']:,} tasks behind when the client had sent its last")
        return run | {"faults": faults}


def show(name, run):
    if "failure" in run:
        return say(f"{name}: FAILED: {run['failure']}")
    say(f"{name}: {run['rate']:,.0f} tasks/s, {run['sent']:,} sent, {run['ended']:,} ended")
    for series in run["series"]:
        unit = f" {series['unit']}" if series["unit"] else ""
        note = "" if series["counts"] else "  (for information)"
        say(
            f"    {series['name']:20}{series['first']:>12,.1f} → {series['last']:>12,.1f}{unit:3}"
            f"{series['slope_per_hour']:>+14,.1f}{unit}/h{series['rise']:>+9.2%}{note}"
        )
    say("    " + ("flat" if not run["faults"] else "NOT FLAT OR NOT WHOLE: " + "; ".join(run["faults"])))


def main():
    parser = argparse.ArgumentParser(
        prog="Scripts/soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("minutes", type=float, help="how long each run sends")
    parser.add_argument("filter", nargs="?", default="", help="a regular expression that names such as redis/celery must match")
    parser.add_argument("--rate", type=int, default=2000, help="tasks a second (2000)")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    parser.add_argument("--program", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if not arguments.program:
        sys.exit("Run it by Scripts/soak, which builds the program and starts the servers.")
    store, rabbitmq = Redis(os.environ["CELERIAC_REDIS_URL"]), RabbitMQ(os.environ["CELERIAC_AMQP_URL"])
    if store.broker.dbsize() or store.results.dbsize():
        sys.exit("This Redis is not empty: the soak would delete what is in it. Run it by Scripts/soak.")
    seconds = max(15, round(arguments.minutes * 60))
    runs = {}
    with tempfile.TemporaryDirectory(prefix="celeriac-soak-") as folder:
        soak = Soak(folder, arguments.program, arguments.rate, seconds, store, rabbitmq)
        for broker in (store, rabbitmq):
            for dialect in ("celery", "machinery"):
                name = f"{broker.name.lower()}/{dialect}"
                if not re.search(arguments.filter, name):
                    continue
                say(f"==> {time.strftime('%T')}  {name}: {arguments.rate:,} tasks/s for {seconds} s")
                try:
                    runs[name] = soak.run(broker, dialect)
                except Failure as failure:
                    runs[name] = {"failure": str(failure), "faults": ["it failed"]}
                show(name, runs[name])
    if arguments.json:
        print(json.dumps({"rate": arguments.rate, "seconds": seconds, "limit": LIMIT, "runs": runs}))
    if not runs:
        sys.exit(f"There is no run {arguments.filter!r}.")
    if any(run["faults"] for run in runs.values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
