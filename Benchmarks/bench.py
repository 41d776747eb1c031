#!/usr/bin/env python3
"""Measures how fast tasks are published and worked off: by Celeriac, by its peers, and by bare loops in C.

Run it by Scripts/bench, which starts the servers. All contestants take turns on the same servers in one run.

A drain: a queue is filled with N `bench.add(i, i)` messages, each byte for byte like one of Celery's own; then the worker is
started. Every worker counts the tasks it has run in a file mapped into memory, so that nothing has to be asked of the broker
while it works. Time and CPU (of the worker's whole process tree) count from the first task seen to the end, so that start-up
is left out. The end is the N-th task, and the N-th stored result where results are stored. Before a rate is printed all is
checked: N tasks run and not one more, every result right, nothing left in the broker.

A publication: the producer's own N messages, timed by itself; the messages in the queue are counted.

The bridge comes last: bridging.py explains what is measured. Its bars are ratios of figures of this run.

Environment: QUICK=1 for a run of less than five minutes: a quarter of the tasks for Python peers, and only those Celery workers
that have been the best somewhere; ROUNDS how often each contestant runs (2, when quick 1; the best counts); TASKS how many
tasks (20000); ONLY a regular expression that names of rows must match.
"""
import argparse
import base64
import json
import mmap
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from urllib.parse import urlsplit

try:
    import amqp
    import redis
except ModuleNotFoundError:
    # A Python without them can still print --help.
    if not {"-h", "--help"}.intersection(sys.argv):
        raise

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
QUEUE = "bench"
QUICK = os.environ.get("QUICK", "") not in ("", "0")
TASKS = int(os.environ.get("TASKS", 20000))
ROUNDS = int(os.environ.get("ROUNDS", 1 if QUICK else 2))
PATIENCE = 300
TICKS = os.sysconf("SC_CLK_TCK")


class Failure(Exception):
    pass


def say(text=""):
    print(text, file=sys.stderr, flush=True)


# Servers.


class Redis:
    """A Redis database as broker (0, if not another) and as result store (the next one)."""

    name = "Redis"

    def __init__(self, url, database=0):
        server = url.rsplit("/", 1)[0]
        self.broker_url, self.results_url = f"{server}/{database}", f"{server}/{database + 1}"
        parts = urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        self.broker = redis.Redis.from_url(self.broker_url)
        self.results = redis.Redis.from_url(self.results_url)

    def clear(self):
        self.broker.flushall()

    def put(self, messages):
        with self.broker.pipeline(transaction=False) as pipeline:
            for count, (headers, properties, body) in enumerate(messages, 1):
                envelope = {
                    "body": base64.b64encode(body.encode()).decode(),
                    "content-encoding": "utf-8",
                    "content-type": "application/json",
                    "headers": headers,
                    "properties": properties
                    | {
                        "delivery_mode": 2,
                        "delivery_info": {"exchange": "", "routing_key": QUEUE},
                        "priority": 0,
                        "body_encoding": "base64",
                        "delivery_tag": str(uuid.uuid4()),
                    },
                }
                pipeline.lpush(QUEUE, json.dumps(envelope))
                if count % 1000 == 0:
                    pipeline.execute()
            pipeline.execute()

    def length(self):
        return self.broker.llen(QUEUE)

    def left(self):
        """How many messages are in the queue, or taken and not acknowledged."""
        return self.broker.llen(QUEUE) + self.broker.hlen("unacked") + self.broker.hlen(QUEUE + ".celeriac.claims")


class RabbitMQ:
    """A RabbitMQ broker."""

    name = "RabbitMQ"

    def __init__(self, url):
        self.broker_url = url
        parts = urlsplit(url)
        self.host, self.port = parts.hostname, parts.port

    def connect(self):
        # Else py-amqp gives up when a broker that is catching up does not read for a second.
        patient = {socket.TCP_USER_TIMEOUT: PATIENCE * 1000}
        connection = amqp.Connection(
            f"{self.host}:{self.port}", userid="guest", password="guest", socket_settings=patient
        )
        connection.connect()
        return connection

    def clear(self):
        with self.connect() as connection:
            connection.channel().queue_delete(QUEUE)

    def put(self, messages):
        with self.connect() as connection:
            channel = connection.channel()
            channel.queue_declare(QUEUE, durable=True, auto_delete=False)
            number = 0
            for headers, properties, body in messages:
                message = amqp.Message(
                    body,
                    content_type="application/json",
                    content_encoding="utf-8",
                    application_headers=headers,
                    delivery_mode=2,
                    priority=0,
                    **properties,
                )
                channel.basic_publish(message, exchange="", routing_key=QUEUE)
                number += 1
        wait_until(lambda: self.length() == number, "RabbitMQ has taken the messages")

    def length(self):
        with self.connect() as connection:
            return connection.channel().queue_declare(QUEUE, passive=True).message_count

    def left(self):
        return self.length()


