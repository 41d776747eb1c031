"""The place of a run: its servers, the processes that it starts there, and the two measurements that most rows are made of."""
import json
import time

from harness.common import PATIENCE, Failure, Skipped, wait_until
from harness.contestants import BARE_FAMILY, GO_FAMILY, PYTHON_FAMILIES, variables
from harness.go import Go
from harness.processes import Counter, Process, Slots, cpu_seconds, peak_megabytes
from harness.row import Contest
from harness.servers import Rpc
from harness.systems import CELERY
from harness.work import Add

# Early, 0 to 1,999 ms late, more.
LATENESS = 2002


class Site:
    def __init__(self, folder, programs, store, rabbitmq, scale):
        self.folder, self.programs, self.store, self.rabbitmq, self.scale = folder, programs, store, rabbitmq, scale
        self.brokers, self.rpc = [store, rabbitmq], Rpc()
        self.counter = Counter(folder + "/count")
        self.lateness = Slots(folder + "/lateness", LATENESS)
        self.go = Go(folder)

    # Processes.

    def start(self, contestant, broker, results, number=0, log="worker", **extra):
        words, environment = variables(contestant, broker, results, number, self.counter)
        return self.spawn(words, environment | extra, log)

    def spawn(self, words, environment, log):
        return Process(words, environment, f"{self.folder}/{log}.log")

    def clear(self, broker):
        broker.clear()
        self.store.clear()
        self.counter.clear()
        self.lateness.clear()

    def number(self, contestant, number):
        """How many tasks somebody gets."""
        return max(1, number // 4) if contestant.family in PYTHON_FAMILIES else number

    # Contests.

    def contests(self, contestants, measure):
        """A contest for each contestant, of which `measure` makes the figures."""
        return [
            Contest(contestant.name, contestant.family, lambda contestant=contestant: measure(contestant))
            for contestant in contestants
        ]

    def go_contests(self, measure):
        """Those of Go's workers, or one that says why there are none."""
        try:
            return self.contests(self.go.workers(), measure)
        except Skipped as skipped:
            return [Contest(GO_FAMILY, GO_FAMILY, skipped=str(skipped))]
        except Failure as failure:
            return [Contest(GO_FAMILY, GO_FAMILY, lambda failure=failure: fail(failure))]

    # Measurements.

    def drain(self, worker, broker, results, number, work=Add(), fill=None):
        """Has a worker run all tasks of a full queue."""
        self.clear(broker)
        if fill:
            fill(broker, number)
        else:
            worker.system.put(broker, number, work)
        if broker.length() != number:
            raise Failure(f"the queue holds {broker.length()} messages instead of {number}")
        process = self.start(worker, broker, results, number)
        try:
            deadline = self.deadline(number)
            while not (first := self.counter.value()):
                self.pause(process, deadline)
            started, used = time.perf_counter(), cpu_seconds(process.pid)
            while self.counter.value() < number or (results and not worker.system.are_stored(results, number)):
                self.pause(process, deadline)
            seconds = time.perf_counter() - started
            cpu, memory = cpu_seconds(process.pid) - used, peak_megabytes(process.pid)
            # The last acknowledgements may still be on their way, and RabbitMQ does not say what it has heard.
            time.sleep(0.5)
            if broker is self.store:
                wait_until(lambda: broker.left() == 0, "Redis has all acknowledgements")
        finally:
            process.stop()
        self.verify(worker, broker, results, number, work)
        if first >= number:
            raise Failure(f"all {number} tasks had run before one was seen: too few to time")
        return {"rate": (number - first) / seconds, "cpu": cpu / (number - first) * 1e6, "memory": memory}

    def deadline(self, number):
        return time.monotonic() + PATIENCE + number / 1000

    def pause(self, process, deadline):
        process.check()
        if time.monotonic() > deadline:
            raise process.failure(f"it does not end: {self.counter.value()} tasks have run")
        time.sleep(0.002)

    def verify(self, worker, broker, results, number, work):
        if self.counter.value() != number:
            raise Failure(f"{self.counter.value()} tasks ran instead of {number}")
        if left := broker.left():
            raise Failure(f"{left} messages are left")
        if not results:
            return
        if results.results.dbsize() != number:
            raise Failure(f"there are {results.results.dbsize()} results instead of {number}")
        if worker.family == BARE_FAMILY:
            return
        for begin in range(0, number, 1000):
            indices = range(begin, min(begin + 1000, number))
            keys = [worker.system.result_key(i) for i in indices]
            for i, value in zip(indices, results.results.mget(keys)):
                if worker.system.result(json.loads(value) if value else {}) != ("SUCCESS", work.result(i)):
                    raise Failure(f"the result of {work.task} {i} is {value!r}")

    def publish(self, producer, broker, results, number):
        """Has a producer publish so many tasks."""
        self.clear(broker)
        process = self.start(producer, broker, results, number, log="producer")
        told = process.told(PATIENCE, producer.name)
        wait_until(lambda: broker.length() == number, f"the queue holds {number} messages", 10)
        if producer.family == BARE_FAMILY:
            self.verify_message(broker)
        return {"rate": told["number"] / told["seconds"], "cpu": told["cpu"] / told["number"] * 1e6}

    def verify_message(self, broker):
        """Whether a message of the bare loop has all that Celery's have."""
        headers, properties, body = broker.first()
        expected, own, _ = next(CELERY.messages(1))
        if set(headers) != set(expected):
            raise Failure(f"the bare loop's headers are {sorted(headers)}")
        if missing := set(own) - set(properties):
            raise Failure(f"the bare loop's messages lack {sorted(missing)}")
        if json.loads(body)[0] != [0, 0]:
            raise Failure(f"the bare loop's body is {body!r}")

    def through(self, worker, producer, broker, results, number):
        """How many tasks a second a worker and a producer that run together get done."""
        self.clear(broker)
        broker.prepare()
        process = self.start(worker, broker, results)
        try:
            process.settle()
            sender = self.start(producer, broker, results, number, log="producer")
            try:
                deadline = self.deadline(number)
                while not (first := self.counter.value()):
                    self.pause(process, deadline)
                started = time.perf_counter()
                while self.counter.value() < number:
                    self.pause(process, deadline)
                seconds = time.perf_counter() - started
            finally:
                sender.stop()
        finally:
            process.stop()
        return (number - first) / seconds


def fail(failure):
    raise failure
