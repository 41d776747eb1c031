"""From sending a task to having its result: on an idle system, and while the worker has half the load that it can bear.

A hundred tasks a second are sent one by one; each is timed by its sender. Half the load is half the rate at which the Swift
producer and the worker, running together, get tasks done: another producer sends that much beside, and wants results too.
"""
from harness.bars import Bar
from harness.common import HERE, PATIENCE, PYTHON
from harness.contestants import OURS, CeleriacWorker, CeleryWorker, Producer
from harness.row import Contest, Row

RATE = 100
P50 = {"Redis": 0.5, "RabbitMQ": 1.5}
P99 = 5
SWIFT, MIXED, PYTHON_ONLY = "Swift → Swift", "Python → Swift", "Python → Python"


class Latency:
    """A broker with where results go."""

    def __init__(self, site, broker, results, is_loaded):
        self.site, self.broker, self.results, self.is_loaded = site, broker, results, is_loaded
        self.swift = [site.programs + "/CeleriacBench"]
        self.python = [PYTHON, HERE + "/peers/celery_peer.py"]
        self.seconds = site.scale.seconds(10, 5)

    def contests(self):
        own = CeleriacWorker(self.site.programs)
        peers = [CeleryWorker("threads", 10, 4)]
        if not self.site.scale.quick:
            peers += [CeleryWorker("prefork", 2, 4), CeleryWorker("solo", 1, 4)]
        pairs = [(SWIFT, SWIFT, own, self.swift), (MIXED, MIXED, own, self.python)]
        pairs += [(f"{PYTHON_ONLY} {peer.name.split()[1]}", PYTHON_ONLY, peer, self.python) for peer in peers]
        return [
            Contest(name, family, lambda worker=worker, words=words: self.measure(worker, words))
            for name, family, worker, words in pairs
        ]

    def measure(self, worker, words):
        load = self.capacity(worker) / 2 if self.is_loaded else 0
        self.site.clear(self.broker)
        self.broker.prepare()
        running = [self.site.start(worker, self.broker, self.results)]
        try:
            running[0].settle()
            if load:
                # It goes on until it is stopped.
                pace = Producer("load", OURS, [*self.swift, "pace", str(round(load)), str(4 * self.seconds + 60), "0"])
                running.append(self.sender(pace.words, "load"))
            probe = self.sender([*words, "latency", str(RATE), str(self.seconds)], "probe")
            running.append(probe)
            told = probe.told(PATIENCE, "the probe")
            for process in running[:-1]:
                process.check()
        finally:
            for process in reversed(running):
                process.stop()
        figures = {f"begun_{key}": told["begun"][key] / 1000 for key in ("p50", "p99")}
        return figures | {key: told["ended"][key] / 1000 for key in ("p50", "p99")} | {"load_rate": load}

    def sender(self, words, log):
        variables = {"BENCH_BROKER": self.broker.broker_url, "BENCH_RESULTS": self.results.results_url, "BENCH_QUEUE": "bench"}
        return self.site.spawn(words, variables | {"BENCH_COUNT": self.site.counter.path}, log)

    def capacity(self, worker):
        producer = Producer("capacity", OURS, [*self.swift, "produce"], ["100"])
        number = self.site.number(worker, self.site.scale.tasks) // (5 if worker.family == "Celery" else 1)
        return self.site.through(worker, producer, self.broker, self.results, max(500, number))


def latency(broker_name, is_loaded):
    def contests(site):
        broker = next(broker for broker in site.brokers if broker.name == broker_name)
        return Latency(site, broker, site.store if broker is site.store else site.rpc, is_loaded).contests()

    bars = [Bar(SWIFT, "p99", at_most=P99)]
    if not is_loaded:
        bars = [Bar(SWIFT, "p50", at_most=P50[broker_name]), *bars]
        bars += [Bar(MIXED, metric, at_most=1, of=PYTHON_ONLY) for metric in ("p50", "p99")]
    else:
        bars += [Bar(MIXED, "p99", at_most=P99)]
    state = "half load" if is_loaded else "idle"
    title = f"Send to result: {broker_name}{'' if broker_name == 'Redis' else ' and rpc'}, {state}"
    metrics = ["p50", "p99", "begun_p50", "begun_p99"] + (["load_rate"] if is_loaded else [])
    return Row(f"latency {broker_name.lower()} {state}", title, metrics, contests, bars, quick=not is_loaded)


ROWS = [latency(broker, is_loaded) for broker in ("Redis", "RabbitMQ") for is_loaded in (False, True)]
