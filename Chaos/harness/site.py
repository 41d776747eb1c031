"""A run's servers, workers and producer, and the clock by which its faults come and go."""
import os
import sys
import time
from contextlib import contextmanager

from harness.faults import FAULTS
from harness.ledger import Ledger, is_poison, tasks_of
from harness.processes import Worker, free_port
from harness.proxy import Proxies
from harness.servers import QUEUE, Failure, RabbitMQ, Redis

# How long a fault may wait for a condition.
FAULT_PATIENCE = 120


def say(text):
    print(f"==> {time.strftime('%T')}  {text}", file=sys.stderr, flush=True)


class Site:
    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.claim = 30.0 if options.with_python else 3.0
        self.ledger = Ledger(folder + "/ledger")
        self.proxies = Proxies()
        self.workers, self.producer, self.servers = [], None, []
        self.waiting, self.is_server_harmed, self.dead_port = [], False, free_port()
        self.confirmed, self.ended, self.begun_by = set(), set(), {}

    def launch(self):
        self.store = Redis(self.folder + "/redis")
        self.servers.append(self.store)
        self.broker = self.store
        if self.options.broker != "redis":
            self.broker = RabbitMQ(self.folder + "/rabbitmq")
            self.servers.append(self.broker)
        for server in self.servers:
            server.launch()
        program = self.options.programs + "/ChaosWorker"
        count = 1 if self.options.with_python else 2
        self.workers = [self.client(f"swift-{n}", [program, "work"]) for n in range(1, count + 1)]
        if self.options.with_python:
            command = [self.options.python, "-m", "celery", "-A", "chaos_peer", "worker", "--pool", "solo"]
            command += ["--loglevel", "WARNING", "--hostname", "python@chaos"]
            self.workers.append(self.client("python-1", command))
        for worker in self.workers:
            worker.spawn()

    def client(self, name, command):
        """A worker or producer with proxies of its own."""
        to_broker = self.proxies.open(self.broker.port)
        to_store = to_broker if self.store is self.broker else self.proxies.open(self.store.port)
        environment = {
            "CHAOS_NAME": name,
            "CHAOS_DIALECT": self.options.dialect,
            "CHAOS_BROKER": self.broker.url(to_broker),
            "CHAOS_RESULTS": self.store.url(to_store, 1),
            "CHAOS_QUEUE": QUEUE,
            "CHAOS_QUEUE_TYPE": self.options.broker,
            "CHAOS_CLAIM": str(self.claim),
            "CHAOS_ATTEMPTS": str(self.options.attempts),
            "CHAOS_LEDGER": self.ledger.path,
            "PYTHONPATH": os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + "/peers",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        proxies = [to_broker] if to_store is to_broker else [to_broker, to_store]
        return Worker(name, command, environment, self.folder, proxies, self.ledger)

    def produce(self, tasks, rate, kinds, name="producer", first=0):
        command = [self.options.programs + "/ChaosWorker", "produce", str(tasks), str(rate), kinds, str(first)]
        self.producer = self.client(name, command)
        self.producer.is_stopping = True  # It is not started again.
        self.producer.spawn()

    # What faults find here. Python is not harmed, nor its connections.

    def worker(self, plan):
        harmed = [worker for worker in self.workers if not worker.is_peer]
        return harmed[plan.place % len(harmed)]

    def client_of(self, plan):
        harmed = [worker for worker in self.workers if not worker.is_peer] + [self.producer]
        return harmed[plan.place % len(harmed)]

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
        for process in [*self.workers, self.producer]:
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
        return self.broker.leftovers()

    def close(self):
        for process in [*self.workers, self.producer]:
            if process is not None:
                process.kill()
        for server in self.servers:
            server.stop()
