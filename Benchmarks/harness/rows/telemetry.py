"""What events, metrics and traces cost a worker that has them on."""
from harness.bars import Bar
from harness.contestants import CeleriacWorker
from harness.row import Row

OFF, ALL = "all off", "all on"
KINDS = {OFF: "", "events": "events", "metrics": "metrics", "traces": "traces", ALL: "events,metrics,traces"}


def telemetry(broker_name):
    def contests(site):
        broker = next(broker for broker in site.brokers if broker.name == broker_name)
        workers = [CeleriacWorker(site.programs, name, BENCH_TELEMETRY=kinds) for name, kinds in KINDS.items()]
        return site.contests(workers, lambda worker: site.drain(worker, broker, site.store, site.scale.tasks))

    bars = [Bar(name, metric, of=OFF) for name in KINDS if name != OFF for metric in ("rate", "cpu")]
    note = "Metrics and spans are kept in the worker's memory, by the test kits of their packages; exporting them comes on top."
    title = f"Events, metrics and traces: {broker_name}, results in Redis"
    return Row(f"telemetry {broker_name.lower()}", title, ["rate", "cpu", "memory"], contests, bars, note, quick=False)


ROWS = [telemetry(broker) for broker in ("Redis", "RabbitMQ")]
