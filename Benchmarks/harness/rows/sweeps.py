"""How the rate follows the number of handlers and the prefetch multiplier. Plots show them; nothing is judged."""
from harness.contestants import CeleriacWorker, CeleryWorker
from harness.row import Row

CONCURRENCIES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
MULTIPLIERS = (1, 2, 4, 8, 16, 32, 64)
# What is not swept stays at this.
CONCURRENCY = 16


def sweep(broker_name, what):
    def contests(site):
        broker = next(broker for broker in site.brokers if broker.name == broker_name)
        workers = []
        if what == "concurrency":
            for number in CONCURRENCIES:
                workers.append(CeleriacWorker(site.programs, f"Celeriac {number}", BENCH_CONCURRENCY=str(number)))
            for number in (1, 4, 16, 64):
                workers.append(CeleryWorker("threads", number))
                workers[-1].name = f"Celery threads {number}"
        else:
            for number in MULTIPLIERS:
                variables = {"BENCH_CONCURRENCY": str(CONCURRENCY), "BENCH_MULTIPLIER": str(number)}
                workers.append(CeleriacWorker(site.programs, f"Celeriac {number}", **variables))
            for number in (1, 4, 16, 64):
                workers.append(CeleryWorker("threads", CONCURRENCY, number))
                workers[-1].name = f"Celery threads {number}"
        return site.contests(
            workers, lambda worker: site.drain(worker, broker, site.store, site.number(worker, site.scale.tasks)))

    over = "handlers" if what == "concurrency" else f"prefetch multiplier, {CONCURRENCY} handlers"
    title = f"Rate over {over}: {broker_name}, results in Redis"
    return Row(f"{what} {broker_name.lower()}", title, ["rate", "cpu", "memory"], contests, quick=False)


ROWS = [sweep(broker, what) for what in ("concurrency", "prefetch") for broker in ("Redis", "RabbitMQ")]
