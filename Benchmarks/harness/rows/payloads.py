"""Messages of 100 bytes, 10 KB and 1 MB, drained with results: a task returns the length of its text."""
from harness.bars import Bar
from harness.contestants import OURS, OURS_MACHINERY, AioCeleryWorker, celery_workers, own_workers, peers
from harness.row import Row
from harness.work import Length

# The size, and the part of the tasks that are sent with it.
SIZES = {"100 B": (100, 1), "10 KB": (10_000, 4), "1 MB": (1_000_000, 100)}


def payload(broker_name, size_name):
    size, part = SIZES[size_name]

    def contests(site):
        broker = next(broker for broker in site.brokers if broker.name == broker_name)
        work = Length(size)

        def measure(worker):
            number = max(100, site.number(worker, site.scale.tasks // part))
            return site.drain(worker, broker, site.store, number, work)

        workers = [*celery_workers(), AioCeleryWorker(), *own_workers(site.programs)]
        workers = [worker for worker in workers if broker_name in worker.brokers]
        return site.contests(workers, measure) + site.go_contests(measure)

    bars = [Bar(own, "rate", at_least=1, of=peers(broker_name)) for own in (OURS, OURS_MACHINERY)]
    title = f"Payloads of {size_name}: {broker_name}, results in Redis"
    return Row(f"payload {broker_name.lower()} {size_name}", title, ["rate", "cpu", "memory"], contests, bars, quick=False)


ROWS = [payload(broker, size) for broker in ("Redis", "RabbitMQ") for size in SIZES]
