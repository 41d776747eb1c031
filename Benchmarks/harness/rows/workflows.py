"""Chains of 100 and chords of 1,000, one after another: each is sent, and its result is awaited."""
from harness.bars import Bar
from harness.common import HERE, PATIENCE, PYTHON
from harness.contestants import CeleriacWorker, CeleryWorker
from harness.row import Contest, Row

CHAIN, CHORD, SMALL_CHORD = 100, 1000, 250
# How much more a member of the large chord may cost than one of the small chord.
GROWTH = 1.25
SWIFT, MIXED, PYTHON_ONLY = "Swift → Swift", "Python → Swift", "Python → Python"


class Workflows:
    def __init__(self, site, broker):
        self.site, self.broker = site, broker
        self.number = site.scale.seconds(10, 3)

    def contests(self, measure):
        own = CeleriacWorker(self.site.programs)
        swift, python = [self.site.programs + "/CeleriacBench"], [PYTHON, HERE + "/peers/celery_peer.py"]
        pairs = [(SWIFT, SWIFT, own, swift), (MIXED, MIXED, own, python)]
        for peer in (CeleryWorker("prefork", 2), CeleryWorker("threads", 10)):
            pairs.append((f"{PYTHON_ONLY} {peer.name.split()[1]}", PYTHON_ONLY, peer, python))
        return [
            Contest(name, family, lambda worker=worker, words=words: measure(worker, words))
            for name, family, worker, words in pairs
        ]

    def chains(self, worker, words):
        return {"rate": self.rate(worker, words, "chains", CHAIN)}

    def chords(self, worker, words):
        small, large = (self.rate(worker, words, "chords", size) for size in (SMALL_CHORD, CHORD))
        return {"rate": large, "growth": small / large}

    def rate(self, worker, words, shape, size):
        """Tasks a second of workflows of a shape and a size."""
        self.site.clear(self.broker)
        self.broker.prepare()
        process = self.site.start(worker, self.broker, self.site.store)
        try:
            process.settle()
            variables = {"BENCH_BROKER": self.broker.broker_url, "BENCH_RESULTS": self.site.store.results_url}
            variables |= {"BENCH_QUEUE": "bench", "BENCH_COUNT": self.site.counter.path}
            sender = self.site.spawn([*words, shape, str(self.number), str(size)], variables, "producer")
            told = sender.told(PATIENCE, "the producer")
            process.check()
        finally:
            process.stop()
        return told["number"] / told["seconds"]


def workflows(broker_name, shape):
    def contests(site):
        broker = next(broker for broker in site.brokers if broker.name == broker_name)
        those = Workflows(site, broker)
        return those.contests(those.chains if shape == "chains" else those.chords)

    bars = [Bar(own, "rate", at_least=1, of=PYTHON_ONLY) for own in (SWIFT, MIXED)]
    if shape == "chords":
        bars += [Bar(own, "growth", at_most=GROWTH) for own in (SWIFT, MIXED)]
    title = f"{'Chains of 100' if shape == 'chains' else 'Chords of 1,000'}: {broker_name}, results in Redis"
    metrics = ["rate"] + (["growth"] if shape == "chords" else [])
    return Row(f"{shape} {broker_name.lower()}", title, metrics, contests, bars, quick=False)


ROWS = [workflows(broker, shape) for shape in ("chains", "chords") for broker in ("Redis", "RabbitMQ")]
