"""Those who work and publish.

A worker has a name, a family, the brokers that it can use, the system whose messages it reads, and a command with
environment variables beside BENCH_BROKER, BENCH_RESULTS (only where results are stored), BENCH_QUEUE and BENCH_COUNT. It
runs until SIGTERM. A producer has the same, publishes so many tasks and prints {"seconds", "cpu", "number"}.
"""
from harness.common import HERE, PYTHON, PYTHON_BENCH, QUEUE
from harness.systems import CELERY, MACHINERY

BOTH = ("Redis", "RabbitMQ")
CELERY_FAMILY, AIO_FAMILY, GO_FAMILY, BARE_FAMILY = "Celery", "aio-celery", "Go Machinery", "bare loop in C"
OURS, OURS_MACHINERY = "Celeriac", "Celeriac, Machinery's messages"
# They get a quarter of the tasks: they are slow, and their rates do not depend on it.
PYTHON_FAMILIES = (CELERY_FAMILY, AIO_FAMILY)


def peers(broker_name):
    """The families that work at a broker."""
    families = (CELERY_FAMILY, AIO_FAMILY, GO_FAMILY)
    return families if broker_name in AioCeleryWorker.brokers else (CELERY_FAMILY, GO_FAMILY)


class Contestant:
    brokers, system = BOTH, CELERY

    def __init__(self, name, family, command, variables=None):
        self.name, self.family, self.words, self.variables = name, family, command, variables or {}

    def command(self, broker, results, number):
        return self.words, dict(self.variables)


class CeleryWorker(Contestant):
    """A wide window: that of Celery's default waits for the network at RabbitMQ, and changes nothing at Redis."""

    def __init__(self, pool, concurrency, multiplier=200):
        words = [PYTHON, "-m", "celery", "-A", "celery_peer", "worker", "--pool", pool]
        words += ["--concurrency", str(concurrency), "--loglevel", "WARNING"]
        name = f"Celery {pool} -c {concurrency}"
        super().__init__(name, CELERY_FAMILY, words, {"BENCH_MULTIPLIER": str(multiplier)})


class AioCeleryWorker(Contestant):
    brokers = ("RabbitMQ",)

    def __init__(self):
        words = [PYTHON_BENCH, "-m", "aio_celery", "worker", "aio_celery_peer:app"]
        super().__init__("aio-celery -c 100", AIO_FAMILY, [*words, "--concurrency", "100", "--loglevel", "WARNING"])


class CeleriacWorker(Contestant):
    def __init__(self, programs, name=OURS, **variables):
        super().__init__(name, OURS, [programs + "/CeleriacBench", "worker"], variables)


class MachineryCeleriacWorker(Contestant):
    system = MACHINERY

    def __init__(self, programs, name=OURS_MACHINERY, **variables):
        variables |= {"BENCH_DIALECT": "machinery"}
        super().__init__(name, OURS_MACHINERY, [programs + "/CeleriacBench", "worker"], variables)


class GoWorker(Contestant):
    system = MACHINERY

    def __init__(self, program, concurrency):
        variables = {"BENCH_CONCURRENCY": str(concurrency)}
        super().__init__(f"Go Machinery, {concurrency} goroutines", GO_FAMILY, [program], variables)


class Bare(Contestant):
    """Issues just the broker's commands: what it stores is not the tasks' results."""

    def __init__(self, programs, what):
        super().__init__(BARE_FAMILY, BARE_FAMILY, [programs + "/bare"])
        self.what = what

    def command(self, broker, results, number):
        port = results.port if results else 0
        words = [*self.words, broker.name.lower(), self.what, broker.host, broker.port, QUEUE, number, port]
        return [str(word) for word in words], {}


class Producer(Contestant):
    """Publishes so many tasks."""

    def __init__(self, name, family, words, after=(), brokers=BOTH):
        super().__init__(name, family, words)
        self.after, self.brokers = after, brokers

    def command(self, broker, results, number):
        return [*self.words, str(number), *self.after], {}


def celery_workers():
    return [CeleryWorker(pool, concurrency) for pool, concurrency in (("prefork", 2), ("threads", 10), ("solo", 1))]


def own_workers(programs):
    return [CeleriacWorker(programs), MachineryCeleriacWorker(programs)]


def producers(programs):
    own = programs + "/CeleriacBench"
    return [
        Producer("Celery", CELERY_FAMILY, [PYTHON, HERE + "/peers/celery_peer.py", "produce"]),
        Producer("aio-celery", AIO_FAMILY, [PYTHON_BENCH, HERE + "/peers/aio_celery_peer.py"], brokers=("RabbitMQ",)),
        Producer("Celeriac, 100 senders", OURS, [own, "produce"], ["1"]),
        Producer("Celeriac, batches of 100", OURS, [own, "produce"], ["100"]),
        Producer("Celeriac, batches of 1,000", OURS, [own, "produce"], ["1000"]),
        Bare(programs, "publish"),
    ]


def variables(contestant, broker, results, number, counter):
    """The command of a contestant and its environment."""
    words, extra = contestant.command(broker, results, number)
    extra |= {"BENCH_BROKER": broker.broker_url, "BENCH_QUEUE": QUEUE, "BENCH_COUNT": counter.path}
    if results:
        extra["BENCH_RESULTS"] = results.results_url
    return words, extra