def messages(number):
    """Messages as Celery 5.7 sends them: headers, properties that depend on the message, body."""
    origin, reply_to = f"gen{os.getpid()}@bench", str(uuid.uuid4())
    for i in range(number):
        id = task_id(i)
        headers = {
            "lang": "py",
            "task": "bench.add",
            "id": id,
            "shadow": None,
            "eta": None,
            "expires": None,
            "group": None,
            "group_index": None,
            "retries": 0,
            "timelimit": [None, None],
            "root_id": id,
            "parent_id": None,
            "argsrepr": f"({i}, {i})",
            "kwargsrepr": "{}",
            "origin": origin,
            "ignore_result": False,
            "replaced_task_nesting": 0,
            "stamped_headers": None,
            "stamps": {},
        }
        body = [[i, i], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
        yield headers, {"correlation_id": id, "reply_to": reply_to}, json.dumps(body)


def task_id(i):
    return f"00000000-0000-4000-8000-{i:012d}"


class Celery:
    """The messages and results of Celery."""

    def put(self, broker, number):
        broker.put(messages(number))

    def are_stored(self, results, number):
        return results.results.dbsize() >= number

    def result_key(self, i):
        return f"celery-task-meta-{task_id(i)}"

    def result(self, meta):
        return meta.get("status"), meta.get("result")


class Machinery:
    """The messages and states of Go's Machinery, byte for byte as Go writes them."""

    def put(self, broker, number):
        bodies = map(self.message, range(number))
        if isinstance(broker, Redis):
            with broker.broker.pipeline(transaction=False) as pipeline:
                for count, body in enumerate(bodies, 1):
                    pipeline.rpush(QUEUE, body)
                    if count % 1000 == 0:
                        pipeline.execute()
                pipeline.execute()
            return
        with broker.connect() as connection:
            channel = connection.channel()
            channel.exchange_declare("machinery_exchange", "direct", durable=True, auto_delete=False)
            channel.queue_declare(QUEUE, durable=True, auto_delete=False)
            channel.queue_bind(QUEUE, "machinery_exchange", QUEUE)
            for body in bodies:
                message = amqp.Message(body, content_type="application/json", delivery_mode=2)
                channel.basic_publish(message, exchange="machinery_exchange", routing_key=QUEUE)
        wait_until(lambda: broker.length() == number, "RabbitMQ has taken the messages")

    def message(self, i):
        argument = {"Name": "", "Type": "int64", "Value": i}
        signature = {"UUID": f"task_{task_id(i)}", "Name": "bench.add", "RoutingKey": QUEUE, "ETA": None, "GroupUUID": ""}
        signature |= {"GroupTaskCount": 0, "Args": [argument, argument], "Headers": {}, "Priority": 0, "Immutable": False}
        signature |= {"RetryCount": 0, "RetryTimeout": 0, "OnSuccess": None, "OnError": None, "ChordCallback": None}
        signature |= {"BrokerMessageGroupId": "", "SQSReceiptHandle": "", "StopTaskDeletionOnError": False}
        signature |= {"IgnoreWhenTaskNotRegistered": False}
        return json.dumps(signature, separators=(",", ":"))

    def are_stored(self, results, number):
        # A task has a state before it has its last one, and the last tasks of the queue are the last to have theirs.
        if results.results.dbsize() < number:
            return False
        last = results.results.mget([self.result_key(i) for i in range(max(0, number - 300), number)])
        return all(value and b'"SUCCESS"' in value for value in last)

    def result_key(self, i):
        return f"task_{task_id(i)}"

    def result(self, state):
        results = state.get("Results") or [{}]
        return state.get("State"), results[0].get("Value")


CELERY, MACHINERY = Celery(), Machinery()


# Processes.


def tree(pid):
    """The ids of a process and its descendants."""
    pids = [pid]
    for parent in pids:
        try:
            for thread in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{thread}/children") as file:
                    pids += map(int, file.read().split())
        except FileNotFoundError:
            pass
    return pids


def cpu_seconds(pid):
    """The processor time of a process tree, that of ended children included."""
    total = 0
    for member in tree(pid):
        try:
            with open(f"/proc/{member}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            # The clock of another process: finer than the ticks of its stat, from which only ended children are taken.
            total += time.clock_gettime((~member << 3) | 2) + sum(map(int, fields[13:15])) / TICKS
        except OSError:
            pass
    return total


def peak_megabytes(pid):
    """The sum of the peaks of resident memory of a process tree; pages shared by processes count for each."""
    total = 0
    for member in tree(pid):
        try:
            with open(f"/proc/{member}/status") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("VmHWM"))
        except FileNotFoundError:
            pass
    return total / 1024


def wait_until(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"in vain: {what}")
        time.sleep(0.005)


class Counter:
    """The file in which workers count: 64 slots of 8 bytes, and how many of them are taken."""

    def __init__(self, path):
        self.path = path
        with open(path, "wb") as file:
            file.write(bytes(65 * 8))
        with open(path, "r+b") as file:
            self.slots = memoryview(mmap.mmap(file.fileno(), 65 * 8)).cast("Q")

    def clear(self):
        for i in range(65):
            self.slots[i] = 0

    def value(self):
        return sum(self.slots[:64])


class Process:
    """A contestant's worker or producer."""

    def __init__(self, command, environment, log):
        self.log = log
        with open(log, "wb") as file:
            self.process = subprocess.Popen(
                command,
                env=os.environ | environment | {"PYTHONPATH": HERE + "/peers", "PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self.process.pid

    def failure(self, what):
        with open(self.log, errors="replace") as file:
            return Failure(f"{what}\n{file.read()[-3000:]}")

    def check(self):
        if self.process.poll() is not None:
            raise self.failure(f"it has ended with status {self.process.returncode}")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()


# Contestants. A worker has a name, the brokers that it can use, and a command with environment variables beside BENCH_BROKER,
# BENCH_RESULTS (only where results are stored), BENCH_QUEUE and BENCH_COUNT. It runs until SIGTERM. A producer has the same,
# publishes so many tasks and prints {"seconds", "cpu", "number"}.

PYTHON = os.environ.get("CELERIAC_PYTHON") or ROOT + "/.peers/venv/bin/python"
PYTHON_AIO = ROOT + "/.peers/bench/bin/python"
PYTHON_PEERS = ("Celery", "aio-celery")


class CeleryWorker:
    brokers = ("Redis", "RabbitMQ")
    family = "Celery"

    def __init__(self, pool, concurrency, multiplier):
        self.pool, self.concurrency, self.multiplier = pool, concurrency, multiplier
        self.name = f"Celery {pool} -c {concurrency}, prefetch ×{multiplier}"

    def command(self, broker, results, number):
        command = [PYTHON, "-m", "celery", "-A", "celery_peer", "worker", "--pool", self.pool]
        command += ["--concurrency", str(self.concurrency), "--loglevel", "WARNING"]
        return command, {"BENCH_MULTIPLIER": str(self.multiplier)}


class CeleryProducer:
    name = family = "Celery"
    brokers = ("Redis", "RabbitMQ")

    def command(self, broker, results, number):
        return [PYTHON, HERE + "/peers/celery_peer.py", str(number)], {}


class AioCeleryWorker:
    name = "aio-celery -c 100"
    family = "aio-celery"
    brokers = ("RabbitMQ",)

    def command(self, broker, results, number):
        command = [PYTHON_AIO, "-m", "aio_celery", "worker", "aio_celery_peer:app"]
        return command + ["--concurrency", "100", "--loglevel", "WARNING"], {}


class AioCeleryProducer:
    name = family = "aio-celery"
    brokers = ("RabbitMQ",)

    def command(self, broker, results, number):
        return [PYTHON_AIO, HERE + "/peers/aio_celery_peer.py", str(number)], {}


class CeleriacWorker:
    name = "Celeriac, 100 handlers"
    family = "Celeriac"
    brokers = ("Redis", "RabbitMQ")

    def __init__(self, program):
        self.program = program

    def command(self, broker, results, number):
        return [self.program, "worker"], {}


class CeleriacProducer:
    family = "Celeriac"
    brokers = ("Redis", "RabbitMQ")

    def __init__(self, program, batch):
        self.program, self.batch = program, batch
        self.name = f"Celeriac, batches of {batch}" if batch > 1 else "Celeriac, 100 senders"

    def command(self, broker, results, number):
        return [self.program, "produce", str(number), str(self.batch)], {}


class MachineryCeleriacWorker(CeleriacWorker):
    name = "Celeriac on Machinery's messages"
    family = "Celeriac (Machinery)"

    def command(self, broker, results, number):
        return [self.program, "worker"], {"BENCH_DIALECT": "machinery"}


class Bare:
    """Issues just the broker's commands: what it stores is not the tasks' results."""

    name = family = "bare loop in C"
    brokers = ("Redis", "RabbitMQ")

    def __init__(self, program, what):
        self.program, self.what = program, what

    def command(self, broker, results, number):
        words = [self.program, broker.name.lower(), self.what, broker.host, broker.port, QUEUE, number]
        return [str(word) for word in [*words, results.port if results else 0]], {}


def workers(programs):
    pools = [("prefork", 2), ("threads", 10), ("solo", 1)]
    celery = [CeleryWorker(pool, concurrency, multiplier) for pool, concurrency in pools for multiplier in (4, 200)]
    if QUICK:
        # Those that have been the best on one broker or the other.
        celery = [worker for worker in celery if worker.multiplier == 200]
    celeriac = programs + "/CeleriacBench"
    ours = [CeleriacWorker(celeriac), MachineryCeleriacWorker(celeriac)]
    return [*celery, AioCeleryWorker(), *ours, Bare(programs + "/bare", "drain")]


def producers(programs):
    celeriac = [CeleriacProducer(programs + "/CeleriacBench", batch) for batch in (1, 100)]
    return [CeleryProducer(), AioCeleryProducer(), *celeriac, Bare(programs + "/bare", "publish")]


# Measurements.


class Bench:
    def __init__(self, folder, brokers, store):
        self.folder, self.brokers, self.store = folder, brokers, store
        self.counter = Counter(folder + "/count")
        self.rows = []

    def start(self, contestant, broker, results, number):
        command, variables = contestant.command(broker, results, number)
        variables |= {"BENCH_BROKER": broker.broker_url, "BENCH_QUEUE": QUEUE, "BENCH_COUNT": self.counter.path}
        if results:
            variables["BENCH_RESULTS"] = results.results_url
        return self.spawn(command, variables, "log")

    def spawn(self, command, variables, name):
        return Process(command, variables, f"{self.folder}/{name}")

    def clear(self, broker):
        broker.clear()
        self.store.clear()
        self.counter.clear()

    def drain(self, worker, broker, results, number):
        self.clear(broker)
        system = MACHINERY if isinstance(worker, MachineryCeleriacWorker) else CELERY
        system.put(broker, number)
        if broker.length() != number:
            raise Failure(f"the queue holds {broker.length()} messages instead of {number}")
        process = self.start(worker, broker, results, number)
        try:
            deadline = time.monotonic() + PATIENCE
            while not (first := self.counter.value()):
                self.pause(process, deadline)
            started, used = time.perf_counter(), cpu_seconds(process.pid)
            while self.counter.value() < number or (results and not system.are_stored(results, number)):
                self.pause(process, deadline)
            seconds = time.perf_counter() - started
            cpu, memory = cpu_seconds(process.pid) - used, peak_megabytes(process.pid)
            # The last acknowledgements may still be on their way, and RabbitMQ does not say what it has heard.
            time.sleep(0.5)
            if broker is self.store:
                wait_until(lambda: broker.left() == 0, "Redis has all acknowledgements")
        finally:
            process.stop()
        self.verify(worker, broker, results, number, system)
        return {"rate": (number - first) / seconds, "cpu": cpu / (number - first) * 1e6, "memory": memory}

    def pause(self, process, deadline):
        process.check()
        if time.monotonic() > deadline:
            raise process.failure(f"after {PATIENCE} s it has run {self.counter.value()} tasks")
        time.sleep(0.002)

    def verify(self, worker, broker, results, number, system):
        if self.counter.value() != number:
            raise Failure(f"{self.counter.value()} tasks ran instead of {number}")
        if left := broker.left():
            raise Failure(f"{left} messages are left")
        if not results:
            return
        if results.results.dbsize() != number:
            raise Failure(f"there are {results.results.dbsize()} results instead of {number}")
        if isinstance(worker, Bare):
            return
        for begin in range(0, number, 1000):
            indices = range(begin, min(begin + 1000, number))
            for i, value in zip(indices, results.results.mget([system.result_key(i) for i in indices])):
                if system.result(json.loads(value) if value else {}) != ("SUCCESS", i + i):
                    raise Failure(f"the result of add({i}, {i}) is {value!r}")

    def publish(self, producer, broker, results, number):
        self.clear(broker)
        process = self.start(producer, broker, results, number)
        try:
            process.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise process.failure(f"it has not published {number} tasks in {PATIENCE} s") from None
        finally:
            process.stop()
        if process.process.returncode != 0:
            raise process.failure(f"it ended with status {process.process.returncode}")
        with open(process.log) as file:
            told = json.loads(file.read().splitlines()[-1])
        wait_until(lambda: broker.length() == number, f"the queue holds {number} messages", 10)
        return {"rate": told["number"] / told["seconds"], "cpu": told["cpu"] / told["number"] * 1e6}

    def run(self, kind, contestants, number):
        """Lets each contestant have its turn on each broker, ROUNDS times; keeps each one's best."""
        measure = {"drain": self.drain, "publish": self.publish}[kind]
        for broker in self.brokers:
            for results in (None, self.store):
                best = {}
                for round in range(ROUNDS):
                    for contestant in contestants:
                        row = f"{kind} {broker.name} {'Redis results' if results else 'no results'} {contestant.name}"
                        if broker.name not in contestant.brokers or not re.search(os.environ.get("ONLY", ""), row):
                            continue
                        if row in best and "failure" in best[row]:
                            continue
                        count = number // 4 if QUICK and contestant.family in PYTHON_PEERS else number
                        load = os.getloadavg()[0]
                        try:
                            figures = measure(contestant, broker, results, count)
                            say(f"{row}: {figures['rate']:,.0f}/s, {figures['cpu']:.1f} µs CPU")
                        except Failure as failure:
                            figures = {"failure": str(failure)}
                            say(f"{row}: FAILED: {failure}")
                        names = {"kind": kind, "broker": broker.name, "results": bool(results)}
                        names |= {"name": contestant.name, "family": contestant.family, "load": load, "tasks": count}
                        if row not in best or "failure" in figures or figures["rate"] > best[row]["rate"]:
                            best[row] = names | figures
                self.rows += best.values()


def table(rows):
    for kind, title in (("drain", "Worked off"), ("publish", "Published")):
        for broker in ("Redis", "RabbitMQ"):
            for results in (False, True):
                group = [r for r in rows if (r["kind"], r["broker"], r["results"]) == (kind, broker, results)]
                if not group:
                    continue
                rated = [row for row in group if "rate" in row]
                families = {row["family"]: 0 for row in rated}
                for row in rated:
                    families[row["family"]] = max(families[row["family"]], row["rate"])
                best = max((rate for family, rate in families.items() if family in PYTHON_PEERS), default=None)
                say(f"\n{title}: {broker}, {'results in Redis' if results else 'results ignored'}")
                say(f"{'':36}{'tasks/s':>10}{'× best peer':>13}{'CPU µs/task':>13}{'peak RSS MB':>13}{'load':>7}")
                for row in group:
                    if "failure" in row:
                        say(f"{row['name']:36} failed")
                        continue
                    ratio = f"{row['rate'] / best:.2f}" if best else ""
                    memory = f"{row['memory']:.0f}" if "memory" in row else ""
                    say(
                        f"{row['name']:36}{row['rate']:>10,.0f}{ratio:>13}{row['cpu']:>13.1f}{memory:>13}"
                        f"{row['load']:>7.1f}"
                    )
                if own := families.pop("Celeriac", None):
                    ratios = [f"{own / rate:.2f} × {family}" for family, rate in families.items()]
                    say("Celeriac at its best: " + ", ".join(ratios))


def main():
    parser = argparse.ArgumentParser(
        prog="Scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    parser.add_argument("--programs", required=True, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    store = Redis(os.environ["CELERIAC_REDIS_URL"])
    rabbitmq = RabbitMQ(os.environ["CELERIAC_AMQP_URL"])
    if store.broker.dbsize() or store.results.dbsize():
        sys.exit("This Redis is not empty: the benchmark would delete what is in it. Run it by Scripts/bench.")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="celeriac-bench-") as folder:
        bench = Bench(folder, [store, rabbitmq], store)
        say(f"{TASKS} tasks, best of {ROUNDS} round{'s' if ROUNDS > 1 else ''}")
        bench.run("publish", producers(arguments.programs), TASKS)
        bench.run("drain", workers(arguments.programs), TASKS)
        bridge = Bridging(bench, arguments.programs)
        bridge.run()
    table(bench.rows)
    bridge.table()
    say(f"\n{time.monotonic() - started:.0f} s")
    if arguments.json:
        print(json.dumps({"tasks": TASKS, "rounds": ROUNDS, "cpus": os.cpu_count(), "rows": bench.rows, "bridge": bridge.rows}))
    if any("failure" in row for row in bench.rows + bridge.rows):
        sys.exit(1)


if __name__ == "__main__":
    # Under its own name, too, so that what bridging.py imports is this module.
    sys.modules["bench"] = sys.modules["__main__"]
    from bridging import Bridging

    main()
