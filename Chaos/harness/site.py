"""A run's servers, workers, producer and bridges, and the clock by which its faults come and go."""
import json
import os
import sys
import time
from contextlib import contextmanager

from harness.faults import FAULTS
from harness.ledger import Ledger, is_poison, tasks_of
from harness.processes import Worker, free_port
from harness.proxy import Proxies
from harness.servers import QUEUE, Failure, RabbitMQ, Redis

# What a bridge holds at most: messages that it forwards, and notes about replies.
IN_FLIGHT, PENDING = 32, 500

# How long a fault may wait for a condition.
FAULT_PATIENCE = 120


def say(text):
    print(f"==> {time.strftime('%T')}  {text}", file=sys.stderr, flush=True)


class Side:
    """A task system: its servers."""

    def __init__(self, folder, dialect, kind):
        self.dialect, self.kind = dialect, kind
        self.store = self.broker = Redis(f"{folder}/redis-{dialect}")
        if kind != "redis":
            self.broker = RabbitMQ(f"{folder}/rabbitmq-{dialect}")

    @property
    def servers(self):
        return [self.store] if self.store is self.broker else [self.store, self.broker]


class Site:
    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.claim = 30.0 if options.with_python else 3.0
        self.ledger = Ledger(folder + "/ledger")
        self.proxies = Proxies()
        self.workers, self.bridges, self.producer, self.servers = [], [], None, []
        self.waiting, self.is_server_harmed, self.dead_port = [], False, free_port()
        self.confirmed, self.ended, self.begun_by = set(), set(), {}

    def launch(self):
        dialect, kind = self.options.dialect, self.options.broker
        if self.options.bridge:
            sides = {"machinery": Side(self.folder, "machinery", "redis"), "celery": Side(self.folder, "celery", kind)}
            self.source = sides.pop(dialect)
            (self.target,) = sides.values()
        else:
            self.source = self.target = Side(self.folder, dialect, kind)
        for side in self.sides:
            for server in side.servers:
                self.servers.append(server)
                server.launch()
        program = self.options.programs + "/ChaosWorker"
        count = 1 if self.options.with_python else 2
        self.workers = [self.client(f"swift-{n}", [program, "work"], self.target) for n in range(1, count + 1)]
        if self.options.with_python:
            command = [self.options.python, "-m", "celery", "-A", "chaos_peer", "worker", "--pool", "solo"]
            command += ["--loglevel", "WARNING", "--hostname", "python@chaos"]
            self.workers.append(self.client("python-1", command, self.target))
        if self.options.bridge:
            self.bridges = [self.bridge(f"bridge-{n}", self.options.programs + "/ChaosBridge") for n in (1, 2)]
        for process in self.crew:
            process.spawn()

    @property
    def sides(self):
        return [self.source] if self.source is self.target else [self.source, self.target]

    @property
    def crew(self):
        return self.workers + self.bridges

    def connect(self, side):
        """New proxies to the servers of a side, and the URLs of its broker and its results."""
        to_broker = self.proxies.open(side.broker.port)
        to_store = to_broker if side.store is side.broker else self.proxies.open(side.store.port)
        proxies = [to_broker] if to_store is to_broker else [to_broker, to_store]
        return proxies, side.broker.url(to_broker), side.store.url(to_store, 1)

    def bridge(self, name, program):
        """A bridge with proxies of its own to both sides."""
        ends, cuts = {}, []
        for end, side in (("source", self.source), ("target", self.target)):
            proxies, broker, results = self.connect(side)
            cuts.append(proxies)
            ends[end] = {"dialect": side.dialect, "broker": broker, "results": results, "queue": QUEUE}
            ends[end]["visibility_timeout"] = self.claim
        route = {"name": "chaos", "from": "source", "to": "target", "in_flight": IN_FLIGHT, "pending": PENDING}
        path = f"{self.folder}/{name}.yaml"
        with open(path, "w") as file:
            json.dump({"bridge": "chaos", "ends": ends, "routes": [route]}, file)
        made = Worker(name, [program, path], {}, self.folder, sum(cuts, []), self.ledger)
        made.cuts = cuts
        return made

    def client(self, name, command, side):
        """A worker or producer of a side with proxies of its own."""
        proxies, broker, results = self.connect(side)
        environment = {
            "CHAOS_NAME": name,
            "CHAOS_DIALECT": side.dialect,
            "CHAOS_BROKER": broker,
            "CHAOS_RESULTS": results,
            "CHAOS_QUEUE": QUEUE,
            "CHAOS_QUEUE_TYPE": side.kind,
            "CHAOS_CLAIM": str(self.claim),
            "CHAOS_ATTEMPTS": str(self.options.attempts),
            "CHAOS_LEDGER": self.ledger.path,
            "PYTHONPATH": os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + "/peers",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return Worker(name, command, environment, self.folder, proxies, self.ledger)

    def produce(self, tasks, rate, kinds, name="producer", first=0):
        command = [self.options.programs + "/ChaosWorker", "produce", str(tasks), str(rate), kinds, str(first)]
        self.producer = self.client(name, command, self.source)
        self.producer.is_stopping = True  # It is not started again.
        self.producer.spawn()

    # What faults find here. Python is not harmed, nor its connections; where there are bridges, they alone are, and servers.

    def worker(self, plan):
        harmed = self.bridges or [worker for worker in self.workers if not worker.is_peer]
        return harmed[plan.place % len(harmed)]

    def client_of(self, plan):
        if self.bridges:
            return self.worker(plan)
        harmed = [worker for worker in self.workers if not worker.is_peer] + [self.producer]
        return harmed[plan.place % len(harmed)]

    def cut(self, plan, client):
        """The proxies of a client that a fault harms: of a bridge those to its source, to its target or to both."""
        cuts = [*client.cuts, client.proxies] if client.cuts else [client.proxies]
        return cuts[plan.place // 16 % len(cuts)]

    def side_of(self, plan):
        sides = [side for side in self.sides if side.kind in FAULTS[plan.kind].brokers]
        return sides[plan.place // 256 % len(sides)]

    def broker_of(self, plan):
        return self.side_of(plan).broker

    def store_of(self, plan):
        return self.side_of(plan).store

    @contextmanager
    def hitting(self, plan, client=None, is_lasting=False):
        """Notes a fault of a client, or of all, while it lasts. A lasting one hits whoever takes the place."""
        id = f"f{plan.number}"
        pid = "*" if client is None else client.process.pid if client.process else 0
        self.ledger.note(0, "fault", id, plan.kind, pid)
        if is_lasting:
            client.faults[id] = plan.kind
        try:
            yield
        finally:
            if is_lasting:
                del client.faults[id]
            self.ledger.note(0, "healed", id)

    # The clock.

    def tick(self):
        """Does what is due, and looks at all processes and at the ledger."""
        now = time.monotonic()
        still = []
        for course, due, condition, deadline in self.waiting:
            if now > deadline:
                raise Failure(f"a fault waits in vain: {course.__name__}")
            if now < due or (condition is not None and not condition()):
                still.append((course, due, condition, deadline))
            elif (step := self.advance(course)) is not None:
                still.append(step)
        self.waiting = still
        for process in [*self.crew, self.producer]:
            if process is not None:
                process.tick()
        for event in self.ledger.news():
            if event.name == "acked":
                self.confirmed.update(task for task in tasks_of(event.words[0]) if not is_poison(task))
            elif event.name == "begin":
                self.begun_by.setdefault(event.pid, set()).add(event.words[0])
            elif event.name == "end":
                self.ended.add(event.words[0])
        time.sleep(0.02)

    def begin(self, plan):
        step = self.advance(self.course(plan))
        if step is not None:
            self.waiting.append(step)

    def course(self, plan):
        fault = FAULTS[plan.kind]
        if not fault.is_of_server:
            yield from fault(self, plan)
            return
        while self.is_server_harmed:
            yield 0.05
        self.is_server_harmed = True
        yield from fault(self, plan)
        self.is_server_harmed = False

    def advance(self, course):
        try:
            wait = next(course)
        except StopIteration:
            return None
        now = time.monotonic()
        if callable(wait):
            return course, now, wait, now + FAULT_PATIENCE
        return course, now + wait, None, now + wait + FAULT_PATIENCE

    @property
    def outstanding(self):
        return self.confirmed - self.ended

    def leftovers(self):
        if self.source is self.target:
            return self.source.broker.leftovers()
        return {
            f"{side.dialect}: {place}": count for side in self.sides for place, count in side.broker.leftovers().items()
        }

    def close(self):
        for process in [*self.crew, self.producer]:
            if process is not None:
                process.kill()
        for server in self.servers:
            server.stop()
