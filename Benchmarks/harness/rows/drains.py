"""Draining a full queue: the worker is started last, so that nobody publishes meanwhile."""
from harness.bars import Bar
from harness.contestants import (
    BARE_FAMILY, GO_FAMILY, OURS, OURS_MACHINERY, AioCeleryWorker, Bare, celery_workers, own_workers, peers,
)
from harness.row import Row

# Of the bare loop's rate, of Go's, and of the bare loop's processor time.
BARS = {
    ("Redis", False): (0.7, 3, None),
    ("Redis", True): (0.8, 8, 5),
    ("RabbitMQ", False): (0.88, 1.3, None),
    ("RabbitMQ", True): (0.88, 1.3, None),
}


def drain(broker_name, has_results):
    of_loop, of_go, of_cpu = BARS[broker_name, has_results]
    bars = []
    for own in (OURS, OURS_MACHINERY):
        bars.append(Bar(own, "rate", at_least=of_loop, of=BARE_FAMILY))
        if of_cpu:
            bars.append(Bar(own, "cpu", at_most=of_cpu, of=BARE_FAMILY))
        bars.append(Bar(own, "rate", at_least=of_go, of=GO_FAMILY))
        bars.append(Bar(own, "rate", of=peers(broker_name)))

    def contests(site):
        broker = next(broker for broker in site.brokers if broker.name == broker_name)
        results = site.store if has_results else None

        def measure(worker):
            return site.drain(worker, broker, results, site.number(worker, site.scale.tasks))

        workers = [*celery_workers(), AioCeleryWorker(), *own_workers(site.programs), Bare(site.programs, "drain")]
        workers = [worker for worker in workers if broker_name in worker.brokers]
        return site.contests(workers, measure) + site.go_contests(measure)

    name = f"drain {broker_name.lower()}{' results' if has_results else ''}"
    title = f"Worked off: {broker_name}, {'results in Redis' if has_results else 'no results'}"
    return Row(name, title, ["rate", "cpu", "memory"], contests, bars)


ROWS = [drain(broker, results) for broker in ("Redis", "RabbitMQ") for results in (False, True)]
